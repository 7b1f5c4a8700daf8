/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/metrics.h"

#include "webhook/serve/metrics.h"

#define CONTROLLER "controller=\"workspace\""
/* As client-go's workqueue metrics have them since they carry both labels. */
#define QUEUE "controller=\"workspace\",name=\"workspace\""

static const char *const result_names[KT_RECONCILE_RESULTS] = {"success", "error", "requeue_after"};
/* Seconds; a look is a few milliseconds, most of it waiting for the API server. */
static const double time_bounds[KT_RECONCILE_TIME_BUCKETS - 1] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                                  0.05,   0.1,   0.5,    1,     10};

void kt_reconcile_figures_start(struct kt_reconcile_figures *figures, struct kt_work_queue *queue, size_t workers)
{
    figures->queue = queue;
    figures->workers = workers;
    /* Without room for one more source the process does without these figures. */
    kt_metrics_add_source(kt_reconcile_figures_write, figures);
}

void kt_reconcile_figures_stop(struct kt_reconcile_figures *figures)
{
    kt_metrics_drop_source(figures);
}

void kt_reconcile_figures_begin(struct kt_reconcile_figures *figures)
{
    atomic_fetch_add_explicit(&figures->active, 1, memory_order_relaxed);
}

void kt_reconcile_figures_end(struct kt_reconcile_figures *figures, enum kt_reconcile_result result, int64_t took_us)
{
    size_t bucket = 0;
    while (bucket < KT_RECONCILE_TIME_BUCKETS - 1 && (double)took_us / 1e6 > time_bounds[bucket])
        bucket++;
    atomic_fetch_sub_explicit(&figures->active, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&figures->results[result], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&figures->time_buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&figures->time_sum_us, (unsigned long long)KT_MAX(took_us, (int64_t)0),
                              memory_order_relaxed);
}

static unsigned long long value_of(const atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void write_single(struct kt_strbuf *buffer, const char *name, const char *type, const char *labels,
                         const char *help, double value)
{
    kt_metrics_header(buffer, name, type, help);
    kt_strbuf_printf(buffer, "%s{%s} %.17g\n", name, labels, value);
}

static void write_histogram(struct kt_strbuf *buffer, const char *name, const char *labels, const double *bounds,
                            const unsigned long long *counts, size_t buckets, double sum)
{
    unsigned long long total = 0;
    for (size_t i = 0; i < buckets; i++) {
        total += counts[i];
        if (i < buckets - 1)
            kt_strbuf_printf(buffer, "%s_bucket{%s,le=\"%g\"} %llu\n", name, labels, bounds[i], total);
        else
            kt_strbuf_printf(buffer, "%s_bucket{%s,le=\"+Inf\"} %llu\n", name, labels, total);
    }
    kt_strbuf_printf(buffer, "%s_sum{%s} %.17g\n%s_count{%s} %llu\n", name, labels, sum, name, labels, total);
}

static void write_looks(const struct kt_reconcile_figures *figures, struct kt_strbuf *buffer)
{
    static const char total[] = "controller_runtime_reconcile_total",
                      time[] = "controller_runtime_reconcile_time_seconds";
    kt_metrics_header(buffer, total, "counter", "Looks at Workspaces by how they ended.");
    for (size_t i = 0; i < KT_RECONCILE_RESULTS; i++)
        kt_strbuf_printf(buffer, "%s{" CONTROLLER ",result=\"%s\"} %llu\n", total, result_names[i],
                         value_of(&figures->results[i]));
    write_single(buffer, "controller_runtime_reconcile_errors_total", "counter", CONTROLLER, "Looks that failed.",
                 (double)value_of(&figures->results[KT_RECONCILE_ERROR]));
    unsigned long long counts[KT_RECONCILE_TIME_BUCKETS];
    for (size_t i = 0; i < KT_RECONCILE_TIME_BUCKETS; i++)
        counts[i] = value_of(&figures->time_buckets[i]);
    kt_metrics_header(buffer, time, "histogram", "Time that a look at a Workspace takes.");
    write_histogram(buffer, time, CONTROLLER, time_bounds, counts, KT_RECONCILE_TIME_BUCKETS,
                    (double)value_of(&figures->time_sum_us) / 1e6);
    write_single(buffer, "controller_runtime_max_concurrent_reconciles", "gauge", CONTROLLER, "Workers.",
                 (double)figures->workers);
    write_single(buffer, "controller_runtime_active_workers", "gauge", CONTROLLER, "Workers that look at a Workspace.",
                 (double)atomic_load_explicit(&figures->active, memory_order_relaxed));
}

static void write_queue_times(struct kt_strbuf *buffer, const char *name, const char *help,
                              const struct kt_queue_times *times)
{
    double bounds[KT_QUEUE_TIME_BUCKETS - 1];
    unsigned long long counts[KT_QUEUE_TIME_BUCKETS];
    for (size_t i = 0; i < KT_QUEUE_TIME_BUCKETS; i++) {
        counts[i] = times->counts[i];
        if (i < KT_QUEUE_TIME_BUCKETS - 1)
            bounds[i] = (double)kt_queue_time_bounds_ms[i] / 1000;
    }
    kt_metrics_header(buffer, name, "histogram", help);
    write_histogram(buffer, name, QUEUE, bounds, counts, KT_QUEUE_TIME_BUCKETS, (double)times->sum_ms / 1000);
}

static void write_queue(const struct kt_work_queue_figures *queue, struct kt_strbuf *buffer)
{
    write_single(buffer, "workqueue_depth", "gauge", QUEUE, "Workspaces that wait to be looked at.",
                 (double)queue->depth);
    write_single(buffer, "workqueue_adds_total", "counter", QUEUE, "Workspaces that were put into the queue.",
                 (double)queue->adds);
    write_single(buffer, "workqueue_retries_total", "counter", QUEUE, "Those that came back after a failure.",
                 (double)queue->retries);
    write_queue_times(buffer, "workqueue_queue_duration_seconds", "Time from the queue's end to its head.",
                      &queue->waited);
    write_queue_times(buffer, "workqueue_work_duration_seconds", "Time with a worker.", &queue->worked);
    write_single(buffer, "workqueue_unfinished_work_seconds", "gauge", QUEUE,
                 "Time that the looks under way have taken so far, together.", (double)queue->unfinished_ms / 1000);
    write_single(buffer, "workqueue_longest_running_processor_seconds", "gauge", QUEUE,
                 "Time that the longest of them has taken so far.", (double)queue->longest_ms / 1000);
}

void kt_reconcile_figures_write(void *context, struct kt_strbuf *buffer)
{
    struct kt_reconcile_figures *figures = context;
    struct kt_work_queue_figures queue = kt_work_queue_figures(figures->queue);
    write_looks(figures, buffer);
    write_queue(&queue, buffer);
}
