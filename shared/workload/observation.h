/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is in the cluster for one Workspace, brought together by whoever looks: the reconciler from its caches,
 * `kubectl kaito` from the API. Objects come from a cluster: any member may be absent or of the wrong kind.
 */
#ifndef KT_WORKLOAD_OBSERVATION_H
#define KT_WORKLOAD_OBSERVATION_H

#include "text/json.h"

struct kt_objects {
    const cJSON *const *items;
    size_t count;
};

struct kt_observation {
    const cJSON *workspace;        /* as it is stored */
    struct kt_objects node_claims; /* labelled with the Workspace's name and namespace, being deleted or not */
    struct kt_objects nodes;       /* that those claims, or the label selector of bring-your-own nodes, name */
    const cJSON *job;              /* batch/v1, of the Workspace's name, whoever owns it; NULL: none */
    struct kt_objects pods;        /* labelled with the Workspace's name, in its namespace */
    struct kt_objects events;      /* core/v1, about the Job and its pods; may be left out */
    int64_t now_s;                 /* Unix time */
    bool bring_your_own;           /* nodes are the user's: no claims */
};

/* The claim with this name, or NULL. */
const cJSON *kt_objects_find(struct kt_objects objects, const char *name);
/* The newest pod of the Job that the observation holds (by owner, then creation time, then name), or NULL. */
const cJSON *kt_observation_pod(const struct kt_observation *observation);
/* status.conditions[type], or NULL; object of any kind. */
const cJSON *kt_condition_find(const cJSON *object, const char *type);
/* Is that condition there with status "True"? */
bool kt_condition_is_true(const cJSON *object, const char *type);
/* GPUs of a node by its capacity; 0: it does not say, or no number from 1 to 64. */
uint32_t kt_node_gpu_count(const cJSON *node);
/* A controller owner reference to this very Workspace (by uid)? */
bool kt_is_owned_by(const cJSON *object, const cJSON *workspace);
/* Is metadata.deletionTimestamp set? */
bool kt_is_being_deleted(const cJSON *object);

/* Is the stored condition there and said of the present generation? NULL when not. */
const cJSON *kt_condition_now(const cJSON *workspace, const char *type);
/* Is it there and "True"? */
bool kt_condition_holds(const cJSON *workspace, const char *type);
/* The final state that the stored status has for the present generation ("Succeeded", "Failed"), or NULL. */
const char *kt_final_state(const cJSON *workspace);

#endif
