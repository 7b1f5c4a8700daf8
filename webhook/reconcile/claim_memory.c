/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/claim_memory.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "workload/node_claim.h"

enum { BUCKETS = 1024 }; /* chains stay short up to some thousand claims */

struct remembered {
    char name[KT_NODE_CLAIM_NAME_BYTES];
    int64_t lost_ms; /* -1: not lost */
    struct remembered *next;
};

struct kt_claim_memory {
    pthread_mutex_t lock;
    struct remembered *buckets[BUCKETS];
    size_t count;
};

int kt_claim_memory_new(struct kt_claim_memory **ret, struct kt_error *error)
{
    struct kt_claim_memory *memory = kt_heap_alloc(sizeof(*memory));
    if (!memory || pthread_mutex_init(&memory->lock, NULL) != 0) {
        kt_heap_free(memory);
        return kt_error_set(error, KT_ENOMEM, "no memory to remember NodeClaims");
    }
    *ret = memory;
    return 0;
}

void kt_claim_memory_free(struct kt_claim_memory *memory)
{
    if (!memory)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (memory->buckets[i]) {
            struct remembered *first = memory->buckets[i];
            memory->buckets[i] = first->next;
            kt_heap_free(first);
        }
    }
    pthread_mutex_destroy(&memory->lock);
    kt_heap_free(memory);
}

/* Where the entry of this name is, or would be, linked in. */
static struct remembered **find(struct kt_claim_memory *memory, const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a; the names are digits of a SHA-256, nobody chooses them */
    for (const char *byte = name; *byte; byte++)
        hash = (hash ^ (uint8_t)*byte) * 16777619u;
    struct remembered **link = &memory->buckets[hash % BUCKETS];
    while (*link && !kt_streq((*link)->name, name))
        link = &(*link)->next;
    return link;
}

static struct remembered *find_or_add(struct kt_claim_memory *memory, const char *name)
{
    struct remembered **link = find(memory, name);
    if (!*link && strlen(name) < KT_NODE_CLAIM_NAME_BYTES && memory->count < KT_LIMIT_STORE_OBJECTS) {
        *link = kt_heap_alloc(sizeof(**link));
        if (*link) {
            snprintf((*link)->name, sizeof((*link)->name), "%s", name);
            (*link)->lost_ms = -1;
            memory->count++;
        }
    }
    return *link;
}

void kt_claim_memory_seen(struct kt_claim_memory *memory, const char *name)
{
    pthread_mutex_lock(&memory->lock);
    struct remembered *entry = find_or_add(memory, name);
    if (entry)
        entry->lost_ms = -1;
    pthread_mutex_unlock(&memory->lock);
}

bool kt_claim_memory_has_seen(struct kt_claim_memory *memory, const char *name)
{
    pthread_mutex_lock(&memory->lock);
    bool known = *find(memory, name) != NULL;
    pthread_mutex_unlock(&memory->lock);
    return known;
}

int64_t kt_claim_memory_lost(struct kt_claim_memory *memory, const char *name, int64_t now_ms)
{
    pthread_mutex_lock(&memory->lock);
    struct remembered *entry = find_or_add(memory, name);
    if (entry && entry->lost_ms < 0)
        entry->lost_ms = now_ms;
    int64_t lost_ms = entry ? entry->lost_ms : now_ms;
    pthread_mutex_unlock(&memory->lock);
    return lost_ms;
}

void kt_claim_memory_forget(struct kt_claim_memory *memory, const char *name)
{
    pthread_mutex_lock(&memory->lock);
    struct remembered **link = find(memory, name);
    if (*link) {
        struct remembered *gone = *link;
        *link = gone->next;
        kt_heap_free(gone);
        memory->count--;
    }
    pthread_mutex_unlock(&memory->lock);
}
