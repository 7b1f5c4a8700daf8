/* SPDX-License-Identifier: Apache-2.0 */
/* Members of YAML maps: copies for aliases, merge keys, names given twice. */
#include "text/json_duplicates.h"
#include "text/json_pointer.h"
#include "text/yaml_positions.h"
#include "text/yaml_tree.h"

/* In cJSON's type beside the marks of json_duplicates.h, until the object is complete: came from a merge key. */
#define MARK_MERGED (1 << 18)
/* Steps of work to compare a member of a map with the others. */
#define MEMBER_STEPS 60
/* And to copy a node. */
#define COPY_STEPS 50
#define ALL_MARKS (MARK_MERGED | KT_JSON_MARK_SUPERSEDED | KT_JSON_MARK_REPEATED)

/* Keeps cJSON's invariant: child->prev is the last child. Unlike kt_json_set this does not look for the name first. */
void kt_yaml_append_child(cJSON *container, cJSON *child)
{
    child->next = NULL;
    if (!container->child) {
        container->child = child->prev = child;
        return;
    }
    child->prev = container->child->prev;
    child->prev->next = child;
    container->child->prev = child;
}

/* --- copies --------------------------------------------------------------------------------------------------------
 */

/* Nodes below and with node, up to a budget, and how deep they are nested. */
static size_t measure(const cJSON *node, size_t budget, size_t *ret_height)
{
    size_t nodes = 1, height = 0;
    bool container = kt_json_is_object(node) || kt_json_is_array(node);
    for (const cJSON *child = node->child; child && nodes <= budget; child = child->next) {
        size_t below = 0;
        nodes += measure(child, budget - nodes, &below);
        height = KT_MAX(height, below);
    }
    *ret_height = height + container;
    return nodes;
}

/* Counts the copy towards what aliases may add, so that no chain of aliases grows without bound. */
static int copy_counted(struct kt_yaml_tree *tree, const cJSON *node, struct kt_position position, cJSON **ret)
{
    size_t height, budget = KT_LIMIT_YAML_ALIAS_NODES - tree->alias_nodes;
    size_t nodes = measure(node, budget, &height);
    if (nodes > budget)
        return kt_yaml_fail(tree->document, KT_ELIMIT, position, "aliases and merge keys add more than %d values",
                            KT_LIMIT_YAML_ALIAS_NODES);
    if (tree->depth + height > KT_LIMIT_YAML_DEPTH)
        return kt_yaml_fail(tree->document, KT_ELIMIT, position, "maps and lists are nested more than %d deep",
                            KT_LIMIT_YAML_DEPTH);
    if (!kt_arena_work(tree->arena, nodes * COPY_STEPS, KT_YAML_PART))
        return kt_yaml_no_work(tree->document, position);
    tree->alias_nodes += nodes;
    *ret = kt_json_clone(tree->arena, node);
    return *ret ? 0 : kt_yaml_no_memory(tree->document);
}

/* Gives all nodes of a copy one position. */
static void place_copy(struct kt_yaml_tree *tree, const cJSON *copy, struct kt_position position)
{
    kt_positions_set(tree->positions, copy, position, copy->string ? position : (struct kt_position){0});
    for (const cJSON *child = copy->child; child; child = child->next)
        place_copy(tree, child, position);
}

/* Gives the nodes of a copy the positions of their originals. */
static void place_copy_like(struct kt_yaml_tree *tree, const cJSON *copy, const cJSON *original)
{
    kt_positions_set(tree->positions, copy, kt_positions_of_value(tree->positions, original),
                     kt_positions_of_key(tree->positions, original));
    const cJSON *child = original->child;
    for (const cJSON *child_copy = copy->child; child_copy; child_copy = child_copy->next, child = child->next)
        place_copy_like(tree, child_copy, child);
}

int kt_yaml_copy(struct kt_yaml_tree *tree, const cJSON *node, struct kt_position position, cJSON **ret)
{
    cJSON *copy;
    int r = copy_counted(tree, node, position, &copy);
    if (r < 0)
        return r;
    place_copy(tree, copy, position);
    *ret = copy;
    return 0;
}

/* --- merge keys --------------------------------------------------------------------------------------------------
 */

static void move_members(struct kt_yaml_frame *frame, cJSON *from)
{
    for (cJSON *member = from->child, *next; member; member = next) {
        next = member->next;
        member->type |= MARK_MERGED;
        kt_yaml_append_child(frame->node, member);
        frame->members++;
    }
    from->child = NULL;
}

/* The value of `<<`: a map, or a list of maps of which earlier ones go before later ones. Only a list that is written
 * out counts, not an alias of one. */
int kt_yaml_merge(struct kt_yaml_tree *tree, struct kt_yaml_frame *frame, cJSON *value, bool from_alias,
                  struct kt_position position)
{
    static const char wrong[] = "the value of a merge key (<<) must be a map or a list of maps";
    frame->has_merged = true;
    if (!from_alias) {
        /* The map may carry an anchor, and then it must stay as it is. */
        const cJSON *original = value;
        int r = copy_counted(tree, original, position, &value);
        if (r < 0)
            return r;
        place_copy_like(tree, value, original);
    }
    if (kt_json_is_object(value)) {
        move_members(frame, value);
        return 0;
    }
    if (!kt_json_is_array(value) || from_alias)
        return kt_yaml_fail(tree->document, KT_EPARSE, position, wrong);
    for (cJSON *item = value->child; item; item = item->next)
        if (!kt_json_is_object(item))
            return kt_yaml_fail(tree->document, KT_EPARSE, position, wrong);
    cJSON *item = value->child ? value->child->prev : NULL;
    for (; item; item = item == value->child ? NULL : item->prev)
        move_members(frame, item);
    return 0;
}

/* --- duplicates ----------------------------------------------------------------------------------------------------
 */

/* Of a member of the innermost open container, which its parents do not hold yet. */
static const char *member_path(struct kt_yaml_tree *tree, const char *key)
{
    struct kt_strbuf path;
    kt_strbuf_init(&path, tree->arena, KT_LIMIT_MANIFEST_BYTES);
    for (size_t i = 0; i + 1 < tree->depth; i++) {
        const struct kt_yaml_frame *frame = &tree->frames[i];
        if (frame->key)
            kt_field_path_add_key(&path, frame->key);
        else
            kt_field_path_add_index(&path, frame->members);
    }
    kt_field_path_add_key(&path, key);
    return path.failed ? NULL : path.data;
}

/* Keeps the list in the order of the text: an outer object ends after the inner ones. */
static int add_duplicate(struct kt_yaml_tree *tree, const cJSON *member)
{
    struct kt_position position = kt_positions_of_key(tree->positions, member);
    if (++tree->duplicate_count > KT_LIMIT_YAML_DUPLICATES)
        return kt_yaml_fail(tree->document, KT_ELIMIT, position, "more than %d keys are given twice",
                            KT_LIMIT_YAML_DUPLICATES);
    struct kt_yaml_duplicate *duplicate = kt_arena_alloc(tree->arena, sizeof(*duplicate));
    const char *path = member_path(tree, member->string);
    if (!duplicate || !path)
        return kt_yaml_no_memory(tree->document);
    if (!kt_arena_work(tree->arena, strlen(path), KT_YAML_PART))
        return kt_yaml_no_work(tree->document, position);
    const struct kt_yaml_duplicate **link = &tree->document->duplicates;
    struct kt_yaml_duplicate *before = NULL;
    for (const struct kt_yaml_duplicate *at = *link; at; at = at->next) {
        if (at->position.line > position.line ||
            (at->position.line == position.line && at->position.column > position.column))
            break;
        before = (struct kt_yaml_duplicate *)(uintptr_t)at;
    }
    *duplicate = (struct kt_yaml_duplicate){path, position, before ? before->next : *link};
    if (before)
        before->next = duplicate;
    else
        *link = duplicate;
    return 0;
}

/* Marks members of the same name; NULL sort space only for few members. */
static int mark_duplicates(struct kt_yaml_tree *tree, struct kt_yaml_frame *frame)
{
    struct kt_json_key *sort_space = NULL;
    if (!kt_arena_work(tree->arena, frame->members * MEMBER_STEPS, KT_YAML_PART))
        return kt_yaml_no_work(tree->document, frame->start);
    if (frame->members > KT_JSON_PAIRWISE_MEMBERS) {
        sort_space = kt_arena_calloc(tree->arena, 2 * frame->members, sizeof(*sort_space));
        if (!sort_space)
            return kt_yaml_no_memory(tree->document);
    }
    kt_json_mark_duplicates(frame->node, sort_space);
    return 0;
}

static int report_repeated(struct kt_yaml_tree *tree, const struct kt_yaml_frame *frame)
{
    for (const cJSON *member = frame->node->child; member; member = member->next) {
        int r = member->type & KT_JSON_MARK_REPEATED ? add_duplicate(tree, member) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* The last member of a name stays. */
static void drop_superseded(cJSON *object)
{
    for (cJSON *member = object->child, *next; member; member = next) {
        next = member->next;
        if (member->type & KT_JSON_MARK_SUPERSEDED)
            kt_json_detach(object, member);
        member->type &= ~ALL_MARKS;
    }
}

/* Two keys in the text are duplicates, but a key may replace what a merge key brought, and a later merge key replaces
 * keys before it. So the members of the text are looked at first, alone, then all in their order. */
static int finish_merged(struct kt_yaml_tree *tree, struct kt_yaml_frame *frame)
{
    cJSON **all = kt_arena_calloc(tree->arena, frame->members, sizeof(cJSON *));
    if (!all)
        return kt_yaml_no_memory(tree->document);
    size_t count = 0;
    for (cJSON *member = frame->node->child; member; member = member->next)
        all[count++] = member;
    frame->node->child = NULL;
    for (size_t i = 0; i < count; i++)
        if (!(all[i]->type & MARK_MERGED))
            kt_yaml_append_child(frame->node, all[i]);
    int r = mark_duplicates(tree, frame);
    if (r == 0)
        r = report_repeated(tree, frame);
    if (r < 0)
        return r;
    frame->node->child = NULL;
    for (size_t i = 0; i < count; i++) {
        all[i]->type &= ~ALL_MARKS;
        kt_yaml_append_child(frame->node, all[i]);
    }
    if ((r = mark_duplicates(tree, frame)) < 0)
        return r;
    drop_superseded(frame->node);
    return 0;
}

int kt_yaml_finish_object(struct kt_yaml_tree *tree, struct kt_yaml_frame *frame)
{
    if (frame->members > KT_LIMIT_JSON_MEMBERS)
        return kt_yaml_fail(tree->document, KT_ELIMIT, frame->start, "a map has more than %d keys",
                            KT_LIMIT_JSON_MEMBERS);
    if (frame->has_merged && frame->members > 0)
        return finish_merged(tree, frame);
    int r = mark_duplicates(tree, frame);
    if (r == 0)
        r = report_repeated(tree, frame);
    if (r == 0)
        drop_superseded(frame->node);
    return r;
}
