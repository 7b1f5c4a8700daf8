/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` and `events` show: the pure part, from what was gathered to text and trees. */
#ifndef KT_PLUGIN_STATUS_VIEW_H
#define KT_PLUGIN_STATUS_VIEW_H

#include "plugin/output.h"
#include "plugin/verdict.h"

/* One screen: the verdict, what there is, conditions, events. */
void kt_status_screen(struct kt_app *app, const struct kt_observation *seen, const struct kt_verdict *verdict,
                      struct kt_strbuf *text);
/* The verdict alone: "NAME (namespace NS): STATE, stage STAGE" and what is wrong. */
void kt_status_headline(struct kt_app *app, const struct kt_terminal *terminal, const struct kt_observation *seen,
                        const struct kt_verdict *verdict, struct kt_strbuf *text);
/* {"workspace", "state", "stage", "detail", "cause", "objects"}, and "unseen" when not all could be read */
cJSON *kt_status_tree(struct kt_app *app, const struct kt_observation *seen, const struct kt_verdict *verdict);

struct kt_status_table_style {
    bool with_namespace;
    bool wide;
    bool no_headers;
};
void kt_status_table_init(struct kt_app *app, const struct kt_status_table_style *style, struct kt_table *table);
void kt_status_table_add(struct kt_app *app, const struct kt_status_table_style *style, struct kt_table *table,
                         const struct kt_observation *seen, const struct kt_verdict *verdict);

/* The name of the node that it runs on, or would; "" when there is none. */
const char *kt_status_node(const struct kt_observation *seen);

/* All that was gathered, one object a row: kind, name, a few words on its state, when it was made. */
struct kt_status_object {
    const char *kind;
    const char *name;
    const char *state;
    const char *age;
};
struct kt_status_object *kt_status_objects(struct kt_arena *arena, const struct kt_observation *seen,
                                           size_t *ret_count);

/* --- events (status_events.c) --------------------------------------------------------------------------------------
 */

struct kt_status_event {
    const cJSON *event;
    int64_t time_ms; /* when it was seen last */
    bool is_cause;   /* the first warning about what the verdict blames */
};
/* By time, the newest last; verdict may be NULL. At most `most` of them, the newest (0: all). NULL without memory. */
struct kt_status_event *kt_status_events(struct kt_arena *arena, const struct kt_observation *seen,
                                         const struct kt_verdict *verdict, size_t most, size_t *ret_count);
void kt_status_events_table(struct kt_arena *arena, const struct kt_status_event *events, size_t count, int64_t now_s,
                            bool no_headers, struct kt_strbuf *text);

/* "5m" since a time of the API; "<unknown>" when it is none. In the arena. */
const char *kt_status_age(struct kt_arena *arena, const char *time, int64_t now_s);
/* text, at most so many characters of it and then "...". In the arena. */
const char *kt_status_cut(struct kt_arena *arena, const char *text, size_t characters);

#endif
