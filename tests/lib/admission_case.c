/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/admission_case.h"

#include "base/limits.h"
#include "tests/lib/cmocka_all.h"
#include "text/json_pointer.h"

static const char TUNING[] =
    "{\"apiVersion\":\"kaito.sh/"
    "v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"tune\",\"namespace\":\"default\"},"
    "\"resource\":{\"count\":1,\"instanceType\":\"Standard_NC24ads_A100_v4\",\"labelSelector\":{\"matchLabels\":{"
    "\"app\":"
    "\"tune\"}}},\"tuning\":{\"preset\":{\"name\":\"phi-3-mini-128k-instruct\",\"accessMode\":\"public\"},\"method\":"
    "\"qlora\","
    "\"input\":{\"name\":\"data\",\"urls\":[\"https://example.com/data.parquet\"]},"
    "\"output\":{\"image\":\"registry.example.com/team/out:1\",\"imagePushSecret\":\"push\"}}}";

static const char INFERENCE[] =
    "{\"apiVersion\":\"kaito.sh/"
    "v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"serve\",\"namespace\":\"default\"},"
    "\"resource\":{\"count\":1,\"instanceType\":\"Standard_NC24ads_A100_v4\",\"labelSelector\":{\"matchLabels\":{"
    "\"app\":"
    "\"serve\"}}},\"inference\":{\"preset\":{\"name\":\"phi-3-mini-128k-instruct\",\"accessMode\":\"public\"}}}";

void kt_admission_case_init(struct kt_admission_case *test)
{
    *test = (struct kt_admission_case){0};
    kt_arena_init(&test->arena, 4 * KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_settings_init(&test->settings);
    test->cluster = kt_cluster_from_objects(&test->arena, kt_test_templates(&test->arena), &test->storage);
}

void kt_admission_case_release(struct kt_admission_case *test)
{
    kt_arena_release(&test->arena);
}

cJSON *kt_admission_case_tuning(struct kt_admission_case *test)
{
    return kt_test_json(&test->arena, TUNING);
}

cJSON *kt_admission_case_inference(struct kt_admission_case *test)
{
    return kt_test_json(&test->arena, INFERENCE);
}

cJSON *kt_admission_case_changed(struct kt_admission_case *test, const cJSON *object, const char *patch)
{
    return kt_test_merge(&test->arena, object, kt_test_json(&test->arena, patch));
}

void kt_admission_case_judge(struct kt_admission_case *test, cJSON *object, cJSON *old)
{
    struct kt_error error = {0};
    test->request.operation = old ? KT_OPERATION_UPDATE : KT_OPERATION_CREATE;
    test->request.namespace_ = "default";
    test->request.object = object;
    test->request.old_object = old;
    test->request.settings = &test->settings;
    test->request.cluster = &test->cluster;
    if (kt_admission_judge(&test->arena, &test->request, &test->defaulting, &test->findings, &error) < 0) {
        fail_msg("judging failed: %s", error.message);
    }
}

const struct kt_finding *kt_admission_case_finding(const struct kt_admission_case *test, const char *rule,
                                                   const char *field)
{
    for (size_t i = 0; i < test->findings.count; i++) {
        const struct kt_finding *finding = &test->findings.items[i];
        if ((!rule || kt_streq(finding->rule, rule)) && (!field || kt_streq(finding->field, field))) {
            return finding;
        }
    }
    return NULL;
}

const char *kt_admission_case_value(struct kt_admission_case *test, const char *pointer)
{
    const cJSON *node = kt_json_pointer_find(test->defaulting.mutated, kt_str(pointer));
    return node ? kt_test_write_json(&test->arena, node) : "";
}

const char *kt_admission_case_patch(struct kt_admission_case *test)
{
    return kt_test_write_json(&test->arena, test->defaulting.patch);
}
