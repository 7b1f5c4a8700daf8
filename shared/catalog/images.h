/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images that train, by tag of <registry>/kaito-base: images.yaml, turned into a table by the generator. What the
 * trainer in an image takes, refuses and needs is fixed by its row. Which row runs is decided elsewhere
 * (kt_settings_trainer): it depends on the operator.
 */
#ifndef KT_CATALOG_IMAGES_H
#define KT_CATALOG_IMAGES_H

#include "base/base.h"
#include "base/str.h"

/* Kinds of rows, as far as they decide what an image can do. */
enum kt_tuning_data {
    KT_DATA_UNDECLARED, /* nothing says which; messages are the usual ones */
    KT_DATA_MESSAGES,
    KT_DATA_COMPLETIONS, /* prompt and completion */
};

struct kt_trainer_image {
    const char *tag;          /* "0.4.2" */
    const char *release;      /* minor release of upstream that runs it: "v0.11" */
    const char *keys;         /* tag of the row whose parser it has: see admission/training_keys.h */
    bool keys_alike;          /* that parser is nearly its own: an unknown key is likely, not certain, to end the Job */
    const char *torch;        /* versions of its libraries: "2.11.0" */
    const char *transformers; /* "5.6.0" */
    const char *trl;
    const char *peft;
    const char *bitsandbytes;
    uint32_t oldest_gpu;       /* 10 * major + minor of the oldest GPU with kernels in torch; what lora needs */
    uint32_t oldest_gpu_qlora; /* the same for bitsandbytes' 4-bit kernels */
    uint32_t ours_from;        /* our reconciler takes it from this compute capability on; 0: never */
    bool chunked_loss;         /* the loss is computed in chunks unless loss_type says otherwise */
    bool checkpointing;        /* gradient checkpointing is on where the config says nothing; qlora always has it */
    bool float32_weights;      /* lora loads weights in float32 where torch_dtype is not set; else in the model's own */
    uint32_t fixed_length;     /* rows are cut at this many tokens and no key changes it; 0: max_length does */
    bool uncut_rows;           /* no key cuts rows at a length: memory follows the longest row of the data */
    bool batches_of_messages;  /* batch sizes above 1 work with rows of messages */
    bool batches_of_completions; /* and with rows of prompt and completion */
    /* Rows are read in the exact form of trl 0.11 alone: messages or conversations of role and content and nothing
     * else, prompt and completion as texts, no CSV. The others: messages, and prompt and completion, from any file. */
    bool exact_rows;
    bool bfloat16_adapter; /* qlora trains its adapter in bfloat16 whatever is set: fp16: true ends it */
    const char *reads;     /* kinds of rows, for people */
    const char *seen;      /* what was seen to train with it, for people */
};

extern const struct kt_trainer_image kt_trainer_images[]; /* from old to new */
extern const size_t kt_trainer_image_count;

/* By tag. NULL when there is no such row. */
const struct kt_trainer_image *kt_trainer_image_find(struct kt_str tag);
/* The one that a release of upstream runs: "v0.12.0", "0.12", in any patch version. NULL when it is not known. */
const struct kt_trainer_image *kt_trainer_image_of_release(struct kt_str version);
/* The one that our reconciler runs on a GPU of this compute capability (10 * major + minor). 0, unknown: the row whose
 * kernels reach from the oldest GPU to the newest. NULL: no image of ours has kernels for it. */
const struct kt_trainer_image *kt_trainer_image_for_gpu(uint32_t compute_capability);
/* The newest row. */
const struct kt_trainer_image *kt_trainer_image_newest(void);

/* Has it kernels for this GPU? qlora: bitsandbytes is needed too. True for 0, unknown. */
bool kt_trainer_image_has_kernels(const struct kt_trainer_image *image, uint32_t compute_capability, bool qlora);
/* Can it train more than one row of this kind at a time? Undeclared rows count as messages. */
bool kt_trainer_image_batches(const struct kt_trainer_image *image, enum kt_tuning_data data);

#endif
