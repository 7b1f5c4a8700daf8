/* SPDX-License-Identifier: Apache-2.0 */
/* Family I, first part: what is served, with which runtime, and where its weights come from. */
#include "admission/rule_words.h"

#define FIELD_INFERENCE "inference"
#define FIELD_TEMPLATE "inference.template"
#define FIELD_ACCESS_SECRET "inference.preset.presetOptions.modelAccessSecret"
#define FIELD_RUNTIME "metadata.annotations[" KT_ANNOTATION_RUNTIME "]"

#define ANNOTATION_STREAMING "kaito.sh/model-streaming"
#define FIELD_STREAMING "metadata.annotations[" ANNOTATION_STREAMING "]"
#define STREAMING_OFF "disabled"
#define ANNOTATION_LOCAL_WEIGHTS "kaito.sh/use-local-weights"
#define AZURE_BLOB_DRIVER "blob.csi.azure.com"

static bool annotation_is(const struct kt_workspace *workspace, const char *key, const char *value)
{
    const char *text = kt_workspace_annotation(workspace, key);
    return text && kt_streq(text, value);
}

/* --- I001 to I005: preset or template ---------------------------------------------------------------------------- */

static void check_something_served(struct kt_rule_run *run)
{
    const struct kt_inference *inference = &run->facts->now.inference;
    if (!inference->preset.node && !inference->template_) {
        kt_rule_report(run, "inference.preset", KT_PROBLEM_REQUIRED, NULL,
                       "the model to serve, by `preset: {name: ...}`, or a pod of your own by `template`");
    }
}

static void check_preset_or_template(struct kt_rule_run *run)
{
    const struct kt_inference *inference = &run->facts->now.inference;
    if (inference->preset.node && inference->template_) {
        kt_rule_report(run, FIELD_TEMPLATE, KT_PROBLEM_FORBIDDEN, NULL,
                       "a pod template is taken instead of a preset, not beside it; leave one of them out");
    }
}

static void check_preset_known(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *name = facts->now.inference.preset.name;
    if (!kt_rule_serves_preset(facts)) {
        return;
    }
    enum kt_preset_standing standing = kt_rule_preset_standing(name);
    if (standing == KT_PRESET_ABSENT) {
        kt_rule_report(run, KT_FIELD_INFERENCE_PRESET, KT_PROBLEM_REQUIRED, NULL,
                       "the name of a preset, or owner/name of a model on Hugging Face");
    } else if (standing == KT_PRESET_UNKNOWN) {
        const char *near = kt_model_suggest(kt_str(name), false);
        kt_rule_report(run, KT_FIELD_INFERENCE_PRESET, KT_PROBLEM_UNSUPPORTED, name,
                       "neither a preset nor the form owner/name of a model on Hugging Face%s%s%s",
                       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
}

static void check_preset_current(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *name = facts->now.inference.preset.name;
    if (kt_rule_preset_standing(name) != KT_PRESET_RETIRED) {
        return;
    }
    const struct kt_model *model = kt_rule_inference_model(facts);
    bool source_known = model->hugging_face && kt_model_is_hugging_face_id(kt_str(model->hugging_face));
    kt_rule_report(
        run, KT_FIELD_INFERENCE_PRESET, KT_PROBLEM_UNSUPPORTED, name, "this preset was %s in Kaito %s%s%s%s%s%s",
        model->status == KT_MODEL_RETIRED ? "retired" : "deprecated", model->retired_in ? model->retired_in : "v0.12.0",
        model->replacement ? "; the nearest current one is \"" : "", model->replacement ? model->replacement : "",
        model->replacement ? "\"" : "", source_known ? "; vLLM may still serve it as a model of Hugging Face: " : "",
        source_known ? model->hugging_face : "");
}

static void check_preset_in_catalogue(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *name = facts->now.inference.preset.name;
    if (facts->runtime_transformers || kt_rule_preset_standing(name) != KT_PRESET_OUTSIDE) {
        return;
    }
    kt_rule_report(run, KT_FIELD_INFERENCE_PRESET, KT_PROBLEM_NOTE, NULL,
                   "model %s is not in the catalogue: whether it exists, whether vLLM can serve it and whether it "
                   "fits on these GPUs was not checked. `kubectl kaito plan --hf-config config.json` sizes it",
                   kt_rule_cut(facts->arena, name));
}

/* --- I006, I009: the runtime ------------------------------------------------------------------------------------- */

static void check_runtime_serves_model(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *name = facts->now.inference.preset.name;
    enum kt_preset_standing standing = kt_rule_preset_standing(name);
    const struct kt_model *model = kt_rule_inference_model(facts);
    bool served = standing == KT_PRESET_CURRENT && model->supports_transformers;
    if (!facts->runtime_transformers || served || (standing != KT_PRESET_CURRENT && standing != KT_PRESET_OUTSIDE)) {
        return;
    }
    bool by_gate = !facts->settings->gates[KT_GATE_VLLM];
    kt_rule_report(run, KT_FIELD_INFERENCE_PRESET, KT_PROBLEM_UNSUPPORTED, name,
                   "the transformers runtime cannot serve this model; %s",
                   by_gate ? "the vLLM runtime could, but it is switched off here (feature gate vLLM=false)"
                           : "take the annotation " KT_ANNOTATION_RUNTIME " out, and vLLM serves it");
}

static void check_runtime_annotation(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *runtime = kt_workspace_annotation(&facts->now, KT_ANNOTATION_RUNTIME);
    if (!runtime) {
        return;
    }
    bool vllm = kt_streq(runtime, "vllm");
    bool transformers = kt_streq(runtime, "transformers");
    if (!vllm && !transformers) {
        kt_rule_report(run, FIELD_RUNTIME, KT_PROBLEM_UNSUPPORTED, runtime,
                       "supported values: \"transformers\", \"vllm\" (exactly so); %s serves it as things are",
                       facts->runtime_transformers ? "transformers" : "vLLM");
    } else if (vllm && !facts->settings->gates[KT_GATE_VLLM]) {
        kt_rule_report(run, FIELD_RUNTIME, KT_PROBLEM_NOTE, NULL,
                       "vLLM is switched off here (feature gate vLLM=false): the transformers runtime serves it");
    }
}

/* --- I007, I008: access to the weights --------------------------------------------------------------------------- */

/* Does the pod fetch the weights from Hugging Face itself? */
static bool downloads_weights(const struct kt_facts *facts)
{
    const struct kt_settings *settings = facts->settings;
    bool mirrored = settings->gates[KT_GATE_MODEL_STREAMING] &&
                    !annotation_is(&facts->now, ANNOTATION_STREAMING, STREAMING_OFF) && !facts->runtime_transformers;
    return !mirrored && !annotation_is(&facts->now, ANNOTATION_LOCAL_WEIGHTS, "true");
}

static void check_access_secret_given(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_model *model = kt_rule_inference_model(facts);
    const char *secret = facts->now.inference.preset.access_secret;
    if (model && model->needs_access_token && (!secret || !*secret) && downloads_weights(facts)) {
        kt_rule_report(run, FIELD_ACCESS_SECRET, KT_PROBLEM_REQUIRED, NULL,
                       "%s is gated on Hugging Face: name a Secret of this namespace with your token under HF_TOKEN "
                       "(`kubectl create secret generic hf-token --from-literal=HF_TOKEN=...`)",
                       model->name);
    }
}

static void check_access_secret_useful(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_model *model = kt_rule_inference_model(facts);
    const char *secret = facts->now.inference.preset.access_secret;
    if (!model || !secret || !*secret) {
        return;
    }
    if (!downloads_weights(facts)) {
        kt_rule_report(run, FIELD_ACCESS_SECRET, KT_PROBLEM_NOTE, NULL,
                       "the weights of %s are not fetched from Hugging Face by this Workspace, so the token in this "
                       "Secret is not used",
                       model->name);
    } else if (!model->needs_access_token) {
        kt_rule_report(run, FIELD_ACCESS_SECRET, KT_PROBLEM_NOTE, NULL,
                       "%s is public: the download needs no token, and this Secret must then exist all the same",
                       model->name);
    }
}

/* --- I010 to I012: model streaming ------------------------------------------------------------------------------- */

static bool streams_weights(const struct kt_facts *facts)
{
    return facts->settings->gates[KT_GATE_MODEL_STREAMING] && kt_rule_serves_preset(facts) &&
           !facts->runtime_transformers && !annotation_is(&facts->now, ANNOTATION_STREAMING, STREAMING_OFF);
}

static bool runs_on_azure(const struct kt_facts *facts)
{
    return facts->settings->cloud_known && facts->settings->cloud == KT_CLOUD_AZURE;
}

static void check_streaming_cloud(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (streams_weights(facts) && !runs_on_azure(facts)) {
        kt_rule_report(run, FIELD_STREAMING, KT_PROBLEM_FORBIDDEN, NULL,
                       "model streaming (feature gate ModelStreaming) works on azure only, and this installation runs "
                       "on \"%s\"; the annotation " ANNOTATION_STREAMING ": " STREAMING_OFF
                       " downloads the weights instead",
                       kt_rule_cut(facts->arena, facts->settings->cloud_text));
    }
}

static void check_streaming_driver(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (!streams_weights(facts) || !runs_on_azure(facts)) {
        return;
    }
    const cJSON *driver = NULL;
    enum kt_lookup found = facts->cluster->find(facts->cluster->context, "CSIDriver", NULL, AZURE_BLOB_DRIVER, &driver);
    if (found == KT_LOOKUP_UNKNOWN) {
        struct kt_finding *finding = kt_rule_report_as(run, KT_ORIGIN_OWN, FIELD_STREAMING, KT_PROBLEM_NOTE, NULL,
                                                       "model streaming needs the CSI driver " AZURE_BLOB_DRIVER
                                                       ", and whether the cluster has it cannot be read");
        if (finding) {
            finding->severity = KT_SEVERITY_WARNING;
        }
    } else if (found == KT_LOOKUP_ABSENT) {
        kt_rule_report(run, FIELD_STREAMING, KT_PROBLEM_FORBIDDEN, NULL,
                       "model streaming needs the CSI driver " AZURE_BLOB_DRIVER
                       ", which the cluster does not have: install it, or set the annotation " ANNOTATION_STREAMING
                       ": " STREAMING_OFF);
    }
}

static void check_streaming_unchanged(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *now = kt_workspace_annotation(&facts->now, ANNOTATION_STREAMING);
    const char *before = kt_workspace_annotation(&facts->before, ANNOTATION_STREAMING);
    if (facts->settings->gates[KT_GATE_MODEL_STREAMING] && !kt_streq(now ? now : "", before ? before : "")) {
        kt_rule_report(run, FIELD_STREAMING, KT_PROBLEM_INVALID, now ? now : "",
                       "whether weights are streamed cannot be changed later; it was \"%s\". Make a new Workspace",
                       kt_rule_cut(facts->arena, before));
    }
}

static const struct kt_rule RULES[] = {
    {"I001", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "inference has a preset or a template", NULL, check_something_served},
    {"I002", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "inference has not both a preset and a template", NULL, check_preset_or_template},
    {"I003", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "inference.preset.name is a preset, in any case, or owner/name", NULL, check_preset_known},
    {"I004", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "inference.preset.name is not a retired or deprecated preset", NULL, check_preset_current},
    {"I005", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, true, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "inference.preset.name is a model that the catalogue knows",
     "upstream asks huggingface.co while the API server waits, and refuses when it gets no answer; we never call out "
     "of "
     "an admission, and vLLM reports a model that does not exist within a minute",
     check_preset_in_catalogue},
    {"I006", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "the runtime can serve the model", NULL, check_runtime_serves_model},
    {"I007", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "a gated model has presetOptions.modelAccessSecret",
     "upstream's check was lost when its models moved to a catalogue: the download is refused with 401, again and "
     "again, on a GPU node that is paid for",
     check_access_secret_given},
    {"I008", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "presetOptions.modelAccessSecret is given only where a token is used",
     "a Secret that is named must exist, or the pod cannot start", check_access_secret_useful},
    {"I009", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE | KT_OPERATION_UPDATE, KT_SCOPE_INFERENCE,
     "the annotation " KT_ANNOTATION_RUNTIME " is vllm or transformers, and that runtime is there",
     "any other text means vLLM without a word, also \"Transformers\"", check_runtime_annotation},
    {"I010", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "model streaming is asked for on azure only", NULL, check_streaming_cloud},
    {"I011", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "the CSI driver that model streaming needs is in the cluster", NULL, check_streaming_driver},
    {"I012", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_UPDATE, KT_SCOPE_ANY,
     "the annotation " ANNOTATION_STREAMING " does not change while model streaming is on", NULL,
     check_streaming_unchanged},
};

const struct kt_rule_table kt_rules_inference = {"inference", RULES, KT_ARRAY_LENGTH(RULES)};
