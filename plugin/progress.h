/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One live line a stage on app->err: on a terminal rewritten in place with the seconds that have passed, otherwise a
 * line for each change. Several threads may use it.
 */
#ifndef KT_PLUGIN_PROGRESS_H
#define KT_PLUGIN_PROGRESS_H

#include <pthread.h>

#include "plugin/command.h"
#include "plugin/training_progress.h"

#define KT_PROGRESS_TEXT_BYTES 1024

struct kt_progress {
    struct kt_app *app;
    pthread_mutex_t lock;
    int64_t started_ms;
    bool is_live;      /* a terminal that can be rewritten */
    bool is_on_screen; /* the live line, without its line feed */
    char stage[32];
    char detail[KT_PROGRESS_TEXT_BYTES];
    char training[128];     /* "step 3/60, loss 1.23, 03:10 left"; "": not known */
    bool has_loss;          /* was written */
    int64_t training_tenth; /* of the steps, that was written last; -1: none */
};

void kt_progress_init(struct kt_progress *progress, struct kt_app *app);
/* Leaves the last line where it is. */
void kt_progress_end(struct kt_progress *progress);

/* text may be from outside. Nothing is written when nothing has changed. */
void kt_progress_set(struct kt_progress *progress, const char *stage, const char *detail);
/* Takes the place of the detail while the stage is that of training. Off a terminal every tenth is written. */
void kt_progress_training(struct kt_progress *progress, const struct kt_training_progress *training);
/* The seconds. */
void kt_progress_tick(struct kt_progress *progress);
/* A line on app->err that stays. */
void kt_progress_say(struct kt_progress *progress, const char *line);
/* A line on app->out. False when it, or one before it, could not be written: nobody reads any more. */
bool kt_progress_out(struct kt_progress *progress, struct kt_str line);
bool kt_progress_can_write(struct kt_progress *progress);

#endif
