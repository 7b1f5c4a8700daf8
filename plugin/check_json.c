/* SPDX-License-Identifier: Apache-2.0 */
/* Findings for programs: one JSON document, and the workflow commands of GitHub Actions. */
#include <inttypes.h>

#include "plugin/check.h"

static void add_text(struct kt_strbuf *text, const char *key, const char *value)
{
    kt_strbuf_printf(text, "\"%s\":", key);
    if (value)
        kt_json_write_string(text, kt_str(value));
    else
        kt_strbuf_puts(text, "null");
}

static void add_position(struct kt_strbuf *text, struct kt_position position)
{
    kt_strbuf_printf(text, "\"line\":%" PRIu32 ",\"column\":%" PRIu32, position.line, position.column);
}

static void next_entry(struct kt_check_run *run, struct kt_strbuf *text)
{
    kt_strbuf_puts(text, run->entries++ ? ",\n{" : "\n{");
}

/* --- json ----------------------------------------------------------------------------------------------------------
 */

static void json_begin(struct kt_check_run *run KT_UNUSED, struct kt_strbuf *text)
{
    kt_strbuf_puts(text, "{\"results\":[");
}

static void add_defaults(struct kt_strbuf *text, const struct kt_defaulting *defaulting)
{
    kt_strbuf_puts(text, ",\"defaults\":[");
    for (size_t i = 0; i < defaulting->applied_count; i++) {
        const struct kt_default_applied *applied = &defaulting->applied[i];
        kt_strbuf_puts(text, i ? ",{" : "{");
        add_text(text, "id", applied->row->id);
        kt_strbuf_putc(text, ',');
        add_text(text, "path", applied->pointer);
        kt_strbuf_puts(text, ",\"value\":");
        if (applied->value)
            kt_json_write(text, applied->value, KT_JSON_COMPACT);
        else
            kt_json_write_string(text, kt_str(applied->row->value));
        kt_strbuf_printf(text, ",\"atReconcile\":%s}", applied->row->at_reconcile ? "true" : "false");
    }
    kt_strbuf_puts(text, "],\"patch\":");
    kt_json_write(text, defaulting->patch, KT_JSON_COMPACT);
}

static void json_checked(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_checked *checked)
{
    const struct kt_manifest_object *object = checked->object;
    next_entry(run, text);
    add_text(text, "file", checked->file->name);
    kt_strbuf_printf(text, ",\"document\":%zu,", object->document_number);
    add_text(text, "item", object->list_path[0] ? object->list_path : NULL);
    kt_strbuf_putc(text, ',');
    add_text(text, "apiVersion", object->api_version);
    kt_strbuf_putc(text, ',');
    add_text(text, "kind", object->kind);
    kt_strbuf_putc(text, ',');
    add_text(text, "namespace", object->namespace_);
    kt_strbuf_putc(text, ',');
    add_text(text, "name", object->name);
    kt_strbuf_printf(text, ",\"allowed\":%s,\"findings\":", checked->allowed ? "true" : "false");
    /* The same bytes as in an answer of `kaito-webhook review`; places stand beside them. */
    kt_findings_write_json(text, checked->findings);
    kt_strbuf_puts(text, ",\"positions\":[");
    for (size_t i = 0; i < checked->findings->count; i++) {
        kt_strbuf_puts(text, i ? ",{" : "{");
        add_position(text, checked->positions[i]);
        kt_strbuf_putc(text, '}');
    }
    kt_strbuf_putc(text, ']');
    if (run->show_defaults)
        add_defaults(text, checked->defaulting);
    kt_strbuf_putc(text, '}');
}

static void json_unusable(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_unusable *unusable)
{
    next_entry(run, text);
    add_text(text, "file", unusable->name);
    kt_strbuf_putc(text, ',');
    add_text(text, "error", unusable->message);
    kt_strbuf_putc(text, ',');
    add_position(text, unusable->position);
    kt_strbuf_putc(text, '}');
}

static void json_end(struct kt_check_run *run KT_UNUSED, struct kt_strbuf *text, const struct kt_check_totals *totals)
{
    kt_strbuf_printf(
        text, "\n],\"summary\":{\"files\":%zu,\"workspaces\":%zu,\"errors\":%zu,\"warnings\":%zu,\"unusable\":%zu}}\n",
        totals->files, totals->workspaces, totals->errors, totals->warnings, totals->unusable);
}

const struct kt_check_writer kt_check_json = {json_begin, json_checked, json_unusable, json_end};

/* --- github --------------------------------------------------------------------------------------------------------
 */

/* Percent codes for what would end a value (docs.github.com, workflow commands). */
static void add_escaped(struct kt_strbuf *text, struct kt_str value, bool is_property)
{
    for (size_t i = 0; i < value.length; i++) {
        char byte = value.data[i];
        if (byte == '%' || byte == '\r' || byte == '\n' || (is_property && (byte == ':' || byte == ',')))
            kt_strbuf_printf(text, "%%%02X", (unsigned)(unsigned char)byte);
        else
            kt_strbuf_putc(text, byte);
    }
}

static void add_command(struct kt_strbuf *text, const char *level, const char *file, struct kt_position position)
{
    kt_strbuf_printf(text, "::%s file=", level);
    add_escaped(text, kt_str(file), true);
    if (position.line > 0)
        kt_strbuf_printf(text, ",line=%" PRIu32 ",col=%" PRIu32, position.line, position.column);
}

static void github_checked(struct kt_check_run *run KT_UNUSED, struct kt_strbuf *text, const struct kt_checked *checked)
{
    for (size_t i = 0; i < checked->findings->count; i++) {
        const struct kt_finding *finding = &checked->findings->items[i];
        add_command(text, finding->severity == KT_SEVERITY_ERROR ? "error" : "warning", checked->file->name,
                    checked->positions[i]);
        kt_strbuf_printf(text, ",title=%s ", finding->rule);
        add_escaped(text, kt_str(finding->field), true);
        kt_strbuf_puts(text, "::");
        struct kt_strbuf message;
        kt_strbuf_init(&message, text->arena, KT_OUTPUT_LIMIT_BYTES);
        kt_output_escape_lines(&message, kt_str(finding->message));
        add_escaped(text, kt_strbuf_view(&message), false);
        kt_strbuf_putc(text, '\n');
    }
}

static void github_unusable(struct kt_check_run *run KT_UNUSED, struct kt_strbuf *text,
                            const struct kt_unusable *unusable)
{
    add_command(text, "error", unusable->name, unusable->position);
    kt_strbuf_puts(text, ",title=cannot be read::");
    struct kt_strbuf message;
    kt_strbuf_init(&message, text->arena, KT_OUTPUT_LIMIT_BYTES);
    kt_output_escape_lines(&message, kt_str(unusable->message));
    add_escaped(text, kt_strbuf_view(&message), false);
    kt_strbuf_putc(text, '\n');
}

static void github_begin(struct kt_check_run *run KT_UNUSED, struct kt_strbuf *text KT_UNUSED)
{
}

static void github_end(struct kt_check_run *run KT_UNUSED, struct kt_strbuf *text KT_UNUSED,
                       const struct kt_check_totals *totals KT_UNUSED)
{
}

const struct kt_check_writer kt_check_github = {github_begin, github_checked, github_unusable, github_end};
