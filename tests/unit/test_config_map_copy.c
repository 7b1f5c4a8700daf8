/* SPDX-License-Identifier: Apache-2.0 */
/* The copy of a tuning template for a Workspace's namespace, and which template it is made from. */
#include "admission/shipped_templates.h"
#include "base/limits.h"
#include "tests/lib/admission_case.h"
#include "tests/lib/cmocka_all.h"
#include "text/yaml.h"
#include "workload/names.h"
#include "workload/tuning.h"

#define V100 "{\"metadata\":{\"namespace\":\"n\"},\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"}}"
#define A100 "{\"metadata\":{\"namespace\":\"n\"}}"

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

static cJSON *template_of(const char *text)
{
    cJSON *map =
        kt_test_json(&test.arena, "{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"qlora-params-template\","
                                  "\"namespace\":\"kaito-workspace\",\"uid\":\"x\"},\"data\":{\"other\":\"kept\"}}");
    kt_json_set_string(&test.arena, kt_json_get(map, "data"), KT_TUNING_CONFIG_KEY, text);
    return map;
}

static int copy(const char *patch, const cJSON *template_, cJSON **ret)
{
    struct kt_tuning_plan plan;
    cJSON *object = kt_admission_case_changed(&test, kt_admission_case_tuning(&test), patch);
    error = (struct kt_error){0};
    assert_int_equal(kt_tuning_plan(&test.arena, object, &test.settings, 0, &plan, &error), 0);
    return kt_tuning_config_map(&test.arena, &plan, template_, ret, &error);
}

static const char *text_of(const cJSON *map)
{
    return kt_json_string_or(kt_json_path(map, "data", KT_TUNING_CONFIG_KEY, NULL), "");
}

static void on_a_newer_card_it_is_copied_as_it_is(void **state KT_UNUSED)
{
    cJSON *made = NULL;
    const cJSON *shipped = kt_shipped_template_object("qlora-params-template");
    assert_non_null(shipped);
    assert_null(kt_shipped_template_object("other"));
    assert_int_equal(copy(A100, shipped, &made), 0);
    assert_true(kt_json_equal(kt_json_get(made, "data"), kt_json_get(shipped, "data")));
    assert_string_equal(kt_test_json_text(&test.arena, kt_json_get(made, "metadata")),
                        "{\"name\":\"qlora-params-template\",\"namespace\":\"n\",\"labels\":{"
                        "\"app.kubernetes.io/managed-by\":\"kaito-webhook\"}}"); /* nobody owns it: it is shared */
}

/* What the shipped float16 forms say, key by key: tests/golden/plugin/render-guide-*. */
static void on_an_older_card_the_float16_template_is_copied(void **state KT_UNUSED)
{
    static const char *const names[] = {"lora-params-template-below-8.0", "qlora-params-template-below-8.0"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(names); i++) {
        cJSON *made = NULL;
        const char *patch = kt_arena_printf(
            &test.arena, "{\"resource\":{\"instanceType\":\"Standard_NC6s_v3\"},\"tuning\":{\"method\":\"%s\"}}",
            i == 0 ? "lora" : "qlora");
        const cJSON *shipped = kt_shipped_template_object(names[i]);
        assert_int_equal(copy(patch, shipped, &made), 0);
        assert_string_equal(kt_json_string(kt_json_path(made, "metadata", "name", NULL)), names[i]);
        assert_true(kt_json_equal(kt_json_get(made, "data"), kt_json_get(shipped, "data")));
        assert_null(strstr(text_of(made), "bfloat16\"")); /* as a value */
    }
}

/* An administrator's own float16 template is taken as it is, whatever it says. */
static void a_template_is_never_rewritten(void **state KT_UNUSED)
{
    static const char text[] = "training_config:\n  ModelConfig: {torch_dtype: bfloat16} # mine\n";
    cJSON *made = NULL;
    assert_int_equal(copy(V100, template_of(text), &made), 0);
    assert_string_equal(text_of(made), text);
    assert_string_equal(kt_json_string(kt_json_path(made, "data", "other", NULL)), "kept");
}

static void only_float16_templates_are_at_hand(void **state KT_UNUSED)
{
    struct kt_tuning_plan plan;
    cJSON *object = kt_admission_case_changed(&test, kt_admission_case_tuning(&test), V100);
    assert_int_equal(kt_tuning_plan(&test.arena, object, &test.settings, 0, &plan, &error), 0);
    assert_ptr_equal(kt_tuning_template_at_hand(&plan), kt_shipped_template_object("qlora-params-template-below-8.0"));
    object = kt_admission_case_tuning(&test);
    assert_int_equal(kt_tuning_plan(&test.arena, object, &test.settings, 0, &plan, &error), 0);
    assert_null(kt_tuning_template_at_hand(&plan)); /* an installation has these in its namespace */
    object = kt_admission_case_changed(&test, kt_admission_case_changed(&test, object, V100),
                                       "{\"tuning\":{\"config\":\"mine\"}}");
    assert_int_equal(kt_tuning_plan(&test.arena, object, &test.settings, 0, &plan, &error), 0);
    assert_null(kt_tuning_template_at_hand(&plan));
}

static void a_template_that_cannot_be_used_is_refused(void **state KT_UNUSED)
{
    static const char *const texts[] = {
        "training_config: [",
        "- a",
        "",
        "training_config:",
        "training_config: text",
        "other: {}",
        "a: &a [*a]",
        "training_config: {a: !!binary x}\n\ttab",
        ("x: &x [1,1,1,1,1,1,1,1,1,1]\ny: &y [*x,*x,*x,*x,*x,*x,*x,*x,*x,*x]\nz: &z [*y,*y,*y,*y,*y,*y,*y,*y,*y,*y]\n"
         "w: &w [*z,*z,*z,*z,*z,*z,*z,*z,*z,*z]\ntraining_config: {a: [*w,*w,*w,*w,*w,*w,*w,*w,*w,*w]}"),
    };
    static const char *const patches[] = {A100, V100};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts) * 2; i++) {
        cJSON *made = NULL;
        if (copy(patches[i % 2], template_of(texts[i / 2]), &made) != KT_EINVAL || made)
            fail_msg("%s is not refused", texts[i / 2]);
        if (!strstr(error.message, "template in namespace kaito-workspace: config map qlora-params-template"))
            fail_msg("%s", error.message);
    }
    cJSON *made = NULL;
    assert_int_equal(copy(A100, NULL, &made), KT_EINVAL);
    assert_int_equal(copy(A100, kt_json_new_object(&test.arena), &made), KT_EINVAL);
}

static const char *hash_of(const char *map)
{
    char *hash = kt_arena_alloc(&test.arena, KT_CONFIG_HASH_BYTES);
    assert_non_null(hash);
    assert_int_equal(kt_config_map_hash(&test.arena, kt_test_json(&test.arena, map), hash, &error), 0);
    return hash;
}

static void the_hash_is_of_the_content_alone(void **state KT_UNUSED)
{
    const char *base = hash_of("{\"data\":{\"a\":\"1\",\"b\":\"2\"}}");
    assert_string_equal(base, hash_of("{\"metadata\":{\"resourceVersion\":\"9\"},\"data\":{\"b\":\"2\",\"a\":\"1\"}}"));
    assert_string_not_equal(base, hash_of("{\"data\":{\"a\":\"1\",\"b\":\"3\"}}"));
    assert_string_not_equal(base, hash_of("{\"binaryData\":{\"a\":\"1\",\"b\":\"2\"}}"));
    assert_string_equal(hash_of("{}"), hash_of("{\"data\":{},\"binaryData\":null}"));
}

static void without_memory_it_says_so(void **state KT_UNUSED)
{
    struct kt_tuning_plan plan;
    cJSON *object = kt_admission_case_changed(&test, kt_admission_case_tuning(&test), V100);
    const cJSON *shipped = kt_shipped_template_object("qlora-params-template");
    assert_int_equal(kt_tuning_plan(&test.arena, object, &test.settings, 0, &plan, &error), 0);
    bool is_built = false;
    for (size_t limit_bytes = 0; limit_bytes < (size_t)(256 * KT_KIB) && !is_built; limit_bytes += 512) {
        struct kt_arena arena;
        cJSON *made = NULL;
        kt_arena_init(&arena, limit_bytes);
        int code = kt_tuning_config_map(&arena, &plan, shipped, &made, &error);
        is_built = code == 0;
        if (!is_built && code != KT_ENOMEM)
            fail_msg("%zu bytes: %s", limit_bytes, error.message);
        kt_arena_release(&arena);
    }
    assert_true(is_built);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(on_a_newer_card_it_is_copied_as_it_is),
        TEST(on_an_older_card_the_float16_template_is_copied),
        TEST(a_template_is_never_rewritten),
        TEST(only_float16_templates_are_at_hand),
        TEST(a_template_that_cannot_be_used_is_refused),
        TEST(the_hash_is_of_the_content_alone),
        TEST(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
