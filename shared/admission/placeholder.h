/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that a guide left for its reader to fill in: "ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE:0.0.1",
 * "<YOUR_SECRET>", "REPLACE_ME", "your-registry.io/out", "${REGISTRY}/out".
 */
#ifndef KT_ADMISSION_PLACEHOLDER_H
#define KT_ADMISSION_PLACEHOLDER_H

#include "base/arena.h"
#include "base/str.h"

/* The first placeholder in a text as a view of it, length 0 when there is none. Continue behind it for the next. */
struct kt_str kt_placeholder_find(struct kt_str text);

/* All of them for a message, at most three: `"ACR_REPO_HERE" and "IMAGE_NAME_HERE" are placeholders`, or NULL when
 * there is none. In the arena. */
const char *kt_placeholder_sentence(struct kt_arena *arena, struct kt_str text);

#endif
