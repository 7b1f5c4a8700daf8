/* SPDX-License-Identifier: Apache-2.0 */
/* The history of what a Workspace asked for: one ControllerRevision for each distinct resource, inference, tuning. */
#ifndef KT_WORKLOAD_REVISION_H
#define KT_WORKLOAD_REVISION_H

#include "workspace/workspace.h"

#define KT_REVISIONS_KEPT 10
#define KT_REVISION_HASH_BYTES 65 /* 64 hex digits and a NUL */

/* SHA-256 of the canonical form (absent and null members and empty objects left out, keys sorted) of resource,
 * inference and tuning. 0, or KT_ENOMEM. */
int kt_revision_hash(struct kt_arena *arena, const cJSON *workspace, char ret[KT_REVISION_HASH_BYTES],
                     struct kt_error *error) KT_NODISCARD;
/* Same question for two specs: does a ControllerRevision's data ask for what the Workspace does? For revisions that
 * another operator wrote with a hash of its own. */
bool kt_revision_matches(struct kt_arena *arena, const cJSON *controller_revision, const cJSON *workspace);
/* The ControllerRevision <name>-<first 5 of hash>, owned by the Workspace. NULL without memory. */
cJSON *kt_revision_build(struct kt_arena *arena, const cJSON *workspace, const char *hash, int64_t number);

#endif
