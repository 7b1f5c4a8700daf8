/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shape: upstream v0.12.0, pkg/utils/nodeclaim/nodeclaim.go. Different: the name, which does not depend on the time;
 * the label `accelerator`, which the Node inherits, so that nobody has to write to Nodes; the disk of a tuning.
 */
#include "workload/node_claim.h"

#include <inttypes.h>
#include <stdio.h>

#include "text/sha256.h"
#include "workload/disk.h"
#include "workload/metadata.h"
#include "workload/names.h"

#define NODE_POOL_KEY "karpenter.sh/nodepool"
#define NODE_POOL "kaito" /* there is none of this name: it keeps Karpenter's own pools away from these nodes */
#define ANNOTATION_IMAGE_FAMILY "kaito.sh/node-image-family"
#define NAME_HEX_DIGITS 9

_Static_assert(KT_NODE_CLAIM_NAME_BYTES == 2 + NAME_HEX_DIGITS + 1, "ws, the digits, NUL");

void kt_node_claim_name(const cJSON *object, int64_t number, char ret[KT_NODE_CLAIM_NAME_BYTES])
{
    struct kt_workspace workspace;
    char text[512], hex[KT_SHA256_HEX_BYTES] = "000000000";
    const char *uid = kt_json_string_or(kt_json_path(object, "metadata", "uid", NULL), "");
    kt_workspace_view(object, &workspace);
    int length = uid[0] ? snprintf(text, sizeof(text), "%s/%" PRId64, uid, number)
                        : snprintf(text, sizeof(text), "%s/%s/%" PRId64, kt_workload_namespace(&workspace),
                                   workspace.name ? workspace.name : "", number);
    struct kt_str whole = {text, KT_MIN((size_t)KT_MAX(length, 0), sizeof(text) - 1)};
    struct kt_error ignored;
    (void)!kt_sha256_hex(whole, hex, &ignored);
    (void)!snprintf(ret, KT_NODE_CLAIM_NAME_BYTES, "ws%.*s", NAME_HEX_DIGITS, hex);
}

/* --- what differs between clouds ---------------------------------------------------------------------------------- */

struct node_class {
    enum kt_cloud cloud;
    const char *group;
    const char *kind;
    const char *extra_key; /* one more requirement */
    const char *extra_operator;
    const char *extra_value; /* NULL: the machine type */
};

static const struct node_class NODE_CLASSES[] = {
    {KT_CLOUD_AZURE, "kaito.sh", "KaitoNodeClass", "karpenter.azure.com/sku-name", "In", NULL},
    {KT_CLOUD_AWS, "karpenter.k8s.aws", "EC2NodeClass", "karpenter.k8s.aws/instance-gpu-count", "Gt", "0"},
};

static const struct node_class *class_of(const struct kt_settings *settings)
{
    for (size_t i = 0; settings->cloud_known && i < KT_ARRAY_LENGTH(NODE_CLASSES); i++) {
        if (NODE_CLASSES[i].cloud == settings->cloud)
            return &NODE_CLASSES[i];
    }
    return NULL;
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static void add_requirement(struct kt_arena *arena, cJSON *requirements, const char *key, const char *operator_,
                            const char *value)
{
    cJSON *requirement = kt_json_new_object(arena);
    cJSON *values = kt_json_new_array(arena);
    kt_json_set_string(arena, requirement, "key", key);
    kt_json_set_string(arena, requirement, "operator", operator_);
    kt_json_append(arena, values, kt_json_new_string(arena, value));
    kt_json_set(arena, requirement, "values", values);
    kt_json_append(arena, requirements, requirement);
}

/* "ubuntu" unless the annotation says "azurelinux", in any case and with space around it. */
static const char *image_family(const struct kt_workspace *workspace)
{
    struct kt_str wanted = kt_str_trim(kt_str(kt_workspace_annotation(workspace, ANNOTATION_IMAGE_FAMILY)));
    return kt_str_equal_nocase(wanted, KT_STR("azurelinux")) ? "azurelinux" : "ubuntu";
}

static cJSON *build_labels(struct kt_arena *arena, const struct kt_workspace *workspace,
                           const struct kt_settings *settings)
{
    /* Upstream lets the user's labels win over karpenter.sh/nodepool, which would then contradict the requirement. */
    cJSON *labels = kt_workload_node_labels(arena, workspace, settings);
    if (!kt_json_get(labels, "accelerator"))
        kt_json_set_string(arena, labels, "accelerator", "nvidia");
    kt_json_set_string(arena, labels, NODE_POOL_KEY, NODE_POOL);
    kt_json_set_string(arena, labels, KT_LABEL_WORKSPACE, workspace->name);
    kt_json_set_string(arena, labels, KT_LABEL_WORKSPACE_NAMESPACE, kt_workload_namespace(workspace));
    return labels;
}

/* As the cloud spells it: Karpenter compares names exactly, and a Workspace may be written in any case. */
static const char *machine_name(const struct kt_workspace *workspace, const struct kt_settings *settings)
{
    const struct kt_sku *sku = kt_sku_find(settings->cloud, kt_str(workspace->resource.instance_type));
    return sku ? sku->name : workspace->resource.instance_type;
}

static cJSON *build_spec(struct kt_arena *arena, const struct kt_workspace *workspace,
                         const struct kt_settings *settings, const struct node_class *class_)
{
    const char *machine = machine_name(workspace, settings);
    cJSON *spec = kt_json_new_object(arena);
    kt_json_set_string(arena, spec, "expireAfter", "Never");
    cJSON *reference = kt_json_ensure_object(arena, spec, "nodeClassRef");
    kt_json_set_string(arena, reference, "group", class_->group);
    kt_json_set_string(arena, reference, "kind", class_->kind);
    kt_json_set_string(arena, reference, "name", "default");
    cJSON *requirements = kt_json_new_array(arena);
    add_requirement(arena, requirements, NODE_POOL_KEY, "In", NODE_POOL);
    add_requirement(arena, requirements, "node.kubernetes.io/instance-type", "In", machine);
    add_requirement(arena, requirements, "kubernetes.io/os", "In", "linux");
    add_requirement(arena, requirements, class_->extra_key, class_->extra_operator,
                    class_->extra_value ? class_->extra_value : machine);
    kt_json_set(arena, spec, "requirements", requirements);
    cJSON *requests = kt_json_ensure_object(arena, kt_json_ensure_object(arena, spec, "resources"), "requests");
    kt_json_set_string(arena, requests, "storage", kt_disk_quantity(arena, kt_disk_gib(workspace)));
    cJSON *taints = kt_json_new_array(arena);
    cJSON *taint = kt_json_new_object(arena);
    kt_json_set_string(arena, taint, "key", "sku");
    kt_json_set_string(arena, taint, "value", "gpu");
    kt_json_set_string(arena, taint, "effect", "NoSchedule");
    kt_json_append(arena, taints, taint);
    kt_json_set(arena, spec, "taints", taints);
    return spec;
}

int kt_node_claim_build(struct kt_arena *arena, const cJSON *object, const struct kt_settings *settings, int64_t number,
                        cJSON **ret, struct kt_error *error)
{
    struct kt_workspace workspace;
    char name[KT_NODE_CLAIM_NAME_BYTES];
    const struct node_class *class_ = class_of(settings);
    kt_workspace_view(object, &workspace);
    if (!class_)
        return kt_error_set(
            error, KT_EINVAL,
            "no NodeClaim can be made for the cloud \"%.64s\": node classes are known for azure and aws; "
            "set --cloud-provider, or bring nodes of your own (--node-provisioner=byo)",
            settings->cloud_text ? settings->cloud_text : "");
    if (!workspace.name || !workspace.name[0])
        return kt_error_set(error, KT_EINVAL,
                            "metadata.name: a NodeClaim carries the Workspace's name, and it has none");
    if (!workspace.resource.instance_type || !workspace.resource.instance_type[0])
        return kt_error_set(error, KT_EINVAL,
                            "resource.instanceType: a NodeClaim asks for a machine type, and none is "
                            "given");
    kt_node_claim_name(object, number, name);
    /* A NodeClaim is cluster-scoped and the API server drops the namespace; it is written because upstream writes it.
     */
    cJSON *claim = kt_workload_object(arena, "karpenter.sh/v1", "NodeClaim", name, kt_workload_namespace(&workspace));
    cJSON *metadata = kt_json_get(claim, "metadata");
    kt_json_set(arena, metadata, "labels", build_labels(arena, &workspace, settings));
    cJSON *annotations = kt_json_ensure_object(arena, metadata, "annotations");
    kt_json_set_string(arena, annotations, ANNOTATION_IMAGE_FAMILY, image_family(&workspace));
    kt_json_set_string(arena, annotations, "karpenter.sh/do-not-disrupt", "true");
    kt_json_set(arena, claim, "spec", build_spec(arena, &workspace, settings, class_));
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "no memory for a NodeClaim");
    *ret = claim;
    return 0;
}
