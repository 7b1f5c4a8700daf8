/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/informers.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/limits.h"
#include "kube/watch.h"
#include "webhook/cache_age.h"
#include "webhook/log.h"
#include "webhook/outage.h"
#include "workload/names.h"

/* How often outages are looked at that may have ended in silence. */
#define LOOK_MS ((int64_t)10000)

struct informer {
    struct kt_informers *informers;
    enum kt_kind_id kind;
    const struct kt_resource *resource;
    struct kt_client *client;
    pthread_t thread;
    bool started;
    struct kt_outage outage;
    struct kt_cache_age age;
    atomic_bool refused; /* the API server does not let us list it (403) */
    bool is_listing;
    bool is_cut;       /* an object was left out since the last list */
    int64_t listed_ms; /* monotonic: when that was whole */
};

struct kt_informers {
    struct kt_informers_options options;
    struct kt_store *store;
    struct informer informers[KT_CACHED_KINDS];
    size_t count;
    pthread_mutex_t lock; /* of the listener, and held while it is told; taken after the store's */
    struct kt_store_visitor listener;
    pthread_t timer;
    bool timer_started;
    atomic_bool node_claims_known;
    int stop;  /* eventfd, readable when all must end */
    int ready; /* eventfd, readable for good when everything has been listed: for any number who wait */
};

static void tell(void *context, const struct kt_object_key *key)
{
    struct kt_informers *informers = context;
    pthread_mutex_lock(&informers->lock);
    if (informers->listener.visit)
        informers->listener.visit(informers->listener.context, key);
    pthread_mutex_unlock(&informers->lock);
}

static void tell_all(struct kt_informers *informers)
{
    kt_store_visit_workspaces(informers->store, tell, informers);
}

static struct kt_store_visitor visitor(struct kt_informers *informers)
{
    return (struct kt_store_visitor){tell, informers};
}

/* The last kind to be listed sees that all are. */
static void tell_ready(struct kt_informers *informers)
{
    uint64_t one = 1;
    if (kt_informers_synced(informers)) {
        KT_UNUSED ssize_t done = write(informers->ready, &one, sizeof(one));
    }
}

/* --- what watches see ----------------------------------------------------------------------------------------------
 */

/* list_version NULL: not known. */
static void finish_list(struct kt_informers *informers, enum kt_kind_id kind, const char *list_version)
{
    struct kt_store_visitor concerned = visitor(informers);
    kt_store_synced_at(informers->store, kind, list_version, &concerned);
    tell_ready(informers);
}

static bool on_restarted(void *context)
{
    struct informer *informer = context;
    informer->is_listing = true;
    kt_store_restart(informer->informers->store, informer->kind);
    return true;
}

/* What was left out may fit by now: false ends the watch, which then begins with a list. */
static bool goes_on(const struct informer *informer)
{
    return informer->is_listing || !informer->is_cut ||
           kt_clock_monotonic_ms(&kt_clock_system) - informer->listed_ms < informer->informers->options.relist_ms;
}

static bool on_seen(void *context, const cJSON *object)
{
    struct informer *informer = context;
    kt_outage_end(&informer->outage, informer->resource->kind);
    struct kt_store_visitor concerned = visitor(informer->informers);
    struct kt_error error;
    if (kt_store_put_and_visit(informer->informers->store, informer->kind, object, &concerned, NULL, &error) != 0) {
        informer->is_cut = true;
        kt_log(KT_LOG_WARNING, "an object is not kept", "kind", informer->resource->kind, "name",
               kt_json_string_or(kt_json_path(object, "metadata", "name", NULL), ""), "error", error.message, NULL);
    }
    return goes_on(informer);
}

static bool on_deleted(void *context, const cJSON *object)
{
    struct informer *informer = context;
    kt_outage_end(&informer->outage, informer->resource->kind);
    struct kt_store_visitor concerned = visitor(informer->informers);
    kt_store_remove_and_visit(informer->informers->store, informer->kind, object, &concerned);
    return goes_on(informer);
}

static bool on_synced(void *context, const char *resource_version)
{
    struct informer *informer = context;
    kt_outage_end(&informer->outage, informer->resource->kind);
    if (informer->kind == KT_KIND_NODE_CLAIM && !atomic_exchange(&informer->informers->node_claims_known, true)) {
        kt_log(KT_LOG_INFO, "the API server knows NodeClaims now", NULL);
        tell_all(informer->informers);
    }
    finish_list(informer->informers, informer->kind, resource_version);
    informer->is_listing = false;
    informer->listed_ms = kt_clock_monotonic_ms(&kt_clock_system);
    bool fits_again = informer->is_cut && kt_store_is_complete(informer->informers->store, informer->kind);
    informer->is_cut = informer->is_cut && !fits_again;
    if (atomic_exchange(&informer->refused, false) || fits_again)
        tell_all(informer->informers);
    kt_log(KT_LOG_DEBUG, "listed", "kind", informer->resource->kind, NULL);
    return true;
}

/* Waits for the end; false: the time is over. */
static bool pause_ms(const struct kt_informers *informers, int64_t wait_ms)
{
    struct pollfd wait = {.fd = informers->stop, .events = POLLIN};
    return poll(&wait, 1, (int)KT_MIN(wait_ms, (int64_t)INT32_MAX)) > 0;
}

/* The type may be installed later; nothing of it can be there now. */
static void on_missing_type(struct informer *informer)
{
    struct kt_informers *informers = informer->informers;
    if (atomic_exchange(&informers->node_claims_known, false)) {
        kt_log(KT_LOG_WARNING, "the API server does not know NodeClaims; no node can be asked for", "hint",
               "install Karpenter, or start with --node-provisioner=byo", NULL);
        kt_store_restart(informers->store, informer->kind);
        finish_list(informers, informer->kind, NULL);
        tell_all(informers);
    }
    pause_ms(informers, informers->options.missing_type_ms);
}

static void on_heard(void *context)
{
    struct informer *informer = context;
    kt_cache_age_heard(&informer->age, kt_clock_monotonic_ms(&kt_clock_system));
}

static void on_trouble(void *context, const struct kt_error *error, int64_t delay_ms KT_UNUSED)
{
    struct informer *informer = context;
    if (informer->kind == KT_KIND_NODE_CLAIM && error->code == KT_ENOTFOUND)
        on_missing_type(informer);
    else
        kt_outage_note(&informer->outage, informer->resource->kind, error);
    if (error->code == KT_EFORBIDDEN && !atomic_exchange(&informer->refused, true)) {
        tell_ready(informer->informers);
        tell_all(informer->informers);
    }
}

/* --- threads -------------------------------------------------------------------------------------------------------
 */

static void *watch(void *context)
{
    struct informer *informer = context;
    struct kt_watch_options options = {
        .label_selector = kt_kinds[informer->kind].watch_selector,
        /* What is too much is left out by the store, object by object, which says so. */
        .max_items = KT_LIMIT_WATCH_LIST_ITEMS,
        .max_bytes = KT_LIMIT_WATCH_LIST_BYTES,
        .page_bytes = KT_LIMIT_API_PAGE_BYTES,
        .backoff_first_ms = KT_WEBHOOK_BACKOFF_FIRST_MS,
        .backoff_largest_ms = KT_WEBHOOK_BACKOFF_LARGEST_MS,
    };
    struct kt_watch_handler handler = {
        .restarted = on_restarted,
        .added = on_seen,
        .modified = on_seen,
        .deleted = on_deleted,
        .synced = on_synced,
        .heard = on_heard,
        .trouble = on_trouble,
        .context = informer,
    };
    struct kt_error error;
    int code;
    do { /* again where a handler wants a new list */
        code = kt_watch_run(informer->client, informer->resource, NULL, &options, &handler, &error);
    } while (code == KT_OK);
    if (code != KT_EINTERRUPTED)
        kt_log(KT_LOG_ERROR, "a watch has ended", "kind", informer->resource->kind, "error", error.message, NULL);
    return NULL;
}

static void *keep_time(void *context)
{
    struct kt_informers *informers = context;
    int64_t resync_ms = informers->options.resync_ms, now_ms = kt_clock_monotonic_ms(&kt_clock_system);
    int64_t resync_at_ms = resync_ms > 0 ? now_ms + resync_ms : INT64_MAX;
    while (!pause_ms(informers, KT_MIN(LOOK_MS, KT_MAX(resync_at_ms - now_ms, (int64_t)1)))) {
        now_ms = kt_clock_monotonic_ms(&kt_clock_system);
        malloc_trim(0); /* what pages of lists took, and objects that are gone, goes back to the system */
        for (size_t i = 0; i < informers->count; i++)
            kt_outage_look(&informers->informers[i].outage, informers->informers[i].resource->kind);
        if (now_ms < resync_at_ms)
            continue;
        tell_all(informers);
        resync_at_ms = now_ms + resync_ms;
    }
    return NULL;
}

/* --- life ----------------------------------------------------------------------------------------------------------
 */

static bool is_watched(const struct kt_informers_options *options, enum kt_kind_id kind)
{
    if (!options->for_reconciler)
        return kt_kinds[kind].for_rules;
    return kind != KT_KIND_NODE_CLAIM || options->with_node_claims;
}

static int open_clients(struct kt_informers *informers, struct kt_error *error)
{
    struct kt_client_options options = {.user_agent = "kaito-webhook", .http1 = true, .stop_fd = informers->stop};
    int code = 0;
    for (int kind = 0; kind < (int)KT_CACHED_KINDS && code == 0; kind++) {
        struct informer *informer = &informers->informers[informers->count];
        if (!is_watched(&informers->options, (enum kt_kind_id)kind))
            continue;
        *informer = (struct informer){
            .informers = informers, .kind = (enum kt_kind_id)kind, .resource = kt_kinds[kind].resource};
        informers->count++;
        code = kt_client_new(informers->options.config, informers->options.environment, &options, &informer->client,
                             error);
    }
    return code;
}

static int start_threads(struct kt_informers *informers, struct kt_error *error)
{
    for (size_t i = 0; i < informers->count; i++) {
        struct informer *informer = &informers->informers[i];
        kt_cache_age_add(&informer->age, informer->resource->kind);
        informer->started = pthread_create(&informer->thread, NULL, watch, informer) == 0;
        if (!informer->started)
            return kt_error_set(error, KT_ENOMEM, "cannot start a watching thread");
    }
    informers->timer_started = pthread_create(&informers->timer, NULL, keep_time, informers) == 0;
    return informers->timer_started ? 0 : kt_error_set(error, KT_ENOMEM, "cannot start the resync thread");
}

int kt_informers_start(const struct kt_informers_options *options, struct kt_store *store, struct kt_informers **ret,
                       struct kt_error *error)
{
    struct kt_informers *informers = kt_heap_alloc(sizeof(*informers));
    if (!informers)
        return kt_error_set(error, KT_ENOMEM, "no memory for the informers");
    informers->options = *options;
    if (informers->options.missing_type_ms == 0)
        informers->options.missing_type_ms = KT_MISSING_TYPE_MS;
    if (informers->options.relist_ms == 0)
        informers->options.relist_ms = KT_RELIST_MS;
    informers->store = store;
    pthread_mutex_init(&informers->lock, NULL);
    atomic_init(&informers->node_claims_known, true);
    informers->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    informers->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int code =
        informers->stop < 0 || informers->ready < 0 ? kt_error_set(error, KT_ENOMEM, "no descriptor is left") : 0;
    if (code == 0)
        code = open_clients(informers, error);
    if (code == 0)
        code = start_threads(informers, error);
    if (code != 0) {
        kt_informers_stop(informers);
        return code;
    }
    *ret = informers;
    return 0;
}

void kt_informers_stop(struct kt_informers *informers)
{
    if (!informers)
        return;
    uint64_t one = 1;
    KT_UNUSED ssize_t done = write(informers->stop, &one, sizeof(one));
    for (size_t i = 0; i < informers->count; i++) {
        if (informers->informers[i].started)
            pthread_join(informers->informers[i].thread, NULL);
        kt_cache_age_drop(&informers->informers[i].age);
        kt_client_free(informers->informers[i].client);
    }
    if (informers->timer_started)
        pthread_join(informers->timer, NULL);
    kt_close_fd(&informers->stop);
    kt_close_fd(&informers->ready);
    pthread_mutex_destroy(&informers->lock);
    kt_heap_free(informers);
}

void kt_informers_tell(struct kt_informers *informers, const struct kt_store_visitor *listener)
{
    pthread_mutex_lock(&informers->lock);
    informers->listener = listener ? *listener : (struct kt_store_visitor){0};
    pthread_mutex_unlock(&informers->lock);
    if (listener)
        tell_all(informers);
}

/* --- being ready ---------------------------------------------------------------------------------------------------
 */

bool kt_informers_know_node_claims(struct kt_informers *informers)
{
    return atomic_load(&informers->node_claims_known);
}

bool kt_informers_synced(struct kt_informers *informers)
{
    for (size_t i = 0; i < informers->count; i++) {
        const struct informer *informer = &informers->informers[i];
        bool may_lack = informer->kind != KT_KIND_WORKSPACE && atomic_load(&informer->refused);
        if (!may_lack && !kt_store_is_synced(informers->store, informer->kind))
            return false;
    }
    return true;
}

const struct kt_resource *kt_informers_refused(struct kt_informers *informers)
{
    for (size_t i = 0; informers && i < informers->count; i++)
        if (atomic_load(&informers->informers[i].refused) &&
            !kt_store_is_synced(informers->store, informers->informers[i].kind))
            return informers->informers[i].resource;
    return NULL;
}

int kt_informers_wait(struct kt_informers *informers, int stop_fd, struct kt_error *error)
{
    while (!kt_informers_synced(informers)) {
        struct pollfd waits[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = informers->ready, .events = POLLIN}};
        if (poll(waits, KT_ARRAY_LENGTH(waits), -1) < 0 && errno != EINTR)
            return kt_error_set(error, KT_EIO, "cannot wait for the first lists of the API server");
        if (waits[0].revents)
            return kt_error_set(error, KT_EINTERRUPTED, "stopped before the API server's objects were listed");
    }
    return 0;
}
