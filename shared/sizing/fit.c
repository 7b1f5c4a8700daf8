/* SPDX-License-Identifier: Apache-2.0 */
/* Does a tuning fit on one GPU, and what is the largest that does? */
#include "sizing/sizing.h"

#define MAX_BATCH 1024u
#define SEQUENCE_STEP 64u
#define MAX_SEQUENCE (1u << 20)

const char *kt_fit_name(enum kt_fit fit)
{
    switch (fit) {
    case KT_FIT_FITS:
        return "fits";
    case KT_FIT_TIGHT:
        return "tight";
    case KT_FIT_NO:
    case KT_FIT_NEVER:
        break;
    }
    return "no";
}

uint64_t kt_sizing_usable_bytes_per_gpu(const struct kt_sku *sku)
{
    return (uint64_t)((double)kt_sku_bytes_per_gpu(sku) * KT_USABLE_SHARE);
}

enum kt_fit kt_sizing_tuning_fit(const struct kt_tuning_input *input, uint64_t usable_bytes,
                                 uint32_t compute_capability)
{
    const struct kt_tuning_constants *constants = input->constants ? input->constants : &kt_tuning_constants_default;
    struct kt_tuning_range range = kt_sizing_tuning_range(input, compute_capability);
    double usable = (double)usable_bytes;
    if (range.low.weights_bytes + range.low.adapter_bytes + constants->context_bytes > usable) {
        return KT_FIT_NEVER;
    }
    if (range.low.total_bytes > usable) {
        return KT_FIT_NO;
    }
    return range.high.total_bytes > KT_TIGHT_SHARE * usable ? KT_FIT_TIGHT : KT_FIT_FITS;
}

/* Largest step in 1..maximum for which input with *field = step * unit is not refused; 0 when none is. Only the low end
 * decides that; it grows with batch and length, so halving finds the exact edge. */
static uint32_t largest(struct kt_tuning_input *input, uint32_t *field, uint32_t unit, uint32_t maximum,
                        uint64_t usable_bytes)
{
    uint32_t good = 0;
    uint32_t bad = maximum + 1;
    if (!input->is_exact) {
        input->loss = KT_LOSS_CHUNKED;
        input->attention = KT_ATTENTION_FLASH;
    }
    while (bad - good > 1) {
        uint32_t middle = good + (bad - good) / 2;
        *field = middle * unit;
        *(kt_sizing_tuning(input).total_bytes > (double)usable_bytes ? &bad : &good) = middle;
    }
    return good;
}

uint32_t kt_sizing_largest_batch(const struct kt_tuning_input *input, uint64_t usable_bytes,
                                 uint32_t compute_capability)
{
    struct kt_tuning_input trial = *input;
    (void)compute_capability;
    uint32_t most = input->most_batch > 0 ? KT_MIN(input->most_batch, MAX_BATCH) : MAX_BATCH;
    return largest(&trial, &trial.batch_size, 1, most, usable_bytes);
}

uint32_t kt_sizing_largest_sequence(const struct kt_tuning_input *input, uint64_t usable_bytes,
                                    uint32_t compute_capability)
{
    struct kt_tuning_input trial = *input;
    trial.batch_size = 1;
    if (input->fixed_length > 0) {
        trial.sequence_length = input->fixed_length;
        return kt_sizing_tuning_range(&trial, compute_capability).low.total_bytes > (double)usable_bytes
                   ? 0
                   : input->fixed_length;
    }
    return SEQUENCE_STEP *
           largest(&trial, &trial.sequence_length, SEQUENCE_STEP, MAX_SEQUENCE / SEQUENCE_STEP, usable_bytes);
}
