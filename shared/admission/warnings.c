/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/warnings.h"

void kt_warnings_init(struct kt_warnings *warnings, struct kt_arena *arena)
{
    *warnings = (struct kt_warnings){.arena = arena};
}

/* Without C0 and C1 controls and DEL, trimmed, cut at a character. NULL when memory is out. */
static const char *clean_line(struct kt_arena *arena, struct kt_str line)
{
    if (line.length <= KT_LIMIT_WARNING_RUNES && kt_str_plain_length(line) == line.length) {
        struct kt_str trimmed = kt_str_trim(line);
        return kt_arena_strndup(arena, trimmed.data, trimmed.length);
    }
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, line.length + 4);
    kt_strbuf_reserve(&buffer, line.length);
    for (size_t i = 0; i < line.length; i++) {
        size_t plain = kt_str_plain_length((struct kt_str){line.data + i, line.length - i});
        kt_strbuf_add(&buffer, line.data + i, plain);
        i += plain;
        if (i >= line.length) {
            break;
        }
        unsigned char byte = (unsigned char)line.data[i];
        bool is_c1 = byte == 0xC2 && i + 1 < line.length && (unsigned char)line.data[i + 1] < 0xA0;
        if (is_c1) {
            i++;
        } else if (byte >= 0x20 && byte != 0x7F) {
            kt_strbuf_putc(&buffer, (char)byte);
        }
    }
    struct kt_str text = kt_str_trim(kt_strbuf_view(&buffer));
    bool is_long = text.length > KT_LIMIT_WARNING_RUNES && kt_utf8_count(text) > KT_LIMIT_WARNING_RUNES;
    size_t length = is_long ? kt_utf8_prefix(text, KT_LIMIT_WARNING_RUNES - 3) : text.length;
    return buffer.failed ? NULL : kt_arena_printf(arena, "%.*s%s", (int)length, text.data, is_long ? "..." : "");
}

static void add_line(struct kt_warnings *warnings, struct kt_str line)
{
    const char *text = clean_line(warnings->arena, line);
    if (!text || !*text) {
        return;
    }
    for (size_t i = 0; i < warnings->count; i++) {
        if (kt_streq(warnings->items[i], text)) {
            return;
        }
    }
    if (warnings->count < KT_LIMIT_WARNINGS) {
        warnings->items[warnings->count++] = text;
        return;
    }
    warnings->left_out = KT_MAX(warnings->left_out, (size_t)1) + 1; /* the last one makes room */
    const char *more = kt_arena_printf(
        warnings->arena, "and %zu more warnings; `kubectl kaito check -f FILE` lists all", warnings->left_out);
    warnings->items[KT_LIMIT_WARNINGS - 1] = more ? more : "and more warnings";
}

void kt_warnings_add(struct kt_warnings *warnings, struct kt_str text)
{
    while (text.length > 0) {
        size_t end = 0;
        while (end < text.length && text.data[end] != '\n' && text.data[end] != '\r') {
            end++;
        }
        add_line(warnings, (struct kt_str){text.data, end});
        size_t used = KT_MIN(end + 1, text.length);
        text = (struct kt_str){text.data + used, text.length - used};
    }
}

void kt_warnings_add_findings(struct kt_warnings *warnings, const struct kt_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct kt_finding *finding = &findings->items[i];
        if (finding->severity != KT_SEVERITY_WARNING) {
            continue;
        }
        const char *text =
            kt_arena_printf(warnings->arena, "%s%s%s", finding->field, *finding->field ? ": " : "", finding->message);
        kt_warnings_add(warnings, kt_str(text));
    }
}

void kt_warnings_add_unknown(struct kt_warnings *warnings, const struct kt_schema_unknown *unknown)
{
    for (; unknown; unknown = unknown->next) {
        const char *near = unknown->suggestion;
        const char *text = kt_arena_printf(warnings->arena, "unknown field \"%s\" is ignored%s%s%s", unknown->path,
                                           near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        kt_warnings_add(warnings, kt_str(text));
    }
}

void kt_warnings_add_duplicates(struct kt_warnings *warnings, const struct kt_json_duplicate *duplicates,
                                const char *prefix)
{
    size_t length = strlen(prefix);
    for (; duplicates; duplicates = duplicates->next) {
        const char *path = duplicates->path;
        if (strncmp(path, prefix, length) != 0 || (path[length] != 0 && path[length] != '.' && path[length] != '[')) {
            continue;
        }
        path += length + (path[length] == '.' ? 1 : 0);
        const char *text = kt_arena_printf(warnings->arena, "duplicate field \"%s%s%s\": the last value counts", path,
                                           *path ? "." : "", duplicates->key);
        kt_warnings_add(warnings, kt_str(text));
    }
}

void kt_warnings_write_json(struct kt_strbuf *buffer, const struct kt_warnings *warnings)
{
    kt_strbuf_putc(buffer, '[');
    for (size_t i = 0; i < warnings->count; i++) {
        kt_strbuf_puts(buffer, i > 0 ? "," : "");
        kt_json_write_string(buffer, kt_str(warnings->items[i]));
    }
    kt_strbuf_putc(buffer, ']');
}
