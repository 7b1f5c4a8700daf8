/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reconciler's writes. Each puts the reply into the store at once, so that the next look sees it before the watch
 * does. What the API server refuses becomes trouble on a condition, in words that say what to do.
 */
#ifndef KT_WEBHOOK_RECONCILE_WRITE_H
#define KT_WEBHOOK_RECONCILE_WRITE_H

#include "kube/api.h"
#include "webhook/reconcile/reconcile.h"
#include "workload/kinds.h"

/* Does a condition have this reason because the API server refused a request of ours? Then it tells nothing of the
 * object that it is about. */
bool kt_is_refusal(const char *reason);

/* How soon to look again whether a name is free. */
#define KT_NAME_TAKEN_MS ((int64_t)10000)

/* Creates a child. One of the same name that belongs to this Workspace already is as good (KT_STEP_DONE, *ret is the
 * one that is there); one that belongs to somebody else is trouble "NameTaken" and KT_STEP_WAIT. belongs NULL: any
 * object of that name is as good. ret may be NULL. */
enum kt_step_result kt_write_create(struct kt_reconcile *look, enum kt_kind_id kind, const cJSON *object,
                                    bool (*belongs)(const cJSON *object, const cJSON *workspace), const cJSON **ret);
/* Server-side apply of our own fields of the Workspace's metadata; look->workspace is then the reply. */
enum kt_step_result kt_write_apply_workspace(struct kt_reconcile *look, const cJSON *object);
/* Merge patch of the Workspace or its status (subresource "status"); a conflict reads it again: KT_STEP_FAIL with code
 * KT_ECONFLICT, and the store is up to date. */
enum kt_step_result kt_write_patch_workspace(struct kt_reconcile *look, const char *subresource, const cJSON *patch);
/* Deletes this very object (by uid). One that is gone already is as good. */
enum kt_step_result kt_write_delete(struct kt_reconcile *look, enum kt_kind_id kind, const cJSON *object,
                                    const char *propagation);

/* Reads one object that the store does not have. KT_STEP_DONE with NULL when there is none. */
enum kt_step_result kt_read(struct kt_reconcile *look, enum kt_kind_id kind, const char *namespace_, const char *name,
                            const cJSON **ret);

/* All of a kind that bear the labels of the Workspace, by the API server. None where it does not know the type. */
enum kt_step_result kt_read_labelled(struct kt_reconcile *look, enum kt_kind_id kind, const cJSON **ret_items);

#endif
