/* SPDX-License-Identifier: Apache-2.0 */
/* Leader election turn by turn: getting the Lease, keeping and losing it. Its end and trouble: test_leader_faults.c;
 * threads and real time: test_leader_threads.c. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/leader_fixture.h"

/* --- getting it -----------------------------------------------------------------------------------------------------
 */

static void test_takes_a_lease_that_is_not_there(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open("me");
    assert_false(kt_leader_is_leader(replica.leader));
    assert_int_equal(kt_replica_turn(&replica), 2000);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "GET POST");
    assert_int_equal(replica.started, 1);
    assert_true(kt_leader_is_leader(replica.leader));
    assert_string_equal(kt_leader_stored("holderIdentity"), "me");
    assert_int_equal(kt_leader_stored_int("leaseDurationSeconds"), 15);
    assert_int_equal(kt_leader_stored_int("leaseTransitions"), 0);
    assert_string_equal(kt_leader_stored("renewTime"), kt_leader_stored("acquireTime"));
    kt_leader_free(replica.leader);
}

static void test_takes_a_lease_that_nobody_holds(void **state KT_UNUSED)
{
    static const char *const specs[] = {NULL, "null", "{}", "{\"holderIdentity\":\"\",\"leaseDurationSeconds\":1}",
                                        "{\"holderIdentity\":null,\"leaseTransitions\":-7}"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(specs); i++) {
        kt_lease_store_put(&kt_leader_store, specs[i]);
        struct kt_replica replica = kt_replica_open("me");
        kt_replica_turn(&replica);
        assert_string_equal(kt_lease_door_methods(&kt_leader_door), "GET PUT");
        assert_int_equal(replica.started, 1);
        assert_string_equal(kt_leader_stored("holderIdentity"), "me");
        assert_int_equal(kt_leader_stored_int("leaseDurationSeconds"), 15);
        const cJSON *labels =
            kt_json_path(kt_lease_store_get(&kt_leader_store, &kt_leader_arena), "metadata", "labels", NULL);
        assert_string_equal(kt_json_string(kt_json_get(labels, "kept")), "yes");
        kt_leader_free(replica.leader);
    }
}

/* An hour of another's renewals, with clocks an hour apart either way: the times in the record say nothing. */
static void test_never_takes_a_lease_that_is_renewed(void **state KT_UNUSED)
{
    static const int64_t skews_ms[] = {0, 3600000, -3600000};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(skews_ms); i++) {
        struct kt_replica replica = kt_replica_open("me");
        kt_leader_skew_ms(skews_ms[i]);
        for (int renewal = 0; renewal < 300; renewal++) {
            char spec[200];
            snprintf(spec, sizeof(spec),
                     "{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":15,"
                     "\"renewTime\":\"2026-01-02T%02d:%02d:00.000000Z\"}",
                     renewal / 60, renewal % 60);
            kt_lease_store_put(&kt_leader_store, spec);
            int64_t next_ms = kt_replica_turn(&replica);
            assert_in_range(next_ms, 2000, 4400);
            kt_leader_pass_ms(14999);
        }
        assert_int_equal(replica.started, 0);
        assert_false(kt_leader_is_leader(replica.leader));
        kt_leader_free(replica.leader);
    }
}

/* How long a silent holder is waited for: as long as it asks, within reason, however old the times in its record. */
static void test_takes_a_lease_after_the_time_of_its_holder(void **state KT_UNUSED)
{
    static const struct {
        const char *spec;
        int64_t wait_ms;
    } cases[] = {
        {"{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":15,\"renewTime\":\"1990-01-01T00:00:00.000000Z\"}",
         15000},
        {"{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":15,\"renewTime\":\"2990-01-01T00:00:00.000000Z\"}",
         15000},
        {"{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":60}", 60000},
        {"{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":1}", 15000},
        {"{\"holderIdentity\":\"other\"}", 15000},
        {"{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":0}", 15000},
        {"{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":-15}", 15000},
        {"{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":9223372036854775807}", 300000},
        {"{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":\"15\"}", 15000},
        {"{\"holderIdentity\":7}", 15000},
        {"\"other\"", 15000},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        kt_lease_store_put(&kt_leader_store, cases[i].spec);
        struct kt_replica replica = kt_replica_open("me");
        kt_replica_turn(&replica);
        kt_leader_pass_ms(cases[i].wait_ms - 1);
        kt_replica_turn(&replica);
        assert_string_equal(kt_lease_door_methods(&kt_leader_door), "GET GET");
        assert_int_equal(replica.started, 0);
        kt_leader_pass_ms(1);
        kt_replica_turn(&replica);
        assert_string_equal(kt_lease_door_methods(&kt_leader_door), "GET PUT");
        assert_int_equal(replica.started, 1);
        assert_string_equal(kt_leader_stored("holderIdentity"), "me");
        kt_leader_free(replica.leader);
    }
}

static void test_a_note_on_a_dead_lease_does_not_keep_it_alive(void **state KT_UNUSED)
{
    kt_lease_store_put(&kt_leader_store, "{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":15}");
    struct kt_replica replica = kt_replica_open("me");
    kt_replica_turn(&replica);
    kt_leader_pass_ms(10000);
    kt_lease_store_annotate(&kt_leader_store, "note");
    kt_replica_turn(&replica);
    kt_leader_pass_ms(5000);
    kt_replica_turn(&replica);
    assert_int_equal(replica.started, 1);
    kt_leader_free(replica.leader);
}

static void test_takes_its_own_lease_at_once(void **state KT_UNUSED)
{
    kt_lease_store_put(&kt_leader_store,
                       "{\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,\"leaseTransitions\":4,"
                       "\"renewTime\":\"2026-01-02T03:04:05.000000Z\"}");
    struct kt_replica replica = kt_replica_open("me"), similar = kt_replica_open("m");
    kt_replica_turn(&similar);
    assert_int_equal(similar.started, 0);
    kt_replica_turn(&replica);
    assert_int_equal(replica.started, 1);
    assert_int_equal(kt_leader_stored_int("leaseTransitions"), 5);
    kt_leader_free(replica.leader);
    kt_leader_free(similar.leader);
}

/* Two replicas read the same free Lease; the API server takes the first write only. */
static void test_somebody_is_faster(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open("me");
    kt_lease_door_fault(&kt_leader_door, KT_LEASE_FAULT_STATUS, "POST", 409, "somebody was faster", 1);
    kt_replica_turn(&replica);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "GET POST GET POST");
    assert_int_equal(replica.started, 1);
    kt_leader_free(replica.leader);

    kt_lease_store_put(&kt_leader_store, "{}");
    replica = kt_replica_open("me");
    kt_lease_door_fault(&kt_leader_door, KT_LEASE_FAULT_STATUS, "PUT", 409, "somebody was faster", 100);
    int64_t next_ms = kt_replica_turn(&replica);
    assert_in_range(next_ms, 2000, 4400);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "GET PUT GET PUT");
    assert_int_equal(replica.started, 0);
    kt_leader_free(replica.leader);
}

static void test_a_take_without_an_answer_is_tried_again(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open("me");
    kt_lease_door_fault(&kt_leader_door, KT_LEASE_FAULT_CUT, "POST", 0, "", 1);
    kt_replica_turn(&replica);
    assert_int_equal(replica.started, 0);
    assert_string_equal(kt_leader_stored("holderIdentity"), "me");
    kt_replica_turn(&replica);
    assert_int_equal(replica.started, 1);
    kt_leader_free(replica.leader);
}

/* --- keeping and losing it ------------------------------------------------------------------------------------------
 */

static void test_renews_with_one_request(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open_leader();
    const char *acquired = kt_leader_stored("acquireTime");
    for (int i = 0; i < 100; i++) {
        const char *renewed = kt_leader_stored("renewTime");
        kt_leader_pass_ms(2000);
        assert_int_equal(kt_replica_turn(&replica), 2000);
        assert_string_equal(kt_lease_door_methods(&kt_leader_door), "PUT");
        assert_string_not_equal(kt_leader_stored("renewTime"), renewed);
    }
    assert_string_equal(kt_leader_stored("acquireTime"), acquired);
    assert_int_equal(kt_leader_stored_int("leaseTransitions"), 0);
    assert_int_equal(replica.started, 1);
    assert_int_equal(replica.lost, 0);
    kt_leader_free(replica.leader);
}

static void test_loses_it_when_nothing_is_renewed_for_ten_seconds(void **state KT_UNUSED)
{
    static const char *const methods[] = {"PUT", "GET PUT POST"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(methods); i++) {
        struct kt_replica replica = kt_replica_open_leader();
        kt_lease_door_fault(&kt_leader_door, KT_LEASE_FAULT_STATUS, methods[i], 500, "no", 1000);
        int64_t passed_ms = 0, next_ms = 2000;
        while (next_ms >= 0 && passed_ms < 60000) {
            assert_int_equal(replica.lost, 0);
            kt_leader_pass_ms(next_ms);
            passed_ms += next_ms;
            next_ms = kt_replica_turn(&replica);
        }
        assert_int_equal(passed_ms, 10000);
        assert_int_equal(next_ms, -1);
        assert_int_equal(replica.lost, 1);
        assert_false(kt_leader_is_leader(replica.leader));
        /* It is the past: the end gives nothing back. */
        kt_lease_door_heal(&kt_leader_door);
        kt_lease_door_methods(&kt_leader_door);
        kt_leader_release(replica.leader);
        assert_string_equal(kt_lease_door_methods(&kt_leader_door), "");
        assert_string_equal(kt_leader_stored("holderIdentity"), "me");
        assert_int_equal(replica.started, 1);
        assert_int_equal(replica.lost, 1);
        kt_leader_free(replica.leader);
    }
}

static void test_trouble_that_passes_is_no_loss(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open_leader();
    for (int i = 0; i < 20; i++) {
        kt_lease_door_fault(&kt_leader_door, i % 2 ? KT_LEASE_FAULT_STATUS : KT_LEASE_FAULT_TEXT, "GET PUT", 503, "[1]",
                            3);
        for (int tries = 0; tries < 4; tries++) {
            kt_leader_pass_ms(2000);
            assert_true(kt_replica_turn(&replica) > 0);
        }
        assert_true(kt_leader_is_leader(replica.leader));
        kt_lease_door_heal(&kt_leader_door);
    }
    assert_int_equal(replica.lost, 0);
    kt_leader_free(replica.leader);
}

/* A process that stood still learns from the clock alone that its time is over. */
static void test_the_clock_counts(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open_leader();
    kt_leader_pass_ms(9999);
    assert_true(kt_leader_is_leader(replica.leader));
    kt_leader_pass_ms(1);
    assert_false(kt_leader_is_leader(replica.leader));
    assert_int_equal(kt_replica_turn(&replica), -1);
    assert_int_equal(replica.lost, 1);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "");
    kt_leader_free(replica.leader);
}

static void pass_three_seconds(void)
{
    kt_leader_pass_ms(3000);
}

static void pass_ten_seconds(void)
{
    kt_leader_pass_ms(10000);
}

/* The time of a renewal is that of its beginning, so that nobody else begins before we end. */
static void test_the_time_of_a_request_counts(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open_leader();
    kt_leader_door.before_answer = pass_three_seconds;
    assert_int_equal(kt_replica_turn(&replica), 2000);
    kt_leader_pass_ms(6999);
    assert_true(kt_leader_is_leader(replica.leader));
    kt_leader_pass_ms(1);
    assert_false(kt_leader_is_leader(replica.leader));
    kt_leader_free(replica.leader);
}

static void test_an_answer_that_comes_too_late_is_none(void **state KT_UNUSED)
{
    struct kt_replica leader = kt_replica_open_leader();
    kt_leader_door.before_answer = pass_ten_seconds;
    assert_int_equal(kt_replica_turn(&leader), -1);
    assert_int_equal(leader.lost, 1);
    /* The same for who does not lead yet. */
    struct kt_replica other = kt_replica_open("other");
    kt_lease_store_put(&kt_leader_store, "{}");
    kt_replica_turn(&other);
    assert_int_equal(other.started, 0);
    kt_leader_door.before_answer = NULL;
    kt_replica_turn(&other);
    assert_int_equal(other.started, 1);
    kt_leader_free(leader.leader);
    kt_leader_free(other.leader);
}

static void test_a_renewal_that_fails_does_not_count(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open_leader();
    kt_leader_pass_ms(4000);
    kt_replica_turn(&replica);
    kt_leader_pass_ms(9000);
    kt_lease_door_fault(&kt_leader_door, KT_LEASE_FAULT_STATUS, "PUT", 500, "no", 1);
    assert_int_equal(kt_replica_turn(&replica), 1000);
    kt_leader_pass_ms(1000);
    assert_int_equal(kt_replica_turn(&replica), -1);
    kt_leader_free(replica.leader);
}

static void test_a_renewal_without_an_answer_may_have_been_done(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open_leader();
    kt_leader_pass_ms(2000);
    kt_lease_door_fault(&kt_leader_door, KT_LEASE_FAULT_CUT, "PUT", 0, "", 1);
    kt_replica_turn(&replica);
    kt_leader_pass_ms(2000);
    kt_lease_door_methods(&kt_leader_door);
    kt_replica_turn(&replica);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "PUT GET PUT");
    kt_leader_pass_ms(9999);
    assert_true(kt_leader_is_leader(replica.leader));
    assert_int_equal(replica.lost, 0);
    kt_leader_free(replica.leader);
}

static void test_a_change_of_metadata_is_no_loss(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open_leader();
    kt_lease_store_annotate(&kt_leader_store, "note");
    kt_leader_pass_ms(2000);
    assert_int_equal(kt_replica_turn(&replica), 2000);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "PUT GET PUT");
    const cJSON *notes =
        kt_json_path(kt_lease_store_get(&kt_leader_store, &kt_leader_arena), "metadata", "annotations", NULL);
    assert_non_null(kt_json_get(notes, "note"));
    kt_leader_free(replica.leader);
}

static void test_a_lease_that_was_deleted_is_made_again(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open_leader();
    kt_lease_store_delete(&kt_leader_store);
    kt_leader_pass_ms(2000);
    assert_int_equal(kt_replica_turn(&replica), 2000);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "PUT GET POST");
    kt_leader_pass_ms(2000);
    assert_int_equal(kt_replica_turn(&replica), 2000);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "PUT");
    assert_int_equal(replica.started, 1);
    assert_int_equal(replica.lost, 0);
    kt_leader_free(replica.leader);
}

static void test_a_lease_that_another_took_is_lost_at_once(void **state KT_UNUSED)
{
    static const char *const specs[] = {
        "{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":15}",
        "{\"holderIdentity\":\"\"}",
        "{\"holderIdentity\":9}",
        "null",
        /* Another process by our name. */
        "{\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,\"leaseTransitions\":1}",
        "{\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,\"leaseTransitions\":0,\"acquireTime\":\"x\"}",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(specs); i++) {
        kt_lease_store_delete(&kt_leader_store);
        struct kt_replica replica = kt_replica_open_leader();
        kt_lease_store_put(&kt_leader_store, specs[i]);
        kt_leader_pass_ms(2000);
        assert_int_equal(kt_replica_turn(&replica), -1);
        assert_string_equal(kt_lease_door_methods(&kt_leader_door), "PUT GET");
        assert_int_equal(replica.lost, 1);
        assert_false(kt_leader_is_leader(replica.leader));
        kt_leader_free(replica.leader);
    }
}

static void test_two_processes_of_one_name_do_not_go_on_together(void **state KT_UNUSED)
{
    struct kt_replica first = kt_replica_open_leader(), second = kt_replica_open("me");
    kt_replica_turn(&second);
    assert_int_equal(second.started, 1);
    kt_leader_pass_ms(2000);
    assert_int_equal(kt_replica_turn(&first), -1);
    assert_int_equal(kt_replica_turn(&second), 2000);
    assert_int_equal(first.lost, 1);
    assert_int_equal(second.lost, 0);
    kt_leader_free(first.leader);
    kt_leader_free(second.leader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KT_LEADER_TEST(test_takes_a_lease_that_is_not_there),
        KT_LEADER_TEST(test_takes_a_lease_that_nobody_holds),
        KT_LEADER_TEST(test_never_takes_a_lease_that_is_renewed),
        KT_LEADER_TEST(test_takes_a_lease_after_the_time_of_its_holder),
        KT_LEADER_TEST(test_a_note_on_a_dead_lease_does_not_keep_it_alive),
        KT_LEADER_TEST(test_takes_its_own_lease_at_once),
        KT_LEADER_TEST(test_somebody_is_faster),
        KT_LEADER_TEST(test_a_take_without_an_answer_is_tried_again),
        KT_LEADER_TEST(test_renews_with_one_request),
        KT_LEADER_TEST(test_loses_it_when_nothing_is_renewed_for_ten_seconds),
        KT_LEADER_TEST(test_trouble_that_passes_is_no_loss),
        KT_LEADER_TEST(test_the_clock_counts),
        KT_LEADER_TEST(test_the_time_of_a_request_counts),
        KT_LEADER_TEST(test_an_answer_that_comes_too_late_is_none),
        KT_LEADER_TEST(test_a_renewal_that_fails_does_not_count),
        KT_LEADER_TEST(test_a_renewal_without_an_answer_may_have_been_done),
        KT_LEADER_TEST(test_a_change_of_metadata_is_no_loss),
        KT_LEADER_TEST(test_a_lease_that_was_deleted_is_made_again),
        KT_LEADER_TEST(test_a_lease_that_another_took_is_lost_at_once),
        KT_LEADER_TEST(test_two_processes_of_one_name_do_not_go_on_together),
    };
    return KT_LEADER_RUN("leader", tests);
}
