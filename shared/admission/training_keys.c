/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/training_keys.h"

#include <pthread.h>

#include "base/embedded.h"
#include "text/edit_distance.h"
#include "text/yaml.h"

#define TABLE_LIMIT_BYTES ((size_t)(4 * KT_MIB))
#define MAX_SECTIONS 8

struct renamed {
    const char *section;
    const char *name;
    const char *now;
};

struct table {
    struct kt_arena arena;
    const char *sections[MAX_SECTIONS + 1];
    struct kt_training_key *keys;
    size_t key_count;
    struct renamed *renamed;
    size_t renamed_count;
};

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static struct table loaded;
static bool is_loaded;

static const struct {
    const char *name;
    enum kt_training_type type;
} type_names[] = {
    {"text", KT_TRAINING_TEXT}, {"int", KT_TRAINING_INT},     {"number", KT_TRAINING_NUMBER},
    {"flag", KT_TRAINING_FLAG}, {"texts", KT_TRAINING_TEXTS}, {"ints", KT_TRAINING_INTS},
    {"map", KT_TRAINING_MAP},
};

/* --- loading ------------------------------------------------------------------------------------------------------ */

static size_t count_members(const cJSON *sections)
{
    const cJSON *section = NULL;
    size_t count = 0;
    cJSON_ArrayForEach(section, sections) count += kt_json_count(section);
    return count;
}

static bool parse_type(const char *name, enum kt_training_type *ret)
{
    for (size_t i = 0; name != NULL && i < KT_ARRAY_LENGTH(type_names); i++) {
        if (kt_streq(type_names[i].name, name)) {
            *ret = type_names[i].type;
            return true;
        }
    }
    return false;
}

static const char *scalar_text(struct kt_arena *arena, const cJSON *node)
{
    struct kt_strbuf text;
    if (node == NULL || kt_json_is_string(node))
        return kt_json_string(node);
    kt_strbuf_init(&text, arena, 256);
    kt_json_write(&text, node, KT_JSON_COMPACT);
    return text.data;
}

static struct kt_training_bound bound(const cJSON *key, const char *closed, const char *open)
{
    struct kt_training_bound ret = {.set = false};
    const cJSON *limit = kt_json_get(key, closed);
    if (limit == NULL) {
        limit = kt_json_get(key, open);
        ret.open = true;
    }
    ret.set = kt_json_double(limit, &ret.value);
    return ret;
}

static const char *const *choices(struct kt_arena *arena, const cJSON *list)
{
    const cJSON *item = NULL;
    const char **ret = NULL;
    size_t count = 0;
    if (list == NULL || (ret = kt_arena_calloc(arena, kt_json_count(list) + 1, sizeof(*ret))) == NULL)
        return NULL;
    cJSON_ArrayForEach(item, list) ret[count++] = scalar_text(arena, item);
    return ret;
}

static int load_keys(struct table *table, const cJSON *sections, struct kt_error *error)
{
    const cJSON *section = NULL;
    const cJSON *key = NULL;
    size_t section_count = 0;
    table->keys = kt_arena_calloc(&table->arena, count_members(sections), sizeof(*table->keys));
    if (table->keys == NULL)
        return kt_error_set(error, KT_ENOMEM, "no memory for the table of training keys");
    cJSON_ArrayForEach(section, sections)
    {
        if (section_count == MAX_SECTIONS)
            return kt_error_set(error, KT_EINTERNAL, "training_keys.yaml has more than %d sections", MAX_SECTIONS);
        table->sections[section_count++] = section->string;
        cJSON_ArrayForEach(key, section)
        {
            struct kt_training_key *row = &table->keys[table->key_count++];
            *row = (struct kt_training_key){
                .section = section->string,
                .name = key->string,
                .default_text = scalar_text(&table->arena, kt_json_get(key, "default")),
                .low = bound(key, "min", "above"),
                .high = bound(key, "max", "below"),
                .choices = choices(&table->arena, kt_json_get(key, "choices")),
            };
            if (!parse_type(kt_json_string(kt_json_get(key, "type")), &row->type))
                return kt_error_set(error, KT_EINTERNAL, "training_keys.yaml: %s.%s has no known type", row->section,
                                    row->name);
        }
    }
    return KT_OK;
}

static int load_renamed(struct table *table, const cJSON *sections, struct kt_error *error)
{
    const cJSON *section = NULL;
    const cJSON *key = NULL;
    table->renamed = kt_arena_calloc(&table->arena, count_members(sections), sizeof(*table->renamed));
    if (table->renamed == NULL)
        return kt_error_set(error, KT_ENOMEM, "no memory for the table of training keys");
    cJSON_ArrayForEach(section, sections)
    {
        cJSON_ArrayForEach(key, section)
        {
            table->renamed[table->renamed_count++] =
                (struct renamed){section->string, key->string, kt_json_string_or(key, "")};
        }
    }
    return KT_OK;
}

static int load(struct table *table, struct kt_error *error)
{
    struct kt_str text = {kt_embedded_training_keys.text, kt_embedded_training_keys.length};
    struct kt_yaml_document document;
    int result = kt_yaml_parse_one(&table->arena, text, &document, error);
    if (result == KT_OK)
        result = load_keys(table, kt_json_get(document.root, "sections"), error);
    if (result == KT_OK)
        result = load_renamed(table, kt_json_get(document.root, "renamed"), error);
    if (result == KT_OK && table->arena.failed)
        result = kt_error_set(error, KT_ENOMEM, "no memory for the table of training keys");
    return result;
}

/* NULL when memory is out; tried again at the next use. */
static const struct table *table_get(struct kt_error *error)
{
    bool ready;
    pthread_mutex_lock(&load_lock);
    if (!is_loaded) {
        struct table table = {.keys = NULL};
        kt_arena_init(&table.arena, TABLE_LIMIT_BYTES);
        if (load(&table, error) == KT_OK) {
            loaded = table;
            is_loaded = true;
        } else {
            kt_arena_release(&table.arena);
        }
    }
    ready = is_loaded;
    pthread_mutex_unlock(&load_lock);
    return ready ? &loaded : NULL;
}

/* --- looking up --------------------------------------------------------------------------------------------------- */

const char *const *kt_training_sections(struct kt_error *error)
{
    const struct table *table = table_get(error);
    return table ? table->sections : NULL;
}

const struct kt_training_key *kt_training_keys(size_t *ret_count, struct kt_error *error)
{
    const struct table *table = table_get(error);
    if (table == NULL)
        return NULL;
    *ret_count = table->key_count;
    return table->keys;
}

static const struct kt_training_key *find_in(const struct table *table, const char *section, const char *name)
{
    for (size_t i = 0; i < table->key_count; i++) {
        if (kt_streq(table->keys[i].name, name) && kt_streq(table->keys[i].section, section))
            return &table->keys[i];
    }
    return NULL;
}

const struct kt_training_key *kt_training_key_find(const char *section, const char *name)
{
    const struct table *table = table_get(NULL);
    return table ? find_in(table, section, name) : NULL;
}

const char *kt_training_section_suggest(const char *name)
{
    const struct table *table = table_get(NULL);
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, kt_str(name));
    for (size_t i = 0; table != NULL && table->sections[i] != NULL; i++)
        kt_nearest_offer(&nearest, table->sections[i]);
    return nearest.best;
}

/* --- guessing ----------------------------------------------------------------------------------------------------- */

static const struct kt_training_key *find_renamed(const struct table *table, const char *section, const char *name)
{
    for (size_t i = 0; i < table->renamed_count; i++) {
        if (kt_streq(table->renamed[i].name, name) && kt_streq(table->renamed[i].section, section))
            return find_in(table, section, table->renamed[i].now);
    }
    return NULL;
}

static const struct kt_training_key *find_elsewhere(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->key_count; i++) {
        if (kt_streq(table->keys[i].name, name))
            return &table->keys[i];
    }
    return NULL;
}

/* Does `name` begin `full`, where the parser has a form with - beside each name with _? The two are never mixed. */
static bool begins(const char *full, const char *name)
{
    size_t length = strlen(name);
    bool dashes = strchr(name, '-') != NULL;
    if (length == 0 || length > strlen(full))
        return false;
    for (size_t i = 0; i < length; i++) {
        char wanted = dashes && full[i] == '_' ? '-' : full[i];
        if (name[i] != wanted)
            return false;
    }
    return true;
}

/* argparse takes a beginning of exactly one option for that option, and all of a name before any longer one. */
static const struct kt_training_key *find_abbreviated(const struct table *table, const char *section, const char *name)
{
    const struct kt_training_key *found = NULL;
    for (size_t i = 0; i < table->key_count; i++) {
        const struct kt_training_key *key = &table->keys[i];
        if (!kt_streq(key->section, section) || !begins(key->name, name))
            continue;
        if (strlen(key->name) == strlen(name))
            return key;
        if (found != NULL)
            return NULL;
        found = key;
    }
    return found;
}

/* In shorter names one edit may be all that two names have in common. */
#define SLIP_CHARACTERS 4u

/* A slip of the fingers: at most one edit in eight characters, at least one. */
static bool is_slip(const char *name, const char *known)
{
    size_t longer = KT_MAX(strlen(name), strlen(known));
    return longer >= SLIP_CHARACTERS &&
           kt_edit_distance(kt_str(name), kt_str(known)) <= KT_MAX((size_t)1, longer / 8 + 1);
}

/* Of names too short for that: is one edit away from exactly one key? */
static bool is_short_slip(const struct table *table, const char *section, const char *name)
{
    size_t near = 0;
    for (size_t i = 0; i < table->key_count; i++) {
        if (kt_streq(table->keys[i].section, section))
            near += kt_edit_distance(kt_str(name), kt_str(table->keys[i].name)) == 1;
    }
    return near == 1;
}

enum kt_training_guess kt_training_key_guess(const char *section, const char *name,
                                             const struct kt_training_key **ret_key)
{
    const struct table *table = table_get(NULL);
    const struct kt_training_key *key = NULL;
    struct kt_nearest nearest;
    if (table == NULL)
        return KT_TRAINING_GUESS_NONE;
    if ((key = find_renamed(table, section, name)) != NULL) {
        *ret_key = key;
        return KT_TRAINING_GUESS_RENAMED;
    }
    if ((key = find_elsewhere(table, name)) != NULL) {
        *ret_key = key;
        return KT_TRAINING_GUESS_MISPLACED;
    }
    if ((key = find_abbreviated(table, section, name)) != NULL) {
        *ret_key = key;
        return KT_TRAINING_GUESS_ABBREVIATED;
    }
    kt_nearest_init(&nearest, kt_str(name));
    for (size_t i = 0; i < table->key_count; i++) {
        if (kt_streq(table->keys[i].section, section))
            kt_nearest_offer(&nearest, table->keys[i].name);
    }
    if (nearest.best == NULL)
        return KT_TRAINING_GUESS_NONE;
    *ret_key = find_in(table, section, nearest.best);
    if (strlen(name) < SLIP_CHARACTERS && strlen(nearest.best) < SLIP_CHARACTERS)
        return is_short_slip(table, section, name) ? KT_TRAINING_GUESS_MISSPELT : KT_TRAINING_GUESS_NONE;
    return is_slip(name, nearest.best) ? KT_TRAINING_GUESS_MISSPELT : KT_TRAINING_GUESS_NEAR;
}
