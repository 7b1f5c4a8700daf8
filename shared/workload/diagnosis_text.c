/* SPDX-License-Identifier: Apache-2.0 */
/* Words of other programs, made fit for a condition's message; and times. */
#include <stdarg.h>
#include <stdio.h>

#include "text/time.h"
#include "workload/diagnosis_internal.h"

/* A termination message has at most 4 KiB (kubelet, pkg/kubelet/kuberuntime); an object may claim otherwise. */
#define MOST_OUTPUT_BYTES ((size_t)(8 * KT_KIB))

bool kt_contains(const char *text, const char *words)
{
    return text && strstr(text, words) != NULL;
}

/* Bytes of text that may be taken without cutting a character. */
static size_t whole_characters(struct kt_str text, size_t limit_bytes)
{
    size_t at = 0;
    while (at < text.length) {
        size_t step = KT_MAX(kt_utf8_step((struct kt_str){text.data + at, text.length - at}), (size_t)1);
        if (at + step > limit_bytes)
            break;
        at += step;
    }
    return at;
}

/* Copies one line of at most limit_bytes: control characters (C1 too) and runs of white space become one space. */
static const char *clean(struct kt_arena *arena, struct kt_str text, size_t limit_bytes)
{
    static const char dots[] = "...";
    char *copy = kt_arena_alloc(arena, KT_MIN(text.length, limit_bytes) + sizeof(dots));
    size_t length = 0;
    bool space = false;
    if (!copy)
        return "";
    for (size_t at = 0, step; at < text.length; at += step) {
        struct kt_str rest = {text.data + at, text.length - at};
        size_t valid = kt_utf8_step(rest);
        step = KT_MAX(valid, (size_t)1);
        const unsigned char *byte = (const unsigned char *)rest.data;
        if (byte[0] <= ' ' || byte[0] == 0x7F || (valid == 2 && byte[0] == 0xC2 && byte[1] < 0xA0)) {
            space = length > 0;
            continue;
        }
        if (length + space + step > limit_bytes) {
            memcpy(copy + whole_characters((struct kt_str){copy, length}, limit_bytes - 3), dots, sizeof(dots));
            return copy;
        }
        if (space)
            copy[length++] = ' ';
        space = false;
        if (valid == 0)
            copy[length] = '?';
        else
            memcpy(copy + length, rest.data, step);
        length += step;
    }
    copy[length] = '\0';
    return copy;
}

const char *kt_cause_clean(struct kt_arena *arena, const char *text, size_t limit_bytes)
{
    return clean(arena, kt_str(text), limit_bytes);
}

const char *kt_cause_clean_str(struct kt_arena *arena, struct kt_str text, size_t limit_bytes)
{
    return clean(arena, text, limit_bytes);
}

struct kt_str kt_cause_tail(const char *output)
{
    struct kt_str tail = kt_str(output);
    if (tail.length > MOST_OUTPUT_BYTES)
        tail = (struct kt_str){tail.data + tail.length - MOST_OUTPUT_BYTES, MOST_OUTPUT_BYTES};
    return tail;
}

struct kt_str kt_cause_line_before(struct kt_str *rest)
{
    while (rest->length > 0) {
        size_t start = rest->length;
        while (start > 0 && rest->data[start - 1] != '\n' && rest->data[start - 1] != '\r')
            start--;
        struct kt_str line = kt_str_trim((struct kt_str){rest->data + start, rest->length - start});
        rest->length = start > 0 ? start - 1 : 0;
        if (line.length > 0)
            return line;
    }
    return (struct kt_str){0};
}

/* Lines that only say that a child process failed; the child has said why before. Launchers of trainers end so. */
static bool is_second_hand(const char *line)
{
    return kt_contains(line, "CalledProcessError") || kt_contains(line, "ChildFailedError");
}

static bool names_an_error(const char *line)
{
    static const char *const words[] = {
        "Error:", "error:", "Error response from registry:", "ERROR", "Exception:", "failed:", "fatal:"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(words); i++) {
        if (kt_contains(line, words[i]))
            return !is_second_hand(line);
    }
    return false;
}

/* A rule under a table says nothing. */
static bool has_words(const char *line)
{
    for (const char *byte = line; *byte; byte++)
        if (kt_ascii_is_alnum(*byte) || (unsigned char)*byte >= 0x80)
            return true;
    return false;
}

const char *kt_cause_last_words(struct kt_arena *arena, const char *output, bool prefer_errors)
{
    struct kt_str rest = kt_cause_tail(output);
    const char *last = "";
    for (struct kt_str piece; (piece = kt_cause_line_before(&rest)).length > 0;) {
        const char *line = clean(arena, piece, KT_CAUSE_QUOTE_BYTES);
        if (!prefer_errors || names_an_error(line) || arena->failed)
            return line;
        if (!*last || (!has_words(last) && has_words(line)))
            last = line;
    }
    return last;
}

/* The pattern that the API server demands of a condition's reason (metav1.Condition). */
const char *kt_cause_reason(const char *text, const char *fallback)
{
    struct kt_str reason = kt_str(text);
    if (reason.length == 0 || reason.length > 128 || kt_ascii_is_digit(reason.data[0]) ||
        !kt_ascii_is_alnum(reason.data[0]))
        return fallback;
    for (size_t i = 1; i < reason.length; i++) {
        char byte = reason.data[i];
        bool inside = byte == ',' || byte == ':';
        if (!kt_ascii_is_alnum(byte) && byte != '_' && !(inside && i + 1 < reason.length))
            return fallback;
    }
    return text;
}

void kt_cause_set(struct kt_arena *arena, struct kt_cause *ret, const char *kind, const cJSON *object,
                  const char *reason, const char *format, ...)
{
    char text[2 * KT_CAUSE_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    *ret = (struct kt_cause){.reason = reason, .message = reason, .kind = kind};
    ret->name = kt_cause_clean(arena, kt_metadata_text(object, "name"), KT_CAUSE_QUOTE_BYTES);
    if (length > 0) {
        const char *message = kt_cause_clean(arena, text, KT_CAUSE_MESSAGE_BYTES);
        if (*message)
            ret->message = message;
    }
}

bool kt_patience_is_over(struct kt_patience *patience, const char *since, int64_t limit_s)
{
    int64_t since_ms;
    if (!since || kt_time_parse_rfc3339(kt_str(since), &since_ms, NULL) != 0)
        return false;
    int64_t age_s = patience->now_s - since_ms / 1000;
    if (age_s >= limit_s)
        return true;
    int64_t left_s = KT_MIN(limit_s - age_s, limit_s);
    if (patience->revisit_s == 0 || left_s < patience->revisit_s)
        patience->revisit_s = left_s;
    return false;
}
