/* SPDX-License-Identifier: Apache-2.0 */
/* How large a node's disk must be. Private to shared/workload. */
#ifndef KT_WORKLOAD_DISK_H
#define KT_WORKLOAD_DISK_H

#include "workspace/workspace.h"

/* Whole GiB.
 *
 * A tuning: operating system and images, the weights, the data and the trainer's working copy of it, and the adapter
 * with its checkpoints, so that all of it stays below the fill level at which a kubelet evicts pods; 40 to 1024, and
 * 1024 for a model whose size is not known. Inference, as upstream v0.12.0: the weights and 80; 1024 for a pod template
 * or a model that the catalogue does not know. */
int64_t kt_disk_gib(const struct kt_workspace *workspace);
/* As the API server would write it: "91Gi", "1Ti". In the arena. */
const char *kt_disk_quantity(struct kt_arena *arena, int64_t gib);

#endif
