/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules about inference and about bring-your-own nodes need beside the Workspace itself: the inference config
 * map, and the GPUs of the nodes that the labelSelector picks. Read once for a review, by kt_inference_facts_read.
 *
 * Sources: upstream v0.12.0, api/v1beta1/inference_config_validation.go and pkg/sku/helpers.go (GPU labels of a node).
 */
#ifndef KT_ADMISSION_INFERENCE_FACTS_H
#define KT_ADMISSION_INFERENCE_FACTS_H

#include "admission/cluster.h"
#include "admission/node_capability.h"
#include "workspace/workspace.h"

#define KT_INFERENCE_CONFIG_KEY "inference_config.yaml"

enum kt_inference_config_state {
    KT_INFERENCE_CONFIG_NONE,       /* no inference, or it names no config, or with what is no name: X005 */
    KT_INFERENCE_CONFIG_UNKNOWN,    /* the cluster could not be asked */
    KT_INFERENCE_CONFIG_ABSENT,     /* no such ConfigMap */
    KT_INFERENCE_CONFIG_NO_KEY,     /* its data has no inference_config.yaml */
    KT_INFERENCE_CONFIG_TOO_LARGE,  /* beyond KT_LIMIT_CONFIG_TEXT_BYTES, and not read; see problem */
    KT_INFERENCE_CONFIG_UNPARSABLE, /* not YAML; see problem */
    KT_INFERENCE_CONFIG_WRONG_KIND, /* not a map with a flat `vllm` map in it; see problem */
    KT_INFERENCE_CONFIG_READ,
};

/* The longest context that a config asks for. */
struct kt_max_model_len {
    const char *text; /* as written, without space around it; NULL: not given, or given without a value */
    bool is_integer;  /* decimal digits with an optional sign, and it fits: what upstream's strconv.Atoi takes */
    int64_t tokens;   /* when is_integer */
};

struct kt_inference_config {
    enum kt_inference_config_state state;
    const char *name;       /* of the ConfigMap */
    const char *namespace_; /* where it was looked for */
    const char *problem;    /* sentence part; NULL unless TOO_LARGE, UNPARSABLE or WRONG_KIND */
    bool upstream_reads_it; /* TOO_LARGE, or UNPARSABLE by a limit of our own only */
    struct kt_max_model_len max_model_len;
    const char *misspelt_key; /* "max_model_len": a spelling that the checks of max-model-len do not see; or NULL */
};

/* config_name NULL, "" or not the name of an object gives NONE. namespace_ NULL means "default", as upstream's client
 * does. */
void kt_inference_config_read(struct kt_arena *arena, const struct kt_cluster *cluster, const char *namespace_,
                              const char *config_name, struct kt_inference_config *ret);

enum kt_own_nodes_state {
    KT_OWN_NODES_NOT_ASKED,  /* nodes are provisioned, or there is no selector */
    KT_OWN_NODES_UNKNOWN,    /* nodes cannot be read */
    KT_OWN_NODES_NONE,       /* no node carries the labels */
    KT_OWN_NODES_UNREADABLE, /* a node's GPU labels are missing or no numbers; see problem */
    KT_OWN_NODES_MIXED,      /* the nodes' GPUs differ; see problem */
    KT_OWN_NODES_KNOWN,
};

/* GPUs of the nodes that matchLabels (without the keys that Kaito reserves) select. */
struct kt_own_nodes {
    enum kt_own_nodes_state state;
    const char *problem; /* sentence part that names the node; NULL unless UNREADABLE or MIXED */
    size_t count;        /* nodes that carry the labels */
    size_t ready;        /* of these, how many are Ready */
    /* Whatever else the labels say: */
    struct kt_nodes_capability capability;
    uint32_t compute_capability; /* kt_nodes_capability_value; 0: unknown */
    /* Of each node, when KNOWN: */
    const char *gpu_model; /* nvidia.com/gpu.product */
    int64_t gpu_count;     /* may be 0 */
    int64_t memory_bytes;  /* of all its GPUs; each is rounded to whole GiB as upstream does */
};

void kt_own_nodes_read(struct kt_arena *arena, const struct kt_cluster *cluster,
                       const struct kt_workspace_resource *resource, struct kt_own_nodes *ret);

/* Label keys that Kaito sets on its own nodes: as keys of a labelSelector they are ignored. */
bool kt_label_is_reserved(const char *key);
/* Members of matchLabels whose key is not reserved. */
size_t kt_match_labels_usable(const cJSON *match_labels);
/* Has a node all of these labels? Reserved keys are left aside, as upstream does. */
bool kt_node_matches(const cJSON *node, const cJSON *match_labels);

struct kt_inference_facts {
    struct kt_inference_config config;
    struct kt_own_nodes nodes; /* of tunings too */
};

/* namespace_ is the Workspace's (the request's where the object has none). */
void kt_inference_facts_read(struct kt_arena *arena, const struct kt_cluster *cluster,
                             const struct kt_workspace *workspace, const char *namespace_, bool bring_your_own,
                             struct kt_inference_facts *ret);

#endif
