/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of what the trainer does (rules_trainer.c) that stand in files of their own, and what they share. */
#ifndef KT_ADMISSION_RULES_TRAINER_H
#define KT_ADMISSION_RULES_TRAINER_H

#include "admission/config_values.h"
#include "admission/rules_config.h"
#include "admission/rules_tuning.h"

/* Refuses at tuning.config. Only warns where the image has no row: what its trainer does is not known. */
void kt_trainer_refuse(struct kt_rule_run *run, enum kt_problem problem, const char *value, const char *format, ...)
    KT_PRINTF(4, 5);

/* The tag whose trainer is spoken of; where the tag has no row: "0.5.0, by which 9.9.9 is judged,". */
const char *kt_trainer_judged_by(const struct kt_facts *facts);
/* Is the loss computed in chunks, by the image's default or by the config? */
bool kt_trainer_chunks_loss(const struct kt_facts *facts);
/* Does eval_strategy ask for evaluations? */
bool kt_trainer_evaluates(const struct kt_facts *facts);

/* trainer_precision.c */
extern const char kt_trainer_float16_lora[]; /* the settings with which lora trains in float16 */
void kt_trainer_check_precision(struct kt_rule_run *run);
void kt_trainer_check_checkpointing(struct kt_rule_run *run);

/* trainer_schedule.c */
void kt_trainer_check_strategies(struct kt_rule_run *run);
void kt_trainer_check_scheduler(struct kt_rule_run *run);
void kt_trainer_check_files(struct kt_rule_run *run);

#endif
