/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is in the cluster for one Workspace, brought together by kt_observe (workload/observe.h). Objects come
 * from a cluster: any member may be absent or of the wrong kind.
 */
#ifndef KT_WORKLOAD_OBSERVATION_H
#define KT_WORKLOAD_OBSERVATION_H

#include "kube/object.h"
#include "workload/kinds.h"

struct kt_objects {
    const cJSON *const *items;
    size_t count;
};

struct kt_observation {
    const cJSON *workspace; /* as it is stored */
    /* By kind, found as its row says, whoever owns them, being deleted or not. The Workspace itself is not among them,
     * and Events may be left out. */
    struct kt_objects objects[KT_KIND_COUNT];
    unsigned unseen;     /* KT_KIND_BIT of what could not be read, or not whole: there may be more than what is here */
    int64_t now_s;       /* Unix time */
    bool bring_your_own; /* nodes are the user's: no claims */
};

/* Could objects of this kind be there that are not here? Then nothing may be made of their absence. */
bool kt_observation_lacks(const struct kt_observation *observation, enum kt_kind_id kind);

/* The Job of the Workspace's name, whoever owns it, or NULL. */
const cJSON *kt_observation_job(const struct kt_observation *observation);
/* Adds an object that was made or read since; without memory the arena has failed. */
void kt_observation_add(struct kt_observation *observation, enum kt_kind_id kind, const cJSON *object,
                        struct kt_arena *arena);

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
