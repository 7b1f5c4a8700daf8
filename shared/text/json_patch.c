/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json_patch.h"

#include <string.h>

#include "base/limits.h"
#include "text/json_pointer.h"

void kt_json_patch_add(struct kt_arena *arena, cJSON *patch, const char *pointer, cJSON *value)
{
    if (!value)
        return;
    cJSON *operation = kt_json_new_object(arena);
    kt_json_set_string(arena, operation, "op", "add");
    kt_json_set_string(arena, operation, "path", pointer);
    kt_json_set(arena, operation, "value", kt_json_reference(arena, value));
    /* Never half an operation. */
    if (!arena->failed)
        kt_json_append(arena, patch, operation);
}

/* --- applying ----------------------------------------------------------------------------------------------------- */

struct apply {
    struct kt_arena *arena;
    cJSON *root;   /* the copy that is changed */
    size_t nodes;  /* in the copy; replaced and removed ones still count, because their memory does */
    size_t number; /* of the operation */
    const char *op;
    struct kt_str path;
    cJSON *parent; /* of the place; NULL for the root */
    struct kt_str token;
    const cJSON *value; /* of the operation, not copied */
    struct kt_error *error;
};

static int refuse(const struct apply *apply, const char *reason)
{
    /* The path quoted and cut short: it may be hostile. */
    struct kt_strbuf path;
    kt_strbuf_init(&path, apply->arena, KT_KIB);
    kt_json_write_string(&path, (struct kt_str){apply->path.data, kt_utf8_prefix(apply->path, 100)});
    return kt_error_set(apply->error, KT_EINVAL, "operation %zu of the JSON Patch (%s %s): %s", apply->number,
                        apply->op, path.data, reason);
}

static int out_of_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "not enough memory to apply the JSON Patch");
}

/* Nodes of a tree and how many containers are nested in it; stops counting at the limits. */
static void measure(const cJSON *node, size_t outer_levels, size_t *nodes, size_t *levels)
{
    bool container = kt_json_is_object(node) || kt_json_is_array(node);
    outer_levels += container;
    *levels = KT_MAX(*levels, outer_levels);
    (*nodes)++;
    for (const cJSON *child = node->child; child && outer_levels <= KT_LIMIT_JSON_DEPTH; child = child->next) {
        if (*nodes > KT_LIMIT_JSON_NODES)
            return;
        measure(child, outer_levels, nodes, levels);
    }
}

static size_t tokens_of(struct kt_str pointer)
{
    size_t tokens = 0;
    for (size_t i = 0; i < pointer.length; i++)
        tokens += pointer.data[i] == '/';
    return tokens;
}

/* A copy of the operation's value that may be put in, within the limits. */
static int copy_value(struct apply *apply, cJSON **ret)
{
    size_t nodes = 0, levels = 0;
    measure(apply->value, 0, &nodes, &levels);
    if (levels + tokens_of(apply->path) > KT_LIMIT_JSON_DEPTH)
        return kt_error_set(apply->error, KT_ELIMIT, "the JSON Patch makes more levels of nesting than the limit of %d",
                            KT_LIMIT_JSON_DEPTH);
    apply->nodes += nodes;
    if (apply->nodes > KT_LIMIT_JSON_NODES)
        return kt_error_set(apply->error, KT_ELIMIT, "the JSON Patch makes more values than the limit of %d",
                            KT_LIMIT_JSON_NODES);
    cJSON *copy = kt_json_clone(apply->arena, apply->value);
    if (!copy)
        return out_of_memory(apply->error);
    *ret = copy;
    return 0;
}

static int add_to_array(struct apply *apply, cJSON *value)
{
    size_t index;
    if (kt_str_equal(apply->token, KT_STR("-"))) {
        kt_json_append(apply->arena, apply->parent, value);
        return 0;
    }
    if (!kt_json_pointer_index(apply->token, &index))
        return refuse(apply, "the last part of the path is not an index of an array");
    if (!kt_json_insert(apply->arena, apply->parent, index, value))
        return refuse(apply, "the index is beyond the end of the array");
    return 0;
}

static int apply_add(struct apply *apply)
{
    if (apply->parent && !kt_json_is_array(apply->parent) && !kt_json_is_object(apply->parent))
        return refuse(apply, "what the path leads through is neither an object nor an array");
    cJSON *value = NULL;
    int code = copy_value(apply, &value);
    if (code < 0)
        return code;
    if (!apply->parent) {
        apply->root = value;
        return 0;
    }
    if (kt_json_is_array(apply->parent))
        return add_to_array(apply, value);
    char *key = kt_json_pointer_unescape(apply->arena, apply->token);
    if (key)
        kt_json_set(apply->arena, apply->parent, key, value);
    return apply->arena->failed ? out_of_memory(apply->error) : 0;
}

static int apply_replace(struct apply *apply)
{
    cJSON *old = kt_json_pointer_find(apply->root, apply->path);
    if (!old)
        return refuse(apply, "there is nothing at this path to replace");
    cJSON *value = NULL;
    int code = copy_value(apply, &value);
    if (code < 0)
        return code;
    /* The node keeps its place and name and takes over the content. */
    struct cJSON place = *old;
    *old = *value;
    old->next = place.next;
    old->prev = place.prev;
    old->string = place.string;
    return 0;
}

static int apply_remove(struct apply *apply)
{
    cJSON *old = kt_json_pointer_find(apply->root, apply->path);
    if (!old)
        return refuse(apply, "there is nothing at this path to remove");
    if (!apply->parent)
        return refuse(apply, "the whole object cannot be removed");
    kt_json_detach(apply->parent, old);
    return 0;
}

static int apply_test(struct apply *apply)
{
    cJSON *node = kt_json_pointer_find(apply->root, apply->path);
    if (!node)
        return refuse(apply, "there is nothing at this path to test");
    return kt_json_equal(node, apply->value) ? 0 : refuse(apply, "the value there is another one");
}

static const struct {
    const char *name;
    bool needs_value;
    int (*run)(struct apply *apply);
} operations[] = {
    {"add", true, apply_add},
    {"replace", true, apply_replace},
    {"remove", false, apply_remove},
    {"test", true, apply_test},
};

/* Row of the operation's name, or the number of rows. */
static size_t find_operation(const cJSON *operation)
{
    const char *name = kt_json_string_or(kt_json_get(operation, "op"), "");
    size_t row = 0;
    while (row < KT_ARRAY_LENGTH(operations) && !kt_streq(operations[row].name, name))
        row++;
    return row;
}

static int apply_operation(struct apply *apply, const cJSON *operation)
{
    size_t row = find_operation(operation);
    bool known = row < KT_ARRAY_LENGTH(operations);
    const cJSON *path = kt_json_get(operation, "path");
    apply->op = known ? operations[row].name : "unknown";
    apply->path = kt_str(kt_json_string_or(path, ""));
    apply->value = kt_json_get(operation, "value");
    if (!known)
        return refuse(apply, "op must be one of add, replace, remove and test");
    if (!kt_json_is_string(path))
        return refuse(apply, "path must be a string");
    if (!kt_json_pointer_valid(apply->path))
        return refuse(apply, "the path is not a JSON pointer: it must be empty or start with /, and ~ be ~0 or ~1");
    if (operations[row].needs_value && !apply->value)
        return refuse(apply, "it has no value");
    apply->parent = kt_json_pointer_parent(apply->root, apply->path, &apply->token);
    if (!apply->parent && apply->path.length > 0)
        return refuse(apply, "a part of the path does not exist");
    return operations[row].run(apply);
}

int kt_json_patch_apply(struct kt_arena *arena, cJSON **root, const cJSON *patch, struct kt_error *error)
{
    if (!kt_json_is_array(patch))
        return kt_error_set(error, KT_EINVAL, "a JSON Patch must be an array of operations");
    if (kt_json_count(patch) > KT_LIMIT_PATCH_OPERATIONS)
        return kt_error_set(error, KT_ELIMIT, "the JSON Patch has more operations than the limit of %d",
                            KT_LIMIT_PATCH_OPERATIONS);
    struct apply apply = {.arena = arena, .root = kt_json_clone(arena, *root), .error = error};
    if (!apply.root)
        return out_of_memory(error);
    size_t levels = 0;
    measure(apply.root, 0, &apply.nodes, &levels);
    for (const cJSON *operation = patch->child; operation; operation = operation->next) {
        apply.number++;
        int code = apply_operation(&apply, operation);
        if (code < 0)
            return code;
        if (arena->failed)
            return out_of_memory(error);
    }
    struct cJSON place = **root;
    **root = *apply.root;
    (*root)->next = place.next;
    (*root)->prev = place.prev;
    (*root)->string = place.string;
    return 0;
}
