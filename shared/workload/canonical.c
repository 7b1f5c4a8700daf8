/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/canonical.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"

static int by_key(const void *left, const void *right)
{
    const cJSON *const *a = left, *const *b = right;
    return strcmp((*a)->string, (*b)->string);
}

static void cut(struct kt_strbuf *buffer, size_t length)
{
    buffer->length = length;
    buffer->data[length] = '\0';
}

static bool write_node(struct kt_arena *arena, struct kt_strbuf *buffer, const cJSON *node, size_t depth);

static bool write_object(struct kt_arena *arena, struct kt_strbuf *buffer, const cJSON *object, size_t depth)
{
    size_t count = 0;
    const cJSON **members = kt_arena_calloc(arena, kt_json_count(object) + 1, sizeof(*members));
    const cJSON *member;
    bool any = false;
    cJSON_ArrayForEach(member, object)
    {
        if (members && member->string)
            members[count++] = member;
    }
    if (!members) {
        buffer->failed = true;
        return false;
    }
    qsort(members, count, sizeof(*members), by_key);
    for (size_t i = 0; i < count; i++) {
        size_t before = buffer->length;
        kt_strbuf_putc(buffer, any ? ',' : '{');
        kt_json_write_string(buffer, kt_str(members[i]->string));
        kt_strbuf_putc(buffer, ':');
        if (write_node(arena, buffer, members[i], depth + 1))
            any = true;
        else if (!buffer->failed)
            cut(buffer, before); /* nothing in it: as if it were not there */
    }
    if (any)
        kt_strbuf_putc(buffer, '}');
    return any;
}

/* Items stand for themselves by their place, so an empty one is written. */
static bool write_array(struct kt_arena *arena, struct kt_strbuf *buffer, const cJSON *array, size_t depth)
{
    const cJSON *item;
    if (kt_json_count(array) == 0)
        return false;
    char before = '[';
    cJSON_ArrayForEach(item, array)
    {
        kt_strbuf_putc(buffer, before);
        before = ',';
        if (!write_node(arena, buffer, item, depth + 1))
            kt_strbuf_puts(buffer, "null");
    }
    kt_strbuf_putc(buffer, ']');
    return true;
}

static bool write_node(struct kt_arena *arena, struct kt_strbuf *buffer, const cJSON *node, size_t depth)
{
    int64_t number;
    if (depth > KT_LIMIT_TREE_DEPTH)
        buffer->failed = true;
    if (buffer->failed || !node || kt_json_is_null(node))
        return false;
    if (kt_json_is_object(node))
        return write_object(arena, buffer, node, depth);
    if (kt_json_is_array(node))
        return write_array(arena, buffer, node, depth);
    if (kt_json_int64(node, &number))
        kt_strbuf_printf(buffer, "%" PRId64, number);
    else
        kt_json_write(buffer, node, KT_JSON_COMPACT);
    return true;
}

bool kt_canonical_write(struct kt_arena *arena, struct kt_strbuf *buffer, const cJSON *node)
{
    return write_node(arena, buffer, node, 0);
}
