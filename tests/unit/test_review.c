/* SPDX-License-Identifier: Apache-2.0 */
/* The AdmissionReview codec, promise by promise. Every answer goes through the API server's own checks. */
#include "admission/review.h"
#include "base/limits.h"
#include "tests/lib/admission_case.h"
#include "tests/lib/apiserver_checks.h"
#include "tests/lib/cmocka_all.h"
#include "text/base64.h"
#include "text/json_pointer.h"

static struct kt_admission_case test;
static struct kt_review_summary summary;
static struct kt_error error;
static struct kt_str answer;

static int set_up(void **state)
{
    (void)state;
    kt_admission_case_init(&test);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kt_admission_case_release(&test);
    return 0;
}

static int run(enum kt_review_kind kind, struct kt_str body)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, &test.arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    error = (struct kt_error){0};
    int code = kt_review_answer(&test.arena, kind, body, &test.settings, &test.cluster, &buffer, &summary, &error);
    answer = kt_strbuf_view(&buffer);
    return code;
}

/* A review of an object, with members of the request changed by a merge patch. */
static const char *body_of(const char *operation, const cJSON *object, const cJSON *old, const char *request_patch)
{
    cJSON *request = kt_test_json(
        &test.arena,
        "{\"uid\":\"u-1\",\"kind\":{\"group\":\"kaito.sh\",\"version\":\"v1beta1\",\"kind\":\"Workspace\"},"
        "\"resource\":{\"group\":\"kaito.sh\",\"version\":\"v1beta1\",\"resource\":\"workspaces\"},"
        "\"namespace\":\"default\",\"userInfo\":{\"username\":\"jane\"}}");
    kt_json_set_string(&test.arena, request, "operation", operation);
    kt_json_set(&test.arena, request, "object",
                object ? kt_json_clone(&test.arena, object) : kt_json_new_null(&test.arena));
    kt_json_set(&test.arena, request, "oldObject",
                old ? kt_json_clone(&test.arena, old) : kt_json_new_null(&test.arena));
    cJSON *review = kt_test_json(&test.arena, "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"}");
    kt_json_set(&test.arena, review, "request",
                kt_test_merge(&test.arena, request, kt_test_json(&test.arena, request_patch)));
    return kt_test_write_json(&test.arena, review);
}

static struct kt_apiserver_verdict ask_body(enum kt_review_kind kind, const char *body, cJSON *object)
{
    assert_int_equal(run(kind, kt_str(body)), 0);
    kt_arena_limit_work(&test.arena, UINT64_MAX); /* the answer is read, whatever the review took */
    test.arena.overworked = NULL;
    test.arena.failed = false;
    struct kt_apiserver_verdict verdict =
        kt_apiserver_check(&test.arena, answer, "u-1", kind == KT_REVIEW_MUTATE, object);
    if (verdict.wrong) {
        fail_msg("%s: %.*s", verdict.wrong, (int)answer.length, answer.data);
    }
    assert_int_equal(verdict.allowed, summary.allowed);
    return verdict;
}

static struct kt_apiserver_verdict ask(enum kt_review_kind kind, const char *operation, cJSON *object, cJSON *old)
{
    return ask_body(kind, body_of(operation, object, old, "{}"), object);
}

static cJSON *tuning(const char *patch)
{
    return kt_admission_case_changed(&test, kt_admission_case_tuning(&test), patch);
}

static bool warns(const struct kt_apiserver_verdict *verdict, const char *text)
{
    const cJSON *warning;
    const cJSON *warnings = kt_json_get(verdict->response, "warnings");
    cJSON_ArrayForEach(warning, warnings)
    {
        if (strstr(kt_json_string_or(warning, ""), text)) {
            return true;
        }
    }
    return false;
}

/* P1, P2, P5: golden answers, byte for byte. */
static void test_golden_admission(void **state)
{
    (void)state;
    ask(KT_REVIEW_VALIDATE, "CREATE", tuning("{}"), NULL);
    test.cluster = kt_cluster_unknown;
    ask(KT_REVIEW_MUTATE, "CREATE", tuning("{}"), NULL);
    assert_string_equal(answer.data,
                        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":"
                        "{\"uid\":\"u-1\",\"allowed\":true}}");
}

static void test_golden_mutation(void **state)
{
    (void)state;
    ask(KT_REVIEW_MUTATE, "CREATE", tuning("{\"resource\":{\"count\":null}}"), NULL);
    struct kt_strbuf patch;
    kt_strbuf_init(&patch, &test.arena, (size_t)KT_MIB);
    kt_base64_encode(&patch, KT_STR("[{\"op\":\"add\",\"path\":\"/resource/count\",\"value\":1}]"));
    assert_string_equal(
        answer.data,
        kt_arena_printf(&test.arena,
                        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":"
                        "{\"uid\":\"u-1\",\"allowed\":true,\"patchType\":\"JSONPatch\",\"patch\":\"%s\"}}",
                        patch.data));
    assert_int_equal(summary.patch_operations, 1);
}

static void test_golden_refusal(void **state)
{
    (void)state;
    struct kt_apiserver_verdict verdict =
        ask(KT_REVIEW_VALIDATE, "CREATE",
            tuning("{\"metadata\":{\"name\":\"Tune\"},\"tuning\":{\"output\":{\"image\":\"NO\"}}}"), NULL);
    assert_false(verdict.allowed);
    const cJSON *status = kt_json_get(verdict.response, "status");
    assert_string_equal(kt_json_string(kt_json_get(status, "reason")), "Invalid");
    int64_t code = 0;
    assert_true(kt_json_int64(kt_json_get(status, "code"), &code));
    assert_int_equal(code, 422);
    const cJSON *details = kt_json_get(status, "details");
    assert_string_equal(kt_json_string(kt_json_get(details, "name")), "Tune");
    assert_string_equal(kt_json_string(kt_json_get(details, "group")), "kaito.sh");
    assert_string_equal(kt_json_string(kt_json_get(details, "kind")), "Workspace");
    const cJSON *cause = kt_json_item(kt_json_get(details, "causes"), 0);
    assert_string_equal(kt_json_string(kt_json_get(cause, "reason")), "FieldValueInvalid");
    assert_string_equal(kt_json_string(kt_json_get(cause, "field")), "metadata.name");
    const char *message = kt_json_string(kt_json_get(status, "message"));
    assert_true(
        kt_str_starts_with(kt_str(message), KT_STR("Workspace.kaito.sh \"Tune\" is invalid: [metadata.name: ")));
    /* The message repeats every cause. */
    cJSON_ArrayForEach(cause, kt_json_get(details, "causes"))
    {
        assert_non_null(strstr(message, kt_json_string(kt_json_get(cause, "message"))));
    }
    assert_int_equal(summary.errors, kt_json_count(kt_json_get(details, "causes")));
}

static void test_uid_is_echoed(void **state)
{
    (void)state;
    static const char *const uids[] = {"705ab4f5-6393-11e8-b7cc-42010a800002", "\\\"quoted\\\\ \\u00e9 \\n"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(uids); i++) {
        const char *patch = kt_arena_printf(&test.arena, "{\"uid\":\"%s\"}", uids[i]);
        const char *uid = kt_json_string(kt_json_get(kt_test_json(&test.arena, patch), "uid"));
        cJSON *object = tuning("{}");
        assert_int_equal(run(KT_REVIEW_VALIDATE, kt_str(body_of("CREATE", object, NULL, patch))), 0);
        assert_null(kt_apiserver_check(&test.arena, answer, uid, false, object).wrong);
        assert_string_equal(summary.uid, uid);
        assert_string_equal(summary.user, "jane");
        assert_string_equal(summary.operation, "CREATE");
    }
}

/* P4, P7: what is no review of ours gets an error, and the caller an HTTP status. */
static void test_not_a_review(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int code;
    } cases[] = {
        {"", KT_EPARSE},
        {" ", KT_EPARSE},
        {"{", KT_EPARSE},
        {"\xFF\xFE{}", KT_EPARSE},
        {"null", KT_EINVAL},
        {"[]", KT_EINVAL},
        {"{}", KT_EINVAL},
        {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}", KT_EINVAL},
        {"{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\"}}",
         KT_EINVAL},
        {"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"}", KT_EINVAL},
        {"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":[]}", KT_EINVAL},
        {"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":5}}", KT_EINVAL},
        {"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"\"}}", KT_EINVAL},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        for (int kind = KT_REVIEW_MUTATE; kind <= KT_REVIEW_VALIDATE; kind++) {
            assert_int_equal(run((enum kt_review_kind)kind, kt_str(cases[i].body)), cases[i].code);
            assert_int_equal(answer.length, 0);
            assert_true(error.message[0]);
        }
    }
}

/* Once the uid is known there is always a review: the mutating webhook lets pass what the validating one refuses. */
static void test_unreadable_after_the_uid(void **state)
{
    (void)state;
    static const char *const parts[] = {"\"object\":{\"a\":\"\\u0000\"}", "\"object\":{\"a\":\xFF}",
                                        "\"object\":{\"a\":01}", "\"object\":"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(parts); i++) {
        const char *body = kt_arena_printf(&test.arena,
                                           "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\","
                                           "\"request\":{\"nested\":{\"uid\":\"no\"},\"uid\":\"u-1\",%s}}",
                                           parts[i]);
        struct kt_apiserver_verdict verdict = ask_body(KT_REVIEW_VALIDATE, body, NULL);
        assert_false(verdict.allowed);
        assert_string_equal(summary.uid, "u-1");
        verdict = ask_body(KT_REVIEW_MUTATE, body, NULL);
        assert_true(verdict.allowed);
    }
}

/* P13: each operation with each object there or not. */
static void test_operations(void **state)
{
    (void)state;
    static const struct {
        const char *operation;
        bool object, old, validates;
    } cases[] = {
        {"CREATE", true, false, true},   {"CREATE", false, false, false}, {"UPDATE", true, true, true},
        {"UPDATE", true, false, false},  {"UPDATE", false, true, false},  {"DELETE", false, true, true},
        {"DELETE", false, false, true},  {"DELETE", true, false, true},   {"CONNECT", true, false, true},
        {"CONNECT", false, false, true}, {"PATCH", true, true, false},    {"", true, false, false},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        cJSON *object = cases[i].object ? tuning("{}") : NULL;
        cJSON *old = cases[i].old ? tuning("{}") : NULL;
        assert_int_equal(ask(KT_REVIEW_VALIDATE, cases[i].operation, object, old).allowed, cases[i].validates);
        struct kt_apiserver_verdict verdict = ask(KT_REVIEW_MUTATE, cases[i].operation, object, old);
        assert_true(verdict.allowed);
        assert_null(kt_json_get(verdict.response, "patch"));
    }
}

/* A bad object of another kind, or a subresource, is none of our business. */
static void test_what_is_not_ours(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "{\"kind\":{\"kind\":\"InferenceSet\"}}",
        "{\"kind\":{\"group\":\"apps\"}}",
        "{\"subResource\":\"status\"}",
        "{\"resource\":{\"resource\":\"inferencesets\"}}",
    };
    cJSON *bad = kt_test_json(&test.arena, "{\"metadata\":5}");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(requests); i++) {
        const char *body = body_of("CREATE", bad, NULL, requests[i]);
        assert_true(ask_body(KT_REVIEW_VALIDATE, body, bad).allowed);
        assert_true(ask_body(KT_REVIEW_MUTATE, body, bad).allowed);
    }
    /* Saying nothing about the kind is no way past the rules. */
    assert_false(
        ask_body(KT_REVIEW_VALIDATE, body_of("CREATE", bad, NULL, "{\"kind\":null,\"resource\":null}"), bad).allowed);
}

/* P11 */
static void test_dry_run_is_the_same(void **state)
{
    (void)state;
    cJSON *object = tuning("{\"resource\":null,\"tuning\":{\"method\":\"bogus\"}}");
    for (int kind = KT_REVIEW_MUTATE; kind <= KT_REVIEW_VALIDATE; kind++) {
        ask_body((enum kt_review_kind)kind, body_of("CREATE", object, NULL, "{\"dryRun\":false}"), object);
        struct kt_str wet = answer;
        ask_body((enum kt_review_kind)kind, body_of("CREATE", object, NULL, "{\"dryRun\":true}"), object);
        assert_true(kt_str_equal(wet, answer));
        assert_true(summary.dry_run);
    }
}

/* P3, P12: the patch applies, a second round changes nothing, and what we do not know survives to the last digit. */
static void test_mutation_is_minimal(void **state)
{
    (void)state;
    cJSON *object = tuning("{\"resource\":null,\"tuning\":{\"method\":null,\"preset\":{\"accessMode\":null}},"
                           "\"unknown\":{\"big\":12345678901234567890,\"float\":1.0,\"~/key\":[1e2]},"
                           "\"metadata\":{\"annotations\":{\"a.b/c\":\"d\"}}}");
    struct kt_apiserver_verdict verdict = ask(KT_REVIEW_MUTATE, "CREATE", object, NULL);
    assert_true(summary.patch_operations > 3);
    assert_non_null(strstr(kt_test_write_json(&test.arena, verdict.patched),
                           "\"unknown\":{\"big\":12345678901234567890,\"float\":1.0,\"~/key\":[1e2]}"));
    ask(KT_REVIEW_MUTATE, "CREATE", verdict.patched, NULL);
    assert_int_equal(summary.patch_operations, 0);
    assert_true(ask(KT_REVIEW_VALIDATE, "CREATE", verdict.patched, NULL).allowed);
    assert_true(ask(KT_REVIEW_VALIDATE, "CREATE", object, NULL).allowed); /* the validator judges it undefaulted, too */
}

/* P14 */
static void test_deletion(void **state)
{
    (void)state;
    cJSON *old = tuning("{\"resource\":{\"count\":null},\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\","
                        "\"finalizers\":[\"a.b/c\"]}}");
    cJSON *now = kt_admission_case_changed(&test, old, "{\"metadata\":{\"finalizers\":null}}");
    assert_true(ask(KT_REVIEW_VALIDATE, "UPDATE", now, old).allowed);
    assert_null(kt_json_get(ask(KT_REVIEW_MUTATE, "UPDATE", now, old).response, "patch"));
    now = kt_admission_case_changed(&test, now, "{\"tuning\":{\"config\":\"x\"}}");
    assert_false(ask(KT_REVIEW_VALIDATE, "UPDATE", now, old).allowed);
}

/* What it costs to judge is no reason to keep an object from going. */
static void a_costly_object_may_lose_its_finalizers(void **state)
{
    (void)state;
    cJSON *old = tuning("{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",\"finalizers\":[\"a.b/c\"]}}");
    cJSON *urls = kt_json_new_array(&test.arena);
    for (size_t i = 0; i < 9000; i++)
        kt_json_append(&test.arena, urls,
                       kt_json_new_string(&test.arena, "https://example.com/a-rather-long-name-of-a-file.parquet"));
    kt_json_set(&test.arena, kt_json_get(kt_json_get(old, "tuning"), "input"), "urls", urls);
    cJSON *now = kt_admission_case_changed(&test, old, "{\"metadata\":{\"finalizers\":null}}");
    assert_true(ask(KT_REVIEW_VALIDATE, "UPDATE", now, old).allowed);
    old = kt_admission_case_changed(&test, old, "{\"metadata\":{\"deletionTimestamp\":null}}");
    now = kt_admission_case_changed(&test, now, "{\"metadata\":{\"deletionTimestamp\":null,\"labels\":{\"a\":\"b\"}}}");
    assert_false(ask(KT_REVIEW_VALIDATE, "CREATE", now, NULL).allowed);
}

/* P9, P15 */
static void test_warnings(void **state)
{
    (void)state;
    struct kt_apiserver_verdict verdict =
        ask(KT_REVIEW_VALIDATE, "CREATE",
            tuning("{\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"},\"tuning\":{\"methodd\":\"x\\ny\\u001b\"}}"),
            NULL);
    assert_true(verdict.allowed);
    assert_true(warns(&verdict, "unknown field \"tuning.methodd\" is ignored; did you mean \"method\"?"));
    assert_true(warns(&verdict, "resource.instanceType: "));
    verdict = ask(KT_REVIEW_MUTATE, "CREATE", tuning("{\"resource\":{\"instanceType\":null}}"), NULL);
    assert_true(warns(&verdict, "resource.instanceType: none was given: chose Standard_"));
}

static void test_duplicate_keys(void **state)
{
    (void)state;
    const char *body = body_of("CREATE", tuning("{\"tuning\":{\"method\":\"METHOD\"}}"), NULL, "{}");
    const char *at = strstr(body, "\"method\":\"METHOD\"");
    const char *twice = kt_arena_printf(&test.arena, "%.*s\"method\":\"bogus\",\"method\":\"lora\"%s", (int)(at - body),
                                        body, at + strlen("\"method\":\"METHOD\""));
    struct kt_apiserver_verdict verdict = ask_body(KT_REVIEW_VALIDATE, twice, NULL);
    assert_true(verdict.allowed);
    assert_true(warns(&verdict, "duplicate field \"tuning.method\": the last value counts"));
}

/* --- hostile bodies ------------------------------------------------------------------------------------------------*/

static const char *review_with_object(const char *object)
{
    return kt_arena_printf(
        &test.arena,
        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\","
        "\"operation\":\"CREATE\",\"object\":%s}}",
        object);
}

static char *repeated(const char *part, size_t count, const char *before, const char *after)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &test.arena, (size_t)(32 * KT_MIB));
    kt_strbuf_puts(&text, before);
    for (size_t i = 0; i < count; i++) {
        kt_strbuf_puts(&text, part);
    }
    kt_strbuf_puts(&text, after);
    assert_false(text.failed);
    return text.data;
}

/* In the memory that a server gives a review, each of these gets a refusal; the mutating webhook never stands in the
 * way. */
static void test_hostile_bodies(void **state)
{
    (void)state;
    const char *const objects[] = {
        repeated("[", 100000, "", ""),
        repeated("{\"a\":", 100, "", "1"),
        repeated("\"https://metadata/x\",", 90000, "{\"tuning\":{\"input\":{\"urls\":[", "\"\"]}}}"),
        repeated("{\"source\":{}},", 90000, "{\"inference\":{\"adapters\":[", "{}]}}"),
        repeated("x", 2900000, "{\"metadata\":{\"name\":\"", "\"}}"),
        repeated("x", 6500000, "{\"metadata\":{\"name\":\"", "\"}}"),
        repeated("0", 6000000, "{\"resource\":{\"count\":1", "}}"),
        repeated("null,", 1000000, "[", "null]"),
        repeated("\"k\":{},", 15000, "{\"tuning\":{", "\"input\":{}}}"),
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(objects); i++) {
        const char *body = review_with_object(objects[i]);
        for (int kind = KT_REVIEW_MUTATE; kind <= KT_REVIEW_VALIDATE; kind++) {
            struct kt_arena small;
            struct kt_strbuf buffer;
            kt_arena_init(&small, KT_LIMIT_REVIEW_ARENA_BYTES);
            kt_strbuf_init(&buffer, NULL, KT_LIMIT_REVIEW_ARENA_BYTES);
            int code = kt_review_answer(&small, (enum kt_review_kind)kind, kt_str(body), &test.settings, &test.cluster,
                                        &buffer, &summary, &error);
            assert_int_equal(code, 0);
            struct kt_apiserver_verdict verdict =
                kt_apiserver_check(&test.arena, kt_strbuf_view(&buffer), "u-1", kind == KT_REVIEW_MUTATE, NULL);
            if (verdict.wrong &&
                !strstr(verdict.wrong, "does not apply")) { /* the check was given no object to patch */
                fail_msg("hostile body %zu: %s: %.300s", i, verdict.wrong, buffer.data);
            }
            assert_int_equal(verdict.allowed, kind == KT_REVIEW_MUTATE);
            assert_true(buffer.length < (size_t)(3 * KT_MIB));
            kt_strbuf_release(&buffer);
            kt_arena_release(&small);
        }
    }
}

/* --- every example, as a server sees it ----------------------------------------------------------------------------*/

static void test_every_example(void **state)
{
    (void)state;
    static const char *const folders[] = {"examples/fine-tuning", "examples/inference", "examples/refused"};
    size_t reviews = 0;
    for (size_t f = 0; f < KT_ARRAY_LENGTH(folders); f++) {
        size_t count = 0;
        const char *const *files = kt_test_list_files(&test.arena, folders[f], ".yaml", &count);
        for (size_t i = 0; i < count; i++) {
            cJSON *object = kt_test_yaml(&test.arena, kt_test_read_file(&test.arena, files[i]));
            struct kt_apiserver_verdict verdict = ask(KT_REVIEW_MUTATE, "CREATE", object, NULL);
            ask(KT_REVIEW_VALIDATE, "CREATE", verdict.patched, NULL);
            ask(KT_REVIEW_VALIDATE, "UPDATE", object, verdict.patched);
            reviews += 3;
        }
    }
    assert_true(reviews > 100);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_golden_admission),
        TEST(test_golden_mutation),
        TEST(test_golden_refusal),
        TEST(test_uid_is_echoed),
        TEST(test_not_a_review),
        TEST(test_unreadable_after_the_uid),
        TEST(test_operations),
        TEST(test_what_is_not_ours),
        TEST(test_dry_run_is_the_same),
        TEST(test_mutation_is_minimal),
        TEST(test_deletion),
        TEST(test_warnings),
        TEST(a_costly_object_may_lose_its_finalizers),
        TEST(test_duplicate_keys),
        TEST(test_hostile_bodies),
        TEST(test_every_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
