/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences about the image that trains, shared by the rules, the Job and `tune`. */
#ifndef KT_ADMISSION_TRAINER_WORDS_H
#define KT_ADMISSION_TRAINER_WORDS_H

#include "admission/settings.h"

/* "7.5" for 75. */
const char *kt_capability_text(struct kt_arena *arena, uint32_t compute_capability);
/* "kaito-base:0.5.0, which Kaito v0.12 trains with". */
const char *kt_trainer_name(struct kt_arena *arena, const struct kt_settings *settings,
                            const struct kt_trainer *trainer);
/* Why the image cannot train on a GPU, and which other image could; NULL when it can. gpu_name NULL: "this GPU". */
const char *kt_trainer_refusal(struct kt_arena *arena, const struct kt_settings *settings,
                               const struct kt_trainer *trainer, const char *gpu_name, uint32_t compute_capability,
                               bool qlora);

#endif
