/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the cluster: of each kind in workload/kinds.h the parts that are read, packed and counted by
 * reference. The reconciler gets objects as trees that nobody changes, and looks at them without a lock while watches
 * go on; the rules read without any lock (published.h). Bounded: beyond KT_LIMIT_STORE_*_BYTES of its kind,
 * KT_LIMIT_STORE_OBJECTS or its namespace's share of them (KT_LIMIT_NAMESPACE_SHARE) a new object is refused with
 * KT_ELIMIT, and what is not kept of its namespace, or of its kind, is unknown until the next list. The release
 * namespace, whose objects are not a tenant's, has its share beside that of all others.
 */
#ifndef KT_WEBHOOK_CLUSTER_STORE_H
#define KT_WEBHOOK_CLUSTER_STORE_H

#include "admission/cluster.h"
#include "base/arena.h"
#include "base/error.h"
#include "text/json.h"
#include "webhook/cluster/object_key.h"
#include "workload/kinds.h"
#include "workload/observation.h"

struct kt_store;
struct kt_config_content;
struct kt_stored; /* one reference to one state of an object */

int kt_store_new(struct kt_store **ret, struct kt_error *error) KT_NODISCARD;
void kt_store_free(struct kt_store *store); /* no reference may be left; accepts NULL */
/* Where the templates of training configs are; before other threads know the store. Not copied. "" or NULL: nowhere.
 * Without a call: where kt_settings_init says. */
void kt_store_set_release_namespace(struct kt_store *store, const char *namespace_);

/* --- writing: by watchers, and by workers with the reply to a write of their own -----------------------------------
 */

/* A new list of this kind begins: what it does not name is dropped by kt_store_synced. */
void kt_store_restart(struct kt_store *store, enum kt_kind_id kind);
/* Trims and keeps; an object older than the one kept (metadata.resourceVersion as a number) changes nothing, so that a
 * watch that lags does not undo the reply to a write. *ret_changed (may be NULL): something that is kept has another
 * value than before, the resource version aside. */
int kt_store_put(struct kt_store *store, enum kt_kind_id kind, const cJSON *object, bool *ret_changed,
                 struct kt_error *error) KT_NODISCARD;
/* Drops it, unless the kept one has another uid. A state of it that is no newer than the removal, the reply to a write
 * that overtook it, does not bring it back. */
void kt_store_remove(struct kt_store *store, enum kt_kind_id kind, const cJSON *object);
void kt_store_synced(struct kt_store *store, enum kt_kind_id kind);

/* The same, with a call of visit for the key of every Workspace that a change concerns, by the old state and by the
 * new one; none when nothing has changed. visit runs under the store's lock: it must not call the store. visitor may be
 * NULL. */
struct kt_store_visitor {
    void (*visit)(void *context, const struct kt_object_key *key);
    void *context;
};
int kt_store_put_and_visit(struct kt_store *store, enum kt_kind_id kind, const cJSON *object,
                           const struct kt_store_visitor *visitor, bool *ret_changed,
                           struct kt_error *error) KT_NODISCARD;
void kt_store_remove_and_visit(struct kt_store *store, enum kt_kind_id kind, const cJSON *object,
                               const struct kt_store_visitor *visitor);
void kt_store_synced_and_visit(struct kt_store *store, enum kt_kind_id kind, const struct kt_store_visitor *visitor);
/* The same for a list that was read at this resource version (NULL or no number: unknown): an object that is newer
 * than the list, which cannot name it, stays. */
void kt_store_synced_at(struct kt_store *store, enum kt_kind_id kind, const char *list_version,
                        const struct kt_store_visitor *visitor);

/* --- reading -------------------------------------------------------------------------------------------------------
 */

/* Was a whole list of this kind taken in at least once? */
bool kt_store_is_synced(struct kt_store *store, enum kt_kind_id kind);
/* Was nothing left out since the last list? When something was, "absent" may mean "unknown": see kt_store_look_up. */
bool kt_store_is_complete(struct kt_store *store, enum kt_kind_id kind);

/* One object: FOUND with *ret, which kt_stored_release gives back; ABSENT when the watch would have shown it (a kind
 * with a watch_selector shows what has the label); UNKNOWN when it may be there: before the first list, where something
 * was left out, or without memory. *ret is NULL unless FOUND. namespace_ "" or NULL for cluster-scoped kinds. */
enum kt_lookup kt_store_look_up(struct kt_store *store, enum kt_kind_id kind, const char *namespace_, const char *name,
                                struct kt_stored **ret);
/* The same for those who do not ask why there is none: one object, or NULL (also without memory: see of_workspace where
 * that matters); give it back with kt_stored_release. namespace_ "" for cluster-scoped kinds. */
struct kt_stored *kt_store_get(struct kt_store *store, enum kt_kind_id kind, const char *namespace_, const char *name);
const cJSON *kt_stored_object(const struct kt_stored *stored); /* valid while the reference is held; NULL for NULL */
/* Of a ConfigMap: config_content.h. NULL for others; valid as the object is. */
const struct kt_config_content *kt_stored_content(const struct kt_stored *stored);
void kt_stored_release(struct kt_stored *stored); /* accepts NULL */

/* References to all objects of a kind that belong to a Workspace, by its label (NodeClaims and Nodes: and that of its
 * namespace); Nodes also by the names that its NodeClaims have in status.nodeName. In the arena; the references are
 * given back together. */
struct kt_stored_set {
    struct kt_stored **references;
    struct kt_objects objects;
    bool complete; /* false: there may be others */
};
int kt_store_of_workspace(struct kt_store *store, enum kt_kind_id kind, const struct kt_object_key *key,
                          struct kt_arena *arena, struct kt_stored_set *ret, struct kt_error *error) KT_NODISCARD;
void kt_stored_set_release(struct kt_stored_set *set);
/* The same for every object of a kind: for nodes that are the user's own. */
int kt_store_all(struct kt_store *store, enum kt_kind_id kind, struct kt_arena *arena, struct kt_stored_set *ret,
                 struct kt_error *error) KT_NODISCARD;
/* Memory of all that is kept. */
size_t kt_store_bytes(struct kt_store *store);

/* Calls visit for the key of every Workspace that an object concerns: its own, that of its label, for a Node those
 * whose claims name it, for a ConfigMap those whose tuning.config names it (and, for a template or its copy, those that
 * copy one: in the release namespace all that have not done so yet). visit must not call the store. */
void kt_store_visit_concerned(struct kt_store *store, enum kt_kind_id kind, const cJSON *object,
                              void (*visit)(void *context, const struct kt_object_key *key), void *context);
/* Every Workspace: for a resync. visit must not call the store. */
void kt_store_visit_workspaces(struct kt_store *store, void (*visit)(void *context, const struct kt_object_key *key),
                               void *context);

#endif
