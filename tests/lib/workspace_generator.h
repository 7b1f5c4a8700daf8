/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workspaces by the thousand from one number: what people write, what they mistype, and what nobody would. The same
 * seed gives the same objects on every machine.
 */
#ifndef KT_TESTS_LIB_WORKSPACE_GENERATOR_H
#define KT_TESTS_LIB_WORKSPACE_GENERATOR_H

#include "admission/settings.h"
#include "text/json.h"

struct kt_workspace_generator {
    uint64_t state; /* xorshift; not 0 */
    struct kt_arena *arena;
};

void kt_workspace_generator_init(struct kt_workspace_generator *generator, struct kt_arena *arena, uint64_t seed);
/* 0 to below - 1. */
size_t kt_workspace_generator_below(struct kt_workspace_generator *generator, size_t below);
/* A new Workspace: random fields, some of them null, odd or of a wrong kind. */
cJSON *kt_workspace_generator_make(struct kt_workspace_generator *generator);
/* An older state of the object: a copy in which a few fields are others; now and then something else altogether. */
cJSON *kt_workspace_generator_old(struct kt_workspace_generator *generator, const cJSON *object);
/* Feature gates and cloud. */
void kt_workspace_generator_settings(struct kt_workspace_generator *generator, struct kt_settings *ret);
/* What the Workspaces may refer to: the tuning templates, config maps good and bad, and nodes. */
cJSON *kt_workspace_generator_cluster(struct kt_arena *arena);

#endif
