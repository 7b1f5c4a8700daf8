/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"
#include "tests/lib/objects.h"
#include "workspace/workspace.h"

static struct kt_arena arena;

static struct kt_workspace view(const char *text)
{
    struct kt_workspace workspace;
    kt_workspace_view(kt_test_json(&arena, text), &workspace);
    return workspace;
}

static void test_every_field(void **state)
{
    (void)state;
    struct kt_workspace workspace =
        view("{\"apiVersion\":\"kaito.sh/"
             "v1alpha1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"n\",\"generateName\":\"g-\","
             "\"namespace\":\"ns\",\"labels\":{\"a\":\"b\"},\"annotations\":{\"kaito.sh/runtime\":\"vllm\"},"
             "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},"
             "\"resource\":{\"count\":2,\"instanceType\":\"i\",\"labelSelector\":{\"matchLabels\":{\"a\":\"b\"},"
             "\"matchExpressions\":[]},\"preferredNodes\":[\"x\"],\"partition\":{\"mode\":\"mig\",\"profile\":\"1g."
             "10gb\",\"count\":1}},"
             "\"inference\":{\"preset\":{\"name\":\"p\",\"accessMode\":\"private\",\"presetOptions\":{\"image\":\"im\","
             "\"modelAccessSecret\":\"s\"}},\"template\":{},\"config\":\"c\",\"adapters\":[{\"source\":{\"name\":"
             "\"an\",\"image\":\"ai\","
             "\"volumeSource\":{},\"imagePullSecrets\":[]},\"strength\":\"0.5\"}]},"
             "\"tuning\":{\"preset\":{\"name\":\"q\"},\"method\":\"lora\",\"config\":\"tc\",\"input\":{\"name\":\"in\","
             "\"urls\":[\"u\"],"
             "\"image\":\"ii\",\"volumeSource\":{},\"imagePullSecrets\":[\"ps\"]},\"output\":{\"image\":\"oi\","
             "\"volumeSource\":{},"
             "\"imagePushSecret\":\"push\"}}}");
    assert_string_equal(workspace.api_version, "kaito.sh/v1alpha1");
    assert_string_equal(workspace.name, "n");
    assert_string_equal(workspace.generate_name, "g-");
    assert_string_equal(workspace.namespace_, "ns");
    assert_string_equal(workspace.deletion_timestamp, "2026-01-01T00:00:00Z");
    assert_string_equal(kt_workspace_annotation(&workspace, KT_ANNOTATION_RUNTIME), "vllm");
    assert_int_equal(kt_workspace_count(&workspace), 2);
    assert_string_equal(workspace.resource.instance_type, "i");
    assert_non_null(workspace.resource.match_labels);
    assert_non_null(workspace.resource.match_expressions);
    assert_string_equal(workspace.resource.partition.profile, "1g.10gb");
    assert_string_equal(workspace.inference.preset.access_mode, "private");
    assert_string_equal(workspace.inference.preset.access_secret, "s");
    assert_string_equal(workspace.inference.preset.image, "im");
    assert_string_equal(workspace.inference.config, "c");
    struct kt_adapter adapter;
    kt_workspace_adapter(kt_json_item(workspace.inference.adapters, 0), &adapter);
    assert_string_equal(adapter.name, "an");
    assert_string_equal(adapter.image, "ai");
    assert_string_equal(adapter.strength, "0.5");
    assert_non_null(adapter.volume);
    assert_string_equal(workspace.tuning.method, "lora");
    assert_string_equal(workspace.tuning.config, "tc");
    assert_string_equal(workspace.tuning.input.name, "in");
    assert_string_equal(workspace.tuning.output.push_secret, "push");
    size_t count = 0;
    const char *const *secrets = kt_workspace_strings(&arena, workspace.tuning.input.pull_secrets, &count);
    assert_int_equal(count, 1);
    assert_string_equal(secrets[0], "ps");
    assert_null(secrets[1]);
}

/* Whatever stands in a field's place, the view has no field there. */
static void test_wrong_kinds_are_absent(void **state)
{
    (void)state;
    static const char *const odd[] = {"null", "5", "\"x\"", "[]", "true", "{}"};
    static const char *const shape =
        "{\"metadata\":%s,\"resource\":%s,\"inference\":%s,\"tuning\":{\"preset\":%s,\"input\":%s,\"output\":%s}}";
    for (size_t i = 0; i < KT_ARRAY_LENGTH(odd); i++) {
        const char *o = odd[i];
        struct kt_workspace workspace = view(kt_arena_printf(&arena, shape, o, o, o, o, o, o));
        assert_null(workspace.name);
        assert_null(workspace.resource.instance_type);
        assert_null(workspace.inference.preset.name);
        assert_null(workspace.tuning.input.urls);
        assert_null(workspace.tuning.output.image);
        assert_int_equal(kt_workspace_count(&workspace), 1);
        assert_null(kt_workspace_annotation(&workspace, KT_ANNOTATION_RUNTIME));
        kt_workspace_view(kt_test_json(&arena, o), &workspace);
        assert_null(workspace.tuning.node);
        struct kt_adapter adapter;
        kt_workspace_adapter(kt_test_json(&arena, o), &adapter);
        assert_null(adapter.name);
    }
    struct kt_workspace workspace;
    kt_workspace_view(NULL, &workspace);
    assert_null(workspace.node);
    size_t count = 1;
    assert_non_null(kt_workspace_strings(&arena, NULL, &count));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_field),
                                       cmocka_unit_test(test_wrong_kinds_are_absent)};
    kt_arena_init(&arena, (size_t)(4 * KT_MIB));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kt_arena_release(&arena);
    return failed;
}
