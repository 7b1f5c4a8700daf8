/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family R, third part: resource.partition, a slice of a GPU (MIG) or some of a node's GPUs (accelerator). Upstream
 * v0.12.0 takes it for inference on bring-your-own nodes only, each mode behind its own gate.
 */
#include "admission/rule_words.h"

#define FIELD_PARTITION "resource.partition"
#define FIELD_MODE FIELD_PARTITION ".mode"
#define FIELD_PROFILE FIELD_PARTITION ".profile"
#define FIELD_COUNT FIELD_PARTITION ".count"

enum mode { MODE_NONE, MODE_MIG, MODE_ACCELERATOR, MODE_UNKNOWN };

static const struct {
    const char *name;
    enum mode mode;
    enum kt_gate gate;
    const char *gate_name;
} MODES[] = {
    {"mig", MODE_MIG, KT_GATE_ENABLE_MIG, "enableMIG"},
    {"accelerator", MODE_ACCELERATOR, KT_GATE_ENABLE_ACCELERATOR, "enableAccelerator"},
};

static enum mode partition_mode(const struct kt_facts *facts)
{
    const struct kt_partition *partition = &facts->now.resource.partition;
    if (!partition->node) {
        return MODE_NONE;
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(MODES); i++) {
        if (kt_streq(partition->mode ? partition->mode : "", MODES[i].name)) {
            return MODES[i].mode;
        }
    }
    return MODE_UNKNOWN;
}

static void check_not_for_tuning(struct kt_rule_run *run)
{
    if (run->facts->now.resource.partition.node) {
        kt_rule_report(run, FIELD_PARTITION, KT_PROBLEM_FORBIDDEN, NULL,
                       "a tuning takes whole GPUs; leave partition out");
    }
}

static void check_own_nodes_only(struct kt_rule_run *run)
{
    if (run->facts->now.resource.partition.node && !run->facts->bring_your_own) {
        kt_rule_report(run, FIELD_PARTITION, KT_PROBLEM_FORBIDDEN, NULL,
                       "GPUs are partitioned only on nodes that are there already: it needs the feature gate "
                       "disableNodeAutoProvisioning=true, and nodes chosen by resource.labelSelector");
    }
}

static void check_mode(struct kt_rule_run *run)
{
    const char *mode = run->facts->now.resource.partition.mode;
    if (partition_mode(run->facts) != MODE_UNKNOWN) {
        return;
    }
    if (!mode || !*mode) {
        kt_rule_report(run, FIELD_MODE, KT_PROBLEM_REQUIRED, NULL,
                       "\"mig\" (one slice of a GPU, with profile) or \"accelerator\" (some GPUs of a node, with "
                       "count)");
        return;
    }
    kt_rule_report(run, FIELD_MODE, KT_PROBLEM_UNSUPPORTED, mode, "supported values: \"mig\", \"accelerator\"");
}

static void check_gate(struct kt_rule_run *run)
{
    enum mode mode = partition_mode(run->facts);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(MODES); i++) {
        if (MODES[i].mode == mode && !run->facts->settings->gates[MODES[i].gate]) {
            kt_rule_report(run, FIELD_MODE, KT_PROBLEM_FORBIDDEN, NULL,
                           "mode \"%s\" is switched off here; an administrator can set the feature gate %s=true",
                           MODES[i].name, MODES[i].gate_name);
        }
    }
}

static void check_mig_without_count(struct kt_rule_run *run)
{
    if (partition_mode(run->facts) == MODE_MIG && run->facts->now.resource.partition.count) {
        kt_rule_report(run, FIELD_COUNT, KT_PROBLEM_FORBIDDEN, NULL,
                       "a workload gets exactly one MIG slice; count belongs to mode \"accelerator\"");
    }
}

static void check_mig_profile(struct kt_rule_run *run)
{
    const char *profile = run->facts->now.resource.partition.profile;
    if (partition_mode(run->facts) != MODE_MIG || kt_mig_profile_known(kt_str(profile))) {
        return;
    }
    if (!profile || !*profile) {
        kt_rule_report(run, FIELD_PROFILE, KT_PROBLEM_REQUIRED, NULL,
                       "the MIG slice to use, for example \"1g.10gb\" or \"3g.40gb\"");
        return;
    }
    struct kt_strbuf known;
    kt_strbuf_init(&known, run->facts->arena, KT_MIB);
    for (size_t i = 0; kt_mig_profiles[i]; i++) {
        kt_strbuf_printf(&known, "%s\"%s\"", i > 0 ? ", " : "", kt_mig_profiles[i]);
    }
    kt_rule_report(run, FIELD_PROFILE, KT_PROBLEM_UNSUPPORTED, profile, "supported values: %s", known.data);
}

static void check_accelerator_without_profile(struct kt_rule_run *run)
{
    const char *profile = run->facts->now.resource.partition.profile;
    if (partition_mode(run->facts) == MODE_ACCELERATOR && profile && *profile) {
        kt_rule_report(run, FIELD_PROFILE, KT_PROBLEM_FORBIDDEN, NULL,
                       "mode \"accelerator\" gives whole GPUs and takes count; a profile belongs to mode \"mig\"");
    }
}

static void check_accelerator_count(struct kt_rule_run *run)
{
    if (partition_mode(run->facts) == MODE_ACCELERATOR && !run->facts->now.resource.partition.count) {
        kt_rule_report(run, FIELD_COUNT, KT_PROBLEM_REQUIRED, NULL, "how many GPUs of a node the workload gets");
    }
}

static void check_accelerator_on_node(struct kt_rule_run *run)
{
    const struct kt_own_nodes *nodes = &run->facts->inference.nodes;
    int64_t count = 0;
    if (partition_mode(run->facts) != MODE_ACCELERATOR || nodes->state != KT_OWN_NODES_KNOWN ||
        !kt_json_int64(run->facts->now.resource.partition.count, &count) || count <= nodes->gpu_count) {
        return;
    }
    kt_rule_report(run, FIELD_COUNT, KT_PROBLEM_NOTE, NULL,
                   "resource.partition.count asks for %lld GPUs, and a node that the selector picks has %lld; the pod "
                   "waits for a larger node",
                   (long long)count, (long long)nodes->gpu_count);
}

static void check_weights_in_slice(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_model *model = kt_rule_inference_model(facts);
    const char *profile = facts->now.resource.partition.profile;
    uint64_t slice_bytes = kt_mig_profile_gib(kt_str(profile)) * KT_GIB;
    if (partition_mode(facts) != MODE_MIG || !facts->bring_your_own || !model || slice_bytes == 0 ||
        model->weights_bytes <= slice_bytes) {
        return;
    }
    struct kt_finding *finding = kt_rule_report(run, FIELD_PROFILE, KT_PROBLEM_INVALID, profile,
                                                "the weights of %s alone take %s, and this slice has %s; a model is "
                                                "never split over slices, so choose a larger "
                                                "profile, a smaller model, or whole GPUs",
                                                model->name, kt_rule_bytes(facts->arena, model->weights_bytes),
                                                kt_rule_bytes(facts->arena, slice_bytes));
    if (finding && facts->bypass_resource_checks) {
        finding->severity = KT_SEVERITY_WARNING;
    }
}

static const struct kt_rule RULES[] = {
    {"R020", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_TUNING,
     "resource.partition is not given for a tuning", NULL, check_not_for_tuning},
    {"R021", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "resource.partition is given only where nodes are brought along", NULL, check_own_nodes_only},
    {"R022", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "resource.partition.mode is mig or accelerator", NULL, check_mode},
    {"R023", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "the feature gate of resource.partition.mode is on", NULL, check_gate},
    {"R024", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "resource.partition.count is not given with mode mig", NULL, check_mig_without_count},
    {"R025", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "resource.partition.profile is a known MIG profile with mode mig", NULL, check_mig_profile},
    {"R026", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "resource.partition.profile is not given with mode accelerator", NULL, check_accelerator_without_profile},
    {"R027", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "resource.partition.count is given with mode accelerator", NULL, check_accelerator_count},
    {"R028", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "resource.partition.count is not more than a node has GPUs",
     "the pod would wait for ever, and upstream says nothing until it does", check_accelerator_on_node},
    {"R029", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "the weights of the model fit into the MIG slice", NULL, check_weights_in_slice},
};

const struct kt_rule_table kt_rules_partition = {"partition", RULES, KT_ARRAY_LENGTH(RULES)};
