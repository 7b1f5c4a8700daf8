/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/target.h"

#include "text/names.h"

const char *kt_target_name(const struct kt_app *app, const char *workspace_name)
{
    const char *name = app->argument_count > 0 ? app->arguments[0] : workspace_name;
    return name && name[0] ? name : NULL;
}

int kt_target_require(struct kt_app *app, const char *workspace_name, const char **ret, struct kt_error *error)
{
    const char *name = kt_target_name(app, workspace_name);
    if (!name)
        return kt_app_usage_fault(app, error, "the name of a Workspace is missing: %s %s", app->command_path,
                                  app->command->usage);
    if (workspace_name && workspace_name[0] && !kt_streq(workspace_name, name))
        return kt_app_usage_fault(app, error, "two names are given: \"%.60s\" and --workspace-name \"%.60s\"", name,
                                  workspace_name);
    *ret = name;
    return 0;
}

/* "workspace/a" and "workspaces.kaito.sh/a", as -o name prints and kubectl takes. */
static const char *without_type(const char *name)
{
    static const char *const types[] = {"workspace/", "workspaces/",          "workspace.kaito.sh/",
                                        "wk/",        "workspaces.kaito.sh/", "wks/"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(types); i++)
        if (kt_str_starts_with(kt_str(name), kt_str(types[i])))
            return name + strlen(types[i]);
    return name;
}

int kt_target_connect(struct kt_app *app, const char *name, struct kt_connection *connection,
                      struct kt_gather_target *ret, struct kt_error *error)
{
    const char *problem = NULL;
    name = name ? without_type(name) : NULL;
    if (name && (problem = kt_names_dns1123_subdomain(kt_str(name))))
        return kt_error_set(error, KT_EINVAL, "\"%.80s\" is no name of a Workspace: %s", name, problem);
    int code = kt_connect(app, connection, error);
    if (code != 0)
        return code;
    const char *namespace_ = connection->config.namespace_;
    if ((problem = kt_names_dns1123_label(kt_str(namespace_))))
        return kt_error_set(error, KT_EINVAL, "the namespace \"%.60s\" is no name of a namespace: %s", namespace_,
                            problem);
    *ret = (struct kt_gather_target){.connection = connection, .namespace_ = namespace_, .name = name};
    return 0;
}

int kt_target_missing(const struct kt_gather_target *target, struct kt_error *error)
{
    return kt_error_set(error, KT_ENOTFOUND, "Error from server (NotFound): workspaces.kaito.sh \"%s\" not found",
                        target->name);
}
