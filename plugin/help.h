/* SPDX-License-Identifier: Apache-2.0 */
/* Help texts from the command rows, in kubectl's layout. */
#ifndef KT_PLUGIN_HELP_H
#define KT_PLUGIN_HELP_H

#include "plugin/command.h"

/* The list of commands. */
void kt_help_root(struct kt_app *app);
/* One command: what it does, examples, options, usage. */
void kt_help_command(struct kt_app *app, const struct kt_command *command);
/* The options that every command has. */
void kt_help_global_options(struct kt_app *app);

#endif
