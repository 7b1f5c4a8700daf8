/* SPDX-License-Identifier: Apache-2.0 */
#include "sizing/explain.h"

#include <inttypes.h>

void kt_explain_tuning_estimate(struct kt_strbuf *buffer, const struct kt_tuning_estimate *estimate)
{
    double gib = (double)KT_GIB;
    kt_strbuf_printf(buffer, "%.1f GiB (weights %.1f, adapter %.1f, activations %.1f, logits %.1f, overhead %.1f)",
                     estimate->total_bytes / gib, estimate->weights_bytes / gib, estimate->adapter_bytes / gib,
                     estimate->activation_bytes / gib, estimate->logits_bytes / gib, estimate->overhead_bytes / gib);
}

void kt_explain_price(struct kt_strbuf *buffer, uint64_t milli_usd_per_hour)
{
    uint64_t cents = (milli_usd_per_hour + 5) / 10;
    kt_strbuf_printf(buffer, "%" PRIu64 ".%02" PRIu64 " USD/h", cents / 100, cents % 100);
}

void kt_explain_sku(struct kt_strbuf *buffer, const struct kt_sku *sku)
{
    kt_strbuf_printf(buffer, "%s (", sku->name);
    if (sku->gpu_count > 0) {
        kt_strbuf_printf(buffer, "%" PRIu32 " x %s %" PRIu64 " GiB", sku->gpu_count, sku->gpu_model,
                         kt_sku_bytes_per_gpu(sku) / KT_GIB);
    } else {
        kt_strbuf_puts(buffer, sku->gpu_model);
    }
    if (sku->price_milli_usd_per_hour > 0) {
        kt_strbuf_puts(buffer, ", ");
        kt_explain_price(buffer, sku->price_milli_usd_per_hour);
    }
    kt_strbuf_putc(buffer, ')');
}
