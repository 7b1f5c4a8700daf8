/* SPDX-License-Identifier: Apache-2.0 */
/* Any line to `kaito-webhook review`: one line of JSON comes back, with the schema and without. */
#include <stdlib.h>

#include "admission/review.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(struct kt_arena *arena, const struct kt_strbuf *answer)
{
    struct kt_json_parsed parsed;
    if (answer->failed || arena->failed)
        return;
    if (memchr(answer->data, '\n', answer->length) ||
        kt_json_parse(arena, kt_strbuf_view(answer), KT_JSON_DUPLICATES_REFUSE, &parsed, NULL) != 0 ||
        !kt_json_is_object(parsed.root))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kt_review_line_options options = {.schema = size % 2 == 0};
    kt_settings_init(&options.settings);
    KT_CLEANUP(kt_arena_release) struct kt_arena arena, reader;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf answer;
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_arena_init(&reader, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_strbuf_init(&answer, NULL, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_review_line(&arena, (struct kt_str){(const char *)data, size}, &options, &answer);
    check_answer(&reader, &answer);
    kt_strbuf_clear(&answer);
    kt_review_line_unreadable((struct kt_str){(const char *)data, size}, "it is too long", &answer);
    check_answer(&reader, &answer);
    return 0;
}
