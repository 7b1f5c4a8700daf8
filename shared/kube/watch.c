/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/limits.h"
#include "kube/client_internal.h"
#include "kube/list_pager.h"

/* Of one page or one event: text, tree and some air. */
#define WORK_ARENA_BYTES ((size_t)(64 * KT_MIB))
/* How much longer than asked we wait for the server to end a watch. */
#define SERVER_TIMEOUT_SLACK_S 30
/* Of what a server, or somebody in between, may ask us to wait. */
#define LONGEST_RETRY_AFTER_MS ((int64_t)300000)
/* A server that accepts a watch says so at once. */
#define HEADER_TIMEOUT_MS ((int64_t)30000)

/* What is to be done next. */
enum step {
    STEP_LIST,  /* begin anew with a list */
    STEP_WATCH, /* go on from resource_version */
};

struct watch {
    struct kt_client *client;
    const struct kt_resource *resource;
    const char *namespace_;
    struct kt_watch_options options; /* with the defaults filled in */
    const struct kt_watch_handler *handler;
    struct kt_arena arena; /* of one page or event */
    struct kt_strbuf line; /* the part of a line that has come so far */
    char resource_version[64];
    int64_t backoff_ms; /* of the next failure */
    int64_t last_trouble_ms;
    enum step step;
    bool ended; /* a callback said so */
    struct kt_error line_error;
};

static void fill_defaults(struct kt_watch_options *options)
{
    if (options->max_items == 0)
        options->max_items = KT_LIMIT_WATCH_ITEMS;
    if (options->max_bytes == 0)
        options->max_bytes = KT_LIMIT_API_LIST_BYTES;
    if (options->backoff_first_ms == 0)
        options->backoff_first_ms = KT_WATCH_BACKOFF_FIRST_MS;
    if (options->backoff_largest_ms == 0)
        options->backoff_largest_ms = KT_WATCH_BACKOFF_LARGEST_MS;
    if (options->backoff_reset_ms == 0)
        options->backoff_reset_ms = KT_WATCH_BACKOFF_RESET_MS;
    if (options->server_timeout_s == 0)
        options->server_timeout_s = KT_WATCH_SERVER_TIMEOUT_S;
    if (options->silence_ms == 0)
        options->silence_ms = KT_WATCH_SILENCE_MS;
}

static int64_t now_ms(const struct watch *watch)
{
    return kt_clock_monotonic_ms(watch->client->environment->clock);
}

/* 0 to bound - 1. Only spreads load, so that a failure of the source (then 0) does no harm. */
static int64_t random_below(int64_t bound)
{
    uint64_t number = 0;
    if (bound <= 0 || getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
        return 0;
    return (int64_t)(number % (uint64_t)bound);
}

static bool tell(struct watch *watch, bool (*callback)(void *context, const cJSON *object), const cJSON *object)
{
    if (callback && !callback(watch->handler->context, object))
        watch->ended = true;
    return !watch->ended;
}

static void on_heard(void *context)
{
    struct watch *watch = context;
    if (watch->handler->heard)
        watch->handler->heard(watch->handler->context);
}

static void remember_version(struct watch *watch, const char *version)
{
    if (*version && strlen(version) < sizeof(watch->resource_version))
        snprintf(watch->resource_version, sizeof(watch->resource_version), "%s", version);
}

/* --- list -----------------------------------------------------------------------------------------------------------
 */

static void hand_over_page(struct watch *watch, const struct kt_list_page *page)
{
    const struct kt_watch_handler *handler = watch->handler;
    if (page->begins && handler->restarted && !handler->restarted(handler->context))
        watch->ended = true;
    for (const cJSON *item = page->items->child; item && !watch->ended; item = item->next)
        tell(watch, handler->added, item);
}

static int list(struct watch *watch, struct kt_error *error)
{
    struct kt_list_options options = {
        .label_selector = watch->options.label_selector,
        .field_selector = watch->options.field_selector,
        .max_items = watch->options.max_items,
        .max_bytes = watch->options.max_bytes,
        .page_bytes = watch->options.page_bytes,
        .timeout_ms = watch->options.list_timeout_ms,
    };
    KT_CLEANUP(kt_list_pager_release) struct kt_list_pager pager;
    kt_list_pager_init(&pager, watch->client, watch->resource, watch->namespace_, &options);
    watch->resource_version[0] = '\0';
    while (!pager.done && !watch->ended) {
        struct kt_list_page page;
        struct kt_reply reply;
        kt_arena_reset(&watch->arena);
        int code = kt_list_pager_next(&pager, &watch->arena, &page, &reply, error);
        if (code != 0)
            return code;
        on_heard(watch);
        hand_over_page(watch, &page);
        remember_version(watch, page.resource_version);
    }
    const struct kt_watch_handler *handler = watch->handler;
    if (!watch->ended && handler->synced && !handler->synced(handler->context, watch->resource_version))
        watch->ended = true;
    watch->step = STEP_WATCH;
    return 0;
}

/* --- events ---------------------------------------------------------------------------------------------------------
 */

static bool bad_line(struct watch *watch, enum kt_error_code code, const char *what)
{
    watch->step = STEP_LIST; /* what is known can no longer be trusted */
    kt_error_set(&watch->line_error, code, "the stream of %s from the API server %s", watch->resource->plural, what);
    return false;
}

static bool take_error_event(struct watch *watch, const cJSON *object)
{
    struct kt_status status;
    if (!kt_status_parse(&watch->arena, object, 0, &status))
        return bad_line(watch, KT_EPARSE, "holds an error that says nothing");
    kt_status_error(&status, &watch->line_error);
    watch->step = STEP_LIST;
    return false;
}

static bool take_event(struct watch *watch, const cJSON *event)
{
    const char *type = kt_json_string_or(kt_json_get(event, "type"), "");
    const cJSON *object = kt_json_get(event, "object");
    const struct kt_watch_handler *handler = watch->handler;
    if (kt_streq(type, "ERROR"))
        return take_error_event(watch, object);
    if (!kt_json_is_object(object))
        return bad_line(watch, KT_EPARSE, "holds an event without an object");
    remember_version(watch, kt_json_string_or(kt_json_path(object, "metadata", "resourceVersion", NULL), ""));
    if (kt_streq(type, "BOOKMARK"))
        return true;
    if (kt_streq(type, "ADDED"))
        return tell(watch, handler->added, object);
    if (kt_streq(type, "MODIFIED"))
        return tell(watch, handler->modified, object);
    if (kt_streq(type, "DELETED"))
        return tell(watch, handler->deleted, object);
    return bad_line(watch, KT_EPARSE, "holds an event of an unknown type");
}

static bool take_line(struct watch *watch, struct kt_str line)
{
    line = kt_str_trim(line);
    if (line.length == 0)
        return true;
    struct kt_json_parsed parsed;
    struct kt_error inner = {0};
    kt_arena_reset(&watch->arena);
    int code = kt_json_parse(&watch->arena, line, KT_JSON_DUPLICATES_LAST_WINS, &parsed, &inner);
    if (code == KT_ENOMEM || code == KT_ELIMIT)
        return bad_line(watch, inner.code, "holds an event that is too large");
    if (code != 0)
        return bad_line(watch, KT_EPARSE, "holds a line that is not JSON");
    return take_event(watch, parsed.root);
}

/* Gathers pieces into lines. False: enough, line_error or ended tells why. */
static bool take_piece(void *context, const char *data, size_t length)
{
    struct watch *watch = context;
    while (length > 0) {
        const char *end = memchr(data, '\n', length);
        size_t part = end ? (size_t)(end - data) : length;
        if (watch->line.length + part > KT_LIMIT_WATCH_LINE_BYTES)
            return bad_line(watch, KT_ELIMIT, "holds a line beyond the limit of 8 MiB");
        if (end && watch->line.length == 0) {
            if (!take_line(watch, (struct kt_str){data, part}))
                return false;
        } else {
            kt_strbuf_add(&watch->line, data, part);
            if (watch->line.failed)
                return bad_line(watch, KT_ENOMEM, "does not fit into memory");
            if (end) {
                bool go_on = take_line(watch, kt_strbuf_view(&watch->line));
                kt_strbuf_clear(&watch->line);
                if (!go_on)
                    return false;
            }
        }
        data += part + (end != NULL);
        length -= part + (end != NULL);
    }
    return true;
}

/* --- one watch request ----------------------------------------------------------------------------------------------
 */

static int run_stream(struct watch *watch, struct kt_exchange *exchange, struct kt_arena *arena, struct kt_error *error)
{
    bool changed, refreshed = false;
    int code = kt_credentials_prepare(watch->client, false, &changed, error);
    if (code != 0)
        return code;
    for (;;) {
        code = kt_exchange_run(watch->client, exchange, error);
        if (code != 0 || exchange->http_code != 401 || refreshed)
            break;
        refreshed = true;
        code = kt_credentials_prepare(watch->client, true, &changed, error);
        if (code != 0 || !changed)
            break;
    }
    if (code != 0 || exchange->http_code == 200)
        return code;
    struct kt_reply reply = {.http_code = exchange->http_code};
    struct kt_json_parsed parsed;
    if (kt_json_parse(arena, kt_strbuf_view(&watch->client->body), KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL) == 0)
        reply.object = parsed.root;
    return kt_client_judge(watch->client, exchange, &reply, error);
}

static int stream(struct watch *watch, int64_t *ret_retry_after_ms, struct kt_error *error)
{
    /* An arena of its own: the other is reset with every event. */
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, WORK_ARENA_BYTES);
    int64_t timeout_s = watch->options.server_timeout_s + random_below(watch->options.server_timeout_s);
    char timeout[24];
    snprintf(timeout, sizeof(timeout), "%lld", (long long)timeout_s);
    struct kt_query query[] = {
        {"watch", "true"},
        {"allowWatchBookmarks", "true"},
        {"resourceVersion", watch->resource_version},
        {"timeoutSeconds", timeout},
        {"labelSelector", watch->options.label_selector},
        {"fieldSelector", watch->options.field_selector},
    };
    struct kt_request request = {
        .method = "GET",
        .path = kt_api_path(&arena, watch->resource, watch->namespace_, NULL, NULL),
        .resource = watch->resource,
        .query = query,
        .query_count = KT_ARRAY_LENGTH(query),
    };
    if (!request.path)
        return kt_error_set(error, KT_ENOMEM, "not enough memory to watch %s", watch->resource->plural);
    struct kt_exchange exchange = {
        .request = &request,
        .arena = &arena,
        .deadline_ms = kt_client_deadline(watch->client, (timeout_s + SERVER_TIMEOUT_SLACK_S) * 1000),
        .header_deadline_ms = kt_client_deadline(watch->client, HEADER_TIMEOUT_MS),
        .silence_ms = watch->options.silence_ms,
        .heard = on_heard,
        .take_body = take_piece,
        .context = watch,
    };
    kt_strbuf_clear(&watch->line);
    watch->line_error = (struct kt_error){0};
    int code = run_stream(watch, &exchange, &arena, error);
    *ret_retry_after_ms = KT_MAX(exchange.headers.retry_after_s, (int64_t)0) * 1000;
    kt_strbuf_release(&watch->line); /* a line that was cut off is worth nothing */
    if (watch->line_error.code != KT_OK) {
        if (error)
            *error = watch->line_error;
        return watch->line_error.code;
    }
    return exchange.fell_silent ? 0 : code;
}

/* --- going on -------------------------------------------------------------------------------------------------------
 */

/* 410, by HTTP or in the stream, is no trouble but the sign to list again; a missing type, too, needs a new list. */
static void choose_next_step(struct watch *watch, int code)
{
    if (code != 0 && code != KT_EUNAVAILABLE && code != KT_ETIMEOUT)
        watch->step = STEP_LIST;
}

static int64_t next_delay_ms(struct watch *watch)
{
    if (watch->last_trouble_ms != 0 && now_ms(watch) - watch->last_trouble_ms > watch->options.backoff_reset_ms)
        watch->backoff_ms = watch->options.backoff_first_ms;
    int64_t delay_ms = watch->backoff_ms + random_below(watch->backoff_ms);
    watch->backoff_ms = KT_MIN(watch->backoff_ms * 2, watch->options.backoff_largest_ms);
    watch->last_trouble_ms = now_ms(watch);
    return delay_ms;
}

/* A stream that ended as it should, after having lived for a while, is followed by the next at once. */
static bool ended_well(const struct watch *watch, int code, int64_t lasted_ms)
{
    return (code == 0 || code == KT_EGONE) && lasted_ms >= watch->options.backoff_first_ms;
}

static int round_of(struct watch *watch, struct kt_error *error)
{
    struct kt_error failure = {0};
    int64_t started_ms = now_ms(watch), retry_after_ms = 0;
    bool was_list = watch->step == STEP_LIST;
    int code = was_list ? list(watch, &failure) : stream(watch, &retry_after_ms, &failure);
    if (watch->ended)
        return 0;
    if (code == KT_EINTERRUPTED)
        return kt_error_set(error, KT_EINTERRUPTED, "%s", failure.message);
    choose_next_step(watch, code);
    if (code == 0 && was_list)
        return 0;
    if (ended_well(watch, code, now_ms(watch) - started_ms))
        return 0;
    if (watch->options.stop_on_trouble && code != 0 && code != KT_EGONE) {
        if (error)
            *error = failure;
        return code;
    }
    int64_t delay_ms = next_delay_ms(watch);
    delay_ms = KT_MAX(delay_ms, KT_MIN(retry_after_ms, LONGEST_RETRY_AFTER_MS));
    if (code != 0 && code != KT_EGONE && watch->handler->trouble)
        watch->handler->trouble(watch->handler->context, &failure, delay_ms);
    return kt_client_pause(watch->client, delay_ms, error);
}

int kt_watch_run(struct kt_client *client, const struct kt_resource *resource, const char *namespace_,
                 const struct kt_watch_options *options, const struct kt_watch_handler *handler, struct kt_error *error)
{
    struct watch watch = {.client = client, .resource = resource, .namespace_ = namespace_, .handler = handler};
    if (options)
        watch.options = *options;
    fill_defaults(&watch.options);
    watch.backoff_ms = watch.options.backoff_first_ms;
    kt_arena_init(&watch.arena, WORK_ARENA_BYTES);
    kt_strbuf_init(&watch.line, NULL, KT_LIMIT_WATCH_LINE_BYTES + 1);
    int code = 0;
    while (code == 0 && !watch.ended)
        code = round_of(&watch, error);
    kt_strbuf_release(&watch.line);
    kt_arena_release(&watch.arena);
    return code;
}
