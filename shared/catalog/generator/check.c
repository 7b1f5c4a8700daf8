/* SPDX-License-Identifier: Apache-2.0 */
/* Checks over all entries. */
#include "generator.h"

void lower(char *target, const char *text)
{
    size_t i = 0;
    for (; text[i] && i < MAX_KEY_LENGTH; i++) {
        target[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    }
    target[i] = '\0';
}

static int compare_lower(const char *a, const char *b)
{
    char lower_a[MAX_KEY_LENGTH + 1];
    char lower_b[MAX_KEY_LENGTH + 1];
    lower(lower_a, a);
    lower(lower_b, b);
    return strcmp(lower_a, lower_b);
}

void check_models(const struct source *source)
{
    for (size_t i = 0; i < tables.model_count; i++) {
        const struct kt_model *model = &tables.models[i].model;
        bool found = model->replacement == NULL;
        for (size_t j = 0; j < tables.model_count && !found; j++) {
            found = tables.models[j].model.status == KT_MODEL_CURRENT &&
                    kt_streq(tables.models[j].model.name, model->replacement) &&
                    (tables.models[j].model.tunable || !model->was_tunable);
        }
        if (!found) {
            complain(source, tables.model_lines[i], "%s: no current (and tunable, if this was) model %s", model->name,
                     model->replacement);
        }
        if (i > 0 && compare_lower(tables.models[i - 1].model.name, model->name) >= 0) {
            complain(source, tables.model_lines[i], "%s is not in its place", model->name);
        }
    }
}

void check_skus(const struct source *source)
{
    for (size_t i = 0; i < tables.sku_count; i++) {
        const struct kt_sku *sku = &tables.skus[i].sku;
        bool found = sku->replacement == NULL;
        for (size_t j = 0; j < tables.sku_count && !found; j++) {
            found = tables.skus[j].sku.current && tables.skus[j].sku.cloud == sku->cloud &&
                    kt_streq(tables.skus[j].sku.name, sku->replacement);
        }
        if (!found) {
            complain(source, tables.sku_lines[i], "%s: no current type %s in this cloud", sku->name, sku->replacement);
        }
        if (i > 0 && (tables.skus[i - 1].sku.cloud > sku->cloud ||
                      (tables.skus[i - 1].sku.cloud == sku->cloud &&
                       compare_lower(tables.skus[i - 1].sku.name, sku->name) >= 0))) {
            complain(source, tables.sku_lines[i], "%s is not in its place", sku->name);
        }
    }
}

static bool is_image(const char *tag)
{
    for (size_t i = 0; i < tables.image_count; i++) {
        if (kt_streq(tables.images[i].tag, tag)) {
            return true;
        }
    }
    return false;
}

/* Every GPU that one of ours is taken for must have kernels in it. */
void check_images(const struct source *source)
{
    uint32_t last = 0;
    if (tables.image_count == 0) {
        complain(source, 0, "no image");
    }
    for (size_t i = 0; i < tables.image_count; i++) {
        const struct kt_trainer_image *image = &tables.images[i];
        if (!is_image(image->keys)) {
            complain(source, tables.image_lines[i], "%s: there is no row %s whose keys it could have", image->tag,
                     image->keys);
        }
        for (size_t j = 0; j < i; j++) {
            if (kt_streq(tables.images[j].tag, image->tag) || kt_streq(tables.images[j].release, image->release)) {
                complain(source, tables.image_lines[i], "%s: its tag or release stands twice", image->tag);
            }
        }
        if (image->ours_from > 0 && (image->ours_from <= last || image->ours_from < image->oldest_gpu ||
                                     image->ours_from < image->oldest_gpu_qlora)) {
            complain(source, tables.image_lines[i], "%s: ours_from must grow, and stay where there are kernels",
                     image->tag);
        }
        last = image->ours_from > 0 ? image->ours_from : last;
    }
}
