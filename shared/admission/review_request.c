/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/review_request.h"

#include "base/limits.h"

static enum kt_operation operation_of(const char *text)
{
    static const struct {
        const char *name;
        enum kt_operation operation;
    } operations[] = {{"CREATE", KT_OPERATION_CREATE},
                      {"UPDATE", KT_OPERATION_UPDATE},
                      {"DELETE", KT_OPERATION_DELETE},
                      {"CONNECT", KT_OPERATION_CONNECT}};
    for (size_t i = 0; text && i < KT_ARRAY_LENGTH(operations); i++) {
        if (kt_streq(operations[i].name, text)) {
            return operations[i].operation;
        }
    }
    return (enum kt_operation)0;
}

static bool says(const cJSON *object, const char *key, const char *wanted)
{
    return kt_streq(kt_json_string_or(kt_json_get(object, key), wanted), wanted);
}

static cJSON *present(cJSON *node)
{
    return kt_json_is_null(node) ? NULL : node;
}

void kt_review_request_read(const cJSON *request, struct kt_review_request *ret)
{
    const cJSON *kind = kt_json_get(request, "kind");
    const cJSON *resource = kt_json_get(request, "resource");
    *ret = (struct kt_review_request){
        .uid = kt_json_string(kt_json_get(request, "uid")),
        .operation_text = kt_json_string(kt_json_get(request, "operation")),
        .is_workspace = says(kind, "group", KT_GROUP) && says(kind, "kind", "Workspace") &&
                        says(resource, "group", KT_GROUP) && says(resource, "resource", "workspaces") &&
                        says(request, "subResource", ""),
        .name = kt_json_string(kt_json_get(request, "name")),
        .namespace_ = kt_json_string(kt_json_get(request, "namespace")),
        .user = kt_json_string(kt_json_path(request, "userInfo", "username", NULL)),
        .dry_run = kt_json_true(kt_json_get(request, "dryRun")),
        .object = present(kt_json_get(request, "object")),
        .old_object = present(kt_json_get(request, "oldObject")),
    };
    ret->operation = operation_of(ret->operation_text);
}

bool kt_review_request_is_judged(const struct kt_review_request *request)
{
    return request->is_workspace && request->operation != KT_OPERATION_DELETE &&
           request->operation != KT_OPERATION_CONNECT;
}

/* --- tokens of broken texts ----------------------------------------------------------------------------------------
 */

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t skip_space(struct kt_str text, size_t at)
{
    while (at < text.length && is_space(text.data[at])) {
        at++;
    }
    return at;
}

/* Index after the closing quote of the string that opens at `at`; 0 when it never closes. */
static size_t string_end(struct kt_str text, size_t at)
{
    for (size_t i = at + 1; i < text.length; i++) {
        if (text.data[i] == '\\') {
            i++;
        } else if (text.data[i] == '"') {
            return i + 1;
        }
    }
    return 0;
}

static bool is_hex(char byte)
{
    return kt_ascii_is_digit(byte) || (kt_ascii_lower(byte) >= 'a' && kt_ascii_lower(byte) <= 'f');
}

/* Is this quoted text a JSON string that may be written into an answer? */
static bool is_clean_string(struct kt_str token)
{
    for (size_t i = 1; i + 1 < token.length; i++) {
        if ((unsigned char)token.data[i] < 0x20) {
            return false;
        }
        if (token.data[i] != '\\') {
            continue;
        }
        i++;
        if (token.data[i] == 'u') {
            for (size_t digit = 1; digit <= 4; digit++) {
                if (i + digit + 1 >= token.length || !is_hex(token.data[i + digit])) {
                    return false;
                }
            }
        } else if (token.data[i] == 0 || !strchr("\"\\/bfnrt", token.data[i])) {
            return false;
        }
    }
    return kt_utf8_valid(token);
}

static size_t number_end(struct kt_str text, size_t at)
{
    size_t start = at;
    at += at < text.length && text.data[at] == '-' ? 1 : 0;
    size_t first_digit = at;
    while (at < text.length && kt_ascii_is_digit(text.data[at])) {
        at++;
    }
    bool leading_zero = at - first_digit > 1 && text.data[first_digit] == '0';
    bool goes_on = at < text.length && strchr(".eE+-", text.data[at]);
    return at == first_digit || leading_zero || goes_on ? start : at;
}

/* The string or whole number that begins at `at`. */
static bool read_token(struct kt_str text, size_t at, struct kt_str *ret)
{
    if (at < text.length && text.data[at] == '"') {
        size_t end = string_end(text, at);
        struct kt_str token = {text.data + at, end > at ? end - at : 0};
        *ret = token;
        return token.length > 0 && is_clean_string(token);
    }
    size_t end = number_end(text, at);
    *ret = (struct kt_str){text.data + at, end - at};
    return end > at;
}

static bool is_key(struct kt_str text, size_t at, size_t end, const char *key)
{
    return kt_str_equal((struct kt_str){text.data + at + 1, end - at - 2}, kt_str(key));
}

bool kt_review_find_token(struct kt_str text, const char *outer, const char *key, struct kt_str *ret)
{
    size_t depth = 0;
    size_t wanted_depth = outer ? 2 : 1;
    text.length = KT_MIN(text.length, KT_LIMIT_REVIEW_TOKEN_BYTES);
    bool inside = !outer;
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (byte == '{' || byte == '[') {
            depth++;
        } else if (byte == '}' || byte == ']') {
            depth -= depth > 0 ? 1 : 0;
            inside = inside && (!outer || depth >= 2);
        } else if (byte == '"') {
            size_t end = string_end(text, i);
            size_t colon = end > 0 ? skip_space(text, end) : text.length;
            if (end == 0) {
                return false;
            }
            if (colon < text.length && text.data[colon] == ':') {
                size_t value = skip_space(text, colon + 1);
                if (depth == wanted_depth && inside && is_key(text, i, end, key)) {
                    return read_token(text, value, ret);
                }
                inside = inside ||
                         (depth == 1 && is_key(text, i, end, outer) && value < text.length && text.data[value] == '{');
            }
            i = end - 1;
        }
    }
    return false;
}
