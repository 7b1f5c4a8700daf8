/* SPDX-License-Identifier: Apache-2.0 */
/* Leader election turn by turn, under a clock that the test moves. Threads and real time: test_leader_threads.c. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/lease_server.h"
#include "webhook/log.h"
#include "webhook/reconcile/leader_internal.h"

/* --- the world ------------------------------------------------------------------------------------------------------
 */

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

static struct kt_lease_store store;
static struct kt_lease_door door;
static struct kt_arena arena;

struct replica {
    struct kt_leader *leader;
    int started, lost;
};

static void on_started(void *context)
{
    ((struct replica *)context)->started++;
}

static void on_lost(void *context)
{
    ((struct replica *)context)->lost++;
}

static struct kt_leader_options options_of(const char *identity)
{
    return (struct kt_leader_options){.config = &door.fixture.config,
                                      .environment = &door.fixture.environment,
                                      .namespace_ = "kaito-workspace",
                                      .name = "kaito-webhook",
                                      .identity = identity};
}

static struct replica open_replica(const char *identity)
{
    struct kt_leader_options options = options_of(identity);
    struct replica replica = {0};
    struct kt_leader_callbacks none = {0};
    struct kt_error error;
    assert_int_equal(kt_leader_new(&options, &none, &replica.leader, &error), 0);
    return replica;
}

/* One try, and no time passes. */
static int64_t turn(struct replica *replica)
{
    replica->leader->callbacks = (struct kt_leader_callbacks){on_started, on_lost, replica};
    return kt_leader_turn(replica->leader);
}

static void wait_ms(int64_t duration_ms)
{
    atomic_fetch_add(&monotonic_ms, duration_ms);
}

/* A replica that leads already. */
static struct replica open_leader(void)
{
    struct replica replica = open_replica("me");
    assert_int_equal(turn(&replica), 2000);
    assert_int_equal(replica.started, 1);
    kt_lease_door_methods(&door);
    return replica;
}

static cJSON *stored_spec(void)
{
    return kt_json_get(kt_lease_store_get(&store, &arena), "spec");
}

static const char *stored(const char *key)
{
    return kt_json_string_or(kt_json_get(stored_spec(), key), "");
}

static int64_t stored_int(const char *key)
{
    int64_t value = -1;
    kt_json_int64(kt_json_get(stored_spec(), key), &value);
    return value;
}

static int set_up(void **state KT_UNUSED)
{
    atomic_store(&monotonic_ms, 1000000);
    atomic_store(&wall_skew_ms, 0);
    kt_arena_init(&arena, 16 * KT_MIB);
    kt_lease_store_init(&store);
    kt_lease_door_open(&door, &store);
    door.fixture.environment.clock = &fake_clock;
    kt_log_set_level(KT_LOG_ERROR);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_lease_door_close(&door);
    kt_arena_release(&arena);
    return 0;
}

/* --- getting it -----------------------------------------------------------------------------------------------------
 */

static void test_takes_a_lease_that_is_not_there(void **state KT_UNUSED)
{
    struct replica replica = open_replica("me");
    assert_false(kt_leader_is_leader(replica.leader));
    assert_int_equal(turn(&replica), 2000);
    assert_string_equal(kt_lease_door_methods(&door), "GET POST");
    assert_int_equal(replica.started, 1);
    assert_true(kt_leader_is_leader(replica.leader));
    assert_string_equal(stored("holderIdentity"), "me");
    assert_int_equal(stored_int("leaseDurationSeconds"), 15);
    assert_int_equal(stored_int("leaseTransitions"), 0);
    assert_string_equal(stored("renewTime"), stored("acquireTime"));
    kt_leader_free(replica.leader);
}

static void test_takes_a_lease_that_nobody_holds(void **state KT_UNUSED)
{
    static const char *const specs[] = {NULL, "null", "{}", "{\"holderIdentity\":\"\",\"leaseDurationSeconds\":1}",
                                        "{\"holderIdentity\":null,\"leaseTransitions\":-7}"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(specs); i++) {
        kt_lease_store_put(&store, specs[i]);
        struct replica replica = open_replica("me");
        turn(&replica);
        assert_string_equal(kt_lease_door_methods(&door), "GET PUT");
        assert_int_equal(replica.started, 1);
        assert_string_equal(stored("holderIdentity"), "me");
        assert_int_equal(stored_int("leaseDurationSeconds"), 15);
        const cJSON *labels = kt_json_path(kt_lease_store_get(&store, &arena), "metadata", "labels", NULL);
        assert_string_equal(kt_json_string(kt_json_get(labels, "kept")), "yes");
        kt_leader_free(replica.leader);
    }
}

/* An hour of another's renewals, with clocks an hour apart either way: the times in the record say nothing. */
static void test_never_takes_a_lease_that_is_renewed(void **state KT_UNUSED)
{
    static const int64_t skews_ms[] = {0, 3600000, -3600000};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(skews_ms); i++) {
        struct replica replica = open_replica("me");
        atomic_store(&wall_skew_ms, skews_ms[i]);
        for (int renewal = 0; renewal < 300; renewal++) {
            char spec[200];
            snprintf(spec, sizeof(spec),
                     "{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":15,"
                     "\"renewTime\":\"2026-01-02T%02d:%02d:00.000000Z\"}",
                     renewal / 60, renewal % 60);
            kt_lease_store_put(&store, spec);
            int64_t next_ms = turn(&replica);
            assert_in_range(next_ms, 2000, 4400);
            wait_ms(14999);
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
        kt_lease_store_put(&store, cases[i].spec);
        struct replica replica = open_replica("me");
        turn(&replica);
        wait_ms(cases[i].wait_ms - 1);
        turn(&replica);
        assert_string_equal(kt_lease_door_methods(&door), "GET GET");
        assert_int_equal(replica.started, 0);
        wait_ms(1);
        turn(&replica);
        assert_string_equal(kt_lease_door_methods(&door), "GET PUT");
        assert_int_equal(replica.started, 1);
        assert_string_equal(stored("holderIdentity"), "me");
        kt_leader_free(replica.leader);
    }
}

static void test_a_note_on_a_dead_lease_does_not_keep_it_alive(void **state KT_UNUSED)
{
    kt_lease_store_put(&store, "{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":15}");
    struct replica replica = open_replica("me");
    turn(&replica);
    wait_ms(10000);
    kt_lease_store_annotate(&store, "note");
    turn(&replica);
    wait_ms(5000);
    turn(&replica);
    assert_int_equal(replica.started, 1);
    kt_leader_free(replica.leader);
}

static void test_takes_its_own_lease_at_once(void **state KT_UNUSED)
{
    kt_lease_store_put(&store, "{\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,\"leaseTransitions\":4,"
                               "\"renewTime\":\"2026-01-02T03:04:05.000000Z\"}");
    struct replica replica = open_replica("me"), similar = open_replica("m");
    turn(&similar);
    assert_int_equal(similar.started, 0);
    turn(&replica);
    assert_int_equal(replica.started, 1);
    assert_int_equal(stored_int("leaseTransitions"), 5);
    kt_leader_free(replica.leader);
    kt_leader_free(similar.leader);
}

/* Two replicas read the same free Lease; the API server takes the first write only. */
static void test_somebody_is_faster(void **state KT_UNUSED)
{
    struct replica replica = open_replica("me");
    kt_lease_door_fault(&door, KT_LEASE_FAULT_STATUS, "POST", 409, "somebody was faster", 1);
    turn(&replica);
    assert_string_equal(kt_lease_door_methods(&door), "GET POST GET POST");
    assert_int_equal(replica.started, 1);
    kt_leader_free(replica.leader);

    kt_lease_store_put(&store, "{}");
    replica = open_replica("me");
    kt_lease_door_fault(&door, KT_LEASE_FAULT_STATUS, "PUT", 409, "somebody was faster", 100);
    int64_t next_ms = turn(&replica);
    assert_in_range(next_ms, 2000, 4400);
    assert_string_equal(kt_lease_door_methods(&door), "GET PUT GET PUT");
    assert_int_equal(replica.started, 0);
    kt_leader_free(replica.leader);
}

static void test_a_take_without_an_answer_is_tried_again(void **state KT_UNUSED)
{
    struct replica replica = open_replica("me");
    kt_lease_door_fault(&door, KT_LEASE_FAULT_CUT, "POST", 0, "", 1);
    turn(&replica);
    assert_int_equal(replica.started, 0);
    assert_string_equal(stored("holderIdentity"), "me");
    turn(&replica);
    assert_int_equal(replica.started, 1);
    kt_leader_free(replica.leader);
}

/* --- keeping and losing it ------------------------------------------------------------------------------------------
 */

static void test_renews_with_one_request(void **state KT_UNUSED)
{
    struct replica replica = open_leader();
    const char *acquired = stored("acquireTime");
    for (int i = 0; i < 100; i++) {
        const char *renewed = stored("renewTime");
        wait_ms(2000);
        assert_int_equal(turn(&replica), 2000);
        assert_string_equal(kt_lease_door_methods(&door), "PUT");
        assert_string_not_equal(stored("renewTime"), renewed);
    }
    assert_string_equal(stored("acquireTime"), acquired);
    assert_int_equal(stored_int("leaseTransitions"), 0);
    assert_int_equal(replica.started, 1);
    assert_int_equal(replica.lost, 0);
    kt_leader_free(replica.leader);
}

static void test_loses_it_when_nothing_is_renewed_for_ten_seconds(void **state KT_UNUSED)
{
    static const char *const methods[] = {"PUT", "GET PUT POST"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(methods); i++) {
        struct replica replica = open_leader();
        kt_lease_door_fault(&door, KT_LEASE_FAULT_STATUS, methods[i], 500, "no", 1000);
        int64_t passed_ms = 0, next_ms = 2000;
        while (next_ms >= 0 && passed_ms < 60000) {
            assert_int_equal(replica.lost, 0);
            wait_ms(next_ms);
            passed_ms += next_ms;
            next_ms = turn(&replica);
        }
        assert_int_equal(passed_ms, 10000);
        assert_int_equal(next_ms, -1);
        assert_int_equal(replica.lost, 1);
        assert_false(kt_leader_is_leader(replica.leader));
        /* It is the past: the end gives nothing back. */
        kt_lease_door_heal(&door);
        kt_lease_door_methods(&door);
        kt_leader_release(replica.leader);
        assert_string_equal(kt_lease_door_methods(&door), "");
        assert_string_equal(stored("holderIdentity"), "me");
        assert_int_equal(replica.started, 1);
        assert_int_equal(replica.lost, 1);
        kt_leader_free(replica.leader);
    }
}

static void test_trouble_that_passes_is_no_loss(void **state KT_UNUSED)
{
    struct replica replica = open_leader();
    for (int i = 0; i < 20; i++) {
        kt_lease_door_fault(&door, i % 2 ? KT_LEASE_FAULT_STATUS : KT_LEASE_FAULT_TEXT, "GET PUT", 503, "[1]", 3);
        for (int tries = 0; tries < 4; tries++) {
            wait_ms(2000);
            assert_true(turn(&replica) > 0);
        }
        assert_true(kt_leader_is_leader(replica.leader));
        kt_lease_door_heal(&door);
    }
    assert_int_equal(replica.lost, 0);
    kt_leader_free(replica.leader);
}

/* A process that stood still learns from the clock alone that its time is over. */
static void test_the_clock_counts(void **state KT_UNUSED)
{
    struct replica replica = open_leader();
    wait_ms(9999);
    assert_true(kt_leader_is_leader(replica.leader));
    wait_ms(1);
    assert_false(kt_leader_is_leader(replica.leader));
    assert_int_equal(turn(&replica), -1);
    assert_int_equal(replica.lost, 1);
    assert_string_equal(kt_lease_door_methods(&door), "");
    kt_leader_free(replica.leader);
}

/* The time of a renewal is that of its beginning, so that nobody else begins before we end. */
static void test_a_renewal_that_fails_does_not_count(void **state KT_UNUSED)
{
    struct replica replica = open_leader();
    wait_ms(4000);
    turn(&replica);
    wait_ms(9000);
    kt_lease_door_fault(&door, KT_LEASE_FAULT_STATUS, "PUT", 500, "no", 1);
    assert_int_equal(turn(&replica), 1000);
    wait_ms(1000);
    assert_int_equal(turn(&replica), -1);
    kt_leader_free(replica.leader);
}

static void test_a_renewal_without_an_answer_may_have_been_done(void **state KT_UNUSED)
{
    struct replica replica = open_leader();
    wait_ms(2000);
    kt_lease_door_fault(&door, KT_LEASE_FAULT_CUT, "PUT", 0, "", 1);
    turn(&replica);
    wait_ms(2000);
    kt_lease_door_methods(&door);
    turn(&replica);
    assert_string_equal(kt_lease_door_methods(&door), "PUT GET PUT");
    wait_ms(9999);
    assert_true(kt_leader_is_leader(replica.leader));
    assert_int_equal(replica.lost, 0);
    kt_leader_free(replica.leader);
}

static void test_a_change_of_metadata_is_no_loss(void **state KT_UNUSED)
{
    struct replica replica = open_leader();
    kt_lease_store_annotate(&store, "note");
    wait_ms(2000);
    assert_int_equal(turn(&replica), 2000);
    assert_string_equal(kt_lease_door_methods(&door), "PUT GET PUT");
    const cJSON *notes = kt_json_path(kt_lease_store_get(&store, &arena), "metadata", "annotations", NULL);
    assert_non_null(kt_json_get(notes, "note"));
    kt_leader_free(replica.leader);
}

static void test_a_lease_that_was_deleted_is_made_again(void **state KT_UNUSED)
{
    struct replica replica = open_leader();
    kt_lease_store_delete(&store);
    wait_ms(2000);
    assert_int_equal(turn(&replica), 2000);
    assert_string_equal(kt_lease_door_methods(&door), "PUT GET POST");
    wait_ms(2000);
    assert_int_equal(turn(&replica), 2000);
    assert_string_equal(kt_lease_door_methods(&door), "PUT");
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
        kt_lease_store_delete(&store);
        struct replica replica = open_leader();
        kt_lease_store_put(&store, specs[i]);
        wait_ms(2000);
        assert_int_equal(turn(&replica), -1);
        assert_string_equal(kt_lease_door_methods(&door), "PUT GET");
        assert_int_equal(replica.lost, 1);
        assert_false(kt_leader_is_leader(replica.leader));
        kt_leader_free(replica.leader);
    }
}

static void test_two_processes_of_one_name_do_not_go_on_together(void **state KT_UNUSED)
{
    struct replica first = open_leader(), second = open_replica("me");
    turn(&second);
    assert_int_equal(second.started, 1);
    wait_ms(2000);
    assert_int_equal(turn(&first), -1);
    assert_int_equal(turn(&second), 2000);
    assert_int_equal(first.lost, 1);
    assert_int_equal(second.lost, 0);
    kt_leader_free(first.leader);
    kt_leader_free(second.leader);
}

/* --- giving it back -------------------------------------------------------------------------------------------------
 */

static void test_gives_it_back_and_another_begins_at_once(void **state KT_UNUSED)
{
    struct replica first = open_leader(), second = open_replica("other");
    turn(&second);
    assert_int_equal(second.started, 0);
    kt_lease_door_methods(&door);
    kt_leader_release(first.leader);
    assert_string_equal(kt_lease_door_methods(&door), "PUT");
    assert_false(kt_leader_is_leader(first.leader));
    assert_string_equal(stored("holderIdentity"), "");
    assert_int_equal(stored_int("leaseDurationSeconds"), 1);
    assert_int_equal(first.lost, 0);
    turn(&second);
    assert_int_equal(second.started, 1);
    assert_int_equal(stored_int("leaseTransitions"), 1);
    kt_leader_free(first.leader);
    kt_leader_free(second.leader);
}

static void test_gives_back_only_what_it_holds(void **state KT_UNUSED)
{
    /* Changed since it was seen, and still ours. */
    struct replica replica = open_leader();
    kt_lease_store_annotate(&store, "note");
    kt_leader_release(replica.leader);
    assert_string_equal(kt_lease_door_methods(&door), "PUT GET PUT");
    assert_string_equal(stored("holderIdentity"), "");
    kt_leader_free(replica.leader);
    /* Taken by another meanwhile. */
    replica = open_leader();
    kt_lease_store_put(&store, "{\"holderIdentity\":\"other\"}");
    kt_leader_release(replica.leader);
    assert_string_equal(kt_lease_door_methods(&door), "PUT GET");
    assert_string_equal(stored("holderIdentity"), "other");
    kt_leader_free(replica.leader);
    /* Never had. */
    replica = open_replica("me");
    turn(&replica);
    kt_lease_door_methods(&door);
    kt_leader_release(replica.leader);
    assert_string_equal(kt_lease_door_methods(&door), "");
    kt_leader_free(replica.leader);
    /* Gone. */
    kt_lease_store_delete(&store);
    replica = open_leader();
    kt_lease_store_delete(&store);
    kt_leader_release(replica.leader);
    assert_string_equal(kt_lease_door_methods(&door), "PUT");
    kt_leader_free(replica.leader);
}

static void test_gives_back_what_it_got_without_hearing_of_it(void **state KT_UNUSED)
{
    struct replica replica = open_replica("me");
    kt_lease_door_fault(&door, KT_LEASE_FAULT_CUT, "POST", 0, "", 1);
    turn(&replica);
    assert_string_equal(stored("holderIdentity"), "me");
    kt_leader_release(replica.leader);
    assert_string_equal(stored("holderIdentity"), "");
    kt_leader_free(replica.leader);
}

/* --- trouble --------------------------------------------------------------------------------------------------------
 */

/* What is logged meanwhile goes into a file; its content is in `text` afterwards. */
struct captured {
    int file, real;
    char text[16384];
};

static void capture(struct captured *captured)
{
    kt_log_set_level(KT_LOG_INFO);
    captured->file = memfd_create("log", MFD_CLOEXEC);
    assert_true(captured->file >= 0);
    captured->real = dup(STDERR_FILENO);
    assert_true(dup2(captured->file, STDERR_FILENO) >= 0);
}

static void end_capture(struct captured *captured)
{
    assert_true(dup2(captured->real, STDERR_FILENO) >= 0);
    close(captured->real);
    ssize_t length = pread(captured->file, captured->text, sizeof(captured->text) - 1, 0);
    assert_true(length >= 0);
    captured->text[length] = '\0';
    close(captured->file);
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *place = text; (place = strstr(place, word)); place += strlen(word))
        count++;
    return count;
}

static void test_a_missing_right_is_told_once(void **state KT_UNUSED)
{
    static const struct {
        const char *methods;
        int code;
        const char *message, *advice;
    } cases[] = {
        {"GET", 403, "leases.coordination.k8s.io is forbidden: cannot get resource leases", "create, get and update"},
        {"POST", 403, "leases.coordination.k8s.io is forbidden: cannot create resource leases", "a Role with create"},
        {"POST", 404, "namespaces kaito-workspace not found", "is this the namespace"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        struct captured captured;
        struct replica replica = open_replica("me");
        kt_lease_store_delete(&store);
        kt_lease_door_fault(&door, KT_LEASE_FAULT_STATUS, cases[i].methods, cases[i].code, cases[i].message, 100);
        capture(&captured);
        for (int tries = 0; tries < 30; tries++) {
            int64_t next_ms = turn(&replica);
            assert_in_range(next_ms, 2000, 4400);
            wait_ms(next_ms);
        }
        assert_int_equal(replica.started, 0);
        kt_lease_door_heal(&door);
        turn(&replica);
        assert_int_equal(replica.started, 1);
        end_capture(&captured);
        assert_int_equal(count_of(captured.text, "\"level\":\"warning\""), 1);
        assert_int_equal(count_of(captured.text, cases[i].message), 1);
        assert_int_equal(count_of(captured.text, cases[i].advice), 1);
        assert_int_equal(count_of(captured.text, "this replica reconciles"), 1);
        kt_leader_free(replica.leader);
    }
}

static void test_answers_that_are_no_lease_are_never_taken(void **state KT_UNUSED)
{
    static const char *const texts[] = {"{}",
                                        "null",
                                        "[]",
                                        "\"a\"",
                                        "{\"metadata\":{}}",
                                        "",
                                        "<html>",
                                        "{\"metadata\":{\"resourceVersion\":\"\"},\"spec\":{}}"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        struct replica replica = open_replica("me");
        kt_lease_door_fault(&door, KT_LEASE_FAULT_TEXT, "GET", 200, texts[i], 1000);
        for (int tries = 0; tries < 10; tries++) {
            int64_t next_ms = turn(&replica);
            assert_in_range(next_ms, 2000, 4400);
            wait_ms(next_ms);
        }
        assert_null(strstr(kt_lease_door_methods(&door), "P"));
        assert_int_equal(replica.started, 0);
        kt_leader_free(replica.leader);
    }
}

/* A server that answers a take with something else has not given the Lease. */
static void test_a_strange_answer_to_a_take_is_none(void **state KT_UNUSED)
{
    static const char *const texts[] = {
        "{}", "{\"metadata\":{\"resourceVersion\":\"1\"}}",
        "{\"metadata\":{\"resourceVersion\":\"1\"},\"spec\":{\"holderIdentity\":\"other\"}}"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        struct replica replica = open_replica("me");
        kt_lease_door_fault(&door, KT_LEASE_FAULT_TEXT, "POST PUT", 200, texts[i], 1000);
        turn(&replica);
        assert_int_equal(replica.started, 0);
        kt_leader_free(replica.leader);
    }
}

static void test_odd_options_are_refused(void **state KT_UNUSED)
{
    static char long_identity[300];
    memset(long_identity, 'a', sizeof(long_identity) - 1);
    static const struct kt_leader_options cases[] = {
        {.namespace_ = NULL, .name = "l"},
        {.namespace_ = "", .name = "l"},
        {.namespace_ = "n", .name = NULL},
        {.namespace_ = "n", .name = ""},
        {.namespace_ = "n", .name = "l", .identity = long_identity},
        {.namespace_ = "n", .name = "l", .lease_duration_ms = 10, .renew_deadline_ms = 10, .retry_ms = 2},
        {.namespace_ = "n", .name = "l", .lease_duration_ms = 15, .renew_deadline_ms = 12, .retry_ms = 10},
        {.namespace_ = "n", .name = "l", .lease_duration_ms = 15, .renew_deadline_ms = 10},
        {.namespace_ = "n", .name = "l", .lease_duration_ms = 15, .renew_deadline_ms = 10, .retry_ms = -1},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        struct kt_leader_callbacks none = {0};
        struct kt_leader *leader = NULL;
        struct kt_error error = {0};
        assert_int_equal(kt_leader_start(&cases[i], &none, &leader, &error), KT_EINVAL);
        assert_null(leader);
        assert_true(error.message[0] != '\0');
    }
    /* Without an identity it is the host's name. */
    char host[254] = "";
    gethostname(host, sizeof(host) - 1);
    struct replica replica = open_replica(NULL);
    turn(&replica);
    assert_string_equal(stored("holderIdentity"), host);
    kt_leader_free(replica.leader);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_takes_a_lease_that_is_not_there),
        TEST(test_takes_a_lease_that_nobody_holds),
        TEST(test_never_takes_a_lease_that_is_renewed),
        TEST(test_takes_a_lease_after_the_time_of_its_holder),
        TEST(test_a_note_on_a_dead_lease_does_not_keep_it_alive),
        TEST(test_takes_its_own_lease_at_once),
        TEST(test_somebody_is_faster),
        TEST(test_a_take_without_an_answer_is_tried_again),
        TEST(test_renews_with_one_request),
        TEST(test_loses_it_when_nothing_is_renewed_for_ten_seconds),
        TEST(test_trouble_that_passes_is_no_loss),
        TEST(test_the_clock_counts),
        TEST(test_a_renewal_that_fails_does_not_count),
        TEST(test_a_renewal_without_an_answer_may_have_been_done),
        TEST(test_a_change_of_metadata_is_no_loss),
        TEST(test_a_lease_that_was_deleted_is_made_again),
        TEST(test_a_lease_that_another_took_is_lost_at_once),
        TEST(test_two_processes_of_one_name_do_not_go_on_together),
        TEST(test_gives_it_back_and_another_begins_at_once),
        TEST(test_gives_back_only_what_it_holds),
        TEST(test_gives_back_what_it_got_without_hearing_of_it),
        TEST(test_a_missing_right_is_told_once),
        TEST(test_answers_that_are_no_lease_are_never_taken),
        TEST(test_a_strange_answer_to_a_take_is_none),
        TEST(test_odd_options_are_refused),
    };
    struct kt_error error;
    if (kt_client_global_init(&error) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("leader", tests, NULL, NULL);
    kt_test_certificates_release();
    kt_client_global_cleanup();
    return failed;
}
