/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/status.h"

#include <string.h>

#include "base/limits.h"

/* What a proxy's page may add to a message. */
#define FOREIGN_TEXT_RUNES ((size_t)200)

/* Reasons of metav1.Status (apimachinery pkg/apis/meta/v1/types.go). http_code 0: no code stands for this reason alone.
 * The words are for a reply without a Status; NULL: what the reply says is all there is. */
static const struct {
    const char *reason;
    int http_code;
    enum kt_error_code code;
    const char *words;
} reasons[] = {
    {"BadRequest", 400, KT_EREFUSED, "the server cannot make sense of the request"},
    {"Unauthorized", 401, KT_EAUTH, "the server does not accept these credentials"},
    {"Forbidden", 403, KT_EFORBIDDEN, NULL},
    {"NotFound", 404, KT_ENOTFOUND, "the server knows no such object, resource type or path"},
    {"MethodNotAllowed", 405, KT_EINVAL, "the server does not offer this operation here"},
    {"NotAcceptable", 406, KT_EINVAL, "the server cannot answer in JSON"},
    {"Timeout", 408, KT_ETIMEOUT, "the server gave up waiting for the request"},
    {"Conflict", 409, KT_ECONFLICT, "the object has been changed by somebody else in the meantime"},
    {"AlreadyExists", 0, KT_ECONFLICT, NULL},
    {"Gone", 410, KT_EGONE, "what was asked for is no longer there"},
    {"Expired", 0, KT_EGONE, NULL},
    {"RequestEntityTooLarge", 413, KT_ELIMIT, "the request is too large for the server"},
    {"UnsupportedMediaType", 415, KT_EINVAL, "the server does not read this kind of body"},
    {"Invalid", 422, KT_EREFUSED, "the server refuses the content of the request"},
    {"TooManyRequests", 429, KT_EUNAVAILABLE, "the server is overloaded and asks to try again later"},
    {"InternalError", 500, KT_EUNAVAILABLE, "something broke inside the server"},
    {"ServerTimeout", 0, KT_ETIMEOUT, NULL},
    {"StoreReadError", 0, KT_EUNAVAILABLE, NULL},
    {"ServiceUnavailable", 503, KT_EUNAVAILABLE, "the server is not ready to answer, try again later"},
    {"Timeout", 504, KT_ETIMEOUT, "the server did not finish in time, the request may still take effect"},
};

static size_t row_of_code(int http_code)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(reasons); i++)
        if (reasons[i].http_code == http_code)
            return i;
    return KT_ARRAY_LENGTH(reasons);
}

static size_t row_of_reason(const char *reason)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(reasons); i++)
        if (kt_streq(reasons[i].reason, reason))
            return i;
    return KT_ARRAY_LENGTH(reasons);
}

static const char *text_of(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_get(object, key), "");
}

static void read_causes(struct kt_arena *arena, const cJSON *list, struct kt_status *status)
{
    size_t count = kt_json_is_array(list) ? KT_MIN(kt_json_count(list), KT_LIMIT_STATUS_CAUSES) : 0;
    struct kt_status_cause *causes = kt_arena_calloc(arena, count, sizeof(*causes));
    if (!causes)
        return;
    status->causes = causes;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (status->cause_count == count)
            break;
        causes[status->cause_count++] =
            (struct kt_status_cause){text_of(item, "reason"), text_of(item, "field"), text_of(item, "message")};
    }
}

bool kt_status_parse(struct kt_arena *arena, const cJSON *node, int http_code, struct kt_status *ret)
{
    if (!kt_json_is_object(node) || !kt_streq(text_of(node, "kind"), "Status"))
        return false;
    const cJSON *details = kt_json_get(node, "details");
    struct kt_status status = {
        .code = http_code,
        .reason = text_of(node, "reason"),
        .message = text_of(node, "message"),
        .kind = text_of(details, "kind"),
        .name = text_of(details, "name"),
        .group = text_of(details, "group"),
    };
    int64_t number;
    if (kt_json_int64(kt_json_get(node, "code"), &number) && number >= 100 && number <= 599)
        status.code = (int)number;
    if (kt_json_int64(kt_json_get(details, "retryAfterSeconds"), &number) && number > 0)
        status.retry_after_s = number;
    read_causes(arena, kt_json_get(details, "causes"), &status);
    *ret = status;
    return true;
}

static bool is_control(char byte)
{
    return (unsigned char)byte < 0x20 || byte == 0x7f;
}

/* Text of a stranger on one line: runs of white space and control characters become one space. */
static void add_one_line(struct kt_strbuf *buffer, struct kt_str text)
{
    bool gap = false;
    for (size_t i = 0; i < text.length; i++) {
        if (is_control(text.data[i]) || text.data[i] == ' ') {
            gap = true;
            continue;
        }
        if (gap && buffer->length > 0)
            kt_strbuf_putc(buffer, ' ');
        gap = false;
        kt_strbuf_putc(buffer, text.data[i]);
    }
}

/* "" when the body is no text that a person would read: empty, not UTF-8, or a page of HTML. */
static const char *body_excerpt(struct kt_arena *arena, struct kt_str body)
{
    struct kt_str text = kt_str_trim(body);
    text.length = KT_MIN(text.length, (size_t)(4 * KT_KIB));
    while (text.length > 0 && ((unsigned char)text.data[text.length - 1] & 0x80) != 0)
        text.length--; /* never cut inside a character */
    if (text.length == 0 || text.data[0] == '<' || !kt_utf8_valid(text))
        return "";
    struct kt_strbuf line;
    kt_strbuf_init(&line, arena, 4 * KT_KIB);
    add_one_line(&line, text);
    size_t end = kt_utf8_prefix(kt_strbuf_view(&line), FOREIGN_TEXT_RUNES);
    const char *excerpt = end < line.length ? kt_arena_printf(arena, "%.*s...", (int)end, line.data) : line.data;
    return excerpt ? excerpt : "";
}

void kt_status_from_http(struct kt_arena *arena, int http_code, struct kt_str body, struct kt_status *ret)
{
    struct kt_status status = {.code = http_code, .reason = "", .message = "", .kind = "", .name = "", .group = ""};
    const char *excerpt = body_excerpt(arena, body);
    size_t row = row_of_code(http_code);
    const char *words = "the server answered without saying why";
    if (row < KT_ARRAY_LENGTH(reasons)) {
        status.reason = reasons[row].reason;
        words = reasons[row].words;
    } else if (http_code >= 500) {
        status.reason = "InternalError";
        words = "the server, or a proxy in front of it, has a problem";
    } else if (http_code >= 300 && http_code < 400) {
        words = "the server sends us to another address, which is not followed; is this the address of an API server?";
    }
    if (!words)
        status.message = *excerpt ? excerpt : "the server, or a proxy in front of it, does not allow this";
    else if (*excerpt)
        status.message = kt_arena_printf(arena, "%s (HTTP %d: %s)", words, http_code, excerpt);
    else
        status.message = kt_arena_printf(arena, "%s (HTTP %d)", words, http_code);
    if (!status.message)
        status.message = "";
    *ret = status;
}

static bool denied_by_webhook(const struct kt_status *status)
{
    return strncmp(status->message, "admission webhook ", 18) == 0 && strstr(status->message, " denied the request");
}

enum kt_error_code kt_status_error_code(const struct kt_status *status)
{
    if (denied_by_webhook(status))
        return KT_EREFUSED;
    size_t row = row_of_reason(status->reason);
    if (row == KT_ARRAY_LENGTH(reasons))
        row = row_of_code(status->code);
    if (row < KT_ARRAY_LENGTH(reasons))
        return reasons[row].code;
    return status->code >= 500 ? KT_EUNAVAILABLE : KT_EREFUSED;
}

/* The server's own text: an escape sequence in it must not reach a terminal. */
static void add_foreign(struct kt_strbuf *buffer, const char *text)
{
    for (; *text; text++)
        kt_strbuf_putc(buffer, is_control(*text) && *text != '\n' ? ' ' : *text);
}

static void add_cause(struct kt_strbuf *buffer, const struct kt_status_cause *cause)
{
    add_foreign(buffer, cause->field);
    kt_strbuf_puts(buffer, ": ");
    add_foreign(buffer, cause->message);
}

static bool seen_before(const struct kt_status *status, size_t index)
{
    const struct kt_status_cause *cause = &status->causes[index];
    for (size_t i = 0; i < index; i++)
        if (kt_streq(status->causes[i].field, cause->field) && kt_streq(status->causes[i].message, cause->message))
            return true;
    return false;
}

static void describe_invalid(struct kt_strbuf *buffer, const struct kt_status *status)
{
    bool named = *status->kind || *status->name;
    if (named) {
        kt_strbuf_puts(buffer, "The ");
        add_foreign(buffer, status->kind);
        kt_strbuf_puts(buffer, " \"");
        add_foreign(buffer, status->name);
        kt_strbuf_puts(buffer, "\" is invalid");
    } else {
        kt_strbuf_puts(buffer, "The request is invalid");
    }
    size_t distinct = 0;
    for (size_t i = 0; i < status->cause_count; i++)
        distinct += !seen_before(status, i);
    if (distinct == 0 && *status->message && !named) {
        kt_strbuf_puts(buffer, ": ");
        add_foreign(buffer, status->message);
    } else if (distinct > 0) {
        kt_strbuf_puts(buffer, ": ");
    }
    for (size_t i = 0; i < status->cause_count; i++) {
        if (seen_before(status, i))
            continue;
        if (distinct > 1)
            kt_strbuf_puts(buffer, "\n* ");
        add_cause(buffer, &status->causes[i]);
    }
}

void kt_status_describe(struct kt_strbuf *buffer, const struct kt_status *status)
{
    if (kt_streq(status->reason, "Invalid")) {
        describe_invalid(buffer, status);
        return;
    }
    kt_strbuf_puts(buffer, "Error from server");
    if (*status->reason) {
        kt_strbuf_puts(buffer, " (");
        add_foreign(buffer, status->reason);
        kt_strbuf_putc(buffer, ')');
    }
    kt_strbuf_puts(buffer, ": ");
    if (*status->message)
        add_foreign(buffer, status->message);
    else
        kt_strbuf_printf(buffer, "HTTP %d without an explanation", status->code);
}

int kt_status_error(const struct kt_status *status, struct kt_error *error)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf text;
    kt_strbuf_init(&text, NULL, KT_LIMIT_API_REPLY_BYTES);
    kt_status_describe(&text, status);
    return kt_error_set(error, kt_status_error_code(status), "%s", text.data);
}

static const char *const whole_messages[] = {
    "Error from server", "The connection to the server ", "Unable to connect to the server", "The request is invalid",
    "error: ",
};

const char *kt_error_prefix(const struct kt_error *error)
{
    struct kt_str message = kt_str(error->message);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(whole_messages); i++)
        if (kt_str_starts_with(message, kt_str(whole_messages[i])))
            return "";
    /* The Workspace "a" is invalid */
    return kt_str_starts_with(message, KT_STR("The ")) && strstr(error->message, "\" is invalid") ? "" : "error: ";
}
