/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/jsonpath.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#define MOST_RESULTS 100000
#define DEEPEST_RANGE 8

struct nodes {
    struct kt_arena *arena;
    const cJSON **items;
    size_t count;
    size_t capacity;
    bool failed;
};

static void nodes_add(struct nodes *nodes, const cJSON *node)
{
    if (!node || nodes->failed)
        return;
    if (nodes->count == nodes->capacity) {
        size_t capacity = KT_MAX(nodes->capacity * 2, (size_t)16);
        const cJSON **items =
            capacity > MOST_RESULTS * 2 ? NULL : kt_arena_calloc(nodes->arena, capacity, sizeof(node));
        if (!items) {
            nodes->failed = true;
            return;
        }
        for (size_t i = 0; i < nodes->count; i++)
            items[i] = nodes->items[i];
        nodes->items = items;
        nodes->capacity = capacity;
    }
    nodes->items[nodes->count++] = node;
}

struct evaluation {
    struct kt_arena *arena;
    const char *template_; /* for positions */
    const cJSON *root;
    struct kt_strbuf *buffer;
    struct kt_error *error;
};

static int refuse(const struct evaluation *evaluation, const char *at, const char *what)
{
    return kt_error_set(evaluation->error, KT_EINVAL, "jsonpath template, character %zu: %s",
                        (size_t)(at - evaluation->template_) + 1, what);
}

static int refuse_feature(const struct evaluation *evaluation, const char *at, const char *what)
{
    return kt_error_set(evaluation->error, KT_EINVAL,
                        "jsonpath template, character %zu: %s are not supported here; use -o json with jq",
                        (size_t)(at - evaluation->template_) + 1, what);
}

/* --- steps ---------------------------------------------------------------------------------------------------------
 */

enum step_kind { STEP_NAME, STEP_INDEX, STEP_ALL };

struct step {
    enum step_kind kind;
    const char *name;
    long index; /* negative: from the end */
};

static int apply_index(const struct evaluation *evaluation, long index, const cJSON *node, struct nodes *to)
{
    if (!kt_json_is_array(node))
        return 0;
    long count = (long)kt_json_count(node);
    long at = index < 0 ? count + index : index;
    if (at < 0 || at >= count)
        return kt_error_set(evaluation->error, KT_EINVAL,
                            "jsonpath template: array index out of bounds: index %ld, length %ld", index, count);
    nodes_add(to, kt_json_item(node, (size_t)at));
    return 0;
}

static int apply_step(const struct evaluation *evaluation, const struct step *step, const struct nodes *from,
                      struct nodes *to)
{
    int code = 0;
    for (size_t i = 0; i < from->count && code == 0; i++) {
        const cJSON *node = from->items[i];
        const cJSON *child;
        if (step->kind == STEP_NAME) {
            nodes_add(to, kt_json_get(node, step->name));
        } else if (step->kind == STEP_INDEX) {
            code = apply_index(evaluation, step->index, node, to);
        } else if (kt_json_is_array(node) || kt_json_is_object(node)) {
            cJSON_ArrayForEach(child, node) nodes_add(to, child);
        }
    }
    return code;
}

/* ".name" with "\." for a dot in it; *at stands behind the dot. */
static int read_dotted(const struct evaluation *evaluation, const char **at, const char *end, struct step *ret)
{
    struct kt_strbuf name;
    kt_strbuf_init(&name, evaluation->arena, (size_t)KT_KIB);
    const char *start = *at;
    while (*at < end && !strchr(".[ ", **at)) {
        if (**at == '\\' && *at + 1 < end)
            (*at)++;
        kt_strbuf_putc(&name, *(*at)++);
    }
    if (name.length == 0)
        return start < end && *start == '.' ? refuse_feature(evaluation, start - 1, "recursive steps (..)")
                                            : refuse(evaluation, start, "a name is missing");
    *ret = (struct step){kt_streq(name.data, "*") ? STEP_ALL : STEP_NAME, name.data, 0};
    return 0;
}

/* "[0]", "[-1]", "[*]", "['name']"; *at stands behind the bracket. */
static int read_bracket(const struct evaluation *evaluation, const char **at, const char *end, struct step *ret)
{
    const char *start = *at;
    if (start < end && (*start == '\'' || *start == '"')) {
        const char *close = memchr(start + 1, *start, (size_t)(end - start - 1));
        if (!close || close + 1 >= end || close[1] != ']')
            return refuse(evaluation, start, "a quoted name ends with the quote and ]");
        *ret = (struct step){STEP_NAME, kt_arena_strndup(evaluation->arena, start + 1, (size_t)(close - start - 1)), 0};
        *at = close + 2;
        return ret->name ? 0 : kt_error_set(evaluation->error, KT_ENOMEM, "not enough memory for the output");
    }
    const char *close = memchr(start, ']', (size_t)(end - start));
    if (!close)
        return refuse(evaluation, start, "] is missing");
    *at = close + 1;
    struct kt_str text = kt_str_trim((struct kt_str){start, (size_t)(close - start)});
    if (kt_str_equal(text, KT_STR("*"))) {
        *ret = (struct step){STEP_ALL, NULL, 0};
        return 0;
    }
    if (text.length > 0 && text.data[0] == '?')
        return refuse_feature(evaluation, start, "filters");
    if (memchr(text.data, ':', text.length) || memchr(text.data, ',', text.length))
        return refuse_feature(evaluation, start, "slices and lists of indices");
    char *number_end;
    long index = strtol(text.data, &number_end, 10);
    if (text.length == 0 || text.length > 9 || number_end != text.data + text.length)
        return refuse(evaluation, start, "expected a number, * or a quoted name in [ ]");
    *ret = (struct step){STEP_INDEX, NULL, index};
    return 0;
}

/* Follows a path from `current`. */
static int evaluate_path(const struct evaluation *evaluation, const char *at, const char *end, const cJSON *current,
                         struct nodes *ret)
{
    struct nodes nodes = {.arena = evaluation->arena};
    bool rooted = at < end && (*at == '$' || *at == '@');
    nodes_add(&nodes, rooted && *at == '$' ? evaluation->root : current);
    at += rooted;
    for (bool first = !rooted; at < end; first = false) {
        struct step step = {0};
        int code;
        if (*at == '[') {
            at++;
            code = read_bracket(evaluation, &at, end, &step);
        } else if (*at == '.' && at + 1 == end && first) {
            break; /* "{.}" is the whole */
        } else if (*at == '.' && at + 1 < end && at[1] == '[') {
            at++;
            continue;
        } else if (*at == '.' || first) {
            at += *at == '.';
            code = read_dotted(evaluation, &at, end, &step);
        } else {
            code = refuse(evaluation, at, "expected . or [");
        }
        struct nodes next = {.arena = evaluation->arena};
        if (code == 0)
            code = apply_step(evaluation, &step, &nodes, &next);
        if (code != 0)
            return code;
        nodes = next;
        if (nodes.failed)
            return kt_error_set(evaluation->error, KT_ELIMIT, "jsonpath template: too many results");
    }
    *ret = nodes;
    return 0;
}

/* --- the template --------------------------------------------------------------------------------------------------
 */

/* End of the action that starts at `at` (behind its brace), or NULL. */
static const char *action_end(const char *at, const char *end)
{
    char quote = '\0';
    for (; at < end; at++) {
        if (quote && *at == '\\' && at + 1 < end)
            at++;
        else if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (*at == '}')
            return at;
    }
    return NULL;
}

static bool action_is(struct kt_str action, const char *word)
{
    size_t length = strlen(word);
    return action.length >= length && memcmp(action.data, word, length) == 0 &&
           (action.length == length || action.data[length] == ' ');
}

static struct kt_str action_at(const char *brace, const char *close)
{
    return kt_str_trim((struct kt_str){brace + 1, (size_t)(close - brace - 1)});
}

/* The brace of the {end} that belongs to a range whose body starts at `at`, or NULL. */
static const char *range_end(const char *at, const char *end)
{
    size_t depth = 0;
    while ((at = memchr(at, '{', (size_t)(end - at)))) {
        const char *close = action_end(at + 1, end);
        if (!close)
            return NULL;
        struct kt_str action = action_at(at, close);
        if (action_is(action, "end") && depth-- == 0)
            return at;
        depth += action_is(action, "range");
        at = close + 1;
    }
    return NULL;
}

static int write_quoted(const struct evaluation *evaluation, struct kt_str text)
{
    if (text.length < 2 || text.data[text.length - 1] != text.data[0])
        return refuse(evaluation, text.data, "the closing quote is missing");
    for (size_t i = 1; i + 1 < text.length; i++) {
        char byte = text.data[i];
        if (byte == '\\' && i + 2 < text.length) {
            byte = text.data[++i];
            byte = byte == 'n' ? '\n' : byte == 't' ? '\t' : byte == 'r' ? '\r' : byte;
        }
        kt_strbuf_putc(evaluation->buffer, byte);
    }
    return 0;
}

static void write_values(const struct evaluation *evaluation, const struct nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++) {
        if (i > 0)
            kt_strbuf_putc(evaluation->buffer, ' ');
        const char *text = kt_json_string(nodes->items[i]);
        if (text)
            kt_strbuf_puts(evaluation->buffer, text);
        else if (!kt_json_is_null(nodes->items[i]))
            kt_json_write(evaluation->buffer, nodes->items[i], KT_JSON_COMPACT);
    }
}

static int write_template(const struct evaluation *evaluation, const char *at, const char *end, const cJSON *current,
                          unsigned depth);

static int write_range(const struct evaluation *evaluation, struct kt_str action, const char *body,
                       const char *body_end, const cJSON *current, unsigned depth)
{
    struct kt_str path = kt_str_trim((struct kt_str){action.data + strlen("range"), action.length - strlen("range")});
    struct nodes nodes = {0};
    if (depth >= DEEPEST_RANGE)
        return refuse(evaluation, action.data, "too many ranges in each other");
    int code = evaluate_path(evaluation, path.data, path.data + path.length, current, &nodes);
    for (size_t i = 0; i < nodes.count && code == 0; i++)
        code = write_template(evaluation, body, body_end, nodes.items[i], depth + 1);
    return code;
}

static int write_template(const struct evaluation *evaluation, const char *at, const char *end, const cJSON *current,
                          unsigned depth)
{
    while (at < end) {
        const char *brace = memchr(at, '{', (size_t)(end - at));
        kt_strbuf_add(evaluation->buffer, at, (size_t)((brace ? brace : end) - at));
        if (!brace)
            return 0;
        const char *close = action_end(brace + 1, end);
        if (!close)
            return refuse(evaluation, brace, "} is missing");
        struct kt_str action = action_at(brace, close);
        at = close + 1;
        int code = 0;
        if (action.length == 0) {
            code = refuse(evaluation, brace, "there is nothing between { and }");
        } else if (action_is(action, "range")) {
            const char *stop = range_end(at, end);
            if (!stop)
                return refuse(evaluation, brace, "{end} of this range is missing");
            code = write_range(evaluation, action, at, stop, current, depth);
            at = action_end(stop + 1, end) + 1;
        } else if (action_is(action, "end")) {
            code = refuse(evaluation, brace, "{end} without a range");
        } else if (action.data[0] == '"' || action.data[0] == '\'') {
            code = write_quoted(evaluation, action);
        } else {
            struct nodes nodes = {0};
            code = evaluate_path(evaluation, action.data, action.data + action.length, current, &nodes);
            write_values(evaluation, &nodes);
        }
        if (code != 0)
            return code;
    }
    return 0;
}

int kt_jsonpath_write(struct kt_arena *arena, const char *template_, const cJSON *tree, struct kt_strbuf *buffer,
                      struct kt_error *error)
{
    const struct evaluation evaluation = {arena, template_, tree, buffer, error};
    return write_template(&evaluation, template_, template_ + strlen(template_), tree, 0);
}
