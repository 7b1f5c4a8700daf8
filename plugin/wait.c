/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/wait.h"

#include "plugin/follow.h"
#include "plugin/output.h"
#include "plugin/progress.h"
#include "plugin/container_log.h"
#include "plugin/verdict.h"
#include "text/time.h"

#define TICK_MS 1000
/* For the last lines of the log, after the Workspace is done. */
#define DRAIN_MS 5000
/* For the garbage collector. */
#define LEFTOVERS_MS 30000

struct wait {
    struct kt_gather_target *target;
    const struct kt_wait_options *options;
    struct kt_progress progress;
    struct kt_container_log *log; /* NULL: none */
    enum kt_wait_goal goal;       /* with KT_WAIT_DONE made out */
    bool has_seen;
    bool has_warned;
    bool has_told_log;     /* that it may not be read */
    int64_t gone_since_ms; /* of a deletion: when the Workspace was found gone; 0: it is there */
    char told_cause[KT_PROGRESS_TEXT_BYTES];
    /* How it stood at the last look, for the words of a timeout. */
    char standing[KT_PROGRESS_TEXT_BYTES];
};

static const char *const goal_words[] = {[KT_WAIT_DONE] = "done",
                                         [KT_WAIT_SUCCEEDED] = "succeeded",
                                         [KT_WAIT_READY] = "ready",
                                         [KT_WAIT_FAILED] = "failed",
                                         [KT_WAIT_DELETED] = "deleted"};

int kt_wait_parse_timeout(const char *text, int64_t *ret_ms, struct kt_error *error)
{
    int64_t timeout_ms = 0;
    if (text && text[0] && kt_time_parse_duration(kt_str(text), &timeout_ms, NULL) != 0)
        return kt_error_set(error, KT_EINVAL, "--timeout \"%.40s\" is not a duration such as 30s, 10m or 1h30m", text);
    if (timeout_ms < 0)
        return kt_error_set(error, KT_EINVAL, "--timeout \"%.40s\" is negative; 0 waits for as long as it takes", text);
    *ret_ms = timeout_ms;
    return 0;
}

static int64_t waited_ms(const struct wait *wait)
{
    return kt_clock_monotonic_ms(wait->target->connection->app->environment->clock) - wait->progress.started_ms;
}

/* --- one look ------------------------------------------------------------------------------------------------------
 */

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* What a deletion waits for: what is still there, and who holds the Workspace. */
static const char *deletion_detail(struct kt_arena *arena, const struct kt_observation *seen)
{
    struct kt_strbuf text;
    const cJSON *finalizer;
    const char *separator = "waiting for ";
    const struct kt_objects *claims = &seen->objects[KT_KIND_NODE_CLAIM];
    kt_strbuf_init(&text, arena, (size_t)KT_PROGRESS_TEXT_BYTES * 4);
    for (size_t i = 0; i < claims->count; i++, separator = ", ")
        kt_strbuf_printf(&text, "%sNodeClaim %s", separator, kt_object_name(claims->items[i]));
    if (kt_observation_job(seen)) {
        kt_strbuf_printf(&text, "%sJob %s", separator, kt_object_name(kt_observation_job(seen)));
        separator = ", ";
    }
    cJSON_ArrayForEach(finalizer, kt_json_path(seen->workspace, "metadata", "finalizers", NULL))
    {
        kt_strbuf_printf(&text, "%sfinalizer %s", separator, kt_json_string_or(finalizer, "?"));
        separator = ", ";
    }
    return text.length > 0 ? text.data : "waiting for the API server to remove it";
}

/* Said once, when nothing has happened for long. */
static void warn_of_nobody(struct wait *wait, const struct kt_observation *seen, const struct kt_verdict *verdict)
{
    bool has_claims = seen->objects[KT_KIND_NODE_CLAIM].count > 0 || kt_observation_lacks(seen, KT_KIND_NODE_CLAIM);
    bool is_stuck = verdict->is_deleting && !has_claims && waited_ms(wait) >= KT_UNTOUCHED_MS;
    if (wait->has_warned || !(verdict->is_untouched || is_stuck))
        return;
    wait->has_warned = true;
    kt_progress_say(&wait->progress, is_stuck
                                         ? "Warning: nothing takes the finalizer away: is kaito-webhook (with "
                                           "--reconcile), or the operator that set it, running?"
                                         : "Warning: nothing has acted on this Workspace yet: is kaito-webhook (with "
                                           "--reconcile) or another operator of Workspaces running?");
}

/* The live line is cut at the width of the terminal; what is wrong is told in full, once. */
static void tell_cause(struct wait *wait, struct kt_arena *arena, const char *text)
{
    struct kt_strbuf safe;
    if (!wait->progress.is_live || strncmp(wait->told_cause, text, sizeof(wait->told_cause) - 1) == 0)
        return;
    snprintf(wait->told_cause, sizeof(wait->told_cause), "%s", text);
    kt_strbuf_init(&safe, arena, (size_t)(16 * KT_KIB));
    kt_output_escape(&safe, kt_str(text));
    kt_progress_say(&wait->progress, safe.data);
}

/* A log that may not be read is missed only by those who asked for it. */
static void follow_log(struct wait *wait, const cJSON *pod, const char *trainer)
{
    struct kt_error error;
    kt_container_log_look(wait->log, pod, trainer);
    if (!wait->options->follow || wait->has_told_log || kt_container_log_failure(wait->log, &error) == 0)
        return;
    wait->has_told_log = true;
    kt_progress_say(&wait->progress, error.message);
}

static void show(struct wait *wait, struct kt_arena *arena, const struct kt_observation *seen,
                 const struct kt_verdict *verdict)
{
    const char *detail = verdict->detail;
    if (verdict->is_deleting)
        detail = deletion_detail(arena, seen);
    else if (verdict->has_cause)
        detail = kt_arena_printf(arena, "%s: %s", verdict->cause.reason, verdict->cause.message);
    if (verdict->has_cause && !verdict->is_deleting)
        tell_cause(wait, arena, or_empty(detail));
    kt_progress_set(&wait->progress, verdict->stage, or_empty(detail));
    snprintf(wait->standing, sizeof(wait->standing), "stage %s: %s", verdict->stage, or_empty(detail));
    warn_of_nobody(wait, seen, verdict);
    const cJSON *pod = verdict->is_inference ? NULL : kt_verdict_pod(seen);
    if (wait->log && pod)
        follow_log(wait, pod, kt_verdict_trainer(seen));
}

/* Everything of the log comes before the last word. */
static void close_log(struct wait *wait)
{
    if (wait->log)
        kt_container_log_drain(wait->log, wait->options->follow ? DRAIN_MS : 0);
}

static int say_failed(struct wait *wait, const struct kt_verdict *verdict, struct kt_error *error)
{
    const char *name = wait->target->name;
    if (!verdict->has_cause)
        return kt_error_set(error, KT_EREFUSED, "Workspace %s has failed: %s", name, verdict->detail);
    return kt_error_set(error, KT_EREFUSED, "Workspace %s has failed: %s (%s %s): %s", name, verdict->cause.reason,
                        verdict->cause.kind ? verdict->cause.kind : "", verdict->cause.name ? verdict->cause.name : "",
                        verdict->cause.message);
}

static void say_reached(struct wait *wait, struct kt_arena *arena, const cJSON *workspace)
{
    const cJSON *output = kt_json_path(workspace, "tuning", "output", NULL);
    const char *image = kt_json_string(kt_json_get(output, "image"));
    const char *claim =
        kt_json_string(kt_json_path(output, "volumeSource", "persistentVolumeClaim", "claimName", NULL));
    if (!claim)
        claim = kt_json_string(kt_json_path(output, "volume", "persistentVolumeClaim", "claimName", NULL));
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, (size_t)(8 * KT_KIB));
    kt_strbuf_printf(&text, "Workspace %s %s %s", wait->target->name, wait->goal == KT_WAIT_READY ? "is" : "has",
                     goal_words[wait->goal]);
    if (wait->goal == KT_WAIT_SUCCEEDED && (image || claim)) {
        kt_strbuf_puts(&text, image ? ": the adapter is in " : ": the adapter is on the volume claim ");
        kt_output_escape(&text, kt_str(image ? image : claim));
    }
    kt_progress_say(&wait->progress, text.data);
    const char *fault = wait->log && wait->goal == KT_WAIT_SUCCEEDED ? kt_container_log_fault(wait->log) : NULL;
    if (fault)
        kt_progress_say(&wait->progress, or_empty(kt_arena_printf(arena, "Warning: do not use it: %s", fault)));
}

/* True: it is over, with *ret. */
static bool is_over(struct wait *wait, struct kt_arena *arena, const struct kt_observation *seen,
                    const struct kt_verdict *verdict, int *ret, struct kt_error *error)
{
    const bool reached[] = {
        [KT_WAIT_SUCCEEDED] = verdict->succeeded, [KT_WAIT_READY] = verdict->ready, [KT_WAIT_FAILED] = verdict->failed};
    if (wait->goal == KT_WAIT_DELETED)
        return false;
    bool ended = verdict->succeeded || verdict->failed;
    if (wait->goal == KT_WAIT_SUCCEEDED && verdict->is_inference) {
        *ret = kt_error_set(error, KT_EINVAL, "Workspace %s serves a model: it becomes ready (--for=ready)",
                            wait->target->name);
        return true;
    }
    if (!reached[wait->goal] && !ended)
        return false;
    close_log(wait);
    *ret = KT_EXIT_OK;
    if (reached[wait->goal])
        say_reached(wait, arena, seen->workspace);
    else if (verdict->failed)
        *ret = say_failed(wait, verdict, error);
    else
        *ret = kt_error_set(error, KT_EREFUSED, "Workspace %s has succeeded and will not be %s", wait->target->name,
                            goal_words[wait->goal]);
    return true;
}

static int after_deletion(struct wait *wait, struct kt_error *error)
{
    const char *name = wait->target->name;
    if (wait->options->goal == KT_WAIT_DELETED) {
        kt_progress_say(&wait->progress,
                        kt_arena_printf(wait->target->connection->app->arena, "Workspace %s is deleted", name));
        return KT_EXIT_OK;
    }
    if (!wait->has_seen)
        return kt_error_set(error, KT_ENOTFOUND, "Error from server (NotFound): workspaces.kaito.sh \"%s\" not found",
                            name);
    return kt_error_set(error, KT_ENOTFOUND, "Workspace %s was deleted while it was waited for", name);
}

/* A new one of the same name: that which was waited for is gone. */
static bool is_another(const struct wait *wait, const cJSON *workspace)
{
    const char *uid = kt_json_string_or(kt_json_path(workspace, "metadata", "uid", NULL), "");
    return wait->options->uid && !kt_streq(wait->options->uid, uid);
}

/* After a deletion of ours the garbage collector takes a moment for the rest; it is not waited for without end. */
static bool is_clean(struct wait *wait, struct kt_arena *arena)
{
    const char *left = "";
    struct kt_error error;
    if (!wait->options->uid)
        return true;
    if (wait->gone_since_ms == 0)
        wait->gone_since_ms = waited_ms(wait) + 1;
    if (kt_gather_leftovers(wait->target, arena, &left, &error) != 0 || left[0] == '\0')
        return true;
    kt_progress_set(&wait->progress, kt_stage_name(KT_STAGE_DELETING),
                    or_empty(kt_arena_printf(arena, "the Workspace is gone, waiting for %s", left)));
    return waited_ms(wait) - wait->gone_since_ms > LEFTOVERS_MS;
}

static bool look(void *context, struct kt_arena *arena, const struct kt_observation *seen, int *ret,
                 struct kt_error *error)
{
    struct wait *wait = context;
    struct kt_verdict verdict;
    if (!seen && wait->goal == KT_WAIT_DELETED && !is_clean(wait, arena))
        return true;
    if (!seen || is_another(wait, seen->workspace)) {
        *ret = after_deletion(wait, error);
        return false;
    }
    wait->has_seen = true;
    kt_verdict_of(arena, seen, &verdict);
    if (wait->goal == KT_WAIT_DONE)
        wait->goal = verdict.is_inference ? KT_WAIT_READY : KT_WAIT_SUCCEEDED;
    show(wait, arena, seen, &verdict);
    return !is_over(wait, arena, seen, &verdict, ret, error);
}

/* --- the whole -----------------------------------------------------------------------------------------------------
 */

static void tick(void *context)
{
    struct wait *wait = context;
    kt_progress_tick(&wait->progress);
}

static void say(void *context, const char *line)
{
    struct wait *wait = context;
    kt_progress_say(&wait->progress, line);
}

static int after_interrupt(const struct wait *wait)
{
    FILE *err = wait->target->connection->app->err;
    const char *name = wait->target->name, *namespace_ = wait->target->namespace_;
    const char *goal = wait->options->goal == KT_WAIT_DONE ? "" : goal_words[wait->options->goal];
    bool deletes = wait->options->goal == KT_WAIT_DELETED;
    fprintf(err,
            "Interrupted: the %s goes on without this program. To come back:\n"
            "  kubectl kaito wait %s -n %s%s%s\n"
            "  kubectl kaito status %s -n %s --watch\n",
            deletes ? "deletion" : "Workspace", name, namespace_, goal[0] ? " --for=" : "", goal, name, namespace_);
    return KT_EXIT_INTERRUPTED;
}

static int after_timeout(const struct wait *wait)
{
    struct kt_app *app = wait->target->connection->app;
    struct kt_error error;
    bool has_done = wait->goal == KT_WAIT_SUCCEEDED || wait->goal == KT_WAIT_FAILED;
    kt_error_set(&error, KT_ETIMEOUT, "the time is up and Workspace %s %s not %s; %s", wait->target->name,
                 has_done ? "has" : "is", goal_words[wait->goal],
                 wait->standing[0] ? wait->standing : "it could not be looked at");
    kt_app_report(app, &error);
    return KT_EXIT_TIMEOUT;
}

int kt_wait(struct kt_gather_target *target, const struct kt_wait_options *options, struct kt_error *error)
{
    struct kt_app *app = target->connection->app;
    struct wait wait = {.target = target, .options = options, .goal = options->goal};
    const struct kt_follow_options follow = {.timeout_ms = options->timeout_ms,
                                             .tick_ms = TICK_MS,
                                             .tick = tick,
                                             .say = say,
                                             .look = look,
                                             .context = &wait};
    const struct kt_container_log_options log = {.print = options->follow, .tail_lines = -1};
    fflush(app->out);
    kt_progress_init(&wait.progress, app);
    int code = options->goal == KT_WAIT_DELETED
                   ? 0
                   : kt_container_log_new(target->connection, &wait.progress, &log, &wait.log, error);
    bool is_up = false;
    if (code == 0) {
        struct kt_error failure = {0};
        code = kt_follow(target, &follow, &failure);
        /* A single request may run into its own limit. */
        is_up = code == KT_ETIMEOUT && options->timeout_ms > 0 && waited_ms(&wait) >= options->timeout_ms;
        if (code < 0 && error)
            *error = failure;
    }
    kt_container_log_free(wait.log);
    kt_progress_end(&wait.progress);
    if (code == KT_EINTERRUPTED)
        return after_interrupt(&wait);
    return is_up ? after_timeout(&wait) : code;
}
