/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/reconcile_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "kube/api.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/objects.h"
#include "webhook/cluster/cache.h"
#include "webhook/log.h"
#include "webhook/reconcile/controller.h"
#include "webhook/reconcile/leader_internal.h"
#include "webhook/serve/metrics.h"
#include "workload/canonical.h"
#include "workload/names.h"

/* 2026-11-23T18:00:00Z, a Monday long past or to come: nothing depends on the day. */
#define START_MS ((int64_t)1795456800000)
#define PATIENCE_MS ((int64_t)60000)
/* What is due within this time belongs to the same course of events; what comes later is a test's to wait for. */
#define SOON_MS ((int64_t)20000)
/* A Workspace at rest is looked at a handful of times; one that never rests is a mistake. */
#define LOOKS_MOST 60

struct kt_test_cluster {
    struct kt_arena arena; /* of what tests are told */
    struct kt_object_server *server;
    _Atomic int64_t passed_ms; /* by the clock of the reconciler and of the server */
    struct kt_clock clock;
    struct kt_environment environment;
    struct kt_config config;
    struct kt_settings settings;
    struct kt_client *client, *watcher; /* the reconciler's, and who lists for it */
    struct kt_client_options client_options;
    struct kt_reconciler reconciler;
    int64_t synced_versions[KT_CACHED_KINDS]; /* of the server's objects at the last sync; -1: there was none */
    const char *writes;                       /* of all reconciles */
    size_t first_request;                     /* of the last one */
    struct kt_clock moved_clock;              /* the system's, moved on */
    struct kt_environment controller_environment;
    struct kt_cache *cache;
    struct kt_controller *controller;
    struct kt_leader *leader; /* that does not lead */
    size_t starve_nth;
    bool starve_once;
};

static void must(int code, const struct kt_error *error)
{
    if (code == 0)
        return;
    fprintf(stderr, "reconcile fixture: %s\n", error->message);
    abort();
}

/* --- set-up --------------------------------------------------------------------------------------------------------
 */

static int64_t now_ms(void *context)
{
    const struct kt_test_cluster *cluster = context;
    return START_MS + cluster->passed_ms;
}

static int64_t moved_ms(void *context)
{
    const struct kt_test_cluster *cluster = context;
    return kt_clock_monotonic_ms(&kt_clock_system) + cluster->passed_ms;
}

static const struct kt_reconcile_options reconcile_options = {.claim_attempts = KT_TEST_CLAIM_ATTEMPTS,
                                                              .claim_retry_delay_ms = KT_TEST_CLAIM_RETRY_MS,
                                                              .claim_launch_timeout_ms = KT_TEST_LAUNCH_TIMEOUT_MS,
                                                              .deletion_timeout_ms = KT_TEST_DELETION_TIMEOUT_MS};

static void open_reconciler(struct kt_test_cluster *cluster)
{
    struct kt_error error;
    struct kt_reconciler *reconciler = &cluster->reconciler;
    reconciler->settings = &cluster->settings;
    reconciler->clock = &cluster->clock;
    reconciler->options = reconcile_options;
    memset(cluster->synced_versions, 0xff, sizeof(cluster->synced_versions));
    must(kt_store_new(&reconciler->store, &error), &error);
    kt_store_set_release_namespace(reconciler->store, cluster->settings.release_namespace);
    must(kt_events_new(&reconciler->events, &error), &error);
    must(kt_claim_memory_new(&reconciler->claims, &error), &error);
    must(kt_client_new(&cluster->config, &cluster->environment, &cluster->client_options, &cluster->client, &error),
         &error);
}

static void close_reconciler(struct kt_test_cluster *cluster)
{
    kt_client_cleanup(&cluster->client);
    kt_claim_memory_free(cluster->reconciler.claims);
    kt_events_free(cluster->reconciler.events);
    kt_store_free(cluster->reconciler.store);
    cluster->reconciler = (struct kt_reconciler){0};
}

static void put_templates(struct kt_test_cluster *cluster)
{
    const cJSON *template_;
    cJSON_ArrayForEach(template_, kt_test_templates(&cluster->arena)) kt_object_server_put(cluster->server, template_);
}

static struct kt_test_cluster *start(void)
{
    static const char *const no_variables[] = {NULL};
    struct kt_error error;
    struct kt_test_cluster *cluster = calloc(1, sizeof(*cluster));
    if (!cluster)
        abort();
    kt_log_set_level((enum kt_log_level)(KT_LOG_ERROR + 1)); /* what goes wrong here is meant to */
    kt_arena_init(&cluster->arena, 256 * KT_MIB);
    cluster->clock = (struct kt_clock){now_ms, now_ms, cluster};
    cluster->server = kt_object_server_start();
    kt_object_server_set_clock(cluster->server, &cluster->clock);
    cluster->environment =
        (struct kt_environment){.variables = no_variables, .files = &kt_files_system, .clock = &kt_clock_system};
    cluster->config = (struct kt_config){.context = "test",
                                         .source = "test",
                                         .server = kt_object_server_url(cluster->server),
                                         .namespace_ = "default",
                                         .ca_source = "test",
                                         .ca_pem = {"", 0},
                                         .tls_server_name = "",
                                         .proxy_url = "",
                                         .no_proxy = "",
                                         .token = "",
                                         .token_file = "",
                                         .username = "",
                                         .password = "",
                                         .impersonation = {.user = "", .uid = ""},
                                         .user_source = "test"};
    cluster->client_options = (struct kt_client_options){
        .user_agent = "kaito-webhook", .http1 = true, .timeout_ms = PATIENCE_MS, .stop_fd = -1};
    must(kt_client_new(&cluster->config, &cluster->environment, &cluster->client_options, &cluster->watcher, &error),
         &error);
    kt_settings_init(&cluster->settings);
    return cluster;
}

struct kt_test_cluster *kt_test_cluster_start(void)
{
    struct kt_test_cluster *cluster = start();
    put_templates(cluster);
    open_reconciler(cluster);
    return cluster;
}

struct kt_test_cluster *kt_test_cluster_copy(struct kt_test_cluster *cluster)
{
    struct kt_test_cluster *copy = start();
    kt_object_server_copy(copy->server, cluster->server);
    copy->passed_ms = cluster->passed_ms;
    copy->settings = cluster->settings;
    open_reconciler(copy);
    return copy;
}

void kt_test_cluster_stop(struct kt_test_cluster *cluster)
{
    if (!cluster)
        return;
    kt_test_controller_stop(cluster);
    close_reconciler(cluster);
    kt_client_cleanup(&cluster->watcher);
    kt_object_server_stop(cluster->server);
    kt_arena_release(&cluster->arena);
    free(cluster);
}

void kt_test_bring_your_own(struct kt_test_cluster *cluster)
{
    struct kt_error error;
    must(kt_settings_set_provisioner(&cluster->settings, "byo", &error), &error);
}

void kt_test_patience(struct kt_test_cluster *cluster, int64_t timeout_ms)
{
    struct kt_error error;
    cluster->client_options.timeout_ms = timeout_ms;
    kt_client_cleanup(&cluster->client);
    must(kt_client_new(&cluster->config, &cluster->environment, &cluster->client_options, &cluster->client, &error),
         &error);
}

void kt_test_restart(struct kt_test_cluster *cluster)
{
    close_reconciler(cluster);
    open_reconciler(cluster);
}

/* --- the cluster ---------------------------------------------------------------------------------------------------
 */

struct kt_object_server *kt_test_server(struct kt_test_cluster *cluster)
{
    return cluster->server;
}

static cJSON *yaml_tree(struct kt_test_cluster *cluster, const char *yaml)
{
    return kt_test_yaml(&cluster->arena, kt_str(yaml));
}

/* "namespace/name" apart; *ret_space NULL: any. */
static const char *split_name(struct kt_test_cluster *cluster, const char *name, const char **ret_space)
{
    const char *slash = strchr(name, '/');
    *ret_space = slash ? kt_arena_printf(&cluster->arena, "%.*s", (int)(slash - name), name) : NULL;
    return slash ? slash + 1 : name;
}

void kt_test_put(struct kt_test_cluster *cluster, const char *yaml)
{
    kt_object_server_put(cluster->server, yaml_tree(cluster, yaml));
}

void kt_test_change(struct kt_test_cluster *cluster, const char *kind, const char *name, const char *yaml)
{
    const char *space;
    name = split_name(cluster, name, &space);
    kt_object_server_patch(cluster->server, kind, space, name, yaml_tree(cluster, yaml));
}

void kt_test_remove(struct kt_test_cluster *cluster, const char *kind, const char *name)
{
    const char *space;
    name = split_name(cluster, name, &space);
    kt_object_server_remove(cluster->server, kind, space, name);
}

const cJSON *kt_test_get(struct kt_test_cluster *cluster, const char *kind, const char *name)
{
    const char *space;
    name = split_name(cluster, name, &space);
    return kt_object_server_get(cluster->server, &cluster->arena, kind, space, name);
}

static const char *text_of(struct kt_test_cluster *cluster, const cJSON *node)
{
    return node && !kt_json_is_string(node) ? kt_test_write_json(&cluster->arena, node) : kt_json_string_or(node, "");
}

const char *kt_test_text(struct kt_test_cluster *cluster, const char *kind, const char *name, const char *path)
{
    const cJSON *node = kt_test_get(cluster, kind, name);
    char *place = kt_arena_strdup(&cluster->arena, path), *part;
    while ((part = strsep(&place, ".")))
        node = kt_json_is_array(node) ? kt_json_item(node, strtoul(part, NULL, 10)) : kt_json_get(node, part);
    return text_of(cluster, node);
}

const char *kt_test_condition(struct kt_test_cluster *cluster, const char *type, const char *key)
{
    return text_of(cluster, kt_json_get(kt_condition_find(kt_test_get(cluster, "Workspace", "tune"), type), key));
}

size_t kt_test_count(struct kt_test_cluster *cluster, const char *kind)
{
    size_t count = 0;
    const cJSON *object;
    cJSON_ArrayForEach(object, kt_object_server_all(cluster->server, &cluster->arena)) count +=
        strcmp(kt_json_string_or(kt_json_get(object, "kind"), ""), kind) == 0;
    return count;
}

const char *kt_test_only(struct kt_test_cluster *cluster, const char *kind)
{
    const char *name = "";
    const cJSON *object;
    cJSON_ArrayForEach(object, kt_object_server_all(cluster->server, &cluster->arena))
    {
        if (strcmp(kt_json_string_or(kt_json_get(object, "kind"), ""), kind) != 0)
            continue;
        if (*name)
            fail_msg("there is more than one %s", kind);
        name = kt_json_string_or(kt_json_path(object, "metadata", "name", NULL), "");
    }
    return name;
}

/* What differs between two clusters that came to the same end in other ways. */
static void drop_history(cJSON *node)
{
    static const char *const keys[] = {"resourceVersion", "creationTimestamp", "lastTransitionTime", "testApplied"};
    for (size_t i = 0; kt_json_is_object(node) && i < KT_ARRAY_LENGTH(keys); i++)
        kt_json_remove(node, keys[i]);
    for (cJSON *child = node->child; child; child = child->next)
        drop_history(child);
}

const char *kt_test_end(struct kt_test_cluster *cluster)
{
    struct kt_strbuf text;
    cJSON *all = kt_object_server_all(cluster->server, &cluster->arena);
    kt_strbuf_init(&text, &cluster->arena, 16 * KT_MIB);
    for (cJSON *object = all->child; object; object = object->next) {
        if (strcmp(kt_json_string_or(kt_json_get(object, "kind"), ""), "Event") == 0)
            continue;
        drop_history(object);
        kt_canonical_write(&cluster->arena, &text, object); /* members may come in any order */
        kt_strbuf_putc(&text, '\n');
    }
    return text.data;
}

const char *kt_test_difference(struct kt_test_cluster *cluster, const char *end, const char *usual)
{
    for (;;) {
        size_t length = strcspn(end, "\n"), usual_length = strcspn(usual, "\n");
        if (length != usual_length || strncmp(end, usual, length) != 0)
            return kt_arena_printf(&cluster->arena, "%.*s\nand not\n%.*s", (int)length, end, (int)usual_length, usual);
        if (!end[length] || !usual[length])
            return end[length] == usual[length] ? NULL : "one object more or less";
        end += length + 1;
        usual += length + 1;
    }
}

void kt_test_advance(struct kt_test_cluster *cluster, int64_t duration_ms)
{
    cluster->passed_ms += duration_ms;
}

/* --- the reconciler ------------------------------------------------------------------------------------------------
 */

/* More than the cache keeps of one namespace, or of a kind that has none. */
#define LARGE_BYTES ((size_t)(24 * KT_MIB))

/* As the informers list (webhook/cluster/informers.c). */
static const struct {
    enum kt_kind_id kind;
    const struct kt_resource *resource;
    const char *label_selector;
} listed[] = {
    {KT_KIND_WORKSPACE, &kt_resource_workspaces, NULL},
    {KT_KIND_NODE, &kt_resource_nodes, NULL},
    {KT_KIND_CONFIG_MAP, &kt_resource_config_maps, NULL},
    {KT_KIND_JOB, &kt_resource_jobs, KT_LABEL_WORKSPACE},
    {KT_KIND_POD, &kt_resource_pods, KT_LABEL_WORKSPACE},
    {KT_KIND_NODE_CLAIM, &kt_resource_node_claims, KT_LABEL_WORKSPACE},
};

void kt_test_sync(struct kt_test_cluster *cluster)
{
    struct kt_store *store = cluster->reconciler.store;
    struct kt_error error;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(listed); i++) {
        KT_CLEANUP(kt_arena_release) struct kt_arena arena;
        const struct kt_list_options options = {.label_selector = listed[i].label_selector};
        struct kt_list list;
        struct kt_reply reply;
        int64_t version = kt_object_server_version(cluster->server, listed[i].resource->kind);
        kt_arena_init(&arena, 64 * KT_MIB);
        if (listed[i].kind == KT_KIND_NODE_CLAIM && kt_settings_bring_your_own(&cluster->settings))
            continue;
        if (cluster->synced_versions[listed[i].kind] == version)
            continue; /* a watch has nothing to say */
        cluster->synced_versions[listed[i].kind] = version;
        must(kt_api_list(cluster->watcher, &arena, listed[i].resource, NULL, &options, &list, &reply, &error), &error);
        kt_store_restart(store, listed[i].kind);
        const cJSON *object;
        cJSON_ArrayForEach(object, list.items)
        {
            /* One that cannot be kept is left out, as the informers do. */
            KT_UNUSED int code = kt_store_put(store, listed[i].kind, object, NULL, &error);
        }
        kt_store_synced_at(store, listed[i].kind, list.resource_version, NULL);
    }
}

void kt_test_starve(struct kt_test_cluster *cluster, size_t nth, bool once)
{
    cluster->starve_nth = nth;
    cluster->starve_once = once;
}

static void run(struct kt_test_cluster *cluster, struct kt_reconcile *look, struct kt_test_outcome *ret)
{
    size_t before = kt_heap_allocation_count();
    if (cluster->starve_nth > 0 && cluster->starve_once)
        kt_heap_fail_once(cluster->starve_nth);
    else
        kt_heap_fail_from(cluster->starve_nth);
    ret->failed = kt_reconcile_workspace(look) == KT_STEP_FAIL;
    kt_heap_fail_from(0);
    ret->starved = cluster->starve_nth > 0 && kt_heap_allocation_count() - before >= cluster->starve_nth;
    cluster->starve_nth = 0;
}

/* What the requests from `first` on have written. */
static void tell_writes(struct kt_test_cluster *cluster, size_t first, struct kt_test_outcome *outcome)
{
    struct kt_scripted_server *http = kt_object_server_http(cluster->server);
    struct kt_strbuf writes, events;
    kt_strbuf_init(&writes, &cluster->arena, KT_MIB);
    kt_strbuf_init(&events, &cluster->arena, KT_MIB);
    for (size_t i = first; i < first + outcome->requests; i++) {
        const struct kt_scripted_request *request = kt_scripted_server_request(http, i);
        if (strcmp(request->method, "GET") == 0)
            continue;
        const char *text = kt_object_server_describe(&cluster->arena, request);
        bool is_event = strncmp(text, "create events", 13) == 0;
        struct kt_strbuf *list = is_event ? &events : &writes;
        kt_strbuf_puts(list, list->length > 0 ? ", " : "");
        kt_strbuf_puts(
            list, is_event ? kt_json_string_or(kt_json_get(kt_test_json(&cluster->arena, request->body), "reason"), "")
                           : text);
    }
    outcome->writes = writes.data ? writes.data : "";
    outcome->events = events.data ? events.data : "";
    cluster->writes = kt_arena_printf(&cluster->arena, "%s%s, ", kt_test_writes(cluster), outcome->writes);
}

const char *kt_test_request(struct kt_test_cluster *cluster, size_t nth)
{
    struct kt_scripted_server *http = kt_object_server_http(cluster->server);
    return kt_object_server_describe(&cluster->arena,
                                     kt_scripted_server_request(http, cluster->first_request + nth - 1));
}

const char *kt_test_writes(struct kt_test_cluster *cluster)
{
    return cluster->writes ? cluster->writes : "";
}

struct kt_test_outcome kt_test_reconcile(struct kt_test_cluster *cluster)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_test_outcome outcome = {0};
    struct kt_reconcile look = {.reconciler = &cluster->reconciler,
                                .client = cluster->client,
                                .arena = &arena,
                                .key = {.namespace_ = "default", .name = "tune"}};
    size_t first = kt_scripted_server_count(kt_object_server_http(cluster->server));
    int64_t version = kt_object_server_version(cluster->server, NULL);
    cluster->first_request = first;
    kt_arena_init(&arena, KT_LIMIT_RECONCILE_ARENA_BYTES);
    run(cluster, &look, &outcome);
    outcome.error = outcome.failed ? kt_arena_strdup(&cluster->arena, look.error.message) : "";
    outcome.requeue_after_ms = outcome.failed ? 0 : look.revisit_ms;
    outcome.requests = kt_scripted_server_count(kt_object_server_http(cluster->server)) - first;
    outcome.changed = kt_object_server_version(cluster->server, NULL) != version;
    tell_writes(cluster, first, &outcome);
    return outcome;
}

struct kt_test_outcome kt_test_look(struct kt_test_cluster *cluster)
{
    kt_test_sync(cluster);
    return kt_test_reconcile(cluster);
}

bool kt_test_lose(struct kt_test_cluster *cluster, const char *kind)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(listed); i++) {
        struct kt_store *store = cluster->reconciler.store;
        struct kt_error error;
        if (strcmp(listed[i].resource->kind, kind) != 0)
            continue;
        KT_CLEANUP(kt_arena_release) struct kt_arena arena;
        kt_arena_init(&arena, 4 * LARGE_BYTES);
        cJSON *large = kt_json_new_object(&arena);
        cJSON *metadata = kt_json_ensure_object(&arena, large, "metadata");
        char *text = kt_arena_alloc(&arena, LARGE_BYTES);
        memset(text, 'x', LARGE_BYTES - 1);
        text[LARGE_BYTES - 1] = '\0';
        kt_json_set_string(&arena, metadata, "name", "large");
        if (!listed[i].resource->cluster_scoped)
            kt_json_set_string(&arena, metadata, "namespace", "default");
        kt_json_set_string(&arena, kt_json_ensure_object(&arena, metadata, "labels"), "a", text);
        kt_store_restart(store, listed[i].kind);
        if (kt_store_put(store, listed[i].kind, large, NULL, &error) == 0)
            fail_msg("a %s of %zu bytes is kept", kind, LARGE_BYTES);
        kt_store_synced_at(store, listed[i].kind, NULL, NULL);
        return true;
    }
    return false;
}

void kt_test_settle(struct kt_test_cluster *cluster)
{
    bool rests = false;
    for (size_t looks = 0; !rests; looks++) {
        struct kt_test_outcome outcome = kt_test_look(cluster);
        bool returns = outcome.requeue_after_ms > 0 && outcome.requeue_after_ms <= SOON_MS;
        /* One that comes back for nothing, to look whether a name is free, is at rest too. */
        rests = !outcome.failed && !outcome.changed && (!returns || looks > LOOKS_MOST / 2);
        if (looks == LOOKS_MOST)
            fail_msg("no rest: %s; %s", outcome.writes, outcome.error);
        if (returns)
            kt_test_advance(cluster, outcome.requeue_after_ms);
    }
}

/* --- the controller ------------------------------------------------------------------------------------------------
 */

static int start_controller(struct kt_test_cluster *cluster, struct kt_error *error)
{
    const struct kt_controller_options options = {.settings = &cluster->settings,
                                                  .config = &cluster->config,
                                                  .environment = &cluster->controller_environment,
                                                  .cache = cluster->cache,
                                                  .workers = 2,
                                                  .reconcile = reconcile_options};
    return kt_controller_start(&options, &cluster->controller, error);
}

bool kt_test_controller_try(struct kt_test_cluster *cluster, size_t nth, struct kt_error *error)
{
    cluster->moved_clock = (struct kt_clock){moved_ms, moved_ms, cluster};
    cluster->controller_environment = cluster->environment;
    cluster->controller_environment.clock = &cluster->moved_clock;
    kt_object_server_set_clock(cluster->server, &cluster->moved_clock);
    kt_heap_fail_from(nth);
    const struct kt_informers_options options = {.config = &cluster->config,
                                                 .environment = &cluster->controller_environment,
                                                 .for_reconciler = true,
                                                 .with_node_claims = !kt_settings_bring_your_own(&cluster->settings)};
    int code = kt_cache_start(&options, cluster->settings.release_namespace, &cluster->cache, error);
    if (code == 0)
        code = start_controller(cluster, error);
    kt_heap_fail_from(0);
    if (code != 0)
        kt_test_controller_stop(cluster);
    return code == 0;
}

void kt_test_controller_start(struct kt_test_cluster *cluster)
{
    struct kt_error error;
    if (!kt_test_controller_try(cluster, 0, &error))
        fail_msg("%s", error.message);
}

void kt_test_controller_lead(struct kt_test_cluster *cluster)
{
    kt_controller_lead(cluster->controller);
}

void kt_test_controller_yield(struct kt_test_cluster *cluster)
{
    kt_controller_yield(cluster->controller);
}

void kt_test_controller_may_write(struct kt_test_cluster *cluster, bool may)
{
    const struct kt_leader_options options = {.config = &cluster->config,
                                              .environment = &cluster->controller_environment,
                                              .namespace_ = "kaito-workspace",
                                              .name = "kaito-webhook",
                                              .identity = "me"};
    const struct kt_leader_callbacks none = {0};
    struct kt_error error;
    if (!cluster->leader)
        must(kt_leader_new(&options, &none, &cluster->leader, &error), &error);
    kt_controller_set_leader(cluster->controller, may ? NULL : cluster->leader);
}

void kt_test_controller_stop(struct kt_test_cluster *cluster)
{
    kt_controller_stop(KT_STEAL(cluster->controller));
    kt_cache_stop(KT_STEAL(cluster->cache));
    kt_leader_free(KT_STEAL(cluster->leader));
}

double kt_test_controller_figure(const char *line)
{
    static const struct kt_metrics nothing;
    struct kt_strbuf text;
    kt_strbuf_init(&text, NULL, KT_MIB);
    kt_metrics_write(&nothing, &text);
    const char *found = text.data ? strstr(text.data, line) : NULL;
    double value = found ? strtod(found + strcspn(found, " \n"), NULL) : -1;
    kt_strbuf_release(&text);
    return value;
}
