/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/work_queue.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/str.h"
#include "webhook/reconcile/delay_heap.h"
#include "webhook/cluster/key_hash.h"
#include "webhook/reconcile/retry_delay.h"

#define FIRST_BUCKETS ((size_t)64)
/* A waiter looks again after this time at the latest: a clock that a test drives wakes nobody, and glibc before 2.41
 * may, rarely, lose a wake-up (its bug 25847). */
#define LONGEST_WAIT_MS ((int64_t)1000)

/* A key that waits, is with a worker, will come back, or has failed; otherwise there is no item. */
struct item {
    struct kt_delayed delayed; /* first, so that an item is found from its place in the heap */
    struct item *next_in_bucket;
    struct item *next_waiting;
    struct item *next_processing, **back_processing;
    uint64_t hash;
    size_t failures;
    int64_t waiting_since_ms, taken_at_ms;
    bool waiting;    /* in the line */
    bool processing; /* with a worker */
    bool again;      /* added while it was with a worker */
    const char *namespace_, *name;
};

struct kt_work_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct kt_clock *clock;
    struct item **buckets;
    size_t bucket_count, item_count;
    struct item *first, **end;                 /* the line */
    struct item *processing, **processing_end; /* the longest first */
    struct kt_delay_heap heap;
    struct kt_retry_bucket retries;
    bool shut_down;
    struct kt_work_queue_figures figures;
};

static int64_t now_ms(const struct kt_work_queue *queue)
{
    return kt_clock_monotonic_ms(queue->clock);
}

/* --- items ---------------------------------------------------------------------------------------------------------
 */

static struct item *find(struct kt_work_queue *queue, const struct kt_object_key *key)
{
    uint64_t hash = kt_key_hash(key->namespace_, key->name);
    for (struct item *item = queue->buckets[hash % queue->bucket_count]; item; item = item->next_in_bucket)
        if (item->hash == hash && kt_streq(item->name, key->name) && kt_streq(item->namespace_, key->namespace_))
            return item;
    return NULL;
}

/* Without memory the old buckets stay: slower, but right. */
static void grow(struct kt_work_queue *queue)
{
    size_t count = queue->bucket_count * 2;
    struct item **buckets = kt_heap_alloc(count * sizeof(struct item *));
    if (!buckets)
        return;
    for (size_t i = 0; i < queue->bucket_count; i++) {
        struct item *next;
        for (struct item *item = queue->buckets[i]; item; item = next) {
            next = item->next_in_bucket;
            item->next_in_bucket = buckets[item->hash % count];
            buckets[item->hash % count] = item;
        }
    }
    kt_heap_free(queue->buckets);
    queue->buckets = buckets;
    queue->bucket_count = count;
}

static struct item *find_or_make(struct kt_work_queue *queue, const struct kt_object_key *key)
{
    struct item *item = find(queue, key);
    if (item || queue->item_count >= KT_LIMIT_QUEUE_KEYS)
        return item;
    size_t namespace_size = strlen(key->namespace_) + 1, name_size = strlen(key->name) + 1;
    item = kt_heap_alloc(sizeof(*item) + namespace_size + name_size);
    if (!item)
        return NULL;
    char *place = (char *)(item + 1);
    item->namespace_ = memcpy(place, key->namespace_, namespace_size);
    item->name = memcpy(place + namespace_size, key->name, name_size);
    item->hash = kt_key_hash(key->namespace_, key->name);
    item->delayed.index = KT_NOT_DELAYED;
    if (queue->item_count >= queue->bucket_count)
        grow(queue);
    item->next_in_bucket = queue->buckets[item->hash % queue->bucket_count];
    queue->buckets[item->hash % queue->bucket_count] = item;
    queue->item_count++;
    return item;
}

static void drop_if_idle(struct kt_work_queue *queue, struct item *item)
{
    if (item->waiting || item->processing || item->failures > 0 || item->delayed.index != KT_NOT_DELAYED)
        return;
    struct item **link = &queue->buckets[item->hash % queue->bucket_count];
    while (*link != item)
        link = &(*link)->next_in_bucket;
    *link = item->next_in_bucket;
    queue->item_count--;
    kt_heap_free(item);
}

/* --- the line ------------------------------------------------------------------------------------------------------
 */

static void join_line(struct kt_work_queue *queue, struct item *item)
{
    item->waiting = true;
    item->next_waiting = NULL;
    item->waiting_since_ms = now_ms(queue);
    *queue->end = item;
    queue->end = &item->next_waiting;
    queue->figures.depth++;
    pthread_cond_signal(&queue->changed);
}

static struct item *leave_line(struct kt_work_queue *queue)
{
    struct item *item = queue->first;
    queue->first = item->next_waiting;
    if (!queue->first)
        queue->end = &queue->first;
    item->waiting = false;
    queue->figures.depth--;
    return item;
}

static void add_item(struct kt_work_queue *queue, struct item *item)
{
    if (item->waiting || item->again)
        return;
    queue->figures.adds++;
    if (item->processing)
        item->again = true;
    else
        join_line(queue, item);
}

static void add_those_due(struct kt_work_queue *queue)
{
    for (struct kt_delayed *due = kt_delay_heap_take(&queue->heap, now_ms(queue)); due;
         due = kt_delay_heap_take(&queue->heap, now_ms(queue)))
        add_item(queue, (struct item *)due);
}

static bool delay_item(struct kt_work_queue *queue, struct item *item, int64_t delay_ms)
{
    if (delay_ms <= 0) {
        add_item(queue, item);
        return true;
    }
    bool kept = kt_delay_heap_put(&queue->heap, &item->delayed, now_ms(queue) + delay_ms);
    pthread_cond_signal(&queue->changed); /* somebody may have to wake earlier than planned */
    return kept;
}

/* --- for callers ---------------------------------------------------------------------------------------------------
 */

int kt_work_queue_new(const struct kt_clock *clock, struct kt_work_queue **ret, struct kt_error *error)
{
    struct kt_work_queue *queue = kt_heap_alloc(sizeof(*queue));
    struct item **buckets = kt_heap_alloc(FIRST_BUCKETS * sizeof(struct item *));
    if (!queue || !buckets) {
        kt_heap_free(queue);
        kt_heap_free(buckets);
        return kt_error_set(error, KT_ENOMEM, "no memory for the work queue");
    }
    queue->clock = clock;
    queue->buckets = buckets;
    queue->bucket_count = FIRST_BUCKETS;
    queue->end = &queue->first;
    queue->processing_end = &queue->processing;
    kt_retry_bucket_init(&queue->retries, now_ms(queue));
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    *ret = queue;
    return 0;
}

void kt_work_queue_free(struct kt_work_queue *queue)
{
    if (!queue)
        return;
    for (size_t i = 0; i < queue->bucket_count; i++) {
        struct item *next;
        for (struct item *item = queue->buckets[i]; item; item = next) {
            next = item->next_in_bucket;
            kt_heap_free(item);
        }
    }
    kt_heap_free(queue->buckets);
    kt_delay_heap_release(&queue->heap);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    kt_heap_free(queue);
}

bool kt_work_queue_add_after(struct kt_work_queue *queue, const struct kt_object_key *key, int64_t delay_ms)
{
    pthread_mutex_lock(&queue->lock);
    struct item *item = queue->shut_down ? NULL : find_or_make(queue, key);
    bool added = item && delay_item(queue, item, delay_ms);
    if (item)
        drop_if_idle(queue, item); /* without memory to remember its time */
    pthread_mutex_unlock(&queue->lock);
    return added;
}

bool kt_work_queue_add(struct kt_work_queue *queue, const struct kt_object_key *key)
{
    return kt_work_queue_add_after(queue, key, 0);
}

bool kt_work_queue_retry(struct kt_work_queue *queue, const struct kt_object_key *key)
{
    pthread_mutex_lock(&queue->lock);
    struct item *item = queue->shut_down ? NULL : find_or_make(queue, key);
    bool added = false;
    if (item) {
        int64_t own_ms = kt_retry_delay_ms(item->failures);
        int64_t shared_ms = kt_retry_bucket_take(&queue->retries, now_ms(queue));
        item->failures++;
        queue->figures.retries++;
        added = delay_item(queue, item, KT_MAX(own_ms, shared_ms));
    }
    pthread_mutex_unlock(&queue->lock);
    return added;
}

void kt_work_queue_forget(struct kt_work_queue *queue, const struct kt_object_key *key)
{
    pthread_mutex_lock(&queue->lock);
    struct item *item = find(queue, key);
    if (item) {
        item->failures = 0;
        drop_if_idle(queue, item);
    }
    pthread_mutex_unlock(&queue->lock);
}

/* With the lock held. Until something changes, or the next key is due. */
static void wait_for_change(struct kt_work_queue *queue)
{
    int64_t due_ms;
    int64_t wait_ms = LONGEST_WAIT_MS;
    if (kt_delay_heap_next(&queue->heap, &due_ms))
        wait_ms = KT_MIN(KT_MAX(due_ms - now_ms(queue), (int64_t)1), LONGEST_WAIT_MS);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&queue->changed, &queue->lock, &until);
}

/* --- with workers --------------------------------------------------------------------------------------------------
 */

const int64_t kt_queue_time_bounds_ms[KT_QUEUE_TIME_BUCKETS - 1] = {1, 5, 20, 100, 1000, 10000, 100000};

static void note_time(struct kt_queue_times *times, int64_t time_ms)
{
    size_t bucket = 0;
    while (bucket < KT_QUEUE_TIME_BUCKETS - 1 && time_ms > kt_queue_time_bounds_ms[bucket])
        bucket++;
    times->counts[bucket]++;
    times->sum_ms += KT_MAX(time_ms, (int64_t)0);
}

static void begin(struct kt_work_queue *queue, struct item *item)
{
    item->processing = true;
    item->taken_at_ms = now_ms(queue);
    item->next_processing = NULL;
    item->back_processing = queue->processing_end;
    *queue->processing_end = item;
    queue->processing_end = &item->next_processing;
    queue->figures.processing++;
    note_time(&queue->figures.waited, item->taken_at_ms - item->waiting_since_ms);
}

static void end(struct kt_work_queue *queue, struct item *item)
{
    item->processing = false;
    *item->back_processing = item->next_processing;
    if (item->next_processing)
        item->next_processing->back_processing = item->back_processing;
    else
        queue->processing_end = item->back_processing;
    queue->figures.processing--;
    note_time(&queue->figures.worked, now_ms(queue) - item->taken_at_ms);
}

static void hand_out(struct kt_work_queue *queue, struct kt_object_key *ret)
{
    struct item *item = leave_line(queue);
    begin(queue, item);
    snprintf(ret->namespace_, sizeof(ret->namespace_), "%s", item->namespace_);
    snprintf(ret->name, sizeof(ret->name), "%s", item->name);
}

bool kt_work_queue_take(struct kt_work_queue *queue, struct kt_object_key *ret)
{
    pthread_mutex_lock(&queue->lock);
    for (;;) {
        if (queue->shut_down)
            break;
        add_those_due(queue);
        if (queue->first) {
            hand_out(queue, ret);
            break;
        }
        wait_for_change(queue);
    }
    bool taken = !queue->shut_down;
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

void kt_work_queue_done(struct kt_work_queue *queue, const struct kt_object_key *key)
{
    pthread_mutex_lock(&queue->lock);
    struct item *item = find(queue, key);
    if (item && item->processing) {
        end(queue, item);
        if (item->again) {
            item->again = false;
            join_line(queue, item);
        }
        drop_if_idle(queue, item);
    }
    pthread_mutex_unlock(&queue->lock);
}

void kt_work_queue_shut_down(struct kt_work_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->shut_down = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

struct kt_work_queue_figures kt_work_queue_figures(struct kt_work_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    if (!queue->shut_down)
        add_those_due(queue);
    struct kt_work_queue_figures figures = queue->figures;
    figures.delayed = queue->heap.count;
    int64_t time_ms = now_ms(queue);
    for (const struct item *item = queue->processing; item; item = item->next_processing)
        figures.unfinished_ms += time_ms - item->taken_at_ms;
    figures.longest_ms = queue->processing ? time_ms - queue->processing->taken_at_ms : 0;
    pthread_mutex_unlock(&queue->lock);
    return figures;
}
