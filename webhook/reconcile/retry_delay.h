/* SPDX-License-Identifier: Apache-2.0 */
/* How long to wait before something that failed is tried again; the figures are in work_queue.h. */
#ifndef KT_WEBHOOK_RECONCILE_RETRY_DELAY_H
#define KT_WEBHOOK_RECONCILE_RETRY_DELAY_H

#include "base/base.h"

/* 5 ms * 2^failures_before, at most 1000 s. */
int64_t kt_retry_delay_ms(size_t failures_before);

/* A bucket of permissions that fills with time; one that is not there yet is lent, and waited for. */
struct kt_retry_bucket {
    int64_t stock_thousandths; /* below 0: lent */
    int64_t filled_at_ms;
};

void kt_retry_bucket_init(struct kt_retry_bucket *bucket, int64_t now_ms);
/* Takes one; returns how long to wait for it. */
int64_t kt_retry_bucket_take(struct kt_retry_bucket *bucket, int64_t now_ms);

#endif
