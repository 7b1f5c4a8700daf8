/* SPDX-License-Identifier: Apache-2.0 */
/* All objects of a Workspace: what is there, in which order, and that every tuning that is admitted can be rendered. */
#include "admission/shipped_templates.h"
#include "base/limits.h"
#include "tests/lib/admission_case.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/workspace_generator.h"
#include "text/yaml.h"
#include "workload/names.h"
#include "workload/render.h"

#define OBJECTS 2000

static struct kt_admission_case test;
static struct kt_error error;

static int set_up(void **state KT_UNUSED)
{
    kt_admission_case_init(&test);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_admission_case_release(&test);
    return 0;
}

static cJSON *changed(const char *patch)
{
    return kt_admission_case_changed(&test, kt_admission_case_tuning(&test), patch);
}

static int render(const cJSON *object, const char *cluster_text, cJSON **ret)
{
    int64_t count = 0;
    cJSON *objects = kt_test_json(&test.arena, cluster_text);
    test.cluster = kt_cluster_from_objects(&test.arena, objects, &test.storage);
    error = (struct kt_error){0};
    int code = kt_workload_render(&test.arena, object, &test.settings, &test.cluster, ret, &count, &error);
    assert_true(code < 0 || count == 1);
    return code;
}

/* "ControllerRevision/w-01234 NodeClaim/..." with kinds and, for config maps, names. */
static const char *kinds_of(const cJSON *objects)
{
    struct kt_strbuf text;
    const cJSON *object;
    kt_strbuf_init(&text, &test.arena, (size_t)KT_KIB);
    cJSON_ArrayForEach(object, objects)
    {
        const char *kind = kt_json_string_or(kt_json_get(object, "kind"), "?");
        kt_strbuf_printf(&text, "%s%s", text.length ? " " : "", kind);
        if (kt_streq(kind, "ConfigMap"))
            kt_strbuf_printf(&text, "/%s", kt_json_string(kt_json_path(object, "metadata", "name", NULL)));
    }
    return text.data;
}

static void assert_renders(const char *patch, const char *cluster_text, const char *kinds)
{
    cJSON *objects = NULL;
    if (render(changed(patch), cluster_text, &objects) < 0)
        fail_msg("%s: %s", patch, error.message);
    assert_string_equal(kinds_of(objects), kinds);
}

static void assert_refused(const char *patch, const char *cluster_text, const char *words)
{
    cJSON *objects = NULL;
    if (render(changed(patch), cluster_text, &objects) != KT_EINVAL || objects)
        fail_msg("%s is not refused", patch);
    if (!strstr(error.message, words))
        fail_msg("not about \"%s\": %s", words, error.message);
}

#define OWN_MAP                                                                                                        \
    "[{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"mine\"},\"data\":{\"training_config.yaml\":\"training_config: " \
    "{}\"}}]"
#define COPY                                                                                                          \
    "[{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"qlora-params-template\",\"namespace\":\"default\"},\"data\":{" \
    "\"training_config.yaml\":\"training_config: {TrainingArguments: {output_dir: /mnt/there}}\"}}]"
#define OLD_COPY                                                                                                   \
    "[{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"lora-params-template-float16\",\"namespace\":\"default\"}," \
    "\"data\":{\"training_config.yaml\":\"training_config: {TrainingArguments: {fp16: true}}\"}}]"
#define NODES                                                                                                     \
    "[{\"kind\":\"Node\",\"metadata\":{\"name\":\"a\",\"labels\":{\"tier\":\"gpu\",\"nvidia.com/"                 \
    "gpu.product\":\"A100\","                                                                                     \
    "\"nvidia.com/gpu.count\":\"4\",\"nvidia.com/gpu.memory\":\"81920\"}},\"status\":{\"conditions\":[{\"type\":" \
    "\"Ready\",\"status\":\"True\"}]}}]"

static void objects_come_in_the_order_of_their_making(void **state KT_UNUSED)
{
    assert_renders("{}", "[]", "ControllerRevision NodeClaim ConfigMap/qlora-params-template Job");
    assert_renders("{\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"}}", "[]",
                   "ControllerRevision NodeClaim ConfigMap/qlora-params-template-below-8.0 Job");
    assert_renders("{\"tuning\":{\"config\":\"mine\"}}", OWN_MAP, "ControllerRevision NodeClaim Job");
    assert_renders("{\"metadata\":{\"namespace\":\"default\"}}", COPY, "ControllerRevision NodeClaim Job");
}

static void a_copy_that_is_there_counts(void **state KT_UNUSED)
{
    cJSON *objects = NULL;
    assert_int_equal(render(changed("{\"metadata\":{\"namespace\":\"default\"}}"), COPY, &objects), 0);
    assert_non_null(strstr(kt_test_json_text(&test.arena, objects), "\"mountPath\":\"/mnt/there\""));
}

/* Its lora has fp16: true, which ends the training. */
static void a_copy_of_an_older_version_does_not_count(void **state KT_UNUSED)
{
    assert_renders("{\"metadata\":{\"namespace\":\"default\"},\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"},"
                   "\"tuning\":{\"method\":\"lora\"}}",
                   OLD_COPY, "ControllerRevision NodeClaim ConfigMap/lora-params-template-below-8.0 Job");
}

static void the_users_config_is_marked_on_the_job(void **state KT_UNUSED)
{
    cJSON *objects = NULL;
    assert_int_equal(render(changed("{\"tuning\":{\"config\":\"mine\"}}"), OWN_MAP, &objects), 0);
    const cJSON *annotations = kt_json_path(kt_json_item(objects, 2), "metadata", "annotations", NULL);
    assert_int_equal(strlen(kt_json_string_or(kt_json_get(annotations, KT_ANNOTATION_CONFIG_HASH), "")), 64);
    assert_int_equal(render(changed("{}"), "[]", &objects), 0);
    annotations = kt_json_path(kt_json_item(objects, 3), "metadata", "annotations", NULL);
    assert_null(kt_json_get(annotations, KT_ANNOTATION_CONFIG_HASH));
}

static void what_the_reconciler_has_counted_is_kept(void **state KT_UNUSED)
{
    static const char patch[] = "{\"metadata\":{\"annotations\":{\"workspace.kaito.io/revision\":\"%s\","
                                "\"workspace.kaito.io/node-claims\":\"%s\"}}}";
    cJSON *objects = NULL, *fresh = NULL;
    int64_t number = 0;
    assert_int_equal(render(changed("{}"), "[]", &fresh), 0);
    assert_int_equal(render(changed(kt_arena_printf(&test.arena, patch, "7", "2")), "[]", &objects), 0);
    assert_true(kt_json_int64(kt_json_get(kt_json_item(objects, 0), "revision"), &number) && number == 7);
    assert_string_not_equal(kt_json_string(kt_json_path(kt_json_item(objects, 1), "metadata", "name", NULL)),
                            kt_json_string(kt_json_path(kt_json_item(fresh, 1), "metadata", "name", NULL)));
    const cJSON *annotations = kt_json_path(kt_json_item(objects, 3), "metadata", "annotations", NULL);
    assert_string_equal(kt_json_string(kt_json_get(annotations, KT_ANNOTATION_REVISION)), "7");
    assert_int_equal(render(changed(kt_arena_printf(&test.arena, patch, "-3", "x")), "[]", &objects), 0);
    assert_true(kt_json_equal(objects, fresh)); /* nonsense counts as nothing */
}

static void own_nodes_need_no_claim(void **state KT_UNUSED)
{
    const char *patch = "{\"resource\":{\"instanceType\":null,\"labelSelector\":{\"matchLabels\":{\"app\":null,"
                        "\"tier\":\"gpu\"}}}}";
    test.settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = true;
    assert_renders(patch, NODES, "ControllerRevision ConfigMap/qlora-params-template Job");
    cJSON *objects = NULL;
    assert_int_equal(render(changed(patch), NODES, &objects), 0);
    assert_non_null(strstr(kt_test_json_text(&test.arena, objects), "\"limits\":{\"nvidia.com/gpu\":\"4\"}"));
    assert_refused(patch, "[]", "it is not known how many GPUs");
}

/* With labels of GPU Feature Discovery beside those of NODES. */
static const char *nodes_of(const char *major, const char *minor)
{
    cJSON *nodes = kt_test_json(&test.arena, NODES);
    cJSON *labels = kt_json_path(kt_json_item(nodes, 0), "metadata", "labels", NULL);
    kt_json_set_string(&test.arena, labels, "nvidia.com/gpu.compute.major", major);
    kt_json_set_string(&test.arena, labels, "nvidia.com/gpu.compute.minor", minor);
    return kt_test_json_text(&test.arena, nodes);
}

static void own_nodes_say_which_image_trains(void **state KT_UNUSED)
{
    const char *patch = "{\"resource\":{\"instanceType\":null,\"labelSelector\":{\"matchLabels\":{\"app\":null,"
                        "\"tier\":\"gpu\"}}}}";
    cJSON *objects = NULL;
    test.settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = true;
    assert_renders(patch, nodes_of("7", "5"), "ControllerRevision ConfigMap/qlora-params-template-below-8.0 Job");
    assert_int_equal(render(changed(patch), nodes_of("7", "5"), &objects), 0);
    assert_non_null(strstr(kt_test_json_text(&test.arena, objects), "kaito-base:0.2.8\""));
    assert_renders(patch, nodes_of("9", "0"), "ControllerRevision ConfigMap/qlora-params-template Job");
    assert_int_equal(render(changed(patch), nodes_of("9", "0"), &objects), 0);
    assert_non_null(strstr(kt_test_json_text(&test.arena, objects), "kaito-base:0.4.2\""));
    assert_refused(patch, nodes_of("6", "1"), "resource.labelSelector: no image that trains has kernels");
}

/* Without nvidia.com/gpu.product the labels do not tell of the card, and the capacity still counts the GPUs. */
static void own_nodes_are_counted_by_their_capacity(void **state KT_UNUSED)
{
    const char *patch = "{\"resource\":{\"instanceType\":null,\"labelSelector\":{\"matchLabels\":{\"app\":null,"
                        "\"tier\":\"gpu\"}}}}";
    static const char nodes[] =
        "[{\"kind\":\"Node\",\"metadata\":{\"name\":\"other\"},\"status\":{\"capacity\":{\"nvidia.com/gpu\":\"8\"}}},"
        "{\"kind\":\"Node\",\"metadata\":{\"name\":\"own\",\"labels\":{\"tier\":\"gpu\",\"nvidia.com/gpu.count\":\"2\","
        "\"nvidia.com/gpu.compute.major\":\"8\",\"nvidia.com/gpu.compute.minor\":\"6\"}},\"status\":{\"capacity\":{"
        "\"nvidia.com/gpu\":\"2\"}}}]";
    cJSON *objects = NULL;
    test.settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = true;
    assert_renders(patch, nodes, "ControllerRevision ConfigMap/qlora-params-template Job");
    assert_int_equal(render(changed(patch), nodes, &objects), 0);
    assert_non_null(strstr(kt_test_json_text(&test.arena, objects), "\"nvidia.com/gpu\":\"2\""));
}

static void what_is_missing_is_told(void **state KT_UNUSED)
{
    assert_refused("{\"tuning\":{\"config\":\"mine\"}}", "[]", "config map mine of namespace default is needed");
    assert_refused("{\"tuning\":null,\"inference\":{\"preset\":{\"name\":\"phi-4\"}}}", "[]",
                   "objects of an inference cannot be rendered");
    assert_refused("{\"tuning\":null}", "[]", "has no tuning");
    assert_refused("{\"tuning\":{\"output\":null}}", "[]", "tuning.output");
    kt_settings_set_cloud(&test.settings, "arc");
    assert_refused("{}", "[]", "no NodeClaim can be made");
}

/* --- whatever is admitted can be made ------------------------------------------------------------------------------
 */

/* Not the Workspace's fault: a broken template, nodes that do not tell of their GPUs. */
static bool is_trouble_of_the_cluster(void)
{
    return strstr(error.message, "template in namespace") != NULL ||
           (kt_settings_bring_your_own(&test.settings) && strstr(error.message, "how many GPUs a node has") != NULL);
}

static void assert_admitted_renders(cJSON *object, const char *what)
{
    cJSON *objects = NULL;
    kt_admission_case_judge(&test, object, NULL);
    if (kt_findings_has_error(&test.findings) || !kt_json_is_object(kt_json_get(test.defaulting.mutated, "tuning")))
        return;
    error = (struct kt_error){0};
    if (kt_workload_render(&test.arena, test.defaulting.mutated, &test.settings, &test.cluster, &objects, NULL,
                           &error) < 0 &&
        !is_trouble_of_the_cluster())
        fail_msg("%s is admitted, and: %s\n%s", what, error.message,
                 kt_test_json_text(&test.arena, test.defaulting.mutated));
}

static void admitted_examples_render(void **state KT_UNUSED)
{
    size_t count = 0, rendered = 0;
    const char *const *files = kt_test_list_files(&test.arena, "examples/fine-tuning", ".yaml", &count);
    for (size_t i = 0; i < count; i++) {
        struct kt_yaml_documents documents;
        struct kt_str text = kt_test_read_file(&test.arena, files[i]);
        assert_int_equal(kt_yaml_parse(&test.arena, text, &documents, &error), 0);
        cJSON *all = kt_test_templates(&test.arena);
        for (size_t j = 0; j < documents.count; j++)
            kt_json_append(&test.arena, all, kt_json_clone(&test.arena, documents.items[j].root));
        test.cluster = kt_cluster_from_objects(&test.arena, all, &test.storage);
        for (size_t j = 0; j < documents.count; j++) {
            if (kt_streq(kt_json_string_or(kt_json_get(documents.items[j].root, "kind"), ""), "Workspace")) {
                assert_admitted_renders(documents.items[j].root, files[i]);
                rendered++;
            }
        }
    }
    assert_true(rendered >= 8);
}

/* Objects that nobody thought of: a list or a message, and never a crash. */
static void any_object_is_answered(void **state KT_UNUSED)
{
    struct kt_arena lasting;
    struct kt_workspace_generator generator;
    size_t rendered = 0;
    kt_arena_init(&lasting, (size_t)(16 * KT_MIB));
    cJSON *objects = kt_workspace_generator_cluster(&lasting);
    for (uint64_t seed = 1; seed <= OBJECTS; seed++) {
        cJSON *made = NULL;
        kt_arena_reset(&test.arena);
        kt_workspace_generator_init(&generator, &test.arena, seed);
        kt_workspace_generator_settings(&generator, &test.settings);
        test.cluster = kt_cluster_from_objects(&test.arena, objects, &test.storage);
        cJSON *object = kt_workspace_generator_make(&generator);
        error = (struct kt_error){0};
        int code = kt_workload_render(&test.arena, object, &test.settings, &test.cluster, &made, NULL, &error);
        assert_true(code == 0 ? kt_json_count(made) >= 3 : error.code == code && error.message[0]);
        assert_true(code == 0 || code == KT_EINVAL || code == KT_EUNAVAILABLE);
        rendered += code == 0;
        assert_admitted_renders(object, "a generated object");
    }
    assert_true(rendered > 0);
    kt_arena_release(&lasting);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(objects_come_in_the_order_of_their_making),
        TEST(a_copy_that_is_there_counts),
        TEST(a_copy_of_an_older_version_does_not_count),
        TEST(the_users_config_is_marked_on_the_job),
        TEST(what_the_reconciler_has_counted_is_kept),
        TEST(own_nodes_need_no_claim),
        TEST(own_nodes_say_which_image_trains),
        TEST(own_nodes_are_counted_by_their_capacity),
        TEST(what_is_missing_is_told),
        TEST(admitted_examples_render),
        TEST(any_object_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
