/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from the address of a node to its place in the text. */
#include "text/yaml_positions.h"

#define FIRST_CAPACITY 64 /* a power of 2, as all capacities */

struct entry {
    const cJSON *node; /* NULL: free */
    struct kt_position value;
    struct kt_position key;
};

struct kt_positions {
    struct kt_arena *arena;
    struct entry *entries;
    size_t capacity;
    size_t count;
};

struct kt_positions *kt_positions_new(struct kt_arena *arena)
{
    struct kt_positions *positions = kt_arena_alloc(arena, sizeof(*positions));
    if (positions)
        positions->arena = arena;
    return positions;
}

/* The entry of node or the free one where it belongs. There is always a free one. */
static struct entry *find(struct entry *entries, size_t capacity, const cJSON *node)
{
    /* Nodes lie at multiples of 16 and near each other, so their bits are mixed (Fibonacci hashing). */
    uint64_t mixed = ((uint64_t)(uintptr_t)node >> 4) * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(mixed >> 32) & (capacity - 1);
    while (entries[at].node && entries[at].node != node)
        at = (at + 1) & (capacity - 1);
    return &entries[at];
}

static bool grow(struct kt_positions *positions)
{
    size_t capacity = positions->capacity > 0 ? positions->capacity * 2 : FIRST_CAPACITY;
    struct entry *entries = kt_arena_calloc(positions->arena, capacity, sizeof(*entries));
    if (!entries)
        return false;
    for (size_t i = 0; i < positions->capacity; i++)
        if (positions->entries[i].node)
            *find(entries, capacity, positions->entries[i].node) = positions->entries[i];
    positions->entries = entries;
    positions->capacity = capacity;
    return true;
}

void kt_positions_set(struct kt_positions *positions, const cJSON *node, struct kt_position value,
                      struct kt_position key)
{
    if (positions->count * 2 >= positions->capacity && !grow(positions))
        return;
    struct entry *entry = find(positions->entries, positions->capacity, node);
    positions->count += entry->node == NULL;
    *entry = (struct entry){node, value, key};
}

static struct entry lookup(const struct kt_positions *positions, const cJSON *node)
{
    if (!positions || !node || positions->capacity == 0)
        return (struct entry){0};
    return *find(positions->entries, positions->capacity, node);
}

struct kt_position kt_positions_of_value(const struct kt_positions *positions, const cJSON *node)
{
    return lookup(positions, node).value;
}

struct kt_position kt_positions_of_key(const struct kt_positions *positions, const cJSON *member)
{
    return lookup(positions, member).key;
}
