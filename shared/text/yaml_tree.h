/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From events to a tree: containers, keys, anchors, aliases, merge keys and duplicates. Private to text/yaml_*.c.
 * Every function returns 0 or the code of the error that it has put into the document.
 */
#ifndef KT_TEXT_YAML_TREE_H
#define KT_TEXT_YAML_TREE_H

#include "base/limits.h"
#include "text/yaml.h"
#include "text/yaml_scalar.h"

/* A container whose end has not come yet. */
struct kt_yaml_frame {
    cJSON *node;
    struct kt_position start;
    size_t members;                  /* or items, so far */
    const char *key;                 /* of the member whose value comes next; NULL: a key comes next */
    struct kt_position key_position; /* of that key */
    bool merging;                    /* that key is a merge key */
    bool has_merged;                 /* some members came from a merge key */
    size_t anchor;                   /* its number from 1; 0: none */
};

struct kt_yaml_anchor {
    const char *name;
    cJSON *node;                  /* of a container; NULL: a scalar */
    struct kt_yaml_scalar scalar; /* of a scalar */
    bool open;                    /* of a container whose end has not come yet */
};

struct kt_yaml_tree {
    struct kt_arena *arena;
    struct kt_yaml_document *document;
    struct kt_positions *positions;
    size_t values;      /* events that became one */
    size_t alias_nodes; /* copied by aliases and merge keys */
    struct kt_yaml_frame frames[KT_LIMIT_YAML_DEPTH];
    size_t depth;
    struct kt_yaml_anchor *anchors; /* room for KT_LIMIT_YAML_ANCHORS; NULL before the first */
    size_t anchor_count;
    size_t duplicate_count;
    bool document_started; /* libyaml said that a document begins */
};

/* document: zeroed; its root, positions, duplicates and start are filled as events come. */
int kt_yaml_tree_init(struct kt_yaml_tree *tree, struct kt_arena *arena, struct kt_yaml_document *document);

/* anchor: NULL for none; copied. */
int kt_yaml_tree_begin(struct kt_yaml_tree *tree, bool object, const char *anchor, struct kt_position position);
int kt_yaml_tree_end(struct kt_yaml_tree *tree);
/* is_merge_key: where a key is due this is `<<`. */
int kt_yaml_tree_scalar(struct kt_yaml_tree *tree, const struct kt_yaml_scalar *scalar, bool is_merge_key,
                        const char *anchor, struct kt_position position);
int kt_yaml_tree_alias(struct kt_yaml_tree *tree, const char *anchor, struct kt_position position);

/* --- between yaml_tree.c and yaml_members.c ------------------------------------------------------------------------
 */

/* Puts child, which has no parent, behind the children that are there. */
void kt_yaml_append_child(cJSON *container, cJSON *child);
/* A copy for an alias at position, which all nodes of the copy get. It counts towards what aliases may add. */
int kt_yaml_copy(struct kt_yaml_tree *tree, const cJSON *node, struct kt_position position, cJSON **ret);
/* Takes the value of a merge key into the map of frame. */
int kt_yaml_merge(struct kt_yaml_tree *tree, struct kt_yaml_frame *frame, cJSON *value, bool from_alias,
                  struct kt_position position);
/* Leaves the last member of each name and records names that stand twice in the text. */
int kt_yaml_finish_object(struct kt_yaml_tree *tree, struct kt_yaml_frame *frame);
int kt_yaml_no_memory(struct kt_yaml_document *document);
/* The arena has no steps of work left for this text, whose part in the arena's words is KT_YAML_PART. */
int kt_yaml_no_work(struct kt_yaml_document *document, struct kt_position position);
#define KT_YAML_PART "the YAML text"

/* Sets the document's error, with line and column in front when the position is known, and drops its root. */
int kt_yaml_fail(struct kt_yaml_document *document, enum kt_error_code code, struct kt_position position,
                 const char *format, ...) KT_PRINTF(4, 5);

#endif
