/* SPDX-License-Identifier: Apache-2.0 */
/* Field paths in the API's form; declared in text/json_pointer.h. */
#include <string.h>

#include "text/json_pointer.h"

static bool is_plain_key(const char *key)
{
    if (*key == '\0')
        return false;
    for (; *key; key++)
        if (!kt_ascii_is_alnum(*key) && *key != '-' && *key != '_')
            return false;
    return true;
}

void kt_field_path_add_key(struct kt_strbuf *path, const char *key)
{
    if (!is_plain_key(key)) {
        kt_strbuf_putc(path, '[');
        kt_strbuf_puts(path, key);
        kt_strbuf_putc(path, ']');
        return;
    }
    if (path->length > 0)
        kt_strbuf_putc(path, '.');
    kt_strbuf_puts(path, key);
}

void kt_field_path_add_index(struct kt_strbuf *path, size_t index)
{
    kt_strbuf_printf(path, "[%zu]", index);
}

/* A search that counts the members and bytes that it looks at. */
struct search {
    struct kt_arena *arena; /* NULL: nothing is counted */
};

static bool goes_on(const struct search *search, size_t steps)
{
    return !search->arena || kt_arena_work(search->arena, steps, "what is compared with the old object");
}

static cJSON *member_named(const struct search *search, const cJSON *object, struct kt_str key)
{
    size_t steps = 2;
    cJSON *member = kt_json_is_object(object) ? object->child : NULL;
    while (member && (strncmp(member->string, key.data, key.length) != 0 || member->string[key.length] != '\0')) {
        member = member->next;
        steps += 2;
    }
    return goes_on(search, steps) ? member : NULL;
}

/* What stands between brackets: a key of an object or an index of an array. */
static cJSON *bracket_child(const struct search *search, const cJSON *container, struct kt_str inside)
{
    size_t index;
    if (!kt_json_is_array(container))
        return member_named(search, container, inside);
    return kt_json_pointer_index(inside, &index) && goes_on(search, index) ? kt_json_item(container, index) : NULL;
}

/* at: behind a '['. A key may hold ']' itself, so every ']' that could end the step is tried. */
static cJSON *follow_bracket(const struct search *search, const cJSON *container, const char *at, const char **ret_rest)
{
    for (const char *end = strchr(at, ']'); end && goes_on(search, 1); end = strchr(end + 1, ']')) {
        if (end[1] != '\0' && end[1] != '.' && end[1] != '[')
            continue;
        cJSON *child = bracket_child(search, container, (struct kt_str){at, (size_t)(end - at)});
        if (child) {
            *ret_rest = end + 1;
            return child;
        }
    }
    return NULL;
}

cJSON *kt_field_path_find(struct kt_arena *arena, cJSON *root, const char *path, bool *ret_exact)
{
    const struct search search = {arena};
    cJSON *node = root, *deepest = NULL;
    const char *at = path;
    while (node && *at) {
        if (*at == '[') {
            node = follow_bracket(&search, node, at + 1, &at);
        } else {
            at += *at == '.' && at != path;
            size_t length = strcspn(at, ".[");
            node = member_named(&search, node, (struct kt_str){at, length});
            at += length;
        }
        deepest = node ? node : deepest;
    }
    if (ret_exact)
        *ret_exact = node != NULL;
    return *path ? deepest : root;
}
