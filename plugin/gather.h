/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the cluster holds for a Workspace, read from the API with the user's own rights. Works beside our reconciler and
 * beside upstream's operator, whose objects carry the same labels. What is gathered is said by workload/observe.h.
 */
#ifndef KT_PLUGIN_GATHER_H
#define KT_PLUGIN_GATHER_H

#include "plugin/connection.h"
#include "workload/observation.h"

struct kt_gather_target {
    struct kt_connection *connection;
    const char *namespace_; /* NULL, for kt_gather_all only: all namespaces */
    const char *name;
    /* The version that the server has; filled by the first call. */
    const struct kt_resource *workspaces;
};

/* Only the Workspace. A missing one is KT_ENOTFOUND with ret_is_gone (may be NULL); false: the server does not know
 * the type. */
int kt_gather_workspace(struct kt_gather_target *target, struct kt_arena *arena, const cJSON **ret, bool *ret_is_gone,
                        struct kt_error *error) KT_NODISCARD;

/* The Workspace and all that belongs to it, with events. Only a failure to read the Workspace, or no answer at all, is
 * an error: what the user may not read is said in a warning, and noted as unseen. Everything is in the arena. */
int kt_gather_one(struct kt_gather_target *target, struct kt_arena *arena, struct kt_observation *ret,
                  bool *ret_is_gone, struct kt_error *error) KT_NODISCARD;

/* The same for all Workspaces of the namespace, or of all, with one list a kind and without events. */
int kt_gather_all(struct kt_gather_target *target, struct kt_arena *arena, struct kt_observation **ret,
                  size_t *ret_count, struct kt_error *error) KT_NODISCARD;

/* What a Workspace that is gone has left for the garbage collector: "Job a, Pod a-x7k2p"; "" when nothing is left, or
 * when what is left cannot be read. */
int kt_gather_leftovers(struct kt_gather_target *target, struct kt_arena *arena, const char **ret,
                        struct kt_error *error) KT_NODISCARD;

#endif
