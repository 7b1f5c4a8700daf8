/* SPDX-License-Identifier: Apache-2.0 */
/* Trees that outlive the arena they were parsed into: read-only, small, shared by threads. */
#ifndef KT_WEBHOOK_ADMISSION_OBJECT_COPY_H
#define KT_WEBHOOK_ADMISSION_OBJECT_COPY_H

#include "text/json.h"

/* A deep copy without a parent, in one block that kt_heap_free gives back; nothing in it may be changed. *ret_bytes is
 * its size. NULL without memory and for a tree deeper than KT_LIMIT_TREE_DEPTH. */
cJSON *kt_object_copy(const cJSON *tree, size_t *ret_bytes) KT_NODISCARD;

#endif
