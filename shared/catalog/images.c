/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/images.h"

const struct kt_trainer_image *kt_trainer_image_find(struct kt_str tag)
{
    for (size_t i = 0; i < kt_trainer_image_count; i++) {
        if (kt_str_equal(tag, kt_str(kt_trainer_images[i].tag)))
            return &kt_trainer_images[i];
    }
    return NULL;
}

/* ".0", ".10". */
static bool is_patch(struct kt_str text)
{
    for (size_t i = 1; i < text.length; i++) {
        if (!kt_ascii_is_digit(text.data[i]))
            return false;
    }
    return text.length > 1 && text.data[0] == '.';
}

/* "v0.12.0", "0.12.0" and "0.12" are of "v0.12". */
static bool is_of_release(struct kt_str version, const char *release)
{
    struct kt_str minor = kt_str(release);
    if (version.length > 0 && version.data[0] != 'v')
        minor = (struct kt_str){minor.data + 1, minor.length - 1};
    if (!kt_str_starts_with(version, minor))
        return false;
    struct kt_str patch = {version.data + minor.length, version.length - minor.length};
    return patch.length == 0 || is_patch(patch);
}

const struct kt_trainer_image *kt_trainer_image_of_release(struct kt_str version)
{
    for (size_t i = 0; i < kt_trainer_image_count; i++) {
        if (is_of_release(version, kt_trainer_images[i].release))
            return &kt_trainer_images[i];
    }
    return NULL;
}

const struct kt_trainer_image *kt_trainer_image_for_gpu(uint32_t compute_capability)
{
    const struct kt_trainer_image *found = NULL;
    for (size_t i = 0; i < kt_trainer_image_count; i++) {
        const struct kt_trainer_image *image = &kt_trainer_images[i];
        bool is_first = found == NULL;
        if (image->ours_from > 0 && (compute_capability == 0 ? is_first : image->ours_from <= compute_capability))
            found = image;
    }
    return found;
}

const struct kt_trainer_image *kt_trainer_image_newest(void)
{
    return &kt_trainer_images[kt_trainer_image_count - 1];
}

bool kt_trainer_image_has_kernels(const struct kt_trainer_image *image, uint32_t compute_capability, bool qlora)
{
    uint32_t oldest = qlora ? KT_MAX(image->oldest_gpu, image->oldest_gpu_qlora) : image->oldest_gpu;
    return compute_capability == 0 || compute_capability >= oldest;
}

bool kt_trainer_image_batches(const struct kt_trainer_image *image, enum kt_tuning_data data)
{
    return data == KT_DATA_COMPLETIONS ? image->batches_of_completions : image->batches_of_messages;
}
