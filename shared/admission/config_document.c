/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/config_document.h"

#include "admission/facts.h"
#include "admission/inference_facts.h"
#include "admission/shipped_templates.h"
#include "base/limits.h"
#include "text/yaml.h"

const char *kt_config_key_name(enum kt_config_key key)
{
    static const char *const names[KT_CONFIG_KEYS] = {"training_config.yaml", KT_INFERENCE_CONFIG_KEY};
    return names[key];
}

const char *kt_config_document_text(const cJSON *config_map, enum kt_config_key key)
{
    return kt_json_string(kt_json_path(config_map, "data", kt_config_key_name(key), NULL));
}

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

/* As it is written: `0x800` and `2_048` are numbers to YAML and to vLLM, but not to upstream's strconv.Atoi. */
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

static bool is_mark(struct kt_str line, const char *mark)
{
    return kt_str_starts_with(line, kt_str(mark)) && (line.length == 3 || strchr(" \t\r", line.data[3]) != NULL);
}

/* Is there anything behind the first document? The trainer's YAML reader ends on it, be it empty or broken, where
 * upstream's admission reads the first and stops. Marks count at the beginning of a line only, even inside a text. */
static bool has_second_document(const char *text)
{
    bool started = false;
    bool ended = false;
    for (const char *at = text; *at != '\0';) {
        struct kt_str line = {at, strcspn(at, "\n")};
        struct kt_str content = kt_str_trim(line);
        bool begins = is_mark(line, "---");
        bool counts = begins || (content.length > 0 && content.data[0] != '#' && content.data[0] != '%');
        if (is_mark(line, "...")) {
            ended = started;
        } else if (counts) {
            if (ended || (begins && started))
                return true;
            started = true;
        }
        at += line.length + (at[line.length] == '\n');
    }
    return false;
}

static void refuse(struct kt_arena *arena, const struct kt_error *error, struct kt_config_document *ret)
{
    const char *message = kt_arena_strdup(arena, error->message);
    ret->code = error->code;
    ret->problem = message ? message : "there is no memory to say what is wrong with it";
}

void kt_config_document_read(struct kt_arena *arena, enum kt_config_key key, const char *text,
                             struct kt_config_document *ret)
{
    struct kt_yaml_document document = {0};
    struct kt_error error = {0};
    size_t length = strlen(text);
    *ret = (struct kt_config_document){.code = KT_OK};
    if (length > KT_LIMIT_CONFIG_TEXT_BYTES) {
        kt_config_too_large(length, &error);
        ret->is_too_large = true;
        refuse(arena, &error, ret);
        return;
    }
    ret->root = key == KT_CONFIG_TRAINING ? kt_shipped_template_find(text) : NULL;
    ret->is_shipped = ret->root != NULL;
    if (ret->is_shipped) {
        return;
    }
    if (kt_yaml_parse_one(arena, kt_str(text), &document, &error) < 0) {
        refuse(arena, &error, ret);
        return;
    }
    ret->root = document.root;
    ret->has_second_document = key == KT_CONFIG_TRAINING && has_second_document(text);
    const cJSON *longest = key == KT_CONFIG_INFERENCE ? kt_json_path(ret->root, "vllm", "max-model-len", NULL) : NULL;
    if (longest && !kt_json_is_null(longest)) {
        ret->max_model_len = scalar_text(arena, kt_str(text), &document, longest);
    }
}

const struct kt_config_document *kt_config_document_of(struct kt_arena *arena, const struct kt_cluster *cluster,
                                                       const cJSON *config_map, enum kt_config_key key)
{
    static const struct kt_config_document no_memory = {.code = KT_ENOMEM, .problem = "there is no memory to read it"};
    const struct kt_config_document *known =
        cluster->config ? cluster->config(cluster->context, config_map, key) : NULL;
    if (known) {
        return known;
    }
    const char *text = kt_config_document_text(config_map, key);
    if (!text) {
        return NULL;
    }
    struct kt_config_document *document = kt_arena_alloc(arena, sizeof(*document));
    if (!document) {
        return &no_memory;
    }
    kt_config_document_read(arena, key, text, document);
    return document;
}
