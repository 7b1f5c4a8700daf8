/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/render.h"

#include <inttypes.h>
#include <stdlib.h>

#include "admission/inference_facts.h"
#include "admission/shipped_templates.h"
#include "workload/metadata.h"
#include "workload/names.h"
#include "workload/node_claim.h"
#include "workload/node_count.h"
#include "workload/observation.h"
#include "workload/revision.h"
#include "workload/tuning.h"

struct rendering {
    struct kt_arena *arena;
    const cJSON *workspace;
    const struct kt_settings *settings;
    const struct kt_cluster *cluster;
    cJSON *objects;
};

static enum kt_lookup find_config_map(const struct rendering *rendering, const char *namespace_, const char *name,
                                      const cJSON **ret)
{
    return rendering->cluster->find(rendering->cluster->context, "ConfigMap", namespace_, name, ret);
}

/* A number that the reconciler has written on the Workspace; 1 when it has not. */
static int64_t recorded_number(const cJSON *workspace, const char *annotation)
{
    const char *text = kt_json_string_or(kt_json_path(workspace, "metadata", "annotations", annotation, NULL), "");
    long long number = strtoll(text, NULL, 10);
    return number > 0 && number <= INT32_MAX ? number : 1;
}

static int render_revision(const struct rendering *rendering, struct kt_error *error)
{
    char hash[KT_REVISION_HASH_BYTES];
    int code = kt_revision_hash(rendering->arena, rendering->workspace, hash, error);
    if (code == 0)
        kt_json_append(rendering->arena, rendering->objects,
                       kt_revision_build(rendering->arena, rendering->workspace, hash,
                                         recorded_number(rendering->workspace, KT_ANNOTATION_REVISION)));
    return code;
}

static int render_claims(const struct rendering *rendering, int64_t count, struct kt_error *error)
{
    int64_t first = recorded_number(rendering->workspace, KT_ANNOTATION_NODE_CLAIMS);
    for (int64_t number = first; number - first < count; number++) {
        cJSON *claim = NULL;
        int code =
            kt_node_claim_build(rendering->arena, rendering->workspace, rendering->settings, number, &claim, error);
        if (code < 0)
            return code;
        kt_json_append(rendering->arena, rendering->objects, claim);
    }
    return 0;
}

/* --- tuning ------------------------------------------------------------------------------------------------------- */

/* The user's own map must be there. */
static int find_own_config_map(const struct rendering *rendering, const struct kt_tuning_plan *plan, const cJSON **ret,
                               struct kt_error *error)
{
    const char *namespace_ = kt_workload_namespace(&plan->workspace);
    if (find_config_map(rendering, namespace_, plan->config_map, ret) == KT_LOOKUP_FOUND)
        return 0;
    return kt_error_set(error, KT_EINVAL,
                        "tuning.config: config map %.253s of namespace %.63s is needed to make the Job, and it is not "
                        "there; give it along with the Workspace",
                        plan->config_map, namespace_);
}

/* A copy that is in the namespace already is used as it is; otherwise one is made and is among the objects. */
static int render_template(const struct rendering *rendering, const struct kt_tuning_plan *plan, const cJSON **ret,
                           struct kt_error *error)
{
    const cJSON *template_ = NULL;
    const char *release = rendering->settings->release_namespace;
    if (find_config_map(rendering, kt_workload_namespace(&plan->workspace), plan->config_map, ret) == KT_LOOKUP_FOUND)
        return 0;
    bool is_there = release && release[0] &&
                    find_config_map(rendering, release, plan->template_name, &template_) == KT_LOOKUP_FOUND;
    template_ = is_there ? template_ : kt_shipped_template_object(plan->template_name);
    if (!template_)
        return kt_error_set(error, KT_ENOMEM, "no memory for the tuning templates");
    cJSON *copy = NULL;
    int code = kt_tuning_config_map(rendering->arena, plan, template_, &copy, error);
    if (code < 0)
        return code;
    kt_json_append(rendering->arena, rendering->objects, copy);
    *ret = copy;
    return 0;
}

/* The user's own nodes; all zero where nodes are provisioned. */
static struct kt_own_nodes own_nodes(const struct rendering *rendering)
{
    struct kt_own_nodes nodes = {.state = KT_OWN_NODES_NOT_ASKED};
    struct kt_workspace workspace;
    kt_workspace_view(rendering->workspace, &workspace);
    if (kt_settings_bring_your_own(rendering->settings))
        kt_own_nodes_read(rendering->arena, rendering->cluster, &workspace.resource, &nodes);
    return nodes;
}

/* GPUs of one of the user's own nodes: by its capacity, as the reconciler reads it, else by the labels of all; 0 when
 * none says so. */
static uint32_t own_gpu_count(const struct rendering *rendering, const struct kt_own_nodes *own)
{
    struct kt_workspace workspace;
    const cJSON *const *nodes = NULL;
    size_t node_count = 0;
    uint32_t count = 0;
    kt_workspace_view(rendering->workspace, &workspace);
    if (own->count > 0 &&
        rendering->cluster->nodes(rendering->cluster->context, &nodes, &node_count) == KT_LOOKUP_FOUND)
        for (size_t i = 0; count == 0 && i < node_count; i++)
            if (kt_node_matches(nodes[i], workspace.resource.match_labels))
                count = kt_node_gpu_count(nodes[i]);
    if (count == 0 && own->state == KT_OWN_NODES_KNOWN && own->gpu_count > 0)
        count = (uint32_t)KT_MIN(own->gpu_count, (int64_t)UINT32_MAX);
    return count;
}

static int render_tuning(const struct rendering *rendering, struct kt_error *error)
{
    struct kt_tuning_plan plan;
    struct kt_tuning_job_facts facts = {0};
    char config_hash[KT_CONFIG_HASH_BYTES];
    cJSON *job = NULL;
    const struct kt_own_nodes nodes = own_nodes(rendering);
    int code = kt_tuning_plan(rendering->arena, rendering->workspace, rendering->settings, nodes.compute_capability,
                              &plan, error);
    if (code < 0)
        return code;
    if (plan.template_name) {
        code = render_template(rendering, &plan, &facts.config_map, error);
    } else {
        code = find_own_config_map(rendering, &plan, &facts.config_map, error);
        code = code < 0 ? code : kt_config_map_hash(rendering->arena, facts.config_map, config_hash, error);
        facts.config_hash = config_hash;
    }
    facts.gpu_count = own_gpu_count(rendering, &nodes);
    facts.revision =
        kt_arena_printf(rendering->arena, "%" PRId64, recorded_number(rendering->workspace, KT_ANNOTATION_REVISION));
    code = code < 0 ? code : kt_tuning_job(rendering->arena, &plan, &facts, &job, error);
    if (code == 0)
        kt_json_append(rendering->arena, rendering->objects, job);
    return code;
}

/* ------------------------------------------------------------------------------------------------------------------ */

int kt_workload_render(struct kt_arena *arena, const cJSON *workspace, const struct kt_settings *settings,
                       const struct kt_cluster *cluster, cJSON **ret_objects, int64_t *ret_node_count,
                       struct kt_error *error)
{
    const struct rendering rendering = {arena, workspace, settings, cluster, kt_json_new_array(arena)};
    int64_t node_count = 0;
    if (kt_json_is_object(kt_json_get(workspace, "inference")))
        return kt_error_set(
            error, KT_EINVAL,
            "the objects of an inference cannot be rendered by this version, which carries out tunings only");
    int code = kt_node_count(arena, kt_json_clone(arena, workspace), settings, cluster, &node_count, error);
    code = code < 0 ? code : render_revision(&rendering, error);
    if (code == 0 && !kt_settings_bring_your_own(settings))
        code = render_claims(&rendering, node_count, error);
    code = code < 0 ? code : render_tuning(&rendering, error);
    if (code < 0)
        return code;
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "no memory to render the Workspace's objects");
    *ret_objects = rendering.objects;
    if (ret_node_count)
        *ret_node_count = node_count;
    return 0;
}
