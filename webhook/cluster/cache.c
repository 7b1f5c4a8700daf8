/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/cache.h"

int kt_cache_start(const struct kt_informers_options *options, const char *release_namespace, struct kt_cache **ret,
                   struct kt_error *error)
{
    struct kt_cache *cache = kt_heap_alloc(sizeof(*cache));
    if (!cache)
        return kt_error_set(error, KT_ENOMEM, "no memory for the cache of the cluster");
    int code = kt_store_new(&cache->store, error);
    if (code == 0) {
        kt_store_set_release_namespace(cache->store, release_namespace);
        code = kt_lookups_start(options->config, options->environment, &cache->lookups, error);
    }
    if (code == 0)
        code = kt_informers_start(options, cache->store, &cache->informers, error);
    if (code != 0) {
        kt_cache_stop(cache);
        return code;
    }
    *ret = cache;
    return 0;
}

void kt_cache_stop(struct kt_cache *cache)
{
    if (!cache)
        return;
    kt_informers_stop(cache->informers);
    kt_lookups_stop(cache->lookups);
    kt_store_free(cache->store);
    kt_heap_free(cache);
}

bool kt_cache_knows_for_rules(const struct kt_cache *cache)
{
    for (size_t i = 0; i < KT_CACHED_KINDS; i++)
        if (kt_kinds[i].for_rules && !kt_store_is_synced(cache->store, (enum kt_kind_id)i))
            return false;
    return true;
}
