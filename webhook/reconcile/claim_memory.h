/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which NodeClaims this process has made or seen: a claim that is missing was then lost, and is not one still to be
 * made. A restart forgets; the claim is then asked for once more under the same name, which is harmless.
 */
#ifndef KT_WEBHOOK_RECONCILE_CLAIM_MEMORY_H
#define KT_WEBHOOK_RECONCILE_CLAIM_MEMORY_H

#include "base/error.h"

struct kt_claim_memory;

int kt_claim_memory_new(struct kt_claim_memory **ret, struct kt_error *error) KT_NODISCARD;
void kt_claim_memory_free(struct kt_claim_memory *memory); /* accepts NULL */

/* Remembers a claim by its name; without memory nothing is remembered. Safe between threads, as all here. */
void kt_claim_memory_seen(struct kt_claim_memory *memory, const char *name);
bool kt_claim_memory_has_seen(struct kt_claim_memory *memory, const char *name);
/* Notes that it is gone and returns since when, by the monotonic clock: now_ms the first time. */
int64_t kt_claim_memory_lost(struct kt_claim_memory *memory, const char *name, int64_t now_ms);
void kt_claim_memory_forget(struct kt_claim_memory *memory, const char *name);

#endif
