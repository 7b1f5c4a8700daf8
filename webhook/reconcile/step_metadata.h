/* SPDX-License-Identifier: Apache-2.0 */
/* Writing our annotations anew when one of them changes. Private to this folder. */
#ifndef KT_WEBHOOK_RECONCILE_STEP_METADATA_H
#define KT_WEBHOOK_RECONCILE_STEP_METADATA_H

#include "webhook/reconcile/reconcile.h"

/* Applies finalizer, hash, revision and, when above 0, the number of the newest NodeClaim. */
enum kt_step_result kt_write_metadata(struct kt_reconcile *look, const char *hash, const char *revision,
                                      int64_t claim_number);

#endif
