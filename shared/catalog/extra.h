/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's own models and machine types: a catalogue file or a ConfigMap with the lists `models` and `skus` in the
 * very form of models.yaml and skus.yaml (without mig_profiles). They go before the built-in tables, so an entry with a
 * built-in name, say with another price, takes its place.
 */
#ifndef KT_CATALOG_EXTRA_H
#define KT_CATALOG_EXTRA_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/error.h"
#include "catalog/catalog.h"

struct kt_catalog {
    const struct kt_model *models;
    size_t model_count;
    const struct kt_sku *skus;
    size_t sku_count;
};

/* Reads a tree of text/json.h or text/yaml.h. Everything that *ret points to is in the arena and does not refer to the
 * tree. KT_EINVAL names the entry and key and what is wrong with it (unknown, missing or repeated keys, values out of
 * range, an entry twice, an entry that is marked as retired); KT_ELIMIT: more than KT_LIMIT_CATALOG_ENTRIES; KT_ENOMEM.
 */
int kt_catalog_extra_parse(struct kt_arena *arena, const cJSON *tree, struct kt_catalog *ret,
                           struct kt_error *error) KT_NODISCARD;

/* As kt_model_find and kt_sku_find, with the additions first; extra may be NULL. */
const struct kt_model *kt_catalog_find_model(const struct kt_catalog *extra, struct kt_str name);
const struct kt_sku *kt_catalog_find_sku(const struct kt_catalog *extra, enum kt_cloud cloud, struct kt_str name);

#endif
