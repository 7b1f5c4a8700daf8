/* SPDX-License-Identifier: Apache-2.0 */
/* What the store keeps of an object. */
#ifndef KT_WEBHOOK_RECONCILE_STORE_TRIM_H
#define KT_WEBHOOK_RECONCILE_STORE_TRIM_H

#include "webhook/reconcile/store.h"

/* Messages beyond this are cut, except in a Workspace's own status, which is compared with what would be written. */
#define KT_STORE_TEXT_BYTES ((size_t)4096)

/* Does the store keep objects like this one at all? (Of ConfigMaps those that hold a training config.) */
bool kt_store_wants(enum kt_stored_kind kind, const cJSON *object);
/* A copy of the parts that are kept, in one block for kt_heap_free; *ret_bytes is its size. NULL without memory and for
 * a tree deeper than KT_LIMIT_TREE_DEPTH. */
cJSON *kt_store_trim(enum kt_stored_kind kind, const cJSON *object, size_t *ret_bytes) KT_NODISCARD;

#endif
