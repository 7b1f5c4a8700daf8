/* SPDX-License-Identifier: Apache-2.0 */
/* Any object of a cluster in the forms that we keep it in: packed, and as a Lease. What is kept of it is the
 * same when it is taken out, and kept again. */
#include <stdlib.h>

#include "webhook/reconcile/lease.h"
#include "webhook/cluster/config_content.h"
#include "webhook/cluster/store_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static cJSON *unpack(struct kt_arena *arena, const struct kt_packed *packed)
{
    cJSON *nodes = kt_arena_calloc(arena, packed->nodes, sizeof(*nodes));
    if (nodes)
        kt_store_unpack(packed, nodes);
    return nodes;
}

static void check_packing(struct kt_arena *arena, const cJSON *object)
{
    for (int kind = 0; kind < (int)KT_CACHED_KINDS; kind++) {
        KT_CLEANUP(kt_strbuf_release) struct kt_strbuf first, second;
        struct kt_packed packed, again;
        kt_strbuf_init(&first, NULL, (size_t)(16 * KT_MIB));
        kt_strbuf_init(&second, NULL, (size_t)(16 * KT_MIB));
        if (!kt_store_wants((enum kt_kind_id)kind, object) ||
            !kt_store_pack((enum kt_kind_id)kind, object, &first, &packed))
            continue;
        cJSON *kept = unpack(arena, &packed);
        if (!kept)
            return;
        demand(kt_store_pack((enum kt_kind_id)kind, kept, &second, &again));
        demand(again.length == packed.length && again.nodes == packed.nodes);
        demand(packed.length == 0 || memcmp(again.bytes, packed.bytes, packed.length) == 0);
        demand(kt_streq(packed.version, again.version));
    }
}

/* What is kept of a ConfigMap's configs says what they say when they are read. */
static void check_content(struct kt_arena *arena, const cJSON *object)
{
    struct kt_config_content *content = kt_config_content_new(object);
    for (size_t i = 0; content && i < KT_CONFIG_KEYS; i++) {
        struct kt_config_document read;
        const char *text = kt_config_document_text(object, (enum kt_config_key)i);
        demand(!content->is_known[i] || text);
        if (!content->is_known[i])
            continue;
        kt_config_document_read(arena, (enum kt_config_key)i, text, &read);
        demand(read.code == content->documents[i].code);
        demand(kt_json_equal(read.root, content->documents[i].root));
        demand(!read.max_model_len == !content->documents[i].max_model_len);
    }
    kt_heap_free(content);
}

static void check_lease(struct kt_arena *arena, const cJSON *object)
{
    static const struct kt_lease_writer writer = {"ns", "name", "me", 15000};
    struct kt_lease lease;
    struct kt_error error = {0};
    if (kt_lease_read(object, &lease, &error) != 0) {
        demand(*error.message);
        return;
    }
    demand(lease.transitions >= 0 && lease.duration_ms >= 0 && lease.resource_version);
    for (int change = 0; change <= (int)KT_LEASE_RELEASE; change++) {
        cJSON *made = kt_lease_make(arena, object, (enum kt_lease_change)change, &writer, INT64_C(1795435200000));
        struct kt_lease read;
        if (!made)
            return;
        demand(kt_lease_read(made, &read, NULL) == 0);
        demand(read.holder && kt_streq(read.holder, change == (int)KT_LEASE_RELEASE ? "" : "me"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_json_parsed parsed;
    kt_arena_init(&arena, (size_t)(32 * KT_MIB));
    if (kt_json_parse(&arena, (struct kt_str){(const char *)data, size}, KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL) !=
        0)
        return 0;
    if (kt_json_is_object(parsed.root)) {
        check_packing(&arena, parsed.root);
        check_content(&arena, parsed.root);
    }
    check_lease(&arena, parsed.root);
    return 0;
}
