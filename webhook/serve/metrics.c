/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/metrics.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "webhook/cache_age.h"
#include "webhook/serve/tls_context.h"

static const char *const webhook_paths[KT_METRICS_WEBHOOKS] = {"/mutate-workspace", "/validate-workspace"};
static const unsigned codes[KT_METRICS_CODES] = {200, 400, 404, 413, 415, 503, 500};
/* Seconds. controller-runtime begins at 5 ms; an answer of ours takes tens of microseconds, so there are finer ones
 * below. */
static const double latency_bounds[KT_METRICS_LATENCY_BUCKETS - 1] = {
    0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 1, 5,
};

static unsigned long long value_of(const atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void kt_metrics_request(struct kt_metrics *metrics, enum kt_review_kind kind, unsigned status, uint64_t latency_ns)
{
    size_t code = 0;
    while (code < KT_METRICS_CODES - 1 && codes[code] != status)
        code++;
    size_t bucket = 0;
    while (bucket < KT_METRICS_LATENCY_BUCKETS - 1 && (double)latency_ns / 1e9 > latency_bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&metrics->requests[kind][code], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->latency_buckets[kind][bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->latency_sum_ns[kind], latency_ns, memory_order_relaxed);
}

void kt_metrics_header(struct kt_strbuf *buffer, const char *name, const char *type, const char *help)
{
    kt_strbuf_printf(buffer, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_single(struct kt_strbuf *buffer, const char *name, const char *type, const char *help, double value)
{
    kt_metrics_header(buffer, name, type, help);
    kt_strbuf_printf(buffer, "%s %.17g\n", name, value);
}

static void write_requests(const struct kt_metrics *metrics, struct kt_strbuf *buffer)
{
    static const char name[] = "controller_runtime_webhook_requests_total";
    kt_metrics_header(buffer, name, "counter", "Admission requests by HTTP status code.");
    for (size_t i = 0; i < KT_METRICS_WEBHOOKS; i++)
        for (size_t j = 0; j < KT_METRICS_CODES; j++)
            kt_strbuf_printf(buffer, "%s{code=\"%u\",webhook=\"%s\"} %llu\n", name, codes[j], webhook_paths[i],
                             value_of(&metrics->requests[i][j]));
    static const char flight[] = "controller_runtime_webhook_requests_in_flight";
    kt_metrics_header(buffer, flight, "gauge", "Admission requests that are being served.");
    for (size_t i = 0; i < KT_METRICS_WEBHOOKS; i++)
        kt_strbuf_printf(buffer, "%s{webhook=\"%s\"} %lld\n", flight, webhook_paths[i],
                         atomic_load_explicit(&metrics->in_flight[i], memory_order_relaxed));
}

static void write_latency(const struct kt_metrics *metrics, struct kt_strbuf *buffer)
{
    static const char name[] = "controller_runtime_webhook_latency_seconds";
    kt_metrics_header(buffer, name, "histogram", "Time to answer an admission request.");
    for (size_t i = 0; i < KT_METRICS_WEBHOOKS; i++) {
        unsigned long long total = 0;
        for (size_t j = 0; j < KT_METRICS_LATENCY_BUCKETS; j++) {
            total += value_of(&metrics->latency_buckets[i][j]);
            if (j < KT_METRICS_LATENCY_BUCKETS - 1)
                kt_strbuf_printf(buffer, "%s_bucket{webhook=\"%s\",le=\"%g\"} %llu\n", name, webhook_paths[i],
                                 latency_bounds[j], total);
            else
                kt_strbuf_printf(buffer, "%s_bucket{webhook=\"%s\",le=\"+Inf\"} %llu\n", name, webhook_paths[i], total);
        }
        kt_strbuf_printf(buffer, "%s_sum{webhook=\"%s\"} %.9f\n%s_count{webhook=\"%s\"} %llu\n", name, webhook_paths[i],
                         (double)value_of(&metrics->latency_sum_ns[i]) / 1e9, name, webhook_paths[i], total);
    }
}

/* --- sources -------------------------------------------------------------------------------------------------------
 */

static pthread_mutex_t sources_lock = PTHREAD_MUTEX_INITIALIZER;
static struct source {
    void (*write)(void *context, struct kt_strbuf *buffer);
    void *context;
} sources[KT_METRICS_SOURCES];

bool kt_metrics_add_source(void (*write)(void *context, struct kt_strbuf *buffer), void *context)
{
    bool added = false;
    pthread_mutex_lock(&sources_lock);
    for (size_t i = 0; i < KT_METRICS_SOURCES && !added; i++) {
        if (sources[i].write)
            continue;
        sources[i] = (struct source){write, context};
        added = true;
    }
    pthread_mutex_unlock(&sources_lock);
    return added;
}

void kt_metrics_drop_source(void *context)
{
    pthread_mutex_lock(&sources_lock);
    for (size_t i = 0; i < KT_METRICS_SOURCES; i++)
        if (sources[i].write && sources[i].context == context)
            sources[i] = (struct source){0};
    pthread_mutex_unlock(&sources_lock);
}

static void write_sources(struct kt_strbuf *buffer)
{
    pthread_mutex_lock(&sources_lock);
    for (size_t i = 0; i < KT_METRICS_SOURCES; i++)
        if (sources[i].write)
            sources[i].write(sources[i].context, buffer);
    pthread_mutex_unlock(&sources_lock);
}

/* --- the process ---------------------------------------------------------------------------------------------------
 */

static double resident_bytes(void)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, 4 * KT_MIB);
    struct kt_str text;
    if (kt_files_system.read(NULL, &arena, "/proc/self/statm", 4096, &text, NULL) != 0)
        return 0;
    unsigned long long size = 0, resident = 0;
    if (sscanf(text.data, "%llu %llu", &size, &resident) != 2)
        return 0;
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static size_t open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return 0;
    size_t count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the one that reads */
}

static void write_process(const struct kt_metrics *metrics, struct kt_strbuf *buffer)
{
    struct rusage usage;
    double cpu = 0;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
              (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    write_single(buffer, "process_cpu_seconds_total", "counter", "CPU time used, in seconds.", cpu);
    write_single(buffer, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    write_single(buffer, "process_open_fds", "gauge", "Open file descriptors.", (double)open_descriptors());
    write_single(buffer, "process_start_time_seconds", "gauge", "Start of the process since 1970, in seconds.",
                 (double)metrics->started_wall_ms / 1000);
}

void kt_metrics_write(const struct kt_metrics *metrics, struct kt_strbuf *buffer)
{
    write_requests(metrics, buffer);
    write_latency(metrics, buffer);
    /* A C program cannot carry on after a crash: it ends and is started again, so this can only ever be 0. */
    write_single(buffer, "controller_runtime_webhook_panics_total", "counter", "Crashes that were survived: always 0.",
                 0);
    if (metrics->tls) {
        write_single(buffer, "certwatcher_read_certificate_total", "counter", "Certificate reads.",
                     (double)value_of(&metrics->tls->reads));
        write_single(buffer, "certwatcher_read_certificate_errors_total", "counter", "Certificate reads that failed.",
                     (double)value_of(&metrics->tls->read_errors));
        write_single(buffer, "kaito_webhook_certificate_expires_seconds", "gauge",
                     "End of the served certificate since 1970, in seconds.",
                     (double)atomic_load(&metrics->tls->expires_at_ms) / 1000);
    }
    write_single(buffer, "kaito_webhook_lookups_total", "counter",
                 "Reviews that asked the API server for an object that the cache lacked.",
                 (double)value_of(&metrics->lookups));
    write_single(buffer, "kaito_webhook_connections_total", "counter", "TLS connections accepted.",
                 (double)value_of(&metrics->connections));
    write_single(buffer, "kaito_webhook_connections_evicted_total", "counter",
                 "TLS connections closed to make room for others.", (double)value_of(&metrics->evictions));
    write_single(buffer, "kaito_webhook_handshake_failures_total", "counter", "TLS handshakes that failed.",
                 (double)value_of(&metrics->handshake_failures));
    kt_cache_age_write_metric(buffer, kt_clock_monotonic_ms(&kt_clock_system));
    write_sources(buffer);
    write_process(metrics, buffer);
}
