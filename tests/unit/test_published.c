/* SPDX-License-Identifier: Apache-2.0 */
/* What rules read of the cache: what they see, when they see it, and for how long. */
#include "tests/lib/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tests/lib/json_text.h"
#include "webhook/cluster/published.h"

#define MAPS KT_KIND_CONFIG_MAP
#define NODES KT_KIND_NODE

struct fixture {
    struct kt_arena arena;
    struct kt_store *store;
    struct kt_store_slot slot;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    kt_arena_init(&fixture.arena, 256 * KT_MIB);
    assert_int_equal(kt_store_new(&fixture.store, NULL), 0);
    assert_true(kt_store_add_slot(fixture.store, &fixture.slot));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kt_heap_fail_from(0);
    kt_store_drop_slot(fixture->store, &fixture->slot);
    kt_store_free(fixture->store);
    kt_arena_release(&fixture->arena);
    return 0;
}

static const cJSON *config_map(struct kt_arena *arena, const char *name, const char *key, const char *text)
{
    const char *json = kt_arena_printf(arena,
                                       "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\","
                                       "\"namespace\":\"default\"},\"data\":{\"%s\":\"%s\","
                                       "\"other\":\"not ours\"}}",
                                       name, key, text);
    return kt_test_json(arena, json);
}

static const cJSON *training(struct kt_arena *arena, const char *name, const char *text)
{
    return config_map(arena, name, "training_config.yaml", text);
}

static const cJSON *node(struct kt_arena *arena, const char *name, const char *ready, const char *heartbeat)
{
    const char *json = kt_arena_printf(
        arena,
        "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"a\":\"b\"},\"annotations\":{\"x\":\"y\"}},\"status\":{"
        "\"capacity\":{\"cpu\":\"4\",\"nvidia.com/gpu\":\"1\"},\"images\":[{\"names\":[\"n\"]}],\"conditions\":[{"
        "\"type\":\"DiskPressure\",\"status\":\"False\"},{\"type\":\"Ready\",\"status\":\"%s\",\"lastHeartbeatTime\":"
        "\"%s\"}]}}",
        name, ready, heartbeat);
    return kt_test_json(arena, json);
}

static void put(struct fixture *fixture, enum kt_kind_id kind, const cJSON *object)
{
    struct kt_error error;
    if (kt_store_put(fixture->store, kind, object, NULL, &error) != 0)
        fail_msg("%s", error.message);
}

/* The text of a kept training config; NULL when there is none. */
static const char *kept(const struct kt_published *maps, const char *name)
{
    const struct kt_store_entry *entry = maps ? kt_published_find(maps, "default", name) : NULL;
    return entry ? kt_json_string(kt_json_path(kt_store_entry_object(entry), "data", "training_config.yaml", NULL))
                 : NULL;
}

static size_t published_count(struct fixture *fixture, enum kt_kind_id kind)
{
    size_t count = kt_published_count(kt_store_enter(fixture->store, &fixture->slot, kind));
    kt_store_leave(&fixture->slot);
    return count;
}

static bool is_complete(struct fixture *fixture, enum kt_kind_id kind)
{
    bool complete = kt_published_is_complete(kt_store_enter(fixture->store, &fixture->slot, kind));
    kt_store_leave(&fixture->slot);
    return complete;
}

static const char *seen(struct fixture *fixture, const char *name)
{
    const char *text = kept(kt_store_enter(fixture->store, &fixture->slot, MAPS), name);
    const char *copy = text ? kt_arena_strdup(&fixture->arena, text) : NULL;
    kt_store_leave(&fixture->slot);
    return copy;
}

/* --- what is seen --------------------------------------------------------------------------------------------------
 */

static void nothing_is_seen_before_the_list_is_whole(void **state)
{
    struct fixture *fixture = *state;
    kt_store_restart(fixture->store, MAPS);
    put(fixture, MAPS, training(&fixture->arena, "one", "1"));
    assert_false(kt_store_is_synced(fixture->store, MAPS));
    assert_null(seen(fixture, "one"));
    kt_store_synced(fixture->store, MAPS);
    assert_true(kt_store_is_synced(fixture->store, MAPS));
    assert_false(kt_store_is_synced(fixture->store, NODES));
    assert_string_equal(seen(fixture, "one"), "1");
    assert_null(seen(fixture, "two"));
}

static void changes_are_seen_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct kt_arena *arena = &fixture->arena;
    kt_store_synced(fixture->store, MAPS);
    put(fixture, MAPS, training(arena, "b", "1"));
    put(fixture, MAPS, training(arena, "a", "2"));
    put(fixture, MAPS, training(arena, "c", "3"));
    assert_string_equal(seen(fixture, "a"), "2");
    put(fixture, MAPS, training(arena, "a", "4"));
    assert_string_equal(seen(fixture, "a"), "4");
    kt_store_remove(fixture->store, MAPS, training(arena, "b", "whatever"));
    assert_null(seen(fixture, "b"));
    assert_string_equal(seen(fixture, "c"), "3");
    kt_store_remove(fixture->store, MAPS, training(arena, "never", ""));
    const cJSON *nameless = kt_test_json(arena, "{\"metadata\":{}}");
    put(fixture, MAPS, nameless);
    kt_store_remove(fixture->store, MAPS, nameless);
}

static void a_new_list_sweeps_what_it_does_not_name(void **state)
{
    struct fixture *fixture = *state;
    struct kt_arena *arena = &fixture->arena;
    put(fixture, MAPS, training(arena, "stays", "1"));
    put(fixture, MAPS, training(arena, "goes", "2"));
    kt_store_synced(fixture->store, MAPS);
    kt_store_restart(fixture->store, MAPS);
    put(fixture, MAPS, training(arena, "stays", "1"));
    assert_string_equal(seen(fixture, "goes"), "2");
    kt_store_synced(fixture->store, MAPS);
    assert_null(seen(fixture, "goes"));
    assert_string_equal(seen(fixture, "stays"), "1");
}

static void only_what_rules_read_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct kt_arena *arena = &fixture->arena;
    kt_store_synced(fixture->store, MAPS);
    put(fixture, MAPS, training(arena, "mine", "x"));
    put(fixture, NODES, node(arena, "n", "True", "1"));
    kt_store_synced(fixture->store, NODES);
    const struct kt_published *maps = kt_store_enter(fixture->store, &fixture->slot, MAPS);
    const struct kt_published *nodes = kt_store_enter(fixture->store, &fixture->slot, NODES);
    const cJSON *object = kt_store_entry_object(kt_published_find(maps, "default", "mine"));
    assert_string_equal(kt_json_string(kt_json_path(object, "data", "training_config.yaml", NULL)), "x");
    kt_test_json_sound(object);
    object = kt_store_entry_object(kt_published_find(nodes, "", "n"));
    assert_string_equal(kt_test_json_text(arena, object),
                        "{\"metadata\":{\"name\":\"n\",\"labels\":{\"a\":\"b\"}},\"status\":{\"capacity\":{"
                        "\"nvidia.com/gpu\":\"1\"},\"conditions\":[{\"type\":\"Ready\",\"status\":"
                        "\"True\"}]}}");
    kt_test_json_sound(object);
    kt_store_leave(&fixture->slot);
}

/* A cluster has a ConfigMap in every namespace that is none of ours. */
static void config_maps_without_a_config_are_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct kt_arena *arena = &fixture->arena;
    kt_store_synced(fixture->store, MAPS);
    put(fixture, MAPS, config_map(arena, "kube-root-ca.crt", "ca.crt", "PEM"));
    assert_int_equal(published_count(fixture, MAPS), 0);
    put(fixture, MAPS, training(arena, "mine", "x"));
    put(fixture, MAPS, config_map(arena, "serving", "inference_config.yaml", "x"));
    assert_int_equal(published_count(fixture, MAPS), 2);
    put(fixture, MAPS, config_map(arena, "mine", "renamed.yaml", "x"));
    assert_null(seen(fixture, "mine"));
    assert_int_equal(published_count(fixture, MAPS), 1);
}

/* Nodes report every few seconds that nothing has changed. */
static void a_heartbeat_is_no_change(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, NODES, node(&fixture->arena, "n", "True", "1"));
    kt_store_synced(fixture->store, NODES);
    const struct kt_published *before = kt_store_enter(fixture->store, &fixture->slot, NODES);
    put(fixture, NODES, node(&fixture->arena, "n", "True", "2"));
    assert_ptr_equal(kt_store_enter(fixture->store, &fixture->slot, NODES), before);
    put(fixture, NODES, node(&fixture->arena, "n", "False", "3"));
    assert_ptr_not_equal(kt_store_enter(fixture->store, &fixture->slot, NODES), before);
    kt_store_leave(&fixture->slot);
}

/* --- how long ------------------------------------------------------------------------------------------------------
 */

static void a_reader_keeps_what_it_entered(void **state)
{
    struct fixture *fixture = *state;
    struct kt_arena *arena = &fixture->arena;
    put(fixture, MAPS, training(arena, "one", "old"));
    kt_store_synced(fixture->store, MAPS);
    const struct kt_published *maps = kt_store_enter(fixture->store, &fixture->slot, MAPS);
    for (int i = 0; i < 50; i++) {
        char text[16];
        snprintf(text, sizeof(text), "new-%d", i);
        put(fixture, MAPS, training(arena, "one", text));
    }
    kt_store_remove(fixture->store, MAPS, training(arena, "one", ""));
    assert_string_equal(kept(maps, "one"), "old");
    kt_store_leave(&fixture->slot);
    assert_null(seen(fixture, "one"));
}

static void there_is_an_end_of_slots(void **state)
{
    struct fixture *fixture = *state;
    static struct kt_store_slot slots[KT_STORE_SLOTS];
    for (size_t i = 0; i < KT_STORE_SLOTS - 1; i++)
        assert_true(kt_store_add_slot(fixture->store, &slots[i]));
    assert_false(kt_store_add_slot(fixture->store, &slots[KT_STORE_SLOTS - 1]));
    kt_store_drop_slot(fixture->store, &slots[5]);
    assert_true(kt_store_add_slot(fixture->store, &slots[KT_STORE_SLOTS - 1]));
}

enum { READERS = 4, ROUNDS = 3000, READS_LEAST = 200 };

struct reader {
    struct fixture *fixture;
    struct kt_store_slot slot;
    pthread_t thread;
    atomic_bool *go_on;
    atomic_size_t reads;
    size_t broken;
};

/* Both maps always hold one number each, and it never falls. */
static void *read_on(void *context)
{
    struct reader *reader = context;
    long last = 0;
    while (atomic_load(reader->go_on) || atomic_load(&reader->reads) < READS_LEAST) {
        const struct kt_published *maps = kt_store_enter(reader->fixture->store, &reader->slot, MAPS);
        const char *first = kept(maps, "first"), *second = kept(maps, "second");
        long number = first ? strtol(first, NULL, 10) : -1;
        reader->broken += !first || !second || number < last;
        last = number;
        kt_store_leave(&reader->slot);
        atomic_fetch_add(&reader->reads, 1);
    }
    return NULL;
}

static void readers_and_writers_at_once(void **state)
{
    struct fixture *fixture = *state;
    static struct reader readers[READERS];
    atomic_bool go_on = true;
    put(fixture, MAPS, training(&fixture->arena, "first", "0"));
    put(fixture, MAPS, training(&fixture->arena, "second", "0"));
    kt_store_synced(fixture->store, MAPS);
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.fixture = fixture, .go_on = &go_on};
        assert_true(kt_store_add_slot(fixture->store, &readers[i].slot));
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    struct kt_arena arena;
    kt_arena_init(&arena, KT_MIB);
    for (int i = 1; i <= ROUNDS; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        put(fixture, MAPS, training(&arena, "first", text));
        put(fixture, MAPS, training(&arena, i % 2 ? "second" : "third", text));
        if (i % 7 == 0)
            kt_store_remove(fixture->store, MAPS, training(&arena, "third", ""));
        kt_arena_reset(&arena);
    }
    kt_arena_release(&arena);
    atomic_store(&go_on, false);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        kt_store_drop_slot(fixture->store, &readers[i].slot);
        assert_int_equal(readers[i].broken, 0);
        assert_true(atomic_load(&readers[i].reads) >= READS_LEAST);
    }
}

/* --- limits --------------------------------------------------------------------------------------------------------
 */

static void too_many_objects_make_a_list_incomplete(void **state)
{
    struct fixture *fixture = *state;
    struct kt_arena arena;
    struct kt_error error;
    kt_arena_init(&arena, KT_MIB);
    for (size_t i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%zu", i);
        put(fixture, NODES, node(&arena, name, "True", "1"));
        kt_arena_reset(&arena);
    }
    kt_store_synced(fixture->store, NODES);
    assert_true(is_complete(fixture, NODES));
    assert_int_equal(published_count(fixture, NODES), 5000);
    char *reason = kt_arena_alloc(&fixture->arena, 6 * KT_MIB);
    memset(reason, 'x', 6 * KT_MIB - 1);
    int code = 0;
    for (size_t i = 0; code == 0 && i < 10; i++)
        code = kt_store_put(fixture->store, NODES,
                            node(&fixture->arena, kt_arena_printf(&fixture->arena, "large%zu", i), reason, "1"), NULL,
                            &error);
    assert_int_equal(code, KT_ELIMIT);
    assert_false(is_complete(fixture, NODES));
    /* A known one may still change. */
    put(fixture, NODES, node(&arena, "n7", "Fals", "1"));
    /* Only a new list that fits knows all again. */
    kt_store_remove(fixture->store, NODES, node(&arena, "n8", "True", "1"));
    assert_false(is_complete(fixture, NODES));
    kt_store_restart(fixture->store, NODES);
    put(fixture, NODES, node(&arena, "n1", "True", "1"));
    kt_store_synced(fixture->store, NODES);
    assert_true(is_complete(fixture, NODES));
    assert_int_equal(published_count(fixture, NODES), 1);
    kt_arena_release(&arena);
}

static void too_many_bytes_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct kt_error error;
    size_t size = 60 * KT_KIB, share = KT_LIMIT_STORE_CONFIG_MAP_BYTES / KT_LIMIT_NAMESPACE_SHARE;
    char *text = kt_arena_alloc(&fixture->arena, size + 1);
    memset(text, 'x', size);
    kt_store_synced(fixture->store, MAPS);
    int code = 0;
    size_t kept_count = 0;
    for (; code == 0 && kept_count < 100; kept_count += code == 0) {
        struct kt_arena arena;
        char name[16];
        snprintf(name, sizeof(name), "m%zu", kept_count);
        kt_arena_init(&arena, 64 * KT_MIB);
        code = kt_store_put(fixture->store, MAPS, training(&arena, name, text), NULL, &error);
        kt_arena_release(&arena);
    }
    assert_int_equal(code, KT_ELIMIT);
    assert_in_range(kept_count, share / size - 1, share / size);
    assert_true(kt_store_bytes(fixture->store) <= share);
    /* That was one namespace; another has its own share. */
    put(fixture, MAPS,
        kt_test_json(&fixture->arena, "{\"metadata\":{\"name\":\"m\",\"namespace\":\"other\"},\"data\":{"
                                      "\"training_config.yaml\":\"small\"}}"));
    assert_non_null(kt_published_find(kt_store_enter(fixture->store, &fixture->slot, MAPS), "other", "m"));
    kt_store_leave(&fixture->slot);
    /* The last one that fitted grows beyond the limit: rather nothing than its old content. */
    char name[16];
    snprintf(name, sizeof(name), "m%zu", kept_count - 1);
    put(fixture, MAPS, training(&fixture->arena, name, "small"));
    assert_string_equal(seen(fixture, name), "small");
}

/* Without memory an object is not kept, or the readers go on with what they have; nothing is ever half there. */
static void every_allocation_fails_once(void **state)
{
    struct fixture *fixture = *state;
    struct kt_arena *arena = &fixture->arena;
    kt_store_synced(fixture->store, MAPS);
    const cJSON *first = training(arena, "one", "first"), *second = training(arena, "one", "second");
    bool done = false;
    size_t faults = 0;
    for (size_t nth = 1; !done && nth < 100; nth++) {
        struct kt_error error;
        put(fixture, MAPS, first);
        kt_heap_fail_from(nth);
        size_t before = kt_heap_allocation_count();
        int code = kt_store_put(fixture->store, MAPS, second, NULL, &error);
        done = kt_heap_allocation_count() - before < nth;
        kt_heap_fail_from(0);
        assert_true(code == 0 || code == KT_ENOMEM);
        const char *text = seen(fixture, "one");
        assert_true(!text || strcmp(text, "first") == 0 || strcmp(text, "second") == 0);
        faults += code != 0;
        kt_store_restart(fixture->store, MAPS);
        kt_store_synced(fixture->store, MAPS);
    }
    assert_true(done && faults > 0);
    put(fixture, MAPS, second);
    assert_string_equal(seen(fixture, "one"), "second");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_seen_before_the_list_is_whole),
        TEST(changes_are_seen_at_once),
        TEST(a_new_list_sweeps_what_it_does_not_name),
        TEST(only_what_rules_read_is_kept),
        TEST(config_maps_without_a_config_are_not_kept),
        TEST(a_heartbeat_is_no_change),
        TEST(a_reader_keeps_what_it_entered),
        TEST(there_is_an_end_of_slots),
        TEST(readers_and_writers_at_once),
        TEST(too_many_objects_make_a_list_incomplete),
        TEST(too_many_bytes_are_refused),
        TEST(every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
