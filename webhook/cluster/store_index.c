/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/store_index.h"

#define FIRST_BUCKETS ((size_t)16)

bool kt_index_init(struct kt_index *index)
{
    *index = (struct kt_index){.buckets = kt_heap_alloc(FIRST_BUCKETS * sizeof(struct kt_index_link *))};
    index->bucket_count = index->buckets ? FIRST_BUCKETS : 0;
    return index->buckets != NULL;
}

void kt_index_release(struct kt_index *index)
{
    kt_heap_free(index->buckets);
    *index = (struct kt_index){0};
}

static struct kt_index_link **bucket_of(const struct kt_index *index, uint64_t hash)
{
    return &index->buckets[hash & (index->bucket_count - 1)];
}

static void put_first(struct kt_index_link **bucket, struct kt_index_link *link)
{
    link->next = *bucket;
    link->back = bucket;
    if (link->next)
        link->next->back = &link->next;
    *bucket = link;
}

static void grow(struct kt_index *index)
{
    struct kt_index grown = {.bucket_count = index->bucket_count * 2, .count = index->count};
    grown.buckets = kt_heap_alloc(grown.bucket_count * sizeof(struct kt_index_link *));
    if (!grown.buckets)
        return;
    for (size_t i = 0; i < index->bucket_count; i++) {
        struct kt_index_link *next;
        for (struct kt_index_link *link = index->buckets[i]; link; link = next) {
            next = link->next;
            put_first(bucket_of(&grown, link->hash), link);
        }
    }
    kt_heap_free(index->buckets);
    *index = grown;
}

void kt_index_put(struct kt_index *index, struct kt_index_link *link, uint64_t hash, void *thing)
{
    if (index->count >= index->bucket_count)
        grow(index);
    link->hash = hash;
    link->thing = thing;
    put_first(bucket_of(index, hash), link);
    index->count++;
}

void kt_index_drop(struct kt_index *index, struct kt_index_link *link)
{
    if (!link->back)
        return;
    *link->back = link->next;
    if (link->next)
        link->next->back = link->back;
    link->back = NULL;
    index->count--;
}

static struct kt_index_link *skip_to(struct kt_index_link *link, uint64_t hash)
{
    while (link && link->hash != hash)
        link = link->next;
    return link;
}

struct kt_index_link *kt_index_first(const struct kt_index *index, uint64_t hash)
{
    return skip_to(*bucket_of(index, hash), hash);
}

struct kt_index_link *kt_index_next(const struct kt_index_link *link)
{
    return skip_to(link->next, link->hash);
}

void kt_index_each(struct kt_index *index, void (*visit)(void *context, void *thing), void *context)
{
    for (size_t i = 0; i < index->bucket_count; i++) {
        struct kt_index_link *next;
        for (struct kt_index_link *link = index->buckets[i]; link; link = next) {
            next = link->next;
            visit(context, link->thing);
        }
    }
}
