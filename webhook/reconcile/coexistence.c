/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/coexistence.h"

#include <time.h>

#include "base/clock.h"
#include "kube/api.h"
#include "webhook/reconcile/lease.h"

#define OUR_NAME "kaito-webhook"
#define OUR_WEBHOOKS "kaito-workspace-validation" /* manifests/base/webhooks.yaml */
#define UPSTREAM_LEASE "ef60f9b0.io"
#define LABEL_NAME "app.kubernetes.io/name"
/* What any of this may fill: a few objects are looked for, not lists of all. */
#define TEXT_BYTES ((size_t)2048)

struct look {
    struct kt_client *client;
    struct kt_arena *arena;
    const char *release_namespace;
    struct kt_strbuf other;
    struct kt_strbuf skipped;
};

static const char *metadata(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_path(object, "metadata", key, NULL), "");
}

static const char *label(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_get(kt_json_path(object, "metadata", "labels", NULL), key), "");
}

static bool lists(const cJSON *array, const char *wanted)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (kt_streq(kt_json_string_or(item, ""), wanted))
            return true;
    }
    return false;
}

static void found(struct look *look, const char *kind, const cJSON *object)
{
    const char *namespace_ = metadata(object, "namespace");
    const char *text = kt_arena_printf(look->arena, "%s %.100s%s%.253s", kind, namespace_, *namespace_ ? "/" : "",
                                       metadata(object, "name"));
    if (text && !strstr(look->other.data, text)) /* two selectors may find the same */
        kt_strbuf_printf(&look->other, "%s%s", look->other.length > 0 ? " and " : "", text);
}

/* Lists what a selector names. items NULL: it may not be read, which is noted, or the server does not know it. */
static int list(struct look *look, const struct kt_resource *resource, const struct kt_list_options *options,
                cJSON **ret_items, struct kt_error *error)
{
    struct kt_list result;
    struct kt_reply reply = {0};
    struct kt_error local;
    int code = kt_api_list(look->client, look->arena, resource, NULL, options, &result, &reply, &local);
    *ret_items = NULL;
    if (code == 0) {
        *ret_items = result.items;
        return 0;
    }
    if (code == KT_EFORBIDDEN) {
        kt_strbuf_printf(&look->skipped, "%s%s: %.600s", look->skipped.length > 0 ? "; " : "", resource->plural,
                         local.message);
        return 0;
    }
    if (code == KT_ENOTFOUND)
        return 0;
    if (error)
        *error = local;
    return code;
}

/* --- a validating webhook of Workspaces ---------------------------------------------------------------------- */

/* A policy engine may ask to see Workspaces too; an operator's webhook is named after them. */
static bool judges_workspaces(const cJSON *webhook)
{
    const cJSON *rule;
    if (!kt_str_ends_with(kt_str(kt_json_string_or(kt_json_get(webhook, "name"), "")), KT_STR("workspace.kaito.sh")))
        return false;
    cJSON_ArrayForEach(rule, kt_json_get(webhook, "rules"))
    {
        if (lists(kt_json_get(rule, "apiGroups"), "kaito.sh") && lists(kt_json_get(rule, "resources"), "workspaces"))
            return true;
    }
    return false;
}

static int look_at_webhooks(struct look *look, struct kt_error *error)
{
    const struct kt_list_options options = {0};
    const cJSON *configuration;
    cJSON *items;
    int code = list(look, &kt_resource_validating_webhook_configurations, &options, &items, error);
    cJSON_ArrayForEach(configuration, items)
    {
        const cJSON *webhook;
        if (kt_streq(label(configuration, LABEL_NAME), OUR_NAME) ||
            kt_streq(metadata(configuration, "name"), OUR_WEBHOOKS))
            continue;
        cJSON_ArrayForEach(webhook, kt_json_get(configuration, "webhooks"))
        {
            if (judges_workspaces(webhook)) {
                found(look, "ValidatingWebhookConfiguration", configuration);
                break;
            }
        }
    }
    return code;
}

/* --- a Deployment -------------------------------------------------------------------------------------------- */

/* Does the image's repository, without registry prefix, tag and digest, end with "kaito/workspace"? */
static bool is_upstream_image(const char *image)
{
    struct kt_str repository = kt_str(image);
    size_t at = kt_str_find_char(repository, '@');
    repository.length = KT_MIN(repository.length, at);
    for (size_t i = repository.length; i > 0 && repository.data[i - 1] != '/'; i--) {
        if (repository.data[i - 1] == ':')
            repository.length = i - 1;
    }
    return kt_str_ends_with(repository, KT_STR("kaito/workspace"));
}

static bool is_upstream_container(const cJSON *container)
{
    const cJSON *variable;
    if (is_upstream_image(kt_json_string_or(kt_json_get(container, "image"), "")))
        return true;
    cJSON_ArrayForEach(variable, kt_json_get(container, "env"))
    {
        if (kt_streq(kt_json_string_or(kt_json_get(variable, "name"), ""), "PRESET_REGISTRY_NAME"))
            return true; /* upstream's own, also when the image was copied to another name */
    }
    return false;
}

static bool is_other_operator(const struct look *look, const cJSON *deployment)
{
    int64_t replicas = 1;
    const cJSON *container;
    bool is_ours = kt_streq(label(deployment, LABEL_NAME), OUR_NAME);
    kt_json_int64(kt_json_path(deployment, "spec", "replicas", NULL), &replicas);
    if (replicas == 0 || (is_ours && kt_streq(metadata(deployment, "namespace"), look->release_namespace)))
        return false;
    cJSON_ArrayForEach(container, kt_json_path(deployment, "spec", "template", "spec", "containers", NULL))
    {
        if (is_ours ? !lists(kt_json_get(container, "args"), "--reconcile=false") : is_upstream_container(container))
            return true;
    }
    return false;
}

static int look_at_deployments(struct look *look, struct kt_error *error)
{
    static const struct kt_list_options selections[] = {
        {.label_selector = LABEL_NAME " in (workspace,kaito-workspace," OUR_NAME ")"},
        {.field_selector = "metadata.name=kaito-workspace"}, /* the AKS add-on, whatever its labels are */
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(selections); i++) {
        const cJSON *deployment;
        cJSON *items;
        int code = list(look, &kt_resource_deployments, &selections[i], &items, error);
        if (code != 0)
            return code;
        cJSON_ArrayForEach(deployment, items)
        {
            if (is_other_operator(look, deployment))
                found(look, "Deployment", deployment);
        }
        if (!items)
            break; /* no right to the one is no right to the other */
    }
    return 0;
}

/* --- a Lease that is being renewed --------------------------------------------------------------------------- */

static void pause_a_little(void)
{
    const struct timespec time = {.tv_nsec = KT_COEXISTENCE_PAUSE_MS * 1000000};
    nanosleep(&time, NULL);
}

/* The one that was seen before, or NULL. */
static const cJSON *find_uid(const cJSON *items, const char *uid)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        if (kt_streq(metadata(item, "uid"), uid))
            return item;
    }
    return NULL;
}

/* How long to watch these Leases: the longest duration of those that somebody holds; 0: nobody holds one. */
static int64_t longest_duration_ms(const cJSON *items)
{
    int64_t longest_ms = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        struct kt_lease lease;
        if (kt_lease_read(item, &lease, NULL) == 0 && !(lease.holder && !*lease.holder))
            longest_ms = KT_MAX(longest_ms, KT_MAX(lease.duration_ms, (int64_t)1000));
    }
    return KT_MIN(longest_ms, KT_COEXISTENCE_LONGEST_MS);
}

/* Adds those of now that are held and have changed since the first read. */
static void add_renewed(struct look *look, const cJSON *first, const cJSON *now)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, now)
    {
        struct kt_lease lease;
        const cJSON *before = find_uid(first, metadata(item, "uid"));
        if (before && kt_lease_read(item, &lease, NULL) == 0 && !(lease.holder && !*lease.holder) &&
            !kt_json_equal(kt_json_get(before, "spec"), kt_json_get(item, "spec")))
            found(look, "Lease", item);
    }
}

static int look_at_leases(struct look *look, struct kt_error *error)
{
    const struct kt_list_options options = {.field_selector = "metadata.name=" UPSTREAM_LEASE};
    cJSON *first;
    cJSON *now;
    int code = list(look, &kt_resource_leases, &options, &first, error);
    if (code != 0 || !first)
        return code;
    int64_t until_ms = kt_clock_monotonic_ms(&kt_clock_system) + longest_duration_ms(first);
    while (look->other.length == 0 && kt_clock_monotonic_ms(&kt_clock_system) < until_ms) {
        pause_a_little();
        code = list(look, &kt_resource_leases, &options, &now, error);
        if (code != 0)
            return code;
        add_renewed(look, first, now);
    }
    return 0;
}

/* --- all ----------------------------------------------------------------------------------------------------- */

int kt_coexistence_check(struct kt_client *client, struct kt_arena *arena, const char *release_namespace,
                         const char **ret_other, const char **ret_skipped, struct kt_error *error)
{
    struct look look = {.client = client, .arena = arena, .release_namespace = release_namespace};
    kt_strbuf_init(&look.other, arena, TEXT_BYTES);
    kt_strbuf_init(&look.skipped, arena, TEXT_BYTES);
    int code = look_at_webhooks(&look, error);
    if (code == 0)
        code = look_at_deployments(&look, error);
    if (code == 0 && look.other.length == 0) /* waiting for a renewal would tell nothing new */
        code = look_at_leases(&look, error);
    if (code != 0)
        return code;
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "no memory to look for other operators of Workspaces");
    *ret_other = look.other.length > 0 ? look.other.data : NULL;
    *ret_skipped = look.skipped.length > 0 ? look.skipped.data : NULL;
    return 0;
}
