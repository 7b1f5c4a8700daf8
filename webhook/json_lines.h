/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that answer each line of their input with one line: `review` and `render`. */
#ifndef KT_WEBHOOK_JSON_LINES_H
#define KT_WEBHOOK_JSON_LINES_H

#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"

struct kt_json_lines {
    /* Appends the answer, without newline. The arena is empty at the start of each line. */
    void (*answer)(const void *context, struct kt_arena *arena, struct kt_str line, struct kt_strbuf *answer);
    /* Appends the answer to a line that is longer than KT_LIMIT_REVIEW_BODY_BYTES: only its beginning is there. */
    void (*refuse)(struct kt_str beginning, const char *message, struct kt_strbuf *answer);
    const void *context;
};

/* Reads `in` to its end, writes one line to `out` for each, in order, and flushes after each. KT_EIO when reading or
 * writing fails, KT_ENOMEM. */
int kt_json_lines_run(const struct kt_json_lines *lines, FILE *in, FILE *out, struct kt_error *error) KT_NODISCARD;

#endif
