/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/admission/cluster_view.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/limits.h"
#include "kube/api.h"
#include "kube/watch.h"
#include "text/names.h"
#include "webhook/admission/lookup_queue.h"
#include "webhook/admission/object_copy.h"
#include "webhook/admission/snapshot.h"
#include "webhook/cache_age.h"
#include "webhook/log.h"
#include "webhook/outage.h"

struct watcher {
    struct kt_cluster_view *view;
    enum kt_snapshot_kind kind;
    const struct kt_resource *resource;
    struct kt_client *client;
    pthread_t thread;
    bool started;
    struct kt_outage outage;
    struct kt_cache_age age;
};

struct kt_cluster_view {
    struct kt_snapshot_store store;
    struct watcher watchers[KT_SNAPSHOT_KINDS];
    struct kt_lookup_line *line; /* look-ups that wait for the look-up thread */
    struct kt_client *lookup_client;
    struct kt_byte_budget lookup_bytes; /* of objects that look-ups have found, until their review is done */
    pthread_t lookup_thread;
    bool lookup_started;
    int stop;                      /* eventfd, readable when all must end */
    pthread_mutex_t observer_lock; /* held during its calls */
    const struct kt_cluster_observer *observer;
    bool running;
};

/* --- watching ------------------------------------------------------------------------------------------------------
 */

enum told { TOLD_RESTARTED, TOLD_PUT, TOLD_REMOVED, TOLD_SYNCED };

static void tell_observer(struct watcher *watcher, enum told what, const cJSON *object)
{
    enum kt_cluster_view_kind kind = watcher->kind == KT_SNAPSHOT_NODES ? KT_VIEW_NODES : KT_VIEW_CONFIG_MAPS;
    pthread_mutex_lock(&watcher->view->observer_lock);
    const struct kt_cluster_observer *observer = watcher->view->observer;
    if (observer && what == TOLD_RESTARTED)
        observer->restarted(observer->context, kind);
    else if (observer && what == TOLD_PUT)
        observer->put(observer->context, kind, object);
    else if (observer && what == TOLD_REMOVED)
        observer->removed(observer->context, kind, object);
    else if (observer)
        observer->synced(observer->context, kind);
    pthread_mutex_unlock(&watcher->view->observer_lock);
}

static bool on_restarted(void *context)
{
    struct watcher *watcher = context;
    kt_snapshot_restart(&watcher->view->store, watcher->kind);
    tell_observer(watcher, TOLD_RESTARTED, NULL);
    return true;
}

static bool on_seen(void *context, const cJSON *object)
{
    struct watcher *watcher = context;
    struct kt_error error;
    kt_outage_end(&watcher->outage, watcher->resource->kind);
    /* What does not fit is asked for one by one when a rule needs it. */
    if (kt_snapshot_put(&watcher->view->store, watcher->kind, object, &error) != 0)
        kt_log(KT_LOG_WARNING, "an object is not kept", "kind", watcher->resource->kind, "error", error.message, NULL);
    tell_observer(watcher, TOLD_PUT, object);
    return true;
}

static bool on_deleted(void *context, const cJSON *object)
{
    struct watcher *watcher = context;
    kt_outage_end(&watcher->outage, watcher->resource->kind);
    kt_snapshot_remove(&watcher->view->store, watcher->kind, object);
    tell_observer(watcher, TOLD_REMOVED, object);
    return true;
}

static bool on_synced(void *context, const char *resource_version KT_UNUSED)
{
    struct watcher *watcher = context;
    kt_outage_end(&watcher->outage, watcher->resource->kind);
    kt_snapshot_synced(&watcher->view->store, watcher->kind);
    tell_observer(watcher, TOLD_SYNCED, NULL);
    kt_log(KT_LOG_DEBUG, "listed", "kind", watcher->resource->kind, NULL);
    return true;
}

static void on_heard(void *context)
{
    struct watcher *watcher = context;
    kt_cache_age_heard(&watcher->age, kt_clock_monotonic_ms(&kt_clock_system));
}

static void on_trouble(void *context, const struct kt_error *error, int64_t delay_ms KT_UNUSED)
{
    struct watcher *watcher = context;
    kt_outage_note(&watcher->outage, watcher->resource->kind, error);
}

static void *watch(void *context)
{
    struct watcher *watcher = context;
    struct kt_watch_options options = {.max_items = KT_LIMIT_SNAPSHOT_LIST_ITEMS,
                                       .max_bytes = KT_LIMIT_SNAPSHOT_LIST_BYTES,
                                       .page_bytes = KT_LIMIT_API_PAGE_BYTES,
                                       .backoff_first_ms = KT_WEBHOOK_BACKOFF_FIRST_MS,
                                       .backoff_largest_ms = KT_WEBHOOK_BACKOFF_LARGEST_MS};
    struct kt_watch_handler handler = {
        .restarted = on_restarted,
        .added = on_seen,
        .modified = on_seen,
        .deleted = on_deleted,
        .synced = on_synced,
        .heard = on_heard,
        .trouble = on_trouble,
        .context = watcher,
    };
    struct kt_error error;
    if (kt_watch_run(watcher->client, watcher->resource, NULL, &options, &handler, &error) != KT_EINTERRUPTED)
        kt_log(KT_LOG_ERROR, "a watch has ended", "kind", watcher->resource->kind, "error", error.message, NULL);
    return NULL;
}

/* --- looking up ----------------------------------------------------------------------------------------------------
 */

/* A copy that the budget has room for; NULL: the review goes on without it. */
static cJSON *keep_found(struct kt_cluster_view *view, const cJSON *trimmed, size_t *ret_bytes)
{
    size_t bytes = 0;
    cJSON *object = kt_object_copy(trimmed, &bytes);
    if (object && !kt_byte_budget_take(&view->lookup_bytes, bytes)) {
        kt_heap_free(object);
        return NULL;
    }
    *ret_bytes = bytes;
    return object;
}

static void answer_need(struct kt_cluster_view *view, struct kt_lookup_need *need, struct kt_arena *arena)
{
    struct kt_reply reply = {0};
    struct kt_error error;
    int code =
        kt_api_get(view->lookup_client, arena, &kt_resource_config_maps, need->namespace_, need->name, &reply, &error);
    if (code == KT_ENOTFOUND) {
        need->result = KT_LOOKUP_ABSENT;
        return;
    }
    if (code != 0) {
        kt_log(KT_LOG_WARNING, "a ConfigMap could not be read", "namespace", need->namespace_, "name", need->name,
               "error", error.message, NULL);
        return;
    }
    need->object = keep_found(view, kt_snapshot_trim(arena, KT_SNAPSHOT_CONFIG_MAPS, reply.object), &need->bytes);
    need->result = need->object ? KT_LOOKUP_FOUND : KT_LOOKUP_UNKNOWN;
}

static void *look_up(void *context)
{
    struct kt_cluster_view *view = context;
    struct kt_arena arena;
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    int64_t deadline_ms;
    for (struct kt_lookup_request *lookup = kt_lookup_line_take(view->line, &deadline_ms); lookup;
         lookup = kt_lookup_line_take(view->line, &deadline_ms)) {
        for (size_t i = 0; i < lookup->need_count; i++) {
            if (kt_clock_monotonic_ms(&kt_clock_system) >= deadline_ms)
                break; /* the rest stays unknown: the review must not wait longer */
            answer_need(view, &lookup->needs[i], &arena);
            kt_arena_reset(&arena);
        }
        kt_lookup_queue_put(lookup->reply_to, lookup);
    }
    kt_arena_release(&arena);
    return NULL;
}

/* --- life ----------------------------------------------------------------------------------------------------------
 */

static int open_clients(struct kt_cluster_view *view, const struct kt_config *config,
                        const struct kt_environment *environment, struct kt_error *error)
{
    struct kt_client_options options = {.user_agent = "kaito-webhook", .http1 = true, .stop_fd = view->stop};
    int code = 0;
    for (size_t i = 0; i < KT_SNAPSHOT_KINDS && code == 0; i++)
        code = kt_client_new(config, environment, &options, &view->watchers[i].client, error);
    options.timeout_ms = KT_LOOKUP_DEADLINE_MS;
    return code == 0 ? kt_client_new(config, environment, &options, &view->lookup_client, error) : code;
}

static int start_threads(struct kt_cluster_view *view, struct kt_error *error)
{
    static const struct kt_resource *const resources[KT_SNAPSHOT_KINDS] = {&kt_resource_config_maps,
                                                                           &kt_resource_nodes};
    for (size_t i = 0; i < KT_SNAPSHOT_KINDS; i++) {
        struct watcher *watcher = &view->watchers[i];
        watcher->view = view;
        watcher->kind = (enum kt_snapshot_kind)i;
        watcher->resource = resources[i];
        kt_cache_age_add(&watcher->age, watcher->resource->kind);
        watcher->started = pthread_create(&watcher->thread, NULL, watch, watcher) == 0;
        if (!watcher->started)
            return kt_error_set(error, KT_ENOMEM, "cannot start a watching thread");
    }
    view->lookup_started = pthread_create(&view->lookup_thread, NULL, look_up, view) == 0;
    return view->lookup_started ? 0 : kt_error_set(error, KT_ENOMEM, "cannot start the look-up thread");
}

int kt_cluster_view_new(const struct kt_config *config, const struct kt_environment *environment,
                        struct kt_cluster_view **ret, struct kt_error *error)
{
    struct kt_cluster_view *view = kt_heap_alloc(sizeof(*view));
    if (!view)
        return kt_error_set(error, KT_ENOMEM, "no memory for the view of the cluster");
    kt_snapshot_store_init(&view->store);
    view->lookup_bytes.limit = KT_LIMIT_LOOKUP_BYTES;
    pthread_mutex_init(&view->observer_lock, NULL);
    view->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    view->line = kt_lookup_line_new();
    int code =
        view->stop < 0 || !view->line ? kt_error_set(error, KT_ENOMEM, "no memory for the view of the cluster") : 0;
    if (code == 0)
        code = open_clients(view, config, environment, error);
    if (code != 0) {
        kt_cluster_view_stop(view);
        return code;
    }
    *ret = view;
    return 0;
}

int kt_cluster_view_run(struct kt_cluster_view *view, struct kt_error *error)
{
    pthread_mutex_lock(&view->observer_lock);
    view->running = true;
    pthread_mutex_unlock(&view->observer_lock);
    return start_threads(view, error);
}

int kt_cluster_view_start(const struct kt_config *config, const struct kt_environment *environment,
                          struct kt_cluster_view **ret, struct kt_error *error)
{
    struct kt_cluster_view *view;
    int code = kt_cluster_view_new(config, environment, &view, error);
    if (code != 0)
        return code;
    code = kt_cluster_view_run(view, error);
    if (code != 0) {
        kt_cluster_view_stop(view);
        return code;
    }
    *ret = view;
    return 0;
}

bool kt_cluster_view_observe(struct kt_cluster_view *view, const struct kt_cluster_observer *observer)
{
    pthread_mutex_lock(&view->observer_lock);
    bool allowed = !observer || !view->running;
    if (allowed)
        view->observer = observer;
    pthread_mutex_unlock(&view->observer_lock);
    return allowed;
}

void kt_cluster_view_stop(struct kt_cluster_view *view)
{
    if (!view)
        return;
    uint64_t one = 1;
    KT_UNUSED ssize_t done = write(view->stop, &one, sizeof(one));
    if (view->line)
        kt_lookup_line_close(view->line);
    for (size_t i = 0; i < KT_SNAPSHOT_KINDS; i++) {
        if (view->watchers[i].started)
            pthread_join(view->watchers[i].thread, NULL);
        kt_cache_age_drop(&view->watchers[i].age);
        kt_client_free(view->watchers[i].client);
    }
    if (view->lookup_started)
        pthread_join(view->lookup_thread, NULL);
    kt_client_free(view->lookup_client);
    kt_lookup_line_free(view->line);
    kt_snapshot_store_release(&view->store);
    pthread_mutex_destroy(&view->observer_lock);
    kt_close_fd(&view->stop);
    kt_heap_free(view);
}

bool kt_cluster_view_synced(const struct kt_cluster_view *view)
{
    return kt_snapshot_is_synced(&view->store, KT_SNAPSHOT_CONFIG_MAPS) &&
           kt_snapshot_is_synced(&view->store, KT_SNAPSHOT_NODES);
}

bool kt_cluster_view_register(struct kt_cluster_view *view, struct kt_snapshot_slot *slot)
{
    return kt_snapshot_add_slot(&view->store, slot);
}

void kt_cluster_view_unregister(struct kt_cluster_view *view, struct kt_snapshot_slot *slot)
{
    kt_snapshot_drop_slot(&view->store, slot);
}

bool kt_cluster_view_look_up(struct kt_cluster_view *view, struct kt_lookup_request *lookup)
{
    lookup->budget = &view->lookup_bytes;
    return kt_lookup_line_put(view->line, lookup);
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

void kt_cluster_reader_begin(struct kt_cluster_reader *reader, struct kt_cluster_view *view,
                             struct kt_snapshot_slot *slot, struct kt_arena *arena,
                             const struct kt_lookup_request *answers)
{
    *reader = (struct kt_cluster_reader){.view = view, .slot = slot, .answers = answers, .arena = arena};
    if (view)
        reader->snapshot = kt_snapshot_enter(&view->store, slot);
}

void kt_cluster_reader_end(struct kt_cluster_reader *reader)
{
    if (reader->view)
        kt_snapshot_leave(reader->slot);
}

/* Notes what the snapshot lacks, once each. What does not fit the table stays unknown. */
static void want(struct kt_cluster_reader *reader, const char *namespace_, const char *name)
{
    for (size_t i = 0; i < reader->missing_count; i++)
        if (kt_streq(reader->missing[i].namespace_, namespace_) && kt_streq(reader->missing[i].name, name))
            return;
    if (reader->missing_count == KT_LOOKUP_NEEDS)
        return;
    struct kt_lookup_need *need = &reader->missing[reader->missing_count];
    *need = (struct kt_lookup_need){.result = KT_LOOKUP_UNKNOWN};
    if (strlen(namespace_) >= sizeof(need->namespace_) || strlen(name) >= sizeof(need->name))
        return; /* no object can have such a name */
    if (kt_names_dns1123_label(kt_str(namespace_)) || kt_names_dns1123_subdomain(kt_str(name)))
        return;
    memcpy(need->namespace_, namespace_, strlen(namespace_) + 1);
    memcpy(need->name, name, strlen(name) + 1);
    reader->missing_count++;
}

static enum kt_lookup answered(const struct kt_cluster_reader *reader, const char *namespace_, const char *name,
                               const cJSON **ret)
{
    for (size_t i = 0; i < reader->answers->need_count; i++) {
        const struct kt_lookup_need *need = &reader->answers->needs[i];
        if (!kt_streq(need->namespace_, namespace_) || !kt_streq(need->name, name))
            continue;
        if (need->result == KT_LOOKUP_FOUND)
            *ret = need->object;
        return need->result;
    }
    return KT_LOOKUP_UNKNOWN;
}

static enum kt_lookup find_object(void *context, const char *kind, const char *namespace_, const char *name,
                                  const cJSON **ret)
{
    struct kt_cluster_reader *reader = context;
    /* Only ConfigMaps: the server has no right to read Secrets, and needs none of the other kinds. */
    if (!reader->view || !namespace_ || !name || !name[0] || !kt_streq(kind, "ConfigMap"))
        return KT_LOOKUP_UNKNOWN;
    if (reader->snapshot) {
        const struct kt_snapshot_entry *entry =
            kt_snapshot_find(&reader->snapshot->lists[KT_SNAPSHOT_CONFIG_MAPS], namespace_, name);
        if (entry) {
            *ret = entry->object;
            return KT_LOOKUP_FOUND;
        }
    }
    /* Absent here may mean created a moment ago in the same `kubectl apply`: only the API server knows. */
    if (reader->answers)
        return answered(reader, namespace_, name, ret);
    want(reader, namespace_, name);
    return KT_LOOKUP_UNKNOWN;
}

static enum kt_lookup all_nodes(void *context, const cJSON *const **ret, size_t *ret_count)
{
    struct kt_cluster_reader *reader = context;
    const struct kt_snapshot_list *list = reader->snapshot ? &reader->snapshot->lists[KT_SNAPSHOT_NODES] : NULL;
    if (!list || !list->synced || list->incomplete)
        return KT_LOOKUP_UNKNOWN;
    const cJSON **nodes = kt_arena_calloc(reader->arena, KT_MAX(list->count, (size_t)1), sizeof(*nodes));
    if (!nodes)
        return KT_LOOKUP_UNKNOWN;
    for (size_t i = 0; i < list->count; i++)
        nodes[i] = list->entries[i]->object;
    *ret = nodes;
    *ret_count = list->count;
    return KT_LOOKUP_FOUND;
}

struct kt_cluster kt_cluster_reader_cluster(struct kt_cluster_reader *reader)
{
    return (struct kt_cluster){find_object, all_nodes, reader};
}
