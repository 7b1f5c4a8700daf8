/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status of a tuning Workspace from what is in the cluster: conditions and state as upstream names them, never
 * backwards without a cause. Pure.
 */
#ifndef KT_WORKLOAD_TUNING_STATUS_H
#define KT_WORKLOAD_TUNING_STATUS_H

#include "workload/diagnosis.h"

/* What the reconciler itself could not do. */
struct kt_trouble {
    const char *condition; /* the one that it holds up: "NodeClaimReady", "ResourceReady", "JobStarted" */
    const char *reason;    /* CamelCase; NULL: no trouble */
    const char *message;
    bool is_final;   /* no retry can help: the Workspace is Failed */
    bool is_planned; /* what the user asked for and no mishap: its event is Normal */
};

struct kt_tuning_status {
    /* A JSON merge patch for /status with all members of ours that change, resourceVersion included; NULL when the
     * stored status says the same already (times aside). */
    cJSON *patch;
    const char *state; /* "Pending", "Running", "Succeeded", "Failed" */
    struct kt_diagnosis diagnosis;
    /* Conditions that change to a cause or an end, for events: the reason and message to announce; NULL: none. */
    const char *event_type; /* "Normal" or "Warning" */
    const char *event_reason;
    const char *event_message;
};

/* trouble may be NULL. KT_ENOMEM. */
int kt_tuning_status(struct kt_arena *arena, const struct kt_observation *observation, const struct kt_trouble *trouble,
                     struct kt_tuning_status *ret, struct kt_error *error) KT_NODISCARD;

#endif
