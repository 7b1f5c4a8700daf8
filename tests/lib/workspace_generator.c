/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/workspace_generator.h"

#include "tests/lib/objects.h"
#include "tests/lib/tsv.h"
#include "text/json_pointer.h"

/* Values are JSON texts with '|' between them. A field is only made where its parent is an object. */
struct field {
    const char *parent; /* JSON pointer */
    const char *key;
    unsigned percent; /* how often it is there */
    const char *good;
    const char *odd;
};

#define PRESET_FIELDS(purpose)                                                                                      \
    {"/" purpose, "preset", 92, "{}", "[]"},                                                                        \
        {"/" purpose "/preset", "name", 97,                                                                         \
         "\"phi-3-mini-128k-instruct\"|\"phi-3-mini-128k-instruct\"|\"Phi-3-Mini-128k-Instruct\"|\"falcon-7b\"|"    \
         "\"phi-4\"|\"phi-4-mini-instruct\"|\"llama-3.1-8b-instruct\"|\"qwen2.5-coder-32b-instruct\"|"              \
         "\"deepseek-r1-0528\"|\"phi-2\"|\"llama-2-7b\"|\"mistral-7b\"|\"Qwen/Qwen3.5-2B\"|\"someone/some-model\"", \
         "\"\"|\"phi3\"|\"a/b/c\"|\"/\"|\"phi-3-mini-128k-instruct \"|\"ph\\u00ef-3\"|\"falcon-7b\\n\""},           \
        {"/" purpose "/preset", "accessMode", 30, "\"public\"|\"private\"", "\"\"|\"Public\"|\"secret\""},          \
        {"/" purpose "/preset", "presetOptions", 20, "{}|{\"image\":\"registry.example.com/model:1\"}", "[]"},      \
        {"/" purpose "/preset/presetOptions", "modelAccessSecret", 50, "\"token\"", "\"\"|\"Not Valid\""},          \
    {                                                                                                               \
        "/" purpose "/preset/presetOptions", "imagePullSecrets", 30, "[\"pull\"]", "[\"\"]|[1]|[]"                  \
    }

static const struct field fields[] = {
    {"", "metadata", 99, "{}", "[]|\"x\""},
    {"/metadata", "name", 95, "\"w\"|\"tune-phi\"|\"serve\"",
     "\"Bad_Name\"|\"9starts-with-a-digit\"|\"a.b\"|\"\"|\"\\u00e9\"|"
     "\"a-name-that-is-longer-than-the-sixty-three-letters-that-a-label-may-have-at-most\""},
    {"/metadata", "generateName", 8, "\"w-\"", "\"-\"|\"W\""},
    {"/metadata", "namespace", 50, "\"default\"", "\"other\"|\"\""},
    {"/metadata", "labels", 25, "{\"team\":\"a\"}|{}",
     "{\"kaito.sh/workspace\":\"x\"}|{\"bad key!\":\"\"}|{\"a\":null}"},
    {"/metadata", "annotations", 45, "{}", "{\"a\":1}"},
    {"/metadata/annotations", "kaito.sh/runtime", 50, "\"vllm\"|\"transformers\"", "\"\"|\"Transformers\"|\"tgi\""},
    {"/metadata/annotations", "kaito.sh/bypass-resource-checks", 20, "\"true\"", "\"false\"|\"\""},
    {"/metadata/annotations", "kaito.sh/enablelb", 15, "\"True\"", "\"true\"|\"yes\""},
    {"/metadata/annotations", "kaito.sh/performance-mode", 10, "\"balanced\"", "\"fast\""},
    {"/metadata/annotations", "kaito.sh/node-class-name", 10, "\"image-family-ubuntu\"", "\"\"|\"mine\""},
    {"/metadata/annotations", "kaito.sh/model-streaming", 10, "\"true\"", "\"maybe\""},
    {"/metadata", "finalizers", 10, "[\"workspace.finalizer.kaito.sh\"]", "[]|[1]"},
    {"/metadata", "deletionTimestamp", 4, "\"2026-01-02T03:04:05Z\"", "\"yesterday\"|1"},
    {"/metadata", "managedFields", 10, "[{\"manager\":\"kubectl\",\"operation\":\"Update\"}]", "[{}]"},

    {"", "resource", 85, "{}", "[]"},
    {"/resource", "count", 50, "1|1|1|2|4", "0|-1|99999|1.5|1e2|9223372036854775808|1.0"},
    {"/resource", "instanceType", 75,
     "\"Standard_NC24ads_A100_v4\"|\"standard_nc24ads_a100_v4\"|\"Standard_NC6s_v3\"|\"Standard_NV36ads_A10_v5\"|"
     "\"Standard_NC4as_T4_v3\"|\"Standard_ND96isr_H100_v5\"|\"g5.4xlarge\"|\"p4d.24xlarge\"",
     "\"\"|\"bogus\"|\"Standard_NC24ads_A100_v5\"|\"Standard_D4s_v3\"|\"Standard_ND96isr_MI300X_v5\"|\" \""},
    {"/resource", "labelSelector", 70, "{\"matchLabels\":{\"apps\":\"own\"}}|{\"matchLabels\":{\"app\":\"x\"}}",
     "{}|{\"matchLabels\":{}}|{\"matchLabels\":{\"bad key!\":\"\"}}|{\"matchExpressions\":[{\"key\":\"a\",\"operator\":"
     "\"In\",\"values\":[\"b\"]}]}|{\"matchExpressions\":[{}]}|{\"matchLabels\":{\"kaito.sh/workspace\":\"x\"}}"},
    {"/resource", "preferredNodes", 10, "[\"own-1\"]", "[]|[\"\"]|[\"own-1\",\"own-1\"]"},
    {"/resource", "partition", 8, "{\"mode\":\"mig\",\"profile\":\"1g.10gb\",\"count\":1}",
     "{}|{\"mode\":\"mig\",\"profile\":\"9g\"}|{\"mode\":\"none\"}|{\"mode\":\"accelerator\",\"count\":-1}"},

    {"", "tuning", 50, "{}", "[]|\"\""},
    PRESET_FIELDS("tuning"),
    {"/tuning", "method", 75, "\"qlora\"|\"lora\"|\"QLoRA\"", "\"\"|\"full\"|\"q-lora\"|\" lora\""},
    {"/tuning", "config", 25, "\"mine\"|\"mine\"", "\"\"|\"absent\"|\"broken\"|\"deep\"|\"Not Valid\""},
    {"/tuning", "input", 92, "{}", "[]"},
    {"/tuning/input", "name", 40, "\"data\"", "\"\"|\"D A T A\""},
    {"/tuning/input", "urls", 75,
     "[\"https://example.com/data.parquet\"]|[\"https://example.com/a.json\",\"https://example.com/b.json\"]",
     "[]|[\"\"]|[\"http://127.1/a\"]|[\"https://example.com/$(id)\"]|[null]|[\"ftp://x/y.csv\",\"http://[::1]:99999/"
     "\"]"},
    {"/tuning/input", "image", 15, "\"registry.example.com/data:1\"", "\"\"|\"UPPER/x\"|\"IMAGE_NAME_HERE\""},
    {"/tuning/input", "imagePullSecrets", 12, "[\"pull\"]", "[]|[\"Not Valid\"]"},
    {"/tuning/input", "volumeSource", 12, "{\"persistentVolumeClaim\":{\"claimName\":\"data\"}}",
     "{}|{\"hostPath\":{\"path\":\"/\"}}|{\"emptyDir\":{}}|{\"nfs\":{\"server\":1}}|{\"persistentVolumeClaim\":{}}"},
    {"/tuning", "output", 92, "{}", "[]"},
    {"/tuning/output", "image", 80, "\"registry.example.com/team/out:1\"",
     "\"\"|\"a b\"|\"ACR_REPO_HERE.azurecr.io/x:1\""},
    {"/tuning/output", "imagePushSecret", 75, "\"push\"", "\"\"|\"Not Valid\"|\"ACR_REGISTRY_SECRET_HERE\""},
    {"/tuning/output", "volumeSource", 12, "{\"persistentVolumeClaim\":{\"claimName\":\"out\"}}",
     "{}|{\"emptyDir\":{}}|{\"configMap\":{\"name\":\"a\"}}|{\"a\":1,\"b\":2}"},

    {"", "inference", 50, "{}", "[]|0"},
    PRESET_FIELDS("inference"),
    {"/inference", "template", 8, "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"b:1\"}]}}",
     "{}|{\"spec\":{\"containers\":1}}|{\"speck\":{}}"},
    {"/inference", "config", 20, "\"serving\"", "\"\"|\"absent\"|\"mine\"|\"too-long\""},
    {"/inference", "adapters", 25,
     "[{\"source\":{\"name\":\"one\",\"image\":\"registry.example.com/a:1\"}}]|"
     "[{\"source\":{\"name\":\"one\",\"image\":\"registry.example.com/a:1\"},\"strength\":\"0.5\"}]|"
     "[{\"source\":{\"name\":\"one\",\"image\":\"registry.example.com/a:1\"}},"
     "{\"source\":{\"name\":\"two\",\"volumeSource\":{\"persistentVolumeClaim\":{\"claimName\":\"a\"}}},\"strength\":"
     "\"1\"}]",
     "[]|[{}]|[null]|[{\"source\":{\"name\":\"one\"}},{\"source\":{\"name\":\"one\"}}]|"
     "[{\"source\":{\"name\":\"a\",\"image\":\"x\"},\"strength\":\"NaN\"}]|[{\"strength\":1}]|"
     "[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]"},
    {"", "status", 5, "{\"conditions\":[]}", "[]"},
    {"", "specc", 4, "{\"a\":1}", "1"},
};

/* One for each kind of JSON. */
static const char wrong_kinds[] = "1|\"text\"|true|[]|{}|[{}]|{\"a\":{\"b\":null}}|-0.0|[[1]]";

void kt_workspace_generator_init(struct kt_workspace_generator *generator, struct kt_arena *arena, uint64_t seed)
{
    /* Neighbouring seeds must not begin alike. */
    *generator = (struct kt_workspace_generator){(seed + 1) * UINT64_C(0x9E3779B97F4A7C15) | 1, arena};
    for (size_t i = 0; i < 8; i++)
        kt_workspace_generator_below(generator, 2);
}

size_t kt_workspace_generator_below(struct kt_workspace_generator *generator, size_t below)
{
    uint64_t state = generator->state;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    generator->state = state;
    return (size_t)((state >> 11) % below);
}

static bool chance(struct kt_workspace_generator *generator, size_t percent)
{
    return kt_workspace_generator_below(generator, 100) < percent;
}

static cJSON *one_of(struct kt_workspace_generator *generator, const char *values)
{
    size_t count = 0;
    const char *const *items = kt_test_split(generator->arena, values, '|', 64, &count);
    return kt_test_json(generator->arena, items[kt_workspace_generator_below(generator, count)]);
}

/* wildness in percent: how often a value is not a good one. */
static void make_field(struct kt_workspace_generator *generator, cJSON *object, const struct field *field,
                       size_t wildness)
{
    cJSON *parent = *field->parent ? kt_json_pointer_find(object, kt_str(field->parent)) : object;
    kt_json_remove(parent, field->key);
    if (!kt_json_is_object(parent) || !chance(generator, field->percent))
        return;
    const char *values = !chance(generator, wildness) ? field->good
                         : chance(generator, 70)      ? field->odd
                         : chance(generator, 50)      ? "null"
                                                      : wrong_kinds;
    kt_json_set(generator->arena, parent, field->key, one_of(generator, values));
}

cJSON *kt_workspace_generator_make(struct kt_workspace_generator *generator)
{
    static const size_t levels[] = {0, 4, 15, 40};
    size_t wildness = levels[kt_workspace_generator_below(generator, KT_ARRAY_LENGTH(levels))];
    cJSON *object = kt_json_new_object(generator->arena);
    kt_json_set_string(generator->arena, object, "apiVersion",
                       chance(generator, 50) ? "kaito.sh/v1beta1" : "kaito.sh/v1alpha1");
    kt_json_set_string(generator->arena, object, "kind", "Workspace");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(fields); i++)
        make_field(generator, object, &fields[i], wildness);
    /* Both or neither would be refused for that alone, which hides the rest. */
    if (chance(generator, 85)) {
        bool tunes = chance(generator, 55);
        kt_json_remove(object, tunes ? "inference" : "tuning");
        for (size_t i = 0; i < KT_ARRAY_LENGTH(fields) && !kt_json_get(object, tunes ? "tuning" : "inference"); i++)
            if (strstr(fields[i].parent, tunes ? "/tuning" : "/inference") ||
                kt_streq(fields[i].key, tunes ? "tuning" : "inference"))
                make_field(generator, object, &fields[i], wildness);
    }
    return object;
}

cJSON *kt_workspace_generator_old(struct kt_workspace_generator *generator, const cJSON *object)
{
    if (chance(generator, 8))
        return kt_workspace_generator_make(generator);
    cJSON *old = kt_json_clone(generator->arena, object);
    kt_json_remove(kt_json_get(old, "metadata"), "deletionTimestamp");
    for (size_t changes = kt_workspace_generator_below(generator, 4); changes > 0; changes--)
        make_field(generator, old, &fields[kt_workspace_generator_below(generator, KT_ARRAY_LENGTH(fields))], 10);
    return old;
}

void kt_workspace_generator_settings(struct kt_workspace_generator *generator, struct kt_settings *ret)
{
    kt_settings_init(ret);
    for (size_t gate = 0; gate < KT_GATE_COUNT; gate++)
        if (chance(generator, 10))
            ret->gates[gate] = !ret->gates[gate];
    static const char *const clouds[] = {"azure", "azure", "azure", "aws", "arc", "elsewhere"};
    kt_settings_set_cloud(ret, clouds[kt_workspace_generator_below(generator, KT_ARRAY_LENGTH(clouds))]);
}

static const char others[] =
    "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"mine\",\"namespace\":\"default\"},"
    "\"data\":{"
    "\"training_config.yaml\":\"training_config: {QuantizationConfig: {load_in_4bit: true}, LoraConfig: {r: 16, "
    "target_modules: [o_proj]}, TrainingArguments: {output_dir: /mnt/results, max_seq_length: 512}}\"}},"
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"broken\",\"namespace\":\"default\"},"
    "\"data\":{"
    "\"training_config.yaml\":\"training_config: [\"}},"
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"deep\",\"namespace\":\"default\"},\"data\":"
    "{"
    "\"training_config.yaml\":\"training_config: {LoraConfig: {r: [[{a: b}]], r: x}, 7: {}}\"}},"
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"serving\",\"namespace\":\"default\"},"
    "\"data\":{"
    "\"inference_config.yaml\":\"vllm: {max-model-len: 4096}\"}},"
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"too-long\",\"namespace\":\"default\"},"
    "\"data\":{"
    "\"inference_config.yaml\":\"vllm: {max-model-len: 99999999}\"}},"
    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"own-1\",\"labels\":{\"apps\":\"own\","
    "\"nvidia.com/gpu.product\":\"NVIDIA-A100-80GB-PCIe\",\"nvidia.com/gpu.count\":\"1\",\"nvidia.com/gpu.memory\":"
    "\"81920\",\"nvidia.com/cuda.compute.major\":\"8\",\"nvidia.com/cuda.compute.minor\":\"0\"}},\"status\":{"
    "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}},"
    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"own-2\",\"labels\":{\"app\":\"x\"}}}]";

cJSON *kt_workspace_generator_cluster(struct kt_arena *arena)
{
    cJSON *objects = kt_test_templates(arena);
    const cJSON *object;
    cJSON_ArrayForEach(object, kt_test_json(arena, others))
        kt_json_append(arena, objects, kt_json_clone(arena, object));
    return objects;
}
