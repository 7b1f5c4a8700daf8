/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a training is, read from what transformers' trainer writes: its progress bar
 * (`  5%|5         | 3/60 [00:10<03:10,  3.3s/it]`) and its records (see workload/losses.h).
 */
#ifndef KT_PLUGIN_TRAINING_PROGRESS_H
#define KT_PLUGIN_TRAINING_PROGRESS_H

#include "workload/losses.h"

struct kt_training_progress {
    int64_t step;
    int64_t steps; /* 0: not known yet */
    char loss[24]; /* as it was written; "": not known yet */
    char left[16]; /* the time that the bar expects, "03:10" or "1:03:10"; "": not known yet */
    struct kt_losses losses;
};

/* One line of the log; parts of a bar are separated by carriage returns. True when something changed. */
bool kt_training_progress_take(struct kt_training_progress *progress, struct kt_str line);

#endif
