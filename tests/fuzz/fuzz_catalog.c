/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a user's additions to the catalogue, and as a model's config.json: entries that can be used, or an error
 * that says what is wrong. */
#include <stdlib.h>

#include "catalog/extra.h"
#include "plugin/hf_config.c" /* part of a program, so that no library has it */
#include "text/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_extra(struct kt_arena *arena, const cJSON *tree)
{
    struct kt_catalog catalog = {0};
    struct kt_error error = {0};
    int code = kt_catalog_extra_parse(arena, tree, &catalog, &error);
    demand(code == 0 || (code == (int)error.code && *error.message));
    for (size_t i = 0; code == 0 && i < catalog.model_count; i++) {
        demand(catalog.models[i].name && *catalog.models[i].name);
        demand(catalog.models[i].architecture.module_count <= KT_MODEL_MAX_MODULES);
        demand(kt_catalog_find_model(&catalog, kt_str(catalog.models[i].name)) != NULL);
    }
    for (size_t i = 0; code == 0 && i < catalog.sku_count; i++)
        demand(kt_catalog_find_sku(&catalog, catalog.skus[i].cloud, kt_str(catalog.skus[i].name)) != NULL);
}

static void check_model(struct kt_arena *arena, const cJSON *tree)
{
    struct kt_model model;
    struct kt_error error = {0};
    int code = kt_hf_config_model(arena, tree, "owner/name", &model, &error);
    demand(code == 0 || (code == (int)error.code && *error.message));
    demand(code != 0 || model.architecture.module_count <= KT_MODEL_MAX_MODULES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_yaml_document document;
    kt_arena_init(&arena, (size_t)(32 * KT_MIB));
    if (kt_yaml_parse_one(&arena, (struct kt_str){(const char *)data, size}, &document, NULL) != 0)
        return 0;
    check_extra(&arena, document.root);
    check_model(&arena, document.root);
    return 0;
}
