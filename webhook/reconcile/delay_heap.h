/* SPDX-License-Identifier: Apache-2.0 */
/* Things that are due at a time, the earliest first: a binary heap of things that know their place in it. */
#ifndef KT_WEBHOOK_RECONCILE_DELAY_HEAP_H
#define KT_WEBHOOK_RECONCILE_DELAY_HEAP_H

#include "base/base.h"

#define KT_NOT_DELAYED SIZE_MAX

/* Part of the thing. Not in the heap: index is KT_NOT_DELAYED. */
struct kt_delayed {
    size_t index;
    int64_t due_ms;
};

struct kt_delay_heap {
    struct kt_delayed **places;
    size_t count, capacity;
};

/* False without memory. What is in it already keeps the earlier of both times. */
bool kt_delay_heap_put(struct kt_delay_heap *heap, struct kt_delayed *thing, int64_t due_ms) KT_NODISCARD;
/* Takes out the earliest of those that are due; NULL when none is. */
struct kt_delayed *kt_delay_heap_take(struct kt_delay_heap *heap, int64_t now_ms);
/* When is the earliest due? False when there is none. */
bool kt_delay_heap_next(const struct kt_delay_heap *heap, int64_t *ret_due_ms);
void kt_delay_heap_release(struct kt_delay_heap *heap);

#endif
