/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: a strict parser into cJSON's nodes, a lossless writer, and small helpers to read and build trees.
 *
 * A tree is made of struct cJSON nodes in an arena and is never freed alone (never call cJSON_Delete, nor any other
 * function of cJSON: what walks and changes trees is here).
 *
 * Numbers keep their source text in valuestring, so that an integer beyond 2^53 or a `1.0` is written back unchanged.
 * The parser refuses what cJSON 1.7.15 lets through: trailing bytes, leading zeros, invalid UTF-8, raw control
 * characters, U+0000 in a string (C would cut the string there), depth and size beyond base/limits.h, a byte order
 * mark, and, when asked to, duplicate keys.
 */
#ifndef KT_TEXT_JSON_H
#define KT_TEXT_JSON_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "base/strbuf.h"

enum kt_json_duplicates {
    KT_JSON_DUPLICATES_REFUSE,    /* KT_EPARSE that names the key */
    KT_JSON_DUPLICATES_LAST_WINS, /* as Go's encoding/json and the API server do; see kt_json_parsed */
};

struct kt_json_duplicate {
    const char *path; /* of the object, dotted with [i] for items, "" at the top; in the arena */
    const char *key;
    const struct kt_json_duplicate *next;
};

struct kt_json_parsed {
    cJSON *root;
    size_t nodes;
    const struct kt_json_duplicate *duplicates; /* in order of appearance; NULL without any */
};

/* Parses exactly one JSON text. KT_EPARSE (with line and column), KT_ELIMIT (which limit; the arena's work is one),
 * KT_ENOMEM.
 *
 * An escaped surrogate without its partner (\ud800) becomes U+FFFD, as in Go and so in the API server. A number that no
 * double can hold (1e999) is refused, as Go does. With KT_JSON_DUPLICATES_LAST_WINS the earlier members are taken out
 * of the tree and each key that appears more than once in one object is listed once. */
int kt_json_parse(struct kt_arena *arena, struct kt_str text, enum kt_json_duplicates duplicates,
                  struct kt_json_parsed *ret, struct kt_error *error) KT_NODISCARD;
/* The same with another limit than KT_LIMIT_JSON_NODES: lists of the API server are larger than any review. */
int kt_json_parse_nodes(struct kt_arena *arena, struct kt_str text, enum kt_json_duplicates duplicates,
                        size_t limit_nodes, struct kt_json_parsed *ret, struct kt_error *error) KT_NODISCARD;

/* --- reading; every function accepts NULL and a node of any kind -------------------------------------------------- */

/* Member of an object by exact name, or NULL (also when object is not an object). */
cJSON *kt_json_get(const cJSON *object, const char *key);
cJSON *kt_json_get_n(const cJSON *object, struct kt_str key);
/* Follows names from object; NULL-terminated list: kt_json_path(o, "metadata", "name", NULL). */
cJSON *kt_json_path(const cJSON *object, ...) __attribute__((sentinel));
/* Item of an array or NULL. Linear: iterate with cJSON_ArrayForEach where all are wanted. */
cJSON *kt_json_item(const cJSON *array, size_t index);
size_t kt_json_count(const cJSON *container);

bool kt_json_is_object(const cJSON *node);
bool kt_json_is_array(const cJSON *node);
bool kt_json_is_string(const cJSON *node);
/* A bit of cJSON's type: a number whose YAML text was a float, as 1.0 is, though it is written as an integer in JSON.
 * For readers that tell the two apart, as Python does. */
#define KT_JSON_MARK_FLOAT (1 << 19)
bool kt_json_is_number(const cJSON *node);
bool kt_json_is_bool(const cJSON *node);
bool kt_json_is_null(const cJSON *node); /* a null node, not a missing one */
/* "object", "array", "string", "integer", "number", "boolean", "null"; "" for NULL. */
const char *kt_json_kind(const cJSON *node);

/* Text of a string node, otherwise NULL. */
const char *kt_json_string(const cJSON *node);
/* Text of a string node, otherwise fallback. */
const char *kt_json_string_or(const cJSON *node, const char *fallback);
/* Exact integer value; false when the node is not a number, has a fraction or does not fit. `1.0` and `1e2` are
 * integers. */
bool kt_json_int64(const cJSON *node, int64_t *ret);
bool kt_json_double(const cJSON *node, double *ret);
/* True for a node that is `true`. */
bool kt_json_true(const cJSON *node);

/* Same kind and content; members of objects in any order, numbers by value (exactly: 2^53 and 2^53 + 1 differ, 1 and
 * 1.0 do not). Two NULLs are equal. Linear while the members are in the same order. False for trees deeper than
 * KT_LIMIT_TREE_DEPTH. */
bool kt_json_equal(const cJSON *a, const cJSON *b);
/* The same for trees from outside: n log n in any order, and counted. False with arena->failed when the arena has no
 * memory or work left for it. */
bool kt_json_equal_counted(struct kt_arena *arena, const cJSON *a, const cJSON *b);

/* --- building; all nodes live in the arena; NULL when memory is out (arena->failed) ------------------------------- */

cJSON *kt_json_new_object(struct kt_arena *arena);
cJSON *kt_json_new_array(struct kt_arena *arena);
cJSON *kt_json_new_string(struct kt_arena *arena, const char *text); /* copies; NULL text gives null node */
cJSON *kt_json_new_string_n(struct kt_arena *arena, struct kt_str text);
cJSON *kt_json_new_int(struct kt_arena *arena, int64_t value);
/* The shortest text that reads back as the same value; a value that is not finite gives a null node. */
cJSON *kt_json_new_double(struct kt_arena *arena, double value);
/* A number with this exact text; NULL when it does not follow JSON's grammar or no double can hold it. */
cJSON *kt_json_new_number_text(struct kt_arena *arena, struct kt_str text);
cJSON *kt_json_new_bool(struct kt_arena *arena, bool value);
cJSON *kt_json_new_null(struct kt_arena *arena);
/* A deep copy without a parent; NULL for NULL and, with arena->failed, for a tree deeper than KT_LIMIT_TREE_DEPTH. */
cJSON *kt_json_clone(struct kt_arena *arena, const cJSON *node);
/* The same, but the texts are those of the original and must live as long. */
cJSON *kt_json_clone_nodes(struct kt_arena *arena, const cJSON *node);
/* Takes out every member that a later one has the name of; keeps the order. For an object to which members were
 * appended without a look at what is there (kt_json_add). */
void kt_json_keep_last(struct kt_arena *arena, cJSON *object);
/* A copy of the node alone that shares its children and text, so that one value can have two parents. */
cJSON *kt_json_reference(struct kt_arena *arena, const cJSON *node);

/* Adds or replaces a member (in its place); value may come from a failed constructor (then nothing happens). A value
 * that has a parent already is put in as kt_json_reference of it. Nothing happens when object is not an object. */
void kt_json_set(struct kt_arena *arena, cJSON *object, const char *key, cJSON *value);
/* Adds a member behind the others, without a look whether there is one of this name. */
void kt_json_add(struct kt_arena *arena, cJSON *object, const char *key, cJSON *value);
void kt_json_set_string(struct kt_arena *arena, cJSON *object, const char *key, const char *text);
void kt_json_set_int(struct kt_arena *arena, cJSON *object, const char *key, int64_t value);
void kt_json_set_bool(struct kt_arena *arena, cJSON *object, const char *key, bool value);
void kt_json_append(struct kt_arena *arena, cJSON *array, cJSON *value);
/* Puts value in front of item number `index`; index == count appends. False when there is no such place (or memory is
 * out). */
bool kt_json_insert(struct kt_arena *arena, cJSON *array, size_t index, cJSON *value);
/* Takes a member or item, given by its node, out of its container. */
void kt_json_detach(cJSON *container, cJSON *child);
/* Takes a member out of an object; nothing happens when there is none. */
void kt_json_remove(cJSON *object, const char *key);
/* Gets the member of this name as an object, making one when it is absent or of another kind. */
cJSON *kt_json_ensure_object(struct kt_arena *arena, cJSON *object, const char *key);

/* --- writing ---------------------------------------------------------------------------------------------------- */

enum kt_json_style {
    KT_JSON_COMPACT,
    KT_JSON_PRETTY, /* 4 spaces, as kubectl -o json */
};

/* Appends the text of node (nothing for NULL); buffer->failed tells of trouble: the buffer's limit, memory, a tree
 * deeper than KT_LIMIT_TREE_DEPTH. Escapes only what JSON demands; < > & stay. */
void kt_json_write(struct kt_strbuf *buffer, const cJSON *node, enum kt_json_style style);
/* Appends text as a quoted JSON string. Invalid UTF-8 becomes U+FFFD. */
void kt_json_write_string(struct kt_strbuf *buffer, struct kt_str text);

/* True when text is valid UTF-8 without U+0000. */
bool kt_utf8_valid(struct kt_str text);
/* Bytes of the character at the start of text; 0 when text is empty or starts with an invalid sequence (over-long,
 * surrogate, beyond U+10FFFF, cut short). */
size_t kt_utf8_step(struct kt_str text);
/* Bytes of the valid characters beyond ASCII that text starts with, and how many they are. */
size_t kt_utf8_high_length(struct kt_str text, size_t *ret_runes);
/* Bytes of the longest prefix with at most `runes` characters. A byte that is not part of a valid character counts as
 * one character, here and in kt_utf8_count. */
size_t kt_utf8_prefix(struct kt_str text, size_t runes);
size_t kt_utf8_count(struct kt_str text);

#endif
