/* SPDX-License-Identifier: Apache-2.0 */
/* From libyaml's words, which name its grammar, to words that say what to change. */
#include <stdio.h>

#include "text/yaml_parse.h"
#include "text/yaml_tree.h"

size_t kt_yaml_break_length(struct kt_str text)
{
    if (text.length == 0)
        return 0;
    if (text.data[0] == '\n')
        return 1;
    if (text.data[0] == '\r')
        return text.length > 1 && text.data[1] == '\n' ? 2 : 1;
    if (kt_str_starts_with(text, KT_STR("\xC2\x85")))
        return 2;
    return kt_str_starts_with(text, KT_STR("\xE2\x80\xA8")) || kt_str_starts_with(text, KT_STR("\xE2\x80\xA9")) ? 3 : 0;
}

/* Whether a line break may begin with this byte; most do not, and are passed over quickly. */
static bool may_begin_break(char byte)
{
    return byte == '\n' || byte == '\r' || byte == '\xC2' || byte == '\xE2';
}

size_t kt_yaml_line_length(struct kt_str text)
{
    size_t length = 0;
    while (length < text.length &&
           (!may_begin_break(text.data[length]) ||
            kt_yaml_break_length((struct kt_str){text.data + length, text.length - length}) == 0))
        length++;
    return length;
}

static struct kt_str tail(struct kt_str text, size_t from)
{
    return (struct kt_str){text.data + from, text.length - from};
}

/* Counts lines and characters up to a byte. */
static struct kt_position position_of_byte(struct kt_str text, size_t offset, uint32_t first_line)
{
    struct kt_position position = {first_line, 1};
    size_t begin = 0;
    offset = KT_MIN(offset, text.length);
    for (;;) {
        size_t end = begin + kt_yaml_line_length(tail(text, begin));
        size_t next = end + kt_yaml_break_length(tail(text, end));
        if (next > offset || next == end) {
            position.column =
                1 + (uint32_t)kt_utf8_count((struct kt_str){text.data + begin, KT_MIN(offset, end) - begin});
            return position;
        }
        begin = next;
        position.line++;
    }
}

/* The text from a mark to the end of its line. */
static struct kt_str line_from(struct kt_str text, const yaml_mark_t *mark)
{
    for (size_t line = 0; line < mark->line; line++) {
        text = tail(text, kt_yaml_line_length(text));
        text = tail(text, kt_yaml_break_length(text));
    }
    text.length = kt_yaml_line_length(text);
    return tail(text, kt_utf8_prefix(text, mark->column));
}

/* "key:value": a colon with neither space nor end behind it, before any quote. */
static bool lacks_space_after_colon(struct kt_str line)
{
    size_t colon = kt_str_find_char(line, ':');
    return colon != SIZE_MAX && colon > 0 && colon + 1 < line.length && line.data[colon + 1] != ' ' &&
           line.data[colon + 1] != '\t' && line.data[0] != '"' && line.data[0] != '\'';
}

enum place { AT_PROBLEM, AT_CONTEXT };

/* The first row whose fragments are in libyaml's problem and context counts. */
static const struct {
    const char *problem;
    const char *context; /* "": any */
    enum place place;    /* where the user should look */
    const char *message;
} explanations[] = {
    {"tab character", "", AT_PROBLEM, "a tab is used for indentation: use spaces"},
    {"could not find expected ':'", "", AT_CONTEXT,
     "this line is neither \"key: value\" nor a list item, or its key goes on over several lines"},
    {"mapping values are not allowed", "", AT_PROBLEM,
     "a colon cannot stand here: either this line is indented wrongly, or a value has \": \" in it and must be put in "
     "quotes"},
    {"did not find expected key", "", AT_PROBLEM,
     "the indentation does not match the lines above, or something follows a value that was already complete"},
    {"expected '-' indicator", "", AT_PROBLEM,
     "a list item (\"- \") is expected here: the indentation does not match the items above"},
    {"block sequence entries are not allowed", "", AT_PROBLEM,
     "a list item (\"- \") cannot stand here: begin the list on a line of its own, or put the value in quotes"},
    {"mapping keys are not allowed", "", AT_PROBLEM, "a key (\"? \") cannot stand here"},
    {"unexpected end of stream", "quoted scalar", AT_CONTEXT, "the quote that is opened here is never closed"},
    {"unexpected document indicator", "quoted scalar", AT_CONTEXT,
     "the quote that is opened here is not closed before the next document"},
    {"expected ',' or ']'", "", AT_CONTEXT,
     "the list opened here with [ is not closed by ], or a comma is missing in it"},
    {"expected ',' or '}'", "", AT_CONTEXT,
     "the map opened here with { is not closed by }, or a comma is missing in it"},
    {"unknown escape character", "", AT_PROBLEM,
     "a backslash in double quotes begins an escape that YAML does not know: double it, or use single quotes"},
    {"hexdecimal number", "", AT_PROBLEM, "an escape in double quotes has too few hexadecimal digits"},
    {"invalid Unicode character escape", "", AT_PROBLEM, "an escape in double quotes names no character"},
    {"undefined tag handle", "", AT_PROBLEM,
     "the tag (!) has an unknown handle: put a text that begins with ! in quotes"},
    {"", "a tag", AT_PROBLEM, "the tag (!) is not well formed: put a text that begins with ! in quotes"},
    {"expected alphabetic or numeric", "an anchor", AT_PROBLEM,
     "a name must follow &: put a text that begins with & in quotes"},
    {"expected alphabetic or numeric", "an alias", AT_PROBLEM,
     "a name must follow *: put a text that begins with * in quotes"},
    {"expected node content", "", AT_PROBLEM, "a value is missing here"},
    {"expected <document start>", "", AT_PROBLEM,
     "something follows after the end of the document: begin a new one with ---"},
    {"comment or line break", "block scalar", AT_PROBLEM,
     "after | or > only + or - and a digit can stand: begin the text on the next line"},
    {"indentation indicator", "", AT_PROBLEM, "the digit after | or > cannot be 0"},
    {"unexpected ':'", "", AT_PROBLEM, "a space must follow the colon here, or the value must be put in quotes"},
    {"directive", "", AT_PROBLEM, "a line that begins with % is a directive, and this one is not known"},
    {"", "directive", AT_PROBLEM, "a line that begins with % is a directive, and this one is not well formed"},
    {"incompatible YAML document", "", AT_PROBLEM, "the document asks for another version of YAML than 1.1 or 1.2"},
};

/* "found character that cannot start any token" */
static void explain_character(struct kt_yaml_document *document, struct kt_position position, struct kt_str line)
{
    char byte = line.length > 0 ? line.data[0] : '\0';
    if (byte == '\t')
        kt_yaml_fail(document, KT_EPARSE, position, "a tab is used for indentation: use spaces");
    else if (byte == '@' || byte == '`' || byte == '%')
        kt_yaml_fail(document, KT_EPARSE, position, "a value cannot begin with %c: put it in quotes", byte);
    else
        kt_yaml_fail(document, KT_EPARSE, position, "no value can begin with this character: put it in quotes");
}

static void explain_reader(const yaml_parser_t *parser, struct kt_str text, uint32_t first_line,
                           struct kt_yaml_document *document)
{
    struct kt_position position = position_of_byte(text, parser->problem_offset, first_line);
    if (parser->problem && strstr(parser->problem, "control characters"))
        kt_yaml_fail(document, KT_EPARSE, position,
                     "the character U+%04X is not allowed: write it as an escape in "
                     "double quotes",
                     (unsigned)parser->problem_value);
    else
        kt_yaml_fail(document, KT_EPARSE, position, "the text is not valid UTF-8");
}

void kt_yaml_explain(const yaml_parser_t *parser, struct kt_str text, uint32_t first_line,
                     struct kt_yaml_document *document)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        kt_yaml_fail(document, KT_ENOMEM, (struct kt_position){0}, "not enough memory to read the YAML text");
        return;
    }
    if (parser->error == YAML_READER_ERROR) {
        explain_reader(parser, text, first_line, document);
        return;
    }
    const char *problem = parser->problem ? parser->problem : "", *context = parser->context ? parser->context : "";
    const char *message = NULL;
    enum place place = AT_PROBLEM;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(explanations) && !message; i++) {
        if (!strstr(problem, explanations[i].problem) || !strstr(context, explanations[i].context))
            continue;
        message = explanations[i].message;
        place = explanations[i].place;
    }
    const yaml_mark_t *mark = place == AT_CONTEXT ? &parser->context_mark : &parser->problem_mark;
    struct kt_position position = {first_line + (uint32_t)mark->line, (uint32_t)mark->column + 1};
    struct kt_str line = line_from(text, mark);
    if (strstr(problem, "cannot start any token"))
        explain_character(document, position, line);
    else if (strstr(problem, "could not find expected ':'") && lacks_space_after_colon(line))
        kt_yaml_fail(document, KT_EPARSE, position, "a space is missing after the colon");
    else if (strstr(problem, "expected node content") && line.length == 0)
        kt_yaml_fail(document, KT_EPARSE, position, "the document ends inside [ ] or { }: a bracket is not closed");
    else if (message)
        kt_yaml_fail(document, KT_EPARSE, position, "%s", message);
    else
        kt_yaml_fail(document, KT_EPARSE, position, "not valid YAML (%s)", problem);
}
