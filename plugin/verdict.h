/* SPDX-License-Identifier: Apache-2.0 */
/* What a person wants to know of a Workspace first: how far it is, and what is wrong. From what was gathered. */
#ifndef KT_PLUGIN_VERDICT_H
#define KT_PLUGIN_VERDICT_H

#include "workload/diagnosis.h"

/* An operator that runs has at least written a status by then. */
#define KT_UNTOUCHED_MS 30000

struct kt_verdict {
    /* status.state, unless what is there says otherwise: never "Ready" while a pod crashes, "Succeeded" and "Failed"
     * as the Job has ended. */
    const char *state;
    const char *stage;  /* one word; "serving" and "starting" for a model that is served */
    const char *detail; /* never NULL */
    bool has_cause;
    struct kt_cause cause;
    bool is_inference;
    bool is_deleting;
    bool is_untouched; /* nobody has acted on it for KT_UNTOUCHED_MS: no status, no finalizer, nothing made */
    /* These three are about the Workspace as it is now: not while its status is of an older generation. */
    bool succeeded; /* a tuning whose Job is complete */
    bool failed;
    bool ready; /* a model that is served and whose pods are well; a tuning that has succeeded */
};

/* Texts are in the arena, constant, or of the observation. */
void kt_verdict_of(struct kt_arena *arena, const struct kt_observation *seen, struct kt_verdict *ret);

/* The container that trains or serves bears the Workspace's name. */
const char *kt_verdict_trainer(const struct kt_observation *seen);
/* The newest pod, of the Job or of what serves a model; NULL: none. */
const cJSON *kt_verdict_pod(const struct kt_observation *seen);

#endif
