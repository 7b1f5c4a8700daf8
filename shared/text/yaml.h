/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to the same trees as text/json.h, as Kubernetes reads it: YAML 1.1 scalars by the rules of sigs.k8s.io/yaml 1.6
 * (yes/on/y are booleans, 017 is octal, 1:30 and dates stay strings, big integers keep their digits, map keys become
 * strings), aliases and merge keys with a limit, and the line and column of every node and key.
 *
 * Built on libyaml's event parser, because its own loader has no limits and nests without bound.
 */
#ifndef KT_TEXT_YAML_H
#define KT_TEXT_YAML_H

#include "base/arena.h"
#include "base/error.h"
#include "text/json.h"

struct kt_position {
    uint32_t line;   /* from 1; 0: unknown */
    uint32_t column; /* from 1, in characters */
};

struct kt_positions; /* opaque; in the arena */

/* Of a value node; {0,0} when it did not come from this text. */
struct kt_position kt_positions_of_value(const struct kt_positions *positions, const cJSON *node);
/* Of the key in front of a member. */
struct kt_position kt_positions_of_key(const struct kt_positions *positions, const cJSON *member);

struct kt_yaml_duplicate {
    const char *path; /* of the member, dotted with [i], e.g. "tuning.method" */
    struct kt_position position;
    const struct kt_yaml_duplicate *next;
};

struct kt_yaml_document {
    cJSON *root; /* NULL for an empty document (a `---` and only comments after it) or when `error` is set */
    const struct kt_positions *positions;
    const struct kt_yaml_duplicate *duplicates; /* the last value wins, as in lenient decoding; callers may refuse */
    struct kt_position start;                   /* of its first value; of its first line when it has none */
    struct kt_error error;             /* code KT_OK when it could be read; begins with "line L, column C: " if known */
    struct kt_position error_position; /* where, if known */
};

struct kt_yaml_documents {
    struct kt_yaml_document *items;
    size_t count;
};

/* Splits at lines that begin with `---` as Kubernetes does (only a comment may follow on such a line), and at `...`,
 * and parses each document by itself, so that a bad one does not hide the others: its error stands in its item
 * (KT_EPARSE, KT_ELIMIT; the arena's work is a limit, too). Text before the first `---` is a document only when there
 * is more in it than comments, so an empty text has none. What Kubernetes' reader drops in silence after a value (`{a:
 * 1} b`) is an error here.
 *
 * JSON text is YAML too; what JSON has beyond YAML 1.1 (surrogate escapes) is read as well, but then without positions.
 *
 * Returns a code only for what concerns the whole text: KT_ELIMIT (size, documents), KT_EPARSE (not UTF-8, binary),
 * KT_ENOMEM. */
int kt_yaml_parse(struct kt_arena *arena, struct kt_str text, struct kt_yaml_documents *ret,
                  struct kt_error *error) KT_NODISCARD;

/* The first document only, as Kubernetes reads the content of ConfigMaps; what follows it is not looked at. An empty
 * text gives an item without root. Returns the document's error if it has one. */
int kt_yaml_parse_one(struct kt_arena *arena, struct kt_str text, struct kt_yaml_document *ret,
                      struct kt_error *error) KT_NODISCARD;

/* Writes a tree as block YAML in kubectl's layout, quoting every string that a reader of YAML 1.1 or 1.2 could take for
 * something else. buffer->failed tells of trouble, a tree deeper than KT_LIMIT_TREE_DEPTH among it. */
void kt_yaml_write(struct kt_strbuf *buffer, const cJSON *node);

#endif
