/* SPDX-License-Identifier: Apache-2.0 */
/* Kubernetes quantities ("80Gi", "1500m", "1e3") as exact numbers of milli-units where they fit. */
#ifndef KT_TEXT_QUANTITY_H
#define KT_TEXT_QUANTITY_H

#include "base/error.h"
#include "base/strbuf.h"

/* Value rounded away from zero to a whole number of units, as resource.Quantity.Value() does. Go reads a
 * text without any digit ("Gi") as 0; that is refused here. KT_EPARSE or KT_ELIMIT
 * (does not fit). */
int kt_quantity_parse(struct kt_str text, int64_t *ret, struct kt_error *error) KT_NODISCARD;
/* Bytes as the largest binary unit with at most two decimals: "4.08 GiB", "512 MiB". For people. */
void kt_quantity_write_bytes(struct kt_strbuf *buffer, uint64_t bytes);

#endif
