/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/training_progress.h"

#include <stdio.h>

/* A step beyond this is no step. */
#define MOST_STEPS INT64_C(1000000000)

static size_t take_number(struct kt_str text, size_t at, int64_t *ret)
{
    int64_t value = 0;
    size_t start = at;
    while (at < text.length && kt_ascii_is_digit(text.data[at]) && value < MOST_STEPS)
        value = value * 10 + (text.data[at++] - '0');
    if (at == start)
        return 0;
    *ret = value;
    return at;
}

static size_t take_byte(struct kt_str text, size_t at, char byte)
{
    return at > 0 && at < text.length && text.data[at] == byte ? at + 1 : 0;
}

/* "00:10<03:10, ...": what is behind "<"; "?" before the first step. */
static bool take_time_left(struct kt_training_progress *progress, struct kt_str times)
{
    size_t at = kt_str_find_char(times, '<');
    size_t length = 0;
    if (at == SIZE_MAX)
        return false;
    struct kt_str left = {times.data + at + 1, times.length - at - 1};
    while (length < left.length && (kt_ascii_is_digit(left.data[length]) || left.data[length] == ':'))
        length++;
    bool is_whole = length < left.length && (left.data[length] == ',' || left.data[length] == ']');
    left.length = length;
    if (!is_whole || length == 0 || length >= sizeof(progress->left) || kt_str_equal(left, kt_str(progress->left)))
        return false;
    snprintf(progress->left, sizeof(progress->left), "%.*s", (int)length, left.data);
    return true;
}

/* A bar with words in front is of something else: loading weights, preparing the data. */
static bool take_bar(struct kt_training_progress *progress, struct kt_str part)
{
    int64_t percent, step, steps;
    part = kt_str_trim(part);
    size_t at = take_number(part, 0, &percent);
    at = take_byte(part, at, '%');
    at = take_byte(part, at, '|');
    if (at == 0)
        return false;
    size_t bar = kt_str_find_char((struct kt_str){part.data + at, part.length - at}, '|');
    if (bar == SIZE_MAX)
        return false;
    for (at += bar + 1; at < part.length && part.data[at] == ' ';)
        at++;
    at = take_number(part, at, &step);
    at = take_byte(part, at, '/');
    at = at > 0 ? take_number(part, at, &steps) : 0;
    at = take_byte(part, at, ' ');
    at = take_byte(part, at, '[');
    /* An evaluation in between has a bar of its own, mostly of another length. */
    if (at == 0 || steps == 0 || (progress->steps != 0 && (progress->steps != steps || step < progress->step)))
        return false;
    bool changed = progress->step != step || progress->steps != steps;
    progress->step = step;
    progress->steps = steps;
    return take_time_left(progress, (struct kt_str){part.data + at, part.length - at}) || changed;
}

static bool take_record(struct kt_training_progress *progress, struct kt_str part)
{
    struct kt_str loss;
    if (!kt_losses_take(&progress->losses, part, &loss) || loss.length >= sizeof(progress->loss))
        return false;
    bool changed = !kt_str_equal(loss, kt_str(progress->loss));
    snprintf(progress->loss, sizeof(progress->loss), "%.*s", (int)loss.length, loss.data);
    return changed;
}

bool kt_training_progress_take(struct kt_training_progress *progress, struct kt_str line)
{
    bool changed = false;
    while (line.length > 0) {
        size_t end = kt_str_find_char(line, '\r');
        struct kt_str part = {line.data, end == SIZE_MAX ? line.length : end};
        changed |= take_bar(progress, part);
        changed |= take_record(progress, part);
        size_t used = part.length + (end != SIZE_MAX);
        line = (struct kt_str){line.data + used, line.length - used};
    }
    return changed;
}
