/* SPDX-License-Identifier: Apache-2.0 */
/* AdmissionReview v1 in and out, and the JSON-line form of `kaito-webhook review`. */
#ifndef KT_ADMISSION_REVIEW_H
#define KT_ADMISSION_REVIEW_H

#include "admission/admission.h"

enum kt_review_kind { KT_REVIEW_MUTATE, KT_REVIEW_VALIDATE };

/* What the server logs and counts; views into the arena. */
struct kt_review_summary {
    const char *uid;
    const char *namespace_;
    const char *name;
    const char *operation;
    const char *user;
    bool allowed;
    bool dry_run;
    size_t errors;
    size_t warnings;
    size_t patch_operations;
};

/* Reads an AdmissionReview body and appends the answer. The arena counts the work against KT_LIMIT_REVIEW_WORK; what
 * takes more is refused, with a sentence that says what is too large. KT_EPARSE / KT_EINVAL / KT_ELIMIT when no uid can
 * be read: the caller answers HTTP 400 (or 413) with the message. Anything wrong after the uid is known is a refusing
 * review. */
int kt_review_answer(struct kt_arena *arena, enum kt_review_kind kind, struct kt_str body,
                     const struct kt_settings *settings, const struct kt_cluster *cluster, struct kt_strbuf *answer,
                     struct kt_review_summary *ret, struct kt_error *error) KT_NODISCARD;

struct kt_review_line_options {
    bool schema; /* prune by the CRD, default, check the schema, then the rules; as an API server would */
    struct kt_settings settings; /* where a line says nothing */
};

/* One JSON line in, one answer line (without newline) appended. Never fails but for a full output buffer. The arena is
 * used, not reset, and counts the work as for kt_review_answer. */
void kt_review_line(struct kt_arena *arena, struct kt_str line, const struct kt_review_line_options *options,
                    struct kt_strbuf *answer);

/* Answers a line of which only the beginning could be read: refused with DECODE when the beginning has an id, otherwise
 * {"error"}. message says what is wrong with it. */
void kt_review_line_unreadable(struct kt_str beginning, const char *message, struct kt_strbuf *answer);

#endif
