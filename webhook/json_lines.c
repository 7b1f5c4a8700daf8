/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/json_lines.h"

#include <errno.h>

#include "base/limits.h"

/* An answer holds the object and a patch of it, and JSON escapes at worst make six bytes of one. */
#define ANSWER_BYTES (8 * KT_LIMIT_REVIEW_BODY_BYTES)

struct reader {
    FILE *in;
    struct kt_strbuf line;
    bool is_too_long; /* the rest of the line was skipped */
};

/* Reads the next line without its newline; false at the end of the input. */
static bool read_line(struct reader *reader)
{
    bool is_any = false;
    kt_strbuf_clear(&reader->line);
    reader->is_too_long = false;
    for (int byte = getc_unlocked(reader->in); byte != EOF; byte = getc_unlocked(reader->in)) {
        is_any = true;
        if (byte == '\n') {
            return true;
        }
        if (reader->line.length == KT_LIMIT_REVIEW_BODY_BYTES) {
            reader->is_too_long = true;
        } else {
            kt_strbuf_putc(&reader->line, (char)byte);
        }
    }
    return is_any;
}

static void answer_line(const struct kt_json_lines *lines, struct kt_arena *arena, const struct reader *reader,
                        struct kt_strbuf *answer)
{
    struct kt_str line = kt_strbuf_view(&reader->line);
    if (reader->is_too_long) {
        char message[80];
        snprintf(message, sizeof(message), "the line is longer than %zu bytes", KT_LIMIT_REVIEW_BODY_BYTES);
        lines->refuse(line, message, answer);
        return;
    }
    kt_arena_reset(arena);
    lines->answer(lines->context, arena, line, answer);
    if (answer->failed) {
        kt_strbuf_clear(answer);
        lines->refuse(line, "the answer would be too large", answer);
    }
}

static int write_line(FILE *out, struct kt_strbuf *answer, struct kt_error *error)
{
    kt_strbuf_putc(answer, '\n');
    if (answer->failed) {
        return kt_error_set(error, KT_ENOMEM, "no memory for an answer");
    }
    if (fwrite(answer->data, 1, answer->length, out) != answer->length || fflush(out) != 0) {
        return kt_error_set(error, KT_EIO, "writing an answer: %s", strerror(errno));
    }
    return 0;
}

int kt_json_lines_run(const struct kt_json_lines *lines, FILE *in, FILE *out, struct kt_error *error)
{
    struct kt_arena arena KT_CLEANUP(kt_arena_release);
    struct reader reader = {.in = in};
    struct kt_strbuf answer KT_CLEANUP(kt_strbuf_release);
    int code = 0;
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_strbuf_init(&reader.line, NULL, KT_LIMIT_REVIEW_BODY_BYTES);
    kt_strbuf_init(&answer, NULL, ANSWER_BYTES);
    while (code == 0 && read_line(&reader)) {
        kt_strbuf_clear(&answer);
        if (reader.line.failed) {
            code = kt_error_set(error, KT_ENOMEM, "no memory for a line");
        } else {
            answer_line(lines, &arena, &reader, &answer);
            code = write_line(out, &answer, error);
        }
    }
    if (code == 0 && ferror(in)) {
        code = kt_error_set(error, KT_EIO, "reading the input: %s", strerror(errno));
    }
    kt_strbuf_release(&reader.line);
    return code;
}
