/* SPDX-License-Identifier: Apache-2.0 */
/* What a tuning's config map says, read for its workload. Private to shared/workload. */
#ifndef KT_WORKLOAD_TRAINING_CONFIG_H
#define KT_WORKLOAD_TRAINING_CONFIG_H

#include "base/error.h"
#include "text/json.h"

/* The tree of data["training_config.yaml"], which has a map `training_config`. In the arena, a copy of nothing shared:
 * it may be changed. KT_EINVAL with a message that names the config map; KT_ENOMEM. */
int kt_training_config_read(struct kt_arena *arena, const cJSON *config_map, cJSON **ret,
                            struct kt_error *error) KT_NODISCARD;

/* Where the trainer's results are mounted: TrainingArguments.output_dir as upstream v0.12.0 takes it (below /mnt when
 * it does not begin so, cleaned; /mnt/output when there is none). KT_EINVAL for a place that no volume can be mounted
 * on. */
int kt_training_output_dir(struct kt_arena *arena, const cJSON *training_config, const char **ret,
                           struct kt_error *error) KT_NODISCARD;

#endif
