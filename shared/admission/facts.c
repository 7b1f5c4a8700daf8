/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/facts.h"

#include "admission/config_document.h"
#include "admission/config_guess.h"
#include "admission/rules_tuning.h"
#include "admission/shipped_templates.h"
#include "admission/tuning_input.h"
#include "base/limits.h"
#include "text/names.h"

#define TRAINING_CONFIG_ROOT "training_config"
/* Steps of work that an annotation takes in all rules together, if only because others are looked for. */
#define ANNOTATION_STEPS 80
/* And a byte of a text that rules look into, which is counted only where it is longer than any that is right. */
#define TEXT_STEPS 25
#define USUAL_TEXT_BYTES 1024

const char *kt_facts_namespace(const struct kt_admission_request *request, const struct kt_workspace *workspace)
{
    const char *own = workspace->namespace_;
    const char *of_request = request->namespace_;
    return own && *own ? own : of_request && *of_request ? of_request : "default";
}

static bool is_given(const char *text)
{
    return text && *text;
}

int kt_config_too_large(size_t bytes, struct kt_error *error)
{
    return kt_error_set(error, KT_ELIMIT, "its text has %zu bytes, and at most %zu are read", bytes,
                        KT_LIMIT_CONFIG_TEXT_BYTES);
}

int kt_admission_exhausted(const struct kt_arena *arena, struct kt_error *error)
{
    if (arena->overworked) {
        return kt_error_set(error, KT_ELIMIT,
                            "judging the request takes more work than one request may cost: %s is too large",
                            arena->overworked);
    }
    return kt_error_set(error, KT_ELIMIT, "the request needs more than %zu MiB of memory",
                        arena->limit_bytes / (size_t)KT_MIB);
}

/* As upstream's GetWorkspaceRuntimeName: the gate first, then the annotation; anything unknown is vLLM. */
static bool uses_transformers(const struct kt_settings *settings, const struct kt_workspace *workspace)
{
    const char *runtime = kt_workspace_annotation(workspace, KT_ANNOTATION_RUNTIME);
    return !settings->gates[KT_GATE_VLLM] || (runtime && kt_streq(runtime, "transformers"));
}

/* --- the tuning config map ---------------------------------------------------------------------------------------- */

static void read_training_config(struct kt_arena *arena, const struct kt_facts *facts, struct kt_tuning_config *config)
{
    const struct kt_config_document *document =
        kt_config_document_of(arena, facts->cluster, config->config_map, KT_CONFIG_TRAINING);
    if (!document) {
        config->state = KT_CONFIG_NO_KEY;
        return;
    }
    if (document->code != KT_OK) {
        kt_error_set(&config->parse_error, document->code, "%s", document->problem);
        config->state = KT_CONFIG_UNPARSABLE;
        return;
    }
    config->root = document->root;
    config->is_shipped = document->is_shipped;
    config->has_second_document = document->has_second_document;
    const cJSON *sections = kt_json_get(config->root, TRAINING_CONFIG_ROOT);
    config->sections = kt_json_is_object(sections) ? sections : NULL;
    config->guesses = kt_config_guess_keys(arena, facts->trainer.image, config);
    config->values = kt_config_full_names(arena, config->sections, config->guesses);
    config->state = config->sections ? KT_CONFIG_READ : KT_CONFIG_WRONG_SHAPE;
}

static enum kt_lookup find_config_map(const struct kt_facts *facts, const char *name, const cJSON **ret)
{
    const struct kt_cluster *cluster = facts->cluster;
    return cluster->find(cluster->context, "ConfigMap", facts->config.namespace_, name, ret);
}

static void read_tuning_config(struct kt_arena *arena, struct kt_facts *facts)
{
    struct kt_tuning_config *config = &facts->config;
    const struct kt_tuning *tuning = &facts->now.tuning;
    bool is_own = is_given(tuning->config);
    if (!tuning->node || (!is_own && !facts->method_known)) {
        return;
    }
    if (is_own && kt_names_dns1123_subdomain(kt_str(tuning->config))) {
        return;
    }
    const char *release = facts->settings->release_namespace;
    config->is_template = !is_own;
    config->name = is_own ? tuning->config : kt_template_name(facts->method, false);
    config->namespace_ = is_own ? facts->namespace_ : is_given(release) ? release : NULL;
    config->state = KT_CONFIG_UNKNOWN;
    if (!config->namespace_) {
        return;
    }
    enum kt_lookup found = find_config_map(facts, config->name, &config->config_map);
    if (config->is_template && facts->float16 && found != KT_LOOKUP_ABSENT) {
        /* An installation of upstream's has no such form, and the reconciler brings it along. */
        config->name = kt_template_name(facts->method, true);
        found = find_config_map(facts, config->name, &config->config_map);
        if (found != KT_LOOKUP_FOUND) {
            config->config_map = kt_shipped_template_object(config->name);
            found = config->config_map ? KT_LOOKUP_FOUND : found;
        }
    }
    switch (found) {
    case KT_LOOKUP_FOUND:
        read_training_config(arena, facts, config);
        break;
    case KT_LOOKUP_ABSENT:
        config->state = KT_CONFIG_ABSENT;
        break;
    case KT_LOOKUP_UNKNOWN:
        break;
    }
}

/* --- all together ------------------------------------------------------------------------------------------------- */

static void read_method(struct kt_facts *facts)
{
    const char *method = facts->now.tuning.method;
    facts->method_known = method && kt_tuning_method_parse(kt_str(method), &facts->method);
}

static void read_catalogue(struct kt_facts *facts)
{
    const struct kt_workspace *now = &facts->now;
    const char *preset = now->tuning.node ? now->tuning.preset.name : now->inference.preset.name;
    facts->model = is_given(preset) ? kt_model_find(kt_str(preset)) : NULL;
    const char *machine = now->resource.instance_type;
    if (facts->settings->cloud_known && is_given(machine)) {
        facts->sku = kt_sku_find(facts->settings->cloud, kt_str(machine));
    }
}

/* The GPU decides the image, and both the template. */
static void read_trainer(struct kt_facts *facts)
{
    struct kt_tuning_gpu gpu;
    bool qlora = facts->method_known && facts->method == KT_METHOD_QLORA;
    kt_tuning_gpu_of(facts, &gpu);
    facts->trainer = kt_settings_trainer(facts->settings, gpu.compute_capability, qlora);
    facts->float16 = kt_settings_trains_in_float16(facts->settings, gpu.compute_capability);
}

static void read_tuning_input(struct kt_facts *facts)
{
    struct kt_tuning_derived derived = {0};
    struct kt_tuning_gpu gpu;
    kt_tuning_gpu_of(facts, &gpu);
    const struct kt_tuning_runner runner = {facts->trainer.image, gpu.compute_capability, facts->data};
    if (!facts->now.tuning.node || !facts->method_known ||
        !kt_tuning_input_from_config(facts->config.values, facts->method, facts->model, &runner, &derived)) {
        return;
    }
    facts->tuning_input_known = true;
    facts->tuning_input = derived.input;
    facts->sequence_length_assumed = derived.sequence_length_assumed;
    facts->batch_size_assumed = derived.batch_size_assumed;
}

/* What all rules together take for the texts that they look into; the lists are counted by the rules themselves. */
static void count_texts(struct kt_arena *arena, const struct kt_workspace *now)
{
    const struct {
        const char *field;
        const char *text;
    } texts[] = {
        {"metadata.name", now->name},
        {"resource.instanceType", now->resource.instance_type},
        {"resource.partition.mode", now->resource.partition.mode},
        {"resource.partition.profile", now->resource.partition.profile},
        {"inference.preset.name", now->inference.preset.name},
        {"inference.preset.presetOptions.modelAccessSecret", now->inference.preset.access_secret},
        {"inference.config", now->inference.config},
        {"tuning.preset.name", now->tuning.preset.name},
        {"tuning.preset.presetOptions.modelAccessSecret", now->tuning.preset.access_secret},
        {"tuning.method", now->tuning.method},
        {"tuning.config", now->tuning.config},
        {"tuning.input.image", now->tuning.input.image},
        {"tuning.output.image", now->tuning.output.image},
        {"tuning.output.imagePushSecret", now->tuning.output.push_secret},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        size_t length = texts[i].text ? strlen(texts[i].text) : 0;
        if (length > USUAL_TEXT_BYTES) {
            (void)kt_arena_work(arena, TEXT_STEPS * length, texts[i].field);
        }
    }
    /* Rules look for single annotations, each from the first on. */
    (void)kt_arena_work(arena, ANNOTATION_STEPS * kt_json_count(now->annotations), "metadata.annotations");
}

void kt_facts_read(struct kt_arena *arena, const struct kt_admission_request *request,
                   const struct kt_workspace *written, const cJSON *now, const cJSON *before,
                   const struct kt_facts *known, struct kt_facts *ret)
{
    *ret = (struct kt_facts){
        .arena = arena,
        .settings = request->settings,
        .cluster = request->cluster,
        .operation = request->operation,
        .written = written,
        .before_written = before ? request->old_object : NULL,
        .bring_your_own = kt_settings_bring_your_own(request->settings),
    };
    kt_workspace_view(now, &ret->now);
    kt_workspace_view(before, &ret->before);
    /* As upstream v0.12.0: the annotation counts by being there, whatever its value; rule M006 tells of odd values. */
    ret->namespace_ = kt_facts_namespace(request, &ret->now);
    ret->bypass_resource_checks = kt_workspace_annotation(&ret->now, KT_ANNOTATION_BYPASS_RESOURCE_CHECKS) != NULL;
    ret->runtime_transformers = uses_transformers(request->settings, &ret->now);
    count_texts(arena, &ret->now);
    read_method(ret);
    read_catalogue(ret);
    if (known) {
        ret->inference = known->inference;
    } else {
        kt_inference_facts_read(arena, request->cluster, &ret->now, ret->namespace_, ret->bring_your_own,
                                &ret->inference);
    }
    read_trainer(ret);
    /* The machine that a default chose since may bring another image, and with it another template. */
    if (known && known->trainer.image == ret->trainer.image && known->float16 == ret->float16) {
        ret->config = known->config;
    } else {
        read_tuning_config(arena, ret);
    }
    ret->data = kt_tuning_data_of(ret);
    read_tuning_input(ret);
}
