/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "plugin/catalog_text.h"
#include "plugin/plan.h"
#include "plugin/planning.h"
#include "sizing/explain.h"

#define BAR_COLUMNS 40
#define USUAL_ROWS 10
#define MOST_DEALS 2

static double gib(double bytes)
{
    return bytes / (double)KT_GIB;
}

/* "  weights        2.31 GiB  ##########" */
static void add_bar(struct kt_strbuf *text, const char *label, double bytes, double whole_bytes)
{
    int columns = whole_bytes > 0 ? (int)(bytes / whole_bytes * BAR_COLUMNS + 0.5) : 0;
    if (columns == 0 && bytes > 0)
        columns = 1;
    kt_strbuf_printf(text, "  %-12s %7.2f GiB%s", label, gib(bytes), columns > 0 ? "  " : "");
    for (int i = 0; i < KT_MIN(columns, BAR_COLUMNS); i++)
        kt_strbuf_putc(text, '#');
    kt_strbuf_putc(text, '\n');
}

static void add_wrapped(struct kt_app *app, struct kt_strbuf *text, size_t indent, const char *format, ...)
    KT_PRINTF(4, 5);

static void add_wrapped(struct kt_app *app, struct kt_strbuf *text, size_t indent, const char *format, ...)
{
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    kt_output_wrap(text, line, indent, KT_MIN(app->out_terminal.width, (size_t)100));
}

/* --- tuning --------------------------------------------------------------------------------------------------------
 */

static void add_tuning_title(struct kt_app *app, struct kt_strbuf *text, const struct kt_plan *plan)
{
    const struct kt_tuning_input *tuning = &plan->tuning;
    bool has_image = !plan->chosen || !plan->chosen->no_image;
    struct kt_strbuf targets;
    kt_strbuf_init(&targets, app->arena, (size_t)KT_KIB);
    for (const char *const *name = kt_plan_targets(app->arena, plan); *name; name++)
        kt_strbuf_printf(&targets, "%s%s", targets.length ? ", " : "", *name);
    kt_strbuf_puts(text, kt_terminal_style(&app->out_terminal, KT_STYLE_STRONG));
    kt_output_escape(text, kt_str(plan->model->name));
    kt_strbuf_printf(text, ", tuned with %s%s\n", plan->method, kt_terminal_plain(&app->out_terminal));
    add_wrapped(app, text, 2,
                "batch size %" PRIu32 ", sequence length %" PRIu32 ", rank %" PRIu32
                ", target modules %s, %s, %s, gradient checkpointing %s; rows of %s%s%s",
                tuning->batch_size, tuning->sequence_length, tuning->rank, targets.length ? targets.data : "none",
                tuning->attention == KT_ATTENTION_EAGER ? "eager attention" : "flash attention",
                tuning->loss == KT_LOSS_CHUNKED ? "loss in chunks" : "loss over all tokens at once",
                tuning->gradient_checkpointing ? "on" : "off", kt_plan_data_name(plan),
                has_image ? "; image kaito-base:" : "", has_image ? plan->trainer.tag : "");
}

static void add_tuning_memory(struct kt_strbuf *text, const struct kt_plan *plan)
{
    const struct kt_tuning_estimate *e = &plan->estimate;
    kt_strbuf_puts(text, "\nMemory of each GPU:\n");
    add_bar(text, "weights", e->weights_bytes, e->total_bytes);
    add_bar(text, "adapter", e->adapter_bytes, e->total_bytes);
    add_bar(text, "activations", e->activation_bytes, e->total_bytes);
    add_bar(text, "logits", e->logits_bytes, e->total_bytes);
    add_bar(text, "overhead", e->overhead_bytes, e->total_bytes);
    kt_strbuf_printf(text, "  %-12s %7.2f GiB\n", "total", gib(e->total_bytes));
}

/* --- inference -----------------------------------------------------------------------------------------------------
 */

static void add_serving_title(struct kt_app *app, struct kt_strbuf *text, const struct kt_plan *plan)
{
    kt_strbuf_puts(text, kt_terminal_style(&app->out_terminal, KT_STYLE_STRONG));
    kt_output_escape(text, kt_str(plan->model->name));
    kt_strbuf_printf(text, ", served%s\n", kt_terminal_plain(&app->out_terminal));
    if (plan->serving.context_length > 0)
        add_wrapped(app, text, 2, "context of %" PRIu32 " tokens", plan->serving.context_length);
    else
        add_wrapped(app, text, 2, "room for a context of 2048 tokens; --sequence-length asks for another");
}

static void add_serving_memory(struct kt_strbuf *text, const struct kt_plan *plan)
{
    const struct kt_sku_fit *fit = plan->chosen ? plan->chosen : plan->cheapest;
    if (!fit || fit->fit > KT_FIT_TIGHT)
        return;
    const struct kt_inference_estimate *e = &fit->inference;
    double total = kt_plan_needed_bytes(plan, fit);
    kt_strbuf_printf(text, "\nMemory of each GPU, on %" PRIu32 " x %s:\n", fit->nodes, fit->sku->name);
    add_bar(text, "weights", (double)e->weights_bytes, total);
    add_bar(text, "KV cache", (double)e->kv_cache_bytes, total);
    add_bar(text, "overhead", (double)e->overhead_bytes, total);
    kt_strbuf_printf(text, "  %-12s %7.2f GiB of %.2f GiB that the server may use\n", "total", gib(total),
                     gib((double)e->available_bytes));
    if (e->largest_context > 0)
        kt_strbuf_printf(text, "  The longest context that fits is %" PRIu32 " tokens.\n", e->largest_context);
}

/* max_length is read only by a collator that the trainer does not use there. */
#define UNCUT_ROWS "kaito-base:%s cuts no rows, so the longest of the data is the sequence length."

/* --- the machine type that was named --------------------------------------------------------------------------------
 */

/* How far a tuning can be taken there. */
static void add_largest(struct kt_app *app, struct kt_strbuf *text, const struct kt_plan *plan)
{
    const struct kt_sku_fit *fit = plan->chosen;
    const struct kt_tuning_input *tuning = &plan->tuning;
    const char *tag = plan->trainer.tag;
    bool is_fixed = plan->trainer.image->fixed_length > 0;
    struct kt_strbuf batch;
    kt_strbuf_init(&batch, app->arena, (size_t)KT_KIB);
    if (fit->fit == KT_FIT_NEVER) {
        kt_strbuf_puts(text, "  no batch size or length helps: weights and adapter alone are too large\n");
        return;
    }
    if (fit->largest_batch > 0)
        kt_strbuf_printf(&batch, "largest batch size at %" PRIu32 " tokens: %" PRIu32, tuning->sequence_length,
                         fit->largest_batch);
    else
        kt_strbuf_printf(&batch, "no batch size fits at %" PRIu32 " tokens", tuning->sequence_length);
    if (tuning->most_batch > 0 && fit->largest_batch == tuning->most_batch)
        kt_strbuf_printf(&batch,
                         ", the most that kaito-base:%s takes with such rows; gradient_accumulation_steps: N makes the "
                         "same step as a batch size of N",
                         tag);
    if (is_fixed)
        add_wrapped(app, text, 2, "%s; kaito-base:%s cuts rows at %" PRIu32 " tokens", batch.data, tag,
                    tuning->sequence_length);
    else
        add_wrapped(app, text, 2, "%s; longest sequence at batch size 1: %" PRIu32 " tokens", batch.data,
                    kt_sizing_largest_sequence(tuning, fit->usable_bytes_per_gpu, fit->sku->compute_capability));
    if (plan->trainer.image->uncut_rows)
        add_wrapped(app, text, 2, UNCUT_ROWS, tag);
}

static void add_serving_nodes(struct kt_strbuf *text, const struct kt_sku_fit *fit)
{
    if (fit->fit > KT_FIT_TIGHT)
        return;
    kt_strbuf_printf(text, "  on %" PRIu32 " node%s with %" PRIu32 " GPU%s%s\n", fit->nodes, fit->nodes == 1 ? "" : "s",
                     fit->inference.gpus, fit->inference.gpus == 1 ? "" : "s",
                     fit->inference.data_parallel ? ", each with a whole copy" : "");
}

static void add_verdict(struct kt_app *app, struct kt_strbuf *text, const struct kt_plan *plan)
{
    const struct kt_sku_fit *fit = plan->chosen;
    static const enum kt_style styles[] = {[KT_FIT_FITS] = KT_STYLE_GOOD,
                                           [KT_FIT_TIGHT] = KT_STYLE_WARNING,
                                           [KT_FIT_NO] = KT_STYLE_ERROR,
                                           [KT_FIT_NEVER] = KT_STYLE_ERROR};
    static const char *const words[] = {[KT_FIT_FITS] = "fits",
                                        [KT_FIT_TIGHT] = "fits, but tightly",
                                        [KT_FIT_NO] = "does not fit",
                                        [KT_FIT_NEVER] = "does not fit"};
    kt_strbuf_puts(text, "\nOn ");
    kt_explain_sku(text, fit->sku);
    kt_strbuf_printf(text, ": %s%s%s\n", kt_terminal_style(&app->out_terminal, styles[fit->fit]),
                     fit->no_image ? "no image tunes on it" : words[fit->fit], kt_terminal_plain(&app->out_terminal));
    if (plan->inference) {
        add_serving_nodes(text, fit);
    } else if (!fit->no_image) {
        kt_strbuf_printf(text, "  needs %.1f GiB on each GPU, %.1f GiB are usable\n",
                         gib(kt_plan_needed_bytes(plan, fit)), gib((double)fit->usable_bytes_per_gpu));
        add_largest(app, text, plan);
    }
    for (const char *const *warning = kt_plan_sku_warnings(app->arena, plan, fit); *warning; warning++)
        add_wrapped(app, text, 2, "warning: %s", *warning);
}

/* "" or ", with bfloat16, FlashAttention-2 and more memory". */
static const char *gain_of(const struct kt_sku *chosen, const struct kt_sku *deal)
{
    bool bf16 = !kt_plan_has_bf16(chosen);
    bool memory = kt_sku_bytes_per_gpu(deal) > kt_sku_bytes_per_gpu(chosen);
    if (bf16)
        return memory ? ", with bfloat16, FlashAttention-2 and more memory" : ", with bfloat16 and FlashAttention-2";
    return memory ? ", with more memory" : "";
}

static void add_deals(struct kt_app *app, struct kt_strbuf *text, const struct kt_plan *plan)
{
    const struct kt_sku_fit *deals[MOST_DEALS];
    size_t count = kt_plan_better_deals(plan, deals, MOST_DEALS);
    uint64_t base = plan->chosen->price_milli_usd_per_hour;
    for (size_t i = 0; i < count; i++) {
        struct kt_strbuf sku;
        kt_strbuf_init(&sku, app->arena, (size_t)KT_KIB);
        if (deals[i]->nodes > 1)
            kt_strbuf_printf(&sku, "%" PRIu32 " x ", deals[i]->nodes);
        kt_explain_sku(&sku, deals[i]->sku);
        uint64_t price = deals[i]->price_milli_usd_per_hour;
        bool more = price >= base;
        uint64_t percent = ((more ? price - base : base - price) * 100 + base / 2) / base;
        add_wrapped(app, text, 2, "%s: %s costs %" PRIu64 "%% %s%s", i == 0 ? "better" : "or", sku.data, percent,
                    more ? "more" : "less", gain_of(plan->chosen->sku, deals[i]->sku));
    }
}

/* --- all machine types ----------------------------------------------------------------------------------------------
 */

/* What the lines of the table make worth a sentence below it. */
struct table_marks {
    bool one_at_a_time; /* an image that takes no batch */
    bool cut_short;     /* and one that cuts rows at a length of its own */
    const char *uncut;  /* tag of one that cuts none; NULL: there is none */
    bool no_image;
};

static void add_mark(struct kt_strbuf *notes, bool applies, const char *text)
{
    if (applies)
        kt_strbuf_printf(notes, "%s%s", notes->length ? ", " : "", text);
}

static const char *notes_of(struct kt_arena *arena, const struct kt_plan *plan, const struct kt_sku_fit *fit,
                            struct table_marks *marks)
{
    const struct kt_sku *sku = fit->sku;
    const struct kt_tuning_input *tuning = plan->inference ? NULL : kt_plan_tuning(plan, sku);
    bool cut = tuning && plan->wanted_length.given && plan->wanted_length.value != tuning->sequence_length;
    struct kt_strbuf notes;
    kt_strbuf_init(&notes, arena, (size_t)KT_KIB);
    add_mark(&notes, fit == plan->cheapest, "auto");
    add_mark(&notes, !sku->current, sku->retired_in ? "retired" : "unsupported");
    add_mark(&notes, fit->no_image, "no image");
    add_mark(&notes, !fit->no_image && sku->compute_capability > 0 && !kt_plan_has_bf16(sku), "no bf16");
    add_mark(&notes, cut, kt_arena_printf(arena, "%" PRIu32 " tokens", cut ? tuning->sequence_length : 0));
    marks->one_at_a_time |= tuning && tuning->most_batch > 0;
    marks->cut_short |= cut;
    if (tuning && kt_plan_trainer(plan, sku).image->uncut_rows)
        marks->uncut = kt_plan_trainer(plan, sku).tag;
    marks->no_image |= fit->no_image;
    return notes.data ? notes.data : "";
}

static void add_row(struct kt_app *app, struct kt_table *table, const struct kt_plan *plan,
                    const struct kt_sku_fit *fit, struct table_marks *marks)
{
    const struct kt_sku *sku = fit->sku;
    struct kt_arena *arena = app->arena;
    /* Rows are long enough: every GPU here is from NVIDIA. */
    const char *maker = "NVIDIA ";
    const char *gpu = sku->gpu_model;
    gpu += strncmp(gpu, maker, strlen(maker)) == 0 ? strlen(maker) : 0;
    kt_table_add(table, sku->name);
    kt_table_add(table, kt_arena_printf(arena, "%" PRIu32 " x %s %" PRIu64 " GiB", sku->gpu_count, gpu,
                                        kt_sku_bytes_per_gpu(sku) / KT_GIB));
    kt_table_add(table, kt_fit_name(fit->fit));
    if (plan->inference) {
        kt_table_addf(table, "%" PRIu32, fit->nodes);
    } else {
        kt_table_addf(table, "%" PRIu32, fit->largest_batch);
        kt_table_add(table, fit->no_image ? NULL : kt_plan_trainer(plan, sku).tag);
    }
    kt_table_add(table, kt_text_price(arena, fit->price_milli_usd_per_hour));
    kt_table_add_blank(table, notes_of(arena, plan, fit, marks));
}

static void add_table_words(struct kt_app *app, struct kt_strbuf *text, const struct kt_plan *plan,
                            const struct table_marks *marks)
{
    if (!plan->inference)
        add_wrapped(app, text, 0,
                    "BATCH is the largest batch size that fits at %" PRIu32
                    " tokens with rows of %s, IMAGE the tag of kaito-base that tunes there.",
                    plan->wanted_length.given ? plan->wanted_length.value : plan->tuning.sequence_length,
                    kt_plan_data_name(plan));
    if (marks->one_at_a_time)
        add_wrapped(app, text, 0,
                    "Where the image takes one row at a time, gradient_accumulation_steps: N makes the same step as a "
                    "batch size of N.");
    if (marks->cut_short)
        add_wrapped(app, text, 0, "Where NOTES name another length, the image cuts rows there, and no key changes it.");
    if (marks->uncut)
        add_wrapped(app, text, 0, UNCUT_ROWS, marks->uncut);
    if (marks->no_image)
        add_wrapped(app, text, 0, "no image: none that tunes has kernels for the GPU.");
    if (plan->cheapest)
        add_wrapped(app, text, 0,
                    "auto: what --instance-type=auto takes, the cheapest that Kaito supports, fits with room and has "
                    "bfloat16.");
}

static void add_table(struct kt_app *app, struct kt_strbuf *text, const struct kt_plan *plan, bool all)
{
    static const char *const tuning[] = {"NAME", "GPU", "FIT", "BATCH", "IMAGE", "USD/H", "NOTES", NULL};
    static const char *const serving[] = {"NAME", "GPU", "FIT", "NODES", "USD/H", "NOTES", NULL};
    struct kt_table table;
    struct table_marks marks = {0};
    kt_table_init(&table, app->arena, plan->inference ? serving : tuning, false);
    size_t fitting = 0;
    for (size_t i = 0; i < plan->fit_count; i++) {
        const struct kt_sku_fit *fit = &plan->fits[i];
        fitting += fit->fit <= KT_FIT_TIGHT;
        if (all || (fit->fit <= KT_FIT_TIGHT && fitting <= USUAL_ROWS))
            add_row(app, &table, plan, fit, &marks);
    }
    kt_strbuf_putc(text, '\n');
    add_wrapped(app, text, 0,
                "Machine types of %s%s: with room, then tight%s, cheapest first in each:", kt_cloud_name(plan->cloud),
                all ? "" : " that fit", all ? ", then too small" : "");
    if (fitting == 0 && !all) {
        kt_strbuf_puts(text, "  none\n");
        return;
    }
    kt_table_write(&table, text, 0);
    if (!all && fitting > USUAL_ROWS)
        kt_strbuf_printf(text, "%zu more fit; --all lists every machine type.\n", fitting - USUAL_ROWS);
    add_table_words(app, text, plan, &marks);
}

int kt_plan_write_text(struct kt_app *app, const struct kt_plan *plan, bool all, struct kt_error *error)
{
    struct kt_strbuf text = kt_output_buffer(app);
    if (plan->inference) {
        add_serving_title(app, &text, plan);
        add_serving_memory(&text, plan);
    } else {
        add_tuning_title(app, &text, plan);
        add_tuning_memory(&text, plan);
    }
    if (plan->chosen) {
        add_verdict(app, &text, plan);
        add_deals(app, &text, plan);
    }
    add_table(app, &text, plan, all);
    for (size_t i = 0; i < plan->note_count; i++)
        add_wrapped(app, &text, 0, "Note: %s.", plan->notes[i]);
    return kt_output_write(app, &text, error);
}
