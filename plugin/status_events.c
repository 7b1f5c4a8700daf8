/* SPDX-License-Identifier: Apache-2.0 */
/* Events of several objects merged into one story. */
#include <stdlib.h>

#include "plugin/gather.h"
#include "plugin/status_view.h"
#include "text/time.h"

static int64_t time_of(const cJSON *node)
{
    int64_t time_ms;
    const char *text = kt_json_string_or(node, "");
    return kt_time_parse_rfc3339(kt_str(text), &time_ms, NULL) == 0 ? time_ms : INT64_MIN;
}

/* The newer API leaves lastTimestamp out; a repeated event has a series. */
static int64_t last_seen_ms(const cJSON *event)
{
    const cJSON *const times[] = {
        kt_json_get(event, "lastTimestamp"), kt_json_path(event, "series", "lastObservedTime", NULL),
        kt_json_get(event, "eventTime"), kt_json_path(event, "metadata", "creationTimestamp", NULL)};
    int64_t latest_ms = INT64_MIN;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(times) && latest_ms == INT64_MIN; i++)
        latest_ms = time_of(times[i]);
    return latest_ms;
}

static int compare(const void *left, const void *right)
{
    const struct kt_status_event *a = left, *b = right;
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    return strcmp(kt_object_name(a->event), kt_object_name(b->event));
}

static bool is_warning(const cJSON *event)
{
    return kt_streq(kt_json_string_or(kt_json_get(event, "type"), ""), "Warning");
}

/* How well an event fits the cause of the verdict; 0: it is no warning. */
static int fit_of(const cJSON *event, const struct kt_verdict *verdict)
{
    if (!is_warning(event))
        return 0;
    const char *name = kt_json_string_or(kt_json_path(event, "involvedObject", "name", NULL), "");
    if (!kt_streq(name, verdict->cause.name))
        return 1;
    return kt_streq(kt_json_string_or(kt_json_get(event, "reason"), ""), verdict->cause.reason) ? 3 : 2;
}

/* The first of those that fit best. */
static void mark_cause(struct kt_status_event *events, size_t count, const struct kt_verdict *verdict)
{
    struct kt_status_event *best = NULL;
    int best_fit = 0;
    for (size_t i = 0; i < count; i++) {
        int fit = fit_of(events[i].event, verdict);
        if (fit > best_fit) {
            best = &events[i];
            best_fit = fit;
        }
    }
    if (best)
        best->is_cause = true;
}

struct kt_status_event *kt_status_events(struct kt_arena *arena, const struct kt_observation *seen,
                                         const struct kt_verdict *verdict, size_t most, size_t *ret_count)
{
    /* Events outlive what they are about: a Workspace of the same name may have been there before. */
    int64_t since_ms = time_of(kt_json_path(seen->workspace, "metadata", "creationTimestamp", NULL));
    struct kt_status_event *events = kt_arena_calloc(arena, seen->objects[KT_KIND_EVENT].count + 1, sizeof(*events));
    size_t count = 0;
    *ret_count = 0;
    if (!events)
        return NULL;
    for (size_t i = 0; i < seen->objects[KT_KIND_EVENT].count; i++) {
        int64_t time_ms = last_seen_ms(seen->objects[KT_KIND_EVENT].items[i]);
        if (time_ms == INT64_MIN || time_ms >= since_ms)
            events[count++] = (struct kt_status_event){seen->objects[KT_KIND_EVENT].items[i], time_ms, false};
    }
    qsort(events, count, sizeof(*events), compare);
    if (verdict && verdict->has_cause && verdict->cause.name)
        mark_cause(events, count, verdict);
    size_t cut = most > 0 && count > most ? count - most : 0;
    *ret_count = count - cut;
    return events + cut;
}

static const char *about(struct kt_arena *arena, const cJSON *event)
{
    const cJSON *object = kt_json_get(event, "involvedObject");
    return kt_arena_printf(arena, "%s/%s", kt_json_string_or(kt_json_get(object, "kind"), "?"),
                           kt_json_string_or(kt_json_get(object, "name"), "?"));
}

static const char *message_of(struct kt_arena *arena, const cJSON *event)
{
    int64_t times = 1;
    const cJSON *series = kt_json_path(event, "series", "count", NULL);
    kt_json_int64(series ? series : kt_json_get(event, "count"), &times);
    const char *message = kt_json_string_or(kt_json_get(event, "message"), "");
    return times > 1 ? kt_arena_printf(arena, "%s (%lld times)", message, (long long)times) : message;
}

void kt_status_events_table(struct kt_arena *arena, const struct kt_status_event *events, size_t count, int64_t now_s,
                            bool no_headers, struct kt_strbuf *text)
{
    static const char *const headers[] = {"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE", NULL};
    struct kt_table table;
    bool marked = false;
    kt_table_init(&table, arena, headers, no_headers);
    for (size_t i = 0; i < count; i++) {
        const cJSON *event = events[i].event;
        struct kt_strbuf age;
        kt_strbuf_init(&age, arena, 64);
        if (events[i].time_ms != INT64_MIN)
            kt_time_write_age(&age, now_s * 1000 - events[i].time_ms);
        kt_table_add(&table, age.length ? age.data : "<unknown>");
        const char *type = kt_json_string_or(kt_json_get(event, "type"), "");
        kt_table_add(&table, events[i].is_cause ? kt_arena_printf(arena, "%s *", type) : type);
        kt_table_add(&table, kt_json_string(kt_json_get(event, "reason")));
        kt_table_add(&table, about(arena, event));
        kt_table_add_blank(&table, message_of(arena, event));
        marked |= events[i].is_cause;
    }
    kt_table_write(&table, text, 0);
    if (marked)
        kt_strbuf_puts(text, "* the first warning about the cause\n");
}
