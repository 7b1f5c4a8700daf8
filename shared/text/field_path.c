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

/* What stands between brackets: a key of an object or an index of an array. */
static cJSON *bracket_child(const cJSON *container, struct kt_str inside)
{
    size_t index;
    if (kt_json_is_array(container))
        return kt_json_pointer_index(inside, &index) ? kt_json_item(container, index) : NULL;
    return kt_json_get_n(container, inside);
}

/* at: behind a '['. A key may hold ']' itself, so every ']' that could end the step is tried. */
static cJSON *follow_bracket(const cJSON *container, const char *at, const char **ret_rest)
{
    for (const char *end = strchr(at, ']'); end; end = strchr(end + 1, ']')) {
        if (end[1] != '\0' && end[1] != '.' && end[1] != '[')
            continue;
        cJSON *child = bracket_child(container, (struct kt_str){at, (size_t)(end - at)});
        if (child) {
            *ret_rest = end + 1;
            return child;
        }
    }
    return NULL;
}

cJSON *kt_field_path_find(cJSON *root, const char *path, bool *ret_exact)
{
    cJSON *node = root, *deepest = NULL;
    const char *at = path;
    while (node && *at) {
        if (*at == '[') {
            node = follow_bracket(node, at + 1, &at);
        } else {
            at += *at == '.' && at != path;
            size_t length = strcspn(at, ".[");
            node = kt_json_get_n(node, (struct kt_str){at, length});
            at += length;
        }
        deepest = node ? node : deepest;
    }
    if (ret_exact)
        *ret_exact = node != NULL;
    return *path ? deepest : root;
}
