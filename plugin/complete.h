/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to a shell that completes a command line, in cobra's protocol: one candidate a line ("word<TAB>what it is"),
 * then ":4" (no file names) or ":0" (complete file names).
 */
#ifndef KT_PLUGIN_COMPLETE_H
#define KT_PLUGIN_COMPLETE_H

#include "plugin/command.h"

/* kubectl (1.26 or newer) runs the program of this name to complete `kubectl kaito ...`. */
#define KT_COMPLETE_PROGRAM "kubectl_complete-kaito"
/* The same as a hidden command, for the scripts that `completion` prints. */
#define KT_COMPLETE_COMMAND "__complete"

/* words: what stands behind "kubectl kaito"; the last is being typed and may be "". Returns the exit code. */
int kt_complete_run(struct kt_app *app, int count, char *const *words);

#endif
