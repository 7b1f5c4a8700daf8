/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which Workspaces to look at next (after client-go util/workqueue): a key waits once however often it is added, is
 * with one worker at a time, and is looked at once more when it was added meanwhile. First come, first served. A key
 * that failed comes back after 5 ms * 2^n, at most 1000 s, and no sooner than a bucket of 10 a second with 100 in stock
 * allows all keys together. Safe between threads.
 */
#ifndef KT_WEBHOOK_RECONCILE_WORK_QUEUE_H
#define KT_WEBHOOK_RECONCILE_WORK_QUEUE_H

#include "base/clock.h"
#include "base/error.h"
#include "webhook/cluster/object_key.h"

#define KT_QUEUE_RETRY_FIRST_MS 5
#define KT_QUEUE_RETRY_LARGEST_MS 1000000
#define KT_QUEUE_RETRIES_PER_SECOND 10
#define KT_QUEUE_RETRY_BURST 100

struct kt_work_queue;

int kt_work_queue_new(const struct kt_clock *clock, struct kt_work_queue **ret, struct kt_error *error) KT_NODISCARD;
void kt_work_queue_free(struct kt_work_queue *queue); /* no thread may be waiting; accepts NULL */

/* A key beyond KT_LIMIT_QUEUE_KEYS, or without memory, is not queued: false. The next resync brings it again. */
bool kt_work_queue_add(struct kt_work_queue *queue, const struct kt_object_key *key);
/* Adds it when delay_ms are over; an earlier time for the same key wins. */
bool kt_work_queue_add_after(struct kt_work_queue *queue, const struct kt_object_key *key, int64_t delay_ms);
/* Adds it after its backoff and counts one more failure. */
bool kt_work_queue_retry(struct kt_work_queue *queue, const struct kt_object_key *key);
/* It went well: the next failure starts from 5 ms again. */
void kt_work_queue_forget(struct kt_work_queue *queue, const struct kt_object_key *key);

/* Waits for a key and takes it; kt_work_queue_done must follow. False at shutdown. */
bool kt_work_queue_take(struct kt_work_queue *queue, struct kt_object_key *ret);
void kt_work_queue_done(struct kt_work_queue *queue, const struct kt_object_key *key);
/* Wakes all who wait, for good; keys under way are finished by their workers. */
void kt_work_queue_shut_down(struct kt_work_queue *queue);

/* For controller-runtime's metrics, see metrics.h. */
#define KT_QUEUE_TIME_BUCKETS 8
extern const int64_t kt_queue_time_bounds_ms[KT_QUEUE_TIME_BUCKETS - 1];
struct kt_queue_times {
    uint64_t counts[KT_QUEUE_TIME_BUCKETS]; /* up to each bound; the last is beyond all */
    int64_t sum_ms;
};
struct kt_work_queue_figures {
    size_t depth, processing;
    size_t delayed; /* keys that will come when their time is over */
    uint64_t adds, retries;
    struct kt_queue_times waited, worked; /* in the line, and with a worker, of keys that are through */
    int64_t unfinished_ms, longest_ms;    /* of keys that are with a worker: together, and the longest */
};
/* Also moves keys whose time has come into the line. */
struct kt_work_queue_figures kt_work_queue_figures(struct kt_work_queue *queue);

#endif
