/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped templates are taken from a table that is made once: that must change no verdict. */
#include "tests/lib/cmocka_all.h"

#include "admission/admission.h"
#include "admission/shipped_templates.h"
#include "tests/lib/objects.h"

static const char workspace_format[] =
    "{\"apiVersion\":\"kaito.sh/"
    "v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"w\"},\"resource\":{\"instanceType\":"
    "\"Standard_NC24ads_A100_v4\"},\"tuning\":{\"method\":\"%s\",\"preset\":{\"name\":\"phi-3-mini-128k-instruct\"},"
    "\"input\":"
    "{\"urls\":[\"https://example.com/"
    "a.parquet\"]},\"output\":{\"volumeSource\":{\"persistentVolumeClaim\":{\"claimName\":"
    "\"results\"}}}}}";

/* Findings as JSON of a tuning on templates whose text has `suffix` behind it. */
static const char *judge(struct kt_arena *arena, const char *method, const char *suffix)
{
    cJSON *templates = kt_test_templates(arena);
    cJSON *template = NULL;
    cJSON_ArrayForEach(template, templates)
    {
        const char *text = kt_json_string(kt_json_path(template, "data", "training_config.yaml", NULL));
        assert_non_null(text);
        const char *changed = kt_arena_printf(arena, "%s%s", text, suffix);
        assert_int_equal(kt_shipped_template_find(changed) != NULL, suffix[0] == '\0');
        kt_json_set_string(arena, kt_json_get(template, "data"), "training_config.yaml", changed);
    }
    struct kt_settings settings;
    kt_settings_init(&settings);
    struct kt_cluster_objects storage;
    struct kt_cluster cluster = kt_cluster_from_objects(arena, templates, &storage);
    struct kt_admission_request request = {
        .operation = KT_OPERATION_CREATE,
        .namespace_ = "default",
        .object = kt_test_json(arena, kt_arena_printf(arena, workspace_format, method)),
        .settings = &settings,
        .cluster = &cluster,
    };
    struct kt_findings findings;
    struct kt_error error;
    assert_int_equal(kt_admission_validate(arena, &request, &findings, &error), 0);
    assert_false(kt_findings_has_error(&findings));
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, KT_MIB);
    kt_findings_write_json(&text, &findings);
    return text.data;
}

static void a_shipped_template_is_judged_like_any_other(void **state)
{
    (void)state;
    static const char *const methods[] = {"lora", "qlora"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(methods); i++) {
        KT_CLEANUP(kt_arena_release) struct kt_arena arena;
        kt_arena_init(&arena, 16 * KT_MIB);
        assert_string_equal(judge(&arena, methods[i], ""), judge(&arena, methods[i], "\n# the same, read as YAML\n"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shipped_template_is_judged_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
