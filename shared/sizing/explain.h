/* SPDX-License-Identifier: Apache-2.0 */
/* Estimates in words, the same in a refusal of the server and in `plan`. */
#ifndef KT_SIZING_EXPLAIN_H
#define KT_SIZING_EXPLAIN_H

#include "sizing/sizing.h"

/* Appends "66.9 GiB (weights 61.0, adapter 0.1, activations 2.4, logits 0.0, overhead 3.4)". */
void kt_explain_tuning_estimate(struct kt_strbuf *buffer, const struct kt_tuning_estimate *estimate);
/* Appends "3.67 USD/h": to the cent, half up. */
void kt_explain_price(struct kt_strbuf *buffer, uint64_t milli_usd_per_hour);
/* Appends "Standard_NC24ads_A100_v4 (1 x NVIDIA A100 80 GiB, 3.67 USD/h)"; price left out when unknown. */
void kt_explain_sku(struct kt_strbuf *buffer, const struct kt_sku *sku);

#endif
