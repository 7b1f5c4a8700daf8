/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions of a Workspace's status, merged into those that are stored. */
#ifndef KT_WORKLOAD_STATUS_CONDITIONS_H
#define KT_WORKLOAD_STATUS_CONDITIONS_H

#include "text/json.h"

#define KT_CONDITIONS_MOST 8

struct kt_condition {
    const char *type;
    bool is_true;
    const char *reason;
    const char *message;
    bool is_kept; /* as it is stored, observedGeneration and all; the stored one is there */
};

struct kt_conditions {
    struct kt_condition items[KT_CONDITIONS_MOST];
    size_t count;
    const char *dropped; /* a type of ours that must not be there; NULL: none */
};

/* The entry of this type; added when it is not there. NULL: KT_CONDITIONS_MOST is reached. */
struct kt_condition *kt_conditions_at(struct kt_conditions *conditions, const char *type);
void kt_conditions_say(struct kt_conditions *conditions, const char *type, bool is_true, const char *reason,
                       const char *message);

/* Does the stored status say all this already, times aside? */
bool kt_conditions_are_stored(const struct kt_conditions *conditions, const cJSON *workspace);
/* The array to store: what is there in its order, with ours replaced or added. lastTransitionTime is the old one while
 * the status is unchanged. Check arena->failed. */
cJSON *kt_conditions_array(struct kt_arena *arena, const struct kt_conditions *conditions, const cJSON *workspace,
                           int64_t now_s);

#endif
