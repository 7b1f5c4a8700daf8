/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/lookup_queue.h"

#include <unistd.h>

#include "base/clock.h"
#include "webhook/cluster/store_internal.h"

/* A first-in, first-out list. */
struct chain {
    struct kt_lookup_request *first, **end;
};

static void chain_init(struct chain *chain)
{
    chain->first = NULL;
    chain->end = &chain->first;
}

static void chain_put(struct chain *chain, struct kt_lookup_request *lookup)
{
    lookup->next = NULL;
    *chain->end = lookup;
    chain->end = &lookup->next;
}

static struct kt_lookup_request *chain_take(struct chain *chain)
{
    struct kt_lookup_request *lookup = chain->first;
    if (lookup) {
        chain->first = lookup->next;
        if (!chain->first)
            chain->end = &chain->first;
    }
    return lookup;
}

void kt_lookup_free(struct kt_lookup_request *lookup)
{
    if (!lookup)
        return;
    for (size_t i = 0; i < lookup->need_count; i++) {
        struct kt_store_entry *entry = lookup->needs[i].entry;
        if (entry && lookup->budget)
            kt_byte_budget_give(lookup->budget, entry->bytes);
        kt_store_entry_release(entry);
    }
    kt_heap_free(lookup);
}

static void free_chain(struct chain *chain)
{
    for (struct kt_lookup_request *lookup = chain_take(chain); lookup; lookup = chain_take(chain))
        kt_lookup_free(lookup);
}

/* --- back to the worker --------------------------------------------------------------------------------------------
 */

struct kt_lookup_queue {
    pthread_mutex_t lock;
    struct chain done;
    size_t references; /* the worker's, and one for each look-up under way */
    int wake_fd;       /* -1: the worker has gone */
};

struct kt_lookup_queue *kt_lookup_queue_new(int wake_fd)
{
    struct kt_lookup_queue *queue = kt_heap_alloc(sizeof(*queue));
    if (!queue)
        return NULL;
    pthread_mutex_init(&queue->lock, NULL);
    chain_init(&queue->done);
    queue->references = 1;
    queue->wake_fd = wake_fd;
    return queue;
}

/* With the lock held, which it gives up. */
static void drop_reference(struct kt_lookup_queue *queue)
{
    bool last = --queue->references == 0;
    pthread_mutex_unlock(&queue->lock);
    if (!last)
        return;
    free_chain(&queue->done);
    pthread_mutex_destroy(&queue->lock);
    kt_heap_free(queue);
}

static void add_reference(struct kt_lookup_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->references++;
    pthread_mutex_unlock(&queue->lock);
}

void kt_lookup_queue_free(struct kt_lookup_queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->wake_fd = -1;
    drop_reference(queue);
}

void kt_lookup_queue_put(struct kt_lookup_queue *queue, struct kt_lookup_request *lookup)
{
    pthread_mutex_lock(&queue->lock);
    chain_put(&queue->done, lookup);
    if (queue->wake_fd >= 0) {
        uint64_t one = 1;
        KT_UNUSED ssize_t done = write(queue->wake_fd, &one, sizeof(one));
    }
    drop_reference(queue);
}

struct kt_lookup_request *kt_lookup_queue_take(struct kt_lookup_queue *queue)
{
    if (!queue)
        return NULL;
    pthread_mutex_lock(&queue->lock);
    struct kt_lookup_request *lookup = chain_take(&queue->done);
    pthread_mutex_unlock(&queue->lock);
    return lookup;
}

/* --- to the look-up thread -----------------------------------------------------------------------------------------
 */

struct kt_lookup_line {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct chain waiting;
    size_t count;
    bool closed;
};

struct kt_lookup_line *kt_lookup_line_new(void)
{
    struct kt_lookup_line *line = kt_heap_alloc(sizeof(*line));
    if (!line)
        return NULL;
    pthread_mutex_init(&line->lock, NULL);
    pthread_cond_init(&line->changed, NULL);
    chain_init(&line->waiting);
    return line;
}

void kt_lookup_line_free(struct kt_lookup_line *line)
{
    if (!line)
        return;
    free_chain(&line->waiting);
    pthread_cond_destroy(&line->changed);
    pthread_mutex_destroy(&line->lock);
    kt_heap_free(line);
}

bool kt_lookup_line_put(struct kt_lookup_line *line, struct kt_lookup_request *lookup)
{
    pthread_mutex_lock(&line->lock);
    bool accepted = !line->closed && line->count < KT_LOOKUP_LINE_LIMIT;
    if (accepted) {
        add_reference(lookup->reply_to);
        lookup->deadline_ms = kt_clock_monotonic_ms(&kt_clock_system) + KT_LOOKUP_DEADLINE_MS;
        chain_put(&line->waiting, lookup);
        line->count++;
        pthread_cond_signal(&line->changed);
    }
    pthread_mutex_unlock(&line->lock);
    return accepted;
}

struct kt_lookup_request *kt_lookup_line_take(struct kt_lookup_line *line, int64_t *ret_deadline_ms)
{
    pthread_mutex_lock(&line->lock);
    while (!line->closed && !line->waiting.first)
        pthread_cond_wait(&line->changed, &line->lock);
    /* What still waits when the line is closed is handed out too, so that no worker waits for it in vain; its deadline
     * is then over. */
    struct kt_lookup_request *lookup = chain_take(&line->waiting);
    if (lookup) {
        line->count--;
        *ret_deadline_ms = line->closed ? 0 : lookup->deadline_ms;
    }
    pthread_mutex_unlock(&line->lock);
    return lookup;
}

void kt_lookup_line_close(struct kt_lookup_line *line)
{
    pthread_mutex_lock(&line->lock);
    line->closed = true;
    pthread_cond_broadcast(&line->changed);
    pthread_mutex_unlock(&line->lock);
}
