/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Family R, memory of tunings: does what will be trained fit on one GPU? Data-parallel training holds a full copy of
 * everything on each GPU, so one GPU decides. The estimate is a range (sizing/sizing.h): its low end refuses, its high
 * end warns, and a refusal says what would fit.
 */
#include "admission/rule_words.h"
#include "admission/rules_config.h"
#include "admission/rules_tuning.h"
#include "admission/tuning_input.h"
#include "base/limits.h"
#include "sizing/explain.h"

/* Where the high end is more than this many times the low one, the message says what makes it so. */
#define WIDE_RANGE 1.25

/* Everything that the two rows look at. */
struct fit {
    struct kt_tuning_gpu gpu;
    struct kt_tuning_input input;
    bool sequence_length_assumed;
    bool batch_size_adapts;
    enum kt_fit verdict;
    struct kt_tuning_range range;
};

static double gib(double bytes)
{
    return bytes / (double)KT_GIB;
}

static enum kt_fit judge(const struct kt_tuning_input *input, const struct kt_tuning_gpu *gpu)
{
    return kt_sizing_tuning_fit(input, gpu->usable_bytes, gpu->compute_capability);
}

/* False when the GPU or the model cannot be sized; then nothing is said. */
static bool read_fit(const struct kt_facts *facts, struct fit *ret)
{
    struct kt_tuning_derived derived;
    struct kt_tuning_runner runner = {facts->trainer.image, 0, facts->data};
    kt_tuning_gpu_of(facts, &ret->gpu);
    runner.compute_capability = ret->gpu.compute_capability;
    if (!ret->gpu.known || !facts->trainer.runs || !facts->method_known ||
        !kt_tuning_input_from_config(facts->config.values, facts->method, facts->model, &runner, &derived))
        return false;
    ret->input = derived.input;
    ret->sequence_length_assumed = derived.sequence_length_assumed;
    ret->batch_size_adapts = derived.batch_size_adapts;
    ret->verdict = judge(&ret->input, &ret->gpu);
    if (ret->batch_size_adapts && ret->verdict == KT_FIT_NO) {
        struct kt_tuning_input smallest = ret->input; /* the trainer would halve the batch until it fits */
        smallest.batch_size = 1;
        if (judge(&smallest, &ret->gpu) != KT_FIT_NO)
            ret->verdict = KT_FIT_TIGHT;
    }
    ret->range = kt_sizing_tuning_range(&ret->input, ret->gpu.compute_capability);
    return true;
}

/* The field whose change asks for this: on UPDATE the config, where the machine stays. */
static const char *field_of(const struct kt_facts *facts, const struct fit *fit)
{
    const char *before = facts->before.tuning.config != NULL ? facts->before.tuning.config : "";
    const char *now = facts->now.tuning.config != NULL ? facts->now.tuning.config : "";
    return facts->operation == KT_OPERATION_UPDATE && !kt_streq(before, now) ? KT_FIELD_TUNING_CONFIG : fit->gpu.field;
}

/* --- the lesson --------------------------------------------------------------------------------------------------- */

static void write_task(struct kt_strbuf *text, const struct kt_facts *facts, const struct fit *fit)
{
    kt_strbuf_printf(text, "%s with %s at batch size %u and sequence length %u%s", facts->model->name,
                     kt_tuning_method_name(fit->input.method), fit->input.batch_size, fit->input.sequence_length,
                     !fit->sequence_length_assumed      ? ""
                     : facts->trainer.image->uncut_rows ? " (assumed: the image cuts no rows, so the longest counts)"
                                                        : " (assumed: the tuning config names no max_length)");
}

static void write_range(struct kt_strbuf *text, const struct kt_tuning_range *range)
{
    double low = gib(range->low.total_bytes);
    double high = gib(range->high.total_bytes);
    if (high - low < 0.05)
        kt_strbuf_printf(text, "%.1f GiB", high);
    else
        kt_strbuf_printf(text, "%.1f to %.1f GiB", low, high);
}

static void write_card(struct kt_strbuf *text, const struct fit *fit)
{
    kt_strbuf_printf(text, "%s has %.0f GiB, %.1f of them usable", fit->gpu.name != NULL ? fit->gpu.name : "the GPU",
                     gib((double)fit->gpu.bytes), gib((double)fit->gpu.usable_bytes));
    if (fit->gpu.count > 1)
        kt_strbuf_printf(text, " (each of the %u GPUs holds a full copy, so their memory does not add up)",
                         fit->gpu.count);
}

static void write_largest(struct kt_strbuf *text, const struct fit *fit)
{
    uint32_t batch = 0;
    uint32_t sequence = 0;
    if (fit->verdict == KT_FIT_NEVER) {
        kt_strbuf_printf(text, ". No batch size or length helps: weights and adapter alone need %.1f GiB",
                         gib(fit->range.low.weights_bytes + fit->range.low.adapter_bytes));
        return;
    }
    batch = kt_sizing_largest_batch(&fit->input, fit->gpu.usable_bytes, fit->gpu.compute_capability);
    sequence = kt_sizing_largest_sequence(&fit->input, fit->gpu.usable_bytes, fit->gpu.compute_capability);
    if (batch > 0)
        kt_strbuf_printf(text, ". Largest that fits this GPU: %u x %u tokens (batch size x sequence length)", batch,
                         fit->input.sequence_length);
    if (sequence > 0 && (batch == 0 || sequence > fit->input.sequence_length))
        kt_strbuf_printf(text, "%s1 x %u tokens%s", batch > 0 ? " or " : ". Largest that fits this GPU: ", sequence,
                         batch > 0 ? "" : " (batch size x sequence length)");
    if (batch == 0 && sequence == 0)
        kt_strbuf_puts(text, ". No batch size and length of use fits this GPU");
}

/* lora keeps 16-bit weights; 4-bit ones often are all that is missing. */
static void write_other_method(struct kt_strbuf *text, const struct fit *fit)
{
    struct kt_tuning_input other = fit->input;
    if (fit->input.method != KT_METHOD_LORA)
        return;
    other.method = KT_METHOD_QLORA;
    other.quantisation_bits = 4;
    other.double_quantisation = true;
    other.gradient_checkpointing = true;
    if (judge(&other, &fit->gpu) < KT_FIT_NO)
        kt_strbuf_printf(text, ". tuning.method: qlora would fit with %.1f GiB",
                         gib(kt_sizing_tuning_range(&other, fit->gpu.compute_capability).high.total_bytes));
}

static void write_cheapest(struct kt_strbuf *text, const struct kt_facts *facts)
{
    struct kt_tuning_needs needs;
    struct kt_sku_fit *fits = NULL;
    const struct kt_sku_fit *any = NULL;
    const struct kt_sku_fit *roomy = NULL;
    size_t count = 0;
    if (!facts->settings->cloud_known || !kt_rule_tuning_needs(facts, &needs))
        return;
    const struct kt_need need = {.by_gpu = needs.rows, .by_gpu_count = needs.count};
    fits = kt_sizing_rank_skus(facts->arena, &need, facts->settings->cloud, &count);
    if (fits == NULL)
        return;
    any = kt_sizing_cheapest_any(fits, count);
    roomy = kt_sizing_cheapest(fits, count);
    if (any == NULL) {
        kt_strbuf_printf(text, ". No machine type of %s that is known here has a GPU large enough",
                         kt_cloud_name(facts->settings->cloud));
        return;
    }
    kt_strbuf_puts(text, ". Cheapest machine type that fits: ");
    kt_explain_sku(text, any->sku);
    if (any->fit == KT_FIT_TIGHT)
        kt_strbuf_puts(text, ", tight");
    if (roomy != NULL && roomy->sku != any->sku) {
        kt_strbuf_puts(text, "; with room to spare: ");
        kt_explain_sku(text, roomy->sku);
    }
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void report(struct kt_rule_run *run, const struct fit *fit, bool refuse, const char *lesson)
{
    const struct kt_facts *facts = run->facts;
    const char *field = field_of(facts, fit);
    bool by_name = kt_streq(field, KT_FIELD_INSTANCE_TYPE);
    enum kt_problem problem = KT_PROBLEM_NOTE;
    struct kt_finding *finding = NULL;
    if (refuse)
        problem = by_name ? KT_PROBLEM_INVALID : KT_PROBLEM_FORBIDDEN;
    finding = kt_rule_report(run, field, problem, by_name ? facts->now.resource.instance_type : NULL, "%s", lesson);
    if (finding != NULL && !refuse)
        finding->severity = KT_SEVERITY_WARNING;
}

static void check_fits(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    struct kt_strbuf text;
    struct fit fit;
    bool refuse = false;
    if (!read_fit(facts, &fit) || (fit.verdict != KT_FIT_NO && fit.verdict != KT_FIT_NEVER))
        return;
    /* A config that cannot be read may ask for less than the template, but never for smaller weights. */
    refuse = !facts->bypass_resource_checks && (kt_tuning_config_settled(facts) || fit.verdict == KT_FIT_NEVER);
    kt_strbuf_init(&text, facts->arena, KT_LIMIT_MESSAGE_BYTES);
    kt_strbuf_puts(&text, facts->bypass_resource_checks
                              ? "GPU memory (not enforced, annotation " KT_ANNOTATION_BYPASS_RESOURCE_CHECKS "): needs "
                              : "GPU memory: needs ");
    write_range(&text, &fit.range);
    kt_strbuf_puts(&text, ", and ");
    write_card(&text, &fit);
    kt_strbuf_puts(&text, ". This is for ");
    write_task(&text, facts, &fit);
    kt_strbuf_puts(&text, fit.range.high.total_bytes > WIDE_RANGE * fit.range.low.total_bytes
                              ? "; the high end is for eager attention and a loss over all logits: "
                              : ": ");
    kt_explain_tuning_estimate(&text, &fit.range.high);
    write_largest(&text, &fit);
    write_other_method(&text, &fit);
    write_cheapest(&text, facts);
    report(run, &fit, refuse, text.data);
}

/* What makes this tuning smaller in this image. */
static const char *smaller(const struct kt_facts *facts, const struct fit *fit)
{
    if (fit->input.batch_size > 1)
        return "lower the batch size";
    if (!fit->input.gradient_checkpointing)
        return "set gradient_checkpointing: true and gradient_checkpointing_kwargs: '{\"use_reentrant\": false}'";
    if (facts->trainer.image->fixed_length > 0)
        return "take a larger GPU";
    return facts->trainer.image->uncut_rows ? "keep the rows shorter" : "lower max_length";
}

static void check_room(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    struct kt_strbuf text;
    struct fit fit;
    if (!read_fit(facts, &fit) || fit.verdict != KT_FIT_TIGHT)
        return;
    kt_strbuf_init(&text, facts->arena, KT_LIMIT_MESSAGE_BYTES);
    kt_strbuf_puts(&text, "GPU memory is tight: needs ");
    write_range(&text, &fit.range);
    kt_strbuf_puts(&text, ", and ");
    write_card(&text, &fit);
    if (fit.batch_size_adapts)
        kt_strbuf_puts(&text, "; auto_find_batch_size may have to lower the batch size");
    kt_strbuf_printf(&text, ". The estimate may be 15%% low; if the Job runs out of memory, %s. This is for ",
                     smaller(facts, &fit));
    write_task(&text, facts, &fit);
    report(run, &fit, false, text.data);
}

static const struct kt_rule rules[] = {
    {
        .id = "R060",
        .severity = KT_SEVERITY_ERROR,
        .origin = KT_ORIGIN_OWN,
        .operations = KT_OPERATION_CREATE | KT_OPERATION_UPDATE,
        .scope = KT_SCOPE_TUNING,
        .title = "what will be trained fits in the memory of one GPU",
        .reason = "the trainer would run out of GPU memory after the node is paid for; upstream does not look",
        .check = check_fits,
    },
    {
        .id = "R061",
        .severity = KT_SEVERITY_WARNING,
        .origin = KT_ORIGIN_OWN,
        .operations = KT_OPERATION_CREATE | KT_OPERATION_UPDATE,
        .scope = KT_SCOPE_TUNING,
        .title = "what will be trained fits with room to spare",
        .reason = "the worst published under-estimate is 15%",
        .check = check_room,
    },
};

const struct kt_rule_table kt_rules_memory = {
    .family = "tuning memory", .rules = rules, .count = KT_ARRAY_LENGTH(rules)};
