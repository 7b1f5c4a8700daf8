/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/lookup.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "kube/api.h"
#include "webhook/cluster/lookup_queue.h"
#include "webhook/cluster/store_internal.h"
#include "webhook/log.h"

struct kt_lookups {
    struct kt_lookup_line *line; /* those that wait for the thread */
    struct kt_client *client;
    struct kt_byte_budget bytes; /* of what has been found, until its review is done */
    pthread_t thread;
    bool started;
    int stop; /* eventfd, readable when all must end */
};

/* What is kept of it, when the budget has room; NULL: the review goes on without it. */
static struct kt_store_entry *keep_found(struct kt_lookups *lookups, const cJSON *object)
{
    struct kt_store_entry *entry = kt_store_entry_new(KT_KIND_CONFIG_MAP, object);
    if (entry && !kt_byte_budget_take(&lookups->bytes, entry->bytes)) {
        kt_store_entry_release(entry);
        return NULL;
    }
    return entry;
}

static void answer_need(struct kt_lookups *lookups, struct kt_lookup_need *need, struct kt_arena *arena)
{
    struct kt_reply reply = {0};
    struct kt_error error;
    int code =
        kt_api_get(lookups->client, arena, &kt_resource_config_maps, need->namespace_, need->name, &reply, &error);
    if (code == KT_ENOTFOUND) {
        need->result = KT_LOOKUP_ABSENT;
        return;
    }
    if (code != 0) {
        kt_log(KT_LOG_WARNING, "a ConfigMap could not be read", "namespace", need->namespace_, "name", need->name,
               "error", error.message, NULL);
        return;
    }
    need->entry = keep_found(lookups, reply.object);
    need->result = need->entry ? KT_LOOKUP_FOUND : KT_LOOKUP_UNKNOWN;
}

static void *look_up(void *context)
{
    struct kt_lookups *lookups = context;
    struct kt_arena arena;
    kt_arena_init(&arena, KT_LIMIT_CONFIG_MAP_ARENA_BYTES);
    int64_t deadline_ms;
    for (struct kt_lookup_request *lookup = kt_lookup_line_take(lookups->line, &deadline_ms); lookup;
         lookup = kt_lookup_line_take(lookups->line, &deadline_ms)) {
        for (size_t i = 0; i < lookup->need_count; i++) {
            if (kt_clock_monotonic_ms(&kt_clock_system) >= deadline_ms)
                break; /* the rest stays unknown: the review must not wait longer */
            answer_need(lookups, &lookup->needs[i], &arena);
            kt_arena_reset(&arena);
        }
        kt_lookup_queue_put(lookup->reply_to, lookup);
    }
    kt_arena_release(&arena);
    return NULL;
}

static int start(struct kt_lookups *lookups, const struct kt_config *config, const struct kt_environment *environment,
                 struct kt_error *error)
{
    lookups->bytes.limit = KT_LIMIT_LOOKUP_BYTES;
    lookups->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    lookups->line = kt_lookup_line_new();
    if (lookups->stop < 0 || !lookups->line)
        return kt_error_set(error, KT_ENOMEM, "no memory for look-ups");
    struct kt_client_options options = {
        .user_agent = "kaito-webhook", .http1 = true, .timeout_ms = KT_LOOKUP_DEADLINE_MS, .stop_fd = lookups->stop};
    int code = kt_client_new(config, environment, &options, &lookups->client, error);
    if (code != 0)
        return code;
    lookups->started = pthread_create(&lookups->thread, NULL, look_up, lookups) == 0;
    return lookups->started ? 0 : kt_error_set(error, KT_ENOMEM, "cannot start the look-up thread");
}

int kt_lookups_start(const struct kt_config *config, const struct kt_environment *environment, struct kt_lookups **ret,
                     struct kt_error *error)
{
    struct kt_lookups *lookups = kt_heap_alloc(sizeof(*lookups));
    if (!lookups)
        return kt_error_set(error, KT_ENOMEM, "no memory for look-ups");
    int code = start(lookups, config, environment, error);
    if (code != 0) {
        kt_lookups_stop(lookups);
        return code;
    }
    *ret = lookups;
    return 0;
}

void kt_lookups_stop(struct kt_lookups *lookups)
{
    if (!lookups)
        return;
    uint64_t one = 1;
    KT_UNUSED ssize_t done = write(lookups->stop, &one, sizeof(one));
    if (lookups->line)
        kt_lookup_line_close(lookups->line);
    if (lookups->started)
        pthread_join(lookups->thread, NULL);
    kt_client_free(lookups->client);
    kt_lookup_line_free(lookups->line);
    kt_close_fd(&lookups->stop);
    kt_heap_free(lookups);
}

bool kt_lookups_ask(struct kt_lookups *lookups, struct kt_lookup_request *lookup)
{
    lookup->budget = &lookups->bytes;
    return kt_lookup_line_put(lookups->line, lookup);
}
