/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/placeholder.h"

#include "base/strbuf.h"
#include "text/json.h"

#define SENTENCE_LIMIT_BYTES ((size_t)512)
#define MAX_NAMED 3

/* A word is a run of letters, digits, - and _; case does not matter. Kept to forms that nobody names a thing by. */
enum match { WHOLE, BEGINS, ENDS };

static const struct {
    enum match match;
    struct kt_str text;
} patterns[] = {
    {ENDS, {"_here", 5}},      {BEGINS, {"your_", 5}},      {BEGINS, {"your-", 5}},       {WHOLE, {"yourregistry", 12}},
    {WHOLE, {"youracr", 7}},   {WHOLE, {"yourrepo", 8}},    {WHOLE, {"yourimage", 9}},    {WHOLE, {"yoursecret", 10}},
    {WHOLE, {"replaceme", 9}}, {WHOLE, {"replace-me", 10}}, {BEGINS, {"replace_me", 10}}, {ENDS, {"replace_me", 10}},
    {WHOLE, {"changeme", 8}},  {WHOLE, {"change-me", 9}},   {BEGINS, {"change_me", 9}},   {ENDS, {"change_me", 9}},
    {WHOLE, {"xxxx", 4}},
};

/* Brackets of templates that nothing has filled in. */
static const struct {
    struct kt_str open;
    char close;
} brackets[] = {
    {{"<", 1}, '>'},
    {{"${", 2}, '}'},
    {{"{{", 2}, '}'},
};

static bool is_word_byte(char byte)
{
    return kt_ascii_is_alnum(byte) || byte == '_' || byte == '-';
}

static bool matches(struct kt_str word, enum match match, struct kt_str part)
{
    if (word.length < part.length)
        return false;
    switch (match) {
    case WHOLE:
        return kt_str_equal_nocase(word, part);
    case BEGINS:
        return kt_str_equal_nocase((struct kt_str){word.data, part.length}, part);
    case ENDS:
        return kt_str_equal_nocase((struct kt_str){word.data + word.length - part.length, part.length}, part);
    }
    return false;
}

/* The shortest pattern is so long, and each begins or ends with one of these letters: most words need no comparison. */
#define SHORTEST_PATTERN 4

static bool may_match(struct kt_str word)
{
    if (word.length < SHORTEST_PATTERN)
        return false;
    return strchr("yrcx", kt_ascii_lower(word.data[0])) != NULL || kt_ascii_lower(word.data[word.length - 1]) == 'e';
}

static bool is_placeholder_word(struct kt_str word)
{
    if (!may_match(word))
        return false;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(patterns); i++) {
        if (matches(word, patterns[i].match, patterns[i].text))
            return true;
    }
    return false;
}

/* Of each of the brackets: does none close any more in the text that is left? */
struct unclosed {
    bool is_so[KT_ARRAY_LENGTH(brackets)];
};

/* Length of a bracketed placeholder at the start of text, or 0. */
static size_t bracketed(struct kt_str text, struct unclosed *unclosed)
{
    if (text.data[0] != '<' && text.data[0] != '$' && text.data[0] != '{')
        return 0; /* how each of them begins */
    for (size_t i = 0; i < KT_ARRAY_LENGTH(brackets); i++) {
        size_t close = 0;
        if (unclosed->is_so[i] || text.data[0] != brackets[i].open.data[0] ||
            !kt_str_starts_with(text, brackets[i].open))
            continue;
        close = kt_str_find_char(text, brackets[i].close);
        unclosed->is_so[i] = close == SIZE_MAX;
        if (close == SIZE_MAX || close == brackets[i].open.length)
            continue;
        while (close + 1 < text.length && text.data[close + 1] == brackets[i].close)
            close++;
        return close + 1;
    }
    return 0;
}

/* Bytes at the start of text that neither belong to a word nor begin a bracket. */
static size_t between_words(struct kt_str text)
{
    size_t length = 0;
    while (length < text.length && !is_word_byte(text.data[length]) && text.data[length] != '<' &&
           text.data[length] != '$' && text.data[length] != '{')
        length++;
    return length;
}

struct kt_str kt_placeholder_find(struct kt_str text)
{
    struct kt_str rest = text;
    struct unclosed unclosed = {{false}};
    while (rest.length > 0) {
        size_t length = bracketed(rest, &unclosed);
        if (length > 0)
            return (struct kt_str){rest.data, length};
        while (length < rest.length && is_word_byte(rest.data[length]))
            length++;
        if (length > 0 && is_placeholder_word((struct kt_str){rest.data, length}))
            return (struct kt_str){rest.data, length};
        length += length == 0; /* a bracket that is none of ours */
        rest = (struct kt_str){rest.data + length, rest.length - length};
        length = between_words(rest);
        rest = (struct kt_str){rest.data + length, rest.length - length};
    }
    return (struct kt_str){text.data, 0};
}

const char *kt_placeholder_sentence(struct kt_arena *arena, struct kt_str text)
{
    struct kt_strbuf sentence;
    struct kt_str found = kt_placeholder_find(text);
    size_t count = 0;
    if (found.length == 0)
        return NULL;
    kt_strbuf_init(&sentence, arena, SENTENCE_LIMIT_BYTES);
    while (found.length > 0 && count < MAX_NAMED) {
        const char *end = found.data + found.length;
        kt_strbuf_printf(&sentence, "%s\"%.*s\"", count > 0 ? " and " : "", (int)kt_utf8_prefix(found, 64), found.data);
        count++;
        found = kt_placeholder_find((struct kt_str){end, text.length - (size_t)(end - text.data)});
    }
    kt_strbuf_puts(&sentence, count > 1 ? " are placeholders" : " is a placeholder");
    return sentence.data;
}
