/* SPDX-License-Identifier: Apache-2.0 */
/* Which machine type? */
#include <stdlib.h>
#include <string.h>

#include "sizing/sizing.h"

/* Below it there is neither native bfloat16 nor FlashAttention-2. */
#define MODERN_COMPUTE_CAPABILITY 80u

static bool can_judge(const struct kt_sku *sku, enum kt_cloud cloud)
{
    return sku->cloud == cloud && sku->vendor == KT_GPU_NVIDIA && kt_sku_bytes_per_gpu(sku) > 0;
}

const struct kt_tuning_input *kt_sizing_need_on(const struct kt_need *need, uint32_t compute_capability)
{
    const struct kt_tuning_input *input = need->tuning;
    for (size_t i = 0; i < need->by_gpu_count && need->by_gpu[i].compute_capability <= compute_capability; i++) {
        input = need->by_gpu[i].input;
    }
    return input;
}

static struct kt_sku_fit judge(const struct kt_sku *sku, const struct kt_need *need)
{
    struct kt_sku_fit result = {.sku = sku, .nodes = 1};
    result.usable_bytes_per_gpu = kt_sizing_usable_bytes_per_gpu(sku);
    if (!need->inference) {
        const struct kt_tuning_input *tuning = kt_sizing_need_on(need, sku->compute_capability);
        if (!tuning) {
            result.no_image = true;
            result.fit = KT_FIT_NEVER;
            return result;
        }
        result.fit = kt_sizing_tuning_fit(tuning, result.usable_bytes_per_gpu, sku->compute_capability);
        if (need->refuse_batches && tuning->most_batch > 0 && tuning->batch_size > tuning->most_batch) {
            result.fit = KT_MAX(result.fit, KT_FIT_NO);
        }
        result.range = kt_sizing_tuning_range(tuning, sku->compute_capability);
        result.largest_batch = kt_sizing_largest_batch(tuning, result.usable_bytes_per_gpu, sku->compute_capability);
        return result;
    }
    struct kt_inference_input input = *need->inference;
    input.gpu_count = sku->gpu_count;
    input.node_memory_bytes = sku->memory_bytes;
    if (kt_sizing_inference(&input, &result.inference, NULL) < 0) {
        result.fit = KT_FIT_NEVER;
    } else {
        result.fit = KT_FIT_FITS;
        result.nodes = result.inference.nodes;
    }
    return result;
}

/* Many types have the same card, and for a tuning only one GPU counts: the judgement of an earlier one is used again.
 * This keeps the ranking cheap enough for the admission path. */
static struct kt_sku_fit judge_once(const struct kt_sku *sku, const struct kt_need *need,
                                    const struct kt_sku_fit *earlier, size_t earlier_count)
{
    uint64_t gpu_bytes = kt_sku_bytes_per_gpu(sku);
    for (size_t i = 0; !need->inference && i < earlier_count; i++) {
        const struct kt_sku *other = earlier[i].sku;
        if (kt_sku_bytes_per_gpu(other) == gpu_bytes && other->compute_capability == sku->compute_capability) {
            struct kt_sku_fit result = earlier[i];
            result.sku = sku;
            return result;
        }
    }
    return judge(sku, need);
}

/* Less than 0 when a is cheaper; unknown prices come last, equal ones by name. */
static int compare_price(const struct kt_sku_fit *a, const struct kt_sku_fit *b)
{
    uint64_t price_a = a->price_milli_usd_per_hour ? a->price_milli_usd_per_hour : UINT64_MAX;
    uint64_t price_b = b->price_milli_usd_per_hour ? b->price_milli_usd_per_hour : UINT64_MAX;
    if (price_a != price_b) {
        return price_a < price_b ? -1 : 1;
    }
    return strcmp(a->sku->name, b->sku->name);
}

static int compare_fits(const void *left, const void *right)
{
    const struct kt_sku_fit *a = left;
    const struct kt_sku_fit *b = right;
    int rank_a = (int)KT_MIN(a->fit, KT_FIT_NO);
    int rank_b = (int)KT_MIN(b->fit, KT_FIT_NO);
    return rank_a != rank_b ? rank_a - rank_b : compare_price(a, b);
}

/* The i-th of the user's SKUs and then the built-in ones; NULL for one that cannot be judged or is replaced. */
static const struct kt_sku *candidate(const struct kt_need *need, enum kt_cloud cloud, size_t i)
{
    size_t extra_count = need->extra ? need->extra->sku_count : 0;
    const struct kt_sku *sku = i < extra_count ? &need->extra->skus[i] : &kt_skus[i - extra_count];
    if (!can_judge(sku, cloud) || kt_catalog_find_sku(need->extra, cloud, kt_str(sku->name)) != sku) {
        return NULL;
    }
    return sku;
}

struct kt_sku_fit *kt_sizing_rank_skus(struct kt_arena *arena, const struct kt_need *need, enum kt_cloud cloud,
                                       size_t *ret_count)
{
    size_t total = kt_sku_count + (need->extra ? need->extra->sku_count : 0);
    size_t count = 0;
    for (size_t i = 0; i < total; i++) {
        count += candidate(need, cloud, i) != NULL;
    }
    struct kt_sku_fit *fits = kt_arena_calloc(arena, count, sizeof(*fits));
    if (!fits) {
        return NULL;
    }
    size_t filled = 0;
    for (size_t i = 0; i < total; i++) {
        const struct kt_sku *sku = candidate(need, cloud, i);
        if (sku) {
            fits[filled] = judge_once(sku, need, fits, filled);
            fits[filled].price_milli_usd_per_hour = (uint64_t)sku->price_milli_usd_per_hour * fits[filled].nodes;
            filled++;
        }
    }
    qsort(fits, count, sizeof(*fits), compare_fits);
    *ret_count = count;
    return fits;
}

const struct kt_sku_fit *kt_sizing_cheapest(const struct kt_sku_fit *fits, size_t count)
{
    const struct kt_sku_fit *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (fits[i].sku->current && fits[i].fit == KT_FIT_FITS && fits[i].price_milli_usd_per_hour > 0 &&
            fits[i].sku->compute_capability >= MODERN_COMPUTE_CAPABILITY &&
            (!best || compare_price(&fits[i], best) < 0)) {
            best = &fits[i];
        }
    }
    return best;
}

const struct kt_sku_fit *kt_sizing_cheapest_any(const struct kt_sku_fit *fits, size_t count)
{
    const struct kt_sku_fit *best = NULL;
    for (size_t i = 0; i < count; i++) {
        bool fit = fits[i].fit == KT_FIT_FITS || fits[i].fit == KT_FIT_TIGHT;
        if (fits[i].sku->current && fit && (!best || compare_price(&fits[i], best) < 0)) {
            best = &fits[i];
        }
    }
    return best;
}
