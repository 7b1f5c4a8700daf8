/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One review in process, as a worker of the server does it: parse, default, judge by what is kept of the cluster,
 * encode. Usage: review FILE COUNT KUBECONFIG
 *
 * Prints the nanoseconds of a review and the heap allocations after the warm-up, and fails when there are any. Counted
 * are the instructions of measured_reviews, under callgrind's --toggle-collect (run.sh).
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/limits.h"
#include "kube/client.h"
#include "webhook/admission/endpoint.h"

#define WARM_UP 20
#define SYNC_DEADLINE_MS 60000 /* under valgrind, too */

struct bench {
    struct kt_endpoint endpoint;
    struct kt_endpoint_worker worker;
    struct kt_str body;
    struct kt_error error;
};

static bool reviews(struct bench *bench, long count)
{
    struct kt_lookup_request *lookup = NULL;
    for (long i = 0; i < count; i++)
        if (kt_endpoint_review(&bench->endpoint, &bench->worker, KT_REVIEW_VALIDATE, bench->body, NULL, &lookup,
                               &bench->error) != KT_ENDPOINT_ANSWERED)
            return false;
    return true;
}

__attribute__((noinline)) bool measured_reviews(struct bench *bench, long count);

bool measured_reviews(struct bench *bench, long count)
{
    return reviews(bench, count);
}

static double elapsed_ns(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) * 1e9 + (double)(now.tv_nsec - start->tv_nsec);
}

/* Opens the view of the cluster and waits until it has seen all. */
static int open_view(const char *kubeconfig, struct kt_arena *arena, struct kt_config *config,
                     const struct kt_environment *environment, struct bench *bench)
{
    struct kt_config_overrides overrides = {.kubeconfig = kubeconfig};
    const struct kt_informers_options options = {.config = config, .environment = environment};
    int code = kt_client_global_init(&bench->error);
    if (code == 0)
        code = kt_config_resolve(arena, environment, &overrides, config, &bench->error);
    if (code == 0)
        code = kt_cache_start(&options, bench->endpoint.settings.release_namespace, &bench->endpoint.cluster,
                              &bench->error);
    int64_t give_up_ms = kt_clock_monotonic_ms(&kt_clock_system) + SYNC_DEADLINE_MS;
    while (code == 0 && !kt_cache_knows_for_rules(bench->endpoint.cluster)) {
        if (kt_clock_monotonic_ms(&kt_clock_system) > give_up_ms)
            return kt_error_set(&bench->error, KT_ETIMEOUT, "the API server of %s does not list", kubeconfig);
        poll(NULL, 0, 5);
    }
    return code;
}

static int measure(struct bench *bench, long count)
{
    struct timespec start;
    if (!reviews(bench, WARM_UP))
        return kt_error_wrap(&bench->error, "warm-up");
    clock_gettime(CLOCK_MONOTONIC, &start);
    size_t allocations = kt_heap_allocation_count();
    if (!measured_reviews(bench, count))
        return kt_error_wrap(&bench->error, "review");
    double nanoseconds = elapsed_ns(&start) / (double)KT_MAX(count, 1);
    allocations = kt_heap_allocation_count() - allocations;
    struct kt_str answer = kt_strbuf_view(&bench->worker.answer);
    bool allowed = memmem(answer.data, answer.length, "\"allowed\":true", 14) != NULL;
    printf("%.0f ns a review, %zu heap allocations after the warm-up, %s, arena high water %zu bytes\n", nanoseconds,
           allocations, allowed ? "allowed" : "refused", bench->worker.arena.high_water_bytes);
    if (allocations > 0)
        return kt_error_set(&bench->error, KT_EINTERNAL, "reviews allocate");
    return allowed ? 0 : kt_error_set(&bench->error, KT_EINTERNAL, "%.*s", (int)answer.length, answer.data);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: review FILE COUNT KUBECONFIG\n");
        return 2;
    }
    const struct kt_environment environment = {
        .variables = (const char *const *)environ, .files = &kt_files_system, .clock = &kt_clock_system};
    struct bench bench = {0};
    struct kt_arena arena;
    struct kt_config config = {0};
    kt_arena_init(&arena, 16 * KT_MIB);
    kt_settings_init(&bench.endpoint.settings);
    int code = kt_files_system.read(NULL, &arena, argv[1], KT_MIB, &bench.body, &bench.error);
    if (code == 0)
        code = open_view(argv[3], &arena, &config, &environment, &bench);
    kt_endpoint_worker_init(&bench.worker, &bench.endpoint, -1);
    if (code == 0)
        code = measure(&bench, strtol(argv[2], NULL, 10));
    if (code != 0)
        fprintf(stderr, "error: %s\n", bench.error.message);
    kt_endpoint_worker_release(&bench.worker);
    kt_cache_stop(bench.endpoint.cluster);
    kt_arena_release(&arena);
    return code == 0 ? 0 : 1;
}
