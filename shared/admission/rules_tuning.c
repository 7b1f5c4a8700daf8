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
    ROW("T012", WARNING, OWN, "the GPU has bfloat16",
        "on older GPUs another template, often another image and slower training", kt_tuning_check_bfloat16),
    ROW("T013", WARNING, OWN, "the trainer can see a data file in the names of the URLs",
        "the trainer finds data files by their names and ends when there is none", kt_tuning_check_file_names),
    ROW("T014", ERROR, OWN, "several data URLs are files of one type that are read together",
        "files of several types are not put together; where upstream's operator carries the tuning out, or the config "
        "has a dataset_extension alone, one file is read (a warning)",
        kt_tuning_check_several_urls),
    ROW("T015", ERROR, OWN, "the image that trains has kernels for the GPU",
        "upstream looks at no GPU: its image of v0.12.0 has nothing for a V100, and the trainer ends at its first step "
        "on a paid node",
        kt_tuning_check_kernels),
    ROW("T016", WARNING, OWN, "the image that trains is one that is known here",
        "what its trainer takes and needs is then a guess", kt_tuning_check_image_known),
    ROW("T017", WARNING, OWN, "nodes of one's own say which GPU they have",
        "the image and the template follow from the GPU, and on the wrong ones the trainer ends at its first step",
        kt_tuning_check_capability_known),
    ROW("T018", WARNING, OWN, "nodes of one's own train alike",
        "the pod may land on any of them, so the oldest GPU decides the image and the template",
        kt_tuning_check_nodes_alike),
    ROW("T019", ERROR, OWN, "kaito.sh/dataset-format is text or alpaca",
        "upstream has no such annotation: where its operator carries the tuning out, rows stay as they are (a warning)",
        kt_tuning_check_dataset_format),
    ROW("T020", ERROR, OWN, "with kaito.sh/dataset-format the config does not say which files are read",
        "the converted rows stand in a file of their own, and the trainer would read the others",
        kt_tuning_check_dataset_config),
};

const struct kt_rule_table kt_rules_tuning = {.family = "tuning", .rules = rules, .count = KT_ARRAY_LENGTH(rules)};
