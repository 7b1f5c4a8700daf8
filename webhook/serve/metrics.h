/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters in Prometheus' text form under controller-runtime's names, so that dashboards made for Go webhooks work.
 * Every counter is an atomic; writing one never waits.
 */
#ifndef KT_WEBHOOK_SERVE_METRICS_H
#define KT_WEBHOOK_SERVE_METRICS_H

#include <stdatomic.h>

#include "admission/review.h"
#include "base/strbuf.h"

#define KT_METRICS_WEBHOOKS 2 /* enum kt_review_kind */
#define KT_METRICS_LATENCY_BUCKETS 14

enum kt_metrics_code {
    KT_METRICS_200,
    KT_METRICS_400,
    KT_METRICS_404,
    KT_METRICS_413,
    KT_METRICS_415,
    KT_METRICS_503,
    KT_METRICS_500, /* last: what is none of the others */
    KT_METRICS_CODES
};

struct kt_tls_store;

struct kt_metrics {
    atomic_ullong requests[KT_METRICS_WEBHOOKS][KT_METRICS_CODES];
    atomic_ullong latency_buckets[KT_METRICS_WEBHOOKS]
                                 [KT_METRICS_LATENCY_BUCKETS]; /* not cumulative; the last is +Inf */
    atomic_ullong latency_sum_ns[KT_METRICS_WEBHOOKS];
    atomic_llong in_flight[KT_METRICS_WEBHOOKS];
    atomic_ullong lookups; /* reviews that had to ask the API server */
    atomic_ullong connections;
    atomic_ullong evictions; /* connections closed to make room */
    atomic_ullong handshake_failures;
    const struct kt_tls_store *tls; /* for certwatcher_*; may be NULL */
    int64_t started_wall_ms;
};

void kt_metrics_request(struct kt_metrics *metrics, enum kt_review_kind kind, unsigned status, uint64_t latency_ns);
/* Appends the exposition, text format 0.0.4, those of the sources below included. */
void kt_metrics_write(const struct kt_metrics *metrics, struct kt_strbuf *buffer);

/* For all who write figures: HELP and TYPE of a metric. */
void kt_metrics_header(struct kt_strbuf *buffer, const char *name, const char *type, const char *help);

/* Figures of other parts of the process. write appends them in the same form and must not call these two functions.
 * False when KT_METRICS_SOURCES are there already. */
#define KT_METRICS_SOURCES 4
bool kt_metrics_add_source(void (*write)(void *context, struct kt_strbuf *buffer), void *context);
/* When it returns, no call for this context is under way and none will come. */
void kt_metrics_drop_source(void *context);

#endif
