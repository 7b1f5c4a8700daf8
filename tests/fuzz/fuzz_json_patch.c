/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line is a document, the rest a JSON Patch or, when it is none, a pointer and a field path. A patch applies
 * as a whole or leaves the document alone, and what comes out can be written and read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "text/json_patch.h"
#include "text/json_pointer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static struct kt_str text_of(struct kt_arena *arena, const cJSON *node)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)(64 * KT_MIB));
    kt_json_write(&buffer, node, KT_JSON_COMPACT);
    demand(!buffer.failed);
    return kt_strbuf_view(&buffer);
}

static void apply(struct kt_arena *arena, cJSON *root, const cJSON *patch)
{
    struct kt_error error = {0};
    struct kt_json_parsed again;
    struct kt_str before = text_of(arena, root), patch_before = text_of(arena, patch);
    cJSON *result = root;
    int code = kt_json_patch_apply(arena, &result, patch, &error);
    demand(result == root);
    demand(kt_str_equal(patch_before, text_of(arena, patch)));
    struct kt_str after = text_of(arena, root);
    if (code < 0) {
        demand(code == error.code && (code == KT_EINVAL || code == KT_ELIMIT));
        demand(kt_utf8_valid(kt_str(error.message)));
        demand(kt_str_equal(before, after));
        return;
    }
    demand(kt_json_parse(arena, after, KT_JSON_DUPLICATES_REFUSE, &again, NULL) == 0);
    demand(kt_json_equal(again.root, root));
}

/* A pointer written for each node on the way must lead back to it. */
static void follow(struct kt_arena *arena, cJSON *root, struct kt_str rest)
{
    kt_json_pointer_find(root, rest);
    char *path = kt_arena_strndup(arena, rest.data, rest.length);
    kt_field_path_find(NULL, root, path, NULL);
    struct kt_strbuf pointer;
    kt_strbuf_init(&pointer, arena, (size_t)(64 * KT_MIB));
    for (cJSON *node = root; node; node = node->child) {
        if (node != root) {
            if (node->string)
                kt_json_pointer_add_key(&pointer, node->string);
            else
                kt_json_pointer_add_index(&pointer, 0);
        }
        demand(!pointer.failed);
        demand(kt_json_pointer_find(root, kt_strbuf_view(&pointer)) == node);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(512 * KT_MIB));
    const char *text = (const char *)data;
    const char *newline = size > 0 ? memchr(text, '\n', size) : NULL;
    if (!newline)
        return 0;
    struct kt_str line = {text, (size_t)(newline - text)};
    struct kt_str rest = {newline + 1, size - line.length - 1};
    struct kt_json_parsed document, patch;
    if (kt_json_parse(&arena, line, KT_JSON_DUPLICATES_LAST_WINS, &document, NULL) != 0)
        return 0;
    if (kt_json_parse(&arena, rest, KT_JSON_DUPLICATES_LAST_WINS, &patch, NULL) == 0)
        apply(&arena, document.root, patch.root);
    else
        follow(&arena, document.root, rest);
    return 0;
}
