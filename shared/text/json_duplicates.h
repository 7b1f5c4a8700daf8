/* SPDX-License-Identifier: Apache-2.0 */
/* Finding members of one object that share a name. Private to text/json*.c and yaml*.c. */
#ifndef KT_TEXT_JSON_DUPLICATES_H
#define KT_TEXT_JSON_DUPLICATES_H

#include "text/json.h"

/* Up to here every pair is compared; above, keys are sorted, so that no choice of keys makes it quadratic. */
#define KT_JSON_PAIRWISE_MEMBERS 16

/* Marks in cJSON's type, above its own flags; the walk that follows takes them off. */
#define KT_JSON_MARK_SUPERSEDED (1 << 16) /* a later member has the same name */
#define KT_JSON_MARK_REPEATED (1 << 17)   /* the second member of its name */

struct kt_json_key {
    uint64_t hash;
    cJSON *member;
};
/* Steps of work (base/arena.h) to sort this many. */
size_t kt_json_sort_steps(size_t count);

/* The members of an object by hash and then by name, those of one name in the order of the text; count is how many they
 * are, and space has room for twice as many. Returns where in the space they are. */
struct kt_json_key *kt_json_sort_members(const cJSON *first, size_t count, struct kt_json_key *space);
/* 0: the same name. */
int kt_json_compare_keys(const struct kt_json_key *a, const struct kt_json_key *b);

/* sort_space: room for twice the members of object; may be NULL up to KT_JSON_PAIRWISE_MEMBERS. */
void kt_json_mark_duplicates(cJSON *object, struct kt_json_key *sort_space);

#endif
