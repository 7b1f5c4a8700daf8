/* SPDX-License-Identifier: Apache-2.0 */
/* Training data of any bytes: found the same however it comes in pieces, and never more rows than bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "dataset/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void show(void *context KT_UNUSED, struct kt_arena *arena, cJSON *row, struct kt_dataset_place place KT_UNUSED)
{
    kt_dataset_convert(arena, KT_CONVERT_TEXT, row);
    kt_dataset_convert(arena, KT_CONVERT_ALPACA, row);
}

static struct kt_dataset_reader *read_all(enum kt_dataset_format format, struct kt_str text, size_t piece,
                                          const struct kt_dataset_report **ret)
{
    const struct kt_dataset_options options = {format, show, NULL, 3};
    struct kt_dataset_reader *reader = kt_dataset_open(&options);
    demand(reader != NULL);
    for (size_t at = 0; at < text.length; at += piece) {
        if (!kt_dataset_feed(reader, (struct kt_str){text.data + at, KT_MIN(piece, text.length - at)}))
            break;
    }
    demand(kt_dataset_end(reader, ret, NULL) == 0);
    return reader;
}

static void judge(const struct kt_dataset_report *report)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    for (size_t i = 0; i < kt_trainer_image_count; i++) {
        struct kt_dataset_verdict verdict =
            kt_dataset_judge(&arena, report, &kt_trainer_images[i], (enum kt_dataset_conversion)(i % 3), true);
        demand(verdict.outcome != KT_DATASET_DIES || verdict.why != NULL);
        demand(report->bad_rows == 0 || verdict.outcome == KT_DATASET_DIES);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kt_str text = {(const char *)data, size};
    kt_dataset_guess("a.json", (struct kt_str){text.data, KT_MIN(size, KT_DATASET_HEAD_BYTES)});
    for (unsigned csv = 0; csv < 2; csv++) {
        enum kt_dataset_format format = csv ? KT_DATASET_CSV : KT_DATASET_JSON_ROWS;
        const struct kt_dataset_report *whole, *parts;
        struct kt_dataset_reader *first = read_all(format, text, SIZE_MAX / 2, &whole);
        struct kt_dataset_reader *second = read_all(format, text, 3, &parts);
        demand(whole->rows == parts->rows && whole->bad_rows == parts->bad_rows);
        demand(strcmp(whole->bad_words, parts->bad_words) == 0);
        demand(strcmp(whole->file_words, parts->file_words) == 0);
        demand(memcmp(whole->kinds, parts->kinds, sizeof(whole->kinds)) == 0);
        demand(whole->rows <= size + 1 && whole->bad_rows <= whole->rows);
        judge(whole);
        kt_dataset_close(&first);
        kt_dataset_close(&second);
    }
    return 0;
}
