/* SPDX-License-Identifier: Apache-2.0 */
/* The pod of a tuning while it is put together. Private to shared/workload. */
#ifndef KT_WORKLOAD_TUNING_POD_H
#define KT_WORKLOAD_TUNING_POD_H

#include "workload/tuning.h"

#define KT_DATA_DIR "/mnt/data"
#define KT_DATA_VOLUME "data-volume"
#define KT_RESULTS_VOLUME "results-volume"

struct kt_tuning_pod {
    struct kt_arena *arena;
    const struct kt_tuning_plan *plan;
    const char *output_dir;   /* where results-volume is mounted */
    const char *output_image; /* that the adapter is pushed as; NULL: it stays on a volume */
    uint32_t gpu_count;
    cJSON *spec;
    cJSON *init_containers;
    cJSON *containers;
    cJSON *volumes;
    cJSON *trainer; /* its container, already among containers */
};

/* Adds what brings the data into data-volume, and mounts it. KT_EINVAL, KT_ELIMIT. */
int kt_tuning_add_input(struct kt_tuning_pod *pod, struct kt_error *error) KT_NODISCARD;
/* Adds the look at its rows, behind that. sections: the config's `training_config`. */
void kt_tuning_add_dataset(struct kt_tuning_pod *pod, const cJSON *sections);
/* Reads where the adapter goes (output_image) and adds what proves that it can go there: before all other init
 * containers. KT_EINVAL. */
int kt_tuning_begin_output(struct kt_tuning_pod *pod, struct kt_error *error) KT_NODISCARD;
/* Adds the pusher for an output image; for a volume what looks whether the adapter is there. */
void kt_tuning_add_output(struct kt_tuning_pod *pod);

/* An image reference in full, as `docker pull` understands it: "busybox" is "docker.io/library/busybox:latest". field
 * is for the message. KT_EINVAL, KT_ENOMEM. */
int kt_tuning_full_image(struct kt_arena *arena, const char *field, const char *text, bool allows_digest,
                         const char **ret, struct kt_error *error) KT_NODISCARD;

#endif
