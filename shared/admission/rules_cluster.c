/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family X: what the Workspace names must be there, and what it asks for must be switched on. Config maps have rows in
 * family C, the gates of partitions in R, model streaming in I.
 *
 * Secrets and claims: the server has no right to read those of its users, so its lookups answer "unknown" and these
 * rows are silent there; `check --cluster` asks with the user's own rights. A missing one is a warning: it may be made
 * later, and the reconciler reports it if it is not. What cannot be a name is an error, and nothing is looked up by it.
 */
#include <stdlib.h>

#include "admission/rule.h"
#include "admission/rule_words.h"
#include "text/names.h"

/* Steps of work to sort a node in by its name, and to look an object up. */
#define NODE_STEPS 100
#define LOOK_UP_STEPS 100

#define DOCKER_CONFIG_TYPE "kubernetes.io/dockerconfigjson"
#define TOKEN_KEY "HF_TOKEN"

static bool is_given(const char *text)
{
    return text && *text;
}

static enum kt_lookup look_up(const struct kt_facts *facts, const char *kind, const char *name, const cJSON **ret)
{
    if (kt_names_dns1123_subdomain(kt_str(name))) {
        return KT_LOOKUP_UNKNOWN;
    }
    return facts->cluster->find(facts->cluster->context, kind, facts->namespace_, name, ret);
}

/* --- X001: Secrets -------------------------------------------------------------------------------------------------
 */

enum secret_use { SECRET_FOR_REGISTRY, SECRET_FOR_TOKEN };

static void check_secret_content(struct kt_rule_run *run, const cJSON *secret, const char *field, const char *name,
                                 enum secret_use use)
{
    const char *type = kt_json_string_or(kt_json_get(secret, "type"), "");
    if (use == SECRET_FOR_REGISTRY && !kt_streq(type, DOCKER_CONFIG_TYPE)) {
        kt_rule_report(run, field, KT_PROBLEM_INVALID, name,
                       "this Secret is of type \"%.64s\"; a registry needs " DOCKER_CONFIG_TYPE
                       " (kubectl create secret docker-registry)",
                       type);
    } else if (use == SECRET_FOR_TOKEN && !kt_json_path(secret, "data", TOKEN_KEY, NULL) &&
               !kt_json_path(secret, "stringData", TOKEN_KEY, NULL)) {
        kt_rule_report(run, field, KT_PROBLEM_INVALID, name, "this Secret has no key " TOKEN_KEY);
    }
}

static void check_secret(struct kt_rule_run *run, const char *field, const char *name, enum secret_use use)
{
    const cJSON *secret = NULL;
    if (!is_given(name)) {
        return;
    }
    switch (look_up(run->facts, "Secret", name, &secret)) {
    case KT_LOOKUP_ABSENT:
        kt_rule_report(run, field, KT_PROBLEM_NOT_FOUND, name, "there is no such Secret in namespace %.64s",
                       run->facts->namespace_);
        break;
    case KT_LOOKUP_FOUND:
        check_secret_content(run, secret, field, name, use);
        break;
    case KT_LOOKUP_UNKNOWN:
        break;
    }
}

static void check_pull_secrets(struct kt_rule_run *run, const char *owner, const cJSON *secrets)
{
    size_t index = 0;
    const cJSON *secret;
    cJSON_ArrayForEach(secret, secrets)
    {
        if (!kt_rule_goes_on(run, LOOK_UP_STEPS, "a list of imagePullSecrets")) {
            return;
        }
        const char *field = kt_arena_printf(run->facts->arena, "%s.imagePullSecrets[%zu]", owner, index++);
        if (field) {
            check_secret(run, field, kt_json_string(secret), SECRET_FOR_REGISTRY);
        }
    }
}

static void check_preset_secrets(struct kt_rule_run *run, const struct kt_preset *preset, const char *owner)
{
    const char *field = kt_arena_printf(run->facts->arena, "%s.presetOptions.modelAccessSecret", owner);
    const char *options = kt_arena_printf(run->facts->arena, "%s.presetOptions", owner);
    if (field && options) {
        check_secret(run, field, preset->access_secret, SECRET_FOR_TOKEN);
        check_pull_secrets(run, options, kt_json_get(preset->options, "imagePullSecrets"));
    }
}

static void check_secrets(struct kt_rule_run *run)
{
    const struct kt_workspace *now = &run->facts->now;
    check_preset_secrets(run, &now->inference.preset, "inference.preset");
    check_preset_secrets(run, &now->tuning.preset, "tuning.preset");
    check_pull_secrets(run, "tuning.input", now->tuning.input.pull_secrets);
    check_secret(run, "tuning.output.imagePushSecret", now->tuning.output.push_secret, SECRET_FOR_REGISTRY);
    size_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, now->inference.adapters)
    {
        if (!kt_rule_goes_on(run, LOOK_UP_STEPS, "inference.adapters")) {
            return;
        }
        struct kt_adapter adapter;
        kt_workspace_adapter(item, &adapter);
        const char *owner = kt_arena_printf(run->facts->arena, "inference.adapters[%zu].source", index++);
        if (owner) {
            check_pull_secrets(run, owner, adapter.pull_secrets);
        }
    }
}

/* --- X002: claims --------------------------------------------------------------------------------------------------
 */

static void check_claim(struct kt_rule_run *run, const char *owner, const cJSON *volume)
{
    const cJSON *claim = NULL;
    const char *name = kt_json_string(kt_json_path(volume, "persistentVolumeClaim", "claimName", NULL));
    const char *field = kt_arena_printf(run->facts->arena, "%s.volumeSource.persistentVolumeClaim.claimName", owner);
    if (is_given(name) && field && look_up(run->facts, "PersistentVolumeClaim", name, &claim) == KT_LOOKUP_ABSENT) {
        kt_rule_report(run, field, KT_PROBLEM_NOT_FOUND, name,
                       "there is no such PersistentVolumeClaim in namespace %.64s; the pod waits until there is",
                       run->facts->namespace_);
    }
}

static void check_claims(struct kt_rule_run *run)
{
    const struct kt_workspace *now = &run->facts->now;
    check_claim(run, "tuning.input", now->tuning.input.volume);
    check_claim(run, "tuning.output", now->tuning.output.volume);
    size_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, now->inference.adapters)
    {
        if (!kt_rule_goes_on(run, LOOK_UP_STEPS, "inference.adapters")) {
            return;
        }
        struct kt_adapter adapter;
        kt_workspace_adapter(item, &adapter);
        const char *owner = kt_arena_printf(run->facts->arena, "inference.adapters[%zu].source", index++);
        if (owner) {
            check_claim(run, owner, adapter.volume);
        }
    }
}

/* --- X003: what an annotation asks for must be switched on ---------------------------------------------------------
 */

struct switch_row {
    const char *annotation;
    bool (*is_on)(const struct kt_settings *settings);
    const char *needed;
};

static bool streaming_is_on(const struct kt_settings *settings)
{
    return settings->gates[KT_GATE_MODEL_STREAMING];
}

static bool vllm_is_on(const struct kt_settings *settings)
{
    return settings->gates[KT_GATE_VLLM];
}

static const struct switch_row SWITCHES[] = {
    {"kaito.sh/model-streaming", streaming_is_on, "the feature gate ModelStreaming"},
    {"kaito.sh/node-class-name", kt_settings_uses_karpenter, "the node provisioner karpenter"},
    {"kaito.sh/performance-mode", vllm_is_on, "the feature gate vLLM"},
};

static void check_switches(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(SWITCHES); i++) {
        const char *value = kt_workspace_annotation(&facts->now, SWITCHES[i].annotation);
        if (is_given(value) && !SWITCHES[i].is_on(facts->settings)) {
            const char *field = kt_arena_printf(facts->arena, "metadata.annotations[%s]", SWITCHES[i].annotation);
            kt_rule_report(run, field ? field : "metadata.annotations", KT_PROBLEM_NOTE, NULL,
                           "has no effect here: it needs %s, which this installation does not have",
                           SWITCHES[i].needed);
        }
    }
}

/* --- X004: preferred nodes -----------------------------------------------------------------------------------------
 */

static int compare_texts(const void *left, const void *right)
{
    const char *const *a = left;
    const char *const *b = right;
    return strcmp(*a, *b);
}

/* The names of the nodes, sorted; NULL without memory or work left. */
static const char **node_names(const struct kt_facts *facts, const cJSON *const *nodes, size_t count)
{
    bool goes_on = kt_arena_work(facts->arena, count * NODE_STEPS, "the list of the cluster's nodes");
    const char **names = goes_on ? kt_arena_calloc(facts->arena, count + 1, sizeof(*names)) : NULL;
    for (size_t i = 0; names && i < count; i++) {
        names[i] = kt_json_string_or(kt_json_path(nodes[i], "metadata", "name", NULL), "");
    }
    if (names) {
        qsort(names, count, sizeof(*names), compare_texts);
    }
    return names;
}

static void check_preferred_nodes(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *const *nodes = NULL;
    size_t count = 0;
    if (kt_json_count(facts->now.resource.preferred_nodes) == 0 ||
        facts->cluster->nodes(facts->cluster->context, &nodes, &count) != KT_LOOKUP_FOUND) {
        return;
    }
    size_t index = 0;
    const char **names = node_names(facts, nodes, count);
    const cJSON *item = names ? facts->now.resource.preferred_nodes->child : NULL;
    for (; item && kt_rule_goes_on(run, LOOK_UP_STEPS, "resource.preferredNodes"); item = item->next, index++) {
        const char *name = kt_json_string(item);
        if (is_given(name) && !bsearch(&name, names, count, sizeof(*names), compare_texts)) {
            const char *field = kt_arena_printf(facts->arena, "resource.preferredNodes[%zu]", index);
            kt_rule_report(run, field ? field : "resource.preferredNodes", KT_PROBLEM_NOT_FOUND, name,
                           "the cluster has no such node, so it cannot be used");
        }
    }
}

/* --- X005: names ---------------------------------------------------------------------------------------------------
 */

static void check_name(struct kt_rule_run *run, enum kt_origin origin, const char *field, const char *kind,
                       const char *name)
{
    const char *wrong = is_given(name) ? kt_names_dns1123_subdomain(kt_str(name)) : NULL;
    if (wrong && field) {
        kt_rule_report_as(run, origin, field, KT_PROBLEM_INVALID, name, "not a name that a %s can have: %s", kind,
                          wrong);
    }
}

static void check_list_of_names(struct kt_rule_run *run, const char *owner, const char *kind, const cJSON *names)
{
    size_t index = 0;
    const cJSON *name;
    cJSON_ArrayForEach(name, names)
    {
        check_name(run, KT_ORIGIN_OWN, kt_arena_printf(run->facts->arena, "%s[%zu]", owner, index++), kind,
                   kt_json_string(name));
    }
}

/* The Secrets of a tuning's data and result, and the volumes, have rules of their own: T009, T010 and that of adapters.
 */
static void check_names(struct kt_rule_run *run)
{
    const struct kt_workspace *now = &run->facts->now;
    /* Upstream refuses these, too, where it looks for the ConfigMap and does not find it: when a Workspace is created.
     */
    enum kt_origin of_config = kt_rule_origin_on_create(run->facts);
    check_name(run, of_config, "tuning.config", "ConfigMap", now->tuning.config);
    check_name(run, run->facts->runtime_transformers ? KT_ORIGIN_OWN : of_config, "inference.config", "ConfigMap",
               now->inference.config);
    check_name(run, KT_ORIGIN_OWN, "inference.preset.presetOptions.modelAccessSecret", "Secret",
               now->inference.preset.access_secret);
    check_list_of_names(run, "inference.preset.presetOptions.imagePullSecrets", "Secret",
                        kt_json_get(now->inference.preset.options, "imagePullSecrets"));
    check_list_of_names(run, "tuning.preset.presetOptions.imagePullSecrets", "Secret",
                        kt_json_get(now->tuning.preset.options, "imagePullSecrets"));
    size_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, now->inference.adapters)
    {
        struct kt_adapter adapter;
        kt_workspace_adapter(item, &adapter);
        const char *owner =
            kt_arena_printf(run->facts->arena, "inference.adapters[%zu].source.imagePullSecrets", index++);
        if (owner) {
            check_list_of_names(run, owner, "Secret", adapter.pull_secrets);
        }
    }
}

#define BOTH (KT_OPERATION_CREATE | KT_OPERATION_UPDATE)

static const struct kt_rule RULES[] = {
    {"X001", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_ANY,
     "every Secret that is named exists and holds what it is used for (check --cluster)",
     "a pod that names a Secret which is not there waits for it on a node that is paid for", check_secrets},
    {"X002", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_ANY,
     "every PersistentVolumeClaim that is named exists (check --cluster)",
     "a pod that names a claim which is not there waits for it on a node that is paid for", check_claims},
    {"X003", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_ANY,
     "what an annotation asks for is switched on: model-streaming, node-class-name, performance-mode",
     "upstream ignores such an annotation without a word", check_switches},
    {"X004", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_ANY,
     "resource.preferredNodes names nodes that exist", "upstream ignores a node that is not there without a word",
     check_preferred_nodes},
    {"X005", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_ANY,
     "every ConfigMap and Secret is named by a name that one can have",
     "no such object can exist: upstream asks for it, and the pod would wait for it on a node that is paid for",
     check_names},
};

const struct kt_rule_table kt_rules_cluster = {"cluster", RULES, KT_ARRAY_LENGTH(RULES)};
