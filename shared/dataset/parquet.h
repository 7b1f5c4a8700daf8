/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the footer of a Parquet file says: columns with their types, and the number of rows. The rows themselves are not
 * read. Format: apache/parquet-format, parquet.thrift.
 */
#ifndef KT_DATASET_PARQUET_H
#define KT_DATASET_PARQUET_H

#include "dataset/dataset.h"

/* A file ends with its footer, the footer's length in four bytes (little end first), and "PAR1". */
#define KT_PARQUET_TAIL_BYTES ((size_t)8)
/* Length of the footer by the last bytes of a file of this size. KT_EPARSE, KT_ELIMIT. */
int kt_parquet_footer_length(const char tail[KT_PARQUET_TAIL_BYTES], uint64_t file_bytes, size_t *ret,
                             struct kt_error *error) KT_NODISCARD;
/* Reads a footer into a report whose rows are unread. Texts are in the arena. KT_EPARSE, KT_ELIMIT, KT_ENOMEM. */
int kt_parquet_read_footer(struct kt_arena *arena, struct kt_str footer, struct kt_dataset_report *ret,
                           struct kt_error *error) KT_NODISCARD;

#endif
