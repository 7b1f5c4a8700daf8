/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "text/json_pointer.h"
#include "workspace/schema_node.h"

struct check {
    struct kt_arena *arena;
    struct kt_schema_path path;
    const struct kt_schema_problem **next;
    size_t count;
};

static void add(struct check *check, enum kt_schema_problem_kind kind, const char *message)
{
    struct kt_schema_problem *problem =
        check->count < KT_LIMIT_FINDINGS ? kt_arena_alloc(check->arena, sizeof(*problem)) : NULL;
    if (!problem) {
        return;
    }
    *problem = (struct kt_schema_problem){kind, kt_schema_path_text(check->arena, &check->path), message, NULL};
    if (problem->path && problem->message) {
        *check->next = problem;
        check->next = &problem->next;
        check->count++;
    }
}

static bool type_matches(const struct kt_schema *schema, const cJSON *node)
{
    int64_t integer;
    if (schema->int_or_string) {
        return kt_json_is_string(node) || kt_json_int64(node, &integer);
    }
    switch (schema->type) {
    case KT_SCHEMA_OBJECT:
        return kt_json_is_object(node);
    case KT_SCHEMA_ARRAY:
        return kt_json_is_array(node);
    case KT_SCHEMA_STRING:
        return kt_json_is_string(node);
    case KT_SCHEMA_INTEGER:
        return kt_json_int64(node, &integer);
    case KT_SCHEMA_NUMBER:
        return kt_json_is_number(node);
    case KT_SCHEMA_BOOLEAN:
        return kt_json_is_bool(node);
    case KT_SCHEMA_ANY:
        break;
    }
    return true;
}

static const char *type_name(const struct kt_schema *schema)
{
    static const char *const names[] = {
        [KT_SCHEMA_ANY] = "value",      [KT_SCHEMA_OBJECT] = "object",   [KT_SCHEMA_ARRAY] = "array",
        [KT_SCHEMA_STRING] = "string",  [KT_SCHEMA_INTEGER] = "integer", [KT_SCHEMA_NUMBER] = "number",
        [KT_SCHEMA_BOOLEAN] = "boolean"};
    return schema->int_or_string ? "integer or string" : names[schema->type];
}

/* An integer that does not fit 64 bits counts as a number, as the API server has it. */
static const char *kind_name(const struct kt_schema *schema, const cJSON *node)
{
    int64_t integer;
    bool is_large = kt_json_is_number(node) && !kt_json_int64(node, &integer) && schema->type == KT_SCHEMA_INTEGER;
    return is_large ? "number" : kt_json_kind(node);
}

static void check_enum(struct check *check, const struct kt_schema *schema, const char *text)
{
    for (size_t i = 0; schema->enums[i]; i++) {
        if (kt_streq(schema->enums[i], text)) {
            return;
        }
    }
    struct kt_strbuf message;
    kt_strbuf_init(&message, check->arena, KT_LIMIT_MESSAGE_BYTES);
    kt_strbuf_puts(&message, "Unsupported value: ");
    kt_json_write_string(&message, (struct kt_str){text, kt_utf8_prefix(kt_str(text), 64)});
    for (size_t i = 0; schema->enums[i]; i++) {
        kt_strbuf_printf(&message, "%s\"%s\"", i == 0 ? ": supported values: " : ", ", schema->enums[i]);
    }
    add(check, KT_SCHEMA_ENUM, message.failed ? "Unsupported value" : message.data);
}

static void check_bound(struct check *check, const char *value, bool is_bad, const char *relation,
                        struct kt_schema_bound bound, const char *unit)
{
    if (bound.is_set && is_bad) {
        const char *path = kt_schema_path_text(check->arena, &check->path);
        add(check, KT_SCHEMA_VALUE,
            kt_arena_printf(check->arena, "Invalid value: %s: %s in body should %s %.15g%s", value, path ? path : "",
                            relation, bound.value, unit));
    }
}

static void check_number(struct check *check, const struct kt_schema *schema, const cJSON *node)
{
    double value = 0;
    if (!kt_json_double(node, &value)) {
        return;
    }
    const char *text = node->valuestring ? node->valuestring : "number";
    check_bound(check, text, value < schema->minimum.value, "be greater than or equal to", schema->minimum, "");
    check_bound(check, text, value > schema->maximum.value, "be less than or equal to", schema->maximum, "");
}

static void check_length(struct check *check, const struct kt_schema *schema, size_t length, const char *value,
                         const char *unit)
{
    check_bound(check, value, (double)length < schema->minimum_length.value, "have at least", schema->minimum_length,
                unit);
    check_bound(check, value, (double)length > schema->maximum_length.value, "have at most", schema->maximum_length,
                unit);
}

static void check_node(struct check *check, const struct kt_schema *schema, const cJSON *node);

/* A null stands for an absent field unless the schema says otherwise (see kt_schema_drop_nulls). */
static bool is_absent(const struct kt_schema *schema, const cJSON *member)
{
    return !member || (kt_json_is_null(member) && !(schema && schema->nullable));
}

static void check_object(struct check *check, const struct kt_schema *schema, const cJSON *node)
{
    for (size_t i = 0; schema->required && schema->required[i]; i++) {
        const char *name = schema->required[i];
        if (is_absent(kt_schema_of_member(schema, name), kt_json_get(node, name))) {
            kt_schema_path_add(&check->path, name, 0);
            add(check, KT_SCHEMA_REQUIRED, "Required value");
            kt_schema_path_leave(&check->path);
        }
    }
    const cJSON *member;
    cJSON_ArrayForEach(member, node)
    {
        const struct kt_schema *inner = kt_schema_of_member(schema, member->string);
        if (inner && !is_absent(inner, member)) {
            kt_schema_path_add(&check->path, member->string, 0);
            check_node(check, inner, member);
            kt_schema_path_leave(&check->path);
        }
    }
}

static void check_array(struct check *check, const struct kt_schema *schema, const cJSON *node)
{
    size_t index = 0;
    const cJSON *item;
    const cJSON *items = schema->items ? node : NULL;
    cJSON_ArrayForEach(item, items)
    {
        kt_schema_path_add(&check->path, NULL, index++);
        check_node(check, schema->items, item);
        kt_schema_path_leave(&check->path);
    }
    check_length(check, schema, kt_json_count(node), "array", " items");
}

static void check_node(struct check *check, const struct kt_schema *schema, const cJSON *node)
{
    if (check->count >= KT_LIMIT_FINDINGS || (kt_json_is_null(node) && schema->nullable) ||
        !kt_arena_work(check->arena, KT_SCHEMA_MEMBER_STEPS, KT_SCHEMA_PART)) {
        return;
    }
    if (!type_matches(schema, node)) {
        const char *kind = kind_name(schema, node);
        const char *path = kt_schema_path_text(check->arena, &check->path);
        path = path && *path ? path : "the object";
        add(check, KT_SCHEMA_TYPE,
            kt_arena_printf(check->arena, "Invalid value: \"%s\": %s in body must be of type %s: \"%s\"", kind, path,
                            type_name(schema), kind));
    } else if (kt_json_is_object(node)) {
        check_object(check, schema, node);
    } else if (kt_json_is_array(node)) {
        check_array(check, schema, node);
    } else if (kt_json_is_number(node)) {
        check_number(check, schema, node);
    } else if (kt_json_is_string(node)) {
        const char *text = kt_json_string(node);
        if (schema->minimum_length.is_set || schema->maximum_length.is_set) {
            check_length(check, schema, kt_utf8_count(kt_str(text)), "text", " characters");
        }
        if (schema->enums) {
            check_enum(check, schema, text);
        }
    }
}

const struct kt_schema_problem *kt_schema_check(struct kt_arena *arena, const struct kt_schema *schema,
                                                const cJSON *object)
{
    const struct kt_schema_problem *first = NULL;
    struct check check;
    check.arena = arena;
    check.next = &first;
    check.count = 0;
    check.path.prefix = NULL;
    check.path.length = 0;
    check_node(&check, schema, object);
    return first;
}
