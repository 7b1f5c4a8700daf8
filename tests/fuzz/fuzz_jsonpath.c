/* SPDX-License-Identifier: Apache-2.0 */
/* Any template on any tree: output or a clean error. Input: the template, a NUL, the JSON text of the tree. */
#include <stdlib.h>

#include "plugin/jsonpath.c" /* part of a program, so that no library has it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
    struct kt_json_parsed parsed;
    struct kt_error error = {0};
    kt_arena_init(&arena, (size_t)(8 * KT_MIB));
    kt_strbuf_init(&buffer, NULL, (size_t)KT_MIB);
    const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
    if (!end)
        return 0;
    struct kt_str json = {(const char *)end + 1, size - (size_t)(end - data) - 1};
    if (kt_json_parse(&arena, json, KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL) != 0)
        return 0;
    int code = kt_jsonpath_write(&arena, (const char *)data, parsed.root, &buffer, &error);
    if (code != 0 && (code != (int)error.code || !*error.message))
        abort();
    return 0;
}
