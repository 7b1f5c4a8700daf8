/* SPDX-License-Identifier: Apache-2.0 */
/* What the annotation kaito.sh/dataset-format makes of a row; workload/scripts/dataset.py does the same in the Job. */
#include "dataset/dataset.h"

const char *const kt_dataset_conversions[] = {"text", "alpaca", NULL};

bool kt_dataset_conversion_parse(const char *text, enum kt_dataset_conversion *ret)
{
    *ret = KT_CONVERT_NOTHING;
    if (!text || !text[0])
        return true;
    for (size_t i = 0; kt_dataset_conversions[i]; i++) {
        if (kt_streq(text, kt_dataset_conversions[i])) {
            *ret = (enum kt_dataset_conversion)(KT_CONVERT_TEXT + i);
            return true;
        }
    }
    return false;
}

enum kt_row_kind kt_dataset_converts_from(enum kt_dataset_conversion conversion)
{
    return conversion == KT_CONVERT_TEXT ? KT_ROW_TEXT : KT_ROW_ALPACA;
}

enum kt_row_kind kt_dataset_converts_to(enum kt_dataset_conversion conversion)
{
    return conversion == KT_CONVERT_TEXT ? KT_ROW_COMPLETIONS : KT_ROW_MESSAGES;
}

/* A text without a question before it: the model learns to go on as it does. */
static cJSON *convert_text(struct kt_arena *arena, const cJSON *row)
{
    cJSON *converted = kt_json_new_object(arena);
    kt_json_set_string(arena, converted, "prompt", "");
    kt_json_set_string(arena, converted, "completion", kt_json_string_or(kt_json_get(row, "text"), ""));
    return converted;
}

static void add_message(struct kt_arena *arena, cJSON *messages, const char *role, const char *content)
{
    cJSON *message = kt_json_new_object(arena);
    kt_json_set_string(arena, message, "role", role);
    kt_json_set_string(arena, message, "content", content ? content : "");
    kt_json_append(arena, messages, message);
}

static cJSON *convert_alpaca(struct kt_arena *arena, const cJSON *row)
{
    const char *instruction = kt_json_string_or(kt_json_get(row, "instruction"), "");
    const char *input = kt_json_string_or(kt_json_get(row, "input"), "");
    cJSON *converted = kt_json_new_object(arena), *messages = kt_json_new_array(arena);
    add_message(arena, messages, "user",
                input[0] ? kt_arena_printf(arena, "%s\n\n%s", instruction, input) : instruction);
    add_message(arena, messages, "assistant", kt_json_string_or(kt_json_get(row, "output"), ""));
    kt_json_set(arena, converted, "messages", messages);
    return converted;
}

cJSON *kt_dataset_convert(struct kt_arena *arena, enum kt_dataset_conversion conversion, cJSON *row)
{
    if (conversion == KT_CONVERT_NOTHING || kt_row_look(arena, row).kind != kt_dataset_converts_from(conversion))
        return row;
    return conversion == KT_CONVERT_TEXT ? convert_text(arena, row) : convert_alpaca(arena, row);
}
