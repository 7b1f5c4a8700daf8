/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of row is it, and is it whole? */
#include "dataset/dataset.h"

static const char *const names[KT_ROW_KIND_COUNT] = {
    [KT_ROW_MESSAGES] = "messages",
    [KT_ROW_COMPLETIONS] = "prompt and completion",
    [KT_ROW_COMPLETION_CHATS] = "prompt and completion as chats",
    [KT_ROW_CONVERSATIONS] = "conversations of role and content",
    [KT_ROW_SHAREGPT] = "ShareGPT conversations",
    [KT_ROW_ALPACA] = "alpaca instructions",
    [KT_ROW_TEXT] = "text",
    [KT_ROW_OTHER] = "another kind",
};

const char *kt_row_kind_name(enum kt_row_kind kind)
{
    return names[kind];
}

/* --- chats -------------------------------------------------------------------------------------------------------- */

/* A message may call a tool in place of saying something. */
static const char *look_at_message(struct kt_arena *arena, const char *column, size_t index, const cJSON *message,
                                   struct kt_row *row)
{
    const cJSON *content = kt_json_get(message, "content"), *role = kt_json_get(message, "role"), *field;
    if (!kt_json_is_object(message))
        return kt_arena_printf(arena, "%s[%zu] is no object with role and content", column, index);
    if (!kt_json_is_string(role))
        return kt_arena_printf(arena, "%s[%zu] has no role", column, index);
    if (!kt_json_is_string(content) && kt_json_count(kt_json_get(message, "tool_calls")) == 0)
        return kt_arena_printf(arena, "%s[%zu] has no content that is text", column, index);
    row->text_bytes += strlen(kt_json_string_or(content, ""));
    cJSON_ArrayForEach(field, message)
    {
        if (!row->extra && !kt_streq(field->string, "role") && !kt_streq(field->string, "content"))
            row->extra = kt_arena_strdup(arena, field->string);
    }
    return NULL;
}

static void look_at_chat(struct kt_arena *arena, const char *column, const cJSON *chat, struct kt_row *row)
{
    const cJSON *message;
    size_t index = 0;
    if (kt_json_count(chat) == 0 && !row->fault)
        row->fault = kt_arena_printf(arena, "%s is empty", column);
    cJSON_ArrayForEach(message, chat)
    {
        const char *fault = look_at_message(arena, column, index++, message, row);
        if (!row->fault)
            row->fault = fault;
    }
}

/* The first message decides between the two. */
static enum kt_row_kind kind_of_conversations(const cJSON *conversations)
{
    const cJSON *first = kt_json_item(conversations, 0);
    if (kt_json_get(first, "from") && kt_json_get(first, "value"))
        return KT_ROW_SHAREGPT;
    return kt_json_get(first, "role") ? KT_ROW_CONVERSATIONS : KT_ROW_OTHER;
}

static void look_at_sharegpt(const cJSON *conversations, struct kt_row *row)
{
    const cJSON *message;
    cJSON_ArrayForEach(message, conversations) row->text_bytes +=
        strlen(kt_json_string_or(kt_json_get(message, "value"), ""));
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static void look_at_texts(struct kt_arena *arena, const cJSON *object, const char *const columns[2], struct kt_row *row)
{
    for (size_t i = 0; i < 2 && columns[i]; i++) {
        const cJSON *value = kt_json_get(object, columns[i]);
        if (kt_json_is_string(value))
            row->text_bytes += strlen(value->valuestring);
        else if (!row->fault)
            row->fault = !value || kt_json_is_null(value)
                             ? kt_arena_printf(arena, "%s has no value", columns[i])
                             : kt_arena_printf(arena, "%s is no text but %s", columns[i], kt_json_kind(value));
    }
}

/* A column that is there, whatever its value: a null is a fault of its row, not another kind of row. */
static bool has(const cJSON *object, const char *column)
{
    return kt_json_get(object, column) != NULL;
}

static enum kt_row_kind kind_of(const cJSON *object)
{
    const cJSON *messages = kt_json_get(object, "messages");
    if (kt_json_is_array(messages) || kt_json_is_null(messages))
        return KT_ROW_MESSAGES;
    if (has(object, "prompt") && has(object, "completion"))
        return kt_json_is_array(kt_json_get(object, "prompt")) ? KT_ROW_COMPLETION_CHATS : KT_ROW_COMPLETIONS;
    if (kt_json_is_array(kt_json_get(object, "conversations")))
        return kind_of_conversations(kt_json_get(object, "conversations"));
    if (has(object, "instruction") && has(object, "output"))
        return KT_ROW_ALPACA;
    return has(object, "text") ? KT_ROW_TEXT : KT_ROW_OTHER;
}

/* A file that is one object around its rows is one row for the trainer. */
static const char *find_wrapped_rows(struct kt_arena *arena, const cJSON *object)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, object)
    {
        const cJSON *first = kt_json_item(member, 0);
        if (kt_json_is_object(first) && kind_of(first) != KT_ROW_OTHER)
            return kt_arena_strdup(arena, member->string);
    }
    return NULL;
}

struct kt_row kt_row_look(struct kt_arena *arena, const cJSON *object)
{
    static const char *const completions[] = {"prompt", "completion"}, *const alpaca[] = {"instruction", "output"},
                             *const text[] = {"text", NULL};
    struct kt_row row = {.kind = kind_of(object)};
    switch (row.kind) {
    case KT_ROW_MESSAGES:
        look_at_chat(arena, "messages", kt_json_get(object, "messages"), &row);
        break;
    case KT_ROW_COMPLETION_CHATS:
        look_at_chat(arena, "prompt", kt_json_get(object, "prompt"), &row);
        look_at_chat(arena, "completion", kt_json_get(object, "completion"), &row);
        break;
    case KT_ROW_CONVERSATIONS:
        look_at_chat(arena, "conversations", kt_json_get(object, "conversations"), &row);
        break;
    case KT_ROW_SHAREGPT:
        look_at_sharegpt(kt_json_get(object, "conversations"), &row);
        break;
    case KT_ROW_COMPLETIONS:
        look_at_texts(arena, object, completions, &row);
        break;
    case KT_ROW_ALPACA:
        look_at_texts(arena, object, alpaca, &row);
        row.text_bytes += strlen(kt_json_string_or(kt_json_get(object, "input"), ""));
        break;
    case KT_ROW_TEXT:
        look_at_texts(arena, object, text, &row);
        break;
    case KT_ROW_OTHER:
        row.wrapped = find_wrapped_rows(arena, object);
        break;
    case KT_ROW_KIND_COUNT:
    default:
        break;
    }
    return row;
}
