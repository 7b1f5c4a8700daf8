/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/admission/endpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "webhook/log.h"
#include "webhook/serve/metrics.h"

void kt_endpoint_worker_init(struct kt_endpoint_worker *worker, const struct kt_endpoint *endpoint, int wake_fd)
{
    kt_arena_init(&worker->arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_strbuf_init(&worker->answer, NULL, KT_LIMIT_ANSWER_BYTES);
    worker->lookups = kt_lookup_queue_new(wake_fd);
    if (endpoint->cluster && kt_store_add_slot(endpoint->cluster->store, &worker->slot))
        worker->cluster = endpoint->cluster;
}

void kt_endpoint_worker_release(struct kt_endpoint_worker *worker)
{
    if (worker->cluster)
        kt_store_drop_slot(worker->cluster->store, &worker->slot);
    kt_lookup_queue_free(worker->lookups);
    kt_strbuf_release(&worker->answer);
    kt_arena_release(&worker->arena);
}

/* Refusals are worth a line each; what passes is not, unless somebody debugs. */
static void log_review(const struct kt_review_summary *summary, enum kt_review_kind kind, int64_t elapsed_ms)
{
    enum kt_log_level level = summary->allowed ? KT_LOG_DEBUG : KT_LOG_INFO;
    if (!kt_log_enabled(level))
        return;
    char elapsed[24], errors[24], warnings[24];
    snprintf(elapsed, sizeof(elapsed), "%lld", (long long)elapsed_ms);
    snprintf(errors, sizeof(errors), "%zu", summary->errors);
    snprintf(warnings, sizeof(warnings), "%zu", summary->warnings);
    kt_log(level, summary->allowed ? "allowed" : "refused", "webhook", kind == KT_REVIEW_MUTATE ? "mutate" : "validate",
           "uid", summary->uid, "namespace", summary->namespace_, "name", summary->name, "operation",
           summary->operation, "user", summary->user, "errors", errors, "warnings", warnings, "ms", elapsed, NULL);
}

/* Moves what the reader missed into a look-up and sends it off. */
static bool park(struct kt_endpoint_worker *worker, const struct kt_cluster_reader *reader, void *waiter,
                 struct kt_lookup_request **ret)
{
    struct kt_lookup_request *lookup = worker->lookups && waiter ? kt_heap_alloc(sizeof(*lookup)) : NULL;
    if (!lookup)
        return false;
    memcpy(lookup->needs, reader->missing, sizeof(lookup->needs));
    lookup->need_count = reader->missing_count;
    lookup->waiter = waiter;
    lookup->reply_to = worker->lookups;
    if (!kt_lookups_ask(worker->cluster->lookups, lookup)) {
        kt_lookup_free(lookup);
        return false;
    }
    *ret = lookup;
    return true;
}

enum kt_endpoint_result kt_endpoint_review(const struct kt_endpoint *endpoint, struct kt_endpoint_worker *worker,
                                           enum kt_review_kind kind, struct kt_str body, void *waiter,
                                           struct kt_lookup_request **lookup, struct kt_error *error)
{
    int64_t started_ms = kt_clock_monotonic_ms(&kt_clock_system);
    bool second_time = *lookup != NULL;
    struct kt_cluster_reader reader;
    kt_cluster_reader_begin(&reader, worker->cluster, &worker->slot, &worker->arena, *lookup);
    struct kt_cluster cluster = kt_cluster_reader_cluster(&reader);
    struct kt_review_summary summary = {0};
    kt_strbuf_clear(&worker->answer);
    int code =
        kt_review_answer(&worker->arena, kind, body, &endpoint->settings, &cluster, &worker->answer, &summary, error);
    if (code == 0 && worker->answer.failed)
        code = kt_error_set(error, KT_ELIMIT, "the answer does not fit into memory");
    enum kt_endpoint_result result = code == 0 ? KT_ENDPOINT_ANSWERED : KT_ENDPOINT_REFUSED;
    if (code == 0 && !second_time && reader.missing_count > 0 && park(worker, &reader, waiter, lookup))
        result = KT_ENDPOINT_PARKED;
    kt_cluster_reader_end(&reader);
    if (result == KT_ENDPOINT_ANSWERED)
        log_review(&summary, kind, kt_clock_monotonic_ms(&kt_clock_system) - started_ms);
    if (second_time) {
        kt_lookup_free(*lookup);
        *lookup = NULL;
    }
    kt_arena_reset(&worker->arena);
    return result;
}
