/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/extra.h"

#include "base/limits.h"
#include "base/strbuf.h"
#include "catalog/fields.h"
#include "text/json.h"

/* What is being read, for messages: "models[2]". */
struct place {
    struct kt_arena *arena;
    struct kt_error *error;
    const char *list;
    size_t index;
};

static int bad(const struct place *place, const char *key, const char *complaint)
{
    return kt_error_set(place->error, KT_EINVAL, "%s[%zu]%s%.80s: %s", place->list, place->index, key ? "." : "",
                        key ? key : "", complaint);
}

static int no_memory(const struct place *place)
{
    return kt_error_set(place->error, KT_ENOMEM, "no memory for the catalogue");
}

/* Text of a scalar as it was written; false for a list, a map or null. */
static bool scalar_text(struct kt_arena *arena, const cJSON *node, struct kt_str *ret)
{
    if (kt_json_is_string(node)) {
        *ret = kt_str_trim(kt_str(node->valuestring));
        *ret = kt_arena_str(arena, *ret);
        return true;
    }
    if (kt_json_is_number(node) || kt_json_is_bool(node)) {
        struct kt_strbuf buffer;
        kt_strbuf_init(&buffer, arena, KT_LIMIT_MESSAGE_BYTES);
        kt_json_write(&buffer, node, KT_JSON_COMPACT);
        *ret = buffer.failed ? (struct kt_str){NULL, 0} : kt_strbuf_view(&buffer);
        return true;
    }
    return false;
}

static int read_names(const struct place *place, const cJSON *node, const char **names, size_t maximum,
                      size_t *ret_count)
{
    size_t count = 0;
    const cJSON *item;
    if (!kt_json_is_array(node) || kt_json_count(node) > maximum) {
        return bad(place, node->string, "must be a list of a few names");
    }
    cJSON_ArrayForEach(item, node)
    {
        struct kt_str text;
        if (!kt_json_is_string(item) || !scalar_text(place->arena, item, &text)) {
            return bad(place, node->string, "must be a list of names");
        }
        if (!text.data) {
            return no_memory(place);
        }
        if (!kt_field_text_ok(text)) {
            return bad(place, node->string, "has a name that is not plain text");
        }
        names[count++] = text.data;
    }
    *ret_count = count;
    return 0;
}

static int read_modules(const struct place *place, const cJSON *node, struct kt_architecture *architecture)
{
    const cJSON *item;
    if (!kt_json_is_object(node) || kt_json_count(node) > KT_MODEL_MAX_MODULES) {
        return bad(place, "modules", "must be a map of at most 8 modules");
    }
    cJSON_ArrayForEach(item, node)
    {
        int64_t in = 0;
        int64_t out = 0;
        struct kt_str name = kt_str(item->string);
        if (kt_json_count(item) != 2 || !kt_json_is_array(item) || !kt_json_int64(kt_json_item(item, 0), &in) ||
            !kt_json_int64(kt_json_item(item, 1), &out) || in < 1 || out < 1 || in > KT_FIELD_MAX_FEATURES ||
            out > KT_FIELD_MAX_FEATURES || !kt_field_text_ok(name)) {
            return bad(place, "modules", "a module is written as name: [in_features, out_features]");
        }
        const char *copy = kt_arena_strdup(place->arena, name.data);
        if (!copy) {
            return no_memory(place);
        }
        architecture->modules[architecture->module_count++] =
            (struct kt_linear_module){copy, (uint32_t)in, (uint32_t)out};
    }
    return 0;
}

static int read_map(const struct place *place, const cJSON *node, const struct kt_field *fields, size_t field_count,
                    void *entry);

static int read_nested(const struct place *place, const cJSON *node, struct kt_model_entry *entry)
{
    struct kt_model *model = &entry->model;
    size_t count = 0;
    int r;
    if (kt_streq(node->string, "architecture")) {
        return read_map(place, node, kt_architecture_fields, KT_ARRAY_LENGTH(kt_architecture_fields),
                        &model->architecture);
    }
    if (kt_streq(node->string, "modules")) {
        return read_modules(place, node, &model->architecture);
    }
    if (kt_streq(node->string, "aliases")) {
        return read_names(place, node, entry->aliases, KT_ENTRY_MAX_ALIASES, &count);
    }
    r = read_names(place, node, model->default_targets, KT_MODEL_MAX_MODULES, &count);
    model->default_target_count = (uint32_t)count;
    return r;
}

static int read_field(const struct place *place, const cJSON *node, const struct kt_field *field, void *entry)
{
    struct kt_str text;
    if (field->kind == KT_FIELD_NESTED) {
        return read_nested(place, node, entry);
    }
    if (!scalar_text(place->arena, node, &text)) {
        return bad(place, field->key, "must be a single value");
    }
    if (!text.data) {
        return no_memory(place);
    }
    const char *complaint = kt_field_set(field, entry, text);
    return complaint ? bad(place, field->key, complaint) : 0;
}

static int read_map(const struct place *place, const cJSON *node, const struct kt_field *fields, size_t field_count,
                    void *entry)
{
    uint64_t seen = 0;
    const cJSON *member;
    if (!kt_json_is_object(node)) {
        return bad(place, node->string, "must be a map");
    }
    cJSON_ArrayForEach(member, node)
    {
        size_t i = 0;
        while (i < field_count && !kt_streq(fields[i].key, member->string)) {
            i++;
        }
        if (i == field_count || (seen & (UINT64_C(1) << i))) {
            return bad(place, member->string, i == field_count ? "unknown key" : "stands twice");
        }
        seen |= UINT64_C(1) << i;
        int r = read_field(place, member, &fields[i], entry);
        if (r < 0) {
            return r;
        }
    }
    for (size_t i = 0; i < field_count; i++) {
        if (fields[i].required && !(seen & (UINT64_C(1) << i))) {
            return bad(place, fields[i].key, "is missing");
        }
    }
    return 0;
}

/* --- the two lists --------------------------------------------------------------------------------------------------
 */

static bool is_called(const struct kt_model *model, struct kt_str name)
{
    if (kt_str_equal_nocase(kt_str(model->name), name) ||
        (model->hugging_face && kt_str_equal_nocase(kt_str(model->hugging_face), name))) {
        return true;
    }
    for (size_t i = 0; model->aliases && model->aliases[i]; i++) {
        if (kt_str_equal_nocase(kt_str(model->aliases[i]), name)) {
            return true;
        }
    }
    return false;
}

static const struct kt_model *find_model(const struct kt_model *models, size_t count, struct kt_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (is_called(&models[i], name)) {
            return &models[i];
        }
    }
    return NULL;
}

static const struct kt_sku *find_sku(const struct kt_sku *skus, size_t count, enum kt_cloud cloud, struct kt_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (skus[i].cloud == cloud && kt_str_equal_nocase(kt_str(skus[i].name), name)) {
            return &skus[i];
        }
    }
    return NULL;
}

static int read_model(const struct place *place, const cJSON *node, struct kt_model *models)
{
    struct kt_model_entry entry = {0};
    int r = read_map(place, node, kt_model_fields, KT_ARRAY_LENGTH(kt_model_fields), &entry);
    if (r < 0) {
        return r;
    }
    const char *complaint = kt_model_entry_finish(&entry);
    if (complaint || entry.model.status != KT_MODEL_CURRENT) {
        return bad(place, NULL, complaint ? complaint : "a model of your own cannot be retired");
    }
    if (entry.aliases[0]) {
        const char **aliases = kt_arena_calloc(place->arena, KT_ENTRY_MAX_ALIASES + 1, sizeof(*aliases));
        if (!aliases) {
            return no_memory(place);
        }
        memcpy(aliases, entry.aliases, sizeof(entry.aliases));
        entry.model.aliases = aliases;
    }
    entry.model.was_tunable = entry.model.was_tunable || entry.model.tunable;
    if (find_model(models, place->index, kt_str(entry.model.name))) {
        return bad(place, "name", "stands twice");
    }
    models[place->index] = entry.model;
    return 0;
}

static int read_sku(const struct place *place, const cJSON *node, struct kt_sku *skus)
{
    struct kt_sku_entry entry = {0};
    int r = read_map(place, node, kt_sku_fields, KT_ARRAY_LENGTH(kt_sku_fields), &entry);
    if (r < 0) {
        return r;
    }
    const char *complaint = kt_sku_entry_finish(&entry);
    if (complaint || !entry.sku.current) {
        return bad(place, NULL, complaint ? complaint : "a machine type of your own cannot be retired");
    }
    if (find_sku(skus, place->index, entry.sku.cloud, kt_str(entry.sku.name))) {
        return bad(place, "name", "stands twice");
    }
    skus[place->index] = entry.sku;
    return 0;
}

/* The list of this name: *ret_items is zeroed memory for its entries. An absent list is empty. */
static int open_list(const struct place *place, const cJSON *tree, size_t item_size, const cJSON **ret_list,
                     void **ret_items, size_t *ret_count)
{
    const cJSON *list = kt_json_get(tree, place->list);
    size_t count = kt_json_count(list);
    if (list && !kt_json_is_array(list)) {
        return kt_error_set(place->error, KT_EINVAL, "%s: must be a list", place->list);
    }
    if (count > KT_LIMIT_CATALOG_ENTRIES) {
        return kt_error_set(place->error, KT_ELIMIT, "%s: more than %d entries", place->list, KT_LIMIT_CATALOG_ENTRIES);
    }
    void *items = kt_arena_calloc(place->arena, count, item_size);
    if (!items) {
        return no_memory(place);
    }
    *ret_list = list;
    *ret_items = items;
    *ret_count = count;
    return 0;
}

static int check_sections(const cJSON *tree, struct kt_error *error)
{
    const cJSON *member;
    if (!kt_json_is_object(tree)) {
        return kt_error_set(error, KT_EINVAL, "a catalogue is a map with the lists models and skus");
    }
    cJSON_ArrayForEach(member, tree)
    {
        if (!kt_streq(member->string, "models") && !kt_streq(member->string, "skus")) {
            return kt_error_set(error, KT_EINVAL, "%.80s: unknown key, a catalogue has the lists models and skus",
                                member->string);
        }
    }
    return 0;
}

int kt_catalog_extra_parse(struct kt_arena *arena, const cJSON *tree, struct kt_catalog *ret, struct kt_error *error)
{
    struct place place = {.arena = arena, .error = error, .list = "models"};
    struct kt_catalog result = {0};
    const cJSON *list = NULL;
    const cJSON *item;
    void *items = NULL;
    int r = check_sections(tree, error);
    if (r < 0) {
        return r;
    }
    r = open_list(&place, tree, sizeof(struct kt_model), &list, &items, &result.model_count);
    if (r < 0) {
        return r;
    }
    result.models = items;
    cJSON_ArrayForEach(item, list)
    {
        r = read_model(&place, item, items);
        if (r < 0) {
            return r;
        }
        place.index++;
    }
    place.list = "skus";
    place.index = 0;
    r = open_list(&place, tree, sizeof(struct kt_sku), &list, &items, &result.sku_count);
    if (r < 0) {
        return r;
    }
    result.skus = items;
    cJSON_ArrayForEach(item, list)
    {
        r = read_sku(&place, item, items);
        if (r < 0) {
            return r;
        }
        place.index++;
    }
    *ret = result;
    return 0;
}

const struct kt_model *kt_catalog_find_model(const struct kt_catalog *extra, struct kt_str name)
{
    const struct kt_model *found = extra ? find_model(extra->models, extra->model_count, name) : NULL;
    return found ? found : kt_model_find(name);
}

const struct kt_sku *kt_catalog_find_sku(const struct kt_catalog *extra, enum kt_cloud cloud, struct kt_str name)
{
    const struct kt_sku *found = extra ? find_sku(extra->skus, extra->sku_count, cloud, name) : NULL;
    return found ? found : kt_sku_find(cloud, name);
}
