/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/limits.h"
#include "tests/lib/admission_case.h"
#include "tests/lib/cmocka_all.h"
#include "workload/node_claim.h"

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

static cJSON *claim_of(const char *patch)
{
    cJSON *claim = NULL;
    cJSON *object = kt_admission_case_changed(&test, kt_admission_case_tuning(&test), patch);
    if (kt_node_claim_build(&test.arena, object, &test.settings, 1, &claim, &error) < 0)
        fail_msg("%s: %s", patch, error.message);
    return claim;
}

static const char *part(const cJSON *claim, const char *first, const char *second)
{
    return kt_test_json_text(&test.arena, kt_json_path(claim, first, second, NULL));
}

static const char *storage(const char *patch)
{
    return kt_json_string_or(kt_json_path(claim_of(patch), "spec", "resources", "requests", "storage", NULL), "");
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void the_same_claim_has_the_same_name(void **state KT_UNUSED)
{
    char first[KT_NODE_CLAIM_NAME_BYTES], again[KT_NODE_CLAIM_NAME_BYTES], other[KT_NODE_CLAIM_NAME_BYTES];
    cJSON *object = kt_test_json(&test.arena, "{\"metadata\":{\"name\":\"w\",\"namespace\":\"n\",\"uid\":\"u-1\"}}");
    kt_node_claim_name(object, 1, first);
    kt_node_claim_name(object, 1, again);
    kt_node_claim_name(object, 2, other);
    assert_string_equal(first, "ws7a22f3e72"); /* printf u-1/1 | sha256sum */
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    object = kt_test_json(&test.arena, "{\"metadata\":{\"name\":\"w\",\"namespace\":\"n\",\"uid\":\"u-2\"}}");
    kt_node_claim_name(object, 1, other); /* a Workspace that was deleted and made anew is another */
    assert_string_not_equal(first, other);
}

static void without_a_uid_it_goes_by_the_name(void **state KT_UNUSED)
{
    char a[KT_NODE_CLAIM_NAME_BYTES], b[KT_NODE_CLAIM_NAME_BYTES];
    kt_node_claim_name(kt_test_json(&test.arena, "{\"metadata\":{\"name\":\"w\"}}"), 1, a);
    kt_node_claim_name(kt_test_json(&test.arena, "{\"metadata\":{\"name\":\"w\",\"namespace\":\"default\"}}"), 1, b);
    assert_string_equal(a, b);
    kt_node_claim_name(kt_test_json(&test.arena, "{\"metadata\":{\"name\":\"v\"}}"), 1, b);
    assert_string_not_equal(a, b);
    kt_node_claim_name(NULL, 1, a); /* nothing at all is no crash */
    assert_int_equal(strlen(a), 11);
}

/* --- clouds ------------------------------------------------------------------------------------------------------- */

static void each_cloud_has_its_node_class(void **state KT_UNUSED)
{
    const cJSON *claim = claim_of("{}");
    assert_string_equal(part(claim, "spec", "nodeClassRef"),
                        "{\"group\":\"kaito.sh\",\"kind\":\"KaitoNodeClass\",\"name\":\"default\"}");
    assert_non_null(strstr(part(claim, "spec", "requirements"), "karpenter.azure.com/sku-name"));
    kt_settings_set_cloud(&test.settings, "aws");
    claim = claim_of("{\"resource\":{\"instanceType\":\"g5.xlarge\"}}");
    assert_string_equal(part(claim, "spec", "nodeClassRef"),
                        "{\"group\":\"karpenter.k8s.aws\",\"kind\":\"EC2NodeClass\",\"name\":\"default\"}");
    assert_non_null(
        strstr(part(claim, "spec", "requirements"),
               "{\"key\":\"karpenter.k8s.aws/instance-gpu-count\",\"operator\":\"Gt\",\"values\":[\"0\"]}"));
}

static void the_machine_is_spelt_as_its_cloud_does(void **state KT_UNUSED)
{
    const cJSON *claim = claim_of("{\"resource\":{\"instanceType\":\"STANDARD_nc24ads_a100_V4\"}}");
    assert_non_null(strstr(part(claim, "spec", "requirements"), "\"Standard_NC24ads_A100_v4\""));
    assert_null(strstr(part(claim, "spec", "requirements"), "STANDARD"));
}

static void what_cannot_be_asked_for_is_told(void **state KT_UNUSED)
{
    static const struct {
        const char *cloud;
        const char *patch;
        const char *words;
    } rows[] = {
        {"arc", "{}", "no NodeClaim can be made for the cloud \"arc\""},
        {"", "{}", "no NodeClaim can be made for the cloud \"\""},
        {"azure", "{\"resource\":{\"instanceType\":\"\"}}", "resource.instanceType"},
        {"azure", "{\"metadata\":{\"name\":null}}", "metadata.name"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        cJSON *claim = NULL;
        cJSON *object = kt_admission_case_changed(&test, kt_admission_case_tuning(&test), rows[i].patch);
        kt_settings_set_cloud(&test.settings, rows[i].cloud);
        assert_int_equal(kt_node_claim_build(&test.arena, object, &test.settings, 1, &claim, &error), KT_EINVAL);
        assert_non_null(strstr(error.message, rows[i].words));
        assert_null(claim);
    }
}

/* --- labels and annotations --------------------------------------------------------------------------------------- */

static void labels_say_whose_it_is(void **state KT_UNUSED)
{
    const char *labels =
        part(claim_of("{\"metadata\":{\"name\":\"w\",\"namespace\":\"n\"},\"resource\":{\"labelSelector\":{"
                      "\"matchLabels\":{\"app\":null,\"tier\":\"gpu\",\"kaito.sh/workspace\":\"x\","
                      "\"karpenter.sh/nodepool\":\"other\"}}}}"),
             "metadata", "labels");
    assert_string_equal(labels, "{\"tier\":\"gpu\",\"karpenter.sh/nodepool\":\"kaito\",\"accelerator\":\"nvidia\","
                                "\"kaito.sh/workspace\":\"w\",\"kaito.sh/workspacenamespace\":\"n\"}");
    assert_null(kt_json_path(claim_of("{}"), "metadata", "ownerReferences", NULL));
}

static void the_image_family_can_be_chosen(void **state KT_UNUSED)
{
    static const char *const rows[][2] = {
        {"azurelinux", "azurelinux"}, {" AzureLinux ", "azurelinux"}, {"Ubuntu", "ubuntu"}, {"windows", "ubuntu"}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        const char *patch = kt_arena_printf(
            &test.arena, "{\"metadata\":{\"annotations\":{\"kaito.sh/node-image-family\":\"%s\"}}}", rows[i][0]);
        const cJSON *annotations = kt_json_path(claim_of(patch), "metadata", "annotations", NULL);
        assert_string_equal(kt_json_string(kt_json_get(annotations, "kaito.sh/node-image-family")), rows[i][1]);
        assert_string_equal(kt_json_string(kt_json_get(annotations, "karpenter.sh/do-not-disrupt")), "true");
    }
}

/* --- the disk ----------------------------------------------------------------------------------------------------- */

static void the_disk_holds_what_the_tuning_needs(void **state KT_UNUSED)
{
    /* (10 system + 35 images + 10 copy of the data + 8 weights + 10 data + 10 results) / 0.85 */
    assert_string_equal(storage("{\"tuning\":{\"preset\":{\"name\":\"phi-3-mini-128k-instruct\"}}}"), "98Gi");
    assert_string_equal(storage("{\"tuning\":{\"preset\":{\"name\":\"qwen2.5-coder-32b-instruct\"}}}"), "162Gi");
    assert_string_equal(
        storage("{\"tuning\":{\"input\":{\"urls\":null,\"volumeSource\":{}},\"output\":{\"volumeSource\":{}}}}"),
        "75Gi");
    assert_string_equal(storage("{\"tuning\":{\"preset\":{\"name\":\"unknown\"}}}"), "1Ti");
    for (size_t i = 0; i < kt_model_count; i++) {
        if (!kt_models[i].tunable)
            continue;
        const char *text =
            storage(kt_arena_printf(&test.arena, "{\"tuning\":{\"preset\":{\"name\":\"%s\"}}}", kt_models[i].name));
        long gib = strtol(text, NULL, 10);
        assert_true(strstr(text, "Gi") && gib >= 40 && gib <= 1024 &&
                    (uint64_t)gib * KT_GIB > kt_models[i].weights_bytes);
    }
}

static void the_disk_of_an_inference_is_upstream_s(void **state KT_UNUSED)
{
    cJSON *claim = NULL;
    cJSON *object = kt_admission_case_inference(&test);
    assert_int_equal(kt_node_claim_build(&test.arena, object, &test.settings, 1, &claim, &error), 0);
    const char *text = kt_json_string(kt_json_path(claim, "spec", "resources", "requests", "storage", NULL));
    const struct kt_model *model =
        kt_model_find(kt_str(kt_json_string(kt_json_path(object, "inference", "preset", "name", NULL))));
    assert_int_equal(strtol(text, NULL, 10), model->weights_bytes / KT_GIB + 80);
}

static void without_memory_it_says_so(void **state KT_UNUSED)
{
    bool is_built = false;
    for (size_t limit_bytes = 0; limit_bytes < (size_t)(64 * KT_KIB) && !is_built; limit_bytes += 256) {
        struct kt_arena arena;
        cJSON *claim = NULL;
        kt_arena_init(&arena, limit_bytes);
        int code = kt_node_claim_build(&arena, kt_admission_case_tuning(&test), &test.settings, 1, &claim, &error);
        is_built = code == 0;
        assert_true(is_built || code == KT_ENOMEM);
        kt_arena_release(&arena);
    }
    assert_true(is_built);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_claim_has_the_same_name),       TEST(without_a_uid_it_goes_by_the_name),
        TEST(each_cloud_has_its_node_class),          TEST(the_machine_is_spelt_as_its_cloud_does),
        TEST(what_cannot_be_asked_for_is_told),       TEST(labels_say_whose_it_is),
        TEST(the_image_family_can_be_chosen),         TEST(the_disk_holds_what_the_tuning_needs),
        TEST(the_disk_of_an_inference_is_upstream_s), TEST(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
