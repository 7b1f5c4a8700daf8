/* SPDX-License-Identifier: Apache-2.0 */
/* What the generator writes beside kt_models, kt_skus and kt_mig_profiles. Private to this folder. */
#ifndef KT_CATALOG_TABLES_H
#define KT_CATALOG_TABLES_H

#include "catalog/catalog.h"

struct kt_catalog_key {
    const char *key; /* lower case */
    uint32_t index;  /* into kt_models or kt_skus */
};

/* Every name, alias and Hugging Face id, sorted by byte value, each once. */
extern const struct kt_catalog_key kt_model_keys[];
extern const size_t kt_model_key_count;
/* Every name; the same name in two clouds stands twice, in the order of enum kt_cloud. */
extern const struct kt_catalog_key kt_sku_keys[];
extern const size_t kt_sku_key_count;
extern const size_t kt_mig_profile_count;

#endif
