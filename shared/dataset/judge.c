/* SPDX-License-Identifier: Apache-2.0 */
/* What the trainer of an image does with a file: the runs of tests/trainer/rows.tsv as tables. */
#include <inttypes.h>

#include "dataset/dataset.h"

static const char *const outcomes[] = {
    [KT_DATASET_READS] = "reads",
    [KT_DATASET_BATCH_ONE] = "batch-size-1",
    [KT_DATASET_TEACHES_NOTHING] = "teaches-nothing",
    [KT_DATASET_DIES] = "ends",
    [KT_DATASET_UNKNOWN] = "unknown",
};

const char *kt_dataset_outcome_name(enum kt_dataset_outcome outcome)
{
    return outcomes[outcome];
}

static const struct {
    bool exact;        /* read by images whose row has exact_rows */
    bool any;          /* read by the others */
    bool is_converted; /* kaito.sh/dataset-format takes it */
    const char *advice;
} kinds[KT_ROW_KIND_COUNT] = {
    [KT_ROW_MESSAGES] = {true, true, false, NULL},
    [KT_ROW_COMPLETIONS] = {true, true, false, NULL},
    [KT_ROW_COMPLETION_CHATS] = {false, true, false,
                                 "put the messages of prompt and completion into one list, in a column named messages"},
    [KT_ROW_CONVERSATIONS] = {true, false, false, "name the column messages"},
    [KT_ROW_SHAREGPT] = {false, false, false,
                         "name the column messages, and in it role (user, assistant, system) in place of from (human, "
                         "gpt, system), and content in place of value"},
    [KT_ROW_ALPACA] = {false, false, true,
                       "make each row {\"messages\": [{\"role\": \"user\", \"content\": instruction and input}, "
                       "{\"role\": \"assistant\", \"content\": output}]}"},
    [KT_ROW_TEXT] = {false, false, true, "make each row {\"prompt\": \"\", \"completion\": text}"},
    [KT_ROW_OTHER] = {false, false, false,
                      "make each row {\"messages\": [{\"role\": \"user\", \"content\": question}, {\"role\": "
                      "\"assistant\", \"content\": answer}]}"},
};

struct judgement {
    struct kt_arena *arena;
    const struct kt_dataset_report *report;
    const struct kt_trainer_image *image;
    enum kt_dataset_conversion conversion;
    bool converts;
};

static const char *place_text(struct kt_arena *arena, struct kt_dataset_place place)
{
    if (place.line == 0)
        return kt_arena_printf(arena, "row %" PRIu64, place.row);
    return place.row == 0 ? kt_arena_printf(arena, "line %" PRIu64, place.line)
                          : kt_arena_printf(arena, "row %" PRIu64 " (line %" PRIu64 ")", place.row, place.line);
}

static struct kt_dataset_verdict dies(const char *why, const char *advice)
{
    return (struct kt_dataset_verdict){KT_DATASET_DIES, why ? why : "it cannot be read", advice};
}

/* --- the file as a whole ------------------------------------------------------------------------------------------ */

static bool judge_file(const struct judgement *judgement, struct kt_dataset_verdict *ret)
{
    const struct kt_dataset_report *report = judgement->report;
    struct kt_arena *arena = judgement->arena;
    if (report->file_words[0])
        *ret = dies(report->file_place.line == 0
                        ? report->file_words
                        : kt_arena_printf(arena, "%s: %s", place_text(arena, report->file_place), report->file_words),
                    NULL);
    else if (report->rows == 0)
        *ret = dies("there are no rows in it", NULL);
    else if (report->bad_rows > 0)
        *ret = dies(kt_arena_printf(arena, "%s%s%s%s", report->unread ? "" : place_text(arena, report->bad),
                                    report->unread ? "" : ": ", report->bad_words,
                                    report->bad_rows > 1 && !report->unread
                                        ? kt_arena_printf(arena, "; %" PRIu64 " rows cannot be used", report->bad_rows)
                                        : ""),
                    NULL);
    else
        return false;
    return true;
}

/* The kind that comes first in the file, by which the trainer takes all rows. */
static enum kt_row_kind first_kind(const struct kt_dataset_report *report)
{
    enum kt_row_kind first = KT_ROW_OTHER;
    for (unsigned i = 0; i < KT_ROW_KIND_COUNT; i++) {
        if (report->kinds[i] > 0 &&
            (report->kinds[first] == 0 || report->first_of_kind[i].row < report->first_of_kind[first].row))
            first = (enum kt_row_kind)i;
    }
    return first;
}

static bool judge_mixture(const struct judgement *judgement, enum kt_row_kind first, struct kt_dataset_verdict *ret)
{
    const struct kt_dataset_report *report = judgement->report;
    enum kt_row_kind second = KT_ROW_KIND_COUNT;
    for (unsigned i = 0; i < KT_ROW_KIND_COUNT; i++) {
        if (i != first && report->kinds[i] > 0 &&
            (second == KT_ROW_KIND_COUNT || report->first_of_kind[i].row < report->first_of_kind[second].row))
            second = (enum kt_row_kind)i;
    }
    if (second == KT_ROW_KIND_COUNT)
        return false;
    *ret = dies(kt_arena_printf(judgement->arena, "rows are of several kinds: %s is %s, %s is %s",
                                place_text(judgement->arena, report->first_of_kind[first]), kt_row_kind_name(first),
                                place_text(judgement->arena, report->first_of_kind[second]), kt_row_kind_name(second)),
                "put rows of one kind into a file");
    return true;
}

/* --- the kind of its rows ----------------------------------------------------------------------------------------- */

static const char *advice_for(const struct judgement *judgement, enum kt_row_kind kind)
{
    if (kind == KT_ROW_OTHER && judgement->report->wrapped_in[0])
        return kt_arena_printf(judgement->arena,
                               "the file is one object, and its rows are in \"%s\": write that array alone, or each of "
                               "its items on a line",
                               judgement->report->wrapped_in);
    if (!kinds[kind].is_converted || !judgement->converts)
        return kinds[kind].advice;
    return kt_arena_printf(judgement->arena,
                           "annotate the Workspace with kaito.sh/dataset-format: %s (tune --dataset-format=%s), which "
                           "converts the rows before the training; or %s",
                           kind == KT_ROW_TEXT ? "text" : "alpaca", kind == KT_ROW_TEXT ? "text" : "alpaca",
                           kinds[kind].advice);
}

/* Images that take rows only in the exact form that they know. */
static bool judge_form(const struct judgement *judgement, enum kt_row_kind kind, struct kt_dataset_verdict *ret)
{
    const struct kt_dataset_report *report = judgement->report;
    bool is_chat = kind == KT_ROW_MESSAGES || kind == KT_ROW_CONVERSATIONS;
    if (!judgement->image->exact_rows || judgement->conversion != KT_CONVERT_NOTHING)
        return false;
    if (is_chat && report->extra.row > 0)
        *ret = dies(kt_arena_printf(judgement->arena, "%s has a message with the field \"%s\" beside role and content",
                                    report->unread ? "a row" : place_text(judgement->arena, report->extra),
                                    report->extra_name),
                    "take the field out of all messages");
    else if (report->format == KT_DATASET_CSV)
        *ret = dies("this image takes no rows from CSV", "write them as JSON Lines");
    else if (report->new_features)
        *ret = dies("the Parquet file was written by a datasets library of version 4 or newer, which the one in this "
                    "image does not understand",
                    "write the rows as JSON Lines");
    else
        return false;
    return true;
}

static bool is_read(const struct judgement *judgement, enum kt_row_kind kind)
{
    return judgement->image->exact_rows ? kinds[kind].exact : kinds[kind].any;
}

static struct kt_dataset_verdict judge_kind(const struct judgement *judgement, enum kt_row_kind kind)
{
    struct kt_dataset_verdict verdict = {.outcome = KT_DATASET_READS};
    bool is_completion = kind == KT_ROW_COMPLETIONS || kind == KT_ROW_COMPLETION_CHATS;
    if (kind == KT_ROW_SHAREGPT && !judgement->image->exact_rows)
        return (struct kt_dataset_verdict){
            KT_DATASET_TEACHES_NOTHING,
            "the trainer takes ShareGPT's rows (from, value) for chats without a word in them: the loss is 0, and the "
            "adapter stays as it was made",
            advice_for(judgement, kind)};
    if (!is_read(judgement, kind))
        return dies(kt_arena_printf(judgement->arena, "its rows are %s, which the trainer does not read%s",
                                    kind == KT_ROW_OTHER ? "of no kind that is known" : kt_row_kind_name(kind),
                                    judgement->report->format == KT_DATASET_CSV && kind == KT_ROW_OTHER
                                        ? "; of CSV it reads the columns prompt and completion"
                                        : ""),
                    advice_for(judgement, kind));
    if (judge_form(judgement, kind, &verdict))
        return verdict;
    if (is_completion && !kt_trainer_image_batches(judgement->image, KT_DATA_COMPLETIONS)) {
        verdict.outcome = KT_DATASET_BATCH_ONE;
        verdict.why = "rows of prompt and completion are trained one at a time: a larger batch ends the trainer";
        verdict.advice = "set per_device_train_batch_size: 1, and gradient_accumulation_steps for more rows a step";
    } else if (!kt_trainer_image_batches(judgement->image, KT_DATA_MESSAGES)) {
        verdict.outcome = KT_DATASET_BATCH_ONE;
        verdict.why = "rows are trained one at a time: in this image a larger batch ends the trainer";
        verdict.advice = "set per_device_train_batch_size: 1, and gradient_accumulation_steps for more rows a step";
    }
    return verdict;
}

struct kt_dataset_verdict kt_dataset_judge(struct kt_arena *arena, const struct kt_dataset_report *report,
                                           const struct kt_trainer_image *image, enum kt_dataset_conversion conversion,
                                           bool converts)
{
    const struct judgement judgement = {arena, report, image, conversion, converts};
    struct kt_dataset_verdict verdict;
    if (report->format == KT_DATASET_OTHER)
        return (struct kt_dataset_verdict){KT_DATASET_UNKNOWN, "files of this kind are not looked into", NULL};
    if (judge_file(&judgement, &verdict))
        return verdict;
    enum kt_row_kind kind = first_kind(report);
    if (judge_mixture(&judgement, kind, &verdict))
        return verdict;
    if (conversion == KT_CONVERT_NOTHING)
        return judge_kind(&judgement, kind);
    if (kind != kt_dataset_converts_from(conversion))
        return dies(kt_arena_printf(arena, "its rows are %s, and kaito.sh/dataset-format: %s converts %s",
                                    kt_row_kind_name(kind), kt_dataset_conversions[conversion - KT_CONVERT_TEXT],
                                    kt_row_kind_name(kt_dataset_converts_from(conversion))),
                    is_read(&judgement, kind) ? "take the format out: the trainer reads the rows as they are" : NULL);
    return judge_kind(&judgement, kt_dataset_converts_to(conversion));
}
