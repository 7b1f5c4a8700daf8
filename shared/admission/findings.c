/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "admission/rule.h"
#include "base/limits.h"
#include "text/json.h"

#define FIELD_BYTES ((size_t)1024)
#define VALUE_RUNES ((size_t)64)

struct problem_words {
    const char *cause_type; /* of metav1.StatusCause */
    const char *prefix;
    bool takes_value;
};

static const struct problem_words PROBLEMS[] = {
    [KT_PROBLEM_REQUIRED] = {"FieldValueRequired", "Required value", false},
    [KT_PROBLEM_INVALID] = {"FieldValueInvalid", "Invalid value", true},
    [KT_PROBLEM_UNSUPPORTED] = {"FieldValueNotSupported", "Unsupported value", true},
    [KT_PROBLEM_FORBIDDEN] = {"FieldValueForbidden", "Forbidden", false},
    [KT_PROBLEM_DUPLICATE] = {"FieldValueDuplicate", "Duplicate value", true},
    [KT_PROBLEM_NOT_FOUND] = {"FieldValueNotFound", "Not found", true},
    [KT_PROBLEM_TOO_MANY] = {"FieldValueTooMany", "Too many", true},
    [KT_PROBLEM_NOTE] = {"FieldValueInvalid", "", false},
};

const char *kt_problem_cause_type(enum kt_problem problem)
{
    return PROBLEMS[problem].cause_type;
}

void kt_findings_init(struct kt_findings *findings, struct kt_arena *arena)
{
    *findings = (struct kt_findings){.arena = arena};
}

/* --- text ----------------------------------------------------------------------------------------------------------*/

/* Bytes of the character at text (valid UTF-8, not at the end) and its code point. */
static size_t decode_rune(const char *text, uint32_t *ret)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] < 0x80) {
        *ret = bytes[0];
        return 1;
    }
    size_t length = bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
    uint32_t rune = bytes[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) { /* a truncated character: cannot come from our parsers */
            *ret = 0xFFFD;
            return i;
        }
        rune = (rune << 6) | (bytes[i] & 0x3Fu);
    }
    *ret = rune;
    return length;
}

/* Characters that could move a cursor, hide text or turn it round on somebody's terminal. */
static bool is_unsafe_rune(uint32_t rune)
{
    return rune < 0x20 || (rune >= 0x7F && rune < 0xA0) || (rune >= 0x2028 && rune <= 0x202E) ||
           (rune >= 0x2066 && rune <= 0x2069) || rune == 0xFEFF;
}

static void add_escaped(struct kt_strbuf *buffer, struct kt_str text, bool quoted)
{
    for (size_t i = 0; i < text.length;) {
        size_t plain = quoted ? 0 : kt_str_plain_length((struct kt_str){text.data + i, text.length - i});
        kt_strbuf_add(buffer, text.data + i, plain);
        i += plain;
        if (i >= text.length) {
            break;
        }
        uint32_t rune = 0;
        size_t length = decode_rune(text.data + i, &rune);
        if (rune == '\n' && quoted) {
            kt_strbuf_puts(buffer, "\\n");
        } else if (rune == '\t' && quoted) {
            kt_strbuf_puts(buffer, "\\t");
        } else if (is_unsafe_rune(rune) && quoted) {
            kt_strbuf_printf(buffer, "\\u%04x", (unsigned)rune);
        } else if (is_unsafe_rune(rune)) {
            kt_strbuf_putc(buffer, ' ');
        } else {
            if (quoted && (rune == '"' || rune == '\\')) {
                kt_strbuf_putc(buffer, '\\');
            }
            kt_strbuf_add(buffer, text.data + i, KT_MIN(length, text.length - i));
        }
        i += length;
    }
}

static void add_quoted_value(struct kt_strbuf *buffer, const char *value)
{
    size_t length = kt_utf8_prefix(kt_str(value), VALUE_RUNES);
    kt_strbuf_putc(buffer, '"');
    add_escaped(buffer, (struct kt_str){value, length}, true);
    kt_strbuf_puts(buffer, value[length] ? "...\"" : "\"");
}

/* A copy with unsafe characters taken out, cut at a character to limit_bytes with "..." at its end. */
static const char *clean_copy(struct kt_arena *arena, struct kt_str text, size_t limit_bytes)
{
    struct kt_strbuf buffer;
    bool is_long = text.length > limit_bytes;
    size_t length = is_long ? limit_bytes - 3 : text.length;
    while (is_long && length > 0 && ((unsigned char)text.data[length] & 0xC0) == 0x80) {
        length--;
    }
    kt_strbuf_init(&buffer, arena, limit_bytes + 3);
    kt_strbuf_reserve(&buffer, length + 3);
    add_escaped(&buffer, (struct kt_str){text.data, length}, false);
    kt_strbuf_puts(&buffer, is_long ? "..." : "");
    return buffer.failed ? NULL : buffer.data;
}

/* The formatted text, of which at most a little more than one message's worth is kept. */
KT_PRINTF(2, 0)
static struct kt_str format_text(struct kt_arena *arena, const char *format, va_list arguments)
{
    enum { USUAL_BYTES = 512 }; /* formatting twice, to measure first, costs more than some room */
    va_list again;
    va_copy(again, arguments);
    char *text = kt_arena_alloc(arena, USUAL_BYTES);
    int length = text ? vsnprintf(text, USUAL_BYTES, format, arguments) : -1;
    if (length >= USUAL_BYTES) {
        size_t size = KT_MIN((size_t)(KT_LIMIT_MESSAGE_BYTES + 64), (size_t)length + 1);
        text = kt_arena_alloc(arena, size);
        length = text ? vsnprintf(text, size, format, again) : -1;
    }
    va_end(again);
    return length < 0 ? (struct kt_str){NULL, 0} : kt_str(text);
}

KT_PRINTF(4, 0)
static const char *make_message(struct kt_arena *arena, enum kt_problem problem, const char *value, const char *format,
                                va_list arguments)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, 2 * KT_LIMIT_MESSAGE_BYTES);
    const struct problem_words *words = &PROBLEMS[problem];
    kt_strbuf_puts(&buffer, words->prefix);
    if (words->takes_value && value) {
        kt_strbuf_puts(&buffer, ": ");
        add_quoted_value(&buffer, value);
    }
    struct kt_str text = format ? format_text(arena, format, arguments) : (struct kt_str){NULL, 0};
    if (text.length > 0) {
        kt_strbuf_puts(&buffer, buffer.length > 0 ? ": " : "");
        kt_strbuf_add_str(&buffer, text);
    }
    return buffer.failed ? NULL : clean_copy(arena, kt_strbuf_view(&buffer), KT_LIMIT_MESSAGE_BYTES);
}

/* --- the list ------------------------------------------------------------------------------------------------------*/

static bool grow(struct kt_findings *findings)
{
    size_t capacity = findings->capacity ? findings->capacity * 2 : 16;
    struct kt_finding *items = kt_arena_calloc(findings->arena, capacity, sizeof(*items));
    if (!items) {
        return false;
    }
    if (findings->count > 0) {
        memcpy(items, findings->items, findings->count * sizeof(*items));
    }
    findings->items = items;
    findings->capacity = capacity;
    return true;
}

static struct kt_finding *append(struct kt_findings *findings, struct kt_finding finding)
{
    if (!finding.field || !finding.message || (findings->count == findings->capacity && !grow(findings))) {
        return NULL;
    }
    findings->items[findings->count] = finding;
    return &findings->items[findings->count++];
}

/* Says once that there is more than is told. */
static void truncate_list(struct kt_findings *findings)
{
    if (!findings->truncated) {
        findings->truncated = true;
        const char *message = kt_arena_printf(
            findings->arena, "more than %d findings: the rest is not listed; correct these and try again",
            KT_LIMIT_FINDINGS);
        append(findings, (struct kt_finding){.rule = "LIMIT",
                                             .severity = KT_SEVERITY_ERROR,
                                             .origin = KT_ORIGIN_OWN,
                                             .problem = KT_PROBLEM_NOTE,
                                             .field = "",
                                             .path = "",
                                             .message = message});
    }
}

/* Did cleaning take characters out of it? One that was cut short is not found in the object either way. */
static bool is_changed_in_place(const char *field, const char *cleaned)
{
    return !kt_streq(field, cleaned) && strlen(field) <= FIELD_BYTES;
}

/* Of a finding until it stands in the answer, in which it is written twice; measured, see tests/bench/cost.c. */
static size_t finding_steps(const struct kt_finding *finding)
{
    return 300 + 12 * (strlen(finding->field) + strlen(finding->message));
}

KT_PRINTF(5, 0)
static struct kt_finding *add_with_arguments(struct kt_findings *findings, struct kt_finding finding, const char *field,
                                             const char *value, const char *format, va_list arguments)
{
    if (findings->count >= KT_LIMIT_FINDINGS) {
        truncate_list(findings);
        return NULL;
    }
    struct kt_arena *arena = findings->arena;
    finding.field = clean_copy(arena, kt_str(field), FIELD_BYTES);
    finding.path =
        finding.field && is_changed_in_place(field, finding.field) ? kt_arena_strdup(arena, field) : finding.field;
    finding.message = make_message(arena, finding.problem, value, format, arguments);
    if (!finding.message || !kt_arena_work(arena, finding_steps(&finding), "what there is to say about it")) {
        return NULL;
    }
    return append(findings, finding);
}

struct kt_finding *kt_findings_add(struct kt_findings *findings, const char *rule, enum kt_severity severity,
                                   enum kt_origin origin, const char *field, enum kt_problem problem, const char *value,
                                   const char *format, ...)
{
    struct kt_finding finding = {.rule = rule, .severity = severity, .origin = origin, .problem = problem};
    va_list arguments;
    va_start(arguments, format);
    struct kt_finding *added = add_with_arguments(findings, finding, field, value, format, arguments);
    va_end(arguments);
    return added;
}

bool kt_rule_goes_on(const struct kt_rule_run *run, size_t steps, const char *part)
{
    return !run->findings->truncated && kt_arena_work(run->facts->arena, steps, part);
}

struct kt_finding *kt_rule_report(struct kt_rule_run *run, const char *field, enum kt_problem problem,
                                  const char *value, const char *format, ...)
{
    const struct kt_rule *rule = run->rule;
    struct kt_finding finding = {.rule = rule->id,
                                 .severity = rule->severity,
                                 .origin = rule->origin,
                                 .relaxed = rule->relaxed,
                                 .problem = problem};
    va_list arguments;
    va_start(arguments, format);
    struct kt_finding *added = add_with_arguments(run->findings, finding, field, value, format, arguments);
    va_end(arguments);
    return added;
}

struct kt_finding *kt_rule_report_as(struct kt_rule_run *run, enum kt_origin origin, const char *field,
                                     enum kt_problem problem, const char *value, const char *format, ...)
{
    const struct kt_rule *rule = run->rule;
    struct kt_finding finding = {
        .rule = rule->id, .severity = rule->severity, .origin = origin, .relaxed = rule->relaxed, .problem = problem};
    va_list arguments;
    va_start(arguments, format);
    struct kt_finding *added = add_with_arguments(run->findings, finding, field, value, format, arguments);
    va_end(arguments);
    return added;
}

/* --- order ---------------------------------------------------------------------------------------------------------*/

static size_t digits(const char *text)
{
    size_t count = 0;
    while (kt_ascii_is_digit(text[count])) {
        count++;
    }
    return count;
}

/* As strcmp, but runs of digits compare as numbers: adapters[2] comes before adapters[10]. */
static int compare_paths(const char *a, const char *b)
{
    size_t at = 0; /* where they part */
    while (a[at] && a[at] == b[at]) {
        at++;
    }
    size_t run = at; /* where the number begins in which they part, if it is one */
    while (run > 0 && kt_ascii_is_digit(a[run - 1])) {
        run--;
    }
    size_t a_digits = digits(a + run);
    size_t b_digits = digits(b + run);
    if (a_digits != b_digits && a_digits > 0 && b_digits > 0) {
        return a_digits < b_digits ? -1 : 1;
    }
    return (int)(unsigned char)a[at] - (int)(unsigned char)b[at];
}

static int compare_findings(const void *left, const void *right)
{
    const struct kt_finding *a = left;
    const struct kt_finding *b = right;
    int order = compare_paths(a->field, b->field);
    order = order != 0 ? order : strcmp(a->rule, b->rule);
    order = order != 0 ? order : strcmp(a->message, b->message);
    return order != 0 ? order : (int)a->severity - (int)b->severity;
}

void kt_findings_sort(struct kt_findings *findings)
{
    if (findings->count == 0) {
        return;
    }
    qsort(findings->items, findings->count, sizeof(*findings->items), compare_findings);
    size_t kept = 1;
    for (size_t i = 1; i < findings->count; i++) {
        if (compare_findings(&findings->items[kept - 1], &findings->items[i]) != 0) {
            findings->items[kept++] = findings->items[i];
        }
    }
    findings->count = kept;
}

bool kt_findings_has_error(const struct kt_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].severity == KT_SEVERITY_ERROR) {
            return true;
        }
    }
    return false;
}

/* --- JSON ----------------------------------------------------------------------------------------------------------*/

static void write_finding(struct kt_strbuf *buffer, const struct kt_finding *finding)
{
    kt_strbuf_printf(buffer,
                     "{\"rule\":\"%s\",\"severity\":\"%s\",\"origin\":\"%s\",\"relaxed\":%s,\"field\":", finding->rule,
                     finding->severity == KT_SEVERITY_ERROR ? "error" : "warning",
                     finding->origin == KT_ORIGIN_UPSTREAM ? "upstream" : "own", finding->relaxed ? "true" : "false");
    kt_json_write_string(buffer, kt_str(finding->field));
    kt_strbuf_puts(buffer, ",\"message\":");
    kt_json_write_string(buffer, kt_str(finding->message));
    kt_strbuf_putc(buffer, '}');
}

void kt_findings_write_json(struct kt_strbuf *buffer, const struct kt_findings *findings)
{
    kt_strbuf_putc(buffer, '[');
    for (size_t i = 0; i < findings->count; i++) {
        kt_strbuf_puts(buffer, i > 0 ? "," : "");
        write_finding(buffer, &findings->items[i]);
    }
    kt_strbuf_putc(buffer, ']');
}
