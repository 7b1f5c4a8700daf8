/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/pod_log.h"

#include <stdio.h>

#include "kube/api.h"

/* Of one request: path, query, an error's body. */
#define REQUEST_ARENA_BYTES ((size_t)(4 * KT_MIB))
#define SECONDS_LENGTH 19 /* "2026-11-23T14:28:00" */
#define FRACTION_DIGITS 9

void kt_pod_log_init(struct kt_pod_log *log)
{
    *log = (struct kt_pod_log){.tail_lines = -1};
    kt_strbuf_init(&log->partial, NULL, KT_POD_LOG_LINE_BYTES + 1);
}

void kt_pod_log_release(struct kt_pod_log *log)
{
    kt_strbuf_release(&log->partial);
}

/* --- times ---------------------------------------------------------------------------------------------------------
 */

/* The time in front of a line and the space after it; 0 when there is none. */
static size_t time_length(struct kt_str line)
{
    size_t length = kt_str_find_char(line, ' ');
    if (length == SIZE_MAX || length <= SECONDS_LENGTH || length >= KT_POD_LOG_TIME_BYTES)
        return 0;
    return line.data[4] == '-' && line.data[10] == 'T' && line.data[16] == ':' ? length : 0;
}

/* Zeros at the end of the fraction are left out by the server, so that times do not compare as texts. All are of one
 * node and so of one time zone. */
static void make_comparable(struct kt_str time, char ret[SECONDS_LENGTH + FRACTION_DIGITS + 1])
{
    size_t digits = 0;
    memcpy(ret, time.data, SECONDS_LENGTH);
    for (size_t i = SECONDS_LENGTH + 1; time.data[SECONDS_LENGTH] == '.' && i < time.length; i++) {
        if (!kt_ascii_is_digit(time.data[i]) || digits == FRACTION_DIGITS)
            break;
        ret[SECONDS_LENGTH + digits++] = time.data[i];
    }
    memset(ret + SECONDS_LENGTH + digits, '0', FRACTION_DIGITS - digits);
    ret[SECONDS_LENGTH + FRACTION_DIGITS] = '\0';
}

static bool is_after(struct kt_str time, const char *last)
{
    char a[SECONDS_LENGTH + FRACTION_DIGITS + 1], b[SECONDS_LENGTH + FRACTION_DIGITS + 1];
    make_comparable(time, a);
    make_comparable(kt_str(last), b);
    return strcmp(a, b) > 0;
}

/* The last time without its fraction: the server takes whole seconds. */
static const char *since(struct kt_arena *arena, const char *last)
{
    const char *zone = last + SECONDS_LENGTH;
    if (!last[0])
        return NULL;
    while (*zone == '.' || kt_ascii_is_digit(*zone))
        zone++;
    return kt_arena_printf(arena, "%.*s%s", SECONDS_LENGTH, last, zone);
}

/* --- lines ---------------------------------------------------------------------------------------------------------
 */

static bool take_line(struct kt_pod_log *log, struct kt_str line)
{
    size_t length = log->follow ? time_length(line) : 0;
    if (length > 0) {
        struct kt_str time = {line.data, length};
        if (log->last_time[0] && !is_after(time, log->last_time))
            return true; /* known from before the connection was cut */
        snprintf(log->last_time, sizeof(log->last_time), "%.*s", (int)length, line.data);
        line = (struct kt_str){line.data + length + 1, line.length - length - 1};
    }
    return log->line(log->context, line);
}

static bool take(void *context, const char *data, size_t length)
{
    struct kt_pod_log *log = context;
    while (length > 0) {
        const char *end = memchr(data, '\n', length);
        size_t part = end ? (size_t)(end - data) : length;
        part = KT_MIN(part, KT_POD_LOG_LINE_BYTES - log->partial.length);
        bool is_whole = end == data + part;
        kt_strbuf_add(&log->partial, data, part);
        data += part + is_whole;
        length -= part + is_whole;
        if (!is_whole && log->partial.length < KT_POD_LOG_LINE_BYTES && !log->partial.failed)
            continue;
        bool go_on = !log->partial.failed && take_line(log, kt_strbuf_view(&log->partial));
        kt_strbuf_clear(&log->partial);
        if (!go_on)
            return false;
    }
    return true;
}

int kt_pod_log_read(struct kt_client *client, struct kt_pod_log *log, struct kt_error *error)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_reply reply;
    char tail[24];
    kt_arena_init(&arena, REQUEST_ARENA_BYTES);
    snprintf(tail, sizeof(tail), "%lld", (long long)log->tail_lines);
    const struct kt_query query[] = {
        {"container", log->container},
        {"follow", log->follow ? "true" : NULL},
        {"previous", log->previous ? "true" : NULL},
        {"sinceTime", since(&arena, log->last_time)},
        {"tailLines", log->tail_lines >= 0 && !log->last_time[0] ? tail : NULL},
        {"timestamps", log->follow ? "true" : NULL},
    };
    const struct kt_request request = {
        .method = "GET",
        .path = kt_api_path(&arena, &kt_resource_pods, log->namespace_, log->pod, "log"),
        .resource = &kt_resource_pods,
        .query = query,
        .query_count = KT_ARRAY_LENGTH(query),
        .raw = true,
    };
    if (!request.path)
        return kt_error_set(error, KT_ENOMEM, "not enough memory to read a log");
    int code = kt_client_stream(client, &arena, &request, take, log, &reply, error);
    /* A line that was cut off comes again with the next reading; at the true end it is the last one. */
    if (code == 0 && log->partial.length > 0)
        take_line(log, kt_strbuf_view(&log->partial));
    kt_strbuf_clear(&log->partial);
    return code;
}
