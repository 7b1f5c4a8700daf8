/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an inference config map the way upstream v0.12.0's check does: into a map `vllm` of plain values.
 */
#include "admission/config_document.h"
#include "admission/go_number.h"
#include "admission/inference_facts.h"
#include "admission/rule_words.h"
#include "text/names.h"

#define MAX_MODEL_LEN_MISSPELT "max_model_len"

static void read_max_model_len(struct kt_arena *arena, const char *written, struct kt_max_model_len *ret)
{
    struct kt_str trimmed = kt_str_trim(kt_str(written));
    if (trimmed.length == 0) {
        return;
    }
    ret->text = kt_arena_strndup(arena, trimmed.data, trimmed.length);
    ret->is_integer = kt_go_atoi(trimmed, &ret->tokens);
}

/* NULL, or what is wrong with the kinds of values. */
static const char *wrong_kind(struct kt_arena *arena, const cJSON *root, const cJSON *vllm)
{
    if (root && !kt_json_is_null(root) && !kt_json_is_object(root)) {
        return kt_arena_printf(arena, "the whole file is of kind %s; it must be a map with a section `vllm:`",
                               kt_json_kind(root));
    }
    if (vllm && !kt_json_is_null(vllm) && !kt_json_is_object(vllm)) {
        return kt_arena_printf(arena, "`vllm` is of kind %s; it must be a map of vLLM's options", kt_json_kind(vllm));
    }
    const cJSON *option;
    cJSON_ArrayForEach(option, vllm)
    {
        if (kt_json_is_object(option) || kt_json_is_array(option)) {
            return kt_arena_printf(arena, "`vllm.%s` is of kind %s; an option of vLLM must be a plain value",
                                   kt_rule_cut(arena, option->string), kt_json_kind(option));
        }
    }
    return NULL;
}

static void read_document(struct kt_arena *arena, const struct kt_config_document *document,
                          struct kt_inference_config *ret)
{
    if (document->code != KT_OK) {
        ret->state = document->is_too_large ? KT_INFERENCE_CONFIG_TOO_LARGE : KT_INFERENCE_CONFIG_UNPARSABLE;
        ret->problem = document->problem;
        /* Upstream's parser has a limit too, on aliases alone. */
        ret->upstream_reads_it =
            document->code == KT_ELIMIT && document->problem && !strstr(document->problem, "aliases");
        return;
    }
    const cJSON *vllm = kt_json_get(document->root, "vllm");
    ret->problem = wrong_kind(arena, document->root, vllm);
    ret->state = ret->problem ? KT_INFERENCE_CONFIG_WRONG_KIND : KT_INFERENCE_CONFIG_READ;
    if (ret->problem) {
        return;
    }
    ret->misspelt_key = kt_json_get(vllm, MAX_MODEL_LEN_MISSPELT) ? MAX_MODEL_LEN_MISSPELT : NULL;
    if (document->max_model_len) {
        read_max_model_len(arena, document->max_model_len, &ret->max_model_len);
    }
}

void kt_inference_config_read(struct kt_arena *arena, const struct kt_cluster *cluster, const char *namespace_,
                              const char *config_name, struct kt_inference_config *ret)
{
    *ret = (struct kt_inference_config){.state = KT_INFERENCE_CONFIG_NONE};
    if (!config_name || !*config_name || kt_names_dns1123_subdomain(kt_str(config_name))) {
        return;
    }
    ret->name = config_name;
    ret->namespace_ = namespace_ && *namespace_ ? namespace_ : "default";
    const cJSON *config_map = NULL;
    enum kt_lookup found = cluster->find(cluster->context, "ConfigMap", ret->namespace_, config_name, &config_map);
    if (found != KT_LOOKUP_FOUND) {
        ret->state = found == KT_LOOKUP_ABSENT ? KT_INFERENCE_CONFIG_ABSENT : KT_INFERENCE_CONFIG_UNKNOWN;
        return;
    }
    const struct kt_config_document *document = kt_config_document_of(arena, cluster, config_map, KT_CONFIG_INFERENCE);
    if (!document) {
        ret->state = KT_INFERENCE_CONFIG_NO_KEY;
        return;
    }
    read_document(arena, document, ret);
}
