/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compute capability of nodes that are there already, from their labels. It decides which image can train there, so
 * one answer is needed for all nodes that a tuning may land on.
 */
#ifndef KT_ADMISSION_NODE_CAPABILITY_H
#define KT_ADMISSION_NODE_CAPABILITY_H

#include "text/json.h"

/* The labels that are read, the first pair that holds two numbers before the others. */
#define KT_CAPABILITY_LABELS                                                                \
    "nvidia.com/gpu.compute.major and nvidia.com/gpu.compute.minor (GPU Feature Discovery " \
    "sets them), nvidia.com/cuda.compute.major and nvidia.com/cuda.compute.minor, or "      \
    "nvidia.com/gpu.product with a GPU of the catalogue"

struct kt_node_capability {
    uint32_t value;        /* 10 * major + minor; 0: no label says */
    const char *odd_label; /* one whose value is no number, or none of a GPU; NULL: there is none */
    const char *odd_value;
    const char *missing_label; /* of a pair whose first is there; NULL: none */
};

struct kt_node_capability kt_node_capability_read(const cJSON *node);

/* Of all nodes that carry the labels. Names point into the nodes. */
struct kt_nodes_capability {
    uint32_t lowest, highest; /* of those that say; 0: none does */
    const char *lowest_node, *highest_node;
    const char *silent_node; /* the first that does not say; NULL: each does */
    const char *odd_label;   /* of that node, see above */
    const char *odd_value;
    const char *missing_label;
};

/* Takes one more node in; *all starts as zeroes. */
void kt_nodes_capability_add(struct kt_nodes_capability *all, const cJSON *node);
/* What the image is chosen by: the lowest, since an image for old GPUs has kernels for new ones too. A node that does
 * not say may be an old one: then 0, unknown, unless another is known to be old. */
uint32_t kt_nodes_capability_value(const struct kt_nodes_capability *all);

#endif
