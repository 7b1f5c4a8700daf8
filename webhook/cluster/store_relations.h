/* SPDX-License-Identifier: Apache-2.0 */
/* Which Workspace an object belongs to, and what it refers to: what the store's tables are sorted by. */
#ifndef KT_WEBHOOK_CLUSTER_STORE_RELATIONS_H
#define KT_WEBHOOK_CLUSTER_STORE_RELATIONS_H

#include "webhook/cluster/store.h"

/* name NULL: none. Texts point into the object. */
struct kt_pair {
    const char *namespace_; /* "" for cluster-scoped kinds */
    const char *name;
};

struct kt_relations {
    struct kt_pair own;
    struct kt_pair workspace; /* itself; by its labels; none for a ConfigMap */
    struct kt_pair reference; /* of a NodeClaim its Node; of a tuning Workspace its config map */
    bool waits_for_template;  /* a tuning that will still copy one */
};

/* What a Workspace refers to that names no config map: a copy of one of the templates. */
#define KT_ANY_TEMPLATE ""

/* own.name is NULL for what is no object with a name of a possible length. */
struct kt_relations kt_relations_of(enum kt_kind_id kind, const cJSON *object);

/* Is a ConfigMap of this name a template or a copy of one? */
bool kt_is_template_name(const char *config_map_name);

#endif
