/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How old what is kept of each kind is: the time since the API server was last heard of it. Told by a metric and in the
 * body of /readyz; never a reason not to be ready, for rules judge with what they have, and admission must go on.
 */
#ifndef KT_WEBHOOK_CACHE_AGE_H
#define KT_WEBHOOK_CACHE_AGE_H

#include <stdatomic.h>

#include "base/strbuf.h"

/* Older than this is stale: a watch that says nothing is begun again after 90 s, which takes up to 30 s. */
#define KT_CACHE_STALE_MS ((int64_t)120000)

/* One a watch. Safe between threads. */
struct kt_cache_age {
    const char *kind;
    atomic_llong heard_ms; /* monotonic; 0: not yet */
    struct kt_cache_age *next;
};

/* From here to _drop it is told; kind must live as long. */
void kt_cache_age_add(struct kt_cache_age *age, const char *kind);
/* Accepts one that was never added. */
void kt_cache_age_drop(struct kt_cache_age *age);
void kt_cache_age_heard(struct kt_cache_age *age, int64_t now_ms);

/* Appends kaito_webhook_cache_age_seconds of all kinds that have been heard of. */
void kt_cache_age_write_metric(struct kt_strbuf *buffer, int64_t now_ms);
/* Appends one line for each kind that is stale. */
void kt_cache_age_write_stale(struct kt_strbuf *buffer, int64_t now_ms);

#endif
