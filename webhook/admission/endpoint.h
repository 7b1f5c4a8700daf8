/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the body of a request to the body of its answer. Runs on a worker thread and never waits: when a rule asks for a
 * ConfigMap that the cache does not hold, the request is parked, a look-up thread asks the API server with a
 * deadline of one second, and the review is done again with what it found.
 */
#ifndef KT_WEBHOOK_ADMISSION_ENDPOINT_H
#define KT_WEBHOOK_ADMISSION_ENDPOINT_H

#include <stdatomic.h>

#include "admission/review.h"
#include "base/strbuf.h"
#include "webhook/cluster/reader.h"

struct kt_metrics;

struct kt_endpoint {
    struct kt_settings settings;
    struct kt_cache *cluster; /* NULL: no API server, every look-up is unknown */
    struct kt_metrics *metrics;
};

/* What one worker thread keeps for its reviews. */
struct kt_endpoint_worker {
    struct kt_arena arena;
    struct kt_strbuf answer; /* on the heap, kept between requests */
    struct kt_store_slot slot;
    struct kt_cache *cluster;        /* the endpoint's, if this worker may read it */
    struct kt_lookup_queue *lookups; /* finished look-ups come back here */
};

void kt_endpoint_worker_init(struct kt_endpoint_worker *worker, const struct kt_endpoint *endpoint, int wake_fd);
void kt_endpoint_worker_release(struct kt_endpoint_worker *worker);

enum kt_endpoint_result {
    KT_ENDPOINT_ANSWERED, /* worker->answer holds a review: HTTP 200 */
    KT_ENDPOINT_REFUSED,  /* *error says why there is no review: HTTP 400, 413 or 500 */
    KT_ENDPOINT_PARKED,   /* wait for the look-up, then call again with it */
};

/* waiter: comes back with the look-up; NULL: the request cannot wait, and is answered with what is known. lookup: NULL
 * at first; on KT_ENDPOINT_PARKED *lookup is set, and the caller gives it back with the second call, which
 * frees it. */
enum kt_endpoint_result kt_endpoint_review(const struct kt_endpoint *endpoint, struct kt_endpoint_worker *worker,
                                           enum kt_review_kind kind, struct kt_str body, void *waiter,
                                           struct kt_lookup_request **lookup, struct kt_error *error);

#endif
