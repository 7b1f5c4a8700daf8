/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"

#include "tests/lib/leader_fixture.h"
#include "webhook/log.h"

static _Atomic int64_t monotonic_ms, wall_skew_ms;

static int64_t fake_monotonic_ms(void *context KT_UNUSED)
{
    return atomic_load(&monotonic_ms);
}

static int64_t fake_wall_ms(void *context KT_UNUSED)
{
    return 1767323045678 + atomic_load(&monotonic_ms) + atomic_load(&wall_skew_ms);
}

static const struct kt_clock fake_clock = {fake_wall_ms, fake_monotonic_ms, NULL};

struct kt_lease_store kt_leader_store;
struct kt_lease_door kt_leader_door;
struct kt_arena kt_leader_arena;

static void on_started(void *context)
{
    ((struct kt_replica *)context)->started++;
}

static void on_lost(void *context)
{
    ((struct kt_replica *)context)->lost++;
}

static struct kt_leader_options options_of(const char *identity)
{
    return (struct kt_leader_options){.config = &kt_leader_door.fixture.config,
                                      .environment = &kt_leader_door.fixture.environment,
                                      .namespace_ = "kaito-workspace",
                                      .name = "kaito-webhook",
                                      .identity = identity};
}

struct kt_replica kt_replica_open(const char *identity)
{
    struct kt_leader_options options = options_of(identity);
    struct kt_replica replica = {0};
    struct kt_leader_callbacks none = {0};
    struct kt_error error;
    assert_int_equal(kt_leader_new(&options, &none, &replica.leader, &error), 0);
    return replica;
}

int64_t kt_replica_turn(struct kt_replica *replica)
{
    replica->leader->callbacks = (struct kt_leader_callbacks){on_started, on_lost, replica};
    return kt_leader_turn(replica->leader);
}

void kt_leader_pass_ms(int64_t duration_ms)
{
    atomic_fetch_add(&monotonic_ms, duration_ms);
}

void kt_leader_skew_ms(int64_t skew_ms)
{
    atomic_store(&wall_skew_ms, skew_ms);
}

struct kt_replica kt_replica_open_leader(void)
{
    struct kt_replica replica = kt_replica_open("me");
    assert_int_equal(kt_replica_turn(&replica), 2000);
    assert_int_equal(replica.started, 1);
    kt_lease_door_methods(&kt_leader_door);
    return replica;
}

static cJSON *stored_spec(void)
{
    return kt_json_get(kt_lease_store_get(&kt_leader_store, &kt_leader_arena), "spec");
}

const char *kt_leader_stored(const char *key)
{
    return kt_json_string_or(kt_json_get(stored_spec(), key), "");
}

int64_t kt_leader_stored_int(const char *key)
{
    int64_t value = -1;
    kt_json_int64(kt_json_get(stored_spec(), key), &value);
    return value;
}

int kt_leader_set_up(void **state KT_UNUSED)
{
    atomic_store(&monotonic_ms, 1000000);
    atomic_store(&wall_skew_ms, 0);
    kt_arena_init(&kt_leader_arena, 16 * KT_MIB);
    kt_lease_store_init(&kt_leader_store);
    kt_lease_door_open(&kt_leader_door, &kt_leader_store);
    kt_leader_door.fixture.environment.clock = &fake_clock;
    kt_log_set_level(KT_LOG_ERROR);
    return 0;
}

int kt_leader_tear_down(void **state KT_UNUSED)
{
    kt_lease_door_close(&kt_leader_door);
    kt_lease_store_release(&kt_leader_store);
    kt_arena_release(&kt_leader_arena);
    return 0;
}

int kt_leader_end(int failed)
{
    kt_test_certificates_release();
    kt_client_global_cleanup();
    return failed;
}
