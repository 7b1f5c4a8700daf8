/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/config_content.h"

#include <string.h>

#include "admission/shipped_templates.h"
#include "base/limits.h"
#include "webhook/cluster/store_pack.h"

/* A config as it was read, in an arena that goes. */
struct reading {
    struct kt_config_document document;
    struct kt_strbuf buffer;
    struct kt_packed packed; /* its tree, in the buffer; no nodes: none, or a shipped one, which stays */
    size_t problem_size;
    bool is_known;
};

/* Is all that was read worth keeping, and was it read in peace? What could not be read for want of memory or time is
 * left to those who have more. */
static bool is_worth_keeping(const struct kt_arena *arena, const struct reading *reading)
{
    return !arena->failed && reading->document.code != KT_ENOMEM &&
           reading->packed.nodes * sizeof(cJSON) <= KT_LIMIT_KEPT_CONFIG_TREE_BYTES;
}

/* Upstream's templates say what ours say, with other comments: there is nothing to keep, and nothing to judge. */
static void recognize(struct kt_arena *arena, enum kt_config_key key, struct kt_config_document *document)
{
    if (key != KT_CONFIG_TRAINING || !document->root || document->is_shipped || document->has_second_document)
        return;
    const cJSON *same = kt_shipped_template_like(arena, document->root);
    document->is_shipped = same != NULL;
    document->root = same ? same : document->root;
}

static void read_config(struct kt_arena *arena, const cJSON *config_map, enum kt_config_key key, struct reading *ret)
{
    const char *text = kt_config_document_text(config_map, key);
    size_t length = text ? strlen(text) : 0;
    if (!text || (length > KT_LIMIT_KEPT_CONFIG_BYTES && length <= KT_LIMIT_CONFIG_TEXT_BYTES))
        return;
    kt_config_document_read(arena, key, text, &ret->document);
    recognize(arena, key, &ret->document);
    if (ret->document.root && !ret->document.is_shipped &&
        !kt_store_pack_whole(ret->document.root, &ret->buffer, &ret->packed))
        return;
    ret->problem_size = ret->document.problem ? strlen(ret->document.problem) + 1 : 0;
    ret->is_known = is_worth_keeping(arena, ret);
}

struct place {
    cJSON *nodes;
    char *texts;
};

static const char *keep_text(struct place *place, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(place->texts, text, size);
    place->texts += size;
    return copy;
}

static void keep_reading(struct kt_config_document *document, const struct reading *reading, struct place *place)
{
    struct kt_packed packed = reading->packed;
    *document = reading->document;
    document->problem = keep_text(place, document->problem);
    document->max_model_len = keep_text(place, document->max_model_len);
    if (packed.nodes == 0)
        return;
    packed.bytes = memcpy(place->texts, packed.bytes, packed.length);
    place->texts += packed.length;
    kt_store_unpack(&packed, place->nodes);
    document->root = place->nodes;
    place->nodes += packed.nodes;
}

static struct kt_config_content *keep(const struct reading readings[KT_CONFIG_KEYS])
{
    size_t nodes = 0, bytes = sizeof(struct kt_config_content);
    for (size_t i = 0; i < KT_CONFIG_KEYS; i++) {
        const struct reading *reading = &readings[i];
        if (!reading->is_known)
            continue;
        const char *longest = reading->document.max_model_len;
        nodes += reading->packed.nodes;
        bytes += reading->packed.length + reading->problem_size + (longest ? strlen(longest) + 1 : 0);
    }
    bytes += nodes * sizeof(cJSON);
    struct kt_config_content *content = kt_heap_alloc(bytes);
    if (!content)
        return NULL;
    cJSON *first = (cJSON *)(content + 1);
    struct place place = {first, (char *)(first + nodes)};
    content->bytes = bytes;
    for (size_t i = 0; i < KT_CONFIG_KEYS; i++) {
        content->is_known[i] = readings[i].is_known;
        if (readings[i].is_known)
            keep_reading(&content->documents[i], &readings[i], &place);
    }
    return content;
}

static void make_hash(const cJSON *config_map, char ret[KT_CONFIG_HASH_BYTES])
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_error error;
    kt_arena_init(&arena, KT_LIMIT_CONFIG_MAP_ARENA_BYTES);
    if (kt_config_map_hash(&arena, config_map, ret, &error) != 0)
        ret[0] = '\0';
}

struct kt_config_content *kt_config_content_new(const cJSON *config_map)
{
    /* One for each key: what one of them costs takes nothing from the other. */
    struct kt_arena arenas[KT_CONFIG_KEYS];
    struct reading readings[KT_CONFIG_KEYS] = {0};
    for (size_t i = 0; i < KT_CONFIG_KEYS; i++) {
        kt_arena_init(&arenas[i], KT_LIMIT_CONFIG_MAP_ARENA_BYTES / KT_CONFIG_KEYS);
        kt_arena_limit_work(&arenas[i], KT_LIMIT_KEPT_CONFIG_WORK);
        kt_strbuf_init(&readings[i].buffer, NULL, KT_LIMIT_KEPT_CONFIG_TREE_BYTES);
        read_config(&arenas[i], config_map, (enum kt_config_key)i, &readings[i]);
    }
    struct kt_config_content *content = keep(readings);
    for (size_t i = 0; i < KT_CONFIG_KEYS; i++) {
        kt_strbuf_release(&readings[i].buffer);
        kt_arena_release(&arenas[i]);
    }
    if (content) {
        make_hash(config_map, content->hash);
        content->is_cut = !*content->hash || readings[KT_CONFIG_TRAINING].document.is_too_large;
    }
    return content;
}
