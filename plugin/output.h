/* SPDX-License-Identifier: Apache-2.0 */
/* Writing results the way kubectl does: -o, tables, and text from outside that must not steer a terminal. */
#ifndef KT_PLUGIN_OUTPUT_H
#define KT_PLUGIN_OUTPUT_H

#include "base/strbuf.h"
#include "plugin/command.h"
#include "text/json.h"

/* --- -o ------------------------------------------------------------------------------------------------------------
 */

/* Bits, so that a command can say which ones it takes. */
enum kt_format {
    KT_FORMAT_PLAIN = 1, /* no -o */
    KT_FORMAT_WIDE = 2,
    KT_FORMAT_NAME = 4,
    KT_FORMAT_JSON = 8,
    KT_FORMAT_YAML = 16,
    KT_FORMAT_JSONPATH = 32,
    KT_FORMAT_TEXT = 64, /* the word "text", for `check` */
    KT_FORMAT_SARIF = 128,
    KT_FORMAT_GITHUB = 256,
    KT_FORMAT_MARKDOWN = 512,
};
#define KT_FORMAT_TREES (KT_FORMAT_JSON | KT_FORMAT_YAML | KT_FORMAT_JSONPATH)

struct kt_output_format {
    enum kt_format format;
    const char *template_; /* of jsonpath */
};

/* text NULL or "": KT_FORMAT_PLAIN. KT_EINVAL lists what is allowed. */
int kt_output_parse_format(const char *text, unsigned allowed, struct kt_output_format *ret,
                           struct kt_error *error) KT_NODISCARD;
/* Writes a tree as JSON (with a line feed), YAML or by a JSONPath template. */
int kt_output_write_tree(struct kt_app *app, const struct kt_output_format *format, const cJSON *tree,
                         struct kt_error *error) KT_NODISCARD;
/* Writes what was gathered to app->out; KT_ENOMEM when the buffer has failed. Whether the bytes arrived is checked
 * once, at the end of the program. */
int kt_output_write(struct kt_app *app, const struct kt_strbuf *text, struct kt_error *error) KT_NODISCARD;

/* The same for text that streams; the first failure is remembered in app->write_errno. */
void kt_output_send(struct kt_app *app, struct kt_str text);

/* A line of a log, with a line feed after it: as it is into a file or a pipe; on a terminal with what could steer it
 * made visible, and what a carriage return would overwrite on a line of its own. */
void kt_output_send_line(struct kt_app *app, struct kt_str line);

/* The most that one command gathers before it writes. */
#define KT_OUTPUT_LIMIT_BYTES ((size_t)(64 * KT_MIB))
struct kt_strbuf kt_output_buffer(struct kt_app *app);

/* --- text from outside ---------------------------------------------------------------------------------------------
 */

/* kt_visible_write on one line: control characters are shown as ^[ and the like, line feed, tab and carriage return as
 * \n, \t, \r, and what is not UTF-8 or could turn the text round as \xff. */
void kt_output_escape(struct kt_strbuf *buffer, struct kt_str text);
/* The same, but line feeds and tabs stay. */
void kt_output_escape_lines(struct kt_strbuf *buffer, struct kt_str text);

/* --- tables --------------------------------------------------------------------------------------------------------
 */

/* Columns as wide as their widest cell and three spaces (at least six), as kubectl prints. Cells are put in row by
 * row. */
struct kt_table {
    struct kt_arena *arena;
    size_t columns;
    const char **cells; /* escaped */
    size_t count;
    size_t capacity;
    bool failed;
};

/* headers: NULL-terminated, already in upper case; they are the first row unless no_headers. */
void kt_table_init(struct kt_table *table, struct kt_arena *arena, const char *const *headers, bool no_headers);
/* The next cell; NULL and "" are shown as <none>. */
void kt_table_add(struct kt_table *table, const char *text);
/* A cell that stays empty for NULL and "": notes in the last column. */
void kt_table_add_blank(struct kt_table *table, const char *text);
void kt_table_addf(struct kt_table *table, const char *format, ...) KT_PRINTF(2, 3);
/* indent: spaces in front of each row. */
void kt_table_write(const struct kt_table *table, struct kt_strbuf *buffer, size_t indent);

/* Appends text in lines of at most width columns, broken at spaces, each after `indent` spaces; a paragraph break of
 * the text stays one, and a line that begins with two spaces or a '#' is kept as it is. */
void kt_output_wrap(struct kt_strbuf *buffer, const char *text, size_t indent, size_t width);

#endif
