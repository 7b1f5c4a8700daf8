/* SPDX-License-Identifier: Apache-2.0 */
/* The list of commands, in the order of help. Each row stands in the file of its command. */
#include "plugin/commands.h"

const struct kt_command *const kt_commands[] = {
    &kt_command_tune,
    &kt_command_deploy,
    &kt_command_status,
    &kt_command_wait,
    &kt_command_logs,
    &kt_command_events,
    &kt_command_delete,
    &kt_command_check,
    &kt_command_render,
    &kt_command_plan,
    &kt_command_models,
    &kt_command_skus,
    &kt_command_version,
    &kt_command_completion,
    &kt_command_options,
    &kt_command_help,
    NULL,
};
