/* SPDX-License-Identifier: Apache-2.0 */
/* The node of the claim is ready and offers GPUs. What is missing is said by the status (workload/diagnosis.h). */
#include "webhook/reconcile/reconcile.h"

enum kt_step_result kt_step_nodes(struct kt_reconcile *look)
{
    if (look->observation.job || kt_observation_resources_ready(&look->observation))
        return KT_STEP_DONE;
    return KT_STEP_WAIT;
}
