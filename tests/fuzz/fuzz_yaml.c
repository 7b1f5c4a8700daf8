/* SPDX-License-Identifier: Apache-2.0 */
/* YAML of any bytes: what is read can be written and read again, and is then the same; positions lie in the text. */
#include <stdlib.h>

#include "base/limits.h"
#include "text/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_positions(const struct kt_positions *positions, const cJSON *node, size_t size)
{
    struct kt_position value = kt_positions_of_value(positions, node), key = kt_positions_of_key(positions, node);
    if (value.line > size + 1 || value.column > size + 1 || key.line > size + 1 || key.column > size + 1)
        abort();
    for (const cJSON *child = node->child; child; child = child->next)
        check_positions(positions, child, size);
}

/* The one thing that does not come back: a number beyond 64 bits, which JSON text may hold and YAML rounds. */
static bool has_long_number(const cJSON *node)
{
    if (kt_json_is_number(node) && node->valuestring && strlen(node->valuestring) > 17)
        return true;
    for (const cJSON *child = node->child; child; child = child->next)
        if (has_long_number(child))
            return true;
    return false;
}

static void check_round_trip(struct kt_arena *arena, const cJSON *root)
{
    struct kt_strbuf written;
    struct kt_yaml_document again;
    struct kt_error error = {0};
    kt_strbuf_init(&written, arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    kt_yaml_write(&written, root);
    if (written.failed || written.length > KT_LIMIT_MANIFEST_BYTES || has_long_number(root))
        return;
    int r = kt_yaml_parse_one(arena, kt_strbuf_view(&written), &again, &error);
    if (r == KT_ENOMEM)
        return;
    if (r < 0 || again.duplicates || !kt_json_equal(again.root, root))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kt_arena arena;
    struct kt_yaml_documents documents = {0};
    struct kt_error error = {0};
    char *text = kt_heap_alloc(size > 0 ? size : 1);
    if (!text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    kt_arena_init(&arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    int r = kt_yaml_parse(&arena, (struct kt_str){text, size}, &documents, &error);
    if ((r < 0) != (error.code != KT_OK))
        abort();
    for (size_t i = 0; i < documents.count; i++) {
        const struct kt_yaml_document *document = &documents.items[i];
        if (document->error.code != KT_OK && (document->root || document->error.message[0] == '\0'))
            abort();
        if (document->error_position.line > size + 1)
            abort();
        if (!document->root)
            continue;
        check_positions(document->positions, document->root, size);
        check_round_trip(&arena, document->root);
    }
    kt_arena_release(&arena);
    kt_heap_free(text);
    return 0;
}
