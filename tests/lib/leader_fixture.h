/* SPDX-License-Identifier: Apache-2.0 */
/* A Lease, its server and replicas that want it, under a clock that the test moves. One a program. */
#ifndef KT_TESTS_LIB_LEADER_FIXTURE_H
#define KT_TESTS_LIB_LEADER_FIXTURE_H

#include "tests/lib/lease_server.h"
#include "webhook/reconcile/leader_internal.h"

struct kt_replica {
    struct kt_leader *leader;
    int started, lost; /* calls of the callbacks */
};

extern struct kt_lease_store kt_leader_store;
extern struct kt_lease_door kt_leader_door;
extern struct kt_arena kt_leader_arena;

/* For cmocka's set-up and tear-down. */
int kt_leader_set_up(void **state);
int kt_leader_tear_down(void **state);
/* Runs a group between the process-wide beginning and end of the client. */
#define KT_LEADER_TEST(name) cmocka_unit_test_setup_teardown(name, kt_leader_set_up, kt_leader_tear_down)
#define KT_LEADER_RUN(name, tests) \
    (kt_client_global_init(NULL) != 0 ? 1 : kt_leader_end(cmocka_run_group_tests_name(name, tests, NULL, NULL)))
int kt_leader_end(int failed);

struct kt_replica kt_replica_open(const char *identity);
/* One that leads already. */
struct kt_replica kt_replica_open_leader(void);
/* One try, during which no time passes. */
int64_t kt_replica_turn(struct kt_replica *replica);

void kt_leader_pass_ms(int64_t duration_ms);
/* How wrong the wall clock is. */
void kt_leader_skew_ms(int64_t skew_ms);

/* What the spec of the stored Lease says: "" and -1 for nothing. */
const char *kt_leader_stored(const char *key);
int64_t kt_leader_stored_int(const char *key);

#endif
