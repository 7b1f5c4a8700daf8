/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON text: scan (json_scan.c), tree (json_tree.c), then one walk for number texts and duplicate keys. */
#include "text/json.h"

#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "text/json_duplicates.h"
#include "text/json_scan.h"
#include "text/json_tree.h"

/* Steps of work to tell of a key that is given twice, beside those for the bytes of its path. */
#define DUPLICATE_STEPS 400

/* --- the walk after parsing --------------------------------------------------------------------------------------- */

struct walk {
    struct kt_arena *arena;
    struct kt_str source; /* as the caller gave it */
    char *text;           /* our copy: texts of numbers and strings are views into it */
    const struct kt_json_scan *scan;
    size_t next_number;
    enum kt_json_duplicates policy;
    struct kt_json_key *sort_space; /* for two times the largest object */
    size_t keys_seen;
    cJSON *open[KT_LIMIT_JSON_DEPTH + 1];  /* containers from the root inwards */
    size_t index[KT_LIMIT_JSON_DEPTH + 1]; /* which child of each is being visited */
    size_t depth;
    const cJSON *path_object; /* whose path is known, because it had a duplicate before */
    const char *path;
    const struct kt_json_duplicate *first_duplicate;
    const struct kt_json_duplicate **last_duplicate;
    struct kt_error *error;
};

static int out_of_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "not enough memory to read the JSON text");
}

/* Numbers come in the order of the text; the byte after one has been read, so it becomes the NUL. */
static int attach_number(struct walk *walk, cJSON *node)
{
    uint32_t offset = walk->scan->number_offsets[walk->next_number++];
    char *number = walk->text + offset;
    number[kt_json_scan_number(number)] = '\0';
    node->valuestring = number;
    if (isfinite(node->valuedouble))
        return 0;
    return kt_json_scan_fail(walk->error, walk->source, offset, "the number is too large");
}

/* Path of the innermost open object. Nothing here looks at siblings: there may be a duplicate in every object of a long
 * array. */
static const char *open_path(struct walk *walk)
{
    if (walk->path_object == walk->open[walk->depth - 1])
        return walk->path;
    struct kt_strbuf path;
    kt_strbuf_init(&path, walk->arena, KT_LIMIT_JSON_STRING_BYTES);
    for (size_t i = 1; i < walk->depth; i++) {
        if (kt_json_is_object(walk->open[i - 1])) {
            kt_strbuf_puts(&path, path.length > 0 ? "." : "");
            kt_strbuf_puts(&path, walk->open[i]->string);
        } else {
            kt_strbuf_printf(&path, "[%zu]", walk->index[i - 1]);
        }
    }
    if (path.failed)
        return NULL;
    walk->path_object = walk->open[walk->depth - 1];
    walk->path = path.data;
    return path.data;
}

static int refuse_duplicate(struct walk *walk, const cJSON *member, const char *path)
{
    struct kt_strbuf key;
    kt_strbuf_init(&key, walk->arena, KT_KIB);
    /* Quoted, so that control characters in a key cannot reach a terminal, and short. */
    struct kt_str name = kt_str(member->string);
    name.length = kt_utf8_prefix(name, 80);
    kt_json_write_string(&key, name);
    struct kt_strbuf where;
    kt_strbuf_init(&where, walk->arena, KT_KIB);
    struct kt_str shown = kt_str(path);
    shown.length = kt_utf8_prefix(shown, 120);
    kt_json_write_string(&where, shown);
    if (key.failed || where.failed)
        return out_of_memory(walk->error);
    size_t offset = kt_json_scan_key_offset(walk->source, walk->keys_seen);
    return kt_json_scan_fail(walk->error, walk->source, offset, "the key %s appears twice in %s", key.data,
                             shown.length > 0 ? where.data : "the top object");
}

static int report_duplicate(struct walk *walk, const cJSON *member)
{
    const char *path = open_path(walk);
    if (!path)
        return out_of_memory(walk->error);
    if (!kt_arena_work(walk->arena, DUPLICATE_STEPS + strlen(path), KT_JSON_PART))
        return kt_json_scan_out_of_work(walk->error);
    if (walk->policy == KT_JSON_DUPLICATES_REFUSE)
        return refuse_duplicate(walk, member, path);
    struct kt_json_duplicate *duplicate = kt_arena_alloc(walk->arena, sizeof(*duplicate));
    if (!duplicate)
        return out_of_memory(walk->error);
    *duplicate = (struct kt_json_duplicate){.path = path, .key = member->string};
    *walk->last_duplicate = duplicate;
    walk->last_duplicate = &duplicate->next;
    return 0;
}

static int enter_node(struct walk *walk, cJSON *node)
{
    if (walk->depth > 0 && kt_json_is_object(walk->open[walk->depth - 1])) {
        if (node->type & KT_JSON_MARK_REPEATED) {
            int code = report_duplicate(walk, node);
            if (code < 0)
                return code;
        }
        walk->keys_seen++;
    }
    if (kt_json_is_number(node))
        return attach_number(walk, node);
    if (kt_json_is_object(node))
        kt_json_mark_duplicates(node, walk->sort_space);
    return 0;
}

/* Takes the marks off and the member out when a later one has its name. */
static void leave_node(struct walk *walk, cJSON *node)
{
    bool superseded = node->type & KT_JSON_MARK_SUPERSEDED;
    node->type &= ~(KT_JSON_MARK_SUPERSEDED | KT_JSON_MARK_REPEATED);
    if (superseded)
        kt_json_detach(walk->open[walk->depth - 1], node);
}

/* Visits every node in the order of the text, without recursion. */
static int walk_tree(struct walk *walk, cJSON *root)
{
    cJSON *node = root;
    for (;;) {
        int code = enter_node(walk, node);
        if (code < 0)
            return code;
        if (node->child) {
            walk->index[walk->depth] = 0;
            walk->open[walk->depth++] = node;
            node = node->child;
            continue;
        }
        for (;;) {
            cJSON *next = node == root ? NULL : node->next;
            leave_node(walk, node);
            if (next) {
                walk->index[walk->depth - 1]++;
                node = next;
                break;
            }
            if (walk->depth == 0)
                return 0;
            node = walk->open[--walk->depth];
        }
    }
}

/* --- the front door ----------------------------------------------------------------------------------------------- */

int kt_json_parse_nodes(struct kt_arena *arena, struct kt_str text, enum kt_json_duplicates duplicates,
                        size_t limit_nodes, struct kt_json_parsed *ret, struct kt_error *error)
{
    char *copy = text.length < SIZE_MAX / 2 ? kt_arena_alloc(arena, text.length + KT_JSON_SCAN_PADDING) : NULL;
    if (!copy)
        return out_of_memory(error);
    if (text.length > 0)
        memcpy(copy, text.data, text.length);
    struct kt_json_scan scan;
    int code = kt_json_scan(arena, copy, text.length, limit_nodes, &scan, error);
    if (code < 0)
        return code;
    if (!kt_arena_work(arena, scan.work, KT_JSON_PART))
        return kt_json_scan_out_of_work(error);
    cJSON *root = kt_json_tree(arena, copy, &scan);
    if (!root)
        return out_of_memory(error);
    struct walk walk = {.arena = arena, .source = text, .text = copy, .scan = &scan, .policy = duplicates};
    walk.error = error;
    walk.last_duplicate = &walk.first_duplicate;
    if (scan.largest_object > KT_JSON_PAIRWISE_MEMBERS) {
        walk.sort_space = kt_arena_calloc(arena, scan.largest_object * 2, sizeof(*walk.sort_space));
        if (!walk.sort_space)
            return out_of_memory(error);
    }
    code = walk_tree(&walk, root);
    if (code < 0)
        return code;
    *ret = (struct kt_json_parsed){.root = root, .nodes = scan.nodes, .duplicates = walk.first_duplicate};
    return 0;
}

int kt_json_parse(struct kt_arena *arena, struct kt_str text, enum kt_json_duplicates duplicates,
                  struct kt_json_parsed *ret, struct kt_error *error)
{
    return kt_json_parse_nodes(arena, text, duplicates, KT_LIMIT_JSON_NODES, ret, error);
}

cJSON *kt_json_new_number_text(struct kt_arena *arena, struct kt_str text)
{
    if (text.length == 0 || text.length > KT_LIMIT_JSON_NUMBER_BYTES)
        return NULL;
    char *copy = kt_arena_strndup(arena, text.data, text.length);
    if (!copy || kt_json_scan_number(copy) != text.length)
        return NULL;
    cJSON *node = kt_arena_alloc(arena, sizeof(*node));
    if (!node)
        return NULL;
    kt_json_tree_number(node, copy);
    node->valuestring = copy;
    return isfinite(node->valuedouble) ? node : NULL;
}
