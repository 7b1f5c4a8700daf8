/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the trainer's command line makes of a value. It writes each value as text ("--key text", for a list "--key text
 * text ...") and lets argparse read it with Python's int(), float() or a word list for flags; a nested map becomes an
 * option "--key_inner" that no section has, and null becomes the word None.
 */
#include <math.h>
#include <stdlib.h>

#include "admission/training_keys.h"
#include "text/edit_distance.h"

#define SCALAR_LIMIT_BYTES ((size_t)256)

static const cJSON *single(const cJSON *value)
{
    if (kt_json_is_array(value) && kt_json_count(value) == 1)
        return kt_json_item(value, 0);
    return value;
}

/* Text of a number or string node without white space around it, as int() and float() see it. */
static struct kt_str number_text(const cJSON *value)
{
    if (kt_json_is_string(value))
        return kt_str_trim(kt_str(value->valuestring));
    if (kt_json_is_number(value) && value->valuestring != NULL)
        return kt_str(value->valuestring);
    return (struct kt_str){NULL, 0};
}

/* Digits of a whole number as int() takes them: a sign, and underscores one by one between digits. False when it is
 * none, or too long for the buffer. */
static bool copy_digits(struct kt_str text, char *buffer, size_t size)
{
    size_t length = 0;
    size_t start = text.length > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
    if (text.length == start || text.length >= size)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        bool is_joint = text.data[i] == '_' && i > start && i + 1 < text.length && text.data[i - 1] != '_';
        if (i >= start && !kt_ascii_is_digit(text.data[i]) && !is_joint)
            return false;
        if (!is_joint)
            buffer[length++] = text.data[i];
    }
    buffer[length] = '\0';
    return true;
}

bool kt_training_value_int(const cJSON *value, int64_t *ret)
{
    const cJSON *node = single(value);
    struct kt_str text = number_text(node);
    char buffer[24];
    if (node != NULL && (node->type & KT_JSON_MARK_FLOAT) != 0)
        return false;
    if (text.data == NULL)
        return kt_json_is_number(node) && kt_json_int64(node, ret);
    if (!copy_digits(text, buffer, sizeof(buffer)))
        return false;
    *ret = strtoll(buffer, NULL, 10);
    return true;
}

bool kt_training_value_number(const cJSON *value, double *ret)
{
    const cJSON *node = single(value);
    struct kt_str text = number_text(node);
    char buffer[64];
    char *end = NULL;
    if (text.data == NULL || text.length == 0 || text.length >= sizeof(buffer))
        return kt_json_is_number(node) && kt_json_double(node, ret);
    memcpy(buffer, text.data, text.length);
    buffer[text.length] = '\0';
    if (strpbrk(buffer, "xXpP") != NULL) /* hexadecimal: strtod reads it, float() does not */
        return false;
    *ret = strtod(buffer, &end);
    return *end == '\0';
}

bool kt_training_value_flag(const cJSON *value, bool *ret)
{
    static const char *const yes[] = {"yes", "true", "t", "y", "1"};
    static const char *const no[] = {"no", "false", "f", "n", "0"};
    const cJSON *node = single(value);
    const char *text = NULL;
    if (kt_json_is_bool(node)) {
        *ret = kt_json_true(node);
        return true;
    }
    text = kt_json_is_number(node) ? node->valuestring : kt_json_string(node);
    for (size_t i = 0; text != NULL && i < KT_ARRAY_LENGTH(yes); i++) {
        if (kt_streq_nocase(text, yes[i]) || kt_streq_nocase(text, no[i])) {
            *ret = kt_streq_nocase(text, yes[i]);
            return true;
        }
    }
    return false;
}

const char *kt_training_value_text(struct kt_arena *arena, const cJSON *value)
{
    struct kt_strbuf text;
    if (kt_json_is_string(value))
        return value->valuestring;
    kt_strbuf_init(&text, arena, SCALAR_LIMIT_BYTES);
    kt_json_write(&text, value, KT_JSON_COMPACT);
    return text.failed ? "a long value" : text.data;
}

static void write_bounds(struct kt_strbuf *text, const struct kt_training_key *key)
{
    const char *joint = "";
    if (key->low.set) {
        kt_strbuf_printf(text, key->low.open ? " above %g" : " of %g or more", key->low.value);
        joint = " and";
    }
    if (key->high.set)
        kt_strbuf_printf(text, key->high.open ? "%s below %g" : "%s at most %g", joint, key->high.value);
}

static const char *number_reason(struct kt_arena *arena, const struct kt_training_key *key, const cJSON *value)
{
    const cJSON *node = single(value);
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, KT_KIB);
    kt_strbuf_puts(&text, key->type == KT_TRAINING_NUMBER ? "must be a number" : "must be a whole number");
    write_bounds(&text, key);
    if (key->type != KT_TRAINING_NUMBER && node != NULL && (node->type & KT_JSON_MARK_FLOAT) != 0)
        kt_strbuf_puts(&text, ", written without a decimal point");
    return text.data;
}

static bool within(const struct kt_training_key *key, double value)
{
    if (isnan(value))
        return !key->low.set && !key->high.set;
    if (key->low.set && (key->low.open ? value <= key->low.value : value < key->low.value))
        return false;
    return !key->high.set || (key->high.open ? value < key->high.value : value <= key->high.value);
}

static bool is_one_of(const char *const *words, const cJSON *value)
{
    const char *text = kt_json_string(value);
    for (size_t i = 0; text != NULL && words[i] != NULL; i++) {
        if (kt_streq(words[i], text))
            return true;
    }
    return false;
}

static bool is_missing(const struct kt_training_key *key, const char *choice)
{
    for (size_t i = 0; key->missing != NULL && key->missing[i] != NULL; i++) {
        if (kt_streq(key->missing[i], choice))
            return true;
    }
    return false;
}

static const char *choice_reason(struct kt_arena *arena, const struct kt_training_key *key, const cJSON *value)
{
    struct kt_strbuf text;
    struct kt_nearest nearest;
    const char *joint = "";
    const char *given = kt_json_string(value);
    kt_nearest_init(&nearest, kt_str(given != NULL ? given : ""));
    kt_strbuf_init(&text, arena, KT_KIB);
    kt_strbuf_puts(&text, "must be one of ");
    for (size_t i = 0; key->choices[i] != NULL; i++) {
        if (is_missing(key, key->choices[i]))
            continue;
        kt_strbuf_printf(&text, "%s\"%s\"", joint, key->choices[i]);
        kt_nearest_offer(&nearest, key->choices[i]);
        joint = ", ";
    }
    if (given != NULL && nearest.best != NULL)
        kt_strbuf_printf(&text, "; did you mean \"%s\"?", nearest.best);
    /* YAML 1.1 reads the bare words no, off, yes and on as booleans. */
    if (kt_json_is_bool(value) && !kt_json_true(value) && kt_streq(key->choices[0], "no"))
        kt_strbuf_puts(&text, " (YAML reads a bare no as false; write \"no\" in quotes)");
    return text.data;
}

/* argparse takes a value that begins with - for an option, unless it is a number. */
static bool looks_like_option(const cJSON *value)
{
    const char *text = kt_json_string(value);
    double number = 0;
    return text != NULL && text[0] == '-' && text[1] != '\0' && strchr(text, ' ') == NULL &&
           !kt_training_value_number(value, &number);
}

static const char *scalar_reason(struct kt_arena *arena, const struct kt_training_key *key, const cJSON *value)
{
    int64_t whole = 0;
    double number = 0;
    bool flag = false;
    switch (key->type) {
    case KT_TRAINING_INT:
    case KT_TRAINING_INTS:
        return kt_training_value_int(value, &whole) && within(key, (double)whole) ? NULL
                                                                                  : number_reason(arena, key, value);
    case KT_TRAINING_NUMBER:
        return kt_training_value_number(value, &number) && within(key, number) ? NULL
                                                                               : number_reason(arena, key, value);
    case KT_TRAINING_FLAG:
        return kt_training_value_flag(value, &flag) ? NULL : "must be true or false";
    case KT_TRAINING_TEXT:
    case KT_TRAINING_TEXTS:
        if (key->choices != NULL && !is_one_of(key->choices, value))
            return choice_reason(arena, key, value);
        if (kt_json_is_string(value) && is_missing(key, value->valuestring))
            return "names a library that is not in the trainer's image, so the Job ends when it starts";
        if (key->choices != NULL)
            return NULL;
        return looks_like_option(value) ? "must not begin with \"-\": the trainer would take it for an option" : NULL;
    case KT_TRAINING_MAP:
        return "cannot be given in a config map: the trainer's command line has no form for it";
    }
    return NULL;
}

static const char *list_reason(struct kt_arena *arena, const struct kt_training_key *key, const cJSON *list)
{
    const cJSON *item = NULL;
    bool many = key->type == KT_TRAINING_TEXTS || key->type == KT_TRAINING_INTS;
    if (kt_json_count(list) == 0)
        return key->type == KT_TRAINING_FLAG ? NULL : "must not be an empty list; leave the key out instead";
    if (!many && kt_json_count(list) > 1)
        return "must be one value, not a list";
    cJSON_ArrayForEach(item, list)
    {
        const char *reason = NULL;
        if (kt_json_is_object(item) || kt_json_is_array(item) || kt_json_is_null(item))
            return "must be a list of plain values";
        if ((reason = scalar_reason(arena, key, item)) != NULL)
            return reason;
    }
    return NULL;
}

bool kt_training_value_check(struct kt_arena *arena, const struct kt_training_key *key, const cJSON *value,
                             const char **ret_reason)
{
    const char *reason = NULL;
    if (kt_json_is_null(value))
        reason = "has no value: the trainer would read the word None; leave the key out instead";
    else if (kt_json_is_object(value))
        reason = kt_json_count(value) == 0 ? NULL
                                           : "must not be a map: the trainer turns its members into options that do "
                                             "not exist";
    else if (kt_json_is_array(value))
        reason = list_reason(arena, key, value);
    else
        reason = scalar_reason(arena, key, value);
    if (reason == NULL)
        return false;
    *ret_reason = reason;
    return true;
}
