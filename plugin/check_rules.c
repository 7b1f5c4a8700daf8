/* SPDX-License-Identifier: Apache-2.0 */
/* `check --list-rules` and `--list-defaults`: the tables of admission, for people and for documents. */
#include "admission/admission.h"
#include "admission/fields.h"
#include "plugin/check.h"

struct row {
    const char *id;
    const char *severity;
    const char *origin; /* "upstream", "own" or "relaxed" */
    const char *family;
    const char *title;
    const char *reason; /* NULL: none */
};

static struct row row_of(const struct kt_rule_table *table, const struct kt_rule *rule)
{
    return (struct row){
        .id = rule->id,
        .severity = rule->severity == KT_SEVERITY_ERROR ? "error" : "warning",
        .origin = rule->relaxed                        ? "relaxed"
                  : rule->origin == KT_ORIGIN_UPSTREAM ? "upstream"
                                                       : "own",
        .family = table->family,
        .title = rule->title,
        .reason = rule->reason,
    };
}

static void visit_rows(void (*visit)(void *context, const struct row *row), void *context)
{
    for (const struct kt_rule_table *const *table = kt_rule_tables; *table; table++) {
        for (size_t i = 0; i < (*table)->count; i++) {
            struct row row = row_of(*table, &(*table)->rules[i]);
            visit(context, &row);
        }
    }
    for (size_t i = 0; i < kt_field_rule_count; i++) {
        const struct row row = {kt_field_rules[i].id,    "error", "own", "fields", kt_field_rules[i].title,
                                kt_field_rules[i].reason};
        visit(context, &row);
    }
}

struct listing {
    struct kt_arena *arena;
    struct kt_table *table;
    struct kt_strbuf *text;
    cJSON *array;
};

static void add_to_table(void *context, const struct row *row)
{
    struct listing *listing = context;
    kt_table_add(listing->table, row->id);
    kt_table_add(listing->table, row->severity);
    kt_table_add(listing->table, row->origin);
    kt_table_add(listing->table, row->title);
}

static void add_cell(struct kt_strbuf *text, const char *cell)
{
    kt_strbuf_puts(text, "| ");
    for (const char *at = cell; *at; at++)
        kt_strbuf_printf(text, "%s%c", *at == '|' ? "\\" : "", *at);
    kt_strbuf_putc(text, ' ');
}

static void add_to_markdown(void *context, const struct row *row)
{
    struct listing *listing = context;
    add_cell(listing->text, row->id);
    add_cell(listing->text, row->severity);
    add_cell(listing->text, row->origin);
    add_cell(listing->text, row->title);
    add_cell(listing->text, row->reason ? row->reason : "");
    kt_strbuf_puts(listing->text, "|\n");
}

static void add_to_tree(void *context, const struct row *row)
{
    struct listing *listing = context;
    cJSON *item = kt_json_new_object(listing->arena);
    kt_json_set_string(listing->arena, item, "id", row->id);
    kt_json_set_string(listing->arena, item, "family", row->family);
    kt_json_set_string(listing->arena, item, "severity", row->severity);
    kt_json_set_string(listing->arena, item, "origin", row->origin);
    kt_json_set_string(listing->arena, item, "title", row->title);
    kt_json_set_string(listing->arena, item, "reason", row->reason);
    kt_json_append(listing->arena, listing->array, item);
}

int kt_check_list_rules(struct kt_app *app, enum kt_format format, struct kt_error *error)
{
    struct kt_strbuf text = kt_output_buffer(app);
    struct kt_table table;
    struct listing listing = {app->arena, &table, &text, kt_json_new_array(app->arena)};
    if (format == KT_FORMAT_JSON) {
        cJSON *tree = kt_json_new_object(app->arena);
        kt_json_set(app->arena, tree, "rules", listing.array);
        visit_rows(add_to_tree, &listing);
        const struct kt_output_format json = {KT_FORMAT_JSON, NULL};
        return kt_output_write_tree(app, &json, tree, error);
    }
    if (format == KT_FORMAT_MARKDOWN) {
        kt_strbuf_puts(&text, "| id | severity | origin | what must be true | why |\n|---|---|---|---|---|\n");
        visit_rows(add_to_markdown, &listing);
    } else {
        static const char *const headers[] = {"ID", "SEVERITY", "ORIGIN", "WHAT MUST BE TRUE", NULL};
        kt_table_init(&table, app->arena, headers, false);
        visit_rows(add_to_table, &listing);
        kt_table_write(&table, &text, 0);
    }
    return kt_output_write(app, &text, error);
}

/* --- defaults ----------------------------------------------------------------------------------------------------- */

static cJSON *defaults_tree(struct kt_arena *arena)
{
    cJSON *tree = kt_json_new_object(arena);
    cJSON *array = kt_json_new_array(arena);
    for (size_t i = 0; i < kt_default_count; i++) {
        cJSON *item = kt_json_new_object(arena);
        kt_json_set_string(arena, item, "id", kt_defaults[i].id);
        kt_json_set_string(arena, item, "field", kt_defaults[i].field);
        kt_json_set_string(arena, item, "value", kt_defaults[i].value);
        kt_json_set_string(arena, item, "when", kt_defaults[i].when);
        kt_json_append(arena, array, item);
    }
    kt_json_set(arena, tree, "defaults", array);
    return tree;
}

int kt_check_list_defaults(struct kt_app *app, enum kt_format format, struct kt_error *error)
{
    static const char *const headers[] = {"ID", "FIELD", "VALUE", "WHEN", NULL};
    struct kt_strbuf text = kt_output_buffer(app);
    struct kt_table table;
    if (format == KT_FORMAT_JSON) {
        const struct kt_output_format json = {KT_FORMAT_JSON, NULL};
        return kt_output_write_tree(app, &json, defaults_tree(app->arena), error);
    }
    kt_table_init(&table, app->arena, headers, false);
    if (format == KT_FORMAT_MARKDOWN)
        kt_strbuf_puts(&text, "| id | field | value | when |\n|---|---|---|---|\n");
    for (size_t i = 0; i < kt_default_count; i++) {
        const char *const cells[] = {kt_defaults[i].id, kt_defaults[i].field, kt_defaults[i].value,
                                     kt_defaults[i].when};
        for (size_t j = 0; j < KT_ARRAY_LENGTH(cells); j++) {
            if (format == KT_FORMAT_MARKDOWN)
                add_cell(&text, cells[j]);
            else
                kt_table_add(&table, cells[j]);
        }
        if (format == KT_FORMAT_MARKDOWN)
            kt_strbuf_puts(&text, "|\n");
    }
    if (format != KT_FORMAT_MARKDOWN)
        kt_table_write(&table, &text, 0);
    return kt_output_write(app, &text, error);
}
