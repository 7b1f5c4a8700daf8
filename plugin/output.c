/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plugin/jsonpath.h"
#include "text/visible.h"
#include "text/yaml.h"

static const struct {
    const char *name;
    enum kt_format format;
} format_names[] = {
    {"text", KT_FORMAT_TEXT},     {"json", KT_FORMAT_JSON},         {"yaml", KT_FORMAT_YAML},
    {"name", KT_FORMAT_NAME},     {"wide", KT_FORMAT_WIDE},         {"sarif", KT_FORMAT_SARIF},
    {"github", KT_FORMAT_GITHUB}, {"markdown", KT_FORMAT_MARKDOWN},
};

static const char jsonpath_prefix[] = "jsonpath=";

int kt_output_parse_format(const char *text, unsigned allowed, struct kt_output_format *ret, struct kt_error *error)
{
    if (!text || !text[0]) {
        *ret = (struct kt_output_format){KT_FORMAT_PLAIN, NULL};
        return 0;
    }
    if ((allowed & KT_FORMAT_JSONPATH) && strncmp(text, jsonpath_prefix, strlen(jsonpath_prefix)) == 0) {
        *ret = (struct kt_output_format){KT_FORMAT_JSONPATH, text + strlen(jsonpath_prefix)};
        return 0;
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(format_names); i++) {
        if ((allowed & (unsigned)format_names[i].format) && kt_streq(text, format_names[i].name)) {
            *ret = (struct kt_output_format){format_names[i].format, NULL};
            return 0;
        }
    }
    char list[128];
    size_t used = 0;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(format_names); i++)
        if (allowed & (unsigned)format_names[i].format)
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", format_names[i].name);
    snprintf(list + used, sizeof(list) - used, "%s", allowed & KT_FORMAT_JSONPATH ? ", jsonpath=TEMPLATE" : "");
    return kt_error_set(error, KT_EINVAL, "unknown output format \"%.60s\" for -o: allowed are %s", text, list);
}

struct kt_strbuf kt_output_buffer(struct kt_app *app)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, app->arena, KT_OUTPUT_LIMIT_BYTES);
    return buffer;
}

void kt_output_send(struct kt_app *app, struct kt_str text)
{
    errno = 0;
    if (fwrite(text.data, 1, text.length, app->out) < text.length && app->write_errno == 0)
        app->write_errno = errno ? errno : EIO;
}

void kt_output_send_line(struct kt_app *app, struct kt_str line)
{
    bool is_rewritten = kt_str_find_char(line, '\r') != SIZE_MAX;
    while (app->out_terminal.is_terminal) {
        struct kt_str part = {line.data, KT_MIN(kt_str_find_char(line, '\r'), line.length)};
        KT_CLEANUP(kt_strbuf_release) struct kt_strbuf safe;
        kt_strbuf_init(&safe, NULL, KT_OUTPUT_LIMIT_BYTES);
        /* Blanks between two of them only wiped the first one out. */
        if (!is_rewritten || kt_str_trim(part).length > 0) {
            kt_output_escape_lines(&safe, part);
            kt_strbuf_putc(&safe, '\n');
            kt_output_send(app, kt_strbuf_view(&safe));
        }
        if (part.length >= line.length)
            return;
        line = (struct kt_str){line.data + part.length + 1, line.length - part.length - 1};
    }
    kt_output_send(app, line);
    kt_output_send(app, KT_STR("\n"));
}

int kt_output_write(struct kt_app *app, const struct kt_strbuf *text, struct kt_error *error)
{
    if (text->failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the output");
    kt_output_send(app, kt_strbuf_view(text));
    return 0;
}

int kt_output_write_tree(struct kt_app *app, const struct kt_output_format *format, const cJSON *tree,
                         struct kt_error *error)
{
    struct kt_strbuf text = kt_output_buffer(app);
    if (app->arena->failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the output");
    if (format->format == KT_FORMAT_JSONPATH) {
        int code = kt_jsonpath_write(app->arena, format->template_, tree, &text, error);
        if (code != 0)
            return code;
    } else if (format->format == KT_FORMAT_YAML) {
        kt_yaml_write(&text, tree);
    } else {
        struct kt_strbuf json = kt_output_buffer(app);
        kt_json_write(&json, tree, KT_JSON_PRETTY);
        kt_visible_write_json(&text, kt_strbuf_view(&json));
        kt_strbuf_putc(&text, '\n');
        text.failed |= json.failed;
    }
    return kt_output_write(app, &text, error);
}

/* --- text from outside ---------------------------------------------------------------------------------------------
 */

void kt_output_escape(struct kt_strbuf *buffer, struct kt_str text)
{
    kt_visible_write(buffer, text, KT_VISIBLE_LINE);
}

void kt_output_escape_lines(struct kt_strbuf *buffer, struct kt_str text)
{
    kt_visible_write(buffer, text, KT_VISIBLE_LINES);
}

void kt_output_wrap(struct kt_strbuf *buffer, const char *text, size_t indent, size_t width)
{
    while (*text) {
        size_t line = strcspn(text, "\n");
        size_t room = width > indent + 20 ? width - indent : 20;
        bool as_it_is = text[0] == '#' || strncmp(text, "  ", 2) == 0;
        struct kt_str rest = {text, line};
        do {
            size_t cut = as_it_is ? rest.length : kt_utf8_prefix(rest, room);
            if (cut < rest.length) {
                size_t at = cut;
                while (at > 0 && rest.data[at] != ' ')
                    at--;
                /* A word that is longer than the line stands alone. */
                cut = at > 0 ? at : KT_MIN(strcspn(rest.data, " \n"), rest.length);
            }
            if (cut > 0)
                kt_strbuf_printf(buffer, "%*s", (int)indent, "");
            kt_strbuf_add(buffer, rest.data, cut);
            kt_strbuf_putc(buffer, '\n');
            while (cut < rest.length && rest.data[cut] == ' ')
                cut++;
            rest = (struct kt_str){rest.data + cut, rest.length - cut};
        } while (rest.length > 0);
        text += line + (text[line] == '\n');
    }
}
