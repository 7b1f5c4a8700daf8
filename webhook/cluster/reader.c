/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/reader.h"

#include <string.h>

#include "text/names.h"
#include "webhook/cluster/config_content.h"

void kt_cluster_reader_begin(struct kt_cluster_reader *reader, struct kt_cache *cache, struct kt_store_slot *slot,
                             struct kt_arena *arena, const struct kt_lookup_request *answers)
{
    *reader = (struct kt_cluster_reader){.cache = cache, .slot = slot, .answers = answers, .arena = arena};
    if (!cache)
        return;
    reader->config_maps = kt_store_enter(cache->store, slot, KT_KIND_CONFIG_MAP);
    reader->nodes = kt_store_enter(cache->store, slot, KT_KIND_NODE);
}

void kt_cluster_reader_end(struct kt_cluster_reader *reader)
{
    if (reader->cache)
        kt_store_leave(reader->slot);
}

/* Notes what the cache lacks, once each. What does not fit the table stays unknown. */
static void want(struct kt_cluster_reader *reader, const char *namespace_, const char *name)
{
    for (size_t i = 0; i < reader->missing_count; i++)
        if (kt_streq(reader->missing[i].namespace_, namespace_) && kt_streq(reader->missing[i].name, name))
            return;
    if (reader->missing_count == KT_LOOKUP_NEEDS)
        return;
    struct kt_lookup_need *need = &reader->missing[reader->missing_count];
    *need = (struct kt_lookup_need){.result = KT_LOOKUP_UNKNOWN};
    if (strlen(namespace_) >= sizeof(need->namespace_) || strlen(name) >= sizeof(need->name))
        return; /* no object can have such a name */
    if (kt_names_dns1123_label(kt_str(namespace_)) || kt_names_dns1123_subdomain(kt_str(name)))
        return;
    memcpy(need->namespace_, namespace_, strlen(namespace_) + 1);
    memcpy(need->name, name, strlen(name) + 1);
    reader->missing_count++;
}

static enum kt_lookup give(struct kt_cluster_reader *reader, const struct kt_store_entry *entry, const cJSON **ret)
{
    reader->found[reader->found_count++ % KT_ARRAY_LENGTH(reader->found)] = entry;
    *ret = kt_store_entry_object(entry);
    return KT_LOOKUP_FOUND;
}

static enum kt_lookup answered(struct kt_cluster_reader *reader, const char *namespace_, const char *name,
                               const cJSON **ret)
{
    for (size_t i = 0; i < reader->answers->need_count; i++) {
        const struct kt_lookup_need *need = &reader->answers->needs[i];
        if (!kt_streq(need->namespace_, namespace_) || !kt_streq(need->name, name))
            continue;
        return need->result == KT_LOOKUP_FOUND ? give(reader, need->entry, ret) : need->result;
    }
    return KT_LOOKUP_UNKNOWN;
}

static enum kt_lookup find_object(void *context, const char *kind, const char *namespace_, const char *name,
                                  const cJSON **ret)
{
    struct kt_cluster_reader *reader = context;
    /* Only ConfigMaps: the server has no right to read Secrets, and needs none of the other kinds. */
    if (!reader->cache || !namespace_ || !name || !name[0] || !kt_streq(kind, "ConfigMap"))
        return KT_LOOKUP_UNKNOWN;
    const struct kt_store_entry *entry =
        reader->config_maps ? kt_published_find(reader->config_maps, namespace_, name) : NULL;
    if (entry)
        return give(reader, entry, ret);
    /* Absent here may mean created a moment ago in the same `kubectl apply`: only the API server knows. */
    if (reader->answers)
        return answered(reader, namespace_, name, ret);
    want(reader, namespace_, name);
    return KT_LOOKUP_UNKNOWN;
}

static enum kt_lookup all_nodes(void *context, const cJSON *const **ret, size_t *ret_count)
{
    struct kt_cluster_reader *reader = context;
    if (!reader->nodes || !kt_published_is_complete(reader->nodes))
        return KT_LOOKUP_UNKNOWN;
    size_t count = kt_published_count(reader->nodes);
    const cJSON **nodes = kt_arena_calloc(reader->arena, KT_MAX(count, (size_t)1), sizeof(*nodes));
    if (!nodes)
        return KT_LOOKUP_UNKNOWN;
    for (size_t i = 0; i < count; i++)
        nodes[i] = kt_store_entry_object(kt_published_at(reader->nodes, i));
    *ret = nodes;
    *ret_count = count;
    return KT_LOOKUP_FOUND;
}

static const struct kt_config_document *known_config(void *context, const cJSON *config_map, enum kt_config_key key)
{
    const struct kt_cluster_reader *reader = context;
    size_t count = KT_MIN(reader->found_count, KT_ARRAY_LENGTH(reader->found));
    for (size_t i = 0; i < count; i++) {
        const struct kt_store_entry *entry = reader->found[i];
        if (kt_store_entry_object(entry) != config_map)
            continue;
        const struct kt_config_content *content = kt_store_entry_content(entry);
        return content->is_known[key] ? &content->documents[key] : NULL;
    }
    return NULL;
}

struct kt_cluster kt_cluster_reader_cluster(struct kt_cluster_reader *reader)
{
    return (struct kt_cluster){.find = find_object, .nodes = all_nodes, .config = known_config, .context = reader};
}
