/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reconciler's figures under controller-runtime's names (pkg/internal/controller/metrics, client-go's workqueue
 * metrics), for the dashboards that there are: controller="workspace".
 */
#ifndef KT_WEBHOOK_RECONCILE_METRICS_H
#define KT_WEBHOOK_RECONCILE_METRICS_H

#include <stdatomic.h>

#include "base/strbuf.h"
#include "webhook/reconcile/work_queue.h"

/* How a look ended, in controller-runtime's words. */
enum kt_reconcile_result {
    KT_RECONCILE_SUCCESS,
    KT_RECONCILE_ERROR,         /* will be tried again */
    KT_RECONCILE_REQUEUE_AFTER, /* asked to be looked at again after a time */
    KT_RECONCILE_RESULTS
};

#define KT_RECONCILE_TIME_BUCKETS 12

struct kt_reconcile_figures {
    struct kt_work_queue *queue;
    size_t workers;
    atomic_ullong results[KT_RECONCILE_RESULTS];
    atomic_ullong time_buckets[KT_RECONCILE_TIME_BUCKETS]; /* not cumulative; the last is +Inf */
    atomic_ullong time_sum_us;
    atomic_llong active;
};

/* Shows the figures on /metrics until _stop. The queue must live as long; figures belong to the caller. */
void kt_reconcile_figures_start(struct kt_reconcile_figures *figures, struct kt_work_queue *queue, size_t workers);
void kt_reconcile_figures_stop(struct kt_reconcile_figures *figures);

/* Around one look. */
void kt_reconcile_figures_begin(struct kt_reconcile_figures *figures);
void kt_reconcile_figures_end(struct kt_reconcile_figures *figures, enum kt_reconcile_result result, int64_t took_us);

/* Appends the exposition. context: the figures. */
void kt_reconcile_figures_write(void *context, struct kt_strbuf *buffer);

#endif
