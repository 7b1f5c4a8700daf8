/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/status_view.h"

#include "plugin/gather.h"

#define SHOWN_EVENTS 15
/* Of a cell that could be a paragraph. */
#define DETAIL_CHARACTERS 60
#define WIDEST_TEXT ((size_t)120)

/* --- headline ------------------------------------------------------------------------------------------------------
 */

static enum kt_style style_of(const struct kt_verdict *verdict)
{
    if (verdict->failed)
        return KT_STYLE_ERROR;
    if (verdict->has_cause)
        return KT_STYLE_WARNING;
    return verdict->ready ? KT_STYLE_GOOD : KT_STYLE_STRONG;
}

static void add_styled(struct kt_strbuf *text, const struct kt_terminal *terminal, enum kt_style style,
                       const char *words)
{
    kt_strbuf_puts(text, kt_terminal_style(terminal, style));
    kt_output_escape(text, kt_str(words));
    kt_strbuf_puts(text, kt_terminal_plain(terminal));
}

void kt_status_headline(struct kt_app *app, const struct kt_terminal *terminal, const struct kt_observation *seen,
                        const struct kt_verdict *verdict, struct kt_strbuf *text)
{
    add_styled(text, terminal, KT_STYLE_STRONG, kt_object_name(seen->workspace));
    kt_strbuf_puts(text, " (namespace ");
    kt_output_escape(text, kt_str(kt_object_namespace(seen->workspace)));
    kt_strbuf_puts(text, "): ");
    add_styled(text, terminal, style_of(verdict), verdict->state);
    kt_strbuf_printf(text, ", stage %s\n", verdict->stage);
    struct kt_strbuf safe;
    kt_strbuf_init(&safe, app->arena, (size_t)(64 * KT_KIB));
    if (verdict->has_cause) {
        kt_strbuf_puts(&safe, "Cause: ");
        kt_output_escape(&safe, kt_str(verdict->cause.reason));
        kt_strbuf_printf(&safe, " (%s ", verdict->cause.kind ? verdict->cause.kind : "");
        kt_output_escape(&safe, kt_str(verdict->cause.name));
        kt_strbuf_puts(&safe, "): ");
        kt_output_escape(&safe, kt_str(verdict->cause.message));
    } else {
        kt_output_escape(&safe, kt_str(verdict->detail));
    }
    /* A pipe gets whole sentences, so that a script finds its words. */
    size_t width = terminal->is_terminal ? KT_MIN(terminal->width, WIDEST_TEXT) : safe.length + WIDEST_TEXT;
    kt_output_wrap(text, safe.data, 2, width);
    if (verdict->is_untouched)
        kt_output_wrap(text,
                       "Nothing has acted on this Workspace yet: is kaito-webhook (with --reconcile) or another "
                       "operator of Workspaces running?",
                       2, terminal->is_terminal ? width : 2 * WIDEST_TEXT);
}

/* --- screen --------------------------------------------------------------------------------------------------------
 */

static void add_facts(struct kt_app *app, const struct kt_observation *seen, const struct kt_verdict *verdict,
                      struct kt_strbuf *text)
{
    static const char *const headers[] = {"", "", NULL};
    const cJSON *workspace = seen->workspace;
    const cJSON *work = kt_json_get(workspace, verdict->is_inference ? "inference" : "tuning");
    const char *model = kt_json_string(kt_json_path(work, "preset", "name", NULL));
    const char *method = kt_json_string(kt_json_get(work, "method"));
    const char *instance = kt_json_string(kt_json_path(workspace, "resource", "instanceType", NULL));
    const char *image = kt_json_string(kt_json_path(work, "output", "image", NULL));
    const char *created = kt_json_string(kt_json_path(workspace, "metadata", "creationTimestamp", NULL));
    const struct {
        const char *name, *value;
    } rows[] = {
        {"Model:", model},
        {"Method:", method},
        {"Instance:", instance               ? instance
                      : seen->bring_your_own ? "nodes of your own"
                                             : NULL},
        {"Output image:", image},
        {"Age:", kt_status_age(app->arena, created, seen->now_s)},
    };
    struct kt_table table;
    kt_table_init(&table, app->arena, headers, true);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        if (!rows[i].value)
            continue;
        kt_table_add(&table, rows[i].name);
        kt_table_add(&table, rows[i].value);
    }
    kt_strbuf_putc(text, '\n');
    kt_table_write(&table, text, 0);
}

static void add_objects(struct kt_app *app, const struct kt_observation *seen, struct kt_strbuf *text)
{
    static const char *const headers[] = {"OBJECT", "NAME", "AGE", "STATE", NULL};
    size_t count;
    const struct kt_status_object *objects = kt_status_objects(app->arena, seen, &count);
    struct kt_table table;
    if (!objects || count == 0)
        return;
    kt_table_init(&table, app->arena, headers, false);
    for (size_t i = 0; i < count; i++) {
        kt_table_add(&table, objects[i].kind);
        kt_table_add(&table, objects[i].name);
        kt_table_add(&table, objects[i].age);
        kt_table_add_blank(&table, objects[i].state);
    }
    kt_strbuf_putc(text, '\n');
    kt_table_write(&table, text, 0);
}

static void add_conditions(struct kt_app *app, const struct kt_observation *seen, struct kt_strbuf *text)
{
    static const char *const headers[] = {"CONDITION", "STATUS", "SINCE", "REASON", "MESSAGE", NULL};
    const cJSON *condition, *conditions = kt_json_path(seen->workspace, "status", "conditions", NULL);
    struct kt_table table;
    if (!kt_json_is_array(conditions) || kt_json_count(conditions) == 0)
        return;
    kt_table_init(&table, app->arena, headers, false);
    cJSON_ArrayForEach(condition, conditions)
    {
        kt_table_add(&table, kt_json_string(kt_json_get(condition, "type")));
        kt_table_add(&table, kt_json_string(kt_json_get(condition, "status")));
        kt_table_add(&table, kt_status_age(app->arena, kt_json_string(kt_json_get(condition, "lastTransitionTime")),
                                           seen->now_s));
        kt_table_add(&table, kt_json_string(kt_json_get(condition, "reason")));
        kt_table_add_blank(&table, kt_json_string_or(kt_json_get(condition, "message"), ""));
    }
    kt_strbuf_putc(text, '\n');
    kt_table_write(&table, text, 0);
}

void kt_status_screen(struct kt_app *app, const struct kt_observation *seen, const struct kt_verdict *verdict,
                      struct kt_strbuf *text)
{
    size_t count;
    kt_status_headline(app, &app->out_terminal, seen, verdict, text);
    add_facts(app, seen, verdict, text);
    add_objects(app, seen, text);
    add_conditions(app, seen, text);
    const struct kt_status_event *events = kt_status_events(app->arena, seen, verdict, SHOWN_EVENTS, &count);
    if (!events || count == 0)
        return;
    kt_strbuf_putc(text, '\n');
    kt_status_events_table(app->arena, events, count, seen->now_s, false, text);
    if (seen->objects[KT_KIND_EVENT].count > count)
        kt_strbuf_printf(text, "(%zu older events: kubectl kaito events)\n",
                         seen->objects[KT_KIND_EVENT].count - count);
}

/* --- tree ----------------------------------------------------------------------------------------------------------
 */

static cJSON *cause_tree(struct kt_arena *arena, const struct kt_cause *cause)
{
    cJSON *tree = kt_json_new_object(arena);
    kt_json_set_string(arena, tree, "reason", cause->reason);
    kt_json_set_string(arena, tree, "message", cause->message);
    kt_json_set_string(arena, tree, "kind", cause->kind);
    kt_json_set_string(arena, tree, "name", cause->name);
    return tree;
}

/* Kinds of which there may be more than what is told. */
static cJSON *unseen_tree(struct kt_arena *arena, const struct kt_observation *seen)
{
    cJSON *list = kt_json_new_array(arena);
    for (enum kt_kind_id kind = 0; kind < KT_KIND_COUNT; kind++)
        if (kt_observation_lacks(seen, kind))
            kt_json_append(arena, list, kt_json_new_string(arena, kt_kinds[kind].resource->kind));
    return list;
}

cJSON *kt_status_tree(struct kt_app *app, const struct kt_observation *seen, const struct kt_verdict *verdict)
{
    struct kt_arena *arena = app->arena;
    cJSON *tree = kt_json_new_object(arena), *workspace = kt_json_clone(arena, seen->workspace);
    size_t count;
    const struct kt_status_object *objects = kt_status_objects(arena, seen, &count);
    cJSON *list = kt_json_new_array(arena);
    kt_json_remove(kt_json_get(workspace, "metadata"), "managedFields");
    kt_json_set(arena, tree, "workspace", workspace);
    kt_json_set_string(arena, tree, "state", verdict->state);
    kt_json_set_string(arena, tree, "stage", verdict->stage);
    kt_json_set_string(arena, tree, "detail", verdict->detail);
    kt_json_set(arena, tree, "cause",
                verdict->has_cause ? cause_tree(arena, &verdict->cause) : kt_json_new_null(arena));
    for (size_t i = 0; objects && i < count; i++) {
        cJSON *object = kt_json_new_object(arena);
        kt_json_set_string(arena, object, "kind", objects[i].kind);
        kt_json_set_string(arena, object, "name", objects[i].name);
        kt_json_set_string(arena, object, "state", objects[i].state);
        kt_json_append(arena, list, object);
    }
    kt_json_set(arena, tree, "objects", list);
    if (seen->unseen)
        kt_json_set(arena, tree, "unseen", unseen_tree(arena, seen));
    return tree;
}

/* --- table ---------------------------------------------------------------------------------------------------------
 */

void kt_status_table_init(struct kt_app *app, const struct kt_status_table_style *style, struct kt_table *table)
{
    static const char *const all[] = {"NAMESPACE", "NAME",  "METHOD", "MODEL", "INSTANCE",
                                      "STATE",     "STAGE", "AGE",    "NODE",  "DETAIL"};
    const char *headers[KT_ARRAY_LENGTH(all) + 1];
    size_t count = 0;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(all); i++)
        if ((style->with_namespace || i != 0) && (style->wide || i != 8))
            headers[count++] = all[i];
    headers[count] = NULL;
    kt_table_init(table, app->arena, headers, style->no_headers);
}

static const char *detail_cell(struct kt_app *app, const struct kt_status_table_style *style,
                               const struct kt_verdict *verdict)
{
    const char *detail = verdict->detail;
    if (verdict->has_cause)
        detail = kt_arena_printf(app->arena, "%s: %s", verdict->cause.reason, verdict->cause.message);
    if (!detail)
        return "";
    return style->wide ? detail : kt_status_cut(app->arena, detail, DETAIL_CHARACTERS);
}

void kt_status_table_add(struct kt_app *app, const struct kt_status_table_style *style, struct kt_table *table,
                         const struct kt_observation *seen, const struct kt_verdict *verdict)
{
    const cJSON *workspace = seen->workspace;
    const cJSON *work = kt_json_get(workspace, verdict->is_inference ? "inference" : "tuning");
    const char *created = kt_json_string(kt_json_path(workspace, "metadata", "creationTimestamp", NULL));
    const char *method = kt_json_string_or(kt_json_get(work, "method"), "qlora");
    if (style->with_namespace)
        kt_table_add(table, kt_object_namespace(workspace));
    kt_table_add(table, kt_object_name(workspace));
    kt_table_add(table, verdict->is_inference ? "inference" : method);
    kt_table_add(table, kt_json_string(kt_json_path(work, "preset", "name", NULL)));
    kt_table_add(table, kt_json_string(kt_json_path(workspace, "resource", "instanceType", NULL)));
    kt_table_add(table, verdict->state);
    kt_table_add(table, verdict->stage);
    kt_table_add(table, kt_status_age(app->arena, created, seen->now_s));
    if (style->wide)
        kt_table_add(table, kt_status_node(seen));
    kt_table_add_blank(table, detail_cell(app, style, verdict));
}
