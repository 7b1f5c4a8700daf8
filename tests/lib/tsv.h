/* SPDX-License-Identifier: Apache-2.0 */
/* Tab-separated test data. Like all of tests/lib, every function ends the program with a message when it cannot work.
 */
#ifndef KT_TESTS_LIB_TSV_H
#define KT_TESTS_LIB_TSV_H

#include "base/arena.h"
#include "base/str.h"

#define KT_TSV_MAX_CELLS 32

struct kt_tsv_row {
    size_t line; /* in the file, from 1 */
    const char *cells[KT_TSV_MAX_CELLS];
};

/* All lines of a file of the repository that are neither empty nor begin with '#'; each must have cell_count cells. */
const struct kt_tsv_row *kt_test_read_tsv(struct kt_arena *arena, const char *path, size_t cell_count,
                                          size_t *ret_count);
double kt_tsv_number(const struct kt_tsv_row *row, size_t cell);
uint32_t kt_tsv_u32(const struct kt_tsv_row *row, size_t cell);
/* Splits text at each separator; NULL-terminated, at most maximum items. */
const char *const *kt_test_split(struct kt_arena *arena, const char *text, char separator, size_t maximum,
                                 size_t *ret_count);

#endif
