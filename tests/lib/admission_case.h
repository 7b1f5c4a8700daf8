/* SPDX-License-Identifier: Apache-2.0 */
/* One admission, set up in a line or two: settings, cluster, objects and what came out. */
#ifndef KT_TESTS_LIB_ADMISSION_CASE_H
#define KT_TESTS_LIB_ADMISSION_CASE_H

#include "admission/admission.h"
#include "tests/lib/objects.h"

struct kt_admission_case {
    struct kt_arena arena;
    struct kt_settings settings;
    struct kt_cluster cluster;
    struct kt_cluster_objects storage;
    struct kt_admission_request request;
    struct kt_defaulting defaulting; /* of the last run */
    struct kt_findings findings;
};

/* Upstream's settings, and a cluster that has the tuning templates. */
void kt_admission_case_init(struct kt_admission_case *test);
void kt_admission_case_release(struct kt_admission_case *test);

/* A tuning of phi-3-mini with qlora on one A100, and an inference of it; each call gives a new tree. */
cJSON *kt_admission_case_tuning(struct kt_admission_case *test);
cJSON *kt_admission_case_inference(struct kt_admission_case *test);
/* The tuning or any object with a merge patch in JSON. */
cJSON *kt_admission_case_changed(struct kt_admission_case *test, const cJSON *object, const char *patch);

/* Runs kt_admission_judge; old NULL: a CREATE. The test fails when it returns an error. */
void kt_admission_case_judge(struct kt_admission_case *test, cJSON *object, cJSON *old);

/* The first finding of a rule (NULL: of any) at a field (NULL: any), or NULL. */
const struct kt_finding *kt_admission_case_finding(const struct kt_admission_case *test, const char *rule,
                                                   const char *field);
/* Text of a value of the defaulted object, by JSON pointer, as compact JSON; "" when it is absent. */
const char *kt_admission_case_value(struct kt_admission_case *test, const char *pointer);
const char *kt_admission_case_patch(struct kt_admission_case *test);

#endif
