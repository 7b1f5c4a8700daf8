/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the catalogue as text for people and as trees for -o json. Everything is made in the arena. */
#ifndef KT_PLUGIN_CATALOG_TEXT_H
#define KT_PLUGIN_CATALOG_TEXT_H

#include "admission/settings.h"
#include "plugin/command.h"
#include "text/json.h"

/* "131072"; NULL for 0. */
const char *kt_text_tokens(struct kt_arena *arena, uint32_t tokens);
/* "3.67" of thousandths of a dollar, rounded half up; NULL for 0, unknown. */
const char *kt_text_price(struct kt_arena *arena, uint64_t milli_usd);
/* "16 GiB", of one GPU; NULL when unknown. */
const char *kt_text_gpu_memory(struct kt_arena *arena, const struct kt_sku *sku);
/* "current", "retired in v0.11.0", "deprecated". */
const char *kt_text_model_status(struct kt_arena *arena, const struct kt_model *model);
/* "current", "retired in v0.9.0", "never supported". */
const char *kt_text_sku_status(struct kt_arena *arena, const struct kt_sku *sku);
/* "0.4.2", the tag of the image kaito-base that tunes on it; NULL: no image can. */
const char *kt_text_sku_image(const struct kt_sku *sku, const struct kt_settings *settings);
/* "7.0"; NULL when unknown. */
const char *kt_text_capability(struct kt_arena *arena, uint32_t compute_capability);

cJSON *kt_tree_model(struct kt_arena *arena, const struct kt_model *model);
/* settings say which image tunes. */
cJSON *kt_tree_sku(struct kt_arena *arena, const struct kt_sku *sku, const struct kt_settings *settings);
/* Dollars, or a null node when unknown. */
cJSON *kt_tree_price(struct kt_arena *arena, uint64_t milli_usd);

/* Pages of `describe`. The cheapest machine types are those of the settings' cloud. */
void kt_text_describe_model(struct kt_app *app, struct kt_strbuf *text, const struct kt_model *model,
                            const struct kt_settings *settings);
void kt_text_describe_sku(struct kt_app *app, struct kt_strbuf *text, const struct kt_sku *sku,
                          const struct kt_settings *settings);

#endif
