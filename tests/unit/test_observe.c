/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever looks sees the same: the plugin at one Workspace, the plugin at all of them, and the server in its store come
 * to one stage, one cause and one status for the same cluster. What one of them may not see is no cause.
 */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/gather.h"
#include "tests/lib/json_text.h"
#include "tests/lib/object_server.h"
#include "tests/lib/objects.h"
#include "tests/lib/random_cluster.h"
#include "webhook/reconcile/store_source.h"
#include "workload/tuning_status.h"

#define WALKS 300
#define BLIND_WALKS 200
#define ARENA_BYTES ((size_t)(256 * KT_MIB))

static int64_t wall_ms(void *context KT_UNUSED)
{
    return KT_RANDOM_NOW_S * 1000;
}

static int64_t monotonic_ms(void *context KT_UNUSED)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

/* One cluster, seen from both sides. */
struct sides {
    struct kt_arena arena;
    struct kt_random_cluster cluster;
    struct kt_object_server *server;
    struct kt_app app;
    struct kt_connection connection;
    struct kt_store *store;
    struct kt_store_source source;
};

/* unknown: a kind that the store has not seen whole; KT_KIND_COUNT: none. */
static void fill_store(struct sides *sides, enum kt_kind_id unknown)
{
    struct kt_error error;
    assert_int_equal(kt_store_new(&sides->store, &error), 0);
    for (size_t i = 0; i < sides->cluster.count; i++) {
        enum kt_kind_id kind = sides->cluster.objects[i].kind;
        if (kind >= KT_CACHED_KINDS || kind == unknown)
            continue;
        if (kt_store_put(sides->store, kind, sides->cluster.objects[i].object, NULL, &error) != 0)
            fail_msg("%s", error.message);
    }
    for (enum kt_kind_id kind = 0; kind < KT_CACHED_KINDS; kind++)
        if (kind != unknown)
            kt_store_synced(sides->store, kind);
}

static void begin(struct sides *sides, uint64_t number, enum kt_kind_id unknown)
{
    static const char *const variables[] = {"TERM=dumb", NULL};
    static const struct kt_clock clock = {wall_ms, monotonic_ms, NULL};
    static const struct kt_environment environment = {
        .variables = variables, .files = &kt_files_system, .clock = &clock};
    struct kt_error error;
    *sides = (struct sides){.server = kt_object_server_start()};
    kt_arena_init(&sides->arena, ARENA_BYTES);
    kt_random_cluster(&sides->arena, number, &sides->cluster);
    for (size_t i = 0; i < sides->cluster.count; i++)
        kt_object_server_put_as_is(sides->server, sides->cluster.objects[i].object);
    if (unknown < KT_KIND_COUNT)
        kt_object_server_refuse(sides->server, kt_kinds[unknown].resource->plural, 403);
    fill_store(sides, unknown);
    sides->app = (struct kt_app){.arena = &sides->arena,
                                 .environment = &environment,
                                 .out = tmpfile(),
                                 .err = tmpfile(),
                                 .globals.server = kt_object_server_url(sides->server)};
    if (kt_connect(&sides->app, &sides->connection, &error) != 0)
        fail_msg("%s", error.message);
}

static void end(struct sides *sides)
{
    kt_store_source_release(&sides->source);
    kt_store_free(sides->store);
    kt_disconnect(&sides->connection);
    kt_object_server_stop(sides->server);
    fclose(sides->app.out);
    fclose(sides->app.err);
    kt_arena_release(&sides->arena);
}

/* --- the looks --------------------------------------------------------------------------------------------------- */

static void from_api(struct sides *sides, const cJSON *workspace, struct kt_observation *ret)
{
    struct kt_gather_target target = {.connection = &sides->connection,
                                      .namespace_ = kt_object_namespace(workspace),
                                      .name = kt_object_name(workspace)};
    struct kt_error error;
    if (kt_gather_one(&target, &sides->arena, ret, NULL, &error) != 0)
        fail_msg("%s", error.message);
}

static void from_lists(struct sides *sides, const cJSON *workspace, const char *namespace_, struct kt_observation *ret)
{
    struct kt_gather_target target = {.connection = &sides->connection, .namespace_ = namespace_};
    struct kt_observation *all;
    struct kt_error error;
    size_t count;
    if (kt_gather_all(&target, &sides->arena, &all, &count, &error) != 0)
        fail_msg("%s", error.message);
    for (size_t i = 0; i < count; i++) {
        if (kt_streq(kt_object_uid(all[i].workspace), kt_object_uid(workspace))) {
            *ret = all[i];
            return;
        }
    }
    fail_msg("%s is not among all", kt_object_name(workspace));
}

/* The server knows by its settings whose the nodes are. */
static void from_store(struct sides *sides, const cJSON *workspace, bool own_nodes, struct kt_observation *ret)
{
    struct kt_error error;
    const struct kt_observe_options options = {.nodes = own_nodes ? KT_NODES_OWN : KT_NODES_CLAIMED,
                                               .now_s = KT_RANDOM_NOW_S};
    sides->source.store = sides->store;
    sides->source.arena = &sides->arena;
    const struct kt_object_source source = kt_store_source_view(&sides->source);
    if (kt_observe(&source, workspace, &options, &sides->arena, ret, &error) != 0)
        fail_msg("%s", error.message);
}

struct judgement {
    struct kt_diagnosis diagnosis;
    const char *status; /* what would be written */
};

static void judge(struct sides *sides, const struct kt_observation *observation, struct judgement *ret)
{
    struct kt_tuning_status status;
    struct kt_error error;
    kt_diagnose(&sides->arena, observation, &ret->diagnosis);
    if (kt_tuning_status(&sides->arena, observation, NULL, &status, &error) != 0)
        fail_msg("%s", error.message);
    kt_json_remove(status.patch, "metadata"); /* the version that a server gives */
    ret->status = status.patch ? kt_test_json_text(&sides->arena, status.patch) : "";
}

static const char *describe(struct sides *sides, const struct judgement *judgement)
{
    const struct kt_diagnosis *diagnosis = &judgement->diagnosis;
    const struct kt_cause *cause = &diagnosis->cause;
    return kt_arena_printf(&sides->arena, "%s: %s; %s %s %s: %s\n%s", kt_stage_name(diagnosis->stage),
                           diagnosis->detail, diagnosis->has_cause ? cause->reason : "-",
                           diagnosis->has_cause ? cause->kind : "", diagnosis->has_cause ? cause->name : "",
                           diagnosis->has_cause ? cause->message : "", judgement->status);
}

static void expect_same(struct sides *sides, uint64_t number, const char *who, const struct judgement *one,
                        const struct judgement *other)
{
    const char *a = describe(sides, one), *b = describe(sides, other);
    if (!kt_streq(a, b))
        fail_msg("cluster %d, %s: %s\nbut %s", (int)number, who, a, b);
}

/* --- the same for all -------------------------------------------------------------------------------------------- */

static bool has_own_nodes(const cJSON *workspace)
{
    return !kt_json_get(kt_json_get(workspace, "resource"), "instanceType");
}

static void all_looks_see_the_same(void **state KT_UNUSED)
{
    static struct sides sides;
    size_t causes = 0, ends = 0, own = 0;
    for (uint64_t number = 0; number < WALKS; number++) {
        begin(&sides, number, KT_KIND_COUNT);
        for (size_t i = 0; i < sides.cluster.count; i++) {
            const cJSON *workspace = sides.cluster.objects[i].object;
            struct kt_observation with_events, one, all, here, kept;
            struct judgement full, api, listed, local, stored;
            if (sides.cluster.objects[i].kind != KT_KIND_WORKSPACE)
                continue;
            from_api(&sides, workspace, &with_events);
            from_lists(&sides, workspace, NULL, &all);
            from_lists(&sides, workspace, kt_object_namespace(workspace), &here);
            from_store(&sides, workspace, has_own_nodes(workspace), &kept);
            one = with_events;
            one.objects[KT_KIND_EVENT].count = 0;
            judge(&sides, &with_events, &full);
            judge(&sides, &one, &api);
            judge(&sides, &all, &listed);
            judge(&sides, &here, &local);
            judge(&sides, &kept, &stored);
            expect_same(&sides, number, "all", &api, &listed);
            expect_same(&sides, number, "all of the namespace", &api, &local);
            expect_same(&sides, number, "store", &api, &stored);
            /* Events make a cause of what was none, or say it better; they take none away, and no stage moves. */
            assert_int_equal(full.diagnosis.stage, api.diagnosis.stage);
            assert_true(full.diagnosis.has_cause || !api.diagnosis.has_cause);
            assert_int_equal(with_events.unseen | all.unseen | here.unseen | kept.unseen, 0);
            causes += api.diagnosis.has_cause;
            ends += api.diagnosis.stage == KT_STAGE_DONE || api.diagnosis.stage == KT_STAGE_FAILED;
            own += one.bring_your_own && one.objects[KT_KIND_NODE].count > 0;
        }
        end(&sides);
    }
    print_message("%d clusters: %zu causes, %zu ends, %zu with own nodes\n", WALKS, causes, ends, own);
    assert_true(causes > WALKS / 8 && ends > WALKS / 16 && own > WALKS / 16);
}

/* The same file as in test_plugin_own_nodes.c, where the commands tell of it. */
static void a_tuning_on_own_nodes_runs_for_the_server(void **state KT_UNUSED)
{
    static struct sides sides;
    const cJSON *object, *workspace = NULL;
    struct kt_observation kept;
    struct judgement stored;
    kt_arena_init(&sides.arena, ARENA_BYTES);
    assert_int_equal(kt_store_new(&sides.store, NULL), 0);
    const cJSON *list =
        kt_test_yaml(&sides.arena, kt_test_read_file(&sides.arena, "tests/unit/data/plugin/own-nodes.yaml"));
    for (enum kt_kind_id kind = 0; kind < KT_CACHED_KINDS; kind++) {
        cJSON_ArrayForEach(object, list)
        {
            if (!kt_streq(kt_json_string_or(kt_json_get(object, "kind"), ""), kt_kinds[kind].resource->kind))
                continue;
            assert_int_equal(kt_store_put(sides.store, kind, object, NULL, NULL), 0);
            workspace = kind == KT_KIND_WORKSPACE ? object : workspace;
        }
        if (kind != KT_KIND_NODE_CLAIM) /* which a server for own nodes does not watch */
            kt_store_synced(sides.store, kind);
    }
    from_store(&sides, workspace, true, &kept);
    judge(&sides, &kept, &stored);
    assert_int_equal(kept.unseen, 0);
    assert_int_equal(kept.objects[KT_KIND_NODE].count, 1);
    assert_int_equal(stored.diagnosis.stage, KT_STAGE_TRAINING);
    assert_false(stored.diagnosis.has_cause);
    assert_null(strstr(stored.status, "\"type\":\"NodesReady\",\"status\":\"False\""));
    kt_store_source_release(&sides.source);
    kt_store_free(sides.store);
    kt_arena_release(&sides.arena);
}

/* --- and what is not seen ---------------------------------------------------------------------------------------- */

/* What is said without a kind is what is said with it, or what the stored status or the Job says of itself, or
 * nothing. */
static void expect_no_new_cause(struct sides *sides, uint64_t number, enum kt_kind_id unknown, const char *who,
                                const struct judgement *full, const struct judgement *partial)
{
    const struct kt_diagnosis *whole = &full->diagnosis, *part = &partial->diagnosis;
    bool is_stored =
        part->has_cause && kt_streq(part->cause.kind, "Workspace") && !kt_streq(part->cause.reason, "NoNodes");
    bool is_of_job = part->has_cause && kt_streq(part->cause.kind, "Job") && !kt_streq(part->cause.reason, "NoPod");
    if (part->has_cause && !is_stored && !is_of_job &&
        !(whole->has_cause && kt_streq(part->cause.reason, whole->cause.reason)))
        fail_msg("cluster %d without %s, %s: %s\nbut in truth %s", (int)number, kt_kinds[unknown].resource->plural, who,
                 describe(sides, partial), describe(sides, full));
    if (strstr(partial->status, "JobDeleted") && !strstr(full->status, "JobDeleted"))
        fail_msg("cluster %d without %s: %s", (int)number, kt_kinds[unknown].resource->plural, partial->status);
}

/* Conditions that were true of this generation stay so. */
static void expect_no_step_back(struct sides *sides, uint64_t number, enum kt_kind_id unknown, const cJSON *workspace,
                                const struct judgement *full, const struct judgement *partial)
{
    static const char *const types[] = {"NodeClaimReady", "NodesReady", "ResourceReady", "JobStarted"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(types); i++) {
        const char *words = kt_arena_printf(&sides->arena, "\"type\":\"%s\",\"status\":\"False\"", types[i]);
        if (kt_condition_holds(workspace, types[i]) && strstr(partial->status, words) && !strstr(full->status, words) &&
            strstr(full->status, types[i]))
            fail_msg("cluster %d without %s: %s\nbut in truth %s", (int)number, kt_kinds[unknown].resource->plural,
                     partial->status, full->status);
    }
}

static void what_is_not_seen_is_no_cause(void **state KT_UNUSED)
{
    static const enum kt_kind_id kinds[] = {KT_KIND_NODE_CLAIM, KT_KIND_NODE, KT_KIND_JOB, KT_KIND_POD};
    static struct sides sides, blind;
    size_t told = 0;
    for (uint64_t number = 0; number < BLIND_WALKS; number++) {
        enum kt_kind_id unknown = kinds[number % KT_ARRAY_LENGTH(kinds)];
        begin(&sides, number, KT_KIND_COUNT);
        begin(&blind, number, unknown);
        for (size_t i = 0; i < sides.cluster.count; i++) {
            const cJSON *workspace = sides.cluster.objects[i].object;
            struct kt_observation whole, one, all, kept;
            struct judgement full, api, listed, stored;
            if (sides.cluster.objects[i].kind != KT_KIND_WORKSPACE)
                continue;
            from_store(&sides, workspace, has_own_nodes(workspace), &whole);
            from_api(&blind, workspace, &one);
            one.objects[KT_KIND_EVENT].count = 0;
            from_lists(&blind, workspace, NULL, &all);
            from_store(&blind, workspace, has_own_nodes(workspace), &kept);
            judge(&sides, &whole, &full);
            judge(&blind, &one, &api);
            judge(&blind, &all, &listed);
            judge(&blind, &kept, &stored);
            expect_same(&blind, number, "all", &api, &listed);
            expect_no_new_cause(&sides, number, unknown, "API", &full, &api);
            expect_no_new_cause(&sides, number, unknown, "store", &full, &stored);
            expect_no_step_back(&sides, number, unknown, workspace, &full, &stored);
            told += strstr(api.diagnosis.detail, "could not be read") != NULL;
        }
        end(&sides);
        end(&blind);
    }
    print_message("%d clusters: %zu times it was said that something was not seen\n", BLIND_WALKS, told);
    assert_true(told > BLIND_WALKS / 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_looks_see_the_same),
        cmocka_unit_test(a_tuning_on_own_nodes_runs_for_the_server),
        cmocka_unit_test(what_is_not_seen_is_no_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
