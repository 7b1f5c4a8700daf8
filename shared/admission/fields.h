/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family F: fields of a file that do not exist or stand there twice. On a server such fields are gone before a webhook
 * is asked; kubectl's default fieldValidation=Strict refuses them, and so do `check` and `tune`.
 *
 * Rules: F001 a field that the API does not have, F002 a field given twice (the last one counts). Both are errors of
 * our own: without strict validation they are dropped in silence.
 */
#ifndef KT_ADMISSION_FIELDS_H
#define KT_ADMISSION_FIELDS_H

#include "admission/findings.h"
#include "text/yaml.h"
#include "workspace/schema.h"

/* Adds F001 for each unknown field and F002 for each duplicate (NULL: none). Before the object is pruned. */
void kt_fields_check(struct kt_findings *findings, const struct kt_schema *schema, const cJSON *object,
                     const struct kt_yaml_duplicate *duplicates);

struct kt_field_rule {
    const char *id;
    const char *title;
    const char *reason;
};
/* For the documentation. */
extern const struct kt_field_rule kt_field_rules[];
extern const size_t kt_field_rule_count;

#endif
