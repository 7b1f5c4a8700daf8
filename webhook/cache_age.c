/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cache_age.h"

#include <pthread.h>

#include "webhook/serve/metrics.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kt_cache_age *ages;

void kt_cache_age_add(struct kt_cache_age *age, const char *kind)
{
    struct kt_cache_age **end = &ages;
    age->kind = kind;
    age->next = NULL;
    atomic_store(&age->heard_ms, 0);
    pthread_mutex_lock(&lock);
    while (*end)
        end = &(*end)->next;
    *end = age;
    pthread_mutex_unlock(&lock);
}

void kt_cache_age_drop(struct kt_cache_age *age)
{
    pthread_mutex_lock(&lock);
    for (struct kt_cache_age **place = &ages; *place; place = &(*place)->next) {
        if (*place != age)
            continue;
        *place = age->next;
        break;
    }
    pthread_mutex_unlock(&lock);
}

void kt_cache_age_heard(struct kt_cache_age *age, int64_t now_ms)
{
    atomic_store_explicit(&age->heard_ms, KT_MAX(now_ms, (int64_t)1), memory_order_relaxed);
}

/* False: not heard of yet. */
static bool age_ms(const struct kt_cache_age *age, int64_t now_ms, int64_t *ret)
{
    int64_t heard_ms = atomic_load_explicit(&age->heard_ms, memory_order_relaxed);
    *ret = KT_MAX(now_ms - heard_ms, (int64_t)0);
    return heard_ms != 0;
}

void kt_cache_age_write_metric(struct kt_strbuf *buffer, int64_t now_ms)
{
    static const char name[] = "kaito_webhook_cache_age_seconds";
    int64_t old_ms;
    pthread_mutex_lock(&lock);
    if (ages)
        kt_metrics_header(buffer, name, "gauge", "Time since the API server was last heard of objects of this kind.");
    for (const struct kt_cache_age *age = ages; age; age = age->next)
        if (age_ms(age, now_ms, &old_ms))
            kt_strbuf_printf(buffer, "%s{kind=\"%s\"} %.3f\n", name, age->kind, (double)old_ms / 1000);
    pthread_mutex_unlock(&lock);
}

void kt_cache_age_write_stale(struct kt_strbuf *buffer, int64_t now_ms)
{
    int64_t old_ms;
    pthread_mutex_lock(&lock);
    for (const struct kt_cache_age *age = ages; age; age = age->next)
        if (age_ms(age, now_ms, &old_ms) && old_ms > KT_CACHE_STALE_MS)
            kt_strbuf_printf(buffer, "stale: the API server was last heard of %s objects %lld s ago\n", age->kind,
                             (long long)(old_ms / 1000));
    pthread_mutex_unlock(&lock);
}
