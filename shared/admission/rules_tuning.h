/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of family T that stand beside its table (rules_tuning.c), and what the memory and config rows share with it.
 */
#ifndef KT_ADMISSION_RULES_TUNING_H
#define KT_ADMISSION_RULES_TUNING_H

#include "admission/rule.h"

/* tuning_data.c: where data comes from and where the adapter goes. */
void kt_tuning_check_one_input(struct kt_rule_run *run);
void kt_tuning_check_one_output(struct kt_rule_run *run);
void kt_tuning_check_urls(struct kt_rule_run *run);
void kt_tuning_check_images(struct kt_rule_run *run);
void kt_tuning_check_push_secret(struct kt_rule_run *run);
void kt_tuning_check_secret_names(struct kt_rule_run *run);
void kt_tuning_check_volumes(struct kt_rule_run *run);
void kt_tuning_check_placeholders(struct kt_rule_run *run);
void kt_tuning_check_file_names(struct kt_rule_run *run);
void kt_tuning_check_several_urls(struct kt_rule_run *run);

/* tuning_dataset.c: what the rows are, and their conversion. */
void kt_tuning_check_dataset_format(struct kt_rule_run *run);
void kt_tuning_check_dataset_config(struct kt_rule_run *run);
/* What the rows are, as the config or kaito.sh/dataset-format says. facts->config has been read. */
enum kt_tuning_data kt_tuning_data_of(const struct kt_facts *facts);

/* tuning_gpu.c: the GPU and the image that trains on it. */
void kt_tuning_check_bfloat16(struct kt_rule_run *run);
void kt_tuning_check_kernels(struct kt_rule_run *run);
void kt_tuning_check_image_known(struct kt_rule_run *run);
void kt_tuning_check_capability_known(struct kt_rule_run *run);
void kt_tuning_check_nodes_alike(struct kt_rule_run *run);

/* The word by which the trainer takes a file of this name for data ("json"), or NULL: any of five, anywhere in the
 * name, in any case (upstream's dataset.py). */
const char *kt_tuning_file_word(struct kt_str name);

/* The GPU that will train, from the machine type or from the bring-your-own nodes. */
struct kt_tuning_gpu {
    bool known;                  /* memory is known */
    const char *name;            /* "NVIDIA V100" */
    uint32_t count;              /* of one node */
    uint64_t bytes;              /* of one GPU, nominal */
    uint64_t usable_bytes;       /* of one GPU, see KT_USABLE_SHARE */
    uint32_t compute_capability; /* 10 * major + minor; 0: unknown; also where the memory is not known */
    const char *field;           /* what chose it: "resource.instanceType" or "resource.labelSelector" */
};
void kt_tuning_gpu_of(const struct kt_facts *facts, struct kt_tuning_gpu *ret);

/* True when the config that will be used is known to be so: the method's template, or a config map that was read. */
bool kt_tuning_config_settled(const struct kt_facts *facts);

#endif
