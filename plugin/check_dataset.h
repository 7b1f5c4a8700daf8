/* SPDX-License-Identifier: Apache-2.0 */
/* `check --dataset`: what rows a file of training data holds, and what the trainer would do with them. */
#ifndef KT_PLUGIN_CHECK_DATASET_H
#define KT_PLUGIN_CHECK_DATASET_H

#include "admission/rule.h"
#include "admission/settings.h"
#include "dataset/dataset.h"
#include "plugin/output.h"

#define KT_DATASET_MOST_SHOWN 1000

/* A Workspace that would train on the files. */
struct kt_dataset_use {
    const char *workspace;
    const struct kt_trainer_image *image;
    enum kt_dataset_conversion conversion;
    const char *batch_key; /* of the batch size in the config that is above 1; NULL: there is none */
    const char *extension; /* DatasetConfig.dataset_extension; NULL: none */
};
#define KT_DATASET_MOST_USES 64

struct kt_dataset_uses {
    struct kt_arena *arena; /* of the run */
    struct kt_dataset_use items[KT_DATASET_MOST_USES];
    size_t count;
};
/* Notes the tuning of a Workspace that was judged, for kt_check_setup. context: struct kt_dataset_uses. */
void kt_dataset_note_use(void *context, const struct kt_facts *facts);

struct kt_dataset_setup {
    const struct kt_texts *files; /* "-": standard input */
    const struct kt_settings *settings;
    const struct kt_dataset_uses *uses; /* none: judged by the images that the settings lead to */
    enum kt_dataset_conversion conversion;
    uint32_t shown;        /* rows that are printed */
    enum kt_format format; /* KT_FORMAT_JSON, or text */
};

/* What was found in one file. */
struct kt_checked_dataset {
    const struct kt_dataset_setup *setup;
    const char *name; /* as it was given */
    struct kt_dataset_guess guess;
    const struct kt_dataset_report *report;
    const char *name_fault; /* why the trainer would not find or not understand a file of this name; NULL: nothing */
    struct kt_str rows;     /* those that are shown: a JSON text a line */
    const struct kt_dataset_use *uses;            /* one for each of the images, or NULL */
    const struct kt_trainer_image *const *images; /* by which it is judged */
    const struct kt_dataset_verdict *verdicts;    /* one for each of them */
    size_t image_count;
    bool trains; /* with one of the images */
};

/* Looks at all files and writes what it finds to app->out. Returns an exit code, or a negative error code. */
int kt_check_datasets(struct kt_app *app, const struct kt_dataset_setup *setup, struct kt_error *error) KT_NODISCARD;

/* Judges a file for one Workspace, by its image, its annotation and its config. */
struct kt_dataset_verdict kt_dataset_judge_use(struct kt_arena *arena, const struct kt_checked_dataset *checked,
                                               const struct kt_dataset_use *use);

void kt_dataset_write_text(struct kt_app *app, struct kt_strbuf *text, const struct kt_checked_dataset *checked);
void kt_dataset_write_json(struct kt_app *app, struct kt_strbuf *text, const struct kt_checked_dataset *checked);

#endif
