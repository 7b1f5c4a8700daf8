/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json_pointer.h"

#include <string.h>

/* --- writing pointers --------------------------------------------------------------------------------------------- */

void kt_json_pointer_add_key(struct kt_strbuf *pointer, const char *key)
{
    kt_strbuf_putc(pointer, '/');
    for (const char *rest = key;;) {
        size_t plain = strcspn(rest, "~/");
        kt_strbuf_add(pointer, rest, plain);
        rest += plain;
        if (*rest == '\0')
            return;
        kt_strbuf_puts(pointer, *rest == '~' ? "~0" : "~1");
        rest++;
    }
}

void kt_json_pointer_add_index(struct kt_strbuf *pointer, size_t index)
{
    kt_strbuf_printf(pointer, "/%zu", index);
}

/* --- following pointers ------------------------------------------------------------------------------------------- */

bool kt_json_pointer_valid(struct kt_str pointer)
{
    if (pointer.length > 0 && pointer.data[0] != '/')
        return false;
    for (size_t i = 0; i < pointer.length; i++) {
        if (pointer.data[i] != '~')
            continue;
        if (i + 1 == pointer.length || (pointer.data[i + 1] != '0' && pointer.data[i + 1] != '1'))
            return false;
    }
    return true;
}

char *kt_json_pointer_unescape(struct kt_arena *arena, struct kt_str token)
{
    char *key = kt_arena_alloc(arena, token.length + 1);
    if (!key)
        return NULL;
    char *out = key;
    /* One pass, so that "~01" becomes "~1" and not "/". */
    for (size_t i = 0; i < token.length; i++) {
        char byte = token.data[i];
        if (byte == '~' && i + 1 < token.length)
            byte = token.data[++i] == '1' ? '/' : '~';
        *out++ = byte;
    }
    *out = '\0';
    return key;
}

bool kt_json_pointer_index(struct kt_str token, size_t *ret)
{
    if (token.length == 0 || (token.length > 1 && token.data[0] == '0'))
        return false;
    size_t index = 0;
    for (size_t i = 0; i < token.length; i++) {
        if (!kt_ascii_is_digit(token.data[i]))
            return false;
        if (__builtin_mul_overflow(index, (size_t)10, &index) ||
            __builtin_add_overflow(index, (size_t)(token.data[i] - '0'), &index))
            return false;
    }
    *ret = index;
    return true;
}

/* Is the key what the escaped token says? Without memory, as this runs for every member. */
static bool token_names(struct kt_str token, const char *key)
{
    for (size_t i = 0; i < token.length; i++, key++) {
        char byte = token.data[i];
        if (byte == '~' && i + 1 < token.length)
            byte = token.data[++i] == '1' ? '/' : '~';
        if (byte == '\0' || *key != byte)
            return false;
    }
    return *key == '\0';
}

static cJSON *step(const cJSON *container, struct kt_str token)
{
    size_t index;
    if (kt_json_is_array(container))
        return kt_json_pointer_index(token, &index) ? kt_json_item(container, index) : NULL;
    if (!kt_json_is_object(container))
        return NULL;
    for (cJSON *member = container->child; member; member = member->next)
        if (token_names(token, member->string))
            return member;
    return NULL;
}

/* Takes the first token off a pointer that is not empty and starts with '/'. */
static struct kt_str take_token(struct kt_str *pointer)
{
    struct kt_str token = {pointer->data + 1, pointer->length - 1};
    token.length = KT_MIN(kt_str_find_char(token, '/'), token.length);
    pointer->data += token.length + 1;
    pointer->length -= token.length + 1;
    return token;
}

cJSON *kt_json_pointer_parent(cJSON *root, struct kt_str pointer, struct kt_str *ret_token)
{
    if (pointer.length == 0 || !kt_json_pointer_valid(pointer))
        return NULL;
    cJSON *node = root;
    struct kt_str token = take_token(&pointer);
    while (node && pointer.length > 0) {
        node = step(node, token);
        token = take_token(&pointer);
    }
    if (node)
        *ret_token = token;
    return node;
}

cJSON *kt_json_pointer_find(cJSON *root, struct kt_str pointer)
{
    if (pointer.length == 0)
        return root;
    struct kt_str token;
    cJSON *parent = kt_json_pointer_parent(root, pointer, &token);
    return parent ? step(parent, token) : NULL;
}
