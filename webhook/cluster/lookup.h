/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConfigMaps that a review needs and the cache has not: one thread asks the API server for them, with a deadline, and
 * gives the answers back to the worker that parked the review.
 */
#ifndef KT_WEBHOOK_CLUSTER_LOOKUP_H
#define KT_WEBHOOK_CLUSTER_LOOKUP_H

#include "admission/cluster.h"
#include "base/byte_budget.h"
#include "base/error.h"
#include "kube/config.h"
#include "kube/environment.h"

#define KT_LOOKUP_NEEDS 4
#define KT_LOOKUP_DEADLINE_MS 1000

struct kt_store_entry;

struct kt_lookup_need {
    char namespace_[64];
    char name[256];
    enum kt_lookup result;
    struct kt_store_entry *entry; /* what is kept of it, when found */
};

struct kt_lookup_queue;

struct kt_lookup_request {
    struct kt_lookup_need needs[KT_LOOKUP_NEEDS];
    size_t need_count;
    struct kt_byte_budget *budget; /* what the entries are given back to; NULL until it joins the line */
    void *waiter;                  /* the caller's */
    int64_t deadline_ms;           /* monotonic; set when it joins the line */
    struct kt_lookup_queue *reply_to;
    struct kt_lookup_request *next;
};

/* Where finished look-ups arrive; wake_fd (an eventfd) is written when one does. NULL without memory. */
struct kt_lookup_queue *kt_lookup_queue_new(int wake_fd);
/* Also frees what is in it. Safe while look-ups are under way: they are dropped when they end. */
void kt_lookup_queue_free(struct kt_lookup_queue *queue);
struct kt_lookup_request *kt_lookup_queue_take(struct kt_lookup_queue *queue);
void kt_lookup_free(struct kt_lookup_request *lookup);

struct kt_lookups;

/* Starts the thread. config and environment must outlive it. */
int kt_lookups_start(const struct kt_config *config, const struct kt_environment *environment, struct kt_lookups **ret,
                     struct kt_error *error) KT_NODISCARD;
/* Ends it; what still waits is answered "unknown". Accepts NULL. */
void kt_lookups_stop(struct kt_lookups *lookups);
/* Takes ownership; false when the line is full (then the caller answers with what it knows). */
bool kt_lookups_ask(struct kt_lookups *lookups, struct kt_lookup_request *lookup);

#endif
