/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of every kind: what is read of them, and what is written over them. */
#include "tests/lib/cmocka_all.h"

#include <string.h>

#include "webhook/reconcile/lease.h"

static struct kt_arena arena;
static const struct kt_lease_writer writer = {"kaito-workspace", "kaito-webhook", "me", 15000};

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)KT_MIB);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&arena);
    return 0;
}

static cJSON *parse(const char *text)
{
    struct kt_json_parsed parsed;
    assert_int_equal(kt_json_parse(&arena, kt_str(text), KT_JSON_DUPLICATES_REFUSE, &parsed, NULL), 0);
    return parsed.root;
}

static cJSON *with_spec(const char *spec)
{
    cJSON *lease = parse("{\"metadata\":{\"name\":\"kaito-webhook\",\"resourceVersion\":\"7\"}}");
    if (spec)
        kt_json_set(&arena, lease, "spec", parse(spec));
    return lease;
}

static const char *text_of(const cJSON *node)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &arena, (size_t)KT_MIB);
    kt_json_write(&text, node, KT_JSON_COMPACT);
    return text.data;
}

static void test_a_lease_is_read(void **state KT_UNUSED)
{
    struct kt_lease lease;
    cJSON *object = with_spec("{\"holderIdentity\":\"a\",\"leaseDurationSeconds\":15,\"leaseTransitions\":3,"
                              "\"acquireTime\":\"2026-01-02T03:04:05.678000Z\"}");
    assert_int_equal(kt_lease_read(object, &lease, NULL), 0);
    assert_string_equal(lease.resource_version, "7");
    assert_string_equal(lease.holder, "a");
    assert_string_equal(lease.acquire_time, "2026-01-02T03:04:05.678000Z");
    assert_int_equal(lease.transitions, 3);
    assert_int_equal(lease.duration_ms, 15000);
}

static void test_absurd_leases_are_read(void **state KT_UNUSED)
{
    static const struct {
        const char *spec, *holder;
        int64_t duration_ms, transitions;
    } cases[] = {
        {NULL, "", 0, 0},
        {"null", "", 0, 0},
        {"{}", "", 0, 0},
        {"{\"holderIdentity\":\"\"}", "", 0, 0},
        {"{\"holderIdentity\":null,\"leaseDurationSeconds\":1}", "", 1000, 0},
        /* Somebody holds it, but who? */
        {"\"a\"", NULL, 0, 0},
        {"[]", NULL, 0, 0},
        {"{\"holderIdentity\":7}", NULL, 0, 0},
        {"{\"holderIdentity\":{\"a\":\"b\"}}", NULL, 0, 0},
        {"{\"holderIdentity\":\"a\",\"leaseDurationSeconds\":0}", "a", 0, 0},
        {"{\"holderIdentity\":\"a\",\"leaseDurationSeconds\":-5}", "a", 0, 0},
        {"{\"holderIdentity\":\"a\",\"leaseDurationSeconds\":1.5}", "a", 0, 0},
        {"{\"holderIdentity\":\"a\",\"leaseDurationSeconds\":\"15\"}", "a", 0, 0},
        {"{\"holderIdentity\":\"a\",\"leaseDurationSeconds\":9223372036854775807}", "a", 9223372036854775000, 0},
        {"{\"holderIdentity\":\"a\",\"leaseTransitions\":-1}", "a", 0, 0},
        {"{\"holderIdentity\":\"a\",\"leaseTransitions\":2147483648}", "a", 0, 0},
        {"{\"holderIdentity\":\"a\",\"leaseTransitions\":2147483647,\"acquireTime\":5}", "a", 0, 2147483647},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        struct kt_lease lease;
        assert_int_equal(kt_lease_read(with_spec(cases[i].spec), &lease, NULL), 0);
        if (cases[i].holder)
            assert_string_equal(lease.holder, cases[i].holder);
        else
            assert_null(lease.holder);
        assert_int_equal(lease.duration_ms, cases[i].duration_ms);
        assert_int_equal(lease.transitions, cases[i].transitions);
        assert_string_equal(lease.acquire_time, "");
    }
}

static void test_what_is_no_lease_is_refused(void **state KT_UNUSED)
{
    static const char *const cases[] = {"{}",
                                        "[]",
                                        "\"x\"",
                                        "{\"metadata\":{\"resourceVersion\":\"\"}}",
                                        "{\"metadata\":{\"resourceVersion\":7}}",
                                        "{\"metadata\":[]}"};
    struct kt_lease lease;
    struct kt_error error = {0};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++)
        assert_int_equal(kt_lease_read(parse(cases[i]), &lease, &error), KT_EPARSE);
    assert_int_equal(kt_lease_read(NULL, &lease, &error), KT_EPARSE);
    assert_non_null(strstr(error.message, "resourceVersion"));
}

static void test_a_new_lease(void **state KT_UNUSED)
{
    assert_string_equal(
        text_of(kt_lease_make(&arena, NULL, KT_LEASE_TAKE, &writer, 1767323045678)),
        "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"kaito-webhook\","
        "\"namespace\":\"kaito-workspace\"},\"spec\":{\"renewTime\":\"2026-01-02T03:04:05.678000Z\","
        "\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,\"acquireTime\":\"2026-01-02T03:04:05.678000Z\","
        "\"leaseTransitions\":0}}");
}

static void test_changes_leave_what_others_wrote(void **state KT_UNUSED)
{
    cJSON *old = parse("{\"metadata\":{\"resourceVersion\":\"7\",\"labels\":{\"a\":\"b\"}},\"spec\":{"
                       "\"holderIdentity\":\"other\",\"leaseDurationSeconds\":60,\"leaseTransitions\":3,"
                       "\"acquireTime\":\"old\",\"renewTime\":\"old\",\"preferredHolder\":\"p\"}}");
    assert_string_equal(text_of(kt_lease_make(&arena, old, KT_LEASE_TAKE, &writer, 1)),
                        "{\"metadata\":{\"resourceVersion\":\"7\",\"labels\":{\"a\":\"b\"}},\"spec\":{"
                        "\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,\"leaseTransitions\":4,"
                        "\"acquireTime\":\"1970-01-01T00:00:00.001000Z\",\"renewTime\":\"1970-01-01T00:00:00.001000Z\","
                        "\"preferredHolder\":\"p\"}}");
    assert_string_equal(text_of(kt_lease_make(&arena, old, KT_LEASE_RENEW, &writer, -1)),
                        "{\"metadata\":{\"resourceVersion\":\"7\",\"labels\":{\"a\":\"b\"}},\"spec\":{"
                        "\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,\"leaseTransitions\":3,"
                        "\"acquireTime\":\"old\",\"renewTime\":\"1969-12-31T23:59:59.999000Z\","
                        "\"preferredHolder\":\"p\"}}");
    assert_string_equal(text_of(kt_lease_make(&arena, old, KT_LEASE_RELEASE, &writer, 0)),
                        "{\"metadata\":{\"resourceVersion\":\"7\",\"labels\":{\"a\":\"b\"}},\"spec\":{"
                        "\"leaseDurationSeconds\":1,\"leaseTransitions\":3,"
                        "\"acquireTime\":\"1970-01-01T00:00:00.000000Z\",\"renewTime\":\"1970-01-01T00:00:00.000000Z\","
                        "\"preferredHolder\":\"p\"}}");
    assert_string_equal(kt_json_string(kt_json_path(old, "spec", "holderIdentity", NULL)), "other");
}

static void test_an_absurd_lease_is_written_over(void **state KT_UNUSED)
{
    static const char *const specs[] = {NULL,
                                        "null",
                                        "\"a\"",
                                        "[1]",
                                        "{\"leaseTransitions\":2147483647,\"holderIdentity\":[]}",
                                        "{\"leaseTransitions\":-4}"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(specs); i++) {
        cJSON *lease = kt_lease_make(&arena, with_spec(specs[i]), KT_LEASE_TAKE, &writer, 0);
        struct kt_lease read;
        assert_int_equal(kt_lease_read(lease, &read, NULL), 0);
        assert_string_equal(read.holder, "me");
        assert_int_equal(read.duration_ms, 15000);
        assert_true(read.transitions >= 0 && read.transitions <= 1);
    }
}

static void test_a_short_duration_is_a_second(void **state KT_UNUSED)
{
    static const int64_t durations_ms[][2] = {{1, 1000}, {1000, 1000}, {1001, 2000}, {15000, 15000}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(durations_ms); i++) {
        struct kt_lease_writer other = writer;
        struct kt_lease lease;
        other.duration_ms = durations_ms[i][0];
        assert_int_equal(kt_lease_read(kt_lease_make(&arena, with_spec(NULL), KT_LEASE_TAKE, &other, 0), &lease, NULL),
                         0);
        assert_int_equal(lease.duration_ms, durations_ms[i][1]);
    }
}

static void test_without_memory(void **state KT_UNUSED)
{
    const cJSON *old = with_spec("{\"holderIdentity\":\"other\"}");
    bool made = false;
    for (size_t limit_bytes = 0; limit_bytes < 64 * KT_KIB && !made; limit_bytes += 64) {
        struct kt_arena small;
        kt_arena_init(&small, limit_bytes);
        const cJSON *lease = kt_lease_make(&small, old, KT_LEASE_TAKE, &writer, 0);
        made = lease != NULL;
        if (made)
            assert_string_equal(kt_json_string(kt_json_path(lease, "spec", "holderIdentity", NULL)), "me");
        kt_arena_release(&small);
    }
    assert_true(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lease_is_read),
        cmocka_unit_test(test_absurd_leases_are_read),
        cmocka_unit_test(test_what_is_no_lease_is_refused),
        cmocka_unit_test(test_a_new_lease),
        cmocka_unit_test(test_changes_leave_what_others_wrote),
        cmocka_unit_test(test_an_absurd_lease_is_written_over),
        cmocka_unit_test(test_a_short_duration_is_a_second),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests_name("lease", tests, set_up, tear_down);
}
