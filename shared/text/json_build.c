/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building trees. cJSON's invariants for the children of a container hold throughout: child->prev is the last child,
 * the last child's next is NULL, and a node without a parent has neither prev nor next.
 */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "text/json.h"
#include "text/json_duplicates.h"
#include "text/json_number.h"

static cJSON *new_node(struct kt_arena *arena, int type)
{
    cJSON *node = kt_arena_alloc(arena, sizeof(*node));
    if (node)
        node->type = type;
    return node;
}

cJSON *kt_json_new_object(struct kt_arena *arena)
{
    return new_node(arena, cJSON_Object);
}

cJSON *kt_json_new_array(struct kt_arena *arena)
{
    return new_node(arena, cJSON_Array);
}

cJSON *kt_json_new_null(struct kt_arena *arena)
{
    return new_node(arena, cJSON_NULL);
}

cJSON *kt_json_new_bool(struct kt_arena *arena, bool value)
{
    cJSON *node = new_node(arena, value ? cJSON_True : cJSON_False);
    if (node)
        node->valueint = value; /* as cJSON's parser does */
    return node;
}

/* A node that keeps text as its valuestring; NULL when either is out of memory. */
static cJSON *new_text_node(struct kt_arena *arena, int type, const char *text, size_t length)
{
    char *copy = kt_arena_strndup(arena, text, length);
    cJSON *node = copy ? new_node(arena, type) : NULL;
    if (node)
        node->valuestring = copy;
    return node;
}

cJSON *kt_json_new_string_n(struct kt_arena *arena, struct kt_str text)
{
    return new_text_node(arena, cJSON_String, text.data, text.length);
}

cJSON *kt_json_new_string(struct kt_arena *arena, const char *text)
{
    return text ? kt_json_new_string_n(arena, kt_str(text)) : kt_json_new_null(arena);
}

static cJSON *new_number(struct kt_arena *arena, const char *text, double value)
{
    cJSON *node = new_text_node(arena, cJSON_Number, text, strlen(text));
    if (node) {
        node->valuedouble = value;
        /* Saturates as cJSON does; nothing of ours reads it. */
        node->valueint = value >= INT_MAX ? INT_MAX : value <= (double)INT_MIN ? INT_MIN : (int)value;
    }
    return node;
}

cJSON *kt_json_new_int(struct kt_arena *arena, int64_t value)
{
    char text[KT_JSON_NUMBER_TEXT_BYTES];
    snprintf(text, sizeof(text), "%" PRId64, value);
    return new_number(arena, text, (double)value);
}

cJSON *kt_json_new_double(struct kt_arena *arena, double value)
{
    if (!isfinite(value))
        return kt_json_new_null(arena);
    char text[KT_JSON_NUMBER_TEXT_BYTES];
    kt_json_number_write_double(text, value);
    return new_number(arena, text, value);
}

cJSON *kt_json_reference(struct kt_arena *arena, const cJSON *node)
{
    if (!node)
        return NULL;
    cJSON *copy = kt_arena_alloc(arena, sizeof(*copy));
    if (!copy)
        return NULL;
    *copy = *node;
    copy->next = copy->prev = NULL;
    copy->string = NULL;
    return copy;
}

/* --- lists of children -------------------------------------------------------------------------------------------- */

/* Puts a node without a parent in front of `before`, or at the end when that is NULL. */
static void link_child(cJSON *container, cJSON *before, cJSON *child)
{
    cJSON *first = container->child;
    child->next = before;
    if (!first) {
        container->child = child->prev = child;
    } else if (!before) {
        child->prev = first->prev;
        first->prev->next = child;
        first->prev = child;
    } else {
        child->prev = before->prev;
        if (before == first)
            container->child = child;
        else
            before->prev->next = child;
        before->prev = child;
    }
}

void kt_json_detach(cJSON *container, cJSON *child)
{
    if (!container || !child)
        return;
    if (child == container->child)
        container->child = child->next;
    else
        child->prev->next = child->next;
    if (child->next)
        child->next->prev = child->prev;
    else if (container->child)
        container->child->prev = child->prev;
    child->next = child->prev = NULL;
}

/* A node that has no parent: value itself, or a reference to it. */
static cJSON *without_parent(struct kt_arena *arena, cJSON *value)
{
    return value && (value->prev || value->next) ? kt_json_reference(arena, value) : value;
}

bool kt_json_insert(struct kt_arena *arena, cJSON *array, size_t index, cJSON *value)
{
    if (!kt_json_is_array(array) || !value)
        return false;
    cJSON *before = array->child;
    for (; before && index > 0; index--)
        before = before->next;
    cJSON *item = index == 0 ? without_parent(arena, value) : NULL;
    if (!item)
        return false;
    item->string = NULL;
    link_child(array, before, item);
    return true;
}

void kt_json_append(struct kt_arena *arena, cJSON *array, cJSON *value)
{
    cJSON *item = kt_json_is_array(array) ? without_parent(arena, value) : NULL;
    if (!item)
        return;
    item->string = NULL;
    link_child(array, NULL, item);
}

void kt_json_set(struct kt_arena *arena, cJSON *object, const char *key, cJSON *value)
{
    if (!kt_json_is_object(object) || !value)
        return;
    cJSON *old = kt_json_get(object, key);
    if (old == value)
        return;
    char *name = old ? old->string : kt_arena_strdup(arena, key);
    cJSON *member = name ? without_parent(arena, value) : NULL;
    if (!member)
        return;
    member->string = name;
    link_child(object, old, member);
    kt_json_detach(object, old);
}

void kt_json_add(struct kt_arena *arena, cJSON *object, const char *key, cJSON *value)
{
    char *name = kt_json_is_object(object) && value ? kt_arena_strdup(arena, key) : NULL;
    cJSON *member = name ? without_parent(arena, value) : NULL;
    if (!member)
        return;
    member->string = name;
    link_child(object, NULL, member);
}

void kt_json_keep_last(struct kt_arena *arena, cJSON *object)
{
    size_t count = kt_json_is_object(object) ? kt_json_count(object) : 0;
    struct kt_json_key *space = NULL;
    if (count < 2)
        return;
    if (count > KT_JSON_PAIRWISE_MEMBERS && !(space = kt_arena_calloc(arena, 2 * count, sizeof(*space))))
        return;
    kt_json_mark_duplicates(object, space);
    for (cJSON *member = object->child, *next; member; member = next) {
        next = member->next;
        if (member->type & KT_JSON_MARK_SUPERSEDED)
            kt_json_detach(object, member);
        member->type &= ~(KT_JSON_MARK_SUPERSEDED | KT_JSON_MARK_REPEATED);
    }
}

void kt_json_set_string(struct kt_arena *arena, cJSON *object, const char *key, const char *text)
{
    kt_json_set(arena, object, key, kt_json_new_string(arena, text));
}

void kt_json_set_int(struct kt_arena *arena, cJSON *object, const char *key, int64_t value)
{
    kt_json_set(arena, object, key, kt_json_new_int(arena, value));
}

void kt_json_set_bool(struct kt_arena *arena, cJSON *object, const char *key, bool value)
{
    kt_json_set(arena, object, key, kt_json_new_bool(arena, value));
}

void kt_json_remove(cJSON *object, const char *key)
{
    kt_json_detach(object, kt_json_get(object, key));
}

cJSON *kt_json_ensure_object(struct kt_arena *arena, cJSON *object, const char *key)
{
    cJSON *member = kt_json_get(object, key);
    if (kt_json_is_object(member))
        return member;
    kt_json_set(arena, object, key, kt_json_new_object(arena));
    member = kt_json_get(object, key);
    return kt_json_is_object(member) ? member : NULL;
}

/* --- cloning ------------------------------------------------------------------------------------------------------ */

/* The text, or a copy of it. NULL when memory is out, or when there is none. */
static char *clone_text(struct kt_arena *arena, char *text, bool copies_texts)
{
    return text && copies_texts ? kt_arena_strdup(arena, text) : text;
}

static cJSON *clone_below(struct kt_arena *arena, const cJSON *node, bool copies_texts, unsigned depth)
{
    if (depth > KT_LIMIT_TREE_DEPTH) {
        arena->failed = true;
        return NULL;
    }
    cJSON *copy = kt_json_reference(arena, node);
    if (!copy)
        return NULL;
    copy->child = NULL;
    copy->valuestring = clone_text(arena, node->valuestring, copies_texts);
    if (node->valuestring && !copy->valuestring)
        return NULL;
    for (const cJSON *child = node->child; child; child = child->next) {
        cJSON *child_copy = clone_below(arena, child, copies_texts, depth + 1);
        if (child_copy && child->string)
            child_copy->string = clone_text(arena, child->string, copies_texts);
        if (!child_copy || (child->string && !child_copy->string))
            return NULL;
        link_child(copy, NULL, child_copy);
    }
    return copy;
}

cJSON *kt_json_clone(struct kt_arena *arena, const cJSON *node)
{
    return node ? clone_below(arena, node, true, 0) : NULL;
}

cJSON *kt_json_clone_nodes(struct kt_arena *arena, const cJSON *node)
{
    return node ? clone_below(arena, node, false, 0) : NULL;
}
