/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/complete.h"

#include <string.h>

#include "catalog/catalog.h"
#include "kube/api.h"
#include "kube/kubeconfig.h"
#include "plugin/commands.h"
#include "plugin/connection.h"
#include "plugin/output.h"

#define WORKSPACES_TIMEOUT_MS 1000

struct completer {
    struct kt_app *app;
    struct kt_strbuf answer;
    struct kt_str typed;
    bool files;
};

static void offer(struct completer *completer, const char *word, const char *what)
{
    if (!kt_str_starts_with(kt_str(word), completer->typed))
        return;
    kt_output_escape(&completer->answer, kt_str(word));
    if (what && what[0]) {
        kt_strbuf_putc(&completer->answer, '\t');
        kt_output_escape(&completer->answer, kt_str(what));
    }
    kt_strbuf_putc(&completer->answer, '\n');
}

static void offer_commands(struct completer *completer, const struct kt_command *const *list)
{
    for (; list && *list; list++)
        if (!(*list)->hidden)
            offer(completer, (*list)->name, (*list)->summary);
}

static void offer_models(struct completer *completer, bool tunable_only)
{
    for (size_t i = 0; i < kt_model_count; i++) {
        const struct kt_model *model = &kt_models[i];
        if (model->status == KT_MODEL_CURRENT && (model->tunable || !tunable_only))
            offer(completer, model->name, model->tunable ? "can be tuned" : model->family);
    }
}

static void offer_skus(struct completer *completer)
{
    for (size_t i = 0; i < kt_sku_count; i++)
        if (kt_skus[i].current)
            offer(completer, kt_skus[i].name, kt_skus[i].gpu_model);
}

static void offer_kubeconfig(struct completer *completer, enum kt_completion what)
{
    struct kt_kubeconfig config;
    struct kt_app *app = completer->app;
    if (kt_kubeconfig_load(app->arena, app->environment, app->globals.kubeconfig, &config, NULL) != 0)
        return;
    for (size_t i = 0; what == KT_COMPLETE_CONTEXTS && i < config.context_count; i++)
        offer(completer, config.contexts[i].name, NULL);
    for (size_t i = 0; what == KT_COMPLETE_CLUSTERS && i < config.cluster_count; i++)
        offer(completer, config.clusters[i].name, NULL);
    for (size_t i = 0; what == KT_COMPLETE_USERS && i < config.user_count; i++)
        offer(completer, config.users[i].name, NULL);
}

/* A shell waits for the answer: a server that takes its time is not waited for. */
static void offer_workspaces(struct completer *completer)
{
    struct kt_app *app = completer->app;
    KT_CLEANUP(kt_disconnect) struct kt_connection connection = {0};
    struct kt_reply reply;
    struct kt_list list;
    const struct kt_list_options options = {.timeout_ms = WORKSPACES_TIMEOUT_MS};
    const cJSON *workspace;
    struct kt_error error;
    if (kt_connect(app, &connection, &error) != 0 ||
        kt_api_list(connection.client, app->arena, &kt_resource_workspaces, connection.config.namespace_, &options,
                    &list, &reply, &error) != 0)
        return;
    cJSON_ArrayForEach(workspace, list.items)
        offer(completer, kt_json_string_or(kt_json_path(workspace, "metadata", "name", NULL), ""),
              kt_json_string_or(kt_json_path(workspace, "status", "state", NULL), ""));
}

static void offer_kind(struct completer *completer, enum kt_completion what, const struct kt_flag *flag)
{
    switch (what) {
    case KT_COMPLETE_NOTHING:
        break;
    case KT_COMPLETE_CHOICES:
        for (const char *const *choice = flag ? flag->choices : NULL; choice && *choice; choice++)
            offer(completer, *choice, NULL);
        break;
    case KT_COMPLETE_FILES:
        completer->files = true;
        break;
    case KT_COMPLETE_MODELS:
    case KT_COMPLETE_TUNABLE_MODELS:
        offer_models(completer, what == KT_COMPLETE_TUNABLE_MODELS);
        break;
    case KT_COMPLETE_SKUS:
        offer_skus(completer);
        break;
    case KT_COMPLETE_CONTEXTS:
    case KT_COMPLETE_CLUSTERS:
    case KT_COMPLETE_USERS:
        offer_kubeconfig(completer, what);
        break;
    case KT_COMPLETE_WORKSPACES:
        offer_workspaces(completer);
        break;
    case KT_COMPLETE_COMMANDS:
        offer_commands(completer, kt_commands);
        break;
    }
}

static void offer_flags(struct completer *completer, const struct kt_flag *flags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!flags[i].help || flags[i].alias_of)
            continue;
        const char *word =
            kt_arena_printf(completer->app->arena, "--%s%s", flags[i].name, kt_flag_needs_value(&flags[i]) ? "=" : "");
        if (word)
            offer(completer, word, flags[i].help);
    }
}

/* The flag whose value is being typed: "--flag=" in the last word, or the word before is a flag that needs one. */
static const struct kt_flag *flag_being_given(struct completer *completer, const struct kt_command *command,
                                              const char *before)
{
    const struct kt_flag_table tables[] = {{command ? command->flags : NULL, command ? command->flag_count : 0, NULL},
                                           {kt_global_flag_rows, kt_global_flag_count, NULL}};
    struct kt_str typed = completer->typed;
    size_t equals = kt_str_find_char(typed, '=');
    bool inside = typed.length > 2 && typed.data[0] == '-' && typed.data[1] == '-' && equals != SIZE_MAX;
    for (size_t t = 0; t < KT_ARRAY_LENGTH(tables); t++) {
        const struct kt_flag *flag = NULL;
        if (inside)
            flag = kt_flags_find(&tables[t], (struct kt_str){typed.data + 2, equals - 2});
        else if (before && strncmp(before, "--", 2) == 0)
            flag = kt_flags_find(&tables[t], kt_str(before + 2));
        else if (before && before[0] == '-' && before[1] && !before[2])
            flag = kt_flags_find_letter(&tables[t], before[1]);
        if (!flag || (!inside && !kt_flag_needs_value(flag)))
            continue;
        if (inside)
            completer->typed = (struct kt_str){typed.data + equals + 1, typed.length - equals - 1};
        return flag;
    }
    return NULL;
}

static void answer_for(struct completer *completer, const struct kt_resolved_command *resolved, const char *before)
{
    const struct kt_command *command = resolved->command;
    const struct kt_flag *flag = flag_being_given(completer, command, before);
    if (flag) {
        offer_kind(completer, flag->completion, flag);
    } else if (completer->typed.length > 0 && completer->typed.data[0] == '-') {
        if (command)
            offer_flags(completer, command->flags, command->flag_count);
        offer_flags(completer, kt_global_flag_rows, kt_global_flag_count);
    } else {
        offer_commands(completer, resolved->list);
        if (command)
            offer_kind(completer, command->completion, NULL);
    }
}

int kt_complete_run(struct kt_app *app, int count, char *const *words)
{
    /* kt_command_resolve skips words[0], as of an argv. */
    char **before = kt_arena_calloc(app->arena, (size_t)count + 2, sizeof(*before));
    if (!before)
        return KT_EXIT_ERROR;
    int argc = 1;
    for (int i = 0; i + 1 < count; i++)
        before[argc++] = words[i];
    struct kt_resolved_command resolved;
    kt_command_resolve(app, &argc, before, &resolved);
    struct completer completer = {
        .app = app,
        .answer = kt_output_buffer(app),
        .typed = kt_str(count > 0 ? words[count - 1] : ""),
    };
    if (!resolved.unknown_word)
        answer_for(&completer, &resolved, argc > 1 ? before[argc - 1] : NULL);
    kt_strbuf_printf(&completer.answer, ":%d\n", completer.files ? 0 : 4);
    struct kt_error error;
    return kt_output_write(app, &completer.answer, &error) == 0 ? KT_EXIT_OK : KT_EXIT_ERROR;
}
