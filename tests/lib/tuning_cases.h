/* SPDX-License-Identifier: Apache-2.0 */
/* The tuning inputs of tests/unit/data/sizing (see the README there). */
#ifndef KT_TESTS_LIB_TUNING_CASES_H
#define KT_TESTS_LIB_TUNING_CASES_H

#include "sizing/sizing.h"
#include "tests/lib/tsv.h"

/* Columns of points.tsv and grid.tsv that every case has; what follows differs. */
#define KT_TUNING_CASE_COLUMNS 15

struct kt_tuning_case {
    const struct kt_tsv_row *row;
    struct kt_tuning_input input;
    struct kt_tuning_constants constants; /* input.constants points here */
};

/* All rows of a file with KT_TUNING_CASE_COLUMNS + extra_columns columns. */
struct kt_tuning_case *kt_test_tuning_cases(struct kt_arena *arena, const char *path, size_t extra_columns,
                                            size_t *ret_count);

#endif
