/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by gather.c and gather_all.c; nobody else includes this. */
#ifndef KT_PLUGIN_GATHER_INTERNAL_H
#define KT_PLUGIN_GATHER_INTERNAL_H

#include "plugin/gather.h"

struct kt_gather_query {
    const struct kt_resource *resource;
    const char *namespace_;
    const char *label_selector;
    const char *field_selector;
    size_t most; /* more: said, and left out; 0: no limit but bytes */
};

/* A failure to read something that can be done without: 0 after a warning, or the failure itself in *error. */
int kt_gather_shrug(struct kt_gather_target *target, int code, struct kt_error *inner,
                    struct kt_error *error) KT_NODISCARD;
int kt_gather_list(struct kt_gather_target *target, struct kt_arena *arena, const struct kt_gather_query *query,
                   struct kt_objects *ret, struct kt_error *error) KT_NODISCARD;
struct kt_objects kt_gather_objects(struct kt_arena *arena, const cJSON *array);
/* Nodes of the user's own: there is no machine type, and nobody has made a claim. */
bool kt_gather_is_byo(const cJSON *workspace, struct kt_objects claims);

#endif
