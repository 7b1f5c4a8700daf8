/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of API resources: /api/v1/..., /apis/GROUP/VERSION/..., every segment escaped. */
#ifndef KT_KUBE_API_PATH_H
#define KT_KUBE_API_PATH_H

#include "base/arena.h"
#include "base/strbuf.h"

struct kt_resource {
    const char *group; /* "" for the core group */
    const char *version;
    const char *plural; /* "configmaps" */
    const char *kind;   /* "ConfigMap" */
    bool cluster_scoped;
};

extern const struct kt_resource kt_resource_config_maps;
extern const struct kt_resource kt_resource_secrets;
extern const struct kt_resource kt_resource_nodes;
extern const struct kt_resource kt_resource_namespaces;
extern const struct kt_resource kt_resource_workspaces;       /* kaito.sh/v1beta1 */
extern const struct kt_resource kt_resource_workspaces_alpha; /* kaito.sh/v1alpha1 */
extern const struct kt_resource kt_resource_pods;
extern const struct kt_resource kt_resource_events; /* core/v1 */
extern const struct kt_resource kt_resource_jobs;
extern const struct kt_resource kt_resource_controller_revisions;
extern const struct kt_resource kt_resource_deployments;
extern const struct kt_resource kt_resource_leases;
extern const struct kt_resource kt_resource_node_claims; /* karpenter.sh/v1 */
extern const struct kt_resource kt_resource_validating_webhook_configurations;
extern const struct kt_resource kt_resource_custom_resource_definitions;

/* Path in the arena, NULL out of memory. namespace_ is ignored for a cluster-scoped resource; NULL or "" spans all
 * namespaces. name NULL: the collection. subresource NULL: none. A segment that is "." or ".." is escaped too, so that
 * nothing climbs out of its place. */
const char *kt_api_path(struct kt_arena *arena, const struct kt_resource *resource, const char *namespace_,
                        const char *name, const char *subresource);

/* Appends text with everything but A-Z a-z 0-9 - . _ ~ percent-encoded. */
void kt_url_escape(struct kt_strbuf *buffer, struct kt_str text);

#endif
