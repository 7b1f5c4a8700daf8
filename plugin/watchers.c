/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/watchers.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kube/watch.h"
#include "workload/names.h"

/* A person waits: no longer pause than this between two tries to reach a server that is away. */
#define LARGEST_BACKOFF_MS 4000

struct watcher {
    struct kt_watchers *watchers;
    const struct kt_resource *resource;
    const char *namespace_;
    const char *label_selector;
    const char *field_selector;
    struct kt_client *client;
    pthread_t thread;
    bool started;
};

struct kt_watchers {
    struct kt_arena arena;
    struct kt_environment environment;
    struct watcher items[KT_KIND_COUNT];
    size_t count;
    int changed_fd; /* written by the threads */
    int stop_fd;    /* written to end them */
};

static void ring(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof(one));
    (void)written; /* full: it rings already */
}

static bool on_object(void *context, const cJSON *object KT_UNUSED)
{
    struct watcher *watcher = context;
    ring(watcher->watchers->changed_fd);
    return true;
}

/* After a new list, too: what vanished meanwhile is told by nothing else. */
static bool on_synced(void *context, const char *resource_version KT_UNUSED)
{
    return on_object(context, NULL);
}

static void *watch(void *context)
{
    struct watcher *watcher = context;
    const struct kt_watch_handler handler = {
        .added = on_object, .modified = on_object, .deleted = on_object, .synced = on_synced, .context = watcher};
    const struct kt_watch_options options = {.label_selector = watcher->label_selector,
                                             .field_selector = watcher->field_selector,
                                             .backoff_largest_ms = LARGEST_BACKOFF_MS};
    struct kt_error error;
    /* Ends by the stop descriptor. A thread that cannot go on leaves the others, and the look every few seconds. */
    int code = kt_watch_run(watcher->client, watcher->resource, watcher->namespace_, &options, &handler, &error);
    (void)code;
    return NULL;
}

/* What is found by reference is not watched: that of all others would ring as well. */
static void choose(struct kt_watchers *watchers, const struct kt_gather_target *target)
{
    struct kt_arena *arena = &watchers->arena;
    const char *name = target->name ? kt_arena_strdup(arena, target->name) : NULL;
    const char *space = target->namespace_ ? kt_arena_strdup(arena, target->namespace_) : NULL;
    const char *by_name = name ? kt_arena_printf(arena, "metadata.name=%s", name) : NULL;
    const char *by_label = name ? kt_arena_printf(arena, KT_LABEL_WORKSPACE "=%s", name) : KT_LABEL_WORKSPACE;
    for (enum kt_kind_id kind = 0; kind < KT_KIND_COUNT; kind++) {
        bool is_workspace = kind == KT_KIND_WORKSPACE;
        if (!is_workspace && !(kt_kinds[kind].is_observed && kt_kinds[kind].watch_selector))
            continue;
        watchers->items[watchers->count++] = (struct watcher){
            .watchers = watchers,
            .resource = is_workspace ? target->workspaces : kt_kinds[kind].resource,
            .namespace_ = space,
            .field_selector = is_workspace ? by_name : NULL,
            .label_selector = is_workspace ? NULL : by_label,
        };
    }
}

static int start_one(struct kt_watchers *watchers, struct watcher *watcher, const struct kt_connection *connection,
                     struct kt_error *error)
{
    const struct kt_client_options options = {.user_agent = "kubectl-kaito", .stop_fd = watchers->stop_fd};
    int code = kt_client_new(&connection->config, &watchers->environment, &options, &watcher->client, error);
    if (code != 0)
        return code;
    int failure = pthread_create(&watcher->thread, NULL, watch, watcher);
    if (failure != 0)
        return kt_error_set(error, KT_EINTERNAL, "cannot start a thread: %s", strerror(failure));
    watcher->started = true;
    return 0;
}

int kt_watchers_start(const struct kt_gather_target *target, struct kt_watchers **ret, struct kt_error *error)
{
    KT_CLEANUP(kt_watchers_cleanup) struct kt_watchers *watchers = kt_heap_alloc(sizeof(*watchers));
    if (!watchers)
        return kt_error_set(error, KT_ENOMEM, "not enough memory to watch a Workspace");
    kt_arena_init(&watchers->arena, (size_t)(64 * KT_KIB));
    watchers->environment = *target->connection->app->environment;
    watchers->environment.stdin_is_terminal = false; /* the main thread has asked what there is to ask */
    watchers->changed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    watchers->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watchers->changed_fd < 0 || watchers->stop_fd < 0)
        return kt_error_set(error, KT_EIO, "cannot make an event descriptor: %s", strerror(errno));
    choose(watchers, target);
    if (watchers->arena.failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory to watch a Workspace");
    for (size_t i = 0; i < watchers->count; i++) {
        int code = start_one(watchers, &watchers->items[i], target->connection, error);
        if (code != 0)
            return code;
    }
    *ret = KT_STEAL(watchers);
    return 0;
}

void kt_watchers_stop(struct kt_watchers *watchers)
{
    if (!watchers)
        return;
    ring(watchers->stop_fd);
    for (size_t i = 0; i < watchers->count; i++) {
        if (watchers->items[i].started)
            pthread_join(watchers->items[i].thread, NULL);
        kt_client_free(watchers->items[i].client);
    }
    kt_close_fd(&watchers->changed_fd);
    kt_close_fd(&watchers->stop_fd);
    kt_arena_release(&watchers->arena);
    kt_heap_free(watchers);
}

void kt_watchers_cleanup(struct kt_watchers **watchers)
{
    kt_watchers_stop(*watchers);
    *watchers = NULL;
}

enum kt_wakeup kt_watchers_wait(struct kt_watchers *watchers, const struct kt_connection *connection,
                                int64_t timeout_ms)
{
    struct pollfd waits[] = {{.fd = kt_connection_stop_fd(connection), .events = POLLIN},
                             {.fd = watchers ? watchers->changed_fd : -1, .events = POLLIN}};
    int ready = poll(waits, KT_ARRAY_LENGTH(waits), (int)KT_MIN(KT_MAX(timeout_ms, (int64_t)0), (int64_t)60000));
    if (ready > 0 && waits[0].revents != 0)
        return KT_WAKEUP_INTERRUPT;
    if (ready > 0 && waits[1].revents != 0) {
        uint64_t count;
        ssize_t got = read(watchers->changed_fd, &count, sizeof(count));
        (void)got;
        return KT_WAKEUP_CHANGE;
    }
    return KT_WAKEUP_TIME;
}
