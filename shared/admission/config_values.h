/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single values of a training_config map, as the trainer reads them: its parsers read text, so "8" is as good as 8, and
 * a key may be cut short or written with dashes as long as it means one option.
 */
#ifndef KT_ADMISSION_CONFIG_VALUES_H
#define KT_ADMISSION_CONFIG_VALUES_H

#include "base/arena.h"
#include "catalog/images.h"
#include "text/json.h"

/* Member of a section ("TrainingArguments", "max_length"), or NULL. null counts as given: the trainer ends on it. */
const cJSON *kt_config_value(const cJSON *sections, const char *section, const char *key);
/* fallback where the value is absent or no flag. */
bool kt_config_flag(const cJSON *sections, const char *section, const char *key, bool fallback);
/* False, with nothing written, where the value is absent or no number. */
bool kt_config_number(const cJSON *sections, const char *section, const char *key, double *ret);
/* A text, also as the one item of a list; NULL where the value is absent or none. */
const char *kt_config_text(const cJSON *sections, const char *section, const char *key);
/* Is the value this text? */
bool kt_config_is(const cJSON *sections, const char *section, const char *key, const char *wanted);
/* Does the value, a text or a list of texts, name this module, at the end of a path too ("model.lm_head")? */
bool kt_config_names_module(const cJSON *sections, const char *key, const char *module);

#endif
