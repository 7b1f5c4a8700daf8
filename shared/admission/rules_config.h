/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of family C (tuning) that stand beside its table (rules_config.c). */
#ifndef KT_ADMISSION_RULES_CONFIG_H
#define KT_ADMISSION_RULES_CONFIG_H

#include "admission/rule.h"

#define KT_FIELD_TUNING_CONFIG "tuning.config"

/* Reports at tuning.config; says which template is meant when the user named no config. */
struct kt_finding *kt_config_report(struct kt_rule_run *run, enum kt_origin origin, enum kt_problem problem,
                                    const char *value, const char *format, ...) KT_PRINTF(5, 6);

/* True for a config map of the user's own that could be read. */
bool kt_config_is_own(const struct kt_facts *facts);

/* config_output_dir.c */
void kt_config_check_output_dir(struct kt_rule_run *run);
void kt_config_check_output_dir_given(struct kt_rule_run *run);

/* config_keys.c: rows about single keys. */
void kt_config_check_quantisation(struct kt_rule_run *run);
void kt_config_check_misspelt_keys(struct kt_rule_run *run);
void kt_config_check_unknown_keys(struct kt_rule_run *run);
void kt_config_check_values(struct kt_rule_run *run);
void kt_config_check_targets(struct kt_rule_run *run);
void kt_config_check_some_targets(struct kt_rule_run *run);
void kt_config_check_batch_size(struct kt_rule_run *run);
void kt_config_check_bfloat16(struct kt_rule_run *run);

#endif
