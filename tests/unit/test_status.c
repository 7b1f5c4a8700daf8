/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kube/status.h"

static struct kt_arena arena;

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(8 * KT_MIB));
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&arena);
    return 0;
}

static struct kt_status parse(const char *text)
{
    struct kt_json_parsed parsed;
    struct kt_status status;
    assert_int_equal(kt_json_parse(&arena, kt_str(text), KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL), 0);
    assert_true(kt_status_parse(&arena, parsed.root, 0, &status));
    return status;
}

static const char *describe(const struct kt_status *status)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &arena, (size_t)(4 * KT_MIB));
    kt_status_describe(&text, status);
    assert_false(text.failed);
    return text.data;
}

/* What kubectl 1.33 prints for the same Status, and our code for it. */
static void test_words_and_codes(void **state KT_UNUSED)
{
    static const struct {
        const char *json;
        const char *words;
        enum kt_error_code code;
    } cases[] = {
        {"{\"kind\":\"Status\",\"message\":\"workspaces.kaito.sh \\\"a\\\" not found\",\"reason\":\"NotFound\","
         "\"details\":{\"name\":\"a\",\"group\":\"kaito.sh\",\"kind\":\"workspaces\"},\"code\":404}",
         "Error from server (NotFound): workspaces.kaito.sh \"a\" not found", KT_ENOTFOUND},
        {"{\"kind\":\"Status\",\"message\":\"no\",\"reason\":\"Forbidden\",\"code\":403}",
         "Error from server (Forbidden): no", KT_EFORBIDDEN},
        {"{\"kind\":\"Status\",\"message\":\"Apply failed with 1 conflict\",\"reason\":\"Conflict\",\"code\":409,"
         "\"details\":{\"causes\":[{\"reason\":\"FieldManagerConflict\",\"message\":\"conflict with "
         "\\\"x\\\"\",\"field\":\".spec\"}]}}",
         "Error from server (Conflict): Apply failed with 1 conflict", KT_ECONFLICT},
        {"{\"kind\":\"Status\",\"message\":\"a exists\",\"reason\":\"AlreadyExists\",\"code\":409}",
         "Error from server (AlreadyExists): a exists", KT_ECONFLICT},
        {"{\"kind\":\"Status\",\"message\":\"too old\",\"reason\":\"Expired\",\"code\":410}",
         "Error from server (Expired): too old", KT_EGONE},
        {"{\"kind\":\"Status\",\"message\":\"too old\",\"reason\":\"Gone\",\"code\":410}",
         "Error from server (Gone): too old", KT_EGONE},
        {"{\"kind\":\"Status\",\"message\":\"admission webhook \\\"v.kaito.sh\\\" denied the request: T01: no\","
         "\"reason\":\"Forbidden\",\"code\":403}",
         "Error from server (Forbidden): admission webhook \"v.kaito.sh\" denied the request: T01: no", KT_EREFUSED},
        {"{\"kind\":\"Status\",\"message\":\"admission webhook \\\"v.kaito.sh\\\" denied the request: no\","
         "\"code\":400}",
         "Error from server: admission webhook \"v.kaito.sh\" denied the request: no", KT_EREFUSED},
        {"{\"kind\":\"Status\",\"message\":\"Internal error occurred: failed calling webhook\","
         "\"reason\":\"InternalError\",\"code\":500}",
         "Error from server (InternalError): Internal error occurred: failed calling webhook", KT_EUNAVAILABLE},
        {"{\"kind\":\"Status\",\"message\":\"slow\",\"reason\":\"Timeout\",\"code\":504}",
         "Error from server (Timeout): slow", KT_ETIMEOUT},
        {"{\"kind\":\"Status\",\"message\":\"\",\"code\":418}", "Error from server: HTTP 418 without an explanation",
         KT_EREFUSED},
        {"{\"kind\":\"Status\",\"message\":\"what\",\"reason\":\"NewReason\",\"code\":503}",
         "Error from server (NewReason): what", KT_EUNAVAILABLE},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        struct kt_status status = parse(cases[i].json);
        struct kt_error error = {0};
        assert_string_equal(describe(&status), cases[i].words);
        assert_int_equal(kt_status_error(&status, &error), cases[i].code);
        assert_int_equal(error.code, cases[i].code);
        assert_string_equal(error.message, cases[i].words);
        assert_string_equal(kt_error_prefix(&error), "");
    }
}

static void test_an_invalid_object_lists_its_causes(void **state KT_UNUSED)
{
    struct kt_status status =
        parse("{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"long\",\"reason\":\"Invalid\",\"code\":422,"
              "\"details\":{\"name\":\"a\",\"group\":\"kaito.sh\",\"kind\":\"Workspace\",\"causes\":["
              "{\"reason\":\"FieldValueRequired\",\"message\":\"Required value\",\"field\":\"resource.labelSelector\"},"
              "{\"reason\":\"FieldValueInvalid\",\"message\":\"Invalid value: 0\",\"field\":\"resource.count\"},"
              "{\"reason\":\"FieldValueRequired\",\"message\":\"Required value\",\"field\":\"resource.labelSelector\"}"
              "]}}");
    assert_int_equal(status.cause_count, 3);
    assert_string_equal(status.causes[1].reason, "FieldValueInvalid");
    assert_string_equal(describe(&status), "The Workspace \"a\" is invalid: \n"
                                           "* resource.labelSelector: Required value\n"
                                           "* resource.count: Invalid value: 0");
    struct kt_error error = {0};
    assert_int_equal(kt_status_error(&status, &error), KT_EREFUSED);
    assert_string_equal(kt_error_prefix(&error), "");

    status = parse("{\"kind\":\"Status\",\"reason\":\"Invalid\",\"code\":422,\"details\":{\"name\":\"a\","
                   "\"kind\":\"Workspace\",\"causes\":[{\"message\":\"Required value\",\"field\":\"x\"}]}}");
    assert_string_equal(describe(&status), "The Workspace \"a\" is invalid: x: Required value");
    status = parse("{\"kind\":\"Status\",\"reason\":\"Invalid\",\"code\":422,\"message\":\"m\"}");
    assert_string_equal(describe(&status), "The request is invalid: m");
    kt_status_error(&status, &error);
    assert_string_equal(kt_error_prefix(&error), "");
    status = parse("{\"kind\":\"Status\",\"reason\":\"Invalid\",\"code\":422,\"details\":{\"name\":\"a\","
                   "\"kind\":\"Workspace\"}}");
    assert_string_equal(describe(&status), "The Workspace \"a\" is invalid");
}

static void test_our_own_messages_get_a_prefix(void **state KT_UNUSED)
{
    struct kt_error error;
    kt_error_set(&error, KT_EINVAL, "cannot read x");
    assert_string_equal(kt_error_prefix(&error), "error: ");
    kt_error_set(&error, KT_EINVAL, "The cat is here");
    assert_string_equal(kt_error_prefix(&error), "error: ");
    kt_error_set(&error, KT_EUNAVAILABLE, "The connection to the server h:1 was refused");
    assert_string_equal(kt_error_prefix(&error), "");
    kt_error_set(&error, KT_EUNAVAILABLE, "Unable to connect to the server: x");
    assert_string_equal(kt_error_prefix(&error), "");
    kt_error_set(&error, KT_EUNAVAILABLE, "error: x");
    assert_string_equal(kt_error_prefix(&error), "");
}

static void test_a_reply_without_a_status(void **state KT_UNUSED)
{
    struct kt_status status;
    kt_status_from_http(&arena, 404, KT_STR("404 page not found\n"), &status);
    assert_string_equal(status.reason, "NotFound");
    assert_non_null(strstr(status.message, "(HTTP 404: 404 page not found)"));
    assert_int_equal(kt_status_error_code(&status), KT_ENOTFOUND);

    kt_status_from_http(&arena, 502, KT_STR("<html><body>Bad Gateway</body></html>"), &status);
    assert_string_equal(status.reason, "InternalError");
    assert_null(strstr(status.message, "html"));
    assert_int_equal(kt_status_error_code(&status), KT_EUNAVAILABLE);

    kt_status_from_http(&arena, 403, KT_STR("blocked by\r\n  the \x1b[31mfirewall"), &status);
    assert_string_equal(describe(&status), "Error from server (Forbidden): blocked by the [31mfirewall");

    kt_status_from_http(&arena, 500, KT_STR("\xff\xfe binary"), &status);
    assert_non_null(strstr(status.message, "(HTTP 500)"));
    kt_status_from_http(&arena, 302, KT_STR(""), &status);
    assert_non_null(strstr(status.message, "another address"));
    assert_int_equal(kt_status_error_code(&status), KT_EREFUSED);

    char *long_text = kt_arena_alloc(&arena, 100001);
    memset(long_text, 'x', 100000);
    kt_status_from_http(&arena, 400, kt_str(long_text), &status);
    assert_true(strlen(status.message) < 400);
    assert_non_null(strstr(status.message, "xxx..."));
    assert_int_equal(kt_status_error_code(&status), KT_EREFUSED);
}

static void test_every_code_has_words(void **state KT_UNUSED)
{
    for (int code = 300; code < 600; code++) {
        struct kt_status status;
        struct kt_error error = {0};
        kt_status_from_http(&arena, code, KT_STR(""), &status);
        assert_true(kt_status_error(&status, &error) < 0);
        assert_true(strlen(error.message) > 30);
        assert_string_equal(kt_error_prefix(&error), "");
        kt_arena_reset(&arena);
    }
}

static void test_hostile_statuses(void **state KT_UNUSED)
{
    static const char *const not_statuses[] = {"[]", "1", "\"Status\"", "{}", "{\"kind\":\"Pod\"}", "{\"kind\":[]}"};
    struct kt_status status;
    assert_false(kt_status_parse(&arena, NULL, 500, &status));
    for (size_t i = 0; i < KT_ARRAY_LENGTH(not_statuses); i++) {
        struct kt_json_parsed parsed;
        assert_int_equal(kt_json_parse(&arena, kt_str(not_statuses[i]), KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL),
                         0);
        assert_false(kt_status_parse(&arena, parsed.root, 500, &status));
    }
    status =
        parse("{\"kind\":\"Status\",\"reason\":7,\"message\":[],\"code\":\"x\",\"details\":{\"causes\":[1,{},null],"
              "\"retryAfterSeconds\":-4}}");
    assert_int_equal(status.cause_count, 3);
    assert_int_equal(status.retry_after_s, 0);
    assert_string_equal(describe(&status), "Error from server: HTTP 0 without an explanation");
    /* Escape sequences would reach the user's terminal. */
    status =
        parse("{\"kind\":\"Status\",\"reason\":\"R\\u001b[2J\",\"message\":\"a\\u0007b\\nc\\u007f\",\"code\":500}");
    assert_string_equal(describe(&status), "Error from server (R [2J): a b\nc ");
    /* A code out of range does not become ours. */
    status = parse("{\"kind\":\"Status\",\"code\":99999999999}");
    assert_int_equal(status.code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words_and_codes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_invalid_object_lists_its_causes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_our_own_messages_get_a_prefix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_reply_without_a_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_code_has_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_statuses, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
