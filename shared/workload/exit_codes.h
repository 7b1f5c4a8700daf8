/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of a tuning's container means, by its exit code and its last words. */
#ifndef KT_WORKLOAD_EXIT_CODES_H
#define KT_WORKLOAD_EXIT_CODES_H

#include "workload/diagnosis_internal.h"

/* terminated: state.terminated or lastState.terminated, of any kind. False when it ended well or is not there. */
bool kt_diagnose_exit(struct kt_arena *arena, const struct kt_container *container, const cJSON *terminated,
                      struct kt_cause *ret);

#endif
