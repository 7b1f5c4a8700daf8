/* SPDX-License-Identifier: Apache-2.0 */
/* Family R, first part: what kind of Workspace it is, on which machine type, on how many nodes. */
#include "admission/placeholder.h"
#include "admission/rule_words.h"

#define FIELD_COUNT "resource.count"

/* On Azure upstream admits any name with these beginnings for inference (workspace_validation.go: N_SERIES_PREFIX,
 * D_SERIES_PREFIX), in any case, so that pod templates can run on machines that its table does not have. */
static const char *const AZURE_OPEN_PREFIXES[] = {"Standard_N", "Standard_D"};

static bool is_given(const char *text)
{
    return text && *text;
}

/* --- R001: exactly one of inference and tuning ------------------------------------------------------------------- */

static void check_one_purpose(struct kt_rule_run *run)
{
    const struct kt_workspace *now = &run->facts->now;
    bool inference = now->inference.node != NULL;
    bool tuning = now->tuning.node != NULL;
    if (!inference && !tuning) {
        kt_rule_report(run, "inference", KT_PROBLEM_REQUIRED, NULL,
                       "a Workspace needs either `inference` (serve a model) or `tuning` (fine-tune one), and this one "
                       "has neither");
    } else if (inference && tuning) {
        kt_rule_report(run, "tuning", KT_PROBLEM_FORBIDDEN, NULL,
                       "`inference` and `tuning` cannot stand in one Workspace; make two, and let the second serve the "
                       "adapter that the first one trains");
    }
}

/* --- R002 to R006: the machine type ------------------------------------------------------------------------ */

static void check_instance_type_given(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (facts->bring_your_own || is_given(facts->now.resource.instance_type)) {
        return;
    }
    kt_rule_report(run, KT_FIELD_INSTANCE_TYPE, KT_PROBLEM_REQUIRED, NULL,
                   "nodes are provisioned here, so a GPU machine type must be named%s",
                   kt_rule_machines_that_fit(facts));
}

static void check_instance_type_absent(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (!facts->bring_your_own || !is_given(facts->now.resource.instance_type)) {
        return;
    }
    /* An object from the time when nodes were provisioned keeps its value. */
    if (facts->operation == KT_OPERATION_UPDATE && is_given(facts->before.resource.instance_type)) {
        return;
    }
    kt_rule_report(run, KT_FIELD_INSTANCE_TYPE, KT_PROBLEM_FORBIDDEN, NULL,
                   "this installation uses nodes that are there already (node auto-provisioning is off): leave "
                   "instanceType out and choose nodes by resource.labelSelector");
}

static bool has_open_azure_prefix(const char *name)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(AZURE_OPEN_PREFIXES); i++) {
        size_t length = strlen(AZURE_OPEN_PREFIXES[i]);
        struct kt_str head = {name, KT_MIN(strlen(name), length)};
        if (kt_str_equal_nocase(head, kt_str(AZURE_OPEN_PREFIXES[i]))) {
            return true;
        }
    }
    return false;
}

/* Does upstream refuse this machine type? It looks for inference only. */
static bool upstream_refuses_machine(const struct kt_facts *facts)
{
    if (!facts->now.inference.node || (facts->sku && facts->sku->current)) {
        return false;
    }
    return facts->settings->cloud != KT_CLOUD_AZURE || !has_open_azure_prefix(facts->now.resource.instance_type);
}

/* "AMD GPUs" for what the CUDA programs of the images cannot use; NULL otherwise. */
static const char *unusable_brand(const struct kt_sku *sku)
{
    static const struct {
        enum kt_gpu_vendor vendor;
        const char *words;
    } UNUSABLE[] = {{KT_GPU_AMD, "AMD GPUs"}, {KT_GPU_AWS_NEURON, "AWS Neuron accelerators"}};
    for (size_t i = 0; sku && i < KT_ARRAY_LENGTH(UNUSABLE); i++) {
        if (sku->vendor == UNUSABLE[i].vendor) {
            return UNUSABLE[i].words;
        }
    }
    return NULL;
}

/* Sentence part: why a name that is not in this cloud's table is not taken. */
static const char *why_name_unknown(const struct kt_facts *facts)
{
    struct kt_arena *arena = facts->arena;
    const char *cloud = kt_cloud_name(facts->settings->cloud);
    struct kt_str name = kt_str(facts->now.resource.instance_type);
    const char *placeholder = kt_placeholder_sentence(arena, name);
    if (placeholder) {
        return kt_arena_printf(arena, "%s: put the name of a GPU machine type of %s there", placeholder, cloud);
    }
    const struct kt_sku *elsewhere = kt_sku_find_any(name);
    if (elsewhere) {
        return kt_arena_printf(arena, "this is a machine type of %s, and this installation runs on %s",
                               kt_cloud_name(elsewhere->cloud), cloud);
    }
    const char *near = kt_sku_suggest(facts->settings->cloud, name);
    return kt_arena_printf(arena, "%s%s%sit is not a GPU machine type of %s that is known here",
                           near ? "did you mean \"" : "", near ? near : "", near ? "\"? As it stands " : "", cloud);
}

/* "; the nearest current one is "X"" or "". */
static const char *nearest_current(const struct kt_facts *facts)
{
    const char *name = facts->sku->replacement;
    return name ? kt_arena_printf(facts->arena, "; the nearest current one is \"%s\"", name) : "";
}

/* "Kaito dropped this machine type in v0.12.0", or what is true of one that no version accepted. */
static const char *how_retired(const struct kt_facts *facts)
{
    const char *version = facts->sku->retired_in;
    return version ? kt_arena_printf(facts->arena, "Kaito dropped this machine type in %s", version)
                   : "no version of Kaito has supported this machine type";
}

/* Sentence part: why the machine type cannot be used; NULL when it can. */
static const char *why_machine_unusable(const struct kt_facts *facts)
{
    const struct kt_sku *sku = facts->sku;
    bool runs_our_images = facts->now.tuning.node || kt_rule_serves_preset(facts);
    if (!sku) {
        return runs_our_images || upstream_refuses_machine(facts) ? why_name_unknown(facts) : NULL;
    }
    if (upstream_refuses_machine(facts)) {
        return kt_arena_printf(facts->arena, "%s, and serves no models on it%s", how_retired(facts),
                               nearest_current(facts));
    }
    if (!sku->current && kt_rule_serves_preset(facts) && !facts->runtime_transformers) {
        return kt_arena_printf(
            facts->arena, "%s: the estimator of v0.12.0 fails on it in each reconcile, so the model is never served%s",
            how_retired(facts), nearest_current(facts));
    }
    const char *brand = runs_our_images ? unusable_brand(sku) : NULL;
    return brand ? kt_arena_printf(facts->arena, "it has %s (%s), and the images of presets are built for NVIDIA CUDA",
                                   brand, sku->gpu_model)
                 : NULL;
}

static void check_machine_usable(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *name = facts->now.resource.instance_type;
    if (facts->bring_your_own || !facts->settings->cloud_known || !is_given(name)) {
        return;
    }
    const char *why = why_machine_unusable(facts);
    if (why) {
        kt_rule_report_as(run, upstream_refuses_machine(facts) ? KT_ORIGIN_UPSTREAM : KT_ORIGIN_OWN,
                          KT_FIELD_INSTANCE_TYPE, KT_PROBLEM_UNSUPPORTED, name, "%s%s", why,
                          kt_rule_machines_that_fit(facts));
    }
}

/* What becomes of the work on a retired machine: R004 refuses presets, T015 what no image can train. */
static const char *what_still_works(const struct kt_facts *facts)
{
    if (facts->now.tuning.node && !facts->trainer.is_known) {
        return kt_arena_printf(facts->arena, "Whether kaito-base:%.128s runs on it is not known", facts->trainer.tag);
    }
    if (facts->now.tuning.node) {
        return kt_arena_printf(facts->arena, "A tuning still runs on it, with the image kaito-base:%.128s",
                               facts->trainer.tag);
    }
    return kt_rule_serves_preset(facts) ? "Its GPU is known here, so it is judged like any other"
                                        : "A pod template still runs on it where the cloud has it";
}

static void check_machine_current(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_sku *sku = facts->sku;
    if (facts->bring_your_own || !sku || sku->current || why_machine_unusable(facts) ||
        (facts->now.tuning.node && !facts->trainer.runs)) {
        return;
    }
    bool old_gpu = sku->compute_capability > 0 && sku->compute_capability < KT_BFLOAT16_CAPABILITY;
    const char *reason =
        old_gpu ? kt_arena_printf(facts->arena, "%s has compute capability %u.%u, and Kaito supports 8.0 and above",
                                  sku->gpu_model, sku->compute_capability / 10, sku->compute_capability % 10)
                : kt_arena_printf(facts->arena, "its table has other machine types with %s", sku->gpu_model);
    kt_rule_report(run, KT_FIELD_INSTANCE_TYPE, KT_PROBLEM_NOTE, NULL, "%s (%s)%s. %s", how_retired(facts), reason,
                   nearest_current(facts), what_still_works(facts));
}

static void check_cloud_known(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (facts->bring_your_own || facts->settings->cloud_known) {
        return;
    }
    const char *cloud = kt_rule_cut(facts->arena, facts->settings->cloud_text);
    kt_rule_report(run, KT_FIELD_INSTANCE_TYPE, KT_PROBLEM_FORBIDDEN, NULL,
                   "this installation's cloud provider is \"%s\", so machine types cannot be judged; an "
                   "administrator must set it to azure, aws or arc",
                   cloud);
}

/* --- R007 to R009: the number of nodes --------------------------------------------------------------------------- */

static const char *count_text(const struct kt_facts *facts)
{
    return kt_arena_printf(facts->arena, "%lld", (long long)kt_workspace_count(&facts->now));
}

static void check_tuning_on_one_node(struct kt_rule_run *run)
{
    if (kt_workspace_count(&run->facts->now) > 1) {
        kt_rule_report(run, FIELD_COUNT, KT_PROBLEM_INVALID, count_text(run->facts),
                       "a tuning runs on one node (it uses all GPUs of it); set 1, and name a machine type with more "
                       "GPUs to go faster");
    }
}

static void check_count_positive(struct kt_rule_run *run)
{
    if (kt_workspace_count(&run->facts->now) < 1) {
        kt_rule_report(run, FIELD_COUNT, KT_PROBLEM_INVALID, count_text(run->facts),
                       "at least one node is needed; set 1, or leave it out");
    }
}

static void check_count_used(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (facts->runtime_transformers || !kt_rule_serves_preset(facts) || kt_workspace_count(&facts->now) <= 1) {
        return;
    }
    kt_rule_report(run, FIELD_COUNT, KT_PROBLEM_NOTE, NULL,
                   "resource.count %s is not used: with the vLLM runtime the number of nodes follows from the model's "
                   "size and the machine type. For more copies of a model make more Workspaces",
                   count_text(facts));
}

#define BOTH (KT_OPERATION_CREATE | KT_OPERATION_UPDATE)

static const struct kt_rule RULES[] = {
    {"R001", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_ANY,
     "a Workspace has exactly one of inference and tuning", NULL, check_one_purpose},
    {"R002", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_ANY,
     "resource.instanceType is given where nodes are provisioned", NULL, check_instance_type_given},
    {"R003", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_ANY,
     "resource.instanceType is not given where nodes are brought along", NULL, check_instance_type_absent},
    {"R004", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_ANY,
     "resource.instanceType is a machine type of this cloud whose GPUs can do the work",
     "upstream does not look at the machine type of a tuning, takes any name of Azure that begins with Standard_N or "
     "Standard_D, and knows GPUs of AMD that its CUDA images cannot use: a node is paid for, and the workload never "
     "starts. On a machine type that it dropped it admits names of Azure still, and then cannot size a preset",
     check_machine_usable},
    {"R005", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_ANY,
     "resource.instanceType is not a retired machine type",
     "an old tuning goes on working, and its owner hears why and what to use instead", check_machine_current},
    {"R006", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "the cloud provider of the installation is known where nodes are provisioned", NULL, check_cloud_known},
    {"R007", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_TUNING,
     "a tuning has resource.count 1", NULL, check_tuning_on_one_node},
    {"R008", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_ANY, "resource.count is at least 1",
     "a count of 0 or below is admitted upstream and asks for no nodes, or for minus one", check_count_positive},
    {"R009", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "resource.count above 1 is not given where it is not used",
     "who asks for 3 nodes and gets 1 should know before, not after", check_count_used},
};

const struct kt_rule_table kt_rules_resource = {"resource", RULES, KT_ARRAY_LENGTH(RULES)};
