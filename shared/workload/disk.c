/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/disk.h"

#include <inttypes.h>

#include "catalog/catalog.h"

#define LEAST_GIB 40
#define MOST_GIB 1024
#define INFERENCE_BESIDE_WEIGHTS_GIB 80

/* In GiB. The trainer's image is about 25 unpacked (CUDA, torch, vLLM), and a layer is on the disk packed too while it
 * is pulled. Data sets for tuning are small, but nobody says how small, and the trainer's libraries keep a converted
 * copy of them. */
#define SYSTEM_GIB 10
#define IMAGES_GIB 35
#define DATA_COPY_GIB 10
#define DATA_GIB 10    /* when the data itself lies on the node's disk too */
#define RESULTS_GIB 10 /* unless they go to the user's volume */
/* A kubelet evicts pods when less than 10% (its disk) or 15% (its images) is free. */
#define USABLE_PERCENT 85

static uint64_t bytes_to_gib(uint64_t bytes)
{
    return (bytes + KT_GIB - 1) / KT_GIB;
}

static int64_t tuning_gib(const struct kt_tuning *tuning, const struct kt_model *model)
{
    uint64_t need_gib = SYSTEM_GIB + IMAGES_GIB + DATA_COPY_GIB + bytes_to_gib(model->weights_bytes);
    need_gib += tuning->input.volume ? 0 : DATA_GIB;
    need_gib += tuning->output.volume ? 0 : RESULTS_GIB;
    need_gib = (need_gib * 100 + USABLE_PERCENT - 1) / USABLE_PERCENT;
    return (int64_t)KT_MAX(LEAST_GIB, KT_MIN(need_gib, (uint64_t)MOST_GIB));
}

int64_t kt_disk_gib(const struct kt_workspace *workspace)
{
    const char *name = workspace->tuning.node ? workspace->tuning.preset.name : workspace->inference.preset.name;
    const struct kt_model *model = name ? kt_model_find(kt_str(name)) : NULL;
    if (!model || model->weights_bytes == 0)
        return MOST_GIB;
    if (workspace->tuning.node)
        return tuning_gib(&workspace->tuning, model);
    return (int64_t)(model->weights_bytes / KT_GIB) + INFERENCE_BESIDE_WEIGHTS_GIB;
}

const char *kt_disk_quantity(struct kt_arena *arena, int64_t gib)
{
    return gib > 0 && gib % 1024 == 0 ? kt_arena_printf(arena, "%" PRId64 "Ti", gib / 1024)
                                      : kt_arena_printf(arena, "%" PRId64 "Gi", gib);
}
