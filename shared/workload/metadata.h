/* SPDX-License-Identifier: Apache-2.0 */
/* What all objects of a Workspace have in common. Private to shared/workload. */
#ifndef KT_WORKLOAD_METADATA_H
#define KT_WORKLOAD_METADATA_H

#include "admission/settings.h"
#include "workspace/workspace.h"

/* The Workspace's namespace; "default" when it has none. */
const char *kt_workload_namespace(const struct kt_workspace *workspace);
/* An object with apiVersion, kind, and metadata.name and namespace (NULL: none). */
cJSON *kt_workload_object(struct kt_arena *arena, const char *api_version, const char *kind, const char *name,
                          const char *namespace_);
/* metadata.ownerReferences: the Workspace alone, as controller. Its uid is "" as long as it is in no cluster. */
void kt_workload_own(struct kt_arena *arena, cJSON *object, const struct kt_workspace *workspace);
/* The labels by which every tool finds what belongs together (app.kubernetes.io), and kaito.sh/workspace. */
void kt_workload_label(struct kt_arena *arena, cJSON *labels, const struct kt_workspace *workspace,
                       const char *component);

/* The labels of the nodes that a Workspace may use: matchLabels without the keys that Kaito reserves; with no
 * labelSelector, and nodes that are provisioned, {apps: <name>} (default D03). A new object, maybe empty. */
cJSON *kt_workload_node_labels(struct kt_arena *arena, const struct kt_workspace *workspace,
                               const struct kt_settings *settings);

#endif
