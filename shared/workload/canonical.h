/* SPDX-License-Identifier: Apache-2.0 */
/* One text for all ways to say the same: what hashes of objects are made of. Private to shared/workload. */
#ifndef KT_WORKLOAD_CANONICAL_H
#define KT_WORKLOAD_CANONICAL_H

#include "text/json.h"

/* Appends node as compact JSON with the members of every object sorted by key. Members that are null, {} or [], or have
 * nothing else in them, are left out, and whole numbers are written as such (1.0 is 1). Nothing is written for a node
 * that is itself empty; returns whether anything was. buffer->failed tells of trouble. */
bool kt_canonical_write(struct kt_arena *arena, struct kt_strbuf *buffer, const cJSON *node);

#endif
