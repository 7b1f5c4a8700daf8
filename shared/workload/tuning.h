/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tuning Workspace needs besides nodes: a config map and a Job. Pure: the caller brings what is in the cluster.
 */
#ifndef KT_WORKLOAD_TUNING_H
#define KT_WORKLOAD_TUNING_H

#include "admission/settings.h"
#include "catalog/catalog.h"
#include "workspace/workspace.h"

#define KT_CONFIG_HASH_BYTES 65

/* Decided once from a Workspace, before there are nodes. Points into the Workspace. */
struct kt_tuning_plan {
    const cJSON *object; /* the Workspace */
    struct kt_workspace workspace;
    const struct kt_settings *settings;
    const struct kt_model *model;
    const struct kt_sku *sku;    /* NULL: a type that the catalogue does not know, or nodes of the user's own */
    bool qlora;                  /* the method, compared without regard to case; absent: qlora (D04) */
    uint32_t compute_capability; /* of the GPU that will train, 10 * major + minor; 0: unknown */
    struct kt_trainer trainer;   /* the image for that GPU; a Job is made only when it runs there */
    bool float16;                /* the template is taken in its float16 form (D07) */
    const char *config_map;      /* name of the one that the Job mounts, in the Workspace's namespace */
    const char *template_name;   /* what the copy is made from, in the release namespace; NULL: the user's own */
};

/* node_capability: of the nodes that are there (see admission/node_capability.h), where the catalogue does not know the
 * machine; 0: unknown. KT_EINVAL with a message for the user (unknown or untunable model, unknown method, ...). */
int kt_tuning_plan(struct kt_arena *arena, const cJSON *workspace, const struct kt_settings *settings,
                   uint32_t node_capability, struct kt_tuning_plan *ret, struct kt_error *error) KT_NODISCARD;

/* The template as this program ships it: for the float16 forms, which an installation of upstream's does not have.
 * NULL: one that has to be in the release namespace. */
const cJSON *kt_tuning_template_at_hand(const struct kt_tuning_plan *plan);

/* The copy of a template for the Workspace's namespace. Not owned by anyone: Workspaces share it. KT_EINVAL when the
 * template has no usable training_config.yaml. */
int kt_tuning_config_map(struct kt_arena *arena, const struct kt_tuning_plan *plan, const cJSON *template_, cJSON **ret,
                         struct kt_error *error) KT_NODISCARD;

/* Would a tuning by this config map lose its result? Stricter than the Job itself, which is made as upstream makes it:
 * the trainer's output_dir must be where the result volume is. KT_EINVAL with a message for the user. */
int kt_tuning_check_config(struct kt_arena *arena, const cJSON *config_map, struct kt_error *error) KT_NODISCARD;

/* SHA-256 of a config map's data and binaryData: what a Job was made for. */
int kt_config_map_hash(struct kt_arena *arena, const cJSON *config_map, char ret[KT_CONFIG_HASH_BYTES],
                       struct kt_error *error) KT_NODISCARD;

struct kt_tuning_job_facts {
    const cJSON *config_map; /* the one that the Job will mount: TrainingArguments.output_dir is read from it */
    uint32_t gpu_count;      /* of the node; 0: the machine type's */
    const char *revision;    /* annotation; NULL: "1" */
    const char *config_hash; /* annotation; NULL: none */
};
/* The Job, for each pair of input (urls, image, volume) and output (image, volume). KT_EINVAL with a message for the
 * user: what is missing or cannot be read, or that no image can train on the GPU. */
int kt_tuning_job(struct kt_arena *arena, const struct kt_tuning_plan *plan, const struct kt_tuning_job_facts *facts,
                  cJSON **ret, struct kt_error *error) KT_NODISCARD;

#endif
