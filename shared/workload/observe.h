/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings together what a cluster has for one Workspace. There is no other gathering: the reconciler looks into its
 * cache, `kubectl kaito` asks the API, and both get the same observation of the same objects. What is gathered is said
 * by the rows of workload/kinds.h.
 */
#ifndef KT_WORKLOAD_OBSERVE_H
#define KT_WORKLOAD_OBSERVE_H

#include "base/error.h"
#include "workload/observation.h"

/*
 * Where objects are looked up. Each function returns 0 with all that there is (none: nothing of the kind is there; so
 * it is with a type that the API server does not know). KT_EFORBIDDEN and KT_ELIMIT: *ret has what could be seen, there
 * may be more. Any other failure ends the observation. Objects live as long as the observation is used; *ret is zeroed
 * before each call.
 */
struct kt_object_source {
    /* One object; namespace_ is of no meaning for a kind that has none. NULL: it is not there. */
    int (*get)(void *context, enum kt_kind_id kind, const char *namespace_, const char *name, const cJSON **ret,
               struct kt_error *error);
    /* All that kt_kind_is_labelled says to belong to this Workspace; its name is one that a label can have. */
    int (*labelled)(void *context, enum kt_kind_id kind, const char *namespace_, const char *name,
                    struct kt_objects *ret, struct kt_error *error);
    /* The Nodes that kt_node_matches accepts; the usable members of match_labels are labels that a node can have, and
     * there is one. */
    int (*nodes)(void *context, const cJSON *match_labels, struct kt_objects *ret, struct kt_error *error);
    /* Events about objects of this name in this namespace. NULL: the source has no events. */
    int (*events)(void *context, const char *namespace_, const char *name, struct kt_objects *ret,
                  struct kt_error *error);
    void *context;
};

/* Whose the nodes of a Workspace are. */
enum kt_node_owner {
    KT_NODES_UNKNOWN, /* what is there decides: kt_observe says bring_your_own without instanceType and NodeClaim */
    KT_NODES_CLAIMED, /* by setting: NodeClaims bring them */
    KT_NODES_OWN,     /* by setting: they are the user's; NodeClaims are not looked for */
};

struct kt_observe_options {
    enum kt_node_owner nodes;
    int64_t now_s; /* Unix time */
};

/* Objects are sorted by name, none is there twice. KT_ENOMEM, or what the source fails with. */
int kt_observe(const struct kt_object_source *source, const cJSON *workspace, const struct kt_observe_options *options,
               struct kt_arena *arena, struct kt_observation *ret, struct kt_error *error) KT_NODISCARD;

#endif
