/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/follow.h"

#include "plugin/output.h"
#include "plugin/watchers.h"

#define LOOK_ARENA_BYTES ((size_t)(128 * KT_MIB))
/* No more looks than this, however much changes. */
#define LOOK_PAUSE_MS 200
/* Events and nodes are not watched. */
#define LOOK_PERIOD_MS 5000
/* Between two tries to reach a server that is away. */
#define RETRY_MS 1000
/* An API server that starts up may deny what it allows a moment later. */
#define REFUSALS_MS 60000

struct follow {
    struct kt_gather_target *target;
    const struct kt_follow_options *options;
    struct kt_watchers *watchers;
    struct kt_arena arena;
    int64_t deadline_ms;
    int64_t refused_since_ms; /* 0: not */
    bool has_looked;
    bool is_lost; /* the server, and it was said */
};

static int64_t now_ms(const struct follow *follow)
{
    return kt_clock_monotonic_ms(follow->target->connection->app->environment->clock);
}

static void say(struct follow *follow, const char *words, const char *reason)
{
    const char *line = kt_arena_printf(&follow->arena, "%s%s", words, reason);
    if (!line)
        return;
    if (follow->options->say)
        follow->options->say(follow->options->context, line);
    else
        fprintf(follow->target->connection->app->err, "%s\n", line);
}

static bool is_away(int code)
{
    return code == KT_EUNAVAILABLE || code == KT_ETIMEOUT || code == KT_ETLS || code == KT_EIO;
}

/* 0: try again. */
static int after_failure(struct follow *follow, int code, const struct kt_error *failure, struct kt_error *error)
{
    bool is_final = !follow->has_looked || code == KT_EINTERRUPTED || code == KT_ENOMEM;
    if (is_away(code)) {
        follow->refused_since_ms = 0;
    } else if (follow->refused_since_ms == 0) {
        follow->refused_since_ms = now_ms(follow);
    } else {
        is_final |= now_ms(follow) - follow->refused_since_ms > REFUSALS_MS;
    }
    if (is_final) {
        if (error)
            *error = *failure;
        return code;
    }
    if (!follow->is_lost) {
        struct kt_strbuf safe;
        kt_strbuf_init(&safe, &follow->arena, sizeof(failure->message) * 4);
        kt_output_escape(&safe, kt_str(failure->message));
        say(follow, "The API server cannot be asked, trying again: ", safe.data);
    }
    follow->is_lost = true;
    return 0;
}

struct sight {
    struct kt_observation one;
    struct kt_observation *all; /* of a target without a name */
    size_t count;
    bool is_gone;
};

static int gather(struct follow *follow, struct sight *ret, struct kt_error *failure)
{
    struct kt_gather_target *target = follow->target;
    kt_arena_reset(&follow->arena);
    if (!target->name)
        return kt_gather_all(target, &follow->arena, &ret->all, &ret->count, failure);
    int code = kt_gather_one(target, &follow->arena, &ret->one, &ret->is_gone, failure);
    return ret->is_gone ? 0 : code;
}

static int time_is_up(struct kt_error *error)
{
    return kt_error_set(error, KT_ETIMEOUT, "the time is up");
}

/* True: ended, with *ret. */
static bool look(struct follow *follow, int *ret, struct kt_error *error)
{
    const struct kt_follow_options *options = follow->options;
    struct sight sight = {0};
    struct kt_error failure = {0};
    int code = gather(follow, &sight, &failure);
    if (code != 0 && code != KT_EINTERRUPTED && now_ms(follow) >= follow->deadline_ms) {
        *ret = time_is_up(error);
        return true;
    }
    if (code != 0) {
        *ret = after_failure(follow, code, &failure, error);
        return *ret != 0;
    }
    if (follow->is_lost)
        say(follow, "The API server answers again.", "");
    follow->is_lost = false;
    follow->has_looked = true;
    follow->refused_since_ms = 0;
    /* After the first look, so that what stands in the way is told once. */
    if (!follow->watchers && kt_watchers_start(follow->target, &follow->watchers, NULL) != 0)
        follow->watchers = NULL; /* slower, but the look every few seconds remains */
    if (!follow->target->name)
        return !options->look_all(options->context, &follow->arena, sight.all, sight.count, ret, error);
    return !options->look(options->context, &follow->arena, sight.is_gone ? NULL : &sight.one, ret, error);
}

static int64_t pause_of(const struct follow *follow, int64_t next_look_ms)
{
    int64_t pause_ms = KT_MIN(next_look_ms, follow->deadline_ms) - now_ms(follow);
    if (follow->options->tick_ms > 0)
        pause_ms = KT_MIN(pause_ms, follow->options->tick_ms);
    return KT_MAX(pause_ms, (int64_t)0);
}

/* Waits for a reason to look again. */
static int wait_for_change(struct follow *follow, struct kt_error *error)
{
    int64_t start_ms = now_ms(follow);
    int64_t next_look_ms = start_ms + (follow->is_lost ? RETRY_MS : LOOK_PERIOD_MS);
    bool changed = false;
    for (;;) {
        int64_t pause_ms = pause_of(follow, next_look_ms);
        /* Once rung, only the time counts: what has changed since is seen by the same look. */
        switch (kt_watchers_wait(changed ? NULL : follow->watchers, follow->target->connection, pause_ms)) {
        case KT_WAKEUP_INTERRUPT:
            return kt_error_set(error, KT_EINTERRUPTED, "interrupted");
        case KT_WAKEUP_CHANGE:
            changed = true;
            next_look_ms = KT_MIN(next_look_ms, start_ms + LOOK_PAUSE_MS);
            break;
        case KT_WAKEUP_TIME:
            break;
        }
        if (now_ms(follow) >= follow->deadline_ms)
            return time_is_up(error);
        if (now_ms(follow) >= next_look_ms)
            return 0;
        if (follow->options->tick)
            follow->options->tick(follow->options->context);
    }
}

int kt_follow(struct kt_gather_target *target, const struct kt_follow_options *options, struct kt_error *error)
{
    struct follow follow = {.target = target, .options = options, .deadline_ms = INT64_MAX};
    if (options->timeout_ms > 0 && __builtin_add_overflow(now_ms(&follow), options->timeout_ms, &follow.deadline_ms))
        follow.deadline_ms = INT64_MAX;
    kt_arena_init(&follow.arena, LOOK_ARENA_BYTES);
    /* A request that is under way when the time is up ends then, too. */
    kt_client_set_deadline(target->connection->client, follow.deadline_ms);
    int code = 0;
    while (!look(&follow, &code, error)) {
        code = wait_for_change(&follow, error);
        if (code != 0)
            break;
    }
    kt_client_set_deadline(target->connection->client, INT64_MAX);
    kt_watchers_stop(follow.watchers);
    kt_arena_release(&follow.arena);
    return code;
}
