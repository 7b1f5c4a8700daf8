/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a tuning config that the trainer does not know; private to shared/admission. */
#ifndef KT_ADMISSION_CONFIG_GUESS_H
#define KT_ADMISSION_CONFIG_GUESS_H

#include "admission/rule.h"
#include "admission/training_keys.h"
#include "base/limits.h"

struct kt_config_guess {
    const char *section;
    const char *name;
    enum kt_training_guess what;
    const struct kt_training_key *key; /* NULL for KT_TRAINING_GUESS_NONE */
};

/* The first unknown keys in sections that are known: of each there is a finding, and there is no room for more. */
struct kt_config_guesses {
    size_t count;
    struct kt_config_guess items[KT_LIMIT_FINDINGS];
};

/* NULL where there is none to make: no config was read, or it is one that this version ships; also without memory.
 * arena->failed tells of what could not be looked at. */
const struct kt_config_guesses *kt_config_guess_keys(struct kt_arena *arena, const struct kt_trainer_image *image,
                                                     const struct kt_tuning_config *config);

/* The sections with every key under its full name, where the trainer takes a shorter one or one with dashes for it: the
 * map itself when there is none, else a copy in the arena. NULL stays NULL. */
const cJSON *kt_config_full_names(struct kt_arena *arena, const cJSON *sections,
                                  const struct kt_config_guesses *guesses);

#endif
