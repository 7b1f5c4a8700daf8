/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/fields.h"
#include "tests/lib/admission_case.h"
#include "tests/lib/cmocka_all.h"
#include "text/json_pointer.h"
#include "text/yaml.h"

static struct kt_admission_case test;

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

static cJSON *tuning(const char *patch)
{
    return kt_admission_case_changed(&test, kt_admission_case_tuning(&test), patch);
}

static bool allowed(void)
{
    return !kt_findings_has_error(&test.findings);
}

static const struct kt_finding *finding(const char *rule, const char *field)
{
    return kt_admission_case_finding(&test, rule, field);
}

static void expect(const char *rule, const char *field, enum kt_severity severity, enum kt_origin origin, bool relaxed)
{
    const struct kt_finding *found = finding(rule, field);
    assert_non_null(found);
    assert_int_equal(found->severity, severity);
    assert_int_equal(found->origin, origin);
    assert_int_equal(found->relaxed, relaxed);
}

/* --- kinds ---------------------------------------------------------------------------------------------------------*/

static void test_wrong_kinds(void **state)
{
    (void)state;
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"count\":\"1\"}}"), NULL);
    expect("DECODE", "resource.count", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false);
    test.request.check_schema = true;
    kt_admission_case_judge(&test, tuning("{\"resource\":{\"count\":\"1\"}}"), NULL);
    expect("SCHEMA", "resource.count", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false);
    assert_null(finding("DECODE", NULL));
    kt_admission_case_judge(&test, tuning("{\"metadata\":{\"labels\":{\"a\":1}}}"), NULL);
    expect("DECODE", "metadata.labels.a", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false);
}

/* A rule takes a value of the wrong kind for an absent one; what it would say about it must not confuse the user. */
static void test_rules_are_silent_about_wrong_kinds(void **state)
{
    (void)state;
    kt_admission_case_judge(&test, tuning("{\"tuning\":{\"input\":{\"urls\":5},\"method\":\"bogus\"}}"), NULL);
    assert_non_null(finding("DECODE", "tuning.input.urls"));
    assert_null(finding(NULL, "tuning.input"));
    assert_non_null(finding("T001", "tuning.method")); /* about something else */
}

static void test_a_rule_explains_better_than_the_schema(void **state)
{
    (void)state;
    test.request.check_schema = true;
    kt_admission_case_judge(&test, tuning("{\"tuning\":{\"input\":null}}"), NULL);
    assert_false(allowed());
    size_t told = 0;
    for (size_t i = 0; i < test.findings.count; i++) {
        told += kt_streq(test.findings.items[i].field, "tuning.input");
    }
    assert_int_equal(told, 1);
}

static void test_what_the_api_server_takes_out(void **state)
{
    (void)state;
    test.request.check_schema = true;
    kt_admission_case_judge(&test, tuning("{\"bogus\":1,\"status\":{\"state\":5},\"metadata\":{\"bogus\":1}}"), NULL);
    assert_true(allowed());
    assert_string_equal(kt_admission_case_value(&test, "/bogus"), "");
    assert_string_equal(kt_admission_case_value(&test, "/status"), "");
    assert_string_equal(kt_admission_case_value(&test, "/metadata/bogus"), "");
    kt_admission_case_judge(&test, tuning("{\"status\":{\"state\":\"new\"}}"),
                            tuning("{\"status\":{\"state\":\"old\"}}"));
    assert_string_equal(kt_admission_case_value(&test, "/status"), "{\"state\":\"old\"}");
}

static void test_no_object(void **state)
{
    (void)state;
    cJSON *const objects[] = {NULL, kt_json_new_null(&test.arena), kt_json_new_int(&test.arena, 5),
                              kt_json_new_array(&test.arena)};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(objects); i++) {
        kt_admission_case_judge(&test, objects[i], NULL);
        assert_non_null(finding("DECODE", ""));
    }
    struct kt_error error;
    static const enum kt_operation others[] = {KT_OPERATION_DELETE, KT_OPERATION_CONNECT};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(others); i++) {
        test.request.operation = others[i];
        assert_int_equal(kt_admission_validate(&test.arena, &test.request, &test.findings, &error), 0);
        assert_int_equal(test.findings.count, 0);
    }
}

/* --- origin --------------------------------------------------------------------------------------------------------*/

/* Two mistakes: one that upstream would not see, in an object that upstream refuses for lacking a field that we fill.
 */
static void test_origin_where_upstream_refuses_for_a_default(void **state)
{
    (void)state;
    static const char *const hidden = "\"tuning\":{\"input\":{\"urls\":[\"https://metadata/x.csv\"]}}";
    kt_admission_case_judge(&test, tuning(kt_arena_printf(&test.arena, "{%s}", hidden)), NULL);
    expect("T006", "tuning.input.urls[0]", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false);
    kt_admission_case_judge(
        &test, tuning(kt_arena_printf(&test.arena, "{\"resource\":{\"labelSelector\":null},%s}", hidden)), NULL);
    expect("T006", "tuning.input.urls[0]", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false);
}

/* --- ratcheting ----------------------------------------------------------------------------------------------------*/

static const char *const BAD_URL = "{\"tuning\":{\"input\":{\"urls\":[\"https://metadata/x.csv\"]}}}";

static void test_an_old_mistake_is_a_warning(void **state)
{
    (void)state;
    cJSON *old = tuning(BAD_URL);
    /* Something else changes. */
    kt_admission_case_judge(
        &test, kt_admission_case_changed(&test, old, "{\"tuning\":{\"output\":{\"imagePushSecret\":\"b\"}}}"), old);
    assert_true(allowed());
    expect("T006", "tuning.input.urls[0]", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false);
    /* The mistake itself changes. */
    kt_admission_case_judge(
        &test,
        kt_admission_case_changed(&test, old, "{\"tuning\":{\"input\":{\"urls\":[\"https://metadata/y.csv\"]}}}"), old);
    expect("T006", "tuning.input.urls[0]", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false);
    /* It is new. */
    kt_admission_case_judge(&test, tuning(BAD_URL), kt_admission_case_tuning(&test));
    expect("T006", "tuning.input.urls[0]", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false);
}

/* The field that is told has a space where the key has a tab, and the key must be found all the same: not the map that
 * it is in, which changes. */
static void test_an_old_mistake_whose_field_cannot_be_shown(void **state)
{
    (void)state;
    cJSON *old = tuning("{\"resource\":{\"labelSelector\":{\"matchLabels\":{\"a\\tb\":\"v\",\"c\":\"d\"}}}}");
    kt_admission_case_judge(
        &test,
        kt_admission_case_changed(&test, old, "{\"resource\":{\"labelSelector\":{\"matchLabels\":{\"c\":\"e\"}}}}"),
        old);
    expect("R011", "resource.labelSelector.matchLabels[a b]", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false);
    kt_admission_case_judge(
        &test,
        kt_admission_case_changed(&test, old, "{\"resource\":{\"labelSelector\":{\"matchLabels\":{\"a\\tb\":\"w\"}}}}"),
        old);
    expect("R011", "resource.labelSelector.matchLabels[a b]", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false);
}

/* A field that is absent before and after is no excuse when what it belongs to changed. */
static void test_a_missing_field_of_a_new_value(void **state)
{
    (void)state;
    cJSON *old = tuning("{\"tuning\":{\"output\":{\"image\":null,\"imagePushSecret\":null,"
                        "\"volumeSource\":{\"persistentVolumeClaim\":{\"claimName\":\"c\"}}}}}");
    cJSON *now = tuning("{\"tuning\":{\"output\":{\"imagePushSecret\":null}}}");
    kt_admission_case_judge(&test, now, old);
    expect("T008", "tuning.output.imagePushSecret", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false);
    kt_admission_case_judge(&test, kt_admission_case_changed(&test, now, "{\"tuning\":{\"config\":\"c\"}}"), now);
    expect("T008", "tuning.output.imagePushSecret", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false);
}

static void test_metadata_can_always_change(void **state)
{
    (void)state;
    cJSON *old = tuning("{\"resource\":{\"instanceType\":null},\"tuning\":{\"output\":{\"image\":\"Not An Image\"}}}");
    kt_admission_case_judge(&test, kt_admission_case_changed(&test, old, "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}"),
                            old);
    assert_true(allowed());
    expect("U012", "resource.instanceType", KT_SEVERITY_WARNING, KT_ORIGIN_UPSTREAM, true);
    expect("U012", "tuning.output.image", KT_SEVERITY_WARNING, KT_ORIGIN_UPSTREAM, true);
    /* With any other change upstream's refusals stand. */
    kt_admission_case_judge(&test, kt_admission_case_changed(&test, old, "{\"tuning\":{\"config\":\"x\"}}"), old);
    expect("T007", "tuning.output.image", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false);
    /* What is wrong with the metadata itself stays wrong. */
    test.settings.node_provisioner = "karpenter";
    kt_admission_case_judge(
        &test,
        kt_admission_case_changed(&test, old, "{\"metadata\":{\"annotations\":{\"kaito.sh/node-class-name\":\"x\"}}}"),
        old);
    assert_false(allowed());
    expect("T007", "tuning.output.image", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false);
}

static void test_what_is_being_deleted(void **state)
{
    (void)state;
    cJSON *old = kt_admission_case_changed(&test, tuning(BAD_URL),
                                           "{\"metadata\":{\"name\":\"Bad.Name\",\"deletionTimestamp\":\"2026-01-01T00:"
                                           "00:00Z\",\"finalizers\":[\"a.b/c\"]}}");
    kt_admission_case_judge(&test, kt_admission_case_changed(&test, old, "{\"metadata\":{\"finalizers\":null}}"), old);
    assert_true(allowed());
    kt_admission_case_judge(
        &test,
        kt_admission_case_changed(&test, old, "{\"tuning\":{\"input\":{\"urls\":[\"https://example.com/a.csv\"]}}}"),
        old);
    expect("U011", "tuning", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false);
    /* A deletion time that a user writes into a new object is no way around the rules. */
    kt_admission_case_judge(&test, kt_admission_case_changed(&test, old, "{}"), NULL);
    assert_false(allowed());
}

static void test_an_unreadable_cluster_refuses_nothing(void **state)
{
    (void)state;
    test.cluster = kt_cluster_unknown;
    kt_admission_case_judge(&test, tuning("{}"), NULL);
    assert_true(allowed());
    kt_admission_case_judge(&test, tuning("{\"tuning\":{\"config\":\"mine\"}}"), NULL);
    assert_true(allowed());
    assert_non_null(finding("C002", NULL));
    test.settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = true;
    kt_admission_case_judge(
        &test,
        kt_admission_case_changed(&test, kt_admission_case_inference(&test), "{\"resource\":{\"instanceType\":null}}"),
        NULL);
    assert_true(allowed());
}

/* --- fields --------------------------------------------------------------------------------------------------------*/

static void test_fields_of_a_file(void **state)
{
    (void)state;
    struct kt_error error;
    struct kt_yaml_document document;
    assert_int_equal(kt_yaml_parse_one(&test.arena,
                                       KT_STR("tuning:\n  methodd: lora\n  method: lora\n  method: qlora\n"), &document,
                                       &error),
                     0);
    kt_findings_init(&test.findings, &test.arena);
    kt_fields_check(&test.findings, kt_schema_workspace(&error), document.root, document.duplicates);
    expect("F001", "tuning.methodd", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false);
    assert_string_equal(finding("F001", NULL)->message, "Forbidden: there is no such field; did you mean \"method\"?");
    expect("F002", "tuning.method", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false);
}

/* --- hostile objects -----------------------------------------------------------------------------------------------*/

/* Puts every odd value in the place of every node, as a new object and as an update of and to it. */
static void replace_everywhere(const cJSON *original, cJSON *node, cJSON *parent, cJSON *copy, size_t *count)
{
    static const char *const odd[] = {"null", "0",  "-1",     "1e300", "\"\"",        "\"x\"", "true",
                                      "[]",   "{}", "[null]", "[[]]",  "{\"\":null}", "[{}]",  "9223372036854775808"};
    for (size_t i = 0; parent && i < KT_ARRAY_LENGTH(odd); i++) {
        const cJSON saved = *node;
        const cJSON *other = kt_test_json(&test.arena, odd[i]);
        node->type = other->type;
        node->child = other->child;
        node->valuestring = other->valuestring;
        node->valuedouble = other->valuedouble;
        node->valueint = other->valueint;
        for (size_t schema = 0; schema < 2; schema++) {
            test.request.check_schema = schema > 0;
            kt_admission_case_judge(&test, kt_json_clone(&test.arena, copy), NULL);
            kt_admission_case_judge(&test, kt_json_clone(&test.arena, copy), kt_json_clone(&test.arena, original));
            kt_admission_case_judge(&test, kt_json_clone(&test.arena, original), kt_json_clone(&test.arena, copy));
            *count += 3;
        }
        node->type = saved.type;
        node->child = saved.child;
        node->valuestring = saved.valuestring;
        node->valuedouble = saved.valuedouble;
        node->valueint = saved.valueint;
    }
    for (cJSON *child = node->child; child; child = child->next) {
        replace_everywhere(original, child, node, copy, count);
    }
}

static void test_odd_values_everywhere(void **state)
{
    (void)state;
    static const char *const template_ =
        "{\"inference\":{\"preset\":null,\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\"}]}}}}";
    static const char *const adapters = "{\"metadata\":{\"annotations\":{\"kaito.sh/"
                                        "runtime\":\"transformers\"}},\"inference\":{\"config\":\"c\",\"adapters\":[{"
                                        "\"source\":{\"name\":\"a\",\"volumeSource\":{\"persistentVolumeClaim\":{"
                                        "\"claimName\":\"x\"}}},\"strength\":\"1\"}]}}";
    size_t count = 0;
    for (size_t i = 0; i < 4; i++) {
        kt_admission_case_release(&test);
        kt_admission_case_init(&test);
        test.arena.limit_bytes = (size_t)(2 * KT_GIB);
        test.settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = i == 3;
        cJSON *object = i == 0   ? kt_admission_case_tuning(&test)
                        : i == 1 ? kt_admission_case_changed(&test, kt_admission_case_inference(&test), template_)
                        : i == 2 ? kt_admission_case_changed(&test, kt_admission_case_inference(&test), adapters)
                                 : kt_admission_case_inference(&test);
        cJSON *copy = kt_json_clone(&test.arena, object);
        replace_everywhere(object, copy, NULL, copy, &count);
    }
    assert_true(count > 5000);
}

/* Every size of memory from nothing on: an error that says so, never a crash and never a verdict from half the rules.
 */
static void test_no_memory(void **state)
{
    (void)state;
    struct kt_findings whole;
    struct kt_error error = {0};
    cJSON *object = tuning("{\"resource\":{\"instanceType\":null},\"tuning\":{\"method\":null}}");
    kt_admission_case_judge(&test, object, NULL);
    whole = test.findings;
    size_t refused = 0;
    for (size_t limit = 64; limit < (size_t)(2 * KT_MIB); limit += limit / 16 + 8) {
        struct kt_arena small;
        kt_arena_init(&small, limit);
        struct kt_defaulting defaulting;
        struct kt_findings findings;
        int code = kt_admission_judge(&small, &test.request, &defaulting, &findings, &error);
        refused += code < 0;
        if (code == 0) {
            assert_int_equal(findings.count, whole.count);
        } else {
            assert_true(code == KT_ELIMIT || code == KT_ENOMEM);
        }
        kt_arena_release(&small);
    }
    assert_true(refused > 10);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_kinds),
        TEST(test_rules_are_silent_about_wrong_kinds),
        TEST(test_a_rule_explains_better_than_the_schema),
        TEST(test_what_the_api_server_takes_out),
        TEST(test_no_object),
        TEST(test_origin_where_upstream_refuses_for_a_default),
        TEST(test_an_old_mistake_is_a_warning),
        TEST(test_an_old_mistake_whose_field_cannot_be_shown),
        TEST(test_a_missing_field_of_a_new_value),
        TEST(test_metadata_can_always_change),
        TEST(test_what_is_being_deleted),
        TEST(test_an_unreadable_cluster_refuses_nothing),
        TEST(test_fields_of_a_file),
        TEST(test_odd_values_everywhere),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
