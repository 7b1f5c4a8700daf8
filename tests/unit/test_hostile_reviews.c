/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that nobody should send: each gets one clean answer, in bounded memory, and nothing is admitted by accident.
 */
#include "base/limits.h"
#include "tests/lib/hostile_case.h"
#include "tests/lib/objects.h"

static void bodies_that_are_no_review(void **state)
{
    (void)state;
    static const char binary[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00\xff\xfe\xfd";
    kt_hostile_expect_fault("empty", KT_STR(""));
    kt_hostile_expect_fault("binary", (struct kt_str){binary, sizeof(binary)});
    kt_hostile_expect_fault("a NUL", (struct kt_str){"{}\0", 3});
    kt_hostile_expect_fault("spaces", kt_hostile_repeat(" ", 100000));
    kt_hostile_expect_fault("8 MiB of a", kt_hostile_repeat("a", 8u << 20));
    kt_hostile_expect_fault("8 MiB of zeros", kt_hostile_repeat("0", 8u << 20));
    kt_hostile_expect_fault("8 MiB of a number's digits", kt_hostile_repeat("1", 8u << 20));
    kt_hostile_expect_fault("100,000 deep arrays", kt_hostile_repeat("[", 100000));
    kt_hostile_expect_fault("100,000 deep objects", kt_hostile_repeat("{\"a\":", 100000));
    kt_hostile_expect_fault("8 MiB deep", kt_hostile_repeat("[", 8u << 20));
    kt_hostile_expect_fault("an open string of 8 MiB", kt_hostile_repeat("\"", 1));
    kt_hostile_expect_fault("8 MiB of quotes", kt_hostile_repeat("\"", 8u << 20));
    kt_hostile_expect_fault("8 MiB of back-slashes", kt_hostile_repeat("\\", 8u << 20));
    kt_hostile_expect_fault("YAML", KT_STR("apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n"));
    kt_hostile_expect_fault("another version",
                            KT_STR("{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":\"AdmissionReview\","
                                   "\"request\":{\"uid\":\"705ab4f5-6393-11e8-b7cc-42010a800002\"}}"));
    static const char *const others[] = {"null",
                                         "0",
                                         "\"\"",
                                         "[]",
                                         "{}",
                                         "true",
                                         "{\"request\":{\"uid\":\"1\"}}",
                                         "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"}",
                                         "{\"apiVersion\":[],\"kind\":{}}"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(others); i++)
        kt_hostile_expect_fault(others[i], kt_str(others[i]));
}

static void bodies_that_eat_memory(void **state)
{
    (void)state;
    struct kt_str zeros = kt_hostile_repeat("0,", (3u << 20) / 2);
    const char *list = kt_arena_printf(kt_hostile_inputs(), "[%.*s0]", (int)zeros.length, zeros.data);
    kt_hostile_expect_fault("3 MiB of [0,0,...", kt_str(list));
    kt_hostile_expect_refusal(
        "the same as a count",
        kt_hostile_tuning_with("\"count\":1", kt_str(kt_arena_printf(kt_hostile_inputs(), "\"count\":%s", list))), 413);
    kt_hostile_expect_refusal("3 MiB of objects",
                              kt_hostile_tuning_with("\"count\":1", kt_hostile_repeat("\"a\":{},", 400000)), 413);
    struct kt_str deep = kt_hostile_repeat("{\"a\":", 100000);
    kt_hostile_expect_refusal(
        "100,000 deep within an object",
        kt_hostile_tuning_with("\"count\":1", kt_str(kt_arena_printf(kt_hostile_inputs(), "\"count\":%s", deep.data))),
        413);
}

/* However much of a real review arrives: once the uid is readable the API server gets an answer to it. */
static void a_review_cut_at_every_byte(void **state)
{
    (void)state;
    struct kt_str whole = kt_test_read_file(kt_hostile_inputs(), "tests/bench/data/review.json");
    size_t answered = 0;
    for (size_t length = 0; length < whole.length; length++) {
        /* A copy of its own, so that a read beyond the end is seen. */
        char *copy = kt_heap_alloc(length + 1);
        assert_non_null(copy);
        memcpy(copy, whole.data, length);
        for (int kind = KT_REVIEW_MUTATE; kind <= KT_REVIEW_VALIDATE; kind++) {
            int code = kt_review_case_answer(&kt_hostile, (enum kt_review_kind)kind, (struct kt_str){copy, length});
            /* What follows the last bracket is white space. */
            bool is_whole = copy[length > 0 ? length - 1 : 0] == '\n' || length + 1 == whole.length;
            const char *wrong = code < 0 ? kt_hostile_check_fault(code) : NULL;
            bool wrongly_allowed = code == 0 && kind == KT_REVIEW_VALIDATE && kt_hostile.summary.allowed && !is_whole;
            if (wrong || wrongly_allowed)
                fail_msg("cut at %zu: %s", length, wrong ? wrong : "it is admitted");
            answered += code == 0;
        }
        kt_heap_free(copy);
    }
    assert_true(answered > whole.length);
}

static void texts_that_are_no_text(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value; /* of tuning.method, quotes included */
        int64_t code;      /* 0: it can be read, and is judged */
    } rows[] = {
        {"a cut character", "\"\xc3\"", 400},
        {"an over-long character", "\"\xc0\xaf\"", 400},
        {"a surrogate in UTF-8", "\"\xed\xa0\x80\"", 400},
        {"beyond Unicode", "\"\xf4\x90\x80\x80\"", 400},
        {"a lone surrogate", "\"\\ud800\"", 0},
        {"U+0000", "\"qlo\\u0000ra\"", 400},
        {"a raw control character", "\"\x01\"", 400},
        {"a raw line feed", "\"a\nb\"", 400},
        {"a bad escape", "\"\\x41\"", 400},
        {"an escape that ends early", "\"\\u12\"", 400},
        {"escaped controls", "\"\\u0001\\u001b[31m\\u009b\"", 0},
        {"right to left", "\"\\u202e\\u2066\"", 0},
        {"a byte order mark", "\"\\ufeff\"", 0},
        {"format characters", "\"%s%n%1000000d\"", 0},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++)
        kt_hostile_expect_refusal(
            rows[i].name,
            kt_hostile_tuning_with("\"method\":\"qlora\"",
                                   kt_str(kt_arena_printf(kt_hostile_inputs(), "\"method\":%s", rows[i].value))),
            rows[i].code ? rows[i].code : 422);
}

static void numbers_of_every_size(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t code;
    } rows[] = {
        {"1e999", 400},
        {"-1e999", 400},
        {"1e308", 422},
        {"1e-999", 422},
        {"0.1", 422},
        {"-0", 422},
        {"9223372036854775807", 422},
        {"9223372036854775808", 422},
        {"-9223372036854775809", 422},
        {"18446744073709551617", 422},
        {"01", 400},
        {"1.", 400},
        {".5", 400},
        {"+1", 400},
        {"0x10", 400},
        {"NaN", 400},
        {"Infinity", 400},
        {"1e", 400},
        {"--1", 400},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++)
        kt_hostile_expect_refusal(
            rows[i].value,
            kt_hostile_tuning_with("\"count\":1",
                                   kt_str(kt_arena_printf(kt_hostile_inputs(), "\"count\":%s", rows[i].value))),
            rows[i].code);
    struct kt_str digits = kt_hostile_repeat("9", 100000);
    kt_hostile_expect_refusal(
        "a number of 100,000 digits",
        kt_hostile_tuning_with("\"count\":1",
                               kt_str(kt_arena_printf(kt_hostile_inputs(), "\"count\":%s", digits.data))),
        413);
}

static void envelopes_with_odd_members(void **state)
{
    (void)state;
    static const char *const members[] = {
        "\"operation\":\"EXPLODE\",\"object\":{}",
        "\"operation\":7,\"object\":{}",
        "\"object\":{}",
        "\"operation\":\"CREATE\"",
        "\"operation\":\"CREATE\",\"object\":null",
        "\"operation\":\"CREATE\",\"object\":[]",
        "\"operation\":\"CREATE\",\"object\":\"x\"",
        "\"operation\":\"CREATE\",\"object\":{}",
        "\"operation\":\"UPDATE\",\"object\":{},\"oldObject\":null",
        "\"operation\":\"UPDATE\",\"object\":{},\"oldObject\":[[[]]]",
        "\"operation\":\"UPDATE\",\"object\":null,\"oldObject\":{}",
        "\"operation\":\"CREATE\",\"kind\":[],\"resource\":1,\"subResource\":{},\"object\":{}",
        "\"operation\":\"CREATE\",\"name\":{},\"namespace\":[],\"userInfo\":\"x\",\"dryRun\":\"maybe\",\"object\":{}",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(members); i++) {
        const char *wrong = kt_hostile_check(kt_review_case_envelope(&kt_hostile, members[i]),
                                             kt_json_new_object(kt_hostile_inputs()), true);
        if (wrong)
            fail_msg("%s: %s", members[i], wrong);
        if (kt_hostile.verdict.allowed)
            fail_msg("%s: it is admitted", members[i]);
    }
    static const char *const uids[] = {"7", "null", "\"\"", "{}", "[]", "true"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(uids); i++)
        kt_hostile_expect_fault(uids[i], kt_str(kt_arena_printf(kt_hostile_inputs(),
                                                                "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":"
                                                                "\"AdmissionReview\",\"request\":{\"uid\":%s}}",
                                                                uids[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bodies_that_are_no_review, kt_hostile_set_up, kt_hostile_tear_down),
        cmocka_unit_test_setup_teardown(bodies_that_eat_memory, kt_hostile_set_up, kt_hostile_tear_down),
        cmocka_unit_test_setup_teardown(a_review_cut_at_every_byte, kt_hostile_set_up, kt_hostile_tear_down),
        cmocka_unit_test_setup_teardown(texts_that_are_no_text, kt_hostile_set_up, kt_hostile_tear_down),
        cmocka_unit_test_setup_teardown(numbers_of_every_size, kt_hostile_set_up, kt_hostile_tear_down),
        cmocka_unit_test_setup_teardown(envelopes_with_odd_members, kt_hostile_set_up, kt_hostile_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
