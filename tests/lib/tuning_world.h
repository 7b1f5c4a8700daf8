/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tuning Workspace and what a cluster holds for it, for the tests of diagnosis and status. Objects are JSON texts;
 * a status patch is merged into the Workspace as the API server would.
 */
#ifndef KT_TESTS_LIB_TUNING_WORLD_H
#define KT_TESTS_LIB_TUNING_WORLD_H

#include "workload/node_claim.h"
#include "workload/tuning_status.h"

struct kt_test_world {
    struct kt_arena arena;
    cJSON *workspace;
    const cJSON *claim, *node, *job, *pod, *event; /* NULL: not there */
    int64_t now_s;
    bool bring_your_own;
    char claim_name[KT_NODE_CLAIM_NAME_BYTES];
    size_t patches;
    struct kt_tuning_status status; /* of the last kt_test_world_step */
};

/* A Workspace "tune" in namespace "default" with finalizer, revision 1 and the annotation of claim 1. */
void kt_test_world_init(struct kt_test_world *world);
void kt_test_world_release(struct kt_test_world *world);

/* What each part may be; the texts are in tuning_world.c. Unknown words fail the test. */
void kt_test_world_claim(struct kt_test_world *world, const char *step); /* none made launched registered ready */
void kt_test_world_node(struct kt_test_world *world, const char *state); /* none unready nogpu ready */
void kt_test_world_job(struct kt_test_world *world,
                       const char *state); /* none active complete failed deleting foreign */
void kt_test_world_pod(struct kt_test_world *world, const char *state); /* none pending node weights data training
                                                                            pushing succeeded failed */
/* The pod in this phase with these statuses: texts of JSON arrays, NULL: none. */
void kt_test_world_pod_with(struct kt_test_world *world, const char *phase, const char *init_statuses,
                            const char *statuses);

/* The objects as an observation; points into the world. */
void kt_test_world_observe(const struct kt_test_world *world, struct kt_observation *ret);
/* Works out the status, stores its patch and counts it. trouble may be NULL. */
void kt_test_world_step(struct kt_test_world *world, const struct kt_trouble *trouble);

/* Texts of a stored condition, "" when it is not there. */
const char *kt_test_world_condition(const struct kt_test_world *world, const char *type, const char *key);
const char *kt_test_world_state(const struct kt_test_world *world);

#endif
