/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/training_keys.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/embedded.h"
#include "text/edit_distance.h"
#include "text/yaml.h"

#define TABLE_LIMIT_BYTES ((size_t)(4 * KT_MIB))
#define MAX_SECTIONS 8
#define MAX_IMAGES 32 /* bits of kt_training_key.images */
#define BUCKETS 256   /* of the keys by their name: some 200 */

struct renamed {
    const char *section;
    const char *name;
    const char *now;
};

struct table {
    struct kt_arena arena;
    const char *images[MAX_IMAGES]; /* tags, from old to new */
    size_t image_count;
    const char *sections[MAX_SECTIONS + 1];
    bool has_keys[MAX_SECTIONS];
    struct kt_training_key *keys;
    size_t key_count;
    const uint16_t *first; /* of each bucket: the number of a key from 1, or 0 */
    const uint16_t *next;  /* of each key: that of the next in its bucket, or 0 */
    struct renamed *renamed;
    size_t renamed_count;
};

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static struct table loaded;
static atomic_bool is_loaded; /* once it is, nobody locks */

static const struct {
    const char *name;
    enum kt_training_type type;
} type_names[] = {
    {"text", KT_TRAINING_TEXT}, {"int", KT_TRAINING_INT},     {"number", KT_TRAINING_NUMBER},
    {"flag", KT_TRAINING_FLAG}, {"texts", KT_TRAINING_TEXTS}, {"ints", KT_TRAINING_INTS},
    {"map", KT_TRAINING_MAP},
};

/* --- loading ------------------------------------------------------------------------------------------------------ */

/* Members of all sections; a list counts as many as it has items. */
static size_t count_members(const cJSON *sections)
{
    const cJSON *section = NULL;
    const cJSON *member = NULL;
    size_t count = 0;
    cJSON_ArrayForEach(section, sections)
    {
        cJSON_ArrayForEach(member, section) count += kt_json_is_array(member) ? kt_json_count(member) : 1;
    }
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

static uint32_t bit_of(const struct table *table, const char *tag)
{
    for (size_t i = 0; i < table->image_count; i++) {
        if (kt_streq(table->images[i], tag))
            return UINT32_C(1) << i;
    }
    return 0;
}

static int load_images(struct table *table, const cJSON *images, struct kt_error *error)
{
    const cJSON *image = NULL;
    cJSON_ArrayForEach(image, images)
    {
        const char *tag = scalar_text(&table->arena, image);
        if (table->image_count == MAX_IMAGES || tag == NULL || kt_trainer_image_find(kt_str(tag)) == NULL)
            return kt_error_set(error, KT_EINTERNAL, "training_keys.yaml: image %zu is in no row of images.yaml",
                                table->image_count);
        table->images[table->image_count++] = tag;
    }
    return KT_OK;
}

/* The images that a row is for; all where it names none. */
static uint32_t images_of(struct table *table, const cJSON *row)
{
    const cJSON *names = kt_json_get(row, "images");
    const cJSON *name = NULL;
    uint32_t images = 0;
    cJSON_ArrayForEach(name, names)
    {
        const char *tag = scalar_text(&table->arena, name);
        images |= tag != NULL ? bit_of(table, tag) : 0;
    }
    return names != NULL ? images : (uint32_t)((UINT64_C(1) << table->image_count) - 1);
}

static int load_key(struct table *table, const char *section, const char *name, const cJSON *from,
                    struct kt_error *error)
{
    struct kt_training_key *row = &table->keys[table->key_count++];
    *row = (struct kt_training_key){
        .section = section,
        .name = name,
        .images = images_of(table, from),
        .default_text = scalar_text(&table->arena, kt_json_get(from, "default")),
        .low = bound(from, "min", "above"),
        .high = bound(from, "max", "below"),
        .choices = choices(&table->arena, kt_json_get(from, "choices")),
        .missing = choices(&table->arena, kt_json_get(from, "missing")),
    };
    if (row->images == 0 || !parse_type(kt_json_string(kt_json_get(from, "type")), &row->type))
        return kt_error_set(error, KT_EINTERNAL, "training_keys.yaml: %s.%s has no known type or image", section, name);
    return KT_OK;
}

static int load_section(struct table *table, const cJSON *section, struct kt_error *error)
{
    const cJSON *key = NULL;
    const cJSON *variant = NULL;
    int result = KT_OK;
    cJSON_ArrayForEach(key, section)
    {
        if (!kt_json_is_array(key)) {
            result = load_key(table, section->string, key->string, key, error);
        } else {
            cJSON_ArrayForEach(variant, key)
            {
                if (result == KT_OK)
                    result = load_key(table, section->string, key->string, variant, error);
            }
        }
        if (result != KT_OK)
            return result;
    }
    return KT_OK;
}

static int load_keys(struct table *table, const cJSON *sections, struct kt_error *error)
{
    const cJSON *section = NULL;
    size_t section_count = 0;
    table->keys = kt_arena_calloc(&table->arena, count_members(sections), sizeof(*table->keys));
    if (table->keys == NULL)
        return kt_error_set(error, KT_ENOMEM, "no memory for the table of training keys");
    cJSON_ArrayForEach(section, sections)
    {
        if (section_count == MAX_SECTIONS)
            return kt_error_set(error, KT_EINTERNAL, "training_keys.yaml has more than %d sections", MAX_SECTIONS);
        table->has_keys[section_count] = kt_json_count(section) > 0;
        table->sections[section_count++] = section->string;
        int result = load_section(table, section, error);
        if (result != KT_OK)
            return result;
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

/* Of all names in the file: length and three characters tell most of them apart. */
static size_t bucket_of(const char *name)
{
    size_t length = strlen(name);
    const unsigned char *text = (const unsigned char *)name;
    size_t last = length > 0 ? length - 1 : 0;
    return (length * 61 + text[0] * 7u + text[length / 2] * 31u + text[last]) % BUCKETS;
}

/* Each bucket in the order of the file. */
static int sort_by_name(struct table *table, struct kt_error *error)
{
    uint16_t *first = kt_arena_calloc(&table->arena, BUCKETS, sizeof(*first));
    uint16_t *next = kt_arena_calloc(&table->arena, table->key_count + 1, sizeof(*next));
    if (first == NULL || next == NULL)
        return kt_error_set(error, KT_ENOMEM, "no memory for the table of training keys");
    for (size_t i = table->key_count; i > 0; i--) {
        size_t bucket = bucket_of(table->keys[i - 1].name);
        next[i - 1] = first[bucket];
        first[bucket] = (uint16_t)i;
    }
    table->first = first;
    table->next = next;
    return KT_OK;
}

static int load(struct table *table, struct kt_error *error)
{
    struct kt_str text = {kt_embedded_training_keys.text, kt_embedded_training_keys.length};
    struct kt_yaml_document document;
    int result = kt_yaml_parse_one(&table->arena, text, &document, error);
    if (result == KT_OK)
        result = load_images(table, kt_json_get(document.root, "images"), error);
    if (result == KT_OK)
        result = load_keys(table, kt_json_get(document.root, "sections"), error);
    if (result == KT_OK)
        result = sort_by_name(table, error);
    if (result == KT_OK)
        result = load_renamed(table, kt_json_get(document.root, "renamed"), error);
    if (result == KT_OK && table->arena.failed)
        result = kt_error_set(error, KT_ENOMEM, "no memory for the table of training keys");
    return result;
}

/* NULL when memory is out; tried again at the next use. */
static const struct table *table_get(struct kt_error *error)
{
    if (atomic_load_explicit(&is_loaded, memory_order_acquire))
        return &loaded;
    pthread_mutex_lock(&load_lock);
    if (!is_loaded) {
        struct table table = {.keys = NULL};
        kt_arena_init(&table.arena, TABLE_LIMIT_BYTES);
        if (load(&table, error) == KT_OK) {
            loaded = table;
            atomic_store_explicit(&is_loaded, true, memory_order_release);
        } else {
            kt_arena_release(&table.arena);
        }
    }
    bool ready = is_loaded;
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

static uint32_t parser_of(const struct table *table, const struct kt_trainer_image *image)
{
    return bit_of(table, (image != NULL ? image : kt_trainer_image_newest())->keys);
}

static const struct kt_training_key *find_in(const struct table *table, uint32_t images, const char *section,
                                             const char *name)
{
    for (size_t i = table->first[bucket_of(name)]; i > 0; i = table->next[i - 1]) {
        const struct kt_training_key *key = &table->keys[i - 1];
        if ((key->images & images) != 0 && kt_streq(key->name, name) && kt_streq(key->section, section))
            return key;
    }
    return NULL;
}

bool kt_training_section_has_keys(const char *section)
{
    const struct table *table = table_get(NULL);
    for (size_t i = 0; table != NULL && table->sections[i] != NULL; i++) {
        if (kt_streq(table->sections[i], section))
            return table->has_keys[i];
    }
    return false;
}

bool kt_training_key_in(const struct kt_training_key *key, const struct kt_trainer_image *image)
{
    const struct table *table = table_get(NULL);
    return table != NULL && (key->images & parser_of(table, image)) != 0;
}

const struct kt_training_key *kt_training_key_find(const struct kt_trainer_image *image, const char *section,
                                                   const char *name)
{
    const struct table *table = table_get(NULL);
    return table != NULL ? find_in(table, parser_of(table, image), section, name) : NULL;
}

const struct kt_training_key *kt_training_key_elsewhere(const struct kt_trainer_image *image, const char *section,
                                                        const char *name)
{
    const struct table *table = table_get(NULL);
    const struct kt_training_key *found = NULL;
    if (table == NULL || find_in(table, parser_of(table, image), section, name) != NULL)
        return NULL;
    for (size_t i = table->image_count; i > 0 && found == NULL; i--)
        found = find_in(table, UINT32_C(1) << (i - 1), section, name);
    return found;
}

const char *kt_training_key_newest_image(const struct kt_training_key *key)
{
    const struct table *table = table_get(NULL);
    for (size_t i = table != NULL ? table->image_count : 0; i > 0; i--) {
        if (key->images >> (i - 1) & 1u)
            return table->images[i - 1];
    }
    return "";
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

static const struct kt_training_key *find_renamed(const struct table *table, uint32_t images, const char *section,
                                                  const char *name)
{
    for (size_t i = 0; i < table->renamed_count; i++) {
        if (kt_streq(table->renamed[i].name, name) && kt_streq(table->renamed[i].section, section))
            return find_in(table, images, section, table->renamed[i].now);
    }
    return NULL;
}

static const struct kt_training_key *find_elsewhere(const struct table *table, uint32_t images, const char *name)
{
    for (size_t i = 0; i < table->key_count; i++) {
        if ((table->keys[i].images & images) != 0 && kt_streq(table->keys[i].name, name))
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
static const struct kt_training_key *find_abbreviated(const struct table *table, uint32_t images, const char *section,
                                                      const char *name)
{
    const struct kt_training_key *found = NULL;
    for (size_t i = 0; i < table->key_count; i++) {
        const struct kt_training_key *key = &table->keys[i];
        if ((key->images & images) == 0 || !kt_streq(key->section, section) || !begins(key->name, name))
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
static bool is_short_slip(const struct table *table, uint32_t images, const char *section, const char *name)
{
    size_t near = 0;
    for (size_t i = 0; i < table->key_count; i++) {
        const struct kt_training_key *key = &table->keys[i];
        if ((key->images & images) != 0 && strlen(key->name) <= SLIP_CHARACTERS && kt_streq(key->section, section))
            near += kt_edit_distance(kt_str(name), kt_str(table->keys[i].name)) == 1;
    }
    return near == 1;
}

enum kt_training_guess kt_training_key_guess(const struct kt_trainer_image *image, const char *section,
                                             const char *name, const struct kt_training_key **ret_key)
{
    const struct table *table = table_get(NULL);
    uint32_t images = table != NULL ? parser_of(table, image) : 0;
    const struct kt_training_key *key = NULL;
    struct kt_nearest nearest;
    if (table == NULL)
        return KT_TRAINING_GUESS_NONE;
    if ((key = find_renamed(table, images, section, name)) != NULL) {
        *ret_key = key;
        return KT_TRAINING_GUESS_RENAMED;
    }
    if ((key = find_elsewhere(table, images, name)) != NULL) {
        *ret_key = key;
        return KT_TRAINING_GUESS_MISPLACED;
    }
    if ((key = find_abbreviated(table, images, section, name)) != NULL) {
        *ret_key = key;
        return KT_TRAINING_GUESS_ABBREVIATED;
    }
    kt_nearest_init(&nearest, kt_str(name));
    for (size_t i = 0; i < table->key_count; i++) {
        if ((table->keys[i].images & images) != 0 && kt_streq(table->keys[i].section, section))
            kt_nearest_offer(&nearest, table->keys[i].name);
    }
    if (nearest.best == NULL)
        return KT_TRAINING_GUESS_NONE;
    *ret_key = find_in(table, images, section, nearest.best);
    if (strlen(name) < SLIP_CHARACTERS && strlen(nearest.best) < SLIP_CHARACTERS)
        return is_short_slip(table, images, section, name) ? KT_TRAINING_GUESS_MISSPELT : KT_TRAINING_GUESS_NONE;
    return is_slip(name, nearest.best) ? KT_TRAINING_GUESS_MISSPELT : KT_TRAINING_GUESS_NEAR;
}
