/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json.h"

#include <stdarg.h>
#include <string.h>

#include "base/limits.h"
#include "text/json_duplicates.h"
#include "text/json_number.h"

/* Steps of work to compare two nodes, whatever is below them. */
#define EQUAL_STEPS 6
#define EQUAL_PART "what is compared with the old object"

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

/* One comparison. */
struct comparing {
    struct kt_arena *arena; /* counts the work and lends room to sort in; NULL: neither */
};

static bool equal_below(struct comparing *comparing, const cJSON *a, const cJSON *b, unsigned depth);

static bool equal_arrays(struct comparing *comparing, const cJSON *a, const cJSON *b, unsigned depth)
{
    const cJSON *left = a->child, *right = b->child;
    for (; left && right; left = left->next, right = right->next)
        if (!equal_below(comparing, left, right, depth + 1))
            return false;
    return !left && !right;
}

/* Few members from left on: each is looked for in b, first where the last was found, which is at right. */
static bool equal_by_search(struct comparing *comparing, const cJSON *left, const cJSON *b, const cJSON *right,
                            unsigned depth)
{
    for (; left; left = left->next) {
        const cJSON *other = right && kt_streq(left->string, right->string) ? right : kt_json_get(b, left->string);
        if (!other || !equal_below(comparing, left, other, depth + 1))
            return false;
        right = other->next;
    }
    return true;
}

/* Many: both are sorted by name, once. */
static bool equal_by_sorting(struct comparing *comparing, const cJSON *left, const cJSON *right, size_t count,
                             unsigned depth)
{
    struct kt_arena *arena = comparing->arena;
    bool goes_on = kt_arena_work(arena, 2 * kt_json_sort_steps(count), EQUAL_PART);
    struct kt_json_key *space = goes_on ? kt_arena_calloc(arena, 4 * count, sizeof(*space)) : NULL;
    if (!space)
        return false;
    const struct kt_json_key *ours = kt_json_sort_members(left, count, space);
    const struct kt_json_key *theirs = kt_json_sort_members(right, count, space + 2 * count);
    for (size_t i = 0; i < count; i++)
        if (kt_json_compare_keys(&ours[i], &theirs[i]) != 0 ||
            !equal_below(comparing, ours[i].member, theirs[i].member, depth + 1))
            return false;
    return true;
}

/* Both are mostly in the same order: only from the first member on that is not are they looked for. */
static bool equal_objects(struct comparing *comparing, const cJSON *a, const cJSON *b, unsigned depth)
{
    size_t count = kt_json_count(a);
    if (count != kt_json_count(b))
        return false;
    const cJSON *left = a->child, *right = b->child;
    for (; left && kt_streq(left->string, right->string); left = left->next, right = right->next, count--)
        if (!equal_below(comparing, left, right, depth + 1))
            return false;
    return comparing->arena && count > KT_JSON_PAIRWISE_MEMBERS ? equal_by_sorting(comparing, left, right, count, depth)
                                                                : equal_by_search(comparing, left, b, right, depth);
}

static bool equal_numbers(const cJSON *a, const cJSON *b)
{
    char left[KT_JSON_NUMBER_TEXT_BYTES], right[KT_JSON_NUMBER_TEXT_BYTES];
    return kt_json_number_equal(kt_json_number_text(a, left), kt_json_number_text(b, right));
}

static bool equal_below(struct comparing *comparing, const cJSON *a, const cJSON *b, unsigned depth)
{
    if ((a->type & 0xFF) != (b->type & 0xFF) || depth > KT_LIMIT_TREE_DEPTH)
        return false;
    if (comparing->arena && !kt_arena_work(comparing->arena, EQUAL_STEPS, EQUAL_PART))
        return false;
    switch (a->type & 0xFF) {
    case cJSON_Object:
        return equal_objects(comparing, a, b, depth);
    case cJSON_Array:
        return equal_arrays(comparing, a, b, depth);
    case cJSON_String:
        return strcmp(a->valuestring, b->valuestring) == 0;
    case cJSON_Number:
        return equal_numbers(a, b);
    default:
        return true;
    }
}

bool kt_json_equal(const cJSON *a, const cJSON *b)
{
    struct comparing comparing = {NULL};
    return a && b ? equal_below(&comparing, a, b, 0) : a == b;
}

bool kt_json_equal_counted(struct kt_arena *arena, const cJSON *a, const cJSON *b)
{
    struct comparing comparing = {arena};
    return a && b ? equal_below(&comparing, a, b, 0) : a == b;
}
