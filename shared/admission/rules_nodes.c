/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family R, second part: resource.labelSelector, and the nodes that it picks where nodes are brought along.
 *
 * Upstream v0.12.0 takes a selector only if it can be written as a map of labels (metav1.LabelSelectorAsMap), and then
 * chooses nodes by matchLabels alone, without the keys that it reserves (SanitizedMatchLabels).
 */
#include "admission/rule_words.h"
#include "text/json_pointer.h"
#include "text/names.h"

#define FIELD_MATCH_LABELS KT_FIELD_LABEL_SELECTOR ".matchLabels"
#define FIELD_MATCH_EXPRESSIONS KT_FIELD_LABEL_SELECTOR ".matchExpressions"

/* Steps of work to check a label, beside those for the bytes of its key. */
#define LABEL_STEPS 100

/* --- R010 to R015: the selector itself --------------------------------------------------------------------------- */

static void check_selector_given(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    /* Upstream's CRD requires the field in a resource; without a resource it takes every node of the cluster. */
    enum kt_origin origin = facts->written->resource.node ? KT_ORIGIN_UPSTREAM : KT_ORIGIN_OWN;
    if (facts->bring_your_own && !facts->now.resource.label_selector) {
        kt_rule_report_as(run, origin, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_REQUIRED, NULL,
                          "labels of the nodes to use, for example matchLabels: {apps: %s}, because this installation "
                          "uses nodes that are there already",
                          facts->now.name ? kt_rule_cut(facts->arena, facts->now.name) : "my-model");
    }
}

/* NULL when the expression says no more than one label does, otherwise why not. */
static const char *why_no_label(const cJSON *expression)
{
    static const char *const OPERATORS[] = {"NotIn", "Exists", "DoesNotExist"};
    const char *operator_ = kt_json_string_or(kt_json_get(expression, "operator"), "");
    if (kt_streq(operator_, "In")) {
        return kt_json_count(kt_json_get(expression, "values")) == 1
                   ? NULL
                   : "operator In is taken with exactly one value, because it becomes a label of the nodes";
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(OPERATORS); i++) {
        if (kt_streq(operator_, OPERATORS[i])) {
            return "this operator cannot be written as a label of the nodes; use matchLabels, or In with one value";
        }
    }
    return "not an operator of a label selector; use matchLabels, or In with one value";
}

/* Upstream makes the conversion on CREATE of an inference and on every UPDATE. */
static enum kt_origin conversion_origin(const struct kt_facts *facts)
{
    bool looks = facts->operation == KT_OPERATION_UPDATE || facts->now.inference.node;
    return looks ? KT_ORIGIN_UPSTREAM : KT_ORIGIN_OWN;
}

static void check_label(struct kt_rule_run *run, const char *field, const char *key, const char *value)
{
    const char *wrong_key = kt_names_label_key(kt_str(key));
    const char *wrong_value = kt_names_label_value(kt_str(value));
    if (wrong_key) {
        kt_rule_report_as(run, KT_ORIGIN_OWN, field, KT_PROBLEM_INVALID, key, "as a key of a node label: %s",
                          wrong_key);
    }
    if (wrong_value) {
        kt_rule_report_as(run, KT_ORIGIN_OWN, field, KT_PROBLEM_INVALID, value, "as a value of a node label: %s",
                          wrong_value);
    }
}

static void check_selector_is_labels(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *label;
    cJSON_ArrayForEach(label, facts->now.resource.match_labels)
    {
        size_t steps = LABEL_STEPS + strlen(label->string ? label->string : "");
        if (!kt_rule_goes_on(run, steps, FIELD_MATCH_LABELS)) {
            return;
        }
        struct kt_strbuf field;
        kt_strbuf_init(&field, facts->arena, KT_MIB);
        kt_strbuf_puts(&field, FIELD_MATCH_LABELS);
        kt_field_path_add_key(&field, label->string ? label->string : "");
        check_label(run, field.data, label->string ? label->string : "", kt_json_string_or(label, ""));
    }
    size_t index = 0;
    const cJSON *expression;
    cJSON_ArrayForEach(expression, facts->now.resource.match_expressions)
    {
        if (!kt_rule_goes_on(run, LABEL_STEPS, FIELD_MATCH_EXPRESSIONS)) {
            return;
        }
        const char *field = kt_arena_printf(facts->arena, FIELD_MATCH_EXPRESSIONS "[%zu]", index++);
        const char *wrong = why_no_label(expression);
        if (!field) {
            return;
        }
        if (wrong) {
            kt_rule_report_as(run, conversion_origin(facts), field, KT_PROBLEM_INVALID,
                              kt_json_string_or(kt_json_get(expression, "operator"), ""), "%s", wrong);
        } else {
            check_label(run, field, kt_json_string_or(kt_json_get(expression, "key"), ""),
                        kt_json_string_or(kt_json_item(kt_json_get(expression, "values"), 0), ""));
        }
    }
}

static void check_selector_has_own_labels(struct kt_rule_run *run)
{
    const cJSON *labels = run->facts->now.resource.match_labels;
    if (kt_json_count(labels) > 0 && kt_match_labels_usable(labels) == 0) {
        kt_rule_report(run, FIELD_MATCH_LABELS, KT_PROBLEM_INVALID, kt_rule_labels(run->facts),
                       "all of these labels are reserved for Kaito and ignored, so nothing remains that chooses nodes; "
                       "give at least one label of your own");
    }
}

static void check_selector_without_reserved(struct kt_rule_run *run)
{
    const cJSON *label;
    cJSON_ArrayForEach(label, run->facts->now.resource.match_labels)
    {
        if (kt_label_is_reserved(label->string)) {
            kt_rule_report(run, FIELD_MATCH_LABELS, KT_PROBLEM_NOTE, NULL,
                           "label %s is reserved for Kaito and ignored when nodes are chosen", label->string);
        }
    }
}

static void check_selector_narrow(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (facts->bring_your_own && facts->now.resource.label_selector &&
        kt_json_count(facts->now.resource.match_labels) == 0) {
        kt_rule_report(run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_NOTE, NULL,
                       "resource.labelSelector.matchLabels is empty, so every node of the cluster counts as chosen; "
                       "name a label that only the GPU nodes for this model carry");
    }
}

static void check_selector_by_labels(struct kt_rule_run *run)
{
    if (kt_json_count(run->facts->now.resource.match_expressions) > 0) {
        kt_rule_report(run, FIELD_MATCH_EXPRESSIONS, KT_PROBLEM_NOTE, NULL,
                       "only matchLabels choose nodes; these expressions are kept but have no effect. Write `In` with "
                       "one value as a label");
    }
}

/* --- R016 to R019: the nodes that it picks ----------------------------------------------------------------------- */

/* Upstream looks at nodes when a preset is served on whole GPUs, once the selector has passed. */
static bool upstream_looks_at_nodes(const struct kt_facts *facts)
{
    return kt_rule_serves_preset(facts) && !facts->now.resource.partition.node && facts->now.resource.label_selector;
}

static void check_nodes_exist(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (upstream_looks_at_nodes(facts) && facts->inference.nodes.state == KT_OWN_NODES_NONE) {
        kt_rule_report(run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_INVALID, kt_rule_labels(facts),
                       "no node of the cluster carries these labels; `kubectl get nodes --show-labels` lists them, and "
                       "`kubectl label node NAME KEY=VALUE` adds one");
    }
}

static void check_node_labels(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (upstream_looks_at_nodes(facts) && facts->inference.nodes.state == KT_OWN_NODES_UNREADABLE) {
        kt_rule_report(run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_INVALID, kt_rule_labels(facts),
                       "%s; NVIDIA's GPU feature discovery sets it (a part of the GPU operator)",
                       facts->inference.nodes.problem);
    }
}

static void check_nodes_alike(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (upstream_looks_at_nodes(facts) && facts->inference.nodes.state == KT_OWN_NODES_MIXED) {
        kt_rule_report(
            run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_INVALID, kt_rule_labels(facts),
            "%s, but all nodes of one Workspace must have the same GPUs; choose labels that only one kind of "
            "node carries",
            facts->inference.nodes.problem);
    }
}

static void check_nodes_ready(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_own_nodes *nodes = &facts->inference.nodes;
    if (!facts->now.resource.label_selector) {
        return;
    }
    if (nodes->state == KT_OWN_NODES_UNKNOWN) {
        kt_rule_report(run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_NOTE, NULL,
                       "the nodes of the cluster cannot be read, so whether any carries these labels and whether the "
                       "model fits on it was not checked");
    } else if (nodes->state == KT_OWN_NODES_NONE && !upstream_looks_at_nodes(facts)) {
        kt_rule_report(run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_NOTE, NULL,
                       "no node of the cluster carries these labels; the pod waits until one does");
    } else if (nodes->count > 0 && nodes->ready == 0) {
        kt_rule_report(run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_NOTE, NULL,
                       "none of the %zu node(s) with these labels is Ready; the pod waits until one is", nodes->count);
    }
}

#define BOTH (KT_OPERATION_CREATE | KT_OPERATION_UPDATE)

static const struct kt_rule RULES[] = {
    {"R010", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_ANY,
     "resource.labelSelector is given where nodes are brought along",
     "upstream requires it in a resource, but without any resource it takes every node of the cluster",
     check_selector_given},
    {"R011", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_ANY,
     "resource.labelSelector can be written as labels of a node",
     "what is no valid label makes a node claim that the API server refuses for ever, and a selector that cannot be "
     "converted makes every later update of the Workspace fail; upstream lets tunings through with either",
     check_selector_is_labels},
    {"R012", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "resource.labelSelector.matchLabels has a label that is not reserved for Kaito", NULL,
     check_selector_has_own_labels},
    {"R013", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_ANY,
     "resource.labelSelector.matchLabels has no label that is reserved for Kaito",
     "such labels are dropped without a word, and the selector then picks more nodes than it seems to",
     check_selector_without_reserved},
    {"R014", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_ANY,
     "resource.labelSelector picks some of the cluster's nodes, not all",
     "an empty selector takes the control plane and everyone else's nodes into account", check_selector_narrow},
    {"R015", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_ANY,
     "resource.labelSelector chooses by matchLabels", "matchExpressions are admitted and then ignored",
     check_selector_by_labels},
    {"R016", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "some node carries the labels of resource.labelSelector", NULL, check_nodes_exist},
    {"R017", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "the nodes that resource.labelSelector picks carry readable nvidia.com/gpu labels", NULL, check_node_labels},
    {"R018", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, KT_OPERATION_CREATE, KT_SCOPE_INFERENCE,
     "the nodes that resource.labelSelector picks have the same GPUs", NULL, check_nodes_alike},
    {"R019", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, KT_OPERATION_CREATE, KT_SCOPE_ANY,
     "the nodes that resource.labelSelector picks are known and Ready",
     "a Workspace that waits for a node looks like one that hangs", check_nodes_ready},
};

const struct kt_rule_table kt_rules_nodes = {"nodes", RULES, KT_ARRAY_LENGTH(RULES)};
