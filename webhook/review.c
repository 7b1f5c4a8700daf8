/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/review.h"

#include "admission/review.h"
#include "webhook/json_lines.h"

static void answer_line(const void *context, struct kt_arena *arena, struct kt_str line, struct kt_strbuf *answer)
{
    kt_review_line(arena, line, context, answer);
}

int kt_webhook_review_main(bool schema, FILE *in, FILE *out, FILE *err)
{
    struct kt_review_line_options options = {.schema = schema};
    const struct kt_json_lines lines = {
        .answer = answer_line, .refuse = kt_review_line_unreadable, .context = &options};
    struct kt_error error = {0};
    kt_settings_init(&options.settings);
    if (kt_json_lines_run(&lines, in, out, &error) < 0) {
        fprintf(err, "kaito-webhook: review: %s\n", error.message);
        return 1;
    }
    return 0;
}
