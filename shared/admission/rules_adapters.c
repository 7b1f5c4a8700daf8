/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family I, second part: inference.adapters.
 *
 * Upstream v0.12.0 looks into an adapter on UPDATE only (AdapterSpec.validateCreateorUpdate); on CREATE it counts them,
 * compares their names and refuses a strength under vLLM. We look alike on both, and mark what is our own.
 */
#include "admission/go_number.h"
#include "admission/placeholder.h"
#include "admission/rule_words.h"
#include "admission/volume_source.h"
#include "text/image_reference.h"
#include "text/names.h"

#define FIELD_ADAPTERS "inference.adapters"

/* Upstream v0.12.0, api/v1beta1/workspace_validation.go: MaxAdaptersNumber. */
enum { MOST_ADAPTERS = 10 };
/* Comparing names is quadratic; a list beyond this is far too long anyway (I030). */
enum { MOST_NAMES = 100 };
/* Steps of work for an adapter in each of the rules, beside those for each byte of its name and image. */
enum { ADAPTER_STEPS = 60, ADAPTER_BYTE_STEPS = 15 };

static const char *text_of(const char *text)
{
    return text ? text : "";
}

typedef void adapter_check(struct kt_rule_run *run, size_t index, const struct kt_adapter *adapter);

/* For each adapter; those without a source are left to I031 unless all_of_them. */
static void each_adapter(struct kt_rule_run *run, bool all_of_them, adapter_check *check)
{
    size_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, run->facts->now.inference.adapters)
    {
        struct kt_adapter adapter;
        kt_workspace_adapter(item, &adapter);
        size_t bytes = strlen(text_of(adapter.name)) + strlen(text_of(adapter.image));
        if (!kt_rule_goes_on(run, ADAPTER_STEPS + ADAPTER_BYTE_STEPS * bytes, FIELD_ADAPTERS)) {
            return;
        }
        if (all_of_them || adapter.source) {
            check(run, index, &adapter);
        }
        index++;
    }
}

/* "inference.adapters[3].source.name"; "inference.adapters" when memory is out. */
static const char *field_of(const struct kt_rule_run *run, size_t index, const char *below)
{
    const char *field = kt_arena_printf(run->facts->arena, FIELD_ADAPTERS "[%zu].%s", index, below);
    return field ? field : FIELD_ADAPTERS;
}

static enum kt_origin origin_on_update(const struct kt_facts *facts)
{
    return facts->operation == KT_OPERATION_UPDATE ? KT_ORIGIN_UPSTREAM : KT_ORIGIN_OWN;
}

/* --- I030 to I033: how many, and their names --------------------------------------------------------------------- */

static void check_number(struct kt_rule_run *run)
{
    size_t count = kt_json_count(run->facts->now.inference.adapters);
    if (count > MOST_ADAPTERS) {
        kt_rule_report_as(run, kt_rule_origin_on_create(run->facts), FIELD_ADAPTERS, KT_PROBLEM_TOO_MANY,
                          kt_arena_printf(run->facts->arena, "%zu", count),
                          "at most %d adapters fit into one Workspace", MOST_ADAPTERS);
    }
}

static void check_one_source(struct kt_rule_run *run, size_t index, const struct kt_adapter *adapter)
{
    if (!adapter->source) {
        kt_rule_report(run, field_of(run, index, "source"), KT_PROBLEM_REQUIRED, NULL,
                       "where the adapter comes from: {name: ..., image: ...} or {name: ..., volumeSource: ...}");
    }
}

static void check_source(struct kt_rule_run *run)
{
    each_adapter(run, true, check_one_source);
}

static void check_one_name(struct kt_rule_run *run, size_t index, const struct kt_adapter *adapter)
{
    const char *name = text_of(adapter->name);
    enum kt_origin origin = origin_on_update(run->facts);
    if (!*name) {
        kt_rule_report_as(run, origin, field_of(run, index, "source.name"), KT_PROBLEM_REQUIRED, NULL,
                          "a name for the adapter; requests choose it by this name");
        return;
    }
    const char *wrong = kt_names_dns1123_subdomain(kt_str(name));
    if (wrong) {
        kt_rule_report_as(run, origin, field_of(run, index, "source.name"), KT_PROBLEM_INVALID, name, "%s", wrong);
    }
}

static void check_names(struct kt_rule_run *run)
{
    each_adapter(run, false, check_one_name);
}

/* The names of the first MOST_NAMES adapters in order; an absent name is "", as upstream compares it, and an adapter
 * without a source is NULL. */
static const char **list_names(const struct kt_facts *facts, size_t *ret_count)
{
    size_t count = KT_MIN(kt_json_count(facts->now.inference.adapters), (size_t)MOST_NAMES);
    const char **names = kt_arena_calloc(facts->arena, count, sizeof(*names));
    const cJSON *item = names ? facts->now.inference.adapters->child : NULL;
    for (size_t i = 0; item && i < count; i++, item = item->next) {
        struct kt_adapter adapter;
        kt_workspace_adapter(item, &adapter);
        names[i] = adapter.source ? text_of(adapter.name) : NULL;
    }
    *ret_count = names ? count : 0;
    return names;
}

static void check_names_differ(struct kt_rule_run *run)
{
    size_t count = 0;
    if (kt_json_count(run->facts->now.inference.adapters) == 0) {
        return;
    }
    const char **names = list_names(run->facts, &count);
    for (size_t i = 1; i < count; i++) {
        size_t earlier = 0;
        while (names[i] && earlier < i && (!names[earlier] || !kt_streq(names[earlier], names[i]))) {
            earlier++;
        }
        if (names[i] && earlier < i) {
            kt_rule_report(run, field_of(run, i, "source.name"), KT_PROBLEM_DUPLICATE, names[i],
                           "an earlier adapter has this name, and requests choose an adapter by its name");
        }
    }
}

/* --- I034, I035, I039: where they come from ---------------------------------------------------------------------- */

static void check_one_kind_of_source(struct kt_rule_run *run, size_t index, const struct kt_adapter *adapter)
{
    bool image = adapter->image && *adapter->image;
    bool volume = adapter->volume != NULL;
    bool urls = kt_json_count(kt_json_get(adapter->source, "urls")) > 0;
    enum kt_origin origin = origin_on_update(run->facts);
    if (urls) {
        kt_rule_report_as(
            run, origin, field_of(run, index, "source.urls"), KT_PROBLEM_FORBIDDEN, NULL,
            "an adapter is not downloaded from a URL; put it into an image (the output of a tuning is one) "
            "or on a volume");
    }
    if (image && volume) {
        kt_rule_report_as(run, origin, field_of(run, index, "source.volumeSource"), KT_PROBLEM_FORBIDDEN, NULL,
                          "an adapter comes from an image or from a volume; leave one of them out");
    } else if (!image && !volume && !urls) {
        kt_rule_report_as(run, origin, field_of(run, index, "source.image"), KT_PROBLEM_REQUIRED, NULL,
                          "the image (or volumeSource) that holds the adapter");
    }
}

static void check_kinds_of_source(struct kt_rule_run *run)
{
    each_adapter(run, false, check_one_kind_of_source);
}

static void check_one_image(struct kt_rule_run *run, size_t index, const struct kt_adapter *adapter)
{
    struct kt_image_reference reference;
    struct kt_error error;
    const char *placeholder = kt_placeholder_sentence(run->facts->arena, kt_str(adapter->image));
    if (adapter->image && *adapter->image && kt_image_reference_parse(kt_str(adapter->image), &reference, &error) < 0) {
        kt_rule_report_as(run, origin_on_update(run->facts), field_of(run, index, "source.image"), KT_PROBLEM_INVALID,
                          adapter->image, "not an image reference like registry.example.com/team/adapter:1.0: %s",
                          placeholder ? placeholder : error.message);
    }
}

static void check_images(struct kt_rule_run *run)
{
    each_adapter(run, false, check_one_image);
}

static void check_one_volume(struct kt_rule_run *run, size_t index, const struct kt_adapter *adapter)
{
    if (adapter->volume) {
        kt_volume_source_report(run, adapter->volume, field_of(run, index, "source.volumeSource"), false);
    }
}

static void check_volumes(struct kt_rule_run *run)
{
    each_adapter(run, false, check_one_volume);
}

/* --- I036 to I038: strength, and whether adapters are used ------------------------------------------------------- */

static void check_one_strength(struct kt_rule_run *run, size_t index, const struct kt_adapter *adapter)
{
    if (!adapter->strength) {
        return;
    }
    double value = 0;
    enum kt_go_float kind = kt_go_parse_float(kt_str(adapter->strength), &value);
    bool in_range = value >= 0 && value <= 1;
    if (kind == KT_GO_FLOAT_DECIMAL && in_range) {
        return;
    }
    /* Upstream's comparison lets NaN pass, and its parser takes hexadecimal numbers. */
    bool upstream = kind == KT_GO_FLOAT_NONE || (kind != KT_GO_FLOAT_NAN && !in_range);
    kt_rule_report_as(run, upstream ? origin_on_update(run->facts) : KT_ORIGIN_OWN, field_of(run, index, "strength"),
                      KT_PROBLEM_INVALID, adapter->strength,
                      "a decimal number from 0 to 1, in quotes: \"1.0\" applies the adapter in full");
}

static void check_strengths(struct kt_rule_run *run)
{
    each_adapter(run, true, check_one_strength);
}

static void check_one_strength_used(struct kt_rule_run *run, size_t index, const struct kt_adapter *adapter)
{
    if (!adapter->strength) {
        return;
    }
    struct kt_finding *finding = kt_rule_report_as(
        run, kt_rule_origin_on_create(run->facts), field_of(run, index, "strength"), KT_PROBLEM_FORBIDDEN, NULL,
        "vLLM always applies an adapter in full; leave strength out, or set the annotation " KT_ANNOTATION_RUNTIME
        ": transformers");
    /* On UPDATE upstream says nothing and vLLM ignores the value: no reason to stand in the way of another change. */
    if (finding && run->facts->operation == KT_OPERATION_UPDATE) {
        finding->severity = KT_SEVERITY_WARNING;
    }
}

static void check_strength_used(struct kt_rule_run *run)
{
    if (!run->facts->runtime_transformers && kt_rule_serves_preset(run->facts)) {
        each_adapter(run, true, check_one_strength_used);
    }
}

static void check_adapters_used(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (kt_json_count(facts->now.inference.adapters) > 0 && !kt_rule_serves_preset(facts)) {
        kt_rule_report(run, FIELD_ADAPTERS, KT_PROBLEM_NOTE, NULL,
                       "inference.adapters are loaded for a preset only: beside a pod template they have no effect");
    }
}

#define BOTH (KT_OPERATION_CREATE | KT_OPERATION_UPDATE)

static const struct kt_rule RULES[] = {
    {"I030", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_INFERENCE,
     "inference.adapters has at most 10 entries",
     "upstream counts on CREATE only, and an update then loads more adapters than memory was kept for", check_number},
    {"I031", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE, "every adapter has a source",
     "upstream's webhook crashes on it", check_source},
    {"I032", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE,
     "the name of every adapter is a DNS-1123 subdomain",
     "it becomes the name of a container and of a folder; upstream looks on UPDATE only, so the Workspace is admitted, "
     "its pod is not, and no later change of it is",
     check_names},
    {"I033", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_INFERENCE, "the names of adapters differ",
     NULL, check_names_differ},
    {"I034", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE,
     "every adapter comes from exactly one image or volume",
     "upstream looks on UPDATE only; an adapter from nowhere is left out in silence", check_kinds_of_source},
    {"I035", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE,
     "the image of every adapter is an image reference", "upstream looks on UPDATE only; the pod can never pull it",
     check_images},
    {"I036", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE,
     "the strength of every adapter is a decimal number from 0 to 1",
     "upstream looks on UPDATE only and lets NaN pass; the model then answers nonsense", check_strengths},
    {"I037", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, false, BOTH, KT_SCOPE_INFERENCE,
     "an adapter has a strength with the transformers runtime only", NULL, check_strength_used},
    {"I038", KT_SEVERITY_WARNING, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE, "adapters are given beside a preset",
     "they are ignored without a word beside a template", check_adapters_used},
    {"I039", KT_SEVERITY_ERROR, KT_ORIGIN_OWN, false, BOTH, KT_SCOPE_INFERENCE,
     "the volume of every adapter is one kind of volume that can be mounted and is not the node's own disk",
     "the pod is refused, or reads whatever lies on the node it lands on", check_volumes},
};

const struct kt_rule_table kt_rules_adapters = {"adapters", RULES, KT_ARRAY_LENGTH(RULES)};
