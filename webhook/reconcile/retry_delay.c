/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/retry_delay.h"

#include "webhook/reconcile/work_queue.h"

#define ONE ((int64_t)1000)
#define FULL (KT_QUEUE_RETRY_BURST * ONE)
/* Thousandths of a permission in a millisecond are permissions in a second. */
#define PER_MS ((int64_t)KT_QUEUE_RETRIES_PER_SECOND)

int64_t kt_retry_delay_ms(size_t failures_before)
{
    int64_t delay_ms = KT_QUEUE_RETRY_FIRST_MS;
    for (size_t i = 0; i < failures_before && delay_ms < KT_QUEUE_RETRY_LARGEST_MS; i++)
        delay_ms *= 2;
    return KT_MIN(delay_ms, (int64_t)KT_QUEUE_RETRY_LARGEST_MS);
}

void kt_retry_bucket_init(struct kt_retry_bucket *bucket, int64_t now_ms)
{
    *bucket = (struct kt_retry_bucket){FULL, now_ms};
}

int64_t kt_retry_bucket_take(struct kt_retry_bucket *bucket, int64_t now_ms)
{
    /* After a long time it is full anyway; bounded, so that nothing overflows. */
    int64_t passed_ms = KT_MIN(KT_MAX(now_ms - bucket->filled_at_ms, (int64_t)0), (int64_t)100000000);
    bucket->stock_thousandths = KT_MIN(bucket->stock_thousandths + passed_ms * PER_MS, FULL);
    bucket->filled_at_ms = KT_MAX(now_ms, bucket->filled_at_ms);
    bucket->stock_thousandths -= ONE;
    if (bucket->stock_thousandths >= 0)
        return 0;
    return (-bucket->stock_thousandths + PER_MS - 1) / PER_MS;
}
