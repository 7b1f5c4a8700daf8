/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the text of a training or inference config says, as far as it can be told without knowing who asks. Whoever
 * keeps ConfigMaps may make it once a version (struct kt_cluster, config); else it is made in the review.
 */
#ifndef KT_ADMISSION_CONFIG_DOCUMENT_H
#define KT_ADMISSION_CONFIG_DOCUMENT_H

#include "admission/cluster.h"
#include "base/error.h"

/* Read-only once it is made. */
struct kt_config_document {
    int code;                  /* KT_OK, or why it cannot be read: KT_EPARSE, KT_ELIMIT, KT_ENOMEM */
    const char *problem;       /* the message of that; NULL when it can be read */
    bool is_too_large;         /* beyond KT_LIMIT_CONFIG_TEXT_BYTES: not looked at; KT_ELIMIT */
    bool is_shipped;           /* a training config that says what one of this version's templates says */
    bool has_second_document;  /* a training config with more behind its first YAML document */
    const cJSON *root;         /* NULL when it cannot be read, and of an empty text */
    const char *max_model_len; /* of an inference config: vllm.max-model-len as it is written, since upstream judges the
                                  text; NULL: it has none */
};

/* data[...] of the ConfigMap. */
const char *kt_config_key_name(enum kt_config_key key);
/* Of a ConfigMap that `find` has given; NULL when it has no text under that key. May have KT_ENOMEM as code. */
const struct kt_config_document *kt_config_document_of(struct kt_arena *arena, const struct kt_cluster *cluster,
                                                       const cJSON *config_map, enum kt_config_key key);
/* The text of a config, or NULL. */
const char *kt_config_document_text(const cJSON *config_map, enum kt_config_key key);
/* Reads it anew. Everything that ret points to is in the arena, or was never allocated. */
void kt_config_document_read(struct kt_arena *arena, enum kt_config_key key, const char *text,
                             struct kt_config_document *ret);

#endif
