/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of all commands. */
#ifndef KT_PLUGIN_COMMANDS_H
#define KT_PLUGIN_COMMANDS_H

#include "plugin/command.h"

extern const struct kt_command kt_command_tune;       /* cmd_tune.c */
extern const struct kt_command kt_command_deploy;     /* cmd_tune.c */
extern const struct kt_command kt_command_status;     /* cmd_status.c */
extern const struct kt_command kt_command_wait;       /* cmd_wait.c */
extern const struct kt_command kt_command_logs;       /* cmd_logs.c */
extern const struct kt_command kt_command_events;     /* cmd_events.c */
extern const struct kt_command kt_command_delete;     /* cmd_delete.c */
extern const struct kt_command kt_command_check;      /* cmd_check.c */
extern const struct kt_command kt_command_render;     /* cmd_render.c */
extern const struct kt_command kt_command_plan;       /* cmd_plan.c */
extern const struct kt_command kt_command_models;     /* cmd_models.c */
extern const struct kt_command kt_command_skus;       /* cmd_skus.c */
extern const struct kt_command kt_command_version;    /* cmd_version.c */
extern const struct kt_command kt_command_completion; /* cmd_completion.c */
extern const struct kt_command kt_command_options;    /* cmd_help.c */
extern const struct kt_command kt_command_help;       /* cmd_help.c */

#endif
