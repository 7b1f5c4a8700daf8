/* SPDX-License-Identifier: Apache-2.0 */
/* The Workspace that a command is about: by argument or by the Go plugin's --workspace-name. */
#ifndef KT_PLUGIN_TARGET_H
#define KT_PLUGIN_TARGET_H

#include "plugin/gather.h"

/* clang-format off */
#define KT_WORKSPACE_NAME_FLAG(type)                                                                                   \
    {.name = "workspace-name", .kind = KT_FLAG_TEXT, .offset = offsetof(type, workspace_name), .value_name = "NAME",   \
     .shown = "''", .completion = KT_COMPLETE_WORKSPACES, .help = "Another way to give NAME."}
/* clang-format on */

/* NULL: none was given. */
const char *kt_target_name(const struct kt_app *app, const char *workspace_name);
/* As far as it can be told without asking: a usage fault when there is no name, or two different ones. */
int kt_target_require(struct kt_app *app, const char *workspace_name, const char **ret,
                      struct kt_error *error) KT_NODISCARD;
/* Connects; the namespace is that of the flags or the context. name may be NULL. */
int kt_target_connect(struct kt_app *app, const char *name, struct kt_connection *connection,
                      struct kt_gather_target *ret, struct kt_error *error) KT_NODISCARD;

/* KT_ENOTFOUND in kubectl's words. */
int kt_target_missing(const struct kt_gather_target *target, struct kt_error *error);

#endif
