/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a tuning is, and the first cause when it does not go on. One judgement for the reconciler's conditions, for
 * `kubectl kaito status` and for the line of `tune --wait`.
 */
#ifndef KT_WORKLOAD_DIAGNOSIS_H
#define KT_WORKLOAD_DIAGNOSIS_H

#include "workload/observation.h"

/* In the order of a good run. */
enum kt_stage {
    KT_STAGE_ADMITTED,      /* nothing made yet */
    KT_STAGE_NODE,          /* waiting for a machine */
    KT_STAGE_SCHEDULING,    /* the Job is there, its pod has no node yet */
    KT_STAGE_IMAGE,         /* pulling images, mounting volumes */
    KT_STAGE_WEIGHTS,       /* model-weights-downloader runs */
    KT_STAGE_DATA,          /* data-downloader or puller runs */
    KT_STAGE_TRAINER_IMAGE, /* "image" again: the trainer's, the largest of all, is pulled when the data is there */
    KT_STAGE_DATASET,       /* "data" again: its rows are looked at, in the trainer's image */
    KT_STAGE_TRAINING,      /* the trainer runs */
    KT_STAGE_PUSH,          /* the trainer has ended well, the pusher runs */
    KT_STAGE_DONE,
    KT_STAGE_FAILED, /* the Job has failed */
    KT_STAGE_DELETING,
};
/* "node", "training": one word for a person. */
const char *kt_stage_name(enum kt_stage stage);

/* Texts are in the arena or constant, never NULL when the cause is set. */
struct kt_cause {
    const char *reason;  /* CamelCase, for a condition: "ImagePullBackOff", "OOMKilled", "Unschedulable" */
    const char *message; /* what, where, what to do */
    const char *kind;    /* of the object that says so: "Pod", "NodeClaim", "Node", "Job" */
    const char *name;
    bool is_vague; /* another program's words that change or fall short with every try: an earlier message with the same
                      beginning, up to its first ": ", says as much */
};

struct kt_diagnosis {
    enum kt_stage stage;
    const char *detail; /* one line on the stage for a person: "waiting for NodeClaim ws0123 (Launched)"; never NULL */
    bool has_cause;     /* something is wrong: see cause. Not set for mere waiting */
    struct kt_cause cause;
    const struct kt_kind *unseen; /* what would have to be read to say more (the detail names it); NULL: nothing */
    int64_t revisit_s; /* after this time alone the answer may be another (something takes too long); 0: it is not */
};

/* Never fails: without memory the texts are shorter. */
void kt_diagnose(struct kt_arena *arena, const struct kt_observation *observation, struct kt_diagnosis *ret);

/* The parts, for those who hold only one object. False when nothing is wrong with it.
 * A pod: cannot pull, cannot be scheduled, config or secret missing, crash loop, OOM-killed, exit code of an init
 * container, the trainer or the pusher, evicted, node lost. trainer: the name of the main container. */
bool kt_diagnose_pod(struct kt_arena *arena, const cJSON *pod, const char *trainer, struct kt_objects events,
                     struct kt_cause *ret);
/* A NodeClaim: launch failed, no capacity, registration or initialisation that takes long (now_s), being deleted. */
bool kt_diagnose_node_claim(struct kt_arena *arena, const cJSON *claim, int64_t now_s, struct kt_cause *ret);
/* A Node that a tuning cannot use: not ready, or without nvidia.com/gpu. */
bool kt_diagnose_node(struct kt_arena *arena, const cJSON *node, struct kt_cause *ret);

/* What the check of the output said of a good end (the tag is there already), or NULL. Points into the pod. */
const char *kt_pod_output_note(const cJSON *pod);

#endif
