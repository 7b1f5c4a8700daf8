/* SPDX-License-Identifier: Apache-2.0 */
/* Family M: name, annotations and labels of the Workspace itself. */
#include "admission/rule.h"
#include "admission/rule_words.h"
#include "base/limits.h"
#include "text/json_pointer.h"
#include "text/names.h"

#define FIELD_NAME "metadata.name"
#define ANNOTATION_NODE_CLASS "kaito.sh/node-class-name"

/* A StatefulSet labels its pods with controller-revision-hash=<name>-<up to 10 characters>, and a label value has at
 * most 63 (k8s.io/kubernetes pkg/controller/statefulset): a longer name is accepted, and no pod is ever made. */
#define MOST_STATEFUL_SET_NAME 52

static bool is_given(const char *text)
{
    return text && *text;
}

/* --- M001 to M004: the name ----------------------------------------------------------------------------------------
 */

static void check_name(struct kt_rule_run *run)
{
    const struct kt_workspace *now = &run->facts->now;
    if (!is_given(now->name)) {
        if (!is_given(now->generate_name)) {
            kt_rule_report(run, FIELD_NAME, KT_PROBLEM_REQUIRED, NULL, "a Workspace needs a name");
        }
        return;
    }
    const char *wrong = kt_names_dns1123_label(kt_str(now->name));
    if (wrong) {
        kt_rule_report(run, FIELD_NAME, KT_PROBLEM_INVALID, now->name, "%s", wrong);
    }
}

static void check_generated_name(struct kt_rule_run *run)
{
    const struct kt_workspace *now = &run->facts->now;
    if (!is_given(now->name) && is_given(now->generate_name)) {
        kt_rule_report(run, FIELD_NAME, KT_PROBLEM_NOTE, NULL,
                       "the API server makes the name from metadata.generateName and five more characters; what is "
                       "said here holds for any such name that is valid");
    }
}

static void check_service_name(struct kt_rule_run *run)
{
    const char *name = run->facts->now.name;
    if (!is_given(name) || kt_names_dns1123_label(kt_str(name))) {
        return; /* M001 has said it */
    }
    const char *wrong = kt_names_dns1035_label(kt_str(name));
    if (wrong) {
        kt_rule_report(run, FIELD_NAME, KT_PROBLEM_INVALID, name,
                       "the Service of an inference server gets this name too: %s", wrong);
    }
}

static void check_name_length(struct kt_rule_run *run)
{
    const char *name = run->facts->now.name;
    if (is_given(name) && strlen(name) > MOST_STATEFUL_SET_NAME && !kt_names_dns1123_label(kt_str(name))) {
        kt_rule_report(run, FIELD_NAME, KT_PROBLEM_INVALID, name,
                       "must be no more than %d characters for inference, because the pods' labels hold the name and "
                       "a hash",
                       MOST_STATEFUL_SET_NAME);
    }
}

/* --- M005 to M007: annotations -------------------------------------------------------------------------------------
 */

struct annotation_row {
    const char *key;
    bool any_case;         /* values are taken in any case, and with space around them */
    const char *values[4]; /* NULL-terminated */
    const char *meaning;   /* M006 only: what another value does */
};

/* Upstream v0.12.0 refuses other values of these on CREATE (validateAnnotations, validateNodeImageFamilyAnnotation). */
static const struct annotation_row CLOSED[] = {
    {"kaito.sh/performance-mode", false, {"balanced", "interactivity", "throughput"}, NULL},
    {"kaito.sh/use-local-weights", false, {"true", "false"}, NULL},
    {"kaito.sh/node-image-family", true, {"azurelinux", "ubuntu"}, NULL},
};

/* Upstream takes any value of these, and few do what they seem to say. */
static const struct annotation_row OPEN[] = {
    {KT_ANNOTATION_BYPASS_RESOURCE_CHECKS,
     false,
     {"true"},
     "the checks are off whatever the value is; take the annotation out to have them"},
    {"kaito.sh/disable-benchmark", false, {"true", "false"}, "only \"true\" switches the benchmark off"},
    {"kaito.sh/enablelb", false, {"True", "False", "false"}, "only \"True\", so written, makes a load balancer"},
};

static bool has_value(const struct annotation_row *row, const char *value)
{
    struct kt_str text = row->any_case ? kt_str_trim(kt_str(value)) : kt_str(value);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(row->values) && row->values[i]; i++) {
        struct kt_str allowed = kt_str(row->values[i]);
        if (row->any_case ? kt_str_equal_nocase(text, allowed) : kt_str_equal(text, allowed)) {
            return true;
        }
    }
    return false;
}

static const char *annotation_field(struct kt_rule_run *run, const char *map, const char *key)
{
    struct kt_strbuf field;
    kt_strbuf_init(&field, run->facts->arena, KT_LIMIT_MESSAGE_BYTES);
    kt_strbuf_puts(&field, map);
    kt_field_path_add_key(&field, key);
    return field.data;
}

static const char *list_values(struct kt_rule_run *run, const struct annotation_row *row)
{
    struct kt_strbuf list;
    kt_strbuf_init(&list, run->facts->arena, KT_LIMIT_MESSAGE_BYTES);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(row->values) && row->values[i]; i++) {
        kt_strbuf_printf(&list, "%s\"%s\"", i > 0 ? ", " : "", row->values[i]);
    }
    return list.data;
}

static void check_closed_annotations(struct kt_rule_run *run)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(CLOSED); i++) {
        const char *value = kt_workspace_annotation(&run->facts->now, CLOSED[i].key);
        if (value && !has_value(&CLOSED[i], value)) {
            bool is_create = run->facts->operation == KT_OPERATION_CREATE;
            struct kt_finding *finding =
                kt_rule_report_as(run, is_create ? KT_ORIGIN_UPSTREAM : KT_ORIGIN_OWN,
                                  annotation_field(run, "metadata.annotations", CLOSED[i].key), KT_PROBLEM_UNSUPPORTED,
                                  value, "supported values: %s", list_values(run, &CLOSED[i]));
            if (finding && !is_create) {
                finding->severity = KT_SEVERITY_WARNING;
            }
        }
    }
}

static void check_open_annotations(struct kt_rule_run *run)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(OPEN); i++) {
        const char *value = kt_workspace_annotation(&run->facts->now, OPEN[i].key);
        if (value && !has_value(&OPEN[i], value)) {
            kt_rule_report(run, annotation_field(run, "metadata.annotations", OPEN[i].key), KT_PROBLEM_UNSUPPORTED,
                           value, "supported values: %s; %s", list_values(run, &OPEN[i]), OPEN[i].meaning);
        }
    }
}

/* Is name one of the comma-separated names? */
static bool is_listed(const char *names, const char *name)
{
    struct kt_str rest = kt_str(names);
    while (rest.length > 0) {
        size_t comma = kt_str_find_char(rest, ',');
        size_t length = comma == SIZE_MAX ? rest.length : comma;
        if (kt_str_equal(kt_str_trim((struct kt_str){rest.data, length}), kt_str(name))) {
            return true;
        }
        size_t used = KT_MIN(length + 1, rest.length);
        rest = (struct kt_str){rest.data + used, rest.length - used};
    }
    return false;
}

static void check_node_class(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *name = kt_workspace_annotation(&facts->now, ANNOTATION_NODE_CLASS);
    const char *before = kt_workspace_annotation(&facts->before, ANNOTATION_NODE_CLASS);
    bool unchanged = facts->operation == KT_OPERATION_UPDATE && kt_streq(name ? name : "", before ? before : "");
    const char *allowed = facts->settings->allowed_node_classes;
    allowed = allowed ? allowed : "";
    if (is_given(name) && !unchanged && kt_settings_uses_karpenter(facts->settings) && !is_listed(allowed, name)) {
        kt_rule_report(run, annotation_field(run, "metadata.annotations", ANNOTATION_NODE_CLASS),
                       KT_PROBLEM_UNSUPPORTED, name, "supported values: %s",
                       *allowed ? allowed : "none, no NodeClass is set up for Workspaces here");
    }
}

/* --- M008: what Kaito writes itself --------------------------------------------------------------------------------
 */

/* Upstream v0.12.0, api/v1beta1/labels.go: labels that its controllers put on the objects they make and find them by.
 */
static const char *const RESERVED_LABELS[] = {
    "kaito.sh/workspace",
    "kaito.sh/workspacenamespace",
    "kaito.sh/ragengine",
    "kaito.sh/ragenginenamespace",
};

static void check_reserved_labels(struct kt_rule_run *run)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(RESERVED_LABELS); i++) {
        if (kt_json_get(run->facts->now.labels, RESERVED_LABELS[i])) {
            kt_rule_report(
                run, annotation_field(run, "metadata.labels", RESERVED_LABELS[i]), KT_PROBLEM_NOTE, NULL,
                "Kaito finds the objects that it makes by this label; on a Workspace it has no effect but to "
                "mislead a selector");
        }
    }
}

#define BOTH (KT_OPERATION_CREATE | KT_OPERATION_UPDATE)

static const struct kt_rule RULES[] = {
    {"M001", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_ANY,
     "metadata.name is a DNS-1123 label: a-z, 0-9 and '-', at most 63 characters", NULL, check_name},
    {"M002", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, true, KT_OPERATION_CREATE, KT_SCOPE_ANY,
     "metadata.generateName may stand in place of metadata.name",
     "the API server makes the name before it asks a validating webhook; only a file that is checked has none yet",
     check_generated_name},
    {"M003", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE,
     "metadata.name of an inference is a DNS-1035 label: it starts with a letter",
     "the Service of the server has the same name; Kubernetes refuses it, and the Workspace never gets ready although "
     "its node is paid for",
     check_service_name},
    {"M004", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE,
     "metadata.name of an inference has at most 52 characters",
     "the StatefulSet is made, but none of its pods: their label with the name and a hash would be too long",
     check_name_length},
    {"M005", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_ANY,
     "annotations with a fixed set of values have one of them: performance-mode, use-local-weights, node-image-family",
     "upstream looks on CREATE only; a later typing error is ignored without a word, and here with a warning",
     check_closed_annotations},
    {"M006", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_ANY,
     "annotations that are switches say what they do: bypass-resource-checks, disable-benchmark, enablelb",
     "upstream takes any value, and \"false\" may mean yes", check_open_annotations},
    {"M007", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_ANY,
     "kaito.sh/node-class-name names a NodeClass that is set up for Workspaces (Karpenter only)", NULL,
     check_node_class},
    {"M008", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_ANY,
     "no label of the Workspace is one that Kaito sets on its own objects",
     "a selector for Kaito's objects would find the Workspace of another name", check_reserved_labels},
};

const struct kt_rule_table kt_rules_metadata = {"metadata", RULES, KT_ARRAY_LENGTH(RULES)};
