/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a ConfigMap beside what is kept of it: made once a version, when it comes. */
#ifndef KT_WEBHOOK_CLUSTER_CONFIG_CONTENT_H
#define KT_WEBHOOK_CLUSTER_CONFIG_CONTENT_H

#include "admission/config_document.h"
#include "workload/tuning.h"

struct kt_config_content {
    char hash[KT_CONFIG_HASH_BYTES]; /* kt_config_map_hash of the whole object; "": it could not be made */
    bool is_cut;                     /* no hash, or a training config too large to be kept: read the object itself */
    bool is_known[KT_CONFIG_KEYS];   /* what the config says */
    struct kt_config_document documents[KT_CONFIG_KEYS];
    size_t bytes; /* of this and all that it points to, in one block */
};

/* Of a whole ConfigMap. What is costly to read or to keep (KT_LIMIT_KEPT_CONFIG_BYTES) is left to the review that needs
 * it. kt_heap_free gives it back; NULL without memory. */
struct kt_config_content *kt_config_content_new(const cJSON *config_map) KT_NODISCARD;

#endif
