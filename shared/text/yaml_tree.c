/* SPDX-License-Identifier: Apache-2.0 */
#include "text/yaml_tree.h"

#include <stdarg.h>
#include <stdio.h>

#include "text/yaml_positions.h"

/* --- errors --------------------------------------------------------------------------------------------------------
 */

int kt_yaml_fail(struct kt_yaml_document *document, enum kt_error_code code, struct kt_position position,
                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char message[sizeof(document->error.message)];
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    document->root = NULL;
    document->error_position = position;
    if (position.line > 0)
        return kt_error_set(&document->error, code, "line %u, column %u: %s", position.line, position.column, message);
    return kt_error_set(&document->error, code, "%s", message);
}

int kt_yaml_no_memory(struct kt_yaml_document *document)
{
    return kt_yaml_fail(document, KT_ENOMEM, (struct kt_position){0}, "not enough memory to read the YAML text");
}

int kt_yaml_no_work(struct kt_yaml_document *document, struct kt_position position)
{
    return kt_yaml_fail(document, KT_ELIMIT, position,
                        "the YAML text takes more work to read than one request may cost");
}

static int fail_with(struct kt_yaml_tree *tree, const struct kt_error *error, struct kt_position position)
{
    return kt_yaml_fail(tree->document, error->code, position, "%s", error->message);
}

int kt_yaml_tree_init(struct kt_yaml_tree *tree, struct kt_arena *arena, struct kt_yaml_document *document)
{
    *tree = (struct kt_yaml_tree){.arena = arena, .document = document, .positions = kt_positions_new(arena)};
    document->positions = tree->positions;
    return tree->positions ? 0 : kt_yaml_no_memory(tree->document);
}

static struct kt_yaml_frame *top_frame(struct kt_yaml_tree *tree)
{
    return tree->depth > 0 ? &tree->frames[tree->depth - 1] : NULL;
}

static bool key_is_due(struct kt_yaml_tree *tree)
{
    struct kt_yaml_frame *frame = top_frame(tree);
    return frame && kt_json_is_object(frame->node) && !frame->key;
}

/* Keys do not count: each has a value. */
static int count_value(struct kt_yaml_tree *tree, struct kt_position position)
{
    if (!key_is_due(tree) && ++tree->values > KT_LIMIT_YAML_NODES)
        return kt_yaml_fail(tree->document, KT_ELIMIT, position, "the document has more than %d values",
                            KT_LIMIT_YAML_NODES);
    return 0;
}

/* --- anchors -------------------------------------------------------------------------------------------------------
 */

/* Returns 0 also when name is NULL. A name may be given again; the latest counts. */
static int add_anchor(struct kt_yaml_tree *tree, const char *name, struct kt_yaml_anchor anchor,
                      struct kt_position position)
{
    if (!name)
        return 0;
    if (tree->anchor_count == KT_LIMIT_YAML_ANCHORS)
        return kt_yaml_fail(tree->document, KT_ELIMIT, position, "the document has more than %d anchors (&name)",
                            KT_LIMIT_YAML_ANCHORS);
    if (!tree->anchors)
        tree->anchors = kt_arena_calloc(tree->arena, KT_LIMIT_YAML_ANCHORS, sizeof(*tree->anchors));
    anchor.name = kt_arena_strdup(tree->arena, name);
    if (!tree->anchors || !anchor.name)
        return kt_yaml_no_memory(tree->document);
    tree->anchors[tree->anchor_count++] = anchor;
    return 0;
}

/* Steps of work to compare a name with an anchor's. */
#define ANCHOR_STEPS 3

static const struct kt_yaml_anchor *find_anchor(const struct kt_yaml_tree *tree, const char *name)
{
    for (size_t i = tree->anchor_count; i-- > 0;)
        if (kt_streq(tree->anchors[i].name, name))
            return &tree->anchors[i];
    return NULL;
}

/* --- children ------------------------------------------------------------------------------------------------------
 */

static int attach(struct kt_yaml_tree *tree, cJSON *node, bool from_alias, struct kt_position position)
{
    struct kt_yaml_frame *frame = top_frame(tree);
    if (!frame) {
        tree->document->root = node;
        tree->document->start = position;
        kt_positions_set(tree->positions, node, position, (struct kt_position){0});
        return 0;
    }
    struct kt_position key_position = {0};
    if (frame->key) {
        const char *key = frame->key;
        frame->key = NULL;
        if (frame->merging) {
            frame->merging = false;
            return kt_yaml_merge(tree, frame, node, from_alias, position);
        }
        key_position = frame->key_position;
        node->string = kt_arena_strdup(tree->arena, key);
        if (!node->string)
            return kt_yaml_no_memory(tree->document);
    }
    kt_yaml_append_child(frame->node, node);
    frame->members++;
    kt_positions_set(tree->positions, node, position, key_position);
    return 0;
}

/* --- events --------------------------------------------------------------------------------------------------------
 */

int kt_yaml_tree_begin(struct kt_yaml_tree *tree, bool object, const char *anchor, struct kt_position position)
{
    int r = count_value(tree, position);
    if (r < 0)
        return r;
    if (key_is_due(tree))
        return kt_yaml_fail(tree->document, KT_EPARSE, position,
                            "a key must be a plain text, not a map or list: put {} or [] in quotes");
    if (tree->depth == KT_LIMIT_YAML_DEPTH)
        return kt_yaml_fail(tree->document, KT_ELIMIT, position, "maps and lists are nested more than %d deep",
                            KT_LIMIT_YAML_DEPTH);
    struct kt_yaml_frame frame = {.start = position};
    frame.node = object ? kt_json_new_object(tree->arena) : kt_json_new_array(tree->arena);
    if (!frame.node)
        return kt_yaml_no_memory(tree->document);
    r = add_anchor(tree, anchor, (struct kt_yaml_anchor){.node = frame.node, .open = true}, position);
    if (r < 0)
        return r;
    frame.anchor = anchor ? tree->anchor_count : 0;
    tree->frames[tree->depth++] = frame;
    return 0;
}

int kt_yaml_tree_end(struct kt_yaml_tree *tree)
{
    struct kt_yaml_frame *frame = top_frame(tree);
    if (!frame)
        return kt_yaml_fail(tree->document, KT_EINTERNAL, (struct kt_position){0}, "YAML events out of order");
    int r = kt_json_is_object(frame->node) ? kt_yaml_finish_object(tree, frame) : 0;
    if (r < 0)
        return r;
    if (frame->anchor > 0)
        tree->anchors[frame->anchor - 1].open = false;
    tree->depth--;
    return attach(tree, frame->node, false, frame->start);
}

static int take_key(struct kt_yaml_tree *tree, const struct kt_yaml_scalar *scalar, bool is_merge_key,
                    struct kt_position position)
{
    struct kt_yaml_frame *frame = top_frame(tree);
    struct kt_error *error = &tree->document->error; /* one for all: each is larger than what it is about */
    frame->key_position = position;
    frame->merging = is_merge_key;
    if (is_merge_key)
        frame->key = "<<";
    else if (kt_yaml_scalar_key(tree->arena, scalar, &frame->key, error) < 0)
        return fail_with(tree, error, position);
    return 0;
}

static int take_scalar(struct kt_yaml_tree *tree, const struct kt_yaml_scalar *scalar, bool from_alias,
                       struct kt_position position)
{
    struct kt_error *error = &tree->document->error;
    cJSON *node;
    if (kt_yaml_scalar_node(tree->arena, scalar, &node, error) < 0)
        return fail_with(tree, error, position);
    return attach(tree, node, from_alias, position);
}

int kt_yaml_tree_scalar(struct kt_yaml_tree *tree, const struct kt_yaml_scalar *scalar, bool is_merge_key,
                        const char *anchor, struct kt_position position)
{
    int r = count_value(tree, position);
    if (r == 0)
        r = add_anchor(tree, anchor, (struct kt_yaml_anchor){.scalar = *scalar}, position);
    if (r < 0)
        return r;
    return key_is_due(tree) ? take_key(tree, scalar, is_merge_key, position)
                            : take_scalar(tree, scalar, false, position);
}

static int attach_copy(struct kt_yaml_tree *tree, const struct kt_yaml_anchor *anchor, struct kt_position position)
{
    cJSON *copy;
    int r = kt_yaml_copy(tree, anchor->node, position, &copy);
    if (r < 0)
        return r;
    return attach(tree, copy, true, position);
}

int kt_yaml_tree_alias(struct kt_yaml_tree *tree, const char *name, struct kt_position position)
{
    int r = count_value(tree, position);
    if (r < 0)
        return r;
    if (!kt_arena_work(tree->arena, tree->anchor_count * ANCHOR_STEPS, KT_YAML_PART))
        return kt_yaml_no_work(tree->document, position);
    const struct kt_yaml_anchor *anchor = find_anchor(tree, name);
    if (!anchor)
        return kt_yaml_fail(tree->document, KT_EPARSE, position,
                            "no anchor &%.60s comes before this alias: put a text that begins with * in quotes", name);
    if (anchor->open)
        return kt_yaml_fail(tree->document, KT_EPARSE, position, "the anchor &%.60s contains itself", name);
    if (anchor->node && key_is_due(tree))
        return kt_yaml_fail(tree->document, KT_EPARSE, position,
                            "a key must be a plain text, but &%.60s is a map or list", name);
    if (anchor->node)
        return attach_copy(tree, anchor, position);
    if (key_is_due(tree))
        return take_key(tree, &anchor->scalar, false, position);
    if (++tree->alias_nodes > KT_LIMIT_YAML_ALIAS_NODES)
        return kt_yaml_fail(tree->document, KT_ELIMIT, position, "aliases and merge keys add more than %d values",
                            KT_LIMIT_YAML_ALIAS_NODES);
    return take_scalar(tree, &anchor->scalar, true, position);
}
