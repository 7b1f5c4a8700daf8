/* SPDX-License-Identifier: Apache-2.0 */
/* `wait`: until a Workspace has come where it should, with one line a stage. */
#include "plugin/commands.h"
#include "plugin/target.h"
#include "plugin/wait.h"

struct wait_flags {
    const char *workspace_name;
    const char *goal;
    const char *timeout;
    bool follow;
};

/* "delete" as kubectl says it; the others as a state is called. */
static const struct {
    const char *word;
    enum kt_wait_goal goal;
} goals[] = {
    {"succeeded", KT_WAIT_SUCCEEDED}, {"ready", KT_WAIT_READY},     {"failed", KT_WAIT_FAILED},
    {"delete", KT_WAIT_DELETED},      {"deleted", KT_WAIT_DELETED},
};
static const char *const goal_words[] = {"succeeded", "ready", "failed", "delete", "deleted", NULL};

#define AT(member) offsetof(struct wait_flags, member)
static const struct kt_flag flags[] = {
    {.name = "follow",
     .kind = KT_FLAG_BOOL,
     .offset = AT(follow),
     .shown = "false",
     .help = "Write the trainer's log to standard output meanwhile."},
    {.name = "for",
     .kind = KT_FLAG_TEXT,
     .offset = AT(goal),
     .value_name = "STATE",
     .shown = "''",
     .choices = goal_words,
     .completion = KT_COMPLETE_CHOICES,
     .help = "succeeded, ready, failed or delete; otherwise succeeded for a tuning, ready for a model that is served."},
    {.name = "timeout",
     .kind = KT_FLAG_TEXT,
     .offset = AT(timeout),
     .value_name = "TIME",
     .shown = "'0'",
     .help = "How long to wait at most, e.g. 30m; 0: for as long as it takes."},
    KT_WORKSPACE_NAME_FLAG(struct wait_flags),
};

static int run_wait(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct wait_flags *options = values;
    KT_CLEANUP(kt_disconnect) struct kt_connection connection = {0};
    struct kt_gather_target target;
    struct kt_wait_options wait = {.goal = KT_WAIT_DONE, .follow = options->follow};
    const char *name;
    int code = kt_target_require(app, options->workspace_name, &name, error);
    if (code == 0)
        code = kt_wait_parse_timeout(options->timeout, &wait.timeout_ms, error);
    for (size_t i = 0; code == 0 && options->goal && i < KT_ARRAY_LENGTH(goals); i++)
        if (kt_streq(options->goal, goals[i].word))
            wait.goal = goals[i].goal;
    if (code == 0)
        code = kt_target_connect(app, name, &connection, &target, error);
    return code == 0 ? kt_wait(&target, &wait, error) : code;
}

const struct kt_command kt_command_wait = {
    .name = "wait",
    .group = KT_GROUP_FOLLOW,
    .summary = "Wait until a Workspace has succeeded or is ready, with one line a stage",
    .description =
        "Wait until a Workspace has come where it should, and show on the way where it is: one line a stage on "
        "standard error. An API server that goes away is waited for. Ctrl-C ends the waiting; the Workspace goes on.",
    .usage = "NAME [flags]",
    .examples = "kubectl kaito wait tune-phi-3\n"
                "kubectl kaito wait tune-phi-3 --timeout 2h --follow\n"
                "kubectl kaito wait tune-phi-3 --for=delete\n",
    .notes =
        "Exit codes: 0 only when it has come there; 1 when it no longer can (it has failed, was deleted), with the "
        "cause; 124 when the time is up; 130 after Ctrl-C.",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct wait_flags),
    .most_arguments = 1,
    .completion = KT_COMPLETE_WORKSPACES,
    .run = run_wait,
};
