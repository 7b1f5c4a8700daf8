/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/rule_words.h"

#include "base/limits.h"
#include "sizing/explain.h"
#include "text/quantity.h"

/* A value is cut where it is cited, so more labels need not be listed. */
enum { MOST_MACHINES_NAMED = 3, MOST_CHARACTERS_CITED = 64, MOST_LABEL_BYTES = 512 };

enum kt_origin kt_rule_origin_on_create(const struct kt_facts *facts)
{
    return facts->operation == KT_OPERATION_CREATE ? KT_ORIGIN_UPSTREAM : KT_ORIGIN_OWN;
}

void kt_rule_warn_after_create(const struct kt_rule_run *run, struct kt_finding *finding)
{
    if (finding && run->facts->operation != KT_OPERATION_CREATE && finding->origin == KT_ORIGIN_OWN) {
        finding->severity = KT_SEVERITY_WARNING;
    }
}

bool kt_rule_serves_preset(const struct kt_facts *facts)
{
    return facts->now.inference.preset.node != NULL;
}

const struct kt_model *kt_rule_inference_model(const struct kt_facts *facts)
{
    const char *name = facts->now.inference.preset.name;
    return name && *name ? kt_model_find(kt_str(name)) : NULL;
}

enum kt_preset_standing kt_rule_preset_standing(const char *name)
{
    if (!name || !*name) {
        return KT_PRESET_ABSENT;
    }
    struct kt_str text = kt_str(name);
    const struct kt_model *model = kt_model_find(text);
    if (model && model->status == KT_MODEL_CURRENT) {
        return KT_PRESET_CURRENT;
    }
    if (kt_model_is_hugging_face_id(text)) {
        return KT_PRESET_OUTSIDE;
    }
    return model ? KT_PRESET_RETIRED : KT_PRESET_UNKNOWN;
}

const char *kt_rule_cut(struct kt_arena *arena, const char *text)
{
    struct kt_str whole = kt_str(text);
    size_t length = kt_utf8_prefix(whole, MOST_CHARACTERS_CITED);
    const char *copy = length < whole.length ? kt_arena_printf(arena, "%.*s...", (int)length, text) : text;
    return copy ? copy : "";
}

const char *kt_rule_bytes(struct kt_arena *arena, uint64_t bytes)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, KT_LIMIT_MESSAGE_BYTES);
    kt_quantity_write_bytes(&buffer, bytes);
    return buffer.data;
}

const char *kt_rule_labels(const struct kt_facts *facts)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, facts->arena, KT_LIMIT_MESSAGE_BYTES);
    const cJSON *label;
    cJSON_ArrayForEach(label, facts->now.resource.match_labels)
    {
        if (buffer.length > MOST_LABEL_BYTES) {
            break;
        }
        kt_strbuf_printf(&buffer, "%s%s=%s", buffer.length > 0 ? "," : "", kt_rule_cut(facts->arena, label->string),
                         kt_rule_cut(facts->arena, kt_json_string_or(label, "")));
    }
    return buffer.data;
}

bool kt_rule_inference_need(const struct kt_facts *facts, struct kt_inference_input *ret)
{
    const struct kt_model *model = kt_rule_inference_model(facts);
    if (!model || model->weights_bytes == 0 || model->kv_bytes_per_token == 0) {
        return false;
    }
    const struct kt_max_model_len *longest = &facts->inference.config.max_model_len;
    /* A length that the model cannot have is C103's to say; sizing it would only confuse. */
    bool length_given = !facts->runtime_transformers && longest->is_integer && longest->tokens > 0 &&
                        (model->token_limit == 0 || longest->tokens <= (int64_t)model->token_limit);
    *ret = (struct kt_inference_input){
        .weights_bytes = model->weights_bytes,
        .kv_bytes_per_token = model->kv_bytes_per_token,
        .context_length = length_given ? (uint32_t)KT_MIN(longest->tokens, (int64_t)UINT32_MAX) : 0,
    };
    return true;
}

static bool worth_naming(const struct kt_facts *facts, const struct kt_sku_fit *fit)
{
    if (!fit->sku->current || fit->fit == KT_FIT_NO || fit->fit == KT_FIT_NEVER) {
        return false;
    }
    return fit->nodes <= (facts->runtime_transformers ? 1 : KT_MOST_INFERENCE_NODES);
}

/* Where prices are unknown the smaller machine is taken for the cheaper one. */
static bool comes_before(const struct kt_sku_fit *a, const struct kt_sku_fit *b)
{
    if (a->price_milli_usd_per_hour > 0 || b->price_milli_usd_per_hour > 0) {
        return false; /* ranked by price already */
    }
    return (double)a->sku->memory_bytes * a->nodes < (double)b->sku->memory_bytes * b->nodes;
}

static void name_machine(struct kt_strbuf *buffer, size_t named, const struct kt_sku_fit *fit)
{
    bool priced = fit->price_milli_usd_per_hour > 0;
    kt_strbuf_puts(buffer, named > 0 ? ", " : priced ? "; these fit, cheapest first: " : "; these fit: ");
    if (fit->nodes > 1) {
        kt_strbuf_printf(buffer, "%u x ", fit->nodes);
    }
    kt_explain_sku(buffer, fit->sku);
}

/* Of the current machine types the one that takes the largest batch, and of those the one with the most memory. */
static const struct kt_sku_fit *roomiest(const struct kt_sku_fit *fits, size_t count)
{
    const struct kt_sku_fit *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!fits[i].sku->current) {
            continue;
        }
        bool more =
            !best || fits[i].largest_batch > best->largest_batch ||
            (fits[i].largest_batch == best->largest_batch && fits[i].usable_bytes_per_gpu > best->usable_bytes_per_gpu);
        best = more ? &fits[i] : best;
    }
    return best;
}

static void tell_tuning_too_large(struct kt_strbuf *buffer, const struct kt_facts *facts, const struct kt_sku_fit *fit)
{
    const struct kt_tuning_input *input = &facts->tuning_input;
    kt_strbuf_printf(buffer, "%s with %s at batch size %u and sequence length %u needs %.1f GiB on one GPU",
                     facts->model->name, kt_tuning_method_name(input->method), input->batch_size,
                     input->sequence_length, fit->range.low.total_bytes / (double)KT_GIB);
    if (fit->largest_batch > 0) {
        kt_strbuf_printf(buffer, ". The largest batch size that any of them takes at this length is %u, on ",
                         fit->largest_batch);
    } else {
        kt_strbuf_printf(buffer, ". None takes even batch size 1 at this length; %.1f GiB are usable on ",
                         (double)fit->usable_bytes_per_gpu / (double)KT_GIB);
    }
    kt_explain_sku(buffer, fit->sku);
}

static void tell_model_too_large(struct kt_strbuf *buffer, const struct kt_facts *facts,
                                 const struct kt_inference_input *input)
{
    kt_strbuf_printf(buffer, "the weights of %s are %s", facts->model->name,
                     kt_rule_bytes(facts->arena, input->weights_bytes));
    if (input->context_length > 0) {
        kt_strbuf_printf(buffer, ", and max-model-len %u asks for %s of key-value cache", input->context_length,
                         kt_rule_bytes(facts->arena, (uint64_t)input->context_length * input->kv_bytes_per_token));
    }
}

/* Nothing can be named: what is asked for, and what would be possible. */
static void tell_none_fits(struct kt_strbuf *buffer, const struct kt_facts *facts, const struct kt_need *need,
                           const struct kt_sku_fit *fits, size_t count)
{
    const struct kt_sku_fit *best = roomiest(fits, count);
    if (!facts->model || !best) {
        return;
    }
    kt_strbuf_printf(buffer,
                     "; no machine type of %s that is known here fits: ", kt_cloud_name(facts->settings->cloud));
    if (need->inference) {
        tell_model_too_large(buffer, facts, need->inference);
    } else {
        tell_tuning_too_large(buffer, facts, best);
    }
}

bool kt_rule_tuning_needs(const struct kt_facts *facts, struct kt_tuning_needs *ret)
{
    const cJSON *sections = facts->config.is_template ? NULL : facts->config.values;
    return facts->method_known &&
           kt_tuning_needs_read(facts->settings, sections, facts->method, facts->model, facts->data, ret);
}

const char *kt_rule_machines_that_fit(const struct kt_facts *facts)
{
    struct kt_inference_input inference;
    bool serves = kt_rule_inference_need(facts, &inference);
    if (!facts->settings->cloud_known || (!serves && !facts->tuning_input_known)) {
        return "";
    }
    struct kt_tuning_needs tuning = {.count = 0};
    if (!serves && !kt_rule_tuning_needs(facts, &tuning)) {
        return "";
    }
    const struct kt_need need = {
        .by_gpu = tuning.rows, .by_gpu_count = tuning.count, .inference = serves ? &inference : NULL};
    size_t count = 0;
    struct kt_sku_fit *fits = kt_sizing_rank_skus(facts->arena, &need, facts->settings->cloud, &count);
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, facts->arena, KT_LIMIT_MESSAGE_BYTES);
    for (size_t named = 0; fits && named < MOST_MACHINES_NAMED; named++) {
        struct kt_sku_fit *best = NULL;
        for (size_t i = 0; i < count; i++) {
            if (worth_naming(facts, &fits[i]) && (!best || comes_before(&fits[i], best))) {
                best = &fits[i];
            }
        }
        if (!best && named == 0) {
            tell_none_fits(&buffer, facts, &need, fits, count);
        }
        if (!best) {
            break;
        }
        name_machine(&buffer, named, best);
        best->fit = KT_FIT_NO; /* named */
    }
    return buffer.data;
}
