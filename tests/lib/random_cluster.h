/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random clusters with Workspaces in every state, good and odd: claims and nodes of the user's own, Jobs and pods of
 * theirs and of others, statuses that fit and that do not. The same for a seed on every machine.
 */
#ifndef KT_TESTS_LIB_RANDOM_CLUSTER_H
#define KT_TESTS_LIB_RANDOM_CLUSTER_H

#include "text/json.h"
#include "workload/kinds.h"

#define KT_RANDOM_OBJECTS 60
/* The clock that its objects go by: 2026-11-23T12:00:00Z. */
#define KT_RANDOM_NOW_S INT64_C(1795435200)

struct kt_random_cluster {
    uint64_t seed;
    struct kt_arena *arena;
    struct {
        enum kt_kind_id kind;
        cJSON *object;
    } objects[KT_RANDOM_OBJECTS];
    size_t count;
};

void kt_random_cluster(struct kt_arena *arena, uint64_t number, struct kt_random_cluster *ret);
/* A number below, and the seed moves on. */
uint32_t kt_random_below(struct kt_random_cluster *cluster, uint32_t below);

#endif
