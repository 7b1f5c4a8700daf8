/* SPDX-License-Identifier: Apache-2.0 */
/* The tables for documents. */
#include "generator.h"

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

void write_markdown(void)
{
    printf("| model | family | weights | longest context | tuning | status |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < tables.model_count; i++) {
        const struct kt_model *model = &tables.models[i].model;
        printf("| %s | %s | %s | ", model->name, model->family, or_dash(model->weights_text));
        if (model->token_limit) {
            printf("%" PRIu32 " | ", model->token_limit);
        } else {
            printf("- | ");
        }
        printf("%s | ", model->tunable ? "yes" : model->was_tunable ? "was" : "-");
        if (model->status == KT_MODEL_CURRENT) {
            printf("current |\n");
        } else {
            printf("gone since %s: %s |\n", model->retired_in, model->replacement);
        }
    }
    printf("\n| cloud | machine type | GPUs | GiB | compute capability | USD/h | status "
           "|\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < tables.sku_count; i++) {
        const struct kt_sku *sku = &tables.skus[i].sku;
        printf("| %s | %s | ", kt_cloud_names[sku->cloud], sku->name);
        if (sku->gpu_count) {
            printf("%" PRIu32 " x %s | %" PRIu64 " | ", sku->gpu_count, sku->gpu_model, sku->memory_bytes / KT_GIB);
        } else {
            printf("%s | - | ", sku->gpu_model);
        }
        if (sku->compute_capability) {
            printf("%" PRIu32 ".%" PRIu32, sku->compute_capability / 10, sku->compute_capability % 10);
        }
        if (sku->price_milli_usd_per_hour) {
            printf(" | %" PRIu32 ".%03" PRIu32 " | ", sku->price_milli_usd_per_hour / 1000,
                   sku->price_milli_usd_per_hour % 1000);
        } else {
            printf(" | - | ");
        }
        if (sku->current) {
            printf("current |\n");
        } else {
            printf("%s%s: %s |\n", sku->retired_in ? "gone since " : "never supported",
                   sku->retired_in ? sku->retired_in : "", sku->replacement);
        }
    }
    printf("\n| image | runs in Kaito | ours on | kernels from (lora, qlora) | torch | transformers | trl | peft | "
           "bitsandbytes | reads | seen |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < tables.image_count; i++) {
        const struct kt_trainer_image *image = &tables.images[i];
        printf("| kaito-base:%s | %s | ", image->tag, image->release);
        if (image->ours_from > 0) {
            uint32_t end = 0;
            for (size_t j = i + 1; j < tables.image_count && end == 0; j++) {
                end = tables.images[j].ours_from;
            }
            printf("%" PRIu32 ".%" PRIu32, image->ours_from / 10, image->ours_from % 10);
            if (end > 0) {
                printf(" to below %" PRIu32 ".%" PRIu32, end / 10, end % 10);
            } else {
                printf(" and above");
            }
        }
        printf(" | %" PRIu32 ".%" PRIu32 ", %" PRIu32 ".%" PRIu32 " | ", image->oldest_gpu / 10, image->oldest_gpu % 10,
               image->oldest_gpu_qlora / 10, image->oldest_gpu_qlora % 10);
        printf("%s | %s | %s | %s | %s | %s | %s |\n", image->torch, image->transformers, image->trl, image->peft,
               image->bitsandbytes, image->reads, image->seen);
    }
}
