/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an update did not cause, it is not refused for. Private to shared/admission.
 *
 * 1. An error of our own on a field whose value is the same before and after becomes a warning: an object from before
 *    the rule existed must stay usable.
 * 2. Where nothing but metadata and status changed, no error about the content stays one: labels, annotations,
 *    finalizers and owners can always be changed. Where upstream would refuse, the warning becomes one of the relaxed
 *    rule U012. Only when the update is refused for its metadata, all of it is told as it is.
 * 3. An object that is being deleted may lose its finalizers whatever it looks like, if its content stays the same
 *    (rule U011 refuses a change).
 */
#ifndef KT_ADMISSION_RATCHET_H
#define KT_ADMISSION_RATCHET_H

#include "admission/findings.h"
#include "text/json.h"

/* The row that speaks for errors of upstream's which an update of metadata alone is not refused for. */
#define KT_RULE_METADATA_ONLY "U012"

/* Both objects with their defaults; before may be NULL. The arena counts the comparing, and arena->failed tells that it
 * could not be finished. */
void kt_ratchet(struct kt_arena *arena, struct kt_findings *findings, const cJSON *now, const cJSON *before);

/* The first of resource, inference and tuning that differs; NULL: only metadata and status do, if anything. */
const char *kt_content_changed(struct kt_arena *arena, const cJSON *now, const cJSON *before);

#endif
