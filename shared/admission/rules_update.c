/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family U: what may change. Both objects have their defaults when they are compared, so writing out a default is no
 * change. Comparing follows upstream v0.12.0's validateUpdate: "" and absent text are the same, a selector is compared
 * by the labels it comes to, a method without regard to case.
 */
#include "admission/ratchet.h"
#include "admission/rule.h"
#include "admission/rule_words.h"

/* Steps of work to make a label of an expression. */
#define EXPRESSION_STEPS 100

#define FIELD_METHOD "tuning.method"

static const char *text_of(const char *text)
{
    return text ? text : "";
}

static bool same_text(const char *a, const char *b)
{
    return kt_streq(text_of(a), text_of(b));
}

static bool is_given(const char *text)
{
    return text && *text;
}

/* --- U001 ----------------------------------------------------------------------------------------------------------
 */

static void check_purpose_kept(struct kt_rule_run *run)
{
    const struct kt_workspace *now = &run->facts->now;
    const struct kt_workspace *before = &run->facts->before;
    const struct {
        const char *field;
        bool now, before;
    } purposes[] = {{"inference", now->inference.node != NULL, before->inference.node != NULL},
                    {"tuning", now->tuning.node != NULL, before->tuning.node != NULL}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(purposes); i++) {
        if (purposes[i].now != purposes[i].before) {
            kt_rule_report(run, purposes[i].field, KT_PROBLEM_FORBIDDEN, NULL,
                           "cannot be %s later: a Workspace stays a %s; make a new one",
                           purposes[i].now ? "added" : "taken out",
                           before->tuning.node ? "tuning" : "server of its model");
        }
    }
}

/* --- U002 to U005: resource ----------------------------------------------------------------------------------------
 */

static void check_count_kept(struct kt_rule_run *run)
{
    const cJSON *now = run->facts->now.resource.count;
    const cJSON *before = run->facts->before.resource.count;
    if (now && before && !kt_json_equal(now, before)) {
        kt_rule_report(run, "resource.count", KT_PROBLEM_FORBIDDEN, NULL, "field is immutable; it was %s",
                       text_of(before->valuestring));
    }
}

static void check_instance_type_kept(struct kt_rule_run *run)
{
    const char *now = run->facts->now.resource.instance_type;
    const char *before = run->facts->before.resource.instance_type;
    if (is_given(now) && is_given(before) && !kt_streq_nocase(now, before)) {
        kt_rule_report(
            run, KT_FIELD_INSTANCE_TYPE, KT_PROBLEM_INVALID, now,
            "field is immutable once set; it was \"%.64s\". The nodes are there already: make a new Workspace "
            "to use other machines",
            before);
    }
}

/* The labels that a selector comes to, as upstream's LabelSelectorAsMap: matchLabels and each `In` with one value,
 * which wins over a label of the same key. NULL when there is no selector; *ret_valid false for anything else. */
static cJSON *selector_labels(struct kt_arena *arena, const struct kt_workspace_resource *resource, bool *ret_valid)
{
    *ret_valid = true;
    if (!resource->label_selector) {
        return NULL;
    }
    cJSON *labels =
        resource->match_labels ? kt_json_clone_nodes(arena, resource->match_labels) : kt_json_new_object(arena);
    const cJSON *expression;
    cJSON_ArrayForEach(expression, resource->match_expressions)
    {
        if (!kt_arena_work(arena, EXPRESSION_STEPS, KT_FIELD_LABEL_SELECTOR)) {
            return labels;
        }
        const cJSON *values = kt_json_get(expression, "values");
        bool is_in = kt_streq(kt_json_string_or(kt_json_get(expression, "operator"), ""), "In");
        if (!is_in || kt_json_count(values) != 1) {
            *ret_valid = false;
            return labels;
        }
        kt_json_add(arena, labels, kt_json_string_or(kt_json_get(expression, "key"), ""),
                    kt_json_new_string(arena, kt_json_string_or(kt_json_item(values, 0), "")));
    }
    kt_json_keep_last(arena, labels);
    return labels;
}

static void check_label_selector_kept(struct kt_rule_run *run)
{
    struct kt_arena *arena = run->facts->arena;
    bool now_valid = false;
    bool before_valid = false;
    const cJSON *now = selector_labels(arena, &run->facts->now.resource, &now_valid);
    const cJSON *before = selector_labels(arena, &run->facts->before.resource, &before_valid);
    if (!now_valid) {
        return; /* R010 has said it */
    }
    if (!before_valid) {
        kt_rule_report(run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_FORBIDDEN, NULL,
                       "field is immutable, and what it was cannot be turned into plain labels; make a new Workspace");
    } else if ((now == NULL) != (before == NULL) || (now && !kt_json_equal_counted(arena, now, before))) {
        kt_rule_report(run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_FORBIDDEN, NULL,
                       "field is immutable: the nodes carry these labels already; make a new Workspace to use others");
    }
}

static void check_partition_kept(struct kt_rule_run *run)
{
    const struct kt_partition *now = &run->facts->now.resource.partition;
    const struct kt_partition *before = &run->facts->before.resource.partition;
    bool same_count =
        now->count && before->count ? kt_json_equal(now->count, before->count) : now->count == before->count;
    if ((now->node == NULL) != (before->node == NULL) || !same_text(now->mode, before->mode) ||
        !same_text(now->profile, before->profile) || !same_count) {
        kt_rule_report(run, "resource.partition", KT_PROBLEM_FORBIDDEN, NULL,
                       "field is immutable; make a new Workspace to use another part of a GPU");
    }
}

/* --- U006 to U009: inference and tuning ----------------------------------------------------------------------------
 */

/* As Go's reflect.DeepEqual sees a preset: absent options are the same as empty ones, an absent list is not. */
static bool same_options(struct kt_arena *arena, const struct kt_preset *now, const struct kt_preset *before)
{
    const cJSON *new_secrets = kt_json_get(now->options, "imagePullSecrets");
    const cJSON *old_secrets = kt_json_get(before->options, "imagePullSecrets");
    new_secrets = kt_json_is_null(new_secrets) ? NULL : new_secrets;
    old_secrets = kt_json_is_null(old_secrets) ? NULL : old_secrets;
    bool same_secrets = new_secrets && old_secrets ? kt_json_equal_counted(arena, new_secrets, old_secrets)
                                                   : new_secrets == old_secrets;
    return same_secrets && same_text(now->image, before->image) &&
           same_text(now->access_secret, before->access_secret) && same_text(now->access_mode, before->access_mode);
}

static void compare_presets(struct kt_rule_run *run, const struct kt_preset *now, const struct kt_preset *before,
                            const char *field)
{
    bool same_presence = (now->node == NULL) == (before->node == NULL);
    if (same_presence && kt_streq_nocase(text_of(now->name), text_of(before->name)) &&
        same_options(run->facts->arena, now, before)) {
        return;
    }
    kt_rule_report(run, field, KT_PROBLEM_FORBIDDEN, NULL, "field is immutable; it was %s%.64s. Make a new Workspace",
                   before->node ? "" : "absent", text_of(before->name));
}

static void check_preset_kept(struct kt_rule_run *run)
{
    const struct kt_workspace *now = &run->facts->now;
    const struct kt_workspace *before = &run->facts->before;
    if (now->inference.node && before->inference.node) {
        compare_presets(run, &now->inference.preset, &before->inference.preset, "inference.preset");
    }
    if (now->tuning.node && before->tuning.node) {
        compare_presets(run, &now->tuning.preset, &before->tuning.preset, "tuning.preset");
    }
}

static void check_template_kept(struct kt_rule_run *run)
{
    const struct kt_inference *now = &run->facts->now.inference;
    const struct kt_inference *before = &run->facts->before.inference;
    if (before->node && (now->template_ == NULL) != (before->template_ == NULL)) {
        kt_rule_report(run, "inference.template", KT_PROBLEM_FORBIDDEN, NULL,
                       "may change, but cannot be %s later; make a new Workspace",
                       now->template_ ? "added" : "taken out");
    }
}

static void check_method_kept(struct kt_rule_run *run)
{
    const struct kt_tuning *now = &run->facts->now.tuning;
    const struct kt_tuning *before = &run->facts->before.tuning;
    if (before->node && !kt_streq_nocase(text_of(now->method), text_of(before->method))) {
        kt_rule_report(run, FIELD_METHOD, KT_PROBLEM_INVALID, text_of(now->method),
                       "field is immutable; it was \"%.64s\". Make a new Workspace", text_of(before->method));
    }
}

static void check_input_name_kept(struct kt_rule_run *run)
{
    const struct kt_tuning *now = &run->facts->now.tuning;
    const struct kt_tuning *before = &run->facts->before.tuning;
    if (before->node && before->input.node && now->input.node && !same_text(now->input.name, before->input.name)) {
        kt_rule_report(run, "tuning.input.name", KT_PROBLEM_INVALID, text_of(now->input.name),
                       "field is immutable; it was \"%.64s\"", text_of(before->input.name));
    }
}

/* --- U010: the same in other words ---------------------------------------------------------------------------------
 */

/* What upstream takes for a change and is none: another letter case of a name. */
static void report_other_case(struct kt_rule_run *run, const char *field, const char *now, const char *before)
{
    if (is_given(now) && is_given(before) && !kt_streq(now, before) && kt_streq_nocase(now, before)) {
        kt_rule_report(run, field, KT_PROBLEM_NOTE, NULL, "the same as before, \"%.64s\", in other letter case",
                       before);
    }
}

static void check_other_words(struct kt_rule_run *run)
{
    const struct kt_workspace *now = &run->facts->now;
    const struct kt_workspace *before = &run->facts->before;
    struct kt_workspace old; /* as it is stored, without defaults */
    kt_workspace_view(run->facts->before_written, &old);
    report_other_case(run, KT_FIELD_INSTANCE_TYPE, now->resource.instance_type, before->resource.instance_type);
    report_other_case(run, "inference.preset.name", now->inference.preset.name, before->inference.preset.name);
    report_other_case(run, "tuning.preset.name", now->tuning.preset.name, before->tuning.preset.name);
    const char *method = run->facts->written->tuning.method;
    if (before->tuning.node && !is_given(old.tuning.method) && is_given(method) &&
        kt_streq_nocase(method, text_of(before->tuning.method))) {
        kt_rule_report(run, FIELD_METHOD, KT_PROBLEM_NOTE, NULL, "was absent, which meant \"%s\" already",
                       text_of(before->tuning.method));
    }
    const cJSON *selector = run->facts->written->resource.label_selector;
    if (!old.resource.label_selector && selector &&
        kt_json_equal_counted(run->facts->arena, selector, before->resource.label_selector)) {
        kt_rule_report(run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_NOTE, NULL,
                       "was absent, which meant these labels already");
    }
}

/* --- U011: what is being deleted -----------------------------------------------------------------------------------
 */

static void check_deleting_unchanged(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *changed = kt_content_changed(facts->arena, facts->now.node, facts->before.node);
    if (facts->before.deletion_timestamp && changed) {
        kt_rule_report(run, changed, KT_PROBLEM_FORBIDDEN, NULL,
                       "the Workspace is being deleted: its finalizers may be taken out, but what it asks for cannot "
                       "change any more");
    }
}

/* --- U012 ----------------------------------------------------------------------------------------------------------
 */

static void check_nothing(struct kt_rule_run *run)
{
    (void)run; /* the engine turns errors of other rules into this one's warnings: see ratchet.h */
}

#define UPDATE KT_OPERATION_UPDATE

static const struct kt_rule RULES[] = {
    {"U001", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, UPDATE, KT_SCOPE_ANY,
     "inference and tuning are neither added nor taken out", NULL, check_purpose_kept},
    {"U002", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, UPDATE, KT_SCOPE_ANY, "resource.count does not change", NULL,
     check_count_kept},
    {"U003", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, UPDATE, KT_SCOPE_ANY,
     "resource.instanceType does not change once it is set", NULL, check_instance_type_kept},
    {"U004", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, UPDATE, KT_SCOPE_ANY,
     "resource.labelSelector does not change", NULL, check_label_selector_kept},
    {"U005", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, UPDATE, KT_SCOPE_ANY, "resource.partition does not change",
     NULL, check_partition_kept},
    {"U006", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, UPDATE, KT_SCOPE_ANY,
     "inference.preset and tuning.preset do not change", NULL, check_preset_kept},
    {"U007", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, UPDATE, KT_SCOPE_INFERENCE,
     "inference.template may change, but is neither added nor taken out", NULL, check_template_kept},
    {"U008", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, UPDATE, KT_SCOPE_TUNING,
     "tuning.method does not change (in whichever letter case)", NULL, check_method_kept},
    {"U009", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, UPDATE, KT_SCOPE_TUNING, "tuning.input.name does not change",
     NULL, check_input_name_kept},
    {"U010", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, true, UPDATE, KT_SCOPE_ANY,
     "an immutable field may be written in other words: its default written out, or another letter case",
     "nothing that Kaito does depends on it, and the file that made the object must not be refused when it is applied "
     "again",
     check_other_words},
    {"U011", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, UPDATE, KT_SCOPE_ANY,
     "an object that is being deleted does not change, but may lose finalizers",
     "checks that are left out for an object with a deletion time would be a way around all of them for as long as a "
     "finalizer holds it",
     check_deleting_unchanged},
    {KT_RULE_METADATA_ONLY, KT_SEVERITY_WARNING, KT_ORIGIN_UPSTREAM, true, UPDATE, KT_SCOPE_ANY,
     "an update that changes only metadata is not refused for its content",
     "labels, annotations, owners and finalizers must stay changeable on an object from another time or another "
     "installation; upstream holds even the deletion of such an object up",
     check_nothing},
};

const struct kt_rule_table kt_rules_update = {"update", RULES, KT_ARRAY_LENGTH(RULES)};
