/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/ratchet.h"

#include "text/json_pointer.h"

static const char *const CONTENT[] = {"resource", "inference", "tuning"};

static bool same(const cJSON *a, const cJSON *b)
{
    bool a_absent = !a || kt_json_is_null(a);
    bool b_absent = !b || kt_json_is_null(b);
    return a_absent || b_absent ? a_absent == b_absent : kt_json_equal(a, b);
}

const char *kt_content_changed(const cJSON *now, const cJSON *before)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(CONTENT); i++) {
        if (!same(kt_json_get(now, CONTENT[i]), kt_json_get(before, CONTENT[i]))) {
            return CONTENT[i];
        }
    }
    return NULL;
}

/* The value at a field; where the field is absent, what it would be a member of. */
static cJSON *value_around(const cJSON *root, const char *field, bool *ret_exact)
{
    /* kt_field_path_find gives access to a node for those who change it; here it is only read. */
    return kt_field_path_find((cJSON *)(uintptr_t)root, field, ret_exact);
}

static bool field_unchanged(const cJSON *now, const cJSON *before, const char *field)
{
    bool now_exact = false;
    bool before_exact = false;
    if (!*field) {
        return !kt_content_changed(now, before);
    }
    const cJSON *new_value = value_around(now, field, &now_exact);
    const cJSON *old_value = value_around(before, field, &before_exact);
    return now_exact == before_exact && (new_value ? same(new_value, old_value) : !kt_content_changed(now, before));
}

static bool is_about_metadata(const struct kt_finding *finding)
{
    return strncmp(finding->field, "metadata", sizeof("metadata") - 1) == 0;
}

static bool is_deleting(const cJSON *object)
{
    return kt_json_is_string(kt_json_path(object, "metadata", "deletionTimestamp", NULL));
}

/* What the API server itself finds is not ours to soften: it refuses the object before or after us. */
static bool is_of_the_api_server(const struct kt_finding *finding)
{
    return kt_streq(finding->rule, "SCHEMA");
}

/* How an update bears on findings. */
struct update {
    const cJSON *now;
    const cJSON *before;
    bool content_unchanged;
    bool deleting;
};

/* An error of our own on what the update did not touch. */
static bool is_old_mistake(const struct update *update, const struct kt_finding *finding)
{
    bool content_untouched = update->content_unchanged && !is_about_metadata(finding);
    return finding->origin == KT_ORIGIN_OWN &&
           (content_untouched || field_unchanged(update->now, update->before, finding->field));
}

/* An error of upstream's too that we let pass, because nothing but metadata changes. */
static bool is_let_pass(const struct update *update, const struct kt_finding *finding)
{
    if (finding->origin != KT_ORIGIN_UPSTREAM || is_of_the_api_server(finding) || !update->content_unchanged) {
        return false;
    }
    return is_about_metadata(finding) ? update->deleting && field_unchanged(update->now, update->before, finding->field)
                                      : true;
}

void kt_ratchet(struct kt_findings *findings, const cJSON *now, const cJSON *before)
{
    struct update update = {now, before, !kt_content_changed(now, before), false};
    update.deleting = update.content_unchanged && is_deleting(now);
    bool is_refused = false;
    for (size_t i = 0; i < findings->count; i++) {
        struct kt_finding *finding = &findings->items[i];
        if (finding->severity == KT_SEVERITY_ERROR && is_old_mistake(&update, finding)) {
            finding->severity = KT_SEVERITY_WARNING;
        }
        is_refused = is_refused || (finding->severity == KT_SEVERITY_ERROR && !is_let_pass(&update, finding));
    }
    /* An update that is refused in any case hears everything. */
    for (size_t i = 0; i < findings->count && !is_refused; i++) {
        struct kt_finding *finding = &findings->items[i];
        if (finding->severity == KT_SEVERITY_ERROR) {
            finding->severity = KT_SEVERITY_WARNING;
            finding->rule = KT_RULE_METADATA_ONLY;
            finding->relaxed = true;
        }
    }
}
