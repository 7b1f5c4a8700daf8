/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model outside the catalogue, from the config.json of its Hugging Face repository. Enough for an estimate; what
 * Kaito can do with such a model is another question.
 */
#ifndef KT_PLUGIN_HF_CONFIG_H
#define KT_PLUGIN_HF_CONFIG_H

#include "base/error.h"
#include "catalog/catalog.h"
#include "text/json.h"

/* Reads the members that sizes follow from. Known: phi3 (fused modules), the llama family (llama, mistral, qwen2,
 * qwen3, gemma and others alike), falcon, phi. name (may be NULL) is what the model is called; otherwise the config's
 * own _name_or_path. KT_EINVAL names the member that is missing or odd, or the types that are known. Everything in the
 * arena. Sizes of weights are for 16-bit files. */
int kt_hf_config_model(struct kt_arena *arena, const cJSON *config, const char *name, struct kt_model *ret,
                       struct kt_error *error) KT_NODISCARD;

#endif
