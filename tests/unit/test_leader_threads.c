/* SPDX-License-Identifier: Apache-2.0 */
/* Leaders with their threads, in real time with short durations: the end of one, and two that compete. */
#include "tests/lib/cmocka_all.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/lease_server.h"
#include "webhook/log.h"
#include "webhook/reconcile/leader.h"

/* For what must happen at last, however slow the machine. */
#define PATIENCE_MS ((int64_t)60000)

static struct kt_lease_store store;
static struct kt_lease_door doors[2];
static struct kt_arena arena;

/* One replica: what its callbacks say, and whether its reconciler would run. */
struct replica {
    struct kt_leader *leader;
    struct kt_leader_options options;
    atomic_int started, lost;
    atomic_bool reconciles;
};

static atomic_int reconcilers, most_reconcilers;

static void begin_reconciler(void *context)
{
    struct replica *replica = context;
    atomic_store(&replica->reconciles, true);
    int count = atomic_fetch_add(&reconcilers, 1) + 1, most = atomic_load(&most_reconcilers);
    while (count > most && !atomic_compare_exchange_weak(&most_reconcilers, &most, count))
        continue;
    atomic_fetch_add(&replica->started, 1);
}

static void end_reconciler(struct replica *replica)
{
    if (atomic_exchange(&replica->reconciles, false))
        atomic_fetch_sub(&reconcilers, 1);
}

static void on_lost(void *context)
{
    struct replica *replica = context;
    end_reconciler(replica);
    atomic_fetch_add(&replica->lost, 1);
}

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static void start(struct replica *replica, size_t door, const char *identity, int64_t deadline_ms)
{
    struct kt_error error;
    *replica = (struct replica){
        .options = {.config = &doors[door].fixture.config,
                    .environment = &doors[door].fixture.environment,
                    .namespace_ = "kaito-workspace",
                    .name = "kaito-webhook",
                    .identity = identity,
                    .lease_duration_ms = 2 * deadline_ms,
                    .renew_deadline_ms = deadline_ms,
                    .retry_ms = 50},
    };
    struct kt_leader_callbacks callbacks = {begin_reconciler, on_lost, replica};
    if (kt_leader_start(&replica->options, &callbacks, &replica->leader, &error) != 0)
        fail_msg("%s", error.message);
}

/* As a program does: what reconciles ends before the Lease is given back. */
static void stop(struct replica *replica)
{
    end_reconciler(replica);
    kt_leader_stop(replica->leader);
    replica->leader = NULL;
}

static void await(const atomic_int *count, int value)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    while (atomic_load(count) < value && now_ms() < end_ms)
        poll(NULL, 0, 2);
    assert_int_equal(atomic_load(count), value);
}

static void await_requests(size_t door, size_t count)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    while (kt_scripted_server_count(doors[door].fixture.server) < count && now_ms() < end_ms)
        poll(NULL, 0, 2);
    assert_true(kt_scripted_server_count(doors[door].fixture.server) >= count);
}

static const char *stored_holder(void)
{
    const cJSON *lease = kt_lease_store_get(&store, &arena);
    return kt_json_string_or(kt_json_path(lease, "spec", "holderIdentity", NULL), "");
}

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, 4 * KT_MIB);
    kt_lease_store_init(&store);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(doors); i++)
        kt_lease_door_open(&doors[i], &store);
    atomic_store(&reconcilers, 0);
    atomic_store(&most_reconcilers, 0);
    kt_log_set_level(KT_LOG_ERROR);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(doors); i++)
        kt_lease_door_close(&doors[i]);
    kt_lease_store_release(&store);
    kt_arena_release(&arena);
    return 0;
}

/* --- one ------------------------------------------------------------------------------------------------------------
 */

static void test_leads_and_gives_back(void **state KT_UNUSED)
{
    struct replica replica;
    start(&replica, 0, "a", 20000);
    await(&replica.started, 1);
    assert_true(kt_leader_is_leader(replica.leader));
    await_requests(0, 6);
    assert_string_equal(stored_holder(), "a");
    stop(&replica);
    assert_string_equal(stored_holder(), "");
    assert_int_equal(replica.started, 1);
    assert_int_equal(replica.lost, 0);
    kt_leader_stop(NULL);
}

/* The end does not wait for a server that does not answer, and what was taken unheard is given back. */
static void test_stops_in_the_middle_of_a_request(void **state KT_UNUSED)
{
    static const char *const methods[] = {"GET", "POST"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(methods); i++) {
        struct replica replica;
        size_t before = kt_scripted_server_count(doors[0].fixture.server);
        kt_lease_door_fault(&doors[0], KT_LEASE_FAULT_SWALLOW, methods[i], 0, "", 1);
        start(&replica, 0, "a", 50000);
        await_requests(0, before + i + 1);
        int64_t begun_ms = now_ms();
        stop(&replica);
        assert_true(now_ms() - begun_ms < 20000);
        assert_int_equal(replica.started, 0);
        assert_int_equal(replica.lost, 0);
    }
}

/* A server that swallows what it is sent: lost in time, though a request was still waiting, and over another connection
 * the second time. */
static void test_a_server_that_falls_silent(void **state KT_UNUSED)
{
    struct replica replica;
    start(&replica, 0, "a", 2000);
    await(&replica.started, 1);
    size_t before = kt_scripted_server_count(doors[0].fixture.server);
    int64_t begun_ms = now_ms();
    kt_lease_door_fault(&doors[0], KT_LEASE_FAULT_SWALLOW, "GET PUT POST", 0, "", 1000);
    await(&replica.lost, 1);
    int64_t passed_ms = now_ms() - begun_ms;
    assert_in_range(passed_ms, 500, 3999); /* before anybody else may begin */
    assert_false(kt_leader_is_leader(replica.leader));
    assert_true(kt_scripted_server_count(doors[0].fixture.server) >= before + 2);
    const struct kt_scripted_request *first = kt_scripted_server_request(doors[0].fixture.server, before);
    const struct kt_scripted_request *second = kt_scripted_server_request(doors[0].fixture.server, before + 1);
    assert_int_not_equal(first->connection, second->connection);
    kt_lease_door_heal(&doors[0]); /* it answers again: whoever has lost competes like any other */
    await(&replica.started, 2);
    assert_true(kt_leader_is_leader(replica.leader));
    stop(&replica);
    assert_int_equal(replica.lost, 1);
    assert_string_equal(stored_holder(), "");
}

/* --- two ------------------------------------------------------------------------------------------------------------
 */

/* Which of the two leads, once one does. */
static struct replica *await_leader(struct replica *replicas)
{
    int64_t end_ms = now_ms() + PATIENCE_MS;
    while (now_ms() < end_ms) {
        for (size_t i = 0; i < 2; i++)
            if (replicas[i].leader && kt_leader_is_leader(replicas[i].leader) && atomic_load(&replicas[i].reconciles))
                return &replicas[i];
        poll(NULL, 0, 2);
    }
    fail_msg("nobody leads");
    return NULL;
}

static void test_two_take_turns(void **state KT_UNUSED)
{
    static const char *const names[] = {"a", "b"};
    struct replica replicas[2];
    for (size_t i = 0; i < 2; i++)
        start(&replicas[i], i, names[i], 5000);
    for (int round = 0; round < 8; round++) {
        struct replica *leader = await_leader(replicas), *other = &replicas[leader == replicas];
        size_t index = (size_t)(leader - replicas);
        assert_string_equal(stored_holder(), names[index]);
        stop(leader);
        assert_ptr_equal(await_leader(replicas), other);
        assert_string_equal(stored_holder(), names[1 - index]);
        start(leader, index, names[index], 5000);
    }
    for (size_t i = 0; i < 2; i++)
        stop(&replicas[i]);
    assert_int_equal(atomic_load(&most_reconcilers), 1);
}

/* The leader is cut off from the API server: the other begins, and not before the first has ended. */
static void test_the_other_begins_when_the_leader_is_cut_off(void **state KT_UNUSED)
{
    static const enum kt_lease_fault faults[] = {KT_LEASE_FAULT_SWALLOW, KT_LEASE_FAULT_STATUS};
    static const char *const names[] = {"a", "b"};
    struct replica replicas[2];
    for (size_t i = 0; i < 2; i++)
        start(&replicas[i], i, names[i], 1500);
    for (size_t round = 0; round < KT_ARRAY_LENGTH(faults); round++) {
        struct replica *leader = await_leader(replicas), *other = &replicas[leader == replicas];
        size_t index = (size_t)(leader - replicas);
        kt_lease_door_fault(&doors[index], faults[round], "GET PUT POST", 500, "no", 1000);
        await(&leader->lost, 1);
        assert_ptr_equal(await_leader(replicas), other);
        stop(leader);
        assert_string_equal(stored_holder(), names[1 - index]);
        kt_lease_door_heal(&doors[index]);
        start(leader, index, names[index], 1500);
    }
    for (size_t i = 0; i < 2; i++)
        stop(&replicas[i]);
    assert_int_equal(atomic_load(&most_reconcilers), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_leads_and_gives_back),
        TEST(test_stops_in_the_middle_of_a_request),
        TEST(test_a_server_that_falls_silent),
        TEST(test_two_take_turns),
        TEST(test_the_other_begins_when_the_leader_is_cut_off),
    };
    struct kt_error error;
    if (kt_client_global_init(&error) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("leader_threads", tests, NULL, NULL);
    kt_test_certificates_release();
    kt_client_global_cleanup();
    return failed;
}
