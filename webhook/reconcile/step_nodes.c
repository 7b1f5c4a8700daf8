/* SPDX-License-Identifier: Apache-2.0 */
/* The node of the claim is ready and offers GPUs. What is missing is said by the status (workload/diagnosis.h). */
#include "webhook/reconcile/reconcile.h"

#define OWN_NODES_MS ((int64_t)5000)

enum kt_step_result kt_step_nodes(struct kt_reconcile *look)
{
    if (kt_observation_job(&look->observation) || kt_observation_resources_ready(&look->observation))
        return KT_STEP_DONE;
    /* A change of a claim's node brings us back; nodes of the user's own belong to nobody, and those that the store
     * left out tell nothing. */
    if (look->observation.bring_your_own || kt_observation_lacks(&look->observation, KT_KIND_NODE))
        kt_reconcile_revisit(look, OWN_NODES_MS);
    return KT_STEP_WAIT;
}
