/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings as an API server passes them on: it drops those with control characters, keeps all of them whole while they
 * total 4096 characters, and shows equal ones once (apiserver endpoints/filters/warning.go). A list made here always
 * passes whole.
 */
#ifndef KT_ADMISSION_WARNINGS_H
#define KT_ADMISSION_WARNINGS_H

#include "admission/findings.h"
#include "base/limits.h"
#include "text/json.h"
#include "workspace/schema.h"

struct kt_warnings {
    struct kt_arena *arena;
    const char *items[KT_LIMIT_WARNINGS];
    size_t count;
    size_t left_out; /* beyond the limit; the last item then tells how many */
};

void kt_warnings_init(struct kt_warnings *warnings, struct kt_arena *arena);
/* Splits at line ends, takes out control characters, cuts each line to KT_LIMIT_WARNING_RUNES, drops empty and equal
 * ones. */
void kt_warnings_add(struct kt_warnings *warnings, struct kt_str text);
/* One for each finding that is a warning: "field: message". */
void kt_warnings_add_findings(struct kt_warnings *warnings, const struct kt_findings *findings);
/* One for each field that the API server drops. */
void kt_warnings_add_unknown(struct kt_warnings *warnings, const struct kt_schema_unknown *unknown);
/* One for each key that stands twice below the path `prefix` ("request.object"), which is left out of the text. */
void kt_warnings_add_duplicates(struct kt_warnings *warnings, const struct kt_json_duplicate *duplicates,
                                const char *prefix);
/* Appends ["...", ...]. */
void kt_warnings_write_json(struct kt_strbuf *buffer, const struct kt_warnings *warnings);

#endif
