/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/kubeconfig_reader.h"

#include <string.h>

#include "text/base64.h"

bool kt_reader_fail(struct kt_reader *reader, int code)
{
    if (reader->code == 0)
        reader->code = code;
    return false;
}

bool kt_reader_no_memory(struct kt_reader *reader)
{
    if (reader->code != 0)
        return false;
    return kt_reader_fail(
        reader, kt_error_set(reader->error, KT_ENOMEM, "cannot read kubeconfig %s: not enough memory", reader->path));
}

bool kt_reader_wrong_kind(struct kt_reader *reader, const struct kt_reader_place *place, const char *key,
                          const char *wanted, const cJSON *value)
{
    if (reader->code != 0)
        return false;
    const char *dot = *place->inner && *key ? "." : "";
    const char *between = *place->inner || *key ? "." : "";
    const char *hint =
        kt_streq(wanted, "text") && !kt_json_is_object(value) && !kt_json_is_array(value) ? "; put it in quotes" : "";
    return kt_reader_fail(reader, kt_error_set(reader->error, KT_EPARSE,
                                               "cannot read kubeconfig %s: %s[%zu]%s%s%s%s must be %s, not %s%s",
                                               reader->path, place->list, place->index, between, place->inner, dot, key,
                                               wanted, kt_json_kind(value), hint));
}

const char *kt_reader_path(struct kt_reader *reader, const char *path)
{
    if (*path == '\0' || *path == '/')
        return path;
    const char *slash = strrchr(reader->path, '/');
    if (!slash)
        return path;
    while (strncmp(path, "./", 2) == 0)
        path += 2; /* only for the looks of messages */
    const char *joined = kt_arena_printf(reader->arena, "%.*s/%s", (int)(slash - reader->path), reader->path, path);
    if (!joined)
        kt_reader_no_memory(reader);
    return joined ? joined : path;
}

static bool read_bytes(struct kt_reader *reader, const struct kt_reader_place *place, const char *key, const char *text,
                       struct kt_str *ret)
{
    if (reader->code != 0)
        return false;
    struct kt_error inner = {0};
    int code = kt_base64_decode(reader->arena, kt_str(text), ret, &inner);
    if (code == 0)
        return true;
    return kt_reader_fail(reader,
                          kt_error_set(reader->error, inner.code, "cannot read kubeconfig %s: %s[%zu].%s.%s: %s",
                                       reader->path, place->list, place->index, place->inner, key, inner.message));
}

static void read_field(struct kt_reader *reader, const struct kt_reader_place *place, const cJSON *value,
                       const struct kt_reader_field *field, char *object)
{
    void *target = object + field->offset;
    bool absent = !value || kt_json_is_null(value);
    if (field->kind == KT_READER_BOOL) {
        if (!absent && !kt_json_is_bool(value))
            kt_reader_wrong_kind(reader, place, field->key, "true or false", value);
        *(bool *)target = kt_json_true(value);
        return;
    }
    if (!absent && !kt_json_is_string(value))
        kt_reader_wrong_kind(reader, place, field->key, "text", value);
    const char *text = kt_json_string_or(value, "");
    if (field->kind == KT_READER_BYTES) {
        *(struct kt_str *)target = (struct kt_str){"", 0};
        if (*text)
            read_bytes(reader, place, field->key, text, target);
        return;
    }
    *(const char **)target = field->kind == KT_READER_PATH ? kt_reader_path(reader, text) : text;
}

void kt_reader_fields(struct kt_reader *reader, const struct kt_reader_place *place, const cJSON *node,
                      const struct kt_reader_field *fields, size_t count, void *object)
{
    for (size_t i = 0; i < count; i++)
        read_field(reader, place, kt_json_get(node, fields[i].key), &fields[i], object);
}

const cJSON *kt_reader_object(struct kt_reader *reader, const struct kt_reader_place *place, const cJSON *node,
                              const char *key)
{
    const cJSON *value = kt_json_get(node, key);
    if (!value || kt_json_is_null(value))
        return NULL;
    if (!kt_json_is_object(value)) {
        kt_reader_wrong_kind(reader, place, key, "an object", value);
        return NULL;
    }
    return value;
}

const char *const *kt_reader_texts(struct kt_reader *reader, const struct kt_reader_place *place, const cJSON *list,
                                   const char *key)
{
    if (!list || kt_json_is_null(list))
        return NULL;
    if (!kt_json_is_array(list)) {
        kt_reader_wrong_kind(reader, place, key, "a list", list);
        return NULL;
    }
    const char **texts = kt_arena_calloc(reader->arena, kt_json_count(list) + 1, sizeof(*texts));
    if (!texts) {
        kt_reader_no_memory(reader);
        return NULL;
    }
    size_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (!kt_json_is_string(item)) {
            kt_reader_wrong_kind(reader, place, key, "a list of text", item);
            return NULL;
        }
        texts[count++] = kt_json_string(item);
    }
    return texts;
}
