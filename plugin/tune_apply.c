/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To the server, so that a refusal leaves nothing behind: the Workspace is dry-run first; then the ConfigMap, when one
 * is made or changed, then the Workspace. If the Workspace is refused after all, the ConfigMap is put back as it was.
 * The dry run sees the ConfigMap as it is before that, so what it says about it alone does not count.
 */
#include <string.h>

#include "kube/api.h"
#include "plugin/connection.h"
#include "plugin/tune.h"
#include "plugin/wait.h"
#include "text/names.h"

#define API_GROUP "kaito.sh"
#define FIELD_MANAGER "kubectl-kaito"
/* A webhook sees a new ConfigMap through its watch, a moment after it was made. */
#define CONFIG_SEEN_TIMEOUT_MS 5000
#define CONFIG_SEEN_STEP_MS 100

struct apply {
    struct kt_tune *tune;
    struct kt_connection connection;
    struct kt_resource workspaces; /* of the version that the server has */
    const char *namespace_;
    const char *config_name;     /* of the ConfigMap that is made; NULL: none */
    const cJSON *old_workspace;  /* NULL: not there */
    const cJSON *old_config_map; /* NULL: not there */
    const cJSON *new_config_map; /* after it was applied; NULL: not yet */
    struct kt_error *error;
};

static void apply_release(struct apply *apply)
{
    kt_disconnect(&apply->connection);
}

static struct kt_arena *arena_of(const struct apply *apply)
{
    return apply->tune->app->arena;
}

/* A refusal of the server in full; struct kt_error would cut it. */
static int report_reply(struct apply *apply, const struct kt_reply *reply)
{
    struct kt_app *app = apply->tune->app;
    if (reply->http_code == 0 || reply->status.code == 0)
        return apply->error->code;
    struct kt_strbuf text = kt_output_buffer(app), safe = kt_output_buffer(app);
    kt_status_describe(&text, &reply->status);
    kt_output_escape_lines(&safe, kt_strbuf_view(&text));
    if (safe.failed || reply->type_missing)
        return apply->error->code; /* its words say more: how to install the type */
    fprintf(app->err, "%s\n", safe.data);
    return KT_EXIT_ERROR;
}

/* --- what is there -------------------------------------------------------------------------------------------------
 */

/* Servers of older guides have v1alpha1 only; both versions have one schema. */
static int choose_version(struct apply *apply)
{
    struct kt_reply reply;
    const struct kt_request request = {
        .method = "GET", .path = "/apis/" API_GROUP, .resource = &kt_resource_workspaces};
    apply->workspaces = kt_resource_workspaces;
    int code = kt_client_do(apply->connection.client, arena_of(apply), &request, &reply, apply->error);
    if (code == KT_ENOTFOUND)
        return kt_error_set(
            apply->error, KT_ENOTFOUND,
            "the cluster does not know Workspaces: Kaito is not installed. Its resource types come with "
            "`kubectl apply -k manifests/crd`, all of it with one of the folders of manifests/overlays");
    if (code != 0)
        return code;
    bool has_beta = false, has_alpha = false;
    const cJSON *version;
    cJSON_ArrayForEach(version, kt_json_get(reply.object, "versions"))
    {
        const char *name = kt_json_string_or(kt_json_get(version, "version"), "");
        has_beta |= kt_streq(name, kt_resource_workspaces.version);
        has_alpha |= kt_streq(name, kt_resource_workspaces_alpha.version);
    }
    if (!has_beta && has_alpha) {
        apply->workspaces = kt_resource_workspaces_alpha;
        kt_json_set_string(arena_of(apply), apply->tune->workspace, "apiVersion", API_GROUP "/v1alpha1");
    }
    return 0;
}

static int get_if_there(struct apply *apply, const struct kt_resource *resource, const char *name, const cJSON **ret)
{
    struct kt_reply reply;
    int code =
        kt_api_get(apply->connection.client, arena_of(apply), resource, apply->namespace_, name, &reply, apply->error);
    *ret = code == 0 ? reply.object : NULL;
    return code == KT_ENOTFOUND && !reply.type_missing ? 0 : code;
}

static int look_around(struct apply *apply)
{
    struct kt_tune *tune = apply->tune;
    struct kt_arena *arena = arena_of(apply);
    int code = choose_version(apply);
    if (code != 0)
        return code;
    kt_json_set_string(arena, kt_json_get(tune->workspace, "metadata"), "namespace", apply->namespace_);
    code = get_if_there(apply, &apply->workspaces, tune->name, &apply->old_workspace);
    if (code == 0 && tune->config_map) {
        kt_json_set_string(arena, kt_json_get(tune->config_map, "metadata"), "namespace", apply->namespace_);
        apply->config_name = kt_json_string(kt_json_path(tune->config_map, "metadata", "name", NULL));
        code = get_if_there(apply, &kt_resource_config_maps, apply->config_name, &apply->old_config_map);
    }
    return code;
}

/* --- sending -------------------------------------------------------------------------------------------------------
 */

static int send(struct apply *apply, const struct kt_resource *resource, const cJSON *object, bool dry_run,
                struct kt_reply *reply)
{
    const struct kt_write_options options = {
        .field_manager = FIELD_MANAGER,
        .force = apply->tune->options->force_conflicts,
        .dry_run = dry_run ? KT_DRY_RUN_SERVER : KT_DRY_RUN_NONE,
    };
    return kt_api_apply(apply->connection.client, arena_of(apply), resource, apply->namespace_, object, &options, reply,
                        apply->error);
}

/* Will the ConfigMap that is there have another content? */
static bool changes_config(const struct apply *apply)
{
    const cJSON *member, *old_data = kt_json_get(apply->old_config_map, "data");
    cJSON_ArrayForEach(member, kt_json_get(apply->tune->config_map, "data"))
    {
        if (!kt_streq(kt_json_string_or(member, ""), kt_json_string_or(kt_json_get(old_data, member->string), "")))
            return true;
    }
    return false;
}

/* Is all that our webhook complains about what the content of a ConfigMap decides? The rules took the new content
 * before anything was sent. Memory is of the machine type, or of the nodes that are there; but a Workspace that exists
 * may not change those, and then its ConfigMap must not be touched for even a moment. */
static bool only_judges_config(const struct apply *apply, const struct kt_status *status)
{
    static const char *const decided[] = {"tuning.config", "tuning.method", "resource.instanceType",
                                          "resource.labelSelector"};
    size_t decided_count = apply->old_workspace ? 1 : KT_ARRAY_LENGTH(decided);
    for (size_t i = 0; i < status->cause_count; i++) {
        bool is_decided = false;
        for (size_t k = 0; k < decided_count; k++)
            is_decided |= kt_streq(status->causes[i].field, decided[k]);
        if (!is_decided)
            return false;
    }
    return status->cause_count > 0 && strstr(status->message, "admission webhook");
}

/* Is all that the server complains about that it does not see the ConfigMap which is about to be made, or sees the old
 * content of one that is about to change? Our webhook and upstream's both name one that is missing; upstream gives no
 * causes. */
static bool only_misses_config(const struct apply *apply, const struct kt_reply *reply)
{
    const struct kt_status *status = &reply->status;
    if (!apply->config_name || reply->http_code < 400)
        return false;
    if (apply->old_config_map)
        return changes_config(apply) && only_judges_config(apply, status);
    for (size_t i = 0; i < status->cause_count; i++)
        if (!kt_streq(status->causes[i].field, "tuning.config") ||
            !strstr(status->causes[i].message, apply->config_name))
            return false;
    return strstr(status->message, apply->config_name) && strcasestr(status->message, "not found");
}

static const char *done_word(const struct kt_reply *reply, const cJSON *old_object)
{
    if (reply->http_code == 201)
        return "created";
    const char *before = kt_json_string_or(kt_json_path(old_object, "metadata", "resourceVersion", NULL), "");
    const char *after = kt_json_string_or(kt_json_path(reply->object, "metadata", "resourceVersion", NULL), "-");
    return kt_streq(before, after) ? "unchanged" : "configured";
}

/* --- putting back --------------------------------------------------------------------------------------------------
 */

/* data of the old ConfigMap as a merge patch: keys that are new become null. */
static cJSON *restoring_patch(const struct apply *apply)
{
    struct kt_arena *arena = arena_of(apply);
    cJSON *patch = kt_json_new_object(arena);
    cJSON *data = kt_json_clone(arena, kt_json_get(apply->old_config_map, "data"));
    const cJSON *member;
    data = data ? data : kt_json_new_object(arena);
    cJSON_ArrayForEach(member, kt_json_get(apply->new_config_map, "data"))
    {
        if (!kt_json_get(data, member->string))
            kt_json_set(arena, data, member->string, kt_json_new_null(arena));
    }
    kt_json_set(arena, patch, "data", data);
    return patch;
}

/* Removes the ConfigMap that this run made, or gives the one it changed its old content. */
static void put_config_back(struct apply *apply)
{
    struct kt_app *app = apply->tune->app;
    struct kt_reply reply;
    struct kt_error error = {0};
    int code;
    if (!apply->new_config_map)
        return;
    kt_connection_resume(&apply->connection);
    if (apply->old_config_map) {
        const struct kt_write_options options = {.field_manager = FIELD_MANAGER};
        code =
            kt_api_merge_patch(apply->connection.client, arena_of(apply), &kt_resource_config_maps, apply->namespace_,
                               apply->config_name, NULL, restoring_patch(apply), &options, &reply, &error);
    } else {
        const struct kt_delete_options options = {
            .uid = kt_json_string(kt_json_path(apply->new_config_map, "metadata", "uid", NULL))};
        code = kt_api_delete(apply->connection.client, arena_of(apply), &kt_resource_config_maps, apply->namespace_,
                             apply->config_name, &options, &reply, &error);
    }
    if (code == 0)
        return;
    fprintf(app->err, "The ConfigMap %s/%s was %s for this Workspace and could not be %s:\n", apply->namespace_,
            apply->config_name, apply->old_config_map ? "changed" : "made",
            apply->old_config_map ? "changed back" : "removed");
    kt_app_report(app, &error);
}

/* --- steps ---------------------------------------------------------------------------------------------------------
 */

/* Returns 0 to go on, or an exit code or error. */
static int try_on_server(struct apply *apply, struct kt_reply *reply)
{
    int code = send(apply, &apply->workspaces, apply->tune->workspace, true, reply);
    if (code != 0 && only_misses_config(apply, reply))
        return 0; /* its warnings are those of a Workspace without this ConfigMap */
    /* Sent in earnest, it is warned of what the server sees then. */
    if (code != 0 || apply->tune->dry_run == KT_TUNE_DRY_RUN_SERVER)
        kt_connection_warn(&apply->connection, reply);
    return code == 0 ? 0 : report_reply(apply, reply);
}

static int send_config_map(struct apply *apply, bool dry_run, struct kt_reply *reply)
{
    if (!apply->config_name)
        return 0;
    int code = send(apply, &kt_resource_config_maps, apply->tune->config_map, dry_run, reply);
    kt_connection_warn(&apply->connection, reply);
    if (code != 0)
        return report_reply(apply, reply);
    if (!dry_run)
        apply->new_config_map = reply->object;
    return 0;
}

/* The outcome of a request without an answer is not known; then nothing is taken back. */
static bool was_refused(const struct kt_reply *reply)
{
    return reply->http_code >= 400 && reply->http_code <= 500;
}

static int send_workspace(struct apply *apply, struct kt_reply *reply)
{
    const struct kt_clock *clock = apply->tune->app->environment->clock;
    int64_t deadline_ms = kt_clock_monotonic_ms(clock) + CONFIG_SEEN_TIMEOUT_MS;
    int code;
    for (;;) {
        code = send(apply, &apply->workspaces, apply->tune->workspace, false, reply);
        bool wait = code != 0 && apply->new_config_map && only_misses_config(apply, reply) &&
                    kt_clock_monotonic_ms(clock) < deadline_ms;
        if (!wait || !kt_connection_pause(&apply->connection, CONFIG_SEEN_STEP_MS))
            break;
    }
    kt_connection_warn(&apply->connection, reply);
    if (code == 0)
        return 0;
    if (was_refused(reply)) {
        put_config_back(apply);
    } else {
        fprintf(apply->tune->app->err,
                "It is not known whether the Workspace %s was made; `kubectl get workspace %s -n %s` tells.%s\n",
                apply->tune->name, apply->tune->name, apply->namespace_,
                apply->new_config_map ? " The ConfigMap made for it stays." : "");
    }
    return report_reply(apply, reply);
}

static const cJSON *without_managed_fields(struct kt_arena *arena, const cJSON *object)
{
    cJSON *copy = kt_json_clone(arena, object);
    kt_json_remove(kt_json_get(copy, "metadata"), "managedFields");
    return copy;
}

/* With the cluster to look things up in. A new Workspace is judged as it will be sent, before that; one that is there
 * already as the server would have it afterwards, which only a dry run can tell. */
static int judge_with_cluster(struct apply *apply, const cJSON *object)
{
    struct kt_tune *tune = apply->tune;
    struct kt_findings findings = {0};
    int code = kt_tune_judge(tune, &apply->connection, apply->namespace_, object, apply->old_workspace, &findings,
                             apply->error);
    if (code != 0)
        return code;
    return kt_tune_report(tune, &findings) ? KT_EXIT_ERROR : 0;
}

static int send_all(struct apply *apply, struct kt_reply *workspace, struct kt_reply *config_map)
{
    struct kt_tune *tune = apply->tune;
    bool dry_run = tune->dry_run == KT_TUNE_DRY_RUN_SERVER;
    int code = look_around(apply);
    if (code == 0 && !apply->old_workspace)
        code = judge_with_cluster(apply, tune->workspace);
    if (code == 0)
        code = try_on_server(apply, workspace);
    if (code == 0 && apply->old_workspace && workspace->http_code < 300)
        code = judge_with_cluster(apply, workspace->object);
    if (code == 0)
        code = send_config_map(apply, dry_run, config_map);
    if (code == 0 && !dry_run)
        code = send_workspace(apply, workspace);
    return code;
}

static int run_steps(struct apply *apply)
{
    struct kt_tune *tune = apply->tune;
    struct kt_arena *arena = arena_of(apply);
    struct kt_reply workspace = {0}, config_map = {0};
    int code = send_all(apply, &workspace, &config_map);
    if (code != 0)
        return code;
    /* A dry run that only missed the ConfigMap gives no object: then what would be sent is shown. */
    bool answered = workspace.http_code < 300 && workspace.object;
    const cJSON *shown = answered ? workspace.object : tune->workspace;
    const char *missed = apply->old_workspace ? "configured" : "created";
    return kt_tune_write(tune, apply->config_name ? without_managed_fields(arena, config_map.object) : NULL,
                         done_word(&config_map, apply->old_config_map), without_managed_fields(arena, shown),
                         answered ? done_word(&workspace, apply->old_workspace) : missed, apply->error);
}

/* With what is known of the server already. */
static int wait_for_it(struct apply *apply)
{
    const struct kt_tune *tune = apply->tune;
    if (tune->dry_run != KT_TUNE_DRY_RUN_NONE || !(tune->options->wait || tune->options->follow))
        return KT_EXIT_OK;
    struct kt_gather_target target = {.connection = &apply->connection,
                                      .namespace_ = apply->namespace_,
                                      .name = tune->name,
                                      .workspaces = &apply->workspaces};
    const struct kt_wait_options options = {
        .goal = KT_WAIT_SUCCEEDED, .timeout_ms = tune->timeout_ms, .follow = tune->options->follow};
    return kt_wait(&target, &options, apply->error);
}

int kt_tune_apply(struct kt_tune *tune, struct kt_error *error)
{
    KT_CLEANUP(apply_release) struct apply apply = {.tune = tune, .error = error};
    int code = kt_connect(tune->app, &apply.connection, error);
    if (code != 0)
        return code;
    apply.namespace_ = apply.connection.config.namespace_;
    const char *problem = kt_names_dns1123_label(kt_str(apply.namespace_));
    if (problem)
        return kt_error_set(error, KT_EINVAL, "the namespace \"%.60s\" is no name of a namespace: %s", apply.namespace_,
                            problem);
    code = run_steps(&apply);
    return code == KT_EXIT_OK ? wait_for_it(&apply) : code;
}
