/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block YAML in kubectl's layout: 2 spaces, lists not indented under their key. A string is written without quotes only
 * when readers of YAML 1.1 (with or without base 60 and dates) and of YAML 1.2 all read it as the same string.
 */
#include "base/limits.h"
#include "text/json_number.h"
#include "text/visible.h"
#include "text/yaml.h"
#include "text/yaml_parse.h"
#include "text/yaml_scalar.h"

/* libyaml and its kin look no further than 1024 characters for the colon of a key; a longer key needs `? `. */
#define SIMPLE_KEY_LONGEST 1000

enum string_style { STYLE_PLAIN, STYLE_SINGLE, STYLE_DOUBLE, STYLE_LITERAL };

struct writer {
    struct kt_strbuf *out;
    unsigned depth;  /* containers entered: a guard against trees that our own code built too deep */
    bool after_dash; /* the next line has its indentation already */
};

/* --- how a string must be written ----------------------------------------------------------------------------------
 */

static bool is_one_of(char byte, const char *set)
{
    return byte != '\0' && strchr(set, byte);
}

/* Words that some YAML 1.1 reader takes for a boolean, null or a merge, in any case. */
static bool is_special_word(struct kt_str text)
{
    static const char *const special[] = {"y",     "n",     "yes",  "no",  "on",   "off",      "true",
                                          "false", "~",     "null", "=",   "<<",   ".nan",     ".inf",
                                          "+.inf", "-.inf", "nan",  "inf", "none", "undefined"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(special); i++)
        if (kt_str_equal_nocase(text, kt_str(special[i])))
            return true;
    return false;
}

/* Anything that could be a number, a time or a date to some reader. Two points or more make an ordinary text of what
 * consists of digits and points, such as a version or an address. */
static bool looks_like_number(struct kt_str text)
{
    size_t sign = is_one_of(text.data[0], "+-") ? 1 : 0, points = 0;
    if (text.length > sign + 1 && text.data[sign] == '0' && is_one_of(kt_ascii_lower(text.data[sign + 1]), "xob"))
        return true;
    bool date = text.length >= 6 && text.data[4] == '-' && kt_ascii_is_digit(text.data[5]);
    for (size_t i = 0; i < 4 && date; i++)
        date = kt_ascii_is_digit(text.data[i]);
    if (date)
        return true;
    for (size_t i = sign; i < text.length; i++) {
        points += text.data[i] == '.';
        if (!kt_ascii_is_digit(text.data[i]) && !is_one_of(text.data[i], "_.:,eE+-"))
            return false;
    }
    bool starts_like_number = sign > 0 || kt_ascii_is_digit(text.data[0]) || text.data[0] == '.';
    return starts_like_number && points < 2;
}

/* Characters that stay as they are inside single quotes and on the lines of a literal: printable ones. */
static bool is_printable(struct kt_str rest, size_t width)
{
    unsigned char byte = (unsigned char)rest.data[0];
    if (width == 1)
        return byte >= ' ' && byte != 0x7f;
    struct kt_str character = {rest.data, width};
    if (kt_yaml_break_length(rest) > 0 || kt_str_equal(character, KT_STR("\xEF\xBB\xBF")))
        return false;
    /* YAML itself would let marks of direction pass. U+FFFE and U+FFFF are no characters. */
    return !kt_visible_steers(character) &&
           !(byte == 0xEF && (unsigned char)rest.data[1] == 0xBF && (unsigned char)rest.data[2] >= 0xBE);
}

struct character_facts {
    bool has_break;   /* \n */
    bool unprintable; /* other than \n and tab, or not UTF-8 */
    bool has_tab;
    bool blank_line;    /* a line of nothing but spaces and tabs */
    bool colon_space;   /* ": " or a colon at the end of a line */
    bool space_comment; /* " #" */
};

static struct character_facts look_at(struct kt_str text)
{
    struct character_facts facts = {0};
    bool line_has_blanks = false, line_has_other = false;
    for (size_t i = 0, width; i < text.length; i += width) {
        struct kt_str rest = {text.data + i, text.length - i};
        char byte = rest.data[0], next = rest.length > 1 ? rest.data[1] : ' ';
        width = kt_utf8_step(rest);
        if (byte == '\n') {
            facts.has_break = true;
            facts.blank_line |= line_has_blanks && !line_has_other;
            line_has_blanks = line_has_other = false;
        } else if (byte == '\t' || byte == ' ') {
            facts.has_tab |= byte == '\t';
            line_has_blanks = true;
        } else {
            line_has_other = true;
            facts.unprintable |= width == 0 || !is_printable(rest, width);
        }
        facts.colon_space |= byte == ':' && is_one_of(next, " \t\n");
        facts.space_comment |= is_one_of(byte, " \t\n") && next == '#';
        width = KT_MAX(width, (size_t)1);
    }
    facts.blank_line |= line_has_blanks && !line_has_other;
    return facts;
}

static bool may_be_plain(struct kt_str text, const struct character_facts *facts)
{
    char first = text.data[0], second = text.length > 1 ? text.data[1] : ' ';
    if (facts->has_break || facts->unprintable || facts->has_tab || facts->colon_space || facts->space_comment)
        return false;
    if (first == ' ' || text.data[text.length - 1] == ' ')
        return false;
    if (is_one_of(first, ",[]{}#&*!|>'\"%@`?:=<~"))
        return false;
    if (first == '-' && (second == ' ' || second == '-' || kt_str_starts_with(text, KT_STR("---"))))
        return kt_str_starts_with(text, KT_STR("--")) && text.length > 2 && kt_ascii_is_alnum(text.data[2]);
    return !kt_str_starts_with(text, KT_STR("..."));
}

/* is_key: it must stay on one line. */
static enum string_style style_of(struct kt_str text, bool is_key)
{
    if (text.length == 0)
        return STYLE_DOUBLE;
    struct character_facts facts = look_at(text);
    if (facts.unprintable)
        return STYLE_DOUBLE;
    if (facts.has_break) {
        /* A leading blank would need an indentation mark, and blank lines would be ambiguous at the end. */
        bool literal = !is_key && !is_one_of(text.data[0], " \t\n") && !facts.blank_line;
        return literal ? STYLE_LITERAL : STYLE_DOUBLE;
    }
    if (facts.has_tab)
        return STYLE_DOUBLE;
    if (is_special_word(text) || looks_like_number(text) || kt_yaml_scalar_plain_kind(text) != KT_YAML_TEXT)
        return STYLE_DOUBLE;
    return may_be_plain(text, &facts) ? STYLE_PLAIN : STYLE_SINGLE;
}

/* --- writing a string ----------------------------------------------------------------------------------------------
 */

static void write_single(struct kt_strbuf *out, struct kt_str text)
{
    kt_strbuf_putc(out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\'')
            kt_strbuf_putc(out, '\'');
        kt_strbuf_putc(out, text.data[i]);
    }
    kt_strbuf_putc(out, '\'');
}

static void write_escape(struct kt_strbuf *out, struct kt_str character)
{
    static const struct {
        char byte, letter;
    } short_escapes[] = {{'\n', 'n'}, {'\t', 't'}, {'\r', 'r'}, {'"', '"'}, {'\\', '\\'}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(short_escapes); i++)
        if (character.data[0] == short_escapes[i].byte) {
            kt_strbuf_printf(out, "\\%c", short_escapes[i].letter);
            return;
        }
    uint32_t rune = (unsigned char)character.data[0];
    if (character.length > 1)
        rune &= 0xFFu >> (character.length + 1);
    for (size_t i = 1; i < character.length; i++)
        rune = rune << 6 | ((unsigned char)character.data[i] & 0x3Fu);
    kt_strbuf_printf(out, rune > 0xFFFF ? "\\U%08X" : rune > 0xFF ? "\\u%04X" : "\\x%02X", rune);
}

static void write_double(struct kt_strbuf *out, struct kt_str text)
{
    kt_strbuf_putc(out, '"');
    for (size_t i = 0, width; i < text.length; i += width) {
        struct kt_str rest = {text.data + i, text.length - i};
        width = kt_utf8_step(rest);
        if (width == 0) {
            kt_strbuf_puts(out, "\xEF\xBF\xBD"); /* as kt_json_write does with what is not UTF-8 */
            width = 1;
        } else if (is_one_of(rest.data[0], "\"\\") || !is_printable(rest, width)) {
            write_escape(out, (struct kt_str){rest.data, width});
        } else {
            kt_strbuf_add(out, rest.data, width);
        }
    }
    kt_strbuf_putc(out, '"');
}

static void write_indent(struct kt_strbuf *out, unsigned indent)
{
    for (unsigned i = 0; i < indent; i++)
        kt_strbuf_putc(out, ' ');
}

/* `|` keeps one line break at the end, `|-` none, `|+` all. Ends with the last line's break. */
static void write_literal(struct kt_strbuf *out, struct kt_str text, unsigned indent)
{
    bool ends = text.data[text.length - 1] == '\n';
    bool ends_twice = ends && text.length > 1 && text.data[text.length - 2] == '\n';
    kt_strbuf_puts(out, ends_twice ? "|+\n" : ends ? "|\n" : "|-\n");
    while (text.length > 0) {
        size_t length = KT_MIN(kt_str_find_char(text, '\n'), text.length);
        if (length > 0)
            write_indent(out, indent);
        kt_strbuf_add(out, text.data, length);
        kt_strbuf_putc(out, '\n');
        length = KT_MIN(length + 1, text.length);
        text = (struct kt_str){text.data + length, text.length - length};
    }
}

static void write_styled(struct kt_strbuf *out, struct kt_str text, enum string_style style)
{
    if (style == STYLE_PLAIN)
        kt_strbuf_add_str(out, text);
    else if (style == STYLE_SINGLE)
        write_single(out, text);
    else
        write_double(out, text);
}

/* A value, with the end of its last line. indent: of the lines of a literal. */
static void write_string(struct kt_strbuf *out, struct kt_str text, unsigned indent)
{
    enum string_style style = style_of(text, false);
    if (style == STYLE_LITERAL) {
        write_literal(out, text, KT_MAX(indent, 2u)); /* a text alone would have none, and `---` in it would end it */
        return;
    }
    write_styled(out, text, style);
    kt_strbuf_putc(out, '\n');
}

/* A key with its colon. */
static void write_key(struct kt_strbuf *out, struct kt_str key, unsigned indent)
{
    enum string_style style = style_of(key, true);
    size_t longest_per_byte = style == STYLE_PLAIN ? 1 : style == STYLE_SINGLE ? 2 : 4; /* 4: \x01 */
    bool is_long = key.length > SIMPLE_KEY_LONGEST / longest_per_byte;
    if (is_long)
        kt_strbuf_puts(out, "? ");
    write_styled(out, key, style);
    if (is_long) {
        kt_strbuf_putc(out, '\n');
        write_indent(out, indent);
    }
    kt_strbuf_putc(out, ':');
}

/* Keeps the text of the number, except that YAML 1.1 knows an exponent only after a point and with a sign: 1.0e+21. */
static void write_number(struct kt_strbuf *out, const cJSON *node)
{
    char space[KT_JSON_NUMBER_TEXT_BYTES];
    const char *text = kt_json_number_text(node, space);
    size_t mantissa = strcspn(text, "eE");
    kt_strbuf_add(out, text, mantissa);
    if (text[mantissa] == '\0')
        return;
    const char *exponent = text + mantissa + 1;
    if (!memchr(text, '.', mantissa))
        kt_strbuf_puts(out, ".0");
    kt_strbuf_puts(out, is_one_of(*exponent, "+-") ? "e" : "e+");
    kt_strbuf_puts(out, exponent);
}

/* --- writing a tree ------------------------------------------------------------------------------------------------
 */

static void write_node(struct writer *writer, const cJSON *node, unsigned indent);

static bool is_filled_container(const cJSON *node)
{
    return (kt_json_is_object(node) || kt_json_is_array(node)) && node->child;
}

static void write_members(struct writer *writer, const cJSON *object, unsigned indent, bool first_is_indented)
{
    for (const cJSON *member = object->child; member && !writer->out->failed; member = member->next) {
        if (member != object->child || !first_is_indented)
            write_indent(writer->out, indent);
        write_key(writer->out, kt_str(member->string), indent);
        if (!is_filled_container(member)) {
            kt_strbuf_putc(writer->out, ' ');
            write_node(writer, member, indent + 2);
            continue;
        }
        kt_strbuf_putc(writer->out, '\n');
        write_node(writer, member, kt_json_is_array(member) ? indent : indent + 2);
    }
}

static void write_items(struct writer *writer, const cJSON *array, unsigned indent, bool first_is_indented)
{
    for (const cJSON *item = array->child; item && !writer->out->failed; item = item->next) {
        if (item != array->child || !first_is_indented)
            write_indent(writer->out, indent);
        kt_strbuf_puts(writer->out, "- ");
        writer->after_dash = true;
        write_node(writer, item, indent + 2);
    }
}

static void write_node(struct writer *writer, const cJSON *node, unsigned indent)
{
    bool first_is_indented = writer->after_dash;
    writer->after_dash = false;
    if (is_filled_container(node)) {
        if (++writer->depth > KT_LIMIT_TREE_DEPTH) {
            writer->out->failed = true;
            return;
        }
        if (kt_json_is_object(node))
            write_members(writer, node, indent, first_is_indented);
        else
            write_items(writer, node, indent, first_is_indented);
        writer->depth--;
    } else if (kt_json_is_string(node)) {
        write_string(writer->out, kt_str(node->valuestring), indent);
    } else if (kt_json_is_number(node)) {
        write_number(writer->out, node);
        kt_strbuf_putc(writer->out, '\n');
    } else {
        kt_json_write(writer->out, node, KT_JSON_COMPACT); /* null, true, false, {} and [] */
        kt_strbuf_putc(writer->out, '\n');
    }
}

void kt_yaml_write(struct kt_strbuf *buffer, const cJSON *node)
{
    struct writer writer = {.out = buffer};
    if (node)
        write_node(&writer, node, 0);
}
