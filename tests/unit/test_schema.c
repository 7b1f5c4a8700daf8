/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/objects.h"
#include "workspace/pod_types.h"
#include "workspace/schema.h"

static struct kt_arena arena;

static const struct kt_schema *schema(void)
{
    struct kt_error error;
    const struct kt_schema *loaded = kt_schema_workspace(&error);
    assert_non_null(loaded);
    return loaded;
}

/* All problems as "path: message" lines. */
static const char *list(const struct kt_schema_problem *problem)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &arena, (size_t)KT_MIB);
    for (; problem; problem = problem->next) {
        kt_strbuf_printf(&text, "%s%s: %s", text.length ? "\n" : "", problem->path, problem->message);
    }
    return text.data;
}

static const char *check(const char *object)
{
    return list(kt_schema_check(&arena, schema(), kt_test_json(&arena, object)));
}

static const char *check_kinds(const char *object)
{
    return list(kt_workspace_check_kinds(&arena, kt_test_json(&arena, object)));
}

/* Words as the API server writes them for the same object. */
static void test_messages(void **state)
{
    (void)state;
    static const struct {
        const char *object, *problems;
    } cases[] = {
        {"{\"resource\":{\"count\":1}}", ""},
        {"{}", ""},
        {"{\"resource\":{\"count\":\"1\"}}",
         "resource.count: Invalid value: \"string\": resource.count in body must be of type integer: \"string\""},
        {"{\"resource\":{\"count\":1.5}}",
         "resource.count: Invalid value: \"number\": resource.count in body must be of type integer: \"number\""},
        {"{\"resource\":{\"count\":9223372036854775808}}",
         "resource.count: Invalid value: \"number\": resource.count in body must be of type integer: \"number\""},
        {"{\"resource\":{\"count\":1.0}}", ""},
        {"{\"resource\":[]}", "resource: Invalid value: \"array\": resource in body must be of type object: \"array\""},
        {"{\"metadata\":\"x\"}",
         "metadata: Invalid value: \"string\": metadata in body must be of type object: \"string\""},
        {"{\"resource\":{\"labelSelector\":{\"matchLabels\":{\"apps\":1}}}}",
         "resource.labelSelector.matchLabels.apps: Invalid value: \"integer\": resource.labelSelector.matchLabels.apps "
         "in "
         "body must be of type string: \"integer\""},
        {"{\"tuning\":{\"input\":{\"urls\":[\"a\",null,{}]},\"output\":{}}}",
         "tuning.input.urls[1]: Invalid value: \"null\": tuning.input.urls[1] in body must be of type string: "
         "\"null\"\n"
         "tuning.input.urls[2]: Invalid value: \"object\": tuning.input.urls[2] in body must be of type string: "
         "\"object\""},
        {"{\"tuning\":{}}", "tuning.input: Required value\ntuning.output: Required value"},
        {"{\"tuning\":{\"input\":null,\"output\":{}}}", "tuning.input: Required value"},
        {"{\"inference\":{\"preset\":{\"accessMode\":\"secret\"}}}",
         "inference.preset.name: Required value\n"
         "inference.preset.accessMode: Unsupported value: \"secret\": supported values: \"public\", \"private\""},
        {"{\"resource\":{\"partition\":{\"mode\":\"accelerator\",\"count\":0}}}",
         "resource.partition.count: Invalid value: 0: resource.partition.count in body should be greater than or equal "
         "to "
         "1"},
        {"{\"inference\":{\"template\":5}}", "inference.template: Invalid value: \"integer\": inference.template in "
                                             "body must be of type object: \"integer\""},
        {"{\"status\":{\"conditions\":[{\"type\":\"A\",\"status\":\"maybe\",\"reason\":\"\",\"message\":\"\","
         "\"lastTransitionTime\":\"\"}]}}",
         "status.conditions[0].status: Unsupported value: \"maybe\": supported values: \"True\", \"False\", "
         "\"Unknown\"\n"
         "status.conditions[0].reason: Invalid value: text: status.conditions[0].reason in body should have at least 1 "
         "characters"},
        {"[]", ": Invalid value: \"array\": the object in body must be of type object: \"array\""},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        assert_string_equal(check(cases[i].object), cases[i].problems);
    }
}

static void test_unknown_fields(void **state)
{
    (void)state;
    cJSON *object =
        kt_test_json(&arena, "{\"metadata\":{\"name\":\"n\",\"lables\":{}},\"bogus\":1,\"tuning\":{\"methodd\":\"x\","
                             "\"output\":{\"imageSecret\":\"a\",\"volumeSource\":{\"any\":1}},"
                             "\"input\":{\"urls\":[]}},"
                             "\"resource\":{\"labelSelector\":{\"matchLabels\":{\"any.thing/x\":\"1\"},\"bogus\":1}},"
                             "\"inference\":{\"adapters\":[{\"sorce\":{}}]}}");
    static const struct {
        const char *path, *suggestion;
    } wanted[] = {{"metadata.lables", "labels"},          {"bogus", NULL},
                  {"tuning.methodd", "method"},           {"tuning.output.imageSecret", "imagePushSecret"},
                  {"resource.labelSelector.bogus", NULL}, {"inference.adapters[0].sorce", "source"}};
    const struct kt_schema_unknown *unknown = kt_schema_unknown_fields(&arena, schema(), object);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(wanted); i++, unknown = unknown->next) {
        assert_non_null(unknown);
        assert_string_equal(unknown->path, wanted[i].path);
        assert_string_equal(unknown->suggestion ? unknown->suggestion : "-",
                            wanted[i].suggestion ? wanted[i].suggestion : "-");
    }
    assert_null(unknown);
    kt_schema_prune(schema(), object);
    assert_null(kt_schema_unknown_fields(&arena, schema(), object));
    assert_string_equal(
        kt_test_write_json(&arena, object),
        "{\"metadata\":{\"name\":\"n\"},\"tuning\":{\"output\":{\"volumeSource\":{\"any\":1}},\"input\":{\"urls\":[]}},"
        "\"resource\":{\"labelSelector\":{\"matchLabels\":{\"any.thing/"
        "x\":\"1\"}}},\"inference\":{\"adapters\":[{}]}}");
}

static void test_nulls_are_dropped_as_by_the_api_server(void **state)
{
    (void)state;
    cJSON *object =
        kt_test_json(&arena, "{\"resource\":{\"count\":null,\"labelSelector\":{\"matchLabels\":{\"a\":null}}},"
                             "\"inference\":{\"adapters\":[null],\"template\":{\"spec\":null}},\"tuning\":null}");
    kt_schema_drop_nulls(schema(), object);
    assert_string_equal(kt_test_write_json(&arena, object),
                        "{\"resource\":{\"labelSelector\":{\"matchLabels\":{}}},\"inference\":{\"adapters\":[null],"
                        "\"template\":{\"spec\":null}}}");
}

static void test_kinds_that_the_crd_leaves_open(void **state)
{
    (void)state;
    static const struct {
        const char *object, *problems;
    } cases[] = {
        {"{\"metadata\":{\"name\":\"n\",\"labels\":{\"a\":\"b\"},\"unknown\":5,\"generation\":1,\"creationTimestamp\":"
         "null,"
         "\"ownerReferences\":[{\"name\":\"o\",\"controller\":true}],\"managedFields\":[{\"fieldsV1\":{\"f:x\":{}}}]}}",
         ""},
        {"{\"metadata\":{\"name\":1}}",
         "metadata.name: Invalid value: \"integer\": metadata.name in body must be of type string: \"integer\""},
        {"{\"metadata\":{\"annotations\":{\"a.b/c\":{}}}}",
         "metadata.annotations[a.b/c]: Invalid value: \"object\": metadata.annotations[a.b/c] in body must be of type "
         "string: \"object\""},
        {"{\"metadata\":{\"creationTimestamp\":\"yesterday\"}}",
         "metadata.creationTimestamp: Invalid value: \"yesterday\": must be a time such as 2026-01-31T12:00:00Z"},
        {"{\"tuning\":{\"input\":{\"volumeSource\":{\"persistentVolumeClaim\":{\"claimName\":5}}}}}",
         "tuning.input.volumeSource.persistentVolumeClaim.claimName: Invalid value: \"integer\": "
         "tuning.input.volumeSource.persistentVolumeClaim.claimName in body must be of type string: \"integer\""},
        {"{\"tuning\":{\"output\":{\"volumeSource\":{\"persistentVolumeClaim\":null,\"nfs\":{\"server\":\"s\"}}}}}",
         ""},
        {"{\"tuning\":{\"output\":{\"volumeSource\":{\"persistentVolumeClaims\":{}}}}}",
         "tuning.output.volumeSource.persistentVolumeClaims: Forbidden: VolumeSource has no such field; did you mean "
         "\"persistentVolumeClaim\"?"},
        {"{\"inference\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"cpu\":1,"
         "\"memory\":\"8Gi\",\"nvidia.com/"
         "gpu\":\"x\"}},\"ports\":[{\"containerPort\":\"80\"}],\"livenessProbe\":{\"httpGet\":"
         "{\"port\":\"http\",\"path\":\"/\"}}}]}}}}",
         "inference.template.spec.containers[0].resources.limits[nvidia.com/gpu]: Invalid value: \"x\": must be a "
         "quantity "
         "such as 500m or 16Gi\n"
         "inference.template.spec.containers[0].ports[0].containerPort: Invalid value: \"string\": "
         "inference.template.spec.containers[0].ports[0].containerPort in body must be of type integer: \"string\""},
        {"{\"inference\":{\"template\":{\"spec\":{\"containers\":[null]}}}}", ""},
        {"{\"inference\":{\"template\":{\"Spec\":{\"Containers\":[]}}}}", ""},
        {"{\"inference\":{\"adapters\":[{},{\"source\":{\"volumeSource\":{\"secret\":{\"optional\":1}}}}]}}",
         "inference.adapters[1].source.volumeSource.secret.optional: Invalid value: \"integer\": "
         "inference.adapters[1].source.volumeSource.secret.optional in body must be of type boolean: \"integer\""},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        assert_string_equal(check_kinds(cases[i].object), cases[i].problems);
    }
}

/* Every field of every type must lead to a type that the table has. */
static void test_the_types_are_whole(void **state)
{
    (void)state;
    assert_true(kt_object_meta_field_known("labels"));
    assert_false(kt_object_meta_field_known("spec"));
    const char *deep =
        check_kinds("{\"inference\":{\"template\":{\"spec\":{\"volumes\":[{\"name\":\"v\",\"ephemeral\":{"
                    "\"volumeClaimTemplate\":{\"spec\":"
                    "{\"selector\":{\"matchExpressions\":[{\"key\":1}]}}}}}],\"affinity\":{\"podAffinity\":{"
                    "\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":2}]}}}}}}");
    assert_string_equal(
        deep, "inference.template.spec.volumes[0].ephemeral.volumeClaimTemplate.spec.selector.matchExpressions[0]."
              "key: Invalid value: \"integer\": inference.template.spec.volumes[0].ephemeral.volumeClaimTemplate."
              "spec.selector.matchExpressions[0].key in body must be of type string: \"integer\"\n"
              "inference.template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]."
              "topologyKey: Invalid value: \"integer\": inference.template.spec.affinity.podAffinity."
              "requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey in body must be of type string: "
              "\"integer\"");
}

/* More problems than are worth telling, and keys that are all but endless, stay within bounds. */
static void test_bounds(void **state)
{
    (void)state;
    struct kt_strbuf text;
    kt_strbuf_init(&text, &arena, (size_t)(4 * KT_MIB));
    kt_strbuf_puts(&text, "{\"tuning\":{\"input\":{\"urls\":[0");
    for (size_t i = 0; i < 5000; i++) {
        kt_strbuf_puts(&text, ",0");
    }
    kt_strbuf_puts(&text, "]},\"output\":{\"");
    for (size_t i = 0; i < 100000; i++) {
        kt_strbuf_puts(&text, "\xC3\xA9");
    }
    kt_strbuf_puts(&text, "\":1}}}");
    cJSON *object = kt_test_json(&arena, text.data);
    size_t count = 0;
    for (const struct kt_schema_problem *p = kt_schema_check(&arena, schema(), object); p; p = p->next) {
        count++;
    }
    assert_int_equal(count, KT_LIMIT_FINDINGS);
    const struct kt_schema_unknown *unknown = kt_schema_unknown_fields(&arena, schema(), object);
    assert_non_null(unknown);
    assert_true(strlen(unknown->path) < 400);
    assert_true(kt_utf8_valid(kt_str(unknown->path)));
}

/* The loader is sound only if these stay below status, as the manifest promises. */
static void find_keywords(const cJSON *node, const char *name)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, node)
    {
        if (child->string && kt_streq(child->string, "status") && name && kt_streq(name, "properties")) {
            continue;
        }
        if (child->string && !(name && kt_streq(name, "properties"))) {
            assert_string_not_equal(child->string, "pattern");
            assert_string_not_equal(child->string, "format");
            assert_string_not_equal(child->string, "default");
            assert_string_not_equal(child->string, "oneOf");
            assert_string_not_equal(child->string, "anyOf");
            assert_string_not_equal(child->string, "x-kubernetes-validations");
        }
        find_keywords(child, child->string);
    }
}

static void test_no_keyword_is_left_unread(void **state)
{
    (void)state;
    const cJSON *crd = kt_test_yaml(&arena, kt_schema_workspace_crd());
    const cJSON *versions = kt_json_path(crd, "spec", "versions", NULL);
    assert_int_equal(kt_json_count(versions), 2);
    const cJSON *version;
    cJSON_ArrayForEach(version, versions)
    {
        find_keywords(kt_json_path(version, "schema", "openAPIV3Schema", NULL), NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_unknown_fields),
        cmocka_unit_test(test_nulls_are_dropped_as_by_the_api_server),
        cmocka_unit_test(test_kinds_that_the_crd_leaves_open),
        cmocka_unit_test(test_the_types_are_whole),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_no_keyword_is_left_unread),
    };
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kt_arena_release(&arena);
    return failed;
}
