/* SPDX-License-Identifier: Apache-2.0 */
/* For bodies that nobody should send: one review case for the test that runs, and what a clean answer to it is. */
#ifndef KT_TESTS_LIB_HOSTILE_CASE_H
#define KT_TESTS_LIB_HOSTILE_CASE_H

#include "tests/lib/cmocka_all.h"
#include "tests/lib/review_case.h"

/* Made anew for each test by kt_hostile_set_up; its inputs may take 512 MiB. */
extern struct kt_review_case kt_hostile;
struct kt_arena *kt_hostile_inputs(void);

/* For cmocka. A test that takes a quarter of an hour hangs, and is ended. */
int kt_hostile_set_up(void **state);
int kt_hostile_tear_down(void **state);

/* NULL, or what is wrong with the fault in kt_hostile.error. */
const char *kt_hostile_check_fault(int code);
/* Sends the body to both webhooks. NULL, or what is wrong with an answer. object: what a patch would apply to.
 * needs_answer: a fault is wrong, too. */
const char *kt_hostile_check(struct kt_str body, cJSON *object, bool needs_answer);

/* The test fails unless both webhooks give a clean answer or a clean fault. */
void kt_hostile_expect_clean(const char *name, struct kt_str body);
/* ... a clean fault: nothing in the body can be read, so there is no review to answer with. */
void kt_hostile_expect_fault(const char *name, struct kt_str body);
/* ... and the validating webhook refuses with this status code. */
void kt_hostile_expect_refusal(const char *name, struct kt_str body, int64_t code);

struct kt_str kt_hostile_repeat(const char *piece, size_t times);
/* A CREATE of the usual tuning, in which `marker` of its text stands for something else. */
struct kt_str kt_hostile_tuning_with(const char *marker, struct kt_str replacement);

#endif
