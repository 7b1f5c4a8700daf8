/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/fields.h"

#define UNKNOWN "F001"
#define DUPLICATE "F002"

const struct kt_field_rule kt_field_rules[] = {
    {UNKNOWN, "every field is one that the API has",
     "the API server drops a field that it does not know, and what it was to say with it"},
    {DUPLICATE, "no field stands twice in one object",
     "only the last one counts, and nobody can tell which of the two was meant"},
};
const size_t kt_field_rule_count = KT_ARRAY_LENGTH(kt_field_rules);

void kt_fields_check(struct kt_findings *findings, const struct kt_schema *schema, const cJSON *object,
                     const struct kt_yaml_duplicate *duplicates)
{
    const struct kt_schema_unknown *unknown = kt_schema_unknown_fields(findings->arena, schema, object);
    for (; unknown; unknown = unknown->next) {
        const char *near = unknown->suggestion;
        kt_findings_add(findings, UNKNOWN, KT_SEVERITY_ERROR, KT_ORIGIN_OWN, unknown->path, KT_PROBLEM_FORBIDDEN, NULL,
                        "there is no such field%s%s%s", near ? "; did you mean \"" : "", near ? near : "",
                        near ? "\"?" : "");
    }
    for (; duplicates; duplicates = duplicates->next) {
        kt_findings_add(findings, DUPLICATE, KT_SEVERITY_ERROR, KT_ORIGIN_OWN, duplicates->path, KT_PROBLEM_DUPLICATE,
                        NULL, "this field stands here more than once, and only the last one counts");
    }
}
