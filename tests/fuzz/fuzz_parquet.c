/* SPDX-License-Identifier: Apache-2.0 */
/* A Parquet footer of any bytes: a report or a clean error, in bounded memory. */
#include <stdlib.h>

#include "dataset/parquet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_dataset_report report;
    struct kt_error error = {0};
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    int code = kt_parquet_read_footer(&arena, (struct kt_str){(const char *)data, size}, &report, &error);
    if (code != 0 && code != KT_EPARSE && code != KT_ELIMIT && code != KT_ENOMEM)
        abort();
    if (code != 0 && !error.message[0])
        abort();
    return 0;
}
