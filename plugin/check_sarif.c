/* SPDX-License-Identifier: Apache-2.0 */
/* SARIF 2.1.0, for code scanning. Results are streamed; the rules stand at the end, as the format allows. */
#include <inttypes.h>

#include "admission/fields.h"
#include "plugin/check.h"

#define SCHEMA_URL "https://json.schemastore.org/sarif-2.1.0.json"

static void sarif_begin(struct kt_check_run *run KT_UNUSED, struct kt_strbuf *text)
{
    kt_strbuf_puts(text, "{\"$schema\":\"" SCHEMA_URL "\",\"version\":\"2.1.0\",\"runs\":[{\"results\":[");
}

/* A URI reference: everything but what may stand in one is percent-coded. Standard input has no URI of its own. */
static void add_uri(struct kt_strbuf *text, const char *file)
{
    struct kt_strbuf uri;
    kt_strbuf_init(&uri, text->arena, (size_t)(64 * KT_KIB));
    for (const char *at = file; *at; at++) {
        if (kt_ascii_is_alnum(*at) || *at == '/' || *at == '.' || *at == '-' || *at == '_' || *at == '~')
            kt_strbuf_putc(&uri, *at);
        else
            kt_strbuf_printf(&uri, "%%%02X", (unsigned)(unsigned char)*at);
    }
    kt_json_write_string(text, kt_strbuf_view(&uri));
}

static void add_location(struct kt_strbuf *text, const char *file, struct kt_position position)
{
    kt_strbuf_puts(text, "\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":");
    add_uri(text, file);
    kt_strbuf_putc(text, '}');
    if (position.line > 0)
        kt_strbuf_printf(text, ",\"region\":{\"startLine\":%" PRIu32 ",\"startColumn\":%" PRIu32 "}", position.line,
                         KT_MAX(position.column, 1u));
    kt_strbuf_puts(text, "}}]");
}

static void add_result(struct kt_check_run *run, struct kt_strbuf *text, const char *rule, const char *level,
                       const char *field, const char *message)
{
    kt_strbuf_printf(text,
                     "%s{\"ruleId\":\"%s\",\"level\":\"%s\",\"message\":{\"text\":", run->entries++ ? ",\n" : "\n",
                     rule, level);
    struct kt_strbuf whole;
    kt_strbuf_init(&whole, text->arena, KT_OUTPUT_LIMIT_BYTES);
    kt_strbuf_printf(&whole, "%s%s%s", field, field[0] ? ": " : "", message);
    kt_json_write_string(text, kt_strbuf_view(&whole));
    kt_strbuf_puts(text, "},");
}

static void sarif_checked(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_checked *checked)
{
    for (size_t i = 0; i < checked->findings->count; i++) {
        const struct kt_finding *finding = &checked->findings->items[i];
        add_result(run, text, finding->rule, finding->severity == KT_SEVERITY_ERROR ? "error" : "warning",
                   finding->field, finding->message);
        add_location(text, checked->file->name, checked->positions[i]);
        kt_strbuf_putc(text, '}');
    }
}

static void sarif_unusable(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_unusable *unusable)
{
    add_result(run, text, "UNUSABLE", "error", "", unusable->message);
    add_location(text, unusable->name, unusable->position);
    kt_strbuf_putc(text, '}');
}

static void add_rule(struct kt_strbuf *text, bool *first, const char *id, const char *title, const char *reason)
{
    kt_strbuf_printf(text, "%s{\"id\":\"%s\",\"shortDescription\":{\"text\":", *first ? "\n" : ",\n", id);
    *first = false;
    kt_json_write_string(text, kt_str(title));
    kt_strbuf_putc(text, '}');
    if (reason) {
        kt_strbuf_puts(text, ",\"fullDescription\":{\"text\":");
        kt_json_write_string(text, kt_str(reason));
        kt_strbuf_putc(text, '}');
    }
    kt_strbuf_putc(text, '}');
}

static void sarif_end(struct kt_check_run *run KT_UNUSED, struct kt_strbuf *text,
                      const struct kt_check_totals *totals KT_UNUSED)
{
    bool first = true;
    kt_strbuf_puts(
        text, "\n],\"columnKind\":\"unicodeCodePoints\",\"tool\":{\"driver\":{\"name\":\"kubectl-kaito\",\"rules\":[");
    for (const struct kt_rule_table *const *table = kt_rule_tables; *table; table++)
        for (size_t i = 0; i < (*table)->count; i++)
            add_rule(text, &first, (*table)->rules[i].id, (*table)->rules[i].title, (*table)->rules[i].reason);
    for (size_t i = 0; i < kt_field_rule_count; i++)
        add_rule(text, &first, kt_field_rules[i].id, kt_field_rules[i].title, kt_field_rules[i].reason);
    kt_strbuf_puts(text, "\n]}}}]}\n");
}

const struct kt_check_writer kt_check_sarif = {sarif_begin, sarif_checked, sarif_unusable, sarif_end};
