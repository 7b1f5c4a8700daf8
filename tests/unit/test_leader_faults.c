/* SPDX-License-Identifier: Apache-2.0 */
/* Leader election turn by turn: giving the Lease back, and servers that refuse or talk nonsense. */
#include "tests/lib/cmocka_all.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/leader_fixture.h"
#include "webhook/log.h"

/* --- giving it back -------------------------------------------------------------------------------------------------
 */

static void test_gives_it_back_and_another_begins_at_once(void **state KT_UNUSED)
{
    struct kt_replica first = kt_replica_open_leader(), second = kt_replica_open("other");
    kt_replica_turn(&second);
    assert_int_equal(second.started, 0);
    kt_lease_door_methods(&kt_leader_door);
    kt_leader_release(first.leader);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "PUT");
    assert_false(kt_leader_is_leader(first.leader));
    assert_string_equal(kt_leader_stored("holderIdentity"), "");
    assert_int_equal(kt_leader_stored_int("leaseDurationSeconds"), 1);
    assert_int_equal(first.lost, 0);
    kt_replica_turn(&second);
    assert_int_equal(second.started, 1);
    assert_int_equal(kt_leader_stored_int("leaseTransitions"), 1);
    kt_leader_free(first.leader);
    kt_leader_free(second.leader);
}

static void test_gives_back_only_what_it_holds(void **state KT_UNUSED)
{
    /* Changed since it was seen, and still ours. */
    struct kt_replica replica = kt_replica_open_leader();
    kt_lease_store_annotate(&kt_leader_store, "note");
    kt_leader_release(replica.leader);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "PUT GET PUT");
    assert_string_equal(kt_leader_stored("holderIdentity"), "");
    kt_leader_free(replica.leader);
    /* Taken by another meanwhile. */
    replica = kt_replica_open_leader();
    kt_lease_store_put(&kt_leader_store, "{\"holderIdentity\":\"other\"}");
    kt_leader_release(replica.leader);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "PUT GET");
    assert_string_equal(kt_leader_stored("holderIdentity"), "other");
    kt_leader_free(replica.leader);
    /* Never had. */
    replica = kt_replica_open("me");
    kt_replica_turn(&replica);
    kt_lease_door_methods(&kt_leader_door);
    kt_leader_release(replica.leader);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "");
    kt_leader_free(replica.leader);
    /* Gone. */
    kt_lease_store_delete(&kt_leader_store);
    replica = kt_replica_open_leader();
    kt_lease_store_delete(&kt_leader_store);
    kt_leader_release(replica.leader);
    assert_string_equal(kt_lease_door_methods(&kt_leader_door), "PUT");
    kt_leader_free(replica.leader);
}

static void test_gives_back_what_it_got_without_hearing_of_it(void **state KT_UNUSED)
{
    struct kt_replica replica = kt_replica_open("me");
    kt_lease_door_fault(&kt_leader_door, KT_LEASE_FAULT_CUT, "POST", 0, "", 1);
    kt_replica_turn(&replica);
    assert_string_equal(kt_leader_stored("holderIdentity"), "me");
    kt_leader_release(replica.leader);
    assert_string_equal(kt_leader_stored("holderIdentity"), "");
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
        struct kt_replica replica = kt_replica_open("me");
        kt_lease_store_delete(&kt_leader_store);
        kt_lease_door_fault(&kt_leader_door, KT_LEASE_FAULT_STATUS, cases[i].methods, cases[i].code, cases[i].message,
                            100);
        capture(&captured);
        for (int tries = 0; tries < 30; tries++) {
            int64_t next_ms = kt_replica_turn(&replica);
            assert_in_range(next_ms, 2000, 4400);
            kt_leader_pass_ms(next_ms);
        }
        assert_int_equal(replica.started, 0);
        kt_lease_door_heal(&kt_leader_door);
        kt_replica_turn(&replica);
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
        struct kt_replica replica = kt_replica_open("me");
        kt_lease_door_fault(&kt_leader_door, KT_LEASE_FAULT_TEXT, "GET", 200, texts[i], 1000);
        for (int tries = 0; tries < 10; tries++) {
            int64_t next_ms = kt_replica_turn(&replica);
            assert_in_range(next_ms, 2000, 4400);
            kt_leader_pass_ms(next_ms);
        }
        assert_null(strstr(kt_lease_door_methods(&kt_leader_door), "P"));
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
        struct kt_replica replica = kt_replica_open("me");
        kt_lease_door_fault(&kt_leader_door, KT_LEASE_FAULT_TEXT, "POST PUT", 200, texts[i], 1000);
        kt_replica_turn(&replica);
        assert_int_equal(replica.started, 0);
        kt_leader_free(replica.leader);
    }
}

/* Each allocation of a try fails once: the Lease is then not held, and the next try gets it. */
static void test_without_memory(void **state KT_UNUSED)
{
    bool held = false;
    for (size_t nth = 1; nth < 200 && !held; nth++) {
        struct kt_replica replica = kt_replica_open("me");
        kt_lease_store_delete(&kt_leader_store);
        kt_heap_fail_from(nth);
        kt_replica_turn(&replica);
        kt_heap_fail_from(0);
        held = replica.started == 1;
        assert_true(kt_leader_is_leader(replica.leader) == held);
        kt_replica_turn(&replica);
        assert_int_equal(replica.started, 1);
        kt_leader_free(replica.leader);
    }
    assert_true(held);
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
    struct kt_replica replica = kt_replica_open(NULL);
    kt_replica_turn(&replica);
    assert_string_equal(kt_leader_stored("holderIdentity"), host);
    kt_leader_free(replica.leader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KT_LEADER_TEST(test_gives_it_back_and_another_begins_at_once),
        KT_LEADER_TEST(test_gives_back_only_what_it_holds),
        KT_LEADER_TEST(test_gives_back_what_it_got_without_hearing_of_it),
        KT_LEADER_TEST(test_a_missing_right_is_told_once),
        KT_LEADER_TEST(test_answers_that_are_no_lease_are_never_taken),
        KT_LEADER_TEST(test_a_strange_answer_to_a_take_is_none),
        KT_LEADER_TEST(test_without_memory),
        KT_LEADER_TEST(test_odd_options_are_refused),
    };
    return KT_LEADER_RUN("leader_faults", tests);
}
