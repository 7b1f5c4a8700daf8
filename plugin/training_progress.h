/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a training is, read from what transformers' trainer writes: its progress bar
 * (`  5%|5         | 3/60 [00:10<03:10,  3.3s/it]`) and its records (`{'loss': 1.23, 'grad_norm': 0.4, 'epoch': 0.1}`).
 */
#ifndef KT_PLUGIN_TRAINING_PROGRESS_H
#define KT_PLUGIN_TRAINING_PROGRESS_H

#include "base/str.h"

struct kt_training_progress {
    int64_t step;
    int64_t steps; /* 0: not known yet */
    char loss[24]; /* as it was written; "": not known yet */
};

/* One line of the log; parts of a bar are separated by carriage returns. True when something changed. */
bool kt_training_progress_take(struct kt_training_progress *progress, struct kt_str line);

#endif
