/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reviews that cost more than their size tells: many shapes, each of as many items as are asked for. Used to measure
 * what a review costs (tests/bench/cost.c) and to hold it to the budget (tests/unit/test_review_cost.c).
 */
#ifndef KT_TESTS_LIB_COSTLY_REVIEW_H
#define KT_TESTS_LIB_COSTLY_REVIEW_H

#include "admission/review.h"
#include "base/strbuf.h"

/* A review and what it is judged among. Zeroed before the first use. */
struct kt_costly_review {
    struct kt_arena arena;
    struct kt_str body; /* an AdmissionReview */
    struct kt_settings settings;
    struct kt_cluster_objects storage;
    struct kt_cluster cluster;
};
/* For KT_CLEANUP. */
void kt_costly_review_release(struct kt_costly_review *review);

struct costly_parts;

struct kt_costly_shape {
    const char *name;
    size_t most; /* items with which it is the largest that the limits let through to the rules, or nearly */
    void (*write)(struct costly_parts *parts, size_t items);
};
extern const struct kt_costly_shape kt_costly_shapes[];
extern const size_t kt_costly_shape_count;

/* False when there is no memory. */
bool kt_costly_review_make(const struct kt_costly_shape *shape, size_t items, struct kt_costly_review *ret);

#endif
