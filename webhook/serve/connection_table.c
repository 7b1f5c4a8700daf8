/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/connection_table.h"

#include <unistd.h>

/* An address with more connections than this part of the limit, none of which has had an answer, is given no time. */
#define UNUSED_SHARE 8

struct kt_address_count {
    uint32_t address;
    uint32_t round; /* of another round: empty */
    size_t count;
};

/* The order in which connections go. */
static const struct stage {
    enum kt_connection_use use;
    int64_t grace_ms;
} stages[] = {
    {KT_CONNECTION_UNUSED, KT_CONNECTION_GRACE_MS},
    {KT_CONNECTION_RECEIVING, KT_CONNECTION_STALL_MS},
    {KT_CONNECTION_WAITING, 0},
    {KT_CONNECTION_UNUSED, 0},
    {KT_CONNECTION_RECEIVING, 0},
    {KT_CONNECTION_ANSWERING, 0},
};

int kt_connection_table_init(struct kt_connection_table *table, size_t limit, struct kt_error *error)
{
    *table = (struct kt_connection_table){.limit = limit, .place_count = limit + KT_CONNECTION_TABLE_SPARE};
    pthread_mutex_init(&table->lock, NULL);
    for (table->count_size = 1; table->count_size < 2 * table->place_count;)
        table->count_size *= 2;
    table->places = kt_heap_alloc(table->place_count * sizeof(*table->places));
    table->counts = kt_heap_alloc(table->count_size * sizeof(*table->counts));
    if (table->places && table->counts)
        return 0;
    kt_connection_table_release(table);
    return kt_error_set(error, KT_ENOMEM, "no memory for the table of connections");
}

void kt_connection_table_release(struct kt_connection_table *table)
{
    if (table->place_count > 0)
        pthread_mutex_destroy(&table->lock);
    kt_heap_free(table->places);
    kt_heap_free(table->counts);
    *table = (struct kt_connection_table){0};
}

/* --- choosing ------------------------------------------------------------------------------------------------------
 */

static struct kt_address_count *count_of(struct kt_connection_table *table, uint32_t address)
{
    size_t index = (address * UINT32_C(2654435761)) & (table->count_size - 1);
    while (table->counts[index].round == table->count_round && table->counts[index].address != address)
        index = (index + 1) & (table->count_size - 1);
    struct kt_address_count *count = &table->counts[index];
    if (count->round != table->count_round)
        *count = (struct kt_address_count){.address = address, .round = table->count_round};
    return count;
}

static bool is_of_use(const struct kt_connection_place *place, enum kt_connection_use use)
{
    return place->taken && atomic_load_explicit(&place->use, memory_order_relaxed) == (int)use &&
           !kt_connection_must_go(place);
}

static struct kt_connection_place *choose(struct kt_connection_table *table, const struct stage *stage, int64_t now_ms)
{
    struct kt_connection_place *best = NULL;
    size_t best_count = 0;
    long long best_since = 0;
    table->count_round++;
    for (size_t i = 0; i < table->place_count; i++)
        if (is_of_use(&table->places[i], stage->use))
            count_of(table, table->places[i].address)->count++;
    for (size_t i = 0; i < table->place_count; i++) {
        struct kt_connection_place *place = &table->places[i];
        if (!is_of_use(place, stage->use))
            continue;
        size_t count = count_of(table, place->address)->count;
        long long since = atomic_load_explicit(&place->since_ms, memory_order_relaxed);
        bool is_crowd = stage->use == KT_CONNECTION_UNUSED && count > table->limit / UNUSED_SHARE;
        if (now_ms - since < stage->grace_ms && !is_crowd)
            continue;
        if (best && (count < best_count || (count == best_count && since >= best_since)))
            continue;
        best = place;
        best_count = count;
        best_since = since;
    }
    return best;
}

static void evict_one(struct kt_connection_table *table, int64_t now_ms)
{
    struct kt_connection_place *place = NULL;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(stages) && !place; i++)
        place = choose(table, &stages[i], now_ms);
    if (!place)
        return;
    atomic_store(&place->must_go, true);
    atomic_fetch_add(&table->going, 1);
    uint64_t one = 1;
    if (place->wake >= 0) {
        KT_UNUSED ssize_t done = write(place->wake, &one, sizeof(one));
    }
}

/* --- places --------------------------------------------------------------------------------------------------------
 */

struct kt_connection_place *kt_connection_table_join(struct kt_connection_table *table, uint32_t address, int wake,
                                                     int64_t now_ms)
{
    struct kt_connection_place *place = NULL;
    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < table->place_count && !place; i++)
        if (!table->places[i].taken)
            place = &table->places[i];
    if (place) {
        if (table->taken - atomic_load(&table->going) >= table->limit)
            evict_one(table, now_ms);
        place->taken = true;
        place->address = address;
        place->wake = wake;
        atomic_store(&place->use, (int)KT_CONNECTION_UNUSED);
        atomic_store(&place->since_ms, now_ms);
        atomic_store(&place->must_go, false);
        table->taken++;
    }
    pthread_mutex_unlock(&table->lock);
    return place;
}

void kt_connection_table_leave(struct kt_connection_table *table, struct kt_connection_place *place)
{
    if (!place)
        return;
    pthread_mutex_lock(&table->lock);
    place->taken = false;
    table->taken--;
    if (atomic_load(&place->must_go))
        atomic_fetch_sub(&table->going, 1);
    pthread_mutex_unlock(&table->lock);
}

void kt_connection_table_note(struct kt_connection_place *place, enum kt_connection_use use, bool is_new,
                              int64_t now_ms)
{
    if (!place || (!is_new && atomic_load_explicit(&place->use, memory_order_relaxed) == (int)use))
        return;
    atomic_store_explicit(&place->since_ms, now_ms, memory_order_relaxed);
    atomic_store_explicit(&place->use, (int)use, memory_order_relaxed);
}
