/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what an API server says when it refuses, head and body: words for people, without what steers a
 * terminal once it is shown. Input: a head, an empty line, a body. */
#include <stdlib.h>

#include "kube/client_internal.h"
#include "text/visible.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static struct kt_str read_head(struct kt_str text, struct kt_reply_headers *headers)
{
    while (text.length > 0) {
        size_t end = kt_str_find_char(text, '\n');
        size_t length = end == SIZE_MAX ? text.length : end + 1;
        struct kt_str line = {text.data, length};
        text = (struct kt_str){text.data + length, text.length - length};
        if (kt_str_trim(line).length == 0)
            break;
        kt_reply_headers_take(headers, line);
    }
    demand(headers->warning_count <= KT_CLIENT_WARNINGS && headers->content_type);
    demand(headers->retry_after_s >= -1);
    for (size_t i = 0; i < headers->warning_count; i++)
        demand(headers->warnings[i] && kt_utf8_valid(kt_str(headers->warnings[i])));
    return text;
}

static void check_words(struct kt_arena *arena, const struct kt_status *status)
{
    struct kt_error error = {0};
    struct kt_strbuf shown;
    demand(kt_status_error(status, &error) < 0);
    demand(error.code != KT_OK && *error.message && kt_utf8_valid(kt_str(error.message)));
    kt_strbuf_init(&shown, arena, (size_t)KT_MIB);
    kt_visible_write(&shown, kt_str(error.message), KT_VISIBLE_LINES);
    struct kt_str rest = kt_strbuf_view(&shown);
    while (rest.length > 0) {
        size_t step = kt_utf8_step(rest);
        demand(step > 0 && !kt_visible_steers((struct kt_str){rest.data, step}));
        demand((unsigned char)rest.data[0] >= ' ' || rest.data[0] == '\n' || rest.data[0] == '\t');
        rest = (struct kt_str){rest.data + step, rest.length - step};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_reply_headers headers;
    struct kt_json_parsed parsed;
    struct kt_status status = {0};
    kt_arena_init(&arena, (size_t)(16 * KT_MIB));
    kt_reply_headers_init(&headers, &arena);
    struct kt_str body = read_head((struct kt_str){(const char *)data, size}, &headers);
    int code = 400 + (int)(size % 200);
    if (kt_json_parse(&arena, body, KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL) != 0 ||
        !kt_status_parse(&arena, parsed.root, code, &status))
        kt_status_from_http(&arena, code, body, &status);
    check_words(&arena, &status);
    return 0;
}
