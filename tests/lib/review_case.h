/* SPDX-License-Identifier: Apache-2.0 */
/* Whole admission reviews: an object goes in as the API server would send it, and what came out is looked at. */
#ifndef KT_TESTS_LIB_REVIEW_CASE_H
#define KT_TESTS_LIB_REVIEW_CASE_H

#include "admission/review.h"
#include "tests/lib/admission_case.h"
#include "tests/lib/apiserver_checks.h"

#define KT_REVIEW_CASE_UID "705ab4f5-6393-11e8-b7cc-42010a800002"

struct kt_review_case {
    struct kt_admission_case admission; /* settings, cluster and base objects; its arena holds the inputs */
    struct kt_arena work;               /* as a worker's: KT_LIMIT_REVIEW_ARENA_BYTES, reset before each review */
    struct kt_strbuf answer;            /* of the last review; on the heap */
    struct kt_review_summary summary;
    struct kt_error error;
    struct kt_apiserver_verdict verdict; /* of kt_review_case_check */
};

void kt_review_case_init(struct kt_review_case *test);
void kt_review_case_release(struct kt_review_case *test);

/* The body of a review of a CREATE, or with an old object of an UPDATE. kind's and resource's version are those of the
 * object's apiVersion. In the arena of the inputs. */
struct kt_str kt_review_case_body(struct kt_review_case *test, const cJSON *object, const cJSON *old, bool dry_run);
/* Any request with a uid, as an envelope around the JSON text of its further members: "\"operation\":\"DELETE\"". */
struct kt_str kt_review_case_envelope(struct kt_review_case *test, const char *members);

/* kt_review_answer with a fresh arena; its code. */
int kt_review_case_answer(struct kt_review_case *test, enum kt_review_kind kind, struct kt_str body);
/* The same; then what the API server would say of the answer to this object (test->verdict, in the arena of the
 * inputs). Returns NULL, or what is wrong: no answer, or one that the API server would not take. */
const char *kt_review_case_check(struct kt_review_case *test, enum kt_review_kind kind, struct kt_str body,
                                 cJSON *object);

/* Is there a warning in the last checked answer that holds this text? */
bool kt_review_case_warns(const struct kt_review_case *test, const char *text);

#endif
