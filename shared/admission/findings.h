/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with, or worth saying about, a user's object. A list, collected to the end and sorted; never mixed with
 * faults (base/error.h).
 */
#ifndef KT_ADMISSION_FINDINGS_H
#define KT_ADMISSION_FINDINGS_H

#include "base/arena.h"
#include "base/strbuf.h"

enum kt_severity { KT_SEVERITY_ERROR, KT_SEVERITY_WARNING };

/* Would upstream Kaito v0.12.0 refuse this too (UPSTREAM), or is it exactly where upstream would pass (OWN)? */
enum kt_origin { KT_ORIGIN_UPSTREAM, KT_ORIGIN_OWN };

/* The kinds of Kubernetes field errors, in its own words. */
enum kt_problem {
    KT_PROBLEM_REQUIRED,    /* "Required value" */
    KT_PROBLEM_INVALID,     /* "Invalid value: \"x\"" */
    KT_PROBLEM_UNSUPPORTED, /* "Unsupported value: \"x\"" */
    KT_PROBLEM_FORBIDDEN,   /* "Forbidden" */
    KT_PROBLEM_DUPLICATE,   /* "Duplicate value: \"x\"" */
    KT_PROBLEM_NOT_FOUND,   /* "Not found: \"x\"" */
    KT_PROBLEM_TOO_MANY,    /* "Too many: n" */
    KT_PROBLEM_NOTE,        /* no prefix: for warnings that are not about a wrong value */
};
/* metav1 cause types: "FieldValueRequired", "FieldValueInvalid", ... */
const char *kt_problem_cause_type(enum kt_problem problem);

struct kt_finding {
    const char *rule; /* stable id, "T004"; constant */
    enum kt_severity severity;
    enum kt_origin origin;
    bool relaxed; /* upstream refuses this, we admit it with this warning */
    enum kt_problem problem;
    const char *field;   /* API form, "tuning.input.urls[0]"; "" is the whole object */
    const char *path;    /* the same with the characters that `field` leaves out, to find the value; in the arena */
    const char *message; /* the whole lesson, without the field: "Unsupported value: ...; did you mean ...?" */
};

struct kt_findings {
    struct kt_arena *arena;
    struct kt_finding *items;
    size_t count;
    size_t capacity;
    bool truncated; /* more than KT_LIMIT_FINDINGS: the rest was counted as one error of rule "LIMIT" */
};

void kt_findings_init(struct kt_findings *findings, struct kt_arena *arena);

/* Adds a finding. The message is the problem's prefix, then, when the format is not empty, ": " (or nothing for NOTE)
 * and the formatted text, e.g. problem UNSUPPORTED, value "phi3": `Unsupported value: "phi3": supported values: ...`.
 * value may be NULL (REQUIRED, FORBIDDEN and NOTE have none); it is quoted, cut to 64 characters, and control
 * characters are escaped. field is copied. Returns the finding for further marks, or NULL when memory or the limit is
 * out. */
struct kt_finding *kt_findings_add(struct kt_findings *findings, const char *rule, enum kt_severity severity,
                                   enum kt_origin origin, const char *field, enum kt_problem problem, const char *value,
                                   const char *format, ...) KT_PRINTF(8, 9);

/* By field path (indices as numbers), then rule id, then message; equal ones are dropped. */
void kt_findings_sort(struct kt_findings *findings);
bool kt_findings_has_error(const struct kt_findings *findings);

/* Appends the JSON array [{"rule","severity","origin","relaxed","field","message"}, ...]; the same bytes in `check -o
 * json` and `review`. */
void kt_findings_write_json(struct kt_strbuf *buffer, const struct kt_findings *findings);

#endif
