/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaulting. A row of kt_defaults says what is filled in, an entry of FILLERS does it. Each addition is one `add` of
 * the patch for the value and one for each parent that is absent; nothing that is there is touched.
 */
#include "admission/admission.h"

#include <inttypes.h>

#include "admission/facts.h"
#include "admission/rule_words.h"
#include "admission/shipped_templates.h"
#include "base/limits.h"
#include "sizing/explain.h"
#include "text/json_patch.h"
#include "text/json_pointer.h"
#include "text/names.h"
#include "workspace/schema.h"

const struct kt_default kt_defaults[] = {
    {"D01", "resource.count", "1", "always", false},
    {"D02", "resource.instanceType", "the cheapest machine type that fits with room",
     "nodes are provisioned, the preset is known, on CREATE", false},
    {"D03", "resource.labelSelector", "matchLabels: {apps: <name of the Workspace>}", "nodes are provisioned", false},
    {"D04", "tuning.method", "qlora", "with tuning", false},
    {"D05", "inference.preset.accessMode, tuning.preset.accessMode", "public", "with a preset", false},
    {"D06", "inference.adapters[*].strength", "\"1.0\"", "with the transformers runtime", false},
    {"D07", "tuning template", "lora-params-template-below-8.0 or qlora-params-template-below-8.0",
     "no tuning.config, on a GPU below compute capability 8.0", true},
};
const size_t kt_default_count = KT_ARRAY_LENGTH(kt_defaults);

enum row { D01, D02, D03, D04, D05, D06, D07 };

/* More adapters than this are refused anyway; filling in thousands of strengths would only fatten the patch. */
#define MOST_ADAPTERS 16
#define RETIRED_NAMED 2

struct filling {
    struct kt_arena *arena;
    const struct kt_admission_request *request;
    struct kt_defaulting *result;
    cJSON *object; /* the request's, or the changed clone */
    bool is_clone;
    bool is_new;     /* CREATE: nothing to carry over, and D02 may choose */
    bool may_choose; /* false where an old object is only interpreted */
    bool bring_your_own;
    bool drops_resource; /* an UPDATE takes `resource` away: made anew for a count, it would get the rest next time */
    struct kt_workspace old; /* empty on CREATE */
};

/* --- changing the object and the patch together --------------------------------------------------------------------
 */

/* The object at `parent` (a pointer such as "/resource"), made if it is absent; NULL when it is of another kind. */
static cJSON *open_parent(struct filling *filling, const char *parent)
{
    if (!filling->is_clone) {
        filling->object = kt_json_clone_nodes(filling->arena, filling->object);
        filling->is_clone = true;
    }
    cJSON *node = kt_json_pointer_find(filling->object, kt_str(parent));
    if (kt_json_is_object(node)) {
        return node;
    }
    if (node && !kt_json_is_null(node)) {
        return NULL;
    }
    const char *key = parent + 1; /* only members of the root are ever made */
    cJSON *made = kt_json_new_object(filling->arena);
    kt_json_patch_add(filling->arena, filling->result->patch, parent, kt_json_new_object(filling->arena));
    kt_json_set(filling->arena, filling->object, key, made);
    return kt_json_get(filling->object, key);
}

static void record(struct filling *filling, enum row row, const char *pointer, const cJSON *value)
{
    struct kt_defaulting *result = filling->result;
    if (result->applied_count < KT_ARRAY_LENGTH(result->applied)) {
        result->applied[result->applied_count++] = (struct kt_default_applied){&kt_defaults[row], pointer, value};
    }
}

static void fill(struct filling *filling, enum row row, const char *parent, const char *key, cJSON *value)
{
    cJSON *owner = value ? open_parent(filling, parent) : NULL;
    const char *pointer = kt_arena_printf(filling->arena, "%s/%s", parent, key);
    if (!owner || !pointer) {
        return;
    }
    kt_json_patch_add(filling->arena, filling->result->patch, pointer, value);
    kt_json_set(filling->arena, owner, key, kt_json_clone(filling->arena, value));
    record(filling, row, pointer, value);
}

/* A copy of the old object's value, if it had one that is not "". */
static cJSON *carry_over(struct filling *filling, const cJSON *old_owner, const char *key)
{
    const cJSON *old = kt_json_get(old_owner, key);
    const char *text = kt_json_string(old);
    if (!old || kt_json_is_null(old) || (text && !*text)) {
        return NULL;
    }
    return kt_json_clone(filling->arena, old);
}

static const cJSON *resource_of(const struct filling *filling)
{
    return kt_json_get(filling->object, "resource");
}

/* --- D01 to D06 ----------------------------------------------------------------------------------------------------
 */

static void fill_count(struct filling *filling)
{
    const cJSON *resource = resource_of(filling);
    if (!filling->drops_resource && kt_facts_absent(resource, "count")) {
        cJSON *old = carry_over(filling, filling->old.resource.node, "count");
        fill(filling, D01, "/resource", "count", old ? old : kt_json_new_int(filling->arena, 1));
    }
}

static void fill_label_selector(struct filling *filling)
{
    const cJSON *resource = resource_of(filling);
    if (filling->drops_resource || !kt_facts_absent(resource, "labelSelector")) {
        return;
    }
    cJSON *old = carry_over(filling, filling->old.resource.node, "labelSelector");
    const char *name = kt_json_string(kt_json_path(filling->object, "metadata", "name", NULL));
    /* A name that cannot be one is refused anyway, and would be no label value. */
    if (!old && !filling->bring_your_own && name && !kt_names_dns1123_label(kt_str(name))) {
        old = kt_json_new_object(filling->arena);
        kt_json_set_string(filling->arena, kt_json_ensure_object(filling->arena, old, "matchLabels"), "apps", name);
    }
    fill(filling, D03, "/resource", "labelSelector", old);
}

static void fill_method(struct filling *filling)
{
    const cJSON *tuning = kt_json_get(filling->object, "tuning");
    const char *method = kt_json_string(kt_json_get(tuning, "method"));
    if (!kt_json_is_object(tuning) || (!kt_facts_absent(tuning, "method") && !(method && !*method))) {
        return;
    }
    cJSON *old = carry_over(filling, filling->old.tuning.node, "method");
    fill(filling, D04, "/tuning", "method", old ? old : kt_json_new_string(filling->arena, "qlora"));
    if (!old) {
        /* Upstream refuses a tuning without a method twice over: for the method, and for the config map that goes by
         * its name. */
        struct kt_finding *note = kt_findings_add(&filling->result->notes, kt_defaults[D04].id, KT_SEVERITY_WARNING,
                                                  KT_ORIGIN_OWN, kt_defaults[D04].field, KT_PROBLEM_NOTE, NULL,
                                                  "none was given: qlora is used, which needs the least memory");
        if (note) {
            note->relaxed = true;
        }
    }
}

static void fill_access_mode(struct filling *filling, const char *purpose, const cJSON *old_preset)
{
    const cJSON *preset = kt_json_path(filling->object, purpose, "preset", NULL);
    if (!kt_json_is_object(preset) || !kt_facts_absent(preset, "accessMode")) {
        return;
    }
    const char *pointer = kt_arena_printf(filling->arena, "/%s/preset", purpose);
    if (pointer) {
        cJSON *old = carry_over(filling, old_preset, "accessMode");
        fill(filling, D05, pointer, "accessMode", old ? old : kt_json_new_string(filling->arena, "public"));
    }
}

static void fill_access_modes(struct filling *filling)
{
    fill_access_mode(filling, "inference", filling->old.inference.preset.node);
    fill_access_mode(filling, "tuning", filling->old.tuning.preset.node);
}

static void fill_strengths(struct filling *filling)
{
    struct kt_workspace workspace;
    if (kt_json_count(kt_json_path(filling->object, "inference", "adapters", NULL)) == 0) {
        return;
    }
    kt_workspace_view(filling->object, &workspace);
    const char *runtime = kt_workspace_annotation(&workspace, KT_ANNOTATION_RUNTIME);
    bool transformers =
        !filling->request->settings->gates[KT_GATE_VLLM] || (runtime && kt_streq(runtime, "transformers"));
    size_t count = kt_json_count(workspace.inference.adapters);
    for (size_t i = 0; transformers && i < count && count <= MOST_ADAPTERS; i++) {
        /* Found anew each time: the first change replaces the object by a clone. */
        const cJSON *adapter = kt_json_item(kt_json_path(filling->object, "inference", "adapters", NULL), i);
        const char *pointer = kt_arena_printf(filling->arena, "/inference/adapters/%zu", i);
        if (kt_json_is_object(adapter) && pointer && kt_facts_absent(adapter, "strength")) {
            fill(filling, D06, pointer, "strength", kt_json_new_string(filling->arena, "1.0"));
        }
    }
}

/* --- D02 -----------------------------------------------------------------------------------------------------------
 */

/* Machine types that can run what the facts describe, or NULL. Transformers cannot spread over nodes. */
static struct kt_sku_fit *rank_machines(const struct kt_facts *facts, size_t *ret_count)
{
    struct kt_inference_input inference = {0};
    bool serves = facts->now.inference.node && kt_rule_inference_need(facts, &inference);
    bool is_sized = serves || (facts->now.tuning.node && facts->tuning_input_known);
    if (!is_sized || !facts->model || facts->model->status != KT_MODEL_CURRENT || !facts->settings->cloud_known) {
        return NULL;
    }
    struct kt_tuning_needs tuning = {.count = 0};
    if (!serves && !kt_rule_tuning_needs(facts, &tuning)) {
        return NULL;
    }
    const struct kt_need need = {
        .by_gpu = tuning.rows, .by_gpu_count = tuning.count, .inference = serves ? &inference : NULL};
    size_t count = 0;
    struct kt_sku_fit *fits = kt_sizing_rank_skus(facts->arena, &need, facts->settings->cloud, &count);
    uint32_t most_nodes = serves && !facts->runtime_transformers ? KT_MOST_INFERENCE_NODES : 1;
    size_t kept = 0;
    for (size_t i = 0; fits && i < count; i++) {
        if (fits[i].nodes <= most_nodes) {
            fits[kept++] = fits[i];
        }
    }
    *ret_count = kept;
    return fits;
}

static void add_price(struct kt_strbuf *text, const struct kt_sku_fit *fit)
{
    kt_strbuf_printf(text, "%s (", fit->sku->name);
    kt_explain_price(text, fit->price_milli_usd_per_hour);
    kt_strbuf_putc(text, ')');
}

/* ", cheaper but retired: A (1.20 USD/h), B (2.00 USD/h)" */
static void add_retired(struct kt_strbuf *text, const struct kt_sku_fit *fits, size_t count,
                        const struct kt_sku_fit *chosen)
{
    size_t named = 0;
    for (size_t i = 0; i < count && named < RETIRED_NAMED; i++) {
        bool fits_there = fits[i].fit == KT_FIT_FITS || fits[i].fit == KT_FIT_TIGHT;
        if (fits_there && !fits[i].sku->current && fits[i].price_milli_usd_per_hour > 0 &&
            fits[i].price_milli_usd_per_hour < chosen->price_milli_usd_per_hour) {
            kt_strbuf_puts(text, named++ == 0 ? "; cheaper, but no longer supported by Kaito: " : ", ");
            add_price(text, &fits[i]);
        }
    }
}

static void note_choice(struct filling *filling, const struct kt_sku_fit *fits, size_t count,
                        const struct kt_sku_fit *chosen)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, filling->arena, KT_LIMIT_MESSAGE_BYTES);
    kt_strbuf_puts(&text, "none was given: chose ");
    if (chosen->nodes > 1) {
        kt_strbuf_printf(&text, "%u x ", chosen->nodes);
    }
    add_price(&text, chosen);
    kt_strbuf_puts(&text, ", the cheapest that fits with room; to choose another, set resource.instanceType");
    add_retired(&text, fits, count, chosen);
    kt_findings_add(&filling->result->notes, kt_defaults[D02].id, KT_SEVERITY_WARNING, KT_ORIGIN_OWN,
                    kt_defaults[D02].field, KT_PROBLEM_NOTE, NULL, "%s", text.data);
}

static void choose_machine(struct filling *filling)
{
    struct kt_workspace written;
    struct kt_facts *facts = kt_arena_alloc(filling->arena, sizeof(*facts));
    if (!facts) {
        return;
    }
    kt_workspace_view(filling->object, &written);
    kt_facts_read(filling->arena, filling->request, &written, filling->object, NULL, NULL, facts);
    facts->written = NULL; /* ends with this function */
    filling->result->facts = facts;
    size_t count = 0;
    const struct kt_sku_fit *fits = rank_machines(facts, &count);
    const struct kt_sku_fit *chosen = fits ? kt_sizing_cheapest(fits, count) : NULL;
    if (chosen) {
        fill(filling, D02, "/resource", "instanceType", kt_json_new_string(filling->arena, chosen->sku->name));
        note_choice(filling, fits, count, chosen);
    }
}

static void fill_instance_type(struct filling *filling)
{
    const cJSON *resource = resource_of(filling);
    const char *written = kt_json_string(kt_json_get(resource, "instanceType"));
    bool is_absent = kt_facts_absent(resource, "instanceType") || (written && !*written);
    if (filling->drops_resource || !is_absent || filling->bring_your_own) {
        return;
    }
    cJSON *old = carry_over(filling, filling->old.resource.node, "instanceType");
    if (old) {
        fill(filling, D02, "/resource", "instanceType", old);
    } else if (filling->is_new && filling->may_choose) {
        choose_machine(filling);
    }
}

/* --- D07: only announced -------------------------------------------------------------------------------------------
 */

/* Of the GPU that will train, as far as it is known by now. */
static uint32_t capability_of(const struct filling *filling)
{
    const struct kt_settings *settings = filling->request->settings;
    const char *machine = kt_json_string(kt_json_get(resource_of(filling), "instanceType"));
    if (filling->bring_your_own) {
        struct kt_workspace workspace;
        struct kt_own_nodes nodes;
        kt_workspace_view(filling->object, &workspace);
        kt_own_nodes_read(filling->arena, filling->request->cluster, &workspace.resource, &nodes);
        return nodes.compute_capability;
    }
    const struct kt_sku *sku = machine && settings->cloud_known ? kt_sku_find(settings->cloud, kt_str(machine)) : NULL;
    return sku ? sku->compute_capability : 0;
}

static void announce_float16(struct filling *filling)
{
    const cJSON *tuning = kt_json_get(filling->object, "tuning");
    bool has_config = *kt_json_string_or(kt_json_get(tuning, "config"), "") != 0;
    enum kt_tuning_method method;
    if (!kt_json_is_object(tuning) || has_config ||
        !kt_tuning_method_parse(kt_str(kt_json_string_or(kt_json_get(tuning, "method"), "")), &method) ||
        !kt_settings_trains_in_float16(filling->request->settings, capability_of(filling))) {
        return;
    }
    record(filling, D07, NULL, kt_json_new_string(filling->arena, kt_template_name(method, true)));
}

/* Later rows build on earlier ones: a machine is chosen for the method and the name that the others filled in. */
static void (*const FILLERS[])(struct filling *filling) = {
    fill_count,          fill_method,        fill_access_modes, fill_strengths,
    fill_label_selector, fill_instance_type, announce_float16,
};

/* --- entry ---------------------------------------------------------------------------------------------------------
 */

static bool has_wrong_kind(struct kt_arena *arena, const struct kt_schema *schema, const cJSON *object,
                           struct kt_defaulting *result)
{
    result->problems = kt_schema_check(arena, schema, object);
    result->is_checked = true;
    const struct kt_schema_problem *problem = result->problems;
    while (problem && problem->kind != KT_SCHEMA_TYPE) {
        problem = problem->next;
    }
    return problem != NULL;
}

static bool is_being_deleted(const cJSON *object)
{
    return !kt_facts_absent(kt_json_get(object, "metadata"), "deletionTimestamp");
}

int kt_admission_default(struct kt_arena *arena, const struct kt_admission_request *request, struct kt_defaulting *ret,
                         struct kt_error *error)
{
    struct kt_defaulting result = {.patch = kt_json_new_array(arena), .mutated = request->object};
    kt_findings_init(&result.notes, arena);
    const struct kt_schema *schema = kt_schema_workspace(error);
    if (!schema) {
        return KT_ENOMEM;
    }
    bool is_filled = request->operation == KT_OPERATION_CREATE || request->operation == KT_OPERATION_UPDATE;
    if (is_filled && kt_json_is_object(request->object) && !is_being_deleted(request->object) &&
        !has_wrong_kind(arena, schema, request->object, &result)) {
        struct filling filling = {
            .arena = arena,
            .request = request,
            .result = &result,
            .object = request->object,
            .is_new = request->operation == KT_OPERATION_CREATE,
            .may_choose = true,
            .bring_your_own = kt_settings_bring_your_own(request->settings),
        };
        kt_workspace_view(filling.is_new ? NULL : request->old_object, &filling.old);
        filling.drops_resource = filling.old.resource.node && kt_facts_absent(filling.object, "resource");
        for (size_t i = 0; i < KT_ARRAY_LENGTH(FILLERS); i++) {
            FILLERS[i](&filling);
        }
        result.mutated = filling.object;
    }
    if (arena->failed) {
        return kt_admission_exhausted(arena, error);
    }
    *ret = result;
    return 0;
}

cJSON *kt_admission_assume_defaults(struct kt_arena *arena, const struct kt_admission_request *request, cJSON *object)
{
    struct kt_defaulting ignored = {.patch = kt_json_new_array(arena)};
    kt_findings_init(&ignored.notes, arena);
    struct filling filling = {
        .arena = arena,
        .request = request,
        .result = &ignored,
        .object = object,
        .is_new = true,
        .bring_your_own = kt_settings_bring_your_own(request->settings),
    };
    for (size_t i = 0; kt_json_is_object(object) && i < KT_ARRAY_LENGTH(FILLERS); i++) {
        FILLERS[i](&filling);
    }
    return filling.object;
}
