/* SPDX-License-Identifier: Apache-2.0 */
/* `logs`: of the container that has something to say. */
#include "plugin/commands.h"

#include "plugin/container_log.h"
#include "plugin/follow.h"
#include "plugin/log_choice.h"
#include "plugin/output.h"
#include "plugin/pod_log.h"
#include "plugin/target.h"
#include "plugin/verdict.h"

#define NAME_BYTES 256
/* For the last lines of a container that has ended, where the server does not end its log. */
#define DRAIN_MS 2000

struct logs_options {
    const char *workspace_name;
    const char *container;
    bool follow;
    bool previous;
    bool all;
    struct kt_number tail;
};

#define AT(member) offsetof(struct logs_options, member)
static const struct kt_flag flags[] = {
    {.name = "all",
     .kind = KT_FLAG_BOOL,
     .offset = AT(all),
     .shown = "false",
     .help = "All containers of the pod that have started, one after the other, each line with the container's name."},
    {.name = "container",
     .letter = 'c',
     .kind = KT_FLAG_TEXT,
     .offset = AT(container),
     .value_name = "NAME",
     .shown = "''",
     .help = "This container, instead of the one that is chosen."},
    {.name = "follow",
     .letter = 'f',
     .kind = KT_FLAG_BOOL,
     .offset = AT(follow),
     .shown = "false",
     .help = "Wait for a pod, and go on with what comes, from container to container, until the pod has ended."},
    {.name = "previous",
     .letter = 'p',
     .kind = KT_FLAG_BOOL,
     .offset = AT(previous),
     .shown = "false",
     .help = "The container's run before its last restart."},
    {.name = "tail",
     .kind = KT_FLAG_NUMBER,
     .offset = AT(tail),
     .value_name = "LINES",
     .shown = "all",
     .most = UINT32_MAX,
     .help = "Only the last lines, so many; otherwise all."},
    KT_WORKSPACE_NAME_FLAG(struct logs_options),
};

struct logs {
    struct kt_app *app;
    const struct logs_options *options;
    struct kt_gather_target target;
    struct kt_progress *progress;    /* of it */
    struct kt_container_log *thread; /* that follows; NULL: none */
    const char *prefix;              /* in front of each line: "[name] ", or NULL */
    /* What is read, or was read last. */
    char pod[NAME_BYTES], uid[NAME_BYTES], container[NAME_BYTES];
    bool has_read; /* something */
};

static bool write_line(void *context, struct kt_str line)
{
    struct logs *logs = context;
    if (logs->prefix)
        kt_output_send(logs->app, kt_str(logs->prefix));
    kt_output_send_line(logs->app, line);
    return logs->app->write_errno == 0;
}

static int take_name(char (*into)[NAME_BYTES], const char *name, struct kt_error *error)
{
    if (snprintf(*into, NAME_BYTES, "%s", name) >= NAME_BYTES)
        return kt_error_set(error, KT_ELIMIT, "a name of more than %d bytes: %.60s...", NAME_BYTES - 1, name);
    return 0;
}

static int announce(struct logs *logs, const cJSON *pod, const char *container, struct kt_error *error)
{
    int code = take_name(&logs->uid, kt_json_string_or(kt_json_path(pod, "metadata", "uid", NULL), ""), error);
    if (code == 0)
        code = take_name(&logs->pod, kt_object_name(pod), error);
    if (code == 0)
        code = take_name(&logs->container, container, error);
    if (code == 0)
        fprintf(logs->app->err, "Container %s of pod %s:\n", logs->container, logs->pod);
    return code;
}

static int read_one(struct logs *logs, const cJSON *pod, const char *container, struct kt_error *error)
{
    KT_CLEANUP(kt_pod_log_release) struct kt_pod_log log;
    kt_pod_log_init(&log);
    log.namespace_ = logs->target.namespace_;
    log.pod = logs->pod;
    log.container = logs->container;
    log.previous = logs->options->previous;
    log.tail_lines = logs->options->tail.given ? (int64_t)logs->options->tail.value : -1;
    log.line = write_line;
    log.context = logs;
    int code = announce(logs, pod, container, error);
    return code == 0 ? kt_pod_log_read(logs->target.connection->client, &log, error) : code;
}

/* --- choosing ------------------------------------------------------------------------------------------------------
 */

struct choice {
    const cJSON *pod;
    struct kt_log_container containers[KT_LOG_CONTAINERS];
    size_t count;
    const struct kt_log_container *container; /* NULL: none has started */
};

static int no_such_container(const struct logs *logs, const struct choice *choice, struct kt_error *error)
{
    struct kt_strbuf names = kt_output_buffer(logs->app);
    for (size_t i = 0; i < choice->count; i++)
        kt_strbuf_printf(&names, "%s%s", i ? ", " : "", choice->containers[i].name);
    return kt_error_set(error, KT_EINVAL, "pod %s has no container \"%.60s\"; it has: %s", kt_object_name(choice->pod),
                        logs->options->container, names.data);
}

static int choose(const struct logs *logs, const struct kt_observation *seen, struct choice *ret,
                  struct kt_error *error)
{
    const char *trainer = kt_verdict_trainer(seen), *wanted = logs->options->container;
    *ret = (struct choice){.pod = kt_verdict_pod(seen)};
    if (!ret->pod)
        return 0;
    ret->count = kt_log_containers(ret->pod, trainer, ret->containers);
    if (!wanted) {
        ret->container = kt_log_choose(ret->containers, ret->count, trainer);
        return 0;
    }
    for (size_t i = 0; i < ret->count; i++) {
        if (!kt_streq(ret->containers[i].name, wanted))
            continue;
        if (ret->containers[i].phase != KT_CONTAINER_TO_COME)
            ret->container = &ret->containers[i];
        return 0;
    }
    return no_such_container(logs, ret, error);
}

static int nothing_yet(const struct logs *logs, const struct kt_observation *seen, const cJSON *pod,
                       struct kt_error *error)
{
    struct kt_verdict verdict;
    kt_verdict_of(logs->app->arena, seen, &verdict);
    const char *why = verdict.has_cause ? verdict.cause.message : verdict.detail;
    const char *wanted = logs->options->container;
    if (!pod && kt_observation_lacks(seen, KT_KIND_POD))
        return kt_error_set(error, KT_EFORBIDDEN, "the Pods of Workspace %s could not be read, and so no log",
                            logs->target.name);
    if (!pod)
        return kt_error_set(error, KT_ENOTFOUND, "Workspace %s has no pod yet, and so no log: %s", logs->target.name,
                            why);
    return kt_error_set(error, KT_ENOTFOUND, "%s%s of pod %s has not started: %s",
                        wanted ? "container " : "no container", wanted ? wanted : "", kt_object_name(pod), why);
}

/* --- without --follow ----------------------------------------------------------------------------------------------
 */

static int read_all(struct logs *logs, const struct choice *choice, struct kt_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < choice->count; i++) {
        const char *name = choice->containers[i].name;
        if (choice->containers[i].phase == KT_CONTAINER_TO_COME)
            continue;
        logs->prefix = kt_arena_printf(logs->app->arena, "[%s] ", name);
        code = read_one(logs, choice->pod, name, error);
    }
    return code;
}

static int read_once(struct logs *logs, struct kt_error *error)
{
    struct kt_observation seen;
    struct choice choice;
    int code = kt_gather_one(&logs->target, logs->app->arena, &seen, NULL, error);
    if (code == 0)
        code = choose(logs, &seen, &choice, error);
    if (code != 0)
        return code;
    if (!choice.container)
        return nothing_yet(logs, &seen, choice.pod, error);
    if (logs->options->all)
        return read_all(logs, &choice, error);
    return read_one(logs, choice.pod, choice.container->name, error);
}

/* --- with it -------------------------------------------------------------------------------------------------------
 */

static bool has_pod_ended(const cJSON *pod)
{
    const char *phase = kt_json_string_or(kt_json_path(pod, "status", "phase", NULL), "");
    return kt_streq(phase, "Succeeded") || kt_streq(phase, "Failed");
}

static bool is_current(const struct logs *logs, const struct choice *choice)
{
    const char *uid = kt_json_string_or(kt_json_path(choice->pod, "metadata", "uid", NULL), "");
    return logs->has_read && kt_streq(uid, logs->uid) && kt_streq(choice->container->name, logs->container);
}

/* The container that is read, or the next one. */
static int read_on(struct logs *logs, const struct choice *choice, struct kt_error *error)
{
    int code = 0;
    if (!is_current(logs, choice)) {
        kt_container_log_drain(logs->thread, DRAIN_MS);
        code = announce(logs, choice->pod, choice->container->name, error);
        logs->has_read = true;
    }
    if (code != 0)
        return code;
    kt_container_log_look(logs->thread, choice->pod, choice->container->name);
    return kt_container_log_failure(logs->thread, error);
}

/* Nothing will come any more: the pod has ended, or the one container that was asked for. */
static bool is_over(const struct logs *logs, const struct choice *choice, const struct kt_verdict *verdict)
{
    bool has_container_ended = choice->container && choice->container->phase != KT_CONTAINER_RUNNING;
    return has_pod_ended(choice->pod) || verdict->succeeded || verdict->failed ||
           (logs->options->container && has_container_ended);
}

static bool look(void *context, struct kt_arena *arena, const struct kt_observation *seen, int *ret,
                 struct kt_error *error)
{
    struct logs *logs = context;
    struct choice choice;
    struct kt_verdict verdict;
    if (!seen) {
        *ret = logs->has_read ? 0 : kt_target_missing(&logs->target, error);
        return false;
    }
    *ret = choose(logs, seen, &choice, error);
    if (*ret == 0 && choice.container)
        *ret = read_on(logs, &choice, error);
    if (*ret != 0 || !kt_progress_can_write(logs->progress))
        return false;
    kt_verdict_of(arena, seen, &verdict);
    bool is_denied = !logs->has_read && !choice.pod && kt_observation_lacks(seen, KT_KIND_POD);
    if (!is_denied && !is_over(logs, &choice, &verdict))
        return true;
    if (!logs->has_read)
        *ret = nothing_yet(logs, seen, choice.pod, error);
    return false;
}

static int follow(struct logs *logs, struct kt_error *error)
{
    const struct kt_follow_options options = {.look = look, .context = logs};
    const struct kt_container_log_options log = {
        .print = true, .tail_lines = logs->options->tail.given ? (int64_t)logs->options->tail.value : -1};
    struct kt_progress progress;
    kt_progress_init(&progress, logs->app);
    logs->progress = &progress;
    int code = kt_container_log_new(logs->target.connection, &progress, &log, &logs->thread, error);
    if (code == 0) {
        code = kt_follow(&logs->target, &options, error);
        kt_container_log_drain(logs->thread, code == KT_EINTERRUPTED ? 0 : DRAIN_MS);
    }
    kt_container_log_free(logs->thread);
    kt_progress_end(&progress);
    return code;
}

/* --- the command ---------------------------------------------------------------------------------------------------
 */

static int run_logs(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct logs_options *options = values;
    KT_CLEANUP(kt_disconnect) struct kt_connection connection = {0};
    struct logs logs = {.app = app, .options = options};
    const char *name;
    int code = kt_target_require(app, options->workspace_name, &name, error);
    if (code != 0)
        return code;
    if (options->all && (options->follow || options->container))
        return kt_app_usage_fault(app, error, "--all cannot be used together with --%s",
                                  options->follow ? "follow" : "container");
    if (options->follow && options->previous)
        return kt_app_usage_fault(app, error, "--previous is over: it cannot be used together with --follow");
    code = kt_target_connect(app, name, &connection, &logs.target, error);
    if (code == 0)
        code = options->follow ? follow(&logs, error) : read_once(&logs, error);
    if (code == KT_EINTERRUPTED && options->follow && logs.has_read)
        return KT_EXIT_INTERRUPTED;
    return code < 0 ? code : KT_EXIT_OK;
}

const struct kt_command kt_command_logs = {
    .name = "logs",
    .group = KT_GROUP_FOLLOW,
    .summary = "The log of the container that matters: the failed one, or the one that runs",
    .description =
        "The log of a container of the Workspace's newest pod: of the first one that has failed; otherwise of the one "
        "that runs (weights, data, trainer, push); otherwise of the trainer. Standard error says which it is.",
    .usage = "NAME [flags]",
    .examples = "kubectl kaito logs tune-phi-3\n"
                "kubectl kaito logs tune-phi-3 --follow\n"
                "kubectl kaito logs tune-phi-3 -c data-downloader\n",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct logs_options),
    .most_arguments = 1,
    .completion = KT_COMPLETE_WORKSPACES,
    .run = run_logs,
};
