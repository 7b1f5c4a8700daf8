/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/trainer_words.h"

const char *kt_capability_text(struct kt_arena *arena, uint32_t compute_capability)
{
    return kt_arena_printf(arena, "%u.%u", compute_capability / 10, compute_capability % 10);
}

const char *kt_trainer_name(struct kt_arena *arena, const struct kt_settings *settings,
                            const struct kt_trainer *trainer)
{
    if (settings->trainer_image)
        return kt_arena_printf(arena, "kaito-base:%.128s, which is set as the image that trains", trainer->tag);
    if (settings->release_image)
        return kt_arena_printf(arena, "kaito-base:%s, which Kaito %s trains with", trainer->tag,
                               settings->release_image->release);
    return kt_arena_printf(arena, "kaito-base:%s", trainer->tag);
}

static const char *what_would_train(struct kt_arena *arena, const struct kt_settings *settings,
                                    uint32_t compute_capability, bool qlora)
{
    const struct kt_trainer_image *image = kt_trainer_image_for_gpu(compute_capability);
    if (!image || !kt_trainer_image_has_kernels(image, compute_capability, qlora))
        return "";
    return kt_arena_printf(arena,
                           settings->trainer_image ? "; kaito-base:%s has them: set that, or leave the image to the GPU"
                                                   : "; kaito-base:%s has them, and this project's reconciler takes it",
                           image->tag);
}

const char *kt_trainer_refusal(struct kt_arena *arena, const struct kt_settings *settings,
                               const struct kt_trainer *trainer, const char *gpu_name, uint32_t compute_capability,
                               bool qlora)
{
    if (trainer->runs)
        return NULL;
    const struct kt_trainer_image *image = trainer->image;
    uint32_t oldest = qlora ? KT_MAX(image->oldest_gpu, image->oldest_gpu_qlora) : image->oldest_gpu;
    const char *gpu = gpu_name ? gpu_name : "this GPU";
    const char *harm = "the trainer would end at its first step, on a node that is paid for";
    if (trainer->is_chosen)
        return kt_arena_printf(arena,
                               "no image that trains has kernels for %s (compute capability %s): those that are used "
                               "begin at %s, and %s",
                               gpu, kt_capability_text(arena, compute_capability), kt_capability_text(arena, oldest),
                               harm);
    return kt_arena_printf(arena, "%s, has kernels for compute capability %s and above, and %s has %s: %s%s",
                           kt_trainer_name(arena, settings, trainer), kt_capability_text(arena, oldest), gpu,
                           kt_capability_text(arena, compute_capability), harm,
                           what_would_train(arena, settings, compute_capability, qlora));
}
