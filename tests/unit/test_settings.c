/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/settings.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/objects.h"

static struct kt_arena arena;

static void test_defaults_are_upstreams(void **state)
{
    (void)state;
    struct kt_settings settings;
    kt_settings_init(&settings);
    assert_true(settings.gates[KT_GATE_VLLM]);
    assert_true(settings.gates[KT_GATE_ENABLE_INFERENCE_SET]);
    assert_false(settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING]);
    assert_false(settings.gates[KT_GATE_ENABLE_MIG]);
    assert_true(settings.cloud_known);
    assert_int_equal(settings.cloud, KT_CLOUD_AZURE);
    assert_string_equal(settings.release_namespace, "kaito-workspace");
    assert_false(kt_settings_bring_your_own(&settings));
    assert_false(kt_settings_uses_karpenter(&settings));
}

static void test_gates(void **state)
{
    (void)state;
    struct kt_settings settings;
    struct kt_error error = {0};
    kt_settings_init(&settings);
    assert_int_equal(kt_settings_parse_gates(&settings, KT_STR(""), &error), 0);
    assert_int_equal(kt_settings_parse_gates(&settings, KT_STR(" vLLM = false ,enableMIG=T,,ModelMirror=1"), &error),
                     0);
    assert_false(settings.gates[KT_GATE_VLLM]);
    assert_true(settings.gates[KT_GATE_ENABLE_MIG]);
    assert_true(settings.gates[KT_GATE_MODEL_MIRROR]);
    static const struct {
        const char *text, *says;
    } bad[] = {{"vllm=true", "did you mean \"vLLM\"?"},
               {"bogus=true", "known gates: vLLM, disableNodeAutoProvisioning"},
               {"vLLM", "name=true"},
               {"vLLM=yes", "neither true nor false"},
               {"=true", "unknown feature gate"}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++) {
        /* Nothing of a list is taken when a part of it is bad. */
        const char *list = kt_arena_printf(&arena, "enableMIG=false,%s", bad[i].text);
        assert_int_equal(kt_settings_parse_gates(&settings, kt_str(list), &error), KT_EINVAL);
        assert_non_null(strstr(error.message, bad[i].says));
        assert_true(settings.gates[KT_GATE_ENABLE_MIG]);
    }
}

static void test_json(void **state)
{
    (void)state;
    struct kt_settings settings;
    struct kt_error error = {0};
    kt_settings_init(&settings);
    assert_int_equal(kt_settings_from_json(&settings, kt_test_json(&arena, "{\"disableNodeAutoProvisioning\":true}"),
                                           kt_test_json(&arena, "{\"cloudProvider\":\"aws\",\"releaseNamespace\":\"\","
                                                                "\"nodeProvisioner\":\"karpenter\",\"other\":1}"),
                                           &error),
                     0);
    assert_int_equal(settings.cloud, KT_CLOUD_AWS);
    assert_true(kt_settings_bring_your_own(&settings));
    assert_true(kt_settings_uses_karpenter(&settings));
    assert_string_equal(settings.release_namespace, "");
    assert_int_equal(kt_settings_from_json(&settings, NULL, NULL, &error), 0);
    assert_int_equal(settings.cloud, KT_CLOUD_AWS);
    assert_int_equal(kt_settings_from_json(&settings, NULL, kt_test_json(&arena, "{\"cloudProvider\":\"\"}"), &error),
                     0);
    assert_false(settings.cloud_known);
    static const char *const bad[][2] = {
        {"[]", "{}"}, {"{}", "[]"}, {"{\"vLLM\":1}", "{}"}, {"{\"x\":true}", "{}"}, {"{}", "{\"cloudProvider\":5}"}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++) {
        assert_int_equal(
            kt_settings_from_json(&settings, kt_test_json(&arena, bad[i][0]), kt_test_json(&arena, bad[i][1]), &error),
            KT_EINVAL);
    }
}

/* Upstream's main.go: the provisioner decides the gate, whatever the gate was. */
static void test_provisioner_decides_the_gate(void **state)
{
    (void)state;
    struct kt_settings settings;
    struct kt_error error = {0};
    kt_settings_init(&settings);
    assert_int_equal(kt_settings_set_provisioner(&settings, "byo", &error), 0);
    assert_true(kt_settings_bring_your_own(&settings));
    assert_int_equal(kt_settings_set_provisioner(&settings, "", &error), 0);
    assert_true(kt_settings_bring_your_own(&settings));
    assert_int_equal(kt_settings_set_provisioner(&settings, "nodeclaim", &error), 0);
    assert_false(kt_settings_bring_your_own(&settings));
    assert_int_equal(kt_settings_set_provisioner(&settings, "gpu", &error), KT_EINVAL);
    assert_non_null(strstr(error.message, "nodeclaim, machine, byo"));
}

/* Which image trains where, for the operators that there are. */
static void test_trainer(void **state)
{
    (void)state;
    static const struct {
        const char *version, *image;
        uint32_t compute_capability;
        bool qlora;
        const char *tag;
        bool runs, float16, is_known;
    } rows[] = {
        {NULL, NULL, 70, true, "0.2.8", true, true, true},
        {"ours", NULL, 75, false, "0.2.8", true, true, true},
        {NULL, NULL, 80, true, "0.4.2", true, false, true},
        {NULL, NULL, 120, false, "0.4.2", true, false, true},
        {NULL, NULL, 0, false, "0.2.8", true, false, true},
        {NULL, NULL, 61, true, "0.2.8", false, true, true},
        {"v0.12.0", NULL, 80, true, "0.5.0", true, false, true},
        {"0.12", NULL, 70, true, "0.5.0", false, false, true},
        {"v0.11", NULL, 75, true, "0.4.2", true, false, true},
        {"v0.10.1", NULL, 70, true, "0.2.8", true, false, true}, /* upstream has no float16 template */
        {"v0.6.0", NULL, 60, true, "0.0.5", true, false, true},
        {NULL, "0.5.0", 80, true, "0.5.0", true, false, true},
        {NULL, "0.5.0", 75, true, "0.5.0", true, false, true},
        {"v0.12.0", "0.2.8", 70, true, "0.2.8", true, false, true},
        {NULL, "0.2.8", 70, true, "0.2.8", true, true, true},
        {NULL, "1.0.0", 70, true, "1.0.0", true, false, false},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_settings settings;
        struct kt_error error = {0};
        kt_settings_init(&settings);
        assert_int_equal(kt_settings_set_kaito_version(&settings, rows[i].version, &error), 0);
        assert_int_equal(kt_settings_set_trainer_image(&settings, rows[i].image, &error), 0);
        struct kt_trainer trainer = kt_settings_trainer(&settings, rows[i].compute_capability, rows[i].qlora);
        assert_string_equal(trainer.tag, rows[i].tag);
        assert_int_equal(trainer.runs, rows[i].runs);
        assert_int_equal(trainer.is_known, rows[i].is_known);
        assert_ptr_equal(trainer.is_known ? NULL : trainer.image, rows[i].is_known ? NULL : kt_trainer_image_newest());
        assert_int_equal(kt_settings_trains_in_float16(&settings, rows[i].compute_capability), rows[i].float16);
    }
}

static void test_versions_of_no_release(void **state)
{
    (void)state;
    static const char *const versions[] = {"v0.12.xyz", "v0.12.0-rc1", "v0.12.", "v0.12.0.",
                                           "v0.12..0",  "0.12.0 ",     "v0.1",   "v0.120"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(versions); i++) {
        struct kt_settings settings;
        struct kt_error error = {0};
        kt_settings_init(&settings);
        assert_int_equal(kt_settings_set_kaito_version(&settings, versions[i], &error), KT_EINVAL);
        assert_non_null(strstr(error.message, "no release \""));
    }
}

static void test_trainer_in_json(void **state)
{
    (void)state;
    struct kt_settings settings;
    struct kt_error error = {0};
    kt_settings_init(&settings);
    assert_int_equal(
        kt_settings_from_json(&settings, NULL, kt_test_json(&arena, "{\"kaitoVersion\":\"v0.12.0\"}"), &error), 0);
    assert_string_equal(kt_settings_trainer(&settings, 80, true).tag, "0.5.0");
    assert_int_equal(
        kt_settings_from_json(&settings, NULL, kt_test_json(&arena, "{\"trainerImage\":\"0.0.9\"}"), &error), 0);
    assert_string_equal(kt_settings_trainer(&settings, 80, true).tag, "0.0.9");
    static const struct {
        const char *json, *says;
    } bad[] = {
        {"{\"kaitoVersion\":\"v0.5.0\"}", "known: ours, v0.6"},
        {"{\"kaitoVersion\":\"v0.1\"}", "no release"},
        {"{\"kaitoVersion\":\"latest\"}", "no release"},
        {"{\"kaitoVersion\":12}", "kaitoVersion"},
        {"{\"trainerImage\":\"mcr.microsoft.com/aks/kaito/kaito-base:0.5.0\"}", "tag of kaito-base alone"},
        {"{\"trainerImage\":\"a b\"}", "tag"},
        {"{\"trainerImage\":[\"0.5.0\"]}", "trainerImage"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++) {
        assert_int_equal(kt_settings_from_json(&settings, NULL, kt_test_json(&arena, bad[i].json), &error), KT_EINVAL);
        if (!strstr(error.message, bad[i].says))
            fail_msg("%s: %s", bad[i].json, error.message);
        assert_string_equal(kt_settings_trainer(&settings, 80, true).tag, "0.0.9");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_defaults_are_upstreams),
                                       cmocka_unit_test(test_gates),
                                       cmocka_unit_test(test_json),
                                       cmocka_unit_test(test_provisioner_decides_the_gate),
                                       cmocka_unit_test(test_trainer),
                                       cmocka_unit_test(test_versions_of_no_release),
                                       cmocka_unit_test(test_trainer_in_json)};
    kt_arena_init(&arena, (size_t)(4 * KT_MIB));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kt_arena_release(&arena);
    return failed;
}
