/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flags.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "text/edit_distance.h"
#include "text/json.h"

/* How much of what the user typed a message repeats. */
#define SHOWN_BYTES 80

const struct kt_flag *kt_flags_find(const struct kt_flag_table *table, struct kt_str name)
{
    for (size_t i = 0; i < table->count; i++)
        if (kt_str_equal(name, kt_str(table->flags[i].name)))
            return &table->flags[i];
    return NULL;
}

const struct kt_flag *kt_flags_find_letter(const struct kt_flag_table *table, char letter)
{
    for (size_t i = 0; i < table->count; i++)
        if (letter != '\0' && table->flags[i].letter == letter)
            return &table->flags[i];
    return NULL;
}

bool kt_flag_needs_value(const struct kt_flag *flag)
{
    return flag->kind != KT_FLAG_BOOL && flag->kind != KT_FLAG_SWITCH && !flag->bare;
}

bool kt_texts_add(struct kt_arena *arena, struct kt_texts *texts, const char *text)
{
    /* Grows at every power of two, so the capacity need not be kept. */
    if ((texts->count & (texts->count + 1)) == 0) {
        const char **items = kt_arena_calloc(arena, (texts->count + 1) * 2, sizeof(*items));
        if (!items)
            return false;
        for (size_t i = 0; i < texts->count; i++)
            items[i] = texts->items[i];
        texts->items = items;
    }
    texts->items[texts->count++] = text;
    texts->items[texts->count] = NULL;
    return true;
}

bool kt_texts_add_list(struct kt_arena *arena, struct kt_texts *texts, struct kt_str list)
{
    for (;;) {
        size_t comma = kt_str_find_char(list, ',');
        struct kt_str part = kt_str_trim((struct kt_str){list.data, comma == SIZE_MAX ? list.length : comma});
        if (part.length > 0) {
            const char *copy = kt_arena_strndup(arena, part.data, part.length);
            if (!copy || !kt_texts_add(arena, texts, copy))
                return false;
        }
        if (comma == SIZE_MAX)
            return true;
        list = (struct kt_str){list.data + comma + 1, list.length - comma - 1};
    }
}

/* --- values --------------------------------------------------------------------------------------------------------
 */

static int bad_value(const struct kt_flag *flag, const char *value, const char *allowed, struct kt_error *error)
{
    char letter[8] = "";
    if (flag->letter)
        snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
    return kt_error_set(error, KT_EINVAL, "invalid argument \"%.*s\" for \"%s--%s\" flag: %s", SHOWN_BYTES, value,
                        letter, flag->name, allowed);
}

/* The words that Go's strconv.ParseBool takes. */
static bool parse_bool(const char *text, bool *ret)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(yes); i++) {
        if (kt_streq(text, yes[i]) || kt_streq(text, no[i])) {
            *ret = kt_streq(text, yes[i]);
            return true;
        }
    }
    return false;
}

static int set_bool(const struct kt_flag *flag, void *target, const char *value, struct kt_error *error)
{
    bool on;
    if (!parse_bool(value, &on))
        return bad_value(flag, value, "must be true or false", error);
    if (flag->kind == KT_FLAG_BOOL)
        *(bool *)target = on;
    else
        *(enum kt_switch *)target = on ? KT_SWITCH_ON : KT_SWITCH_OFF;
    return 0;
}

static int set_number(const struct kt_flag *flag, struct kt_number *target, const char *value, struct kt_error *error)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    unsigned long long most = flag->most ? flag->most : UINT32_MAX;
    char allowed[64];
    snprintf(allowed, sizeof(allowed), "must be a whole number from %u to %llu", flag->least, most);
    if (!kt_ascii_is_digit(value[0]) || *end || errno != 0 || number < flag->least || number > most)
        return bad_value(flag, value, allowed, error);
    *target = (struct kt_number){true, (uint32_t)number};
    return 0;
}

static int refuse_choice(struct kt_arena *arena, const struct kt_flag *flag, const char *value, struct kt_error *error)
{
    struct kt_strbuf allowed;
    kt_strbuf_init(&allowed, arena, (size_t)KT_KIB);
    kt_strbuf_puts(&allowed, "must be one of ");
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, kt_str(value));
    for (const char *const *choice = flag->choices; *choice; choice++) {
        kt_strbuf_printf(&allowed, "%s%s", choice == flag->choices ? "" : ", ", *choice);
        kt_nearest_offer(&nearest, *choice);
    }
    if (nearest.best)
        kt_strbuf_printf(&allowed, "; did you mean %s?", nearest.best);
    return bad_value(flag, value, allowed.data, error);
}

static int set_text(struct kt_arena *arena, const struct kt_flag *flag, const char **target, const char *value,
                    struct kt_error *error)
{
    if (!flag->choices) {
        *target = value;
        return 0;
    }
    for (const char *const *choice = flag->choices; *choice; choice++) {
        if (kt_streq_nocase(value, *choice)) {
            *target = *choice;
            return 0;
        }
    }
    return refuse_choice(arena, flag, value, error);
}

static int set_value(struct kt_arena *arena, const struct kt_flag_table *table, const struct kt_flag *flag,
                     const char *value, struct kt_error *error)
{
    void *target = (char *)table->values + flag->offset;
    bool added = true;
    switch (flag->kind) {
    case KT_FLAG_BOOL:
    case KT_FLAG_SWITCH:
        return set_bool(flag, target, value, error);
    case KT_FLAG_NUMBER:
        return set_number(flag, target, value, error);
    case KT_FLAG_TEXT:
        return set_text(arena, flag, target, value, error);
    case KT_FLAG_TEXTS:
        added = kt_texts_add(arena, target, value);
        break;
    case KT_FLAG_COMMA_TEXTS:
        added = kt_texts_add_list(arena, target, kt_str(value));
        break;
    }
    return added ? 0 : kt_error_set(error, KT_ENOMEM, "not enough memory for the command line");
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

struct cursor {
    const struct kt_flag_parser *parser;
    int argc;
    char *const *argv;
    int index; /* of the argument being read */
};

static int unknown_flag(const struct kt_flag_parser *parser, struct kt_str name, struct kt_error *error)
{
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, name);
    for (size_t t = 0; t < parser->table_count; t++)
        for (size_t i = 0; i < parser->tables[t].count; i++)
            if (parser->tables[t].flags[i].help)
                kt_nearest_offer(&nearest, parser->tables[t].flags[i].name);
    int shown = (int)KT_MIN(name.length, (size_t)SHOWN_BYTES);
    if (!nearest.best)
        return kt_error_set(error, KT_EINVAL, "unknown flag: --%.*s", shown, name.data);
    return kt_error_set(error, KT_EINVAL, "unknown flag: --%.*s (did you mean --%s?)", shown, name.data, nearest.best);
}

/* "--name", "--name=value", "--name value". */
static int read_long(struct cursor *cursor, const char *argument, struct kt_error *error)
{
    const struct kt_flag_parser *parser = cursor->parser;
    struct kt_str text = kt_str(argument + 2);
    size_t equals = kt_str_find_char(text, '=');
    struct kt_str name = {text.data, equals == SIZE_MAX ? text.length : equals};
    const struct kt_flag_table *table = NULL;
    const struct kt_flag *flag = NULL;
    for (size_t t = 0; t < parser->table_count && !flag; t++) {
        table = &parser->tables[t];
        flag = kt_flags_find(table, name);
    }
    if (name.length == 0 || name.data[0] == '-')
        return kt_error_set(error, KT_EINVAL, "bad flag syntax: %.*s", SHOWN_BYTES, argument);
    if (!flag)
        return unknown_flag(parser, name, error);
    if (equals != SIZE_MAX)
        return set_value(parser->arena, table, flag, text.data + equals + 1, error);
    if (!kt_flag_needs_value(flag))
        return set_value(parser->arena, table, flag, flag->bare ? flag->bare : "true", error);
    if (cursor->index + 1 >= cursor->argc)
        return kt_error_set(error, KT_EINVAL, "flag needs an argument: --%s %s", flag->name, flag->value_name);
    return set_value(parser->arena, table, flag, cursor->argv[++cursor->index], error);
}

/* "-n", "-n value", "-nvalue", "-n=value", "-Aw": letters up to the first that takes a value. */
static int read_letters(struct cursor *cursor, const char *argument, struct kt_error *error)
{
    const struct kt_flag_parser *parser = cursor->parser;
    for (const char *at = argument + 1; *at; at++) {
        const struct kt_flag_table *table = NULL;
        const struct kt_flag *flag = NULL;
        for (size_t t = 0; t < parser->table_count && !flag; t++) {
            table = &parser->tables[t];
            flag = kt_flags_find_letter(table, *at);
        }
        if (!flag)
            return kt_error_set(error, KT_EINVAL, "unknown shorthand flag: '%.*s' in %.*s",
                                (int)KT_MAX((size_t)1, kt_utf8_step(kt_str(at))), at, SHOWN_BYTES, argument);
        if (at[1] == '=')
            return set_value(parser->arena, table, flag, at + 2, error);
        if (kt_flag_needs_value(flag)) {
            if (at[1])
                return set_value(parser->arena, table, flag, at + 1, error);
            if (cursor->index + 1 >= cursor->argc)
                return kt_error_set(error, KT_EINVAL, "flag needs an argument: '%c' in %s", *at, argument);
            return set_value(parser->arena, table, flag, cursor->argv[++cursor->index], error);
        }
        int code = set_value(parser->arena, table, flag, flag->bare ? flag->bare : "true", error);
        if (code != 0)
            return code;
    }
    return 0;
}

int kt_flags_parse(const struct kt_flag_parser *parser, int argc, char *const *argv, int first,
                   struct kt_flag_result *ret, struct kt_error *error)
{
    struct cursor cursor = {parser, argc, argv, first};
    struct kt_texts arguments = {0};
    bool flags_ended = false;
    for (; cursor.index < argc; cursor.index++) {
        const char *argument = argv[cursor.index];
        int code = 0;
        if (flags_ended || argument[0] != '-' || !argument[1]) {
            if (!kt_texts_add(parser->arena, &arguments, argument))
                code = kt_error_set(error, KT_ENOMEM, "not enough memory for the command line");
        } else if (kt_streq(argument, "--")) {
            flags_ended = true;
        } else {
            code = argument[1] == '-' ? read_long(&cursor, argument, error) : read_letters(&cursor, argument, error);
        }
        if (code != 0)
            return code;
    }
    static const char *none[1];
    *ret = (struct kt_flag_result){arguments.count ? arguments.items : none, arguments.count};
    return 0;
}
