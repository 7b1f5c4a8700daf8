/* SPDX-License-Identifier: Apache-2.0 */
#include "text/json_duplicates.h"

#include <string.h>

static void mark_pairwise(cJSON *const *members, size_t count)
{
    for (size_t later = 1; later < count; later++) {
        const char *name = members[later]->string;
        size_t same = 0;
        for (size_t earlier = 0; earlier < later; earlier++) {
            const char *other = members[earlier]->string;
            if (*other != *name || strcmp(other, name) != 0)
                continue;
            members[earlier]->type |= KT_JSON_MARK_SUPERSEDED;
            same++;
        }
        if (same == 1)
            members[later]->type |= KT_JSON_MARK_REPEATED;
    }
}

/* FNV-1a. It only saves comparing most names in full; a crafted collision costs a strcmp, not the order of growth. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
    return hash;
}

int kt_json_compare_keys(const struct kt_json_key *a, const struct kt_json_key *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return strcmp(a->member->string, b->member->string);
}

static void merge(const struct kt_json_key *left, size_t left_count, const struct kt_json_key *right,
                  size_t right_count, struct kt_json_key *out)
{
    while (left_count > 0 && right_count > 0) {
        /* <= keeps equal names in the order of the text. */
        if (kt_json_compare_keys(left, right) <= 0) {
            *out++ = *left++;
            left_count--;
        } else {
            *out++ = *right++;
            right_count--;
        }
    }
    if (left_count > 0)
        memcpy(out, left, left_count * sizeof(*out));
    if (right_count > 0)
        memcpy(out, right, right_count * sizeof(*out));
}

/* A bottom-up merge sort: stable, no memory of its own, no bad inputs. Returns where the sorted keys are. */
static struct kt_json_key *sort_keys(struct kt_json_key *keys, struct kt_json_key *other, size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t left = KT_MIN(width, count - start);
            size_t right = KT_MIN(width, count - start - left);
            merge(keys + start, left, keys + start + left, right, other + start);
        }
        struct kt_json_key *swap = keys;
        keys = other;
        other = swap;
    }
    return keys;
}

struct kt_json_key *kt_json_sort_members(const cJSON *first, size_t count, struct kt_json_key *space)
{
    size_t filled = 0;
    for (const cJSON *member = first; member; member = member->next)
        space[filled++] = (struct kt_json_key){hash_name(member->string), (cJSON *)(uintptr_t)member};
    return sort_keys(space, space + count, count);
}

size_t kt_json_sort_steps(size_t count)
{
    size_t bits = 0;
    for (size_t left = count; left > 0; left >>= 1)
        bits++;
    return 4 * count * bits; /* measured, see tests/bench/cost.c */
}

static void mark_sorted(const struct kt_json_key *keys, size_t count)
{
    size_t group_start = 0;
    for (size_t i = 1; i < count; i++) {
        if (kt_json_compare_keys(&keys[group_start], &keys[i]) != 0) {
            group_start = i;
            continue;
        }
        keys[i - 1].member->type |= KT_JSON_MARK_SUPERSEDED;
        if (i == group_start + 1)
            keys[i].member->type |= KT_JSON_MARK_REPEATED;
    }
}

void kt_json_mark_duplicates(cJSON *object, struct kt_json_key *sort_space)
{
    cJSON *members[KT_JSON_PAIRWISE_MEMBERS];
    size_t count = 0;
    cJSON *member = NULL;
    cJSON_ArrayForEach(member, object)
    {
        if (count < KT_JSON_PAIRWISE_MEMBERS)
            members[count] = member;
        count++;
    }
    if (count <= KT_JSON_PAIRWISE_MEMBERS) {
        mark_pairwise(members, count);
        return;
    }
    mark_sorted(kt_json_sort_members(object->child, count, sort_space), count);
}
