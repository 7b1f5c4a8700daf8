/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that many may hold together, between threads, without a lock. */
#ifndef KT_BASE_BYTE_BUDGET_H
#define KT_BASE_BYTE_BUDGET_H

#include <stdatomic.h>

#include "base/base.h"

struct kt_byte_budget {
    atomic_size_t used;
    size_t limit;
};

/* False, and nothing taken, when less is left. */
static inline bool kt_byte_budget_take(struct kt_byte_budget *budget, size_t bytes)
{
    size_t used = atomic_load_explicit(&budget->used, memory_order_relaxed);
    do {
        if (bytes > budget->limit || used > budget->limit - bytes)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&budget->used, &used, used + bytes, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static inline void kt_byte_budget_give(struct kt_byte_budget *budget, size_t bytes)
{
    atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
}

#endif
