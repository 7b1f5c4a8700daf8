/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GPUs of bring-your-own nodes, from the labels that NVIDIA's GPU feature discovery sets, read as upstream v0.12.0
 * reads them (pkg/sku/helpers.go): all nodes that matchLabels select must have the same GPUs.
 */
#include "admission/go_number.h"
#include "admission/inference_facts.h"
#include "admission/rule_words.h"

#define LABEL_PRODUCT "nvidia.com/gpu.product"
#define LABEL_COUNT "nvidia.com/gpu.count"
#define LABEL_MEMORY "nvidia.com/gpu.memory" /* MiB of one GPU */

/* Steps of work to read a node, beside those to compare its labels. */
#define NODE_STEPS 300
/* And to look for one label among so many. */
#define LABEL_STEPS 2

/* Upstream v0.12.0, api/v1beta1/labels.go: reservedSelectorLabelKeys. */
static const char *const RESERVED_KEYS[] = {
    "kaito.sh/workspace",
    "kaito.sh/ragengine",
    "kaito.sh/workspacenamespace",
    "kaito.sh/ragenginenamespace",
    "karpenter.kaito.sh/workspace-name",
    "karpenter.kaito.sh/workspace-namespace",
    "karpenter.kaito.sh/inferenceset",
    "karpenter.kaito.sh/inferenceset-namespace",
};

bool kt_label_is_reserved(const char *key)
{
    for (size_t i = 0; key && i < KT_ARRAY_LENGTH(RESERVED_KEYS); i++) {
        if (kt_streq(RESERVED_KEYS[i], key)) {
            return true;
        }
    }
    return false;
}

size_t kt_match_labels_usable(const cJSON *match_labels)
{
    size_t usable = 0;
    const cJSON *label;
    cJSON_ArrayForEach(label, match_labels)
    {
        usable += kt_label_is_reserved(label->string) ? 0 : 1;
    }
    return usable;
}

/* arena counts the work; NULL: it is not counted. False, too, when there is none left. */
static bool matches(struct kt_arena *arena, const cJSON *node, const cJSON *match_labels)
{
    const cJSON *labels = kt_json_path(node, "metadata", "labels", NULL);
    size_t steps = LABEL_STEPS * kt_json_count(labels);
    const cJSON *wanted;
    cJSON_ArrayForEach(wanted, match_labels)
    {
        if (kt_label_is_reserved(wanted->string)) {
            continue;
        }
        if (arena && !kt_arena_work(arena, steps, KT_FIELD_LABEL_SELECTOR)) {
            return false;
        }
        const char *has = kt_json_string(kt_json_get(labels, wanted->string));
        if (!has || !kt_streq(has, kt_json_string_or(wanted, ""))) {
            return false;
        }
    }
    return true;
}

bool kt_node_matches(const cJSON *node, const cJSON *match_labels)
{
    return matches(NULL, node, match_labels);
}

static bool node_is_ready(const cJSON *node)
{
    const cJSON *condition;
    cJSON_ArrayForEach(condition, kt_json_path(node, "status", "conditions", NULL))
    {
        if (kt_streq(kt_json_string_or(kt_json_get(condition, "type"), ""), "Ready")) {
            return kt_streq(kt_json_string_or(kt_json_get(condition, "status"), ""), "True");
        }
    }
    return false;
}

struct node_gpus {
    const char *name;
    const char *product;
    int64_t count;
    int64_t memory_bytes; /* of all GPUs */
};

/* Total of all GPUs in bytes, each rounded to whole GiB; what does not fit 64 bits is cut to the largest value. */
static int64_t total_memory_bytes(int64_t memory_mib, int64_t count)
{
    double gib = (double)(int64_t)((double)memory_mib / 1024.0 + 0.5);
    double bytes = gib * (double)count * (double)KT_GIB;
    const double most = 4e18;
    return (int64_t)(bytes > most ? most : bytes < -most ? -most : bytes);
}

/* NULL, or what is wrong with the node's labels. */
static const char *read_node(struct kt_arena *arena, const cJSON *node, struct node_gpus *ret)
{
    static const char *const NEEDED[] = {LABEL_PRODUCT, LABEL_COUNT, LABEL_MEMORY};
    const cJSON *labels = kt_json_path(node, "metadata", "labels", NULL);
    *ret = (struct node_gpus){.name = kt_rule_cut(arena, kt_json_string(kt_json_path(node, "metadata", "name", NULL)))};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(NEEDED); i++) {
        if (!kt_json_string(kt_json_get(labels, NEEDED[i]))) {
            return kt_arena_printf(arena, "node %s has no label %s", ret->name, NEEDED[i]);
        }
    }
    ret->product = kt_json_string(kt_json_get(labels, LABEL_PRODUCT));
    const char *count = kt_json_string(kt_json_get(labels, LABEL_COUNT));
    const char *memory = kt_json_string(kt_json_get(labels, LABEL_MEMORY));
    int64_t memory_mib = 0;
    if (!kt_go_atoi(kt_str(count), &ret->count)) {
        return kt_arena_printf(arena, "node %s has " LABEL_COUNT "=%s, which is not a whole number", ret->name,
                               kt_rule_cut(arena, count));
    }
    if (!kt_go_atoi(kt_str(memory), &memory_mib)) {
        return kt_arena_printf(arena, "node %s has " LABEL_MEMORY "=%s, which is not a whole number (MiB of one GPU)",
                               ret->name, kt_rule_cut(arena, memory));
    }
    ret->memory_bytes = total_memory_bytes(memory_mib, ret->count);
    return NULL;
}

/* NULL, or in what two nodes differ. */
static const char *difference(struct kt_arena *arena, const struct node_gpus *first, const struct node_gpus *other)
{
    if (!kt_streq(first->product, other->product)) {
        return kt_arena_printf(arena, "node %s has %s GPUs and node %s has %s", first->name,
                               kt_rule_cut(arena, first->product), other->name, kt_rule_cut(arena, other->product));
    }
    if (first->count != other->count) {
        return kt_arena_printf(arena, "node %s has %lld GPUs and node %s has %lld", first->name,
                               (long long)first->count, other->name, (long long)other->count);
    }
    if (first->memory_bytes != other->memory_bytes) {
        return kt_arena_printf(arena, "the GPUs of node %s have %lld GiB together and those of node %s %lld GiB",
                               first->name, (long long)(first->memory_bytes / (int64_t)KT_GIB), other->name,
                               (long long)(other->memory_bytes / (int64_t)KT_GIB));
    }
    return NULL;
}

void kt_own_nodes_read(struct kt_arena *arena, const struct kt_cluster *cluster,
                       const struct kt_workspace_resource *resource, struct kt_own_nodes *ret)
{
    *ret = (struct kt_own_nodes){.state = KT_OWN_NODES_NOT_ASKED};
    const cJSON *const *nodes = NULL;
    size_t count = 0;
    if (cluster->nodes(cluster->context, &nodes, &count) == KT_LOOKUP_UNKNOWN) {
        ret->state = KT_OWN_NODES_UNKNOWN;
        return;
    }
    struct node_gpus first = {0};
    for (size_t i = 0; i < count; i++) {
        if (!kt_arena_work(arena, NODE_STEPS, "the list of the cluster's nodes")) {
            return;
        }
        if (!matches(arena, nodes[i], resource->match_labels)) {
            continue;
        }
        ret->count++;
        ret->ready += node_is_ready(nodes[i]) ? 1 : 0;
        kt_nodes_capability_add(&ret->capability, nodes[i]);
        if (ret->problem) {
            continue;
        }
        struct node_gpus gpus;
        ret->problem = read_node(arena, nodes[i], &gpus);
        if (ret->problem) {
            ret->state = KT_OWN_NODES_UNREADABLE;
        } else if (ret->count == 1) {
            first = gpus;
        } else {
            ret->problem = difference(arena, &first, &gpus);
            ret->state = ret->problem ? KT_OWN_NODES_MIXED : ret->state;
        }
    }
    ret->compute_capability = kt_nodes_capability_value(&ret->capability);
    if (ret->problem) {
        return;
    }
    ret->state = ret->count == 0 ? KT_OWN_NODES_NONE : KT_OWN_NODES_KNOWN;
    ret->gpu_model = first.product;
    ret->gpu_count = first.count;
    ret->memory_bytes = first.memory_bytes;
}

void kt_inference_facts_read(struct kt_arena *arena, const struct kt_cluster *cluster,
                             const struct kt_workspace *workspace, const char *namespace_, bool bring_your_own,
                             struct kt_inference_facts *ret)
{
    kt_inference_config_read(arena, cluster, namespace_, workspace->inference.node ? workspace->inference.config : NULL,
                             &ret->config);
    ret->nodes = (struct kt_own_nodes){.state = KT_OWN_NODES_NOT_ASKED};
    if (bring_your_own) {
        kt_own_nodes_read(arena, cluster, &workspace->resource, &ret->nodes);
    }
}
