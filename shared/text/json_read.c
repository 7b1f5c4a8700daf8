/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json.h"

#include <stdarg.h>
#include <string.h>

#include "base/limits.h"
#include "text/json_number.h"

static bool is_kind(const cJSON *node, int kind)
{
    return node && (node->type & 0xFF) == kind;
}

cJSON *kt_json_get(const cJSON *object, const char *key)
{
    if (!is_kind(object, cJSON_Object))
        return NULL;
    for (cJSON *member = object->child; member; member = member->next)
        if (*member->string == *key && strcmp(member->string, key) == 0)
            return member;
    return NULL;
}

cJSON *kt_json_get_n(const cJSON *object, struct kt_str key)
{
    if (!is_kind(object, cJSON_Object))
        return NULL;
    for (cJSON *member = object->child; member; member = member->next)
        if (strnlen(member->string, key.length + 1) == key.length &&
            (key.length == 0 || memcmp(member->string, key.data, key.length) == 0))
            return member;
    return NULL;
}

cJSON *kt_json_path(const cJSON *object, ...)
{
    va_list names;
    va_start(names, object);
    const cJSON *node = object;
    cJSON *found = NULL;
    for (const char *name = va_arg(names, const char *); name; name = va_arg(names, const char *))
        node = found = kt_json_get(node, name);
    va_end(names);
    return found;
}

cJSON *kt_json_item(const cJSON *array, size_t index)
{
    if (!is_kind(array, cJSON_Array))
        return NULL;
    cJSON *item = array->child;
    for (; item && index > 0; index--)
        item = item->next;
    return item;
}

size_t kt_json_count(const cJSON *container)
{
    size_t count = 0;
    if (!is_kind(container, cJSON_Array) && !is_kind(container, cJSON_Object))
        return 0;
    for (const cJSON *child = container->child; child; child = child->next)
        count++;
    return count;
}

bool kt_json_is_object(const cJSON *node)
{
    return is_kind(node, cJSON_Object);
}

bool kt_json_is_array(const cJSON *node)
{
    return is_kind(node, cJSON_Array);
}

bool kt_json_is_string(const cJSON *node)
{
    return is_kind(node, cJSON_String);
}

bool kt_json_is_number(const cJSON *node)
{
    return is_kind(node, cJSON_Number);
}

bool kt_json_is_bool(const cJSON *node)
{
    return is_kind(node, cJSON_True) || is_kind(node, cJSON_False);
}

bool kt_json_is_null(const cJSON *node)
{
    return is_kind(node, cJSON_NULL);
}

const char *kt_json_kind(const cJSON *node)
{
    if (!node)
        return "";
    switch (node->type & 0xFF) {
    case cJSON_Object:
        return "object";
    case cJSON_Array:
        return "array";
    case cJSON_String:
        return "string";
    case cJSON_Number: {
        int64_t value;
        return kt_json_int64(node, &value) ? "integer" : "number";
    }
    case cJSON_True:
    case cJSON_False:
        return "boolean";
    case cJSON_NULL:
        return "null";
    default:
        return "";
    }
}

const char *kt_json_string(const cJSON *node)
{
    return is_kind(node, cJSON_String) ? node->valuestring : NULL;
}

const char *kt_json_string_or(const cJSON *node, const char *fallback)
{
    const char *text = kt_json_string(node);
    return text ? text : fallback;
}

bool kt_json_int64(const cJSON *node, int64_t *ret)
{
    char buffer[KT_JSON_NUMBER_TEXT_BYTES];
    return is_kind(node, cJSON_Number) && kt_json_number_to_int64(kt_json_number_text(node, buffer), ret);
}

bool kt_json_double(const cJSON *node, double *ret)
{
    if (!is_kind(node, cJSON_Number))
        return false;
    *ret = node->valuedouble;
    return true;
}

bool kt_json_true(const cJSON *node)
{
    return is_kind(node, cJSON_True);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static bool equal_below(const cJSON *a, const cJSON *b, unsigned depth);

static bool equal_arrays(const cJSON *a, const cJSON *b, unsigned depth)
{
    const cJSON *left = a->child, *right = b->child;
    for (; left && right; left = left->next, right = right->next)
        if (!equal_below(left, right, depth + 1))
            return false;
    return !left && !right;
}

/* The member of b for a member of a. Both are mostly in the same order, so the search goes on after the last hit and
 * only then looks at the whole object. */
static const cJSON *matching_member(const cJSON *b, const cJSON *guess, const char *name)
{
    if (guess && strcmp(guess->string, name) == 0)
        return guess;
    return kt_json_get(b, name);
}

static bool equal_objects(const cJSON *a, const cJSON *b, unsigned depth)
{
    if (kt_json_count(a) != kt_json_count(b))
        return false;
    const cJSON *guess = b->child;
    for (const cJSON *member = a->child; member; member = member->next) {
        const cJSON *other = matching_member(b, guess, member->string);
        if (!other || !equal_below(member, other, depth + 1))
            return false;
        guess = other->next;
    }
    return true;
}

static bool equal_below(const cJSON *a, const cJSON *b, unsigned depth)
{
    if ((a->type & 0xFF) != (b->type & 0xFF) || depth > KT_LIMIT_TREE_DEPTH)
        return false;
    switch (a->type & 0xFF) {
    case cJSON_Object:
        return equal_objects(a, b, depth);
    case cJSON_Array:
        return equal_arrays(a, b, depth);
    case cJSON_String:
        return strcmp(a->valuestring, b->valuestring) == 0;
    case cJSON_Number: {
        char left[KT_JSON_NUMBER_TEXT_BYTES], right[KT_JSON_NUMBER_TEXT_BYTES];
        return kt_json_number_equal(kt_json_number_text(a, left), kt_json_number_text(b, right));
    }
    default:
        return true;
    }
}

bool kt_json_equal(const cJSON *a, const cJSON *b)
{
    if (!a || !b)
        return a == b;
    return equal_below(a, b, 0);
}
