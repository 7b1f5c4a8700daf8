/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/losses.h"

/* Longer lines are no records. */
#define MOST_BYTES ((size_t)4096)

static const char *find(struct kt_str text, struct kt_str words)
{
    return text.length > 0 ? memmem(text.data, text.length, words.data, words.length) : NULL;
}

static struct kt_str behind(struct kt_str line, const char *found, struct kt_str words)
{
    size_t used = (size_t)(found - line.data) + words.length;
    return (struct kt_str){line.data + used, line.length - used};
}

/* The key stands first; a dict that has it later must begin the line. A bar that has not ended its line may be in
 * front. Returns the record from the value on. */
static bool find_record(struct kt_str line, struct kt_str *ret)
{
    static const struct kt_str first = {"{'loss': ", 9}, later = {", 'loss': ", 10};
    const char *found = find(line, first);
    if (found) {
        *ret = behind(line, found, first);
        return true;
    }
    found = kt_str_starts_with(kt_str_trim(line), KT_STR("{'")) ? find(line, later) : NULL;
    if (found)
        *ret = behind(line, found, later);
    return found != NULL;
}

/* What the text begins with, without quotes, up to the end of the value; empty when it has no end. */
static struct kt_str take_value(struct kt_str text)
{
    bool is_quoted = text.length > 0 && text.data[0] == '\'';
    size_t end = 0;
    if (is_quoted)
        text = (struct kt_str){text.data + 1, text.length - 1};
    while (end < text.length && !memchr("',}", text.data[end], 3))
        end++;
    bool has_end = end < text.length && (text.data[end] == '\'') == is_quoted;
    return (struct kt_str){text.data, has_end ? end : 0};
}

static bool is_not_a_number(struct kt_str loss)
{
    if (loss.length > 0 && loss.data[0] == '-')
        loss = (struct kt_str){loss.data + 1, loss.length - 1};
    return kt_str_equal(loss, KT_STR("nan")) || kt_str_equal(loss, KT_STR("inf"));
}

static bool is_number(struct kt_str loss)
{
    bool has_digit = false;
    for (size_t i = 0; i < loss.length; i++) {
        has_digit |= kt_ascii_is_digit(loss.data[i]);
        if (!kt_ascii_is_digit(loss.data[i]) && !memchr(".eE+-", loss.data[i], 5))
            return false;
    }
    return has_digit;
}

/* "0", "0.0", "-0.000", "0e+00" */
static bool is_zero(struct kt_str loss)
{
    for (size_t i = 0; i < loss.length && loss.data[i] != 'e' && loss.data[i] != 'E'; i++)
        if (loss.data[i] >= '1' && loss.data[i] <= '9')
            return false;
    return true;
}

/* transformers shows a loss that is not a number as 0 (logging_nan_inf_filter); the gradient's norm gives it away. That
 * norm alone is no fault: a float16 training begins so while it looks for its scale. */
static bool has_bad_gradient(struct kt_str record)
{
    static const struct kt_str key = {", 'grad_norm': ", 15};
    const char *found = find(record, key);
    return found && is_not_a_number(take_value(behind(record, found, key)));
}

bool kt_losses_take(struct kt_losses *losses, struct kt_str line, struct kt_str *ret)
{
    struct kt_str record;
    if (line.length > MOST_BYTES || !find_record(line, &record))
        return false;
    struct kt_str loss = take_value(record);
    bool is_bad = is_not_a_number(loss);
    if (!is_bad && !is_number(loss))
        return false;
    *ret = loss;
    if (losses->count == UINT32_MAX)
        return true;
    losses->count++;
    losses->zeros += !is_bad && is_zero(loss);
    is_bad |= is_zero(loss) && has_bad_gradient(record);
    losses->bad_in_a_row = is_bad ? losses->bad_in_a_row + 1 : 0;
    return true;
}

const char *kt_losses_fault(const struct kt_losses *losses, uint32_t least)
{
    if (losses->bad_in_a_row > 0 && losses->bad_in_a_row >= least)
        return "the loss is not a number (nan), so the adapter is ruined: lower learning_rate, and in float16 use "
               "method qlora, or optim: adafactor with fp16 and bf16 false";
    if (losses->count > 0 && losses->count >= least && losses->zeros == losses->count)
        return "every loss is 0, so nothing is learnt: most likely the trainer finds no answer in the rows. It reads "
               "messages (role and content) and prompt with completion, not ShareGPT's from and value; a max_length "
               "that cuts off all answers does the same";
    return NULL;
}
