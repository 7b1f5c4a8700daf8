/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tuning will train, read from its config map the way the trainer reads it: batch size, sequence length, rank,
 * target modules, quantisation and gradient checkpointing. The memory rows, `plan` and the defaults size with this.
 *
 * Sources: the keys and their defaults are those of training_keys.yaml (trl, transformers, peft and bitsandbytes as in
 * upstream v0.12.0's tuning image).
 */
#ifndef KT_ADMISSION_TUNING_INPUT_H
#define KT_ADMISSION_TUNING_INPUT_H

#include "admission/settings.h"
#include "sizing/sizing.h"
#include "text/json.h"

/* What trains: the same config needs other memory in another image and on another GPU. */
struct kt_tuning_runner {
    const struct kt_trainer_image *image; /* NULL: not known, so the answer is a range */
    uint32_t compute_capability;          /* 10 * major + minor; 0: unknown */
    enum kt_tuning_data data;
};

/* A value that could not be used, and what stands in its place. Both strings are constants. */
struct kt_tuning_input_note {
    const char *key;  /* "TrainingArguments.max_length" */
    const char *text; /* sentence part: "is not a whole number above 0, so the library's default of 8 is assumed" */
};

#define KT_TUNING_INPUT_MAX_NOTES 12

struct kt_tuning_derived {
    struct kt_tuning_input input;
    bool batch_size_assumed;      /* the config names none: the library's 8 */
    bool sequence_length_assumed; /* the config names none: 1024 */
    bool batch_size_adapts;       /* auto_find_batch_size: the trainer halves the batch size until it fits */
    bool targets_assumed;         /* the config names none: the trainer's own choice for this model */
    size_t unknown_targets;       /* target modules named that this model does not have */
    bool length_is_fixed;         /* the image cuts rows at a length of its own */
    bool fp16;                    /* TrainingArguments.fp16 is true: the trainer does not turn bf16 on */
    size_t note_count;
    struct kt_tuning_input_note notes[KT_TUNING_INPUT_MAX_NOTES];
};

/* sections is the training_config map, or NULL when no config can be read: then the values of the method's own template
 * stand in (batch size 1, rank 8, 4 bit with double quantisation), and only the sequence length counts as assumed.
 * False, with nothing written, when model is NULL or its architecture is not known in full. Never fails otherwise: a
 * value of an odd kind falls back to the default, with a note. */
bool kt_tuning_input_from_config(const cJSON *sections, enum kt_tuning_method method, const struct kt_model *model,
                                 const struct kt_tuning_runner *runner, struct kt_tuning_derived *ret);

/* The same tuning on every kind of GPU, as the rows of a struct kt_need. */
#define KT_TUNING_NEEDS 6
struct kt_tuning_needs {
    struct kt_tuning_input inputs[KT_TUNING_NEEDS];
    struct kt_tuning_need rows[KT_TUNING_NEEDS]; /* point into inputs: do not copy the struct */
    size_t count;
};
/* sections NULL: the template that is taken on each GPU. False as above. */
bool kt_tuning_needs_read(const struct kt_settings *settings, const cJSON *sections, enum kt_tuning_method method,
                          const struct kt_model *model, enum kt_tuning_data data, struct kt_tuning_needs *ret);

/* What a config declares its rows to be, by the names of columns in DatasetConfig: the trainer itself does not read
 * them. */
enum kt_tuning_data kt_tuning_data_declared(const cJSON *sections);

/* Does peft find something to adapt under this name of LoraConfig.target_modules? It matches the end of a module's path
 * at a dot, and the word all-linear only outside a list, which the trainer always makes. */
bool kt_tuning_target_exists(const struct kt_architecture *architecture, const char *name);

/* Why the trainer must not write its adapter there (TrainingArguments.output_dir), or NULL: only a clean absolute path
 * below /mnt, where the result volume is mounted, outlives the pod. */
const char *kt_output_dir_trouble(struct kt_arena *arena, const char *directory);

#endif
