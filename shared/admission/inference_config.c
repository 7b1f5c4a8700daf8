/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an inference config map the way upstream v0.12.0's check does: into a map `vllm` of plain values. The text of
 * max-model-len is taken as written, because upstream judges the text: `0x800` and `2_048` are numbers to YAML and to
 * vLLM, but not to its strconv.Atoi.
 */
#include "admission/facts.h"
#include "admission/go_number.h"
#include "admission/inference_facts.h"
#include "admission/rule_words.h"
#include "base/limits.h"
#include "text/names.h"
#include "text/yaml.h"

#define MAX_MODEL_LEN "max-model-len"
#define MAX_MODEL_LEN_MISSPELT "max_model_len"

/* Start of the line, or an empty rest when the text has fewer lines. */
static struct kt_str from_line(struct kt_str text, uint32_t line)
{
    for (uint32_t at = 1; at < line; at++) {
        size_t end = kt_str_find_char(text, '\n');
        if (end == SIZE_MAX) {
            return (struct kt_str){NULL, 0};
        }
        text = (struct kt_str){text.data + end + 1, text.length - end - 1};
    }
    return text;
}

/* The plain scalar at a position: up to white space or what ends a value inside [] or {}. Empty when there is none. */
static struct kt_str plain_scalar_at(struct kt_str text, struct kt_position position)
{
    if (position.line == 0 || position.column == 0) {
        return (struct kt_str){NULL, 0};
    }
    struct kt_str line = from_line(text, position.line);
    size_t skip = kt_utf8_prefix(line, position.column - 1);
    struct kt_str rest = {line.data + skip, line.length - skip};
    size_t length = 0;
    while (length < rest.length && !memchr(" \t\r\n,]}", rest.data[length], 7)) {
        length++;
    }
    return (struct kt_str){rest.data, length};
}

static const char *scalar_text(struct kt_arena *arena, struct kt_str source, const struct kt_yaml_document *document,
                               const cJSON *node)
{
    if (kt_json_is_string(node)) {
        return kt_json_string(node);
    }
    struct kt_str plain = plain_scalar_at(source, kt_positions_of_value(document->positions, node));
    /* An alias or a tagged value does not stand there as such: then the value as YAML understands it must do. */
    bool starts_a_value = plain.length > 0 && (kt_ascii_is_alnum(plain.data[0]) || memchr("+-.", plain.data[0], 3));
    if (starts_a_value) {
        return kt_arena_strndup(arena, plain.data, plain.length);
    }
    struct kt_strbuf written;
    kt_strbuf_init(&written, arena, KT_LIMIT_JSON_STRING_BYTES);
    kt_json_write(&written, node, KT_JSON_COMPACT);
    return written.failed ? NULL : written.data;
}

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

static void read_text(struct kt_arena *arena, struct kt_str text, struct kt_inference_config *ret)
{
    struct kt_yaml_document document = {0};
    struct kt_error error = {0};
    if (text.length > KT_LIMIT_CONFIG_TEXT_BYTES) {
        kt_config_too_large(text.length, &error);
        ret->state = KT_INFERENCE_CONFIG_TOO_LARGE;
        ret->problem = kt_arena_strdup(arena, error.message);
        ret->upstream_reads_it = true;
        return;
    }
    if (kt_yaml_parse_one(arena, text, &document, &error) < 0) {
        ret->state = KT_INFERENCE_CONFIG_UNPARSABLE;
        ret->problem = kt_arena_strdup(arena, error.message);
        /* Upstream's parser has a limit too, on aliases alone. */
        ret->upstream_reads_it = error.code == KT_ELIMIT && !strstr(error.message, "aliases");
        return;
    }
    const cJSON *vllm = kt_json_get(document.root, "vllm");
    ret->problem = wrong_kind(arena, document.root, vllm);
    ret->state = ret->problem ? KT_INFERENCE_CONFIG_WRONG_KIND : KT_INFERENCE_CONFIG_READ;
    if (ret->problem) {
        return;
    }
    ret->misspelt_key = kt_json_get(vllm, MAX_MODEL_LEN_MISSPELT) ? MAX_MODEL_LEN_MISSPELT : NULL;
    const cJSON *longest = kt_json_get(vllm, MAX_MODEL_LEN);
    if (longest && !kt_json_is_null(longest)) {
        read_max_model_len(arena, scalar_text(arena, text, &document, longest), &ret->max_model_len);
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
    const char *text = kt_json_string(kt_json_path(config_map, "data", KT_INFERENCE_CONFIG_KEY, NULL));
    if (!text) {
        ret->state = KT_INFERENCE_CONFIG_NO_KEY;
        return;
    }
    read_text(arena, kt_str(text), ret);
}
