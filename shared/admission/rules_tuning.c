/* SPDX-License-Identifier: Apache-2.0 */
/* Family T: the tuning section. Its checks of data and output are in tuning_data.c. */
#include "admission/rules_tuning.h"

#include "admission/rule_words.h"
#include "base/limits.h"

#define FIELD_PRESET "tuning.preset.name"

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

bool kt_tuning_config_settled(const struct kt_facts *facts)
{
    return facts->config.is_template || facts->config.state == KT_CONFIG_READ;
}

void kt_tuning_gpu_of(const struct kt_facts *facts, struct kt_tuning_gpu *ret)
{
    const struct kt_own_nodes *nodes = &facts->inference.nodes;
    *ret = (struct kt_tuning_gpu){.field = facts->bring_your_own ? KT_FIELD_LABEL_SELECTOR : KT_FIELD_INSTANCE_TYPE};
    if (facts->bring_your_own) {
        if (nodes->state != KT_OWN_NODES_KNOWN || nodes->gpu_count <= 0 || nodes->memory_bytes <= 0)
            return;
        ret->name = nodes->gpu_model;
        ret->count = (uint32_t)KT_MIN(nodes->gpu_count, (int64_t)UINT32_MAX);
        ret->bytes = (uint64_t)nodes->memory_bytes / (uint64_t)nodes->gpu_count;
        ret->compute_capability = nodes->compute_capability;
    } else if (facts->sku != NULL && facts->sku->vendor == KT_GPU_NVIDIA && facts->sku->gpu_count > 0) {
        ret->name = facts->sku->gpu_model;
        ret->count = facts->sku->gpu_count;
        ret->bytes = kt_sku_bytes_per_gpu(facts->sku);
        ret->compute_capability = facts->sku->compute_capability;
    }
    ret->usable_bytes = (uint64_t)((double)ret->bytes * KT_USABLE_SHARE);
    ret->known = ret->bytes > 0;
}

/* --- method and preset -------------------------------------------------------------------------------------------- */

static void check_method(struct kt_rule_run *run)
{
    const char *method = run->facts->now.tuning.method;
    enum kt_tuning_method parsed;
    enum kt_origin origin = kt_rule_origin_on_create(run->facts);
    if (!is_given(method))
        kt_rule_report_as(run, origin, "tuning.method", KT_PROBLEM_REQUIRED, NULL,
                          "supported values: \"lora\", \"qlora\"");
    else if (!kt_tuning_method_parse(kt_str(method), &parsed))
        kt_rule_report_as(run, origin, "tuning.method", KT_PROBLEM_UNSUPPORTED, method,
                          "supported values: \"lora\" (16-bit weights), \"qlora\" (4-bit or 8-bit weights, which need "
                          "far less memory)");
}

/* Upstream takes any text with a slash and something on both sides for a Hugging Face model. */
static bool has_owner_and_name(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash != NULL && slash != name && slash[1] != '\0';
}

static bool upstream_knows_preset(const struct kt_facts *facts)
{
    const char *name = facts->now.tuning.preset.name;
    return has_owner_and_name(name) || (facts->model != NULL && facts->model->status == KT_MODEL_CURRENT);
}

/* Appends the presets that can be tuned. */
static void write_tunable(struct kt_strbuf *text)
{
    const char *joint = "";
    for (size_t i = 0; i < kt_model_count; i++) {
        if (kt_models[i].status != KT_MODEL_CURRENT || !kt_models[i].tunable)
            continue;
        kt_strbuf_printf(text, "%s\"%s\"", joint, kt_models[i].name);
        joint = ", ";
    }
}

/* "; the nearest current one is ..." or "". */
static const char *successor(const struct kt_facts *facts, const struct kt_model *model)
{
    const struct kt_model *next = model->replacement != NULL ? kt_model_find(kt_str(model->replacement)) : NULL;
    const char *text = NULL;
    if (next != NULL)
        text = kt_arena_printf(facts->arena, "; the nearest current one is \"%s\"%s", next->name,
                               next->tunable ? "" : ", which cannot be fine-tuned");
    return text != NULL ? text : "";
}

static void check_preset_known(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_preset *preset = &facts->now.tuning.preset;
    enum kt_origin origin = kt_rule_origin_on_create(facts);
    const struct kt_model *model = facts->model;
    const char *near = NULL;
    struct kt_strbuf tunable;
    if (is_given(preset->name) && upstream_knows_preset(facts))
        return;
    kt_strbuf_init(&tunable, facts->arena, KT_LIMIT_MESSAGE_BYTES);
    write_tunable(&tunable);
    if (!is_given(preset->name)) {
        kt_rule_report_as(run, origin, preset->node != NULL ? FIELD_PRESET : "tuning.preset", KT_PROBLEM_REQUIRED, NULL,
                          "the model to fine-tune; supported values: %s", tunable.data);
        return;
    }
    if (model != NULL) {
        kt_rule_report_as(run, origin, FIELD_PRESET, KT_PROBLEM_UNSUPPORTED, preset->name,
                          "Kaito dropped this preset in %s%s; supported values: %s",
                          model->retired_in != NULL ? model->retired_in : "a later version", successor(facts, model),
                          tunable.data);
        return;
    }
    near = kt_model_suggest(kt_str(preset->name), true);
    kt_rule_report_as(run, origin, FIELD_PRESET, KT_PROBLEM_UNSUPPORTED, preset->name, "%s%s%ssupported values: %s",
                      near != NULL ? "did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"? " : "",
                      tunable.data);
}

static void check_preset_tunable(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *name = facts->now.tuning.preset.name;
    const struct kt_model *model = facts->model;
    const char *near = NULL;
    struct kt_strbuf tunable;
    if (!is_given(name) || !upstream_knows_preset(facts) || (model != NULL && model->tunable))
        return;
    kt_strbuf_init(&tunable, facts->arena, KT_LIMIT_MESSAGE_BYTES);
    write_tunable(&tunable);
    near = kt_model_suggest(kt_str(name), true);
    kt_rule_report(run, FIELD_PRESET, KT_PROBLEM_UNSUPPORTED, name,
                   "%s, and upstream's controller crashes on it after the node is paid for; presets that can be tuned: "
                   "%s%s%s%s",
                   model != NULL && model->built_in ? "this preset has no usable tuning settings"
                                                    : "only presets with tuning settings can be fine-tuned",
                   tunable.data, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                   near != NULL ? "\"?" : "");
}

/* --- the GPU ------------------------------------------------------------------------------------------------------ */

static void check_bfloat16(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    struct kt_tuning_gpu gpu;
    kt_tuning_gpu_of(facts, &gpu);
    /* A config map of one's own that was read is judged by what it says: C016. */
    if ((facts->config.sections != NULL && !facts->config.is_template) || gpu.compute_capability == 0 ||
        gpu.compute_capability >= 80)
        return;
    kt_rule_report(run, gpu.field, KT_PROBLEM_NOTE, NULL,
                   "%s (compute capability %u.%u) has no bfloat16: %s. It has no FlashAttention-2 either, so keep "
                   "max_length at 2048 or below%s",
                   gpu.name != NULL ? gpu.name : "this GPU", gpu.compute_capability / 10, gpu.compute_capability % 10,
                   facts->config.is_template ? "a float16 template is used, with fp16: true"
                                             : "the tuning config must say fp16: true and float16",
                   gpu.compute_capability < 70 ? ". Current PyTorch and 4-bit kernels are not built for a GPU this old"
                                               : "");
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define ON_WRITE (KT_OPERATION_CREATE | KT_OPERATION_UPDATE)
#define ROW(row_id, row_severity, row_origin, row_title, row_reason, row_check)                         \
    {                                                                                                   \
        .id = row_id, .severity = KT_SEVERITY_##row_severity, .origin = KT_ORIGIN_##row_origin,         \
        .operations = ON_WRITE, .scope = KT_SCOPE_TUNING, .title = (row_title), .reason = (row_reason), \
        .check = (row_check)                                                                            \
    }

static const struct kt_rule rules[] = {
    ROW("T001", ERROR, UPSTREAM, "tuning.method is lora or qlora, in any case", NULL, check_method),
    ROW("T002", ERROR, UPSTREAM, "tuning.preset names a preset that Kaito has", NULL, check_preset_known),
    ROW("T003", ERROR, OWN, "the preset can be fine-tuned",
        "upstream admits every known preset and every owner/name; where it has no tuning settings its controller "
        "panics "
        "on each reconcile, after the node is paid for",
        check_preset_tunable),
    ROW("T004", ERROR, UPSTREAM, "data comes from exactly one of urls, image and volumeSource",
        "on UPDATE upstream lets the only source go, and the next Job has nothing to train on",
        kt_tuning_check_one_input),
    ROW("T005", ERROR, UPSTREAM, "the adapter goes to exactly one of image and volumeSource",
        "on UPDATE upstream lets the destination go, and the result of the next Job is lost",
        kt_tuning_check_one_output),
    ROW("T006", ERROR, OWN, "each data URL is http or https, well-formed, and not local, private or metadata",
        "upstream misses other spellings of the same addresses, looks at none on UPDATE, and passes the text to a "
        "shell",
        kt_tuning_check_urls),
    ROW("T007", ERROR, UPSTREAM, "input and output images are image references", NULL, kt_tuning_check_images),
    ROW("T008", ERROR, UPSTREAM, "an output image comes with a push secret",
        "on UPDATE upstream lets the secret go, and the push fails after the training is paid for",
        kt_tuning_check_push_secret),
    ROW("T009", ERROR, OWN, "names of secrets are names that a Secret can have",
        "no such Secret can exist, so the pod would wait for ever on a paid node", kt_tuning_check_secret_names),
    ROW("T010", ERROR, OWN, "a volumeSource names one volume that can be mounted, and kept where results are written",
        "an empty or unmountable volume keeps the pod from starting on a paid node, emptyDir loses the result with the "
        "pod, and hostPath opens the node",
        kt_tuning_check_volumes),
    ROW("T011", ERROR, OWN, "placeholders of a guide are filled in",
        "the push or the download would fail on the placeholder's name, after the node is paid for",
        kt_tuning_check_placeholders),
    ROW("T012", WARNING, OWN, "the GPU has bfloat16", "slower training and a float16 template on older GPUs",
        check_bfloat16),
    ROW("T013", WARNING, OWN, "the trainer can see a data file in the names of the URLs",
        "the trainer finds data files by their names and ends when there is none", kt_tuning_check_file_names),
    ROW("T014", WARNING, OWN, "one data URL, or a config that says which files are read",
        "without dataset_path the trainer reads one of several files",
        kt_tuning_check_several_urls),
};

const struct kt_rule_table kt_rules_tuning = {.family = "tuning", .rules = rules, .count = KT_ARRAY_LENGTH(rules)};
