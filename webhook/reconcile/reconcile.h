/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at one Workspace: gather what the store has, take the steps in order until one must wait, write the status
 * if it says something new. Every step may be taken again at any time: what is there already is not made twice.
 */
#ifndef KT_WEBHOOK_RECONCILE_RECONCILE_H
#define KT_WEBHOOK_RECONCILE_RECONCILE_H

#include <stdatomic.h>

#include "admission/settings.h"
#include "base/clock.h"
#include "kube/client.h"
#include "webhook/reconcile/claim_memory.h"
#include "webhook/reconcile/events.h"
#include "webhook/cluster/informers.h"
#include "webhook/reconcile/leader.h"
#include "webhook/cluster/store.h"
#include "webhook/reconcile/store_source.h"
#include "workload/readiness.h"
#include "workload/tuning.h"
#include "workload/tuning_status.h"

struct kt_reconcile_options {
    int64_t claim_attempts;          /* NodeClaims made one after another before the Workspace fails */
    int64_t claim_retry_delay_ms;    /* before the second claim; doubles with each further one */
    int64_t claim_launch_timeout_ms; /* how long a claim may say that it cannot be launched */
    int64_t deletion_timeout_ms;     /* how long a deleted Workspace waits for its NodeClaims */
};

/* What all looks share. Everything is owned by the controller. */
struct kt_reconciler {
    const struct kt_settings *settings;
    const struct kt_clock *clock;
    struct kt_store *store;
    struct kt_events *events;
    struct kt_claim_memory *claims;
    struct kt_informers *informers;
    _Atomic(const struct kt_leader *) leader; /* who must hold the Lease when something is written; NULL: nobody */
    struct kt_reconcile_options options;
};

enum kt_step_result {
    KT_STEP_DONE, /* go on with the next step */
    KT_STEP_WAIT, /* nothing more to do now: a change of the cluster, or revisit_ms, brings us back */
    KT_STEP_FAIL, /* something went wrong (error, and often trouble): try again later */
};

/* One look. Trees point into the store's references, which live as long as the look. */
struct kt_reconcile {
    const struct kt_reconciler *reconciler;
    struct kt_client *client;
    struct kt_arena *arena;
    struct kt_object_key key;

    struct kt_stored *workspace_reference, *config_map_reference;
    struct kt_store_source source; /* of the observation */

    const cJSON *workspace; /* as it is stored now: replaced by the reply to a write */
    const cJSON *filled;    /* the same with the defaults that a missing webhook left out */
    struct kt_tuning_plan plan;
    struct kt_observation observation;
    const cJSON *config_map; /* the one that the Job mounts; NULL until its step is done */
    const char *config_hash; /* of the user's own config map; NULL for a copied template */

    bool is_status_behind; /* it is of an older generation, and could not be carried over: nothing is judged by it */
    bool is_started_over;  /* somebody took the number of NodeClaims away, to try again */
    struct kt_trouble trouble;
    struct kt_error error;
    int64_t revisit_ms; /* look again after this time; 0: no need */
};

typedef enum kt_step_result kt_step(struct kt_reconcile *look);

/* In their order. */
kt_step kt_step_delete;     /* a Workspace that is being deleted: its claims first, the finalizer last */
kt_step kt_step_plan;       /* what it asks for can be understood */
kt_step kt_step_metadata;   /* revision, finalizer, annotations: one write */
kt_step kt_step_config_map; /* the config map is there and can be read */
kt_step kt_step_replace;    /* a Job that was made for something else goes */
kt_step kt_step_rehearse;   /* the Job can be built: what is wrong with it is told before a node is paid for */
kt_step kt_step_node_claim; /* a NodeClaim, or the next one after one was lost */
kt_step kt_step_nodes;      /* its node is ready and has GPUs */
kt_step kt_step_job;        /* the Job */
/* status, always last. */
enum kt_step_result kt_reconcile_status(struct kt_reconcile *look);

/* All of the above. KT_STEP_FAIL: the error says why. */
enum kt_step_result kt_reconcile_workspace(struct kt_reconcile *look);

/* --- for steps -----------------------------------------------------------------------------------------------------
 */

/* Notes what holds a condition up; texts must live in the arena. */
void kt_reconcile_trouble(struct kt_reconcile *look, const char *condition, const char *reason, const char *message);
/* The same for a thing that no retry can help. */
void kt_reconcile_final(struct kt_reconcile *look, const char *condition, const char *reason, const char *message);
/* Looks again after this time, or sooner when asked for before. */
void kt_reconcile_revisit(struct kt_reconcile *look, int64_t delay_ms);
/* Has the Job of this revision ended, or has the Workspace come to its end without one? */
bool kt_reconcile_is_finished(const struct kt_reconcile *look);
/* metadata.annotations[key], or NULL. */
const char *kt_annotation(const cJSON *object, const char *key);
/* Does it carry our finalizer? */
bool kt_reconcile_is_held(const cJSON *workspace);
/* Is it being deleted with no finalizer left? Then it is gone. */
bool kt_reconcile_is_gone(const cJSON *workspace);

#endif
