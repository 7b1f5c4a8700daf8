/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/pod_types.h"

#include <stdio.h>

#include "base/limits.h"
#include "text/edit_distance.h"
#include "text/json_pointer.h"
#include "text/quantity.h"
#include "text/time.h"
#include "workspace/pod_type_table.h"
#include "workspace/schema_node.h"

struct check {
    struct kt_arena *arena;
    struct kt_schema_path path;
    const struct kt_schema_problem *first;
    const struct kt_schema_problem **next;
    size_t count;
    bool unknown_fields; /* report them */
};

/* Looking for a type among all, or for a field among those of a type. */
#define LOOK_UP_STEPS 120
#define QUANTITY_STEPS 600

static bool is_full(const struct check *check)
{
    return check->count >= KT_LIMIT_FINDINGS;
}

static void add_problem(struct check *check, enum kt_schema_problem_kind kind, const char *message)
{
    struct kt_schema_problem *problem = !is_full(check) ? kt_arena_alloc(check->arena, sizeof(*problem)) : NULL;
    if (!problem) {
        return;
    }
    problem->kind = kind;
    problem->path = kt_schema_path_text(check->arena, &check->path);
    problem->message = message;
    if (!problem->path || !problem->message) {
        return;
    }
    *check->next = problem;
    check->next = &problem->next;
    check->count++;
}

static void wrong_kind(struct check *check, const cJSON *node, const char *wanted)
{
    const char *kind = kt_json_kind(node);
    const char *path = kt_schema_path_text(check->arena, &check->path);
    add_problem(check, KT_SCHEMA_TYPE,
                kt_arena_printf(check->arena, "Invalid value: \"%s\": %s in body must be of type %s: \"%s\"", kind,
                                path ? path : "", wanted, kind));
}

static const struct kt_pod_type *find_type(struct kt_str name)
{
    for (size_t i = 0; i < kt_pod_type_count; i++) {
        if (kt_str_equal(kt_str(kt_pod_types[i].name), name)) {
            return &kt_pod_types[i];
        }
    }
    return NULL;
}

/* Reads one "name:kind" from *fields and moves on; false at the end. */
static bool next_field(const char **fields, struct kt_str *ret_name, struct kt_str *ret_kind)
{
    const char *text = *fields;
    if (*text == 0) {
        return false;
    }
    const char *colon = strchr(text, ':');
    const char *end = strchrnul(text, ' ');
    *ret_name = (struct kt_str){text, (size_t)(colon - text)};
    *ret_kind = (struct kt_str){colon + 1, (size_t)(end - colon - 1)};
    *fields = *end ? end + 1 : end;
    return true;
}

static bool find_field(const struct kt_pod_type *type, const char *name, struct kt_str *ret_kind)
{
    struct kt_str wanted = kt_str(name);
    for (const char *field = type->fields; *field;) {
        const char *end = strchrnul(field, ' ');
        /* Few fields have the same length, which saves comparing letters. */
        if ((size_t)(end - field) > wanted.length && field[wanted.length] == ':' &&
            kt_str_equal_nocase((struct kt_str){field, wanted.length}, wanted)) {
            *ret_kind = (struct kt_str){field + wanted.length + 1, (size_t)(end - field) - wanted.length - 1};
            return true;
        }
        field = *end ? end + 1 : end;
    }
    return false;
}

static const char *suggest_field(struct kt_arena *arena, const struct kt_pod_type *type, const char *name)
{
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, kt_str(name));
    const char *fields = type->fields;
    struct kt_str field;
    struct kt_str kind;
    while (next_field(&fields, &field, &kind)) {
        const char *candidate = kt_arena_strndup(arena, field.data, field.length);
        if (candidate) {
            kt_nearest_offer(&nearest, candidate);
        }
    }
    return nearest.best;
}

static void unknown_field(struct check *check, const struct kt_pod_type *type, const char *name)
{
    const char *near = suggest_field(check->arena, type, name);
    add_problem(check, KT_SCHEMA_UNKNOWN,
                kt_arena_printf(check->arena, "Forbidden: %s has no such field%s%s%s", type->name,
                                near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : ""));
}

static void check_value(struct check *check, const cJSON *node, struct kt_str kind);

static void check_struct(struct check *check, const cJSON *node, struct kt_str name)
{
    if (!kt_arena_work(check->arena, LOOK_UP_STEPS, KT_SCHEMA_PART)) {
        return;
    }
    const struct kt_pod_type *type = find_type(name);
    if (!kt_json_is_object(node)) {
        wrong_kind(check, node, "object");
        return;
    }
    if (!type) {
        return;
    }
    const cJSON *member;
    cJSON_ArrayForEach(member, node)
    {
        if (is_full(check) || !kt_arena_work(check->arena, LOOK_UP_STEPS, KT_SCHEMA_PART)) {
            return;
        }
        kt_schema_path_add(&check->path, member->string, 0);
        struct kt_str kind;
        if (find_field(type, member->string, &kind)) {
            check_value(check, member, kind);
        } else if (check->unknown_fields) {
            unknown_field(check, type, member->string);
        }
        kt_schema_path_leave(&check->path);
    }
}

static void check_items(struct check *check, const cJSON *node, struct kt_str kind)
{
    if (!kt_json_is_array(node)) {
        wrong_kind(check, node, "array");
        return;
    }
    size_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, node)
    {
        kt_schema_path_add(&check->path, NULL, index++);
        check_value(check, item, kind);
        kt_schema_path_leave(&check->path);
    }
}

static void check_map(struct check *check, const cJSON *node, struct kt_str kind)
{
    if (!kt_json_is_object(node)) {
        wrong_kind(check, node, "object");
        return;
    }
    const cJSON *member;
    cJSON_ArrayForEach(member, node)
    {
        kt_schema_path_add(&check->path, member->string, 0);
        check_value(check, member, kind);
        kt_schema_path_leave(&check->path);
    }
}

static void check_integer(struct check *check, const cJSON *node, bool is_32_bits)
{
    int64_t value;
    if (!kt_json_int64(node, &value) || (is_32_bits && (value < INT32_MIN || value > INT32_MAX))) {
        wrong_kind(check, node, "integer");
    }
}

static void check_quantity(struct check *check, const cJSON *node)
{
    int64_t value;
    struct kt_error error;
    const char *text = kt_json_string(node);
    if (!text && !kt_json_is_number(node)) {
        wrong_kind(check, node, "string");
    } else if (text && !kt_arena_work(check->arena, QUANTITY_STEPS, KT_SCHEMA_PART)) {
        return;
    } else if (text && kt_quantity_parse(kt_str(text), &value, &error) == KT_EPARSE) {
        add_problem(
            check, KT_SCHEMA_VALUE,
            kt_arena_printf(check->arena, "Invalid value: \"%.64s\": must be a quantity such as 500m or 16Gi", text));
    }
}

static void check_time(struct check *check, const cJSON *node)
{
    int64_t value;
    struct kt_error error;
    const char *text = kt_json_string(node);
    if (!text) {
        wrong_kind(check, node, "string");
    } else if (kt_time_parse_rfc3339(kt_str(text), &value, &error) < 0) {
        add_problem(check, KT_SCHEMA_VALUE,
                    kt_arena_printf(check->arena,
                                    "Invalid value: \"%.64s\": must be a time such as 2026-01-31T12:00:00Z", text));
    }
}

static void check_scalar(struct check *check, const cJSON *node, char kind)
{
    switch (kind) {
    case 's':
        if (!kt_json_is_string(node)) {
            wrong_kind(check, node, "string");
        }
        break;
    case 'b':
        if (!kt_json_is_bool(node)) {
            wrong_kind(check, node, "boolean");
        }
        break;
    case 'i':
    case 'l':
        check_integer(check, node, kind == 'i');
        break;
    case 'x':
        if (!kt_json_is_string(node)) {
            check_integer(check, node, true);
        }
        break;
    case 'q':
        check_quantity(check, node);
        break;
    case 't':
        check_time(check, node);
        break;
    default: /* 'r' */
        break;
    }
}

static void check_value(struct check *check, const cJSON *node, struct kt_str kind)
{
    struct kt_str inner = {kind.data + 2, kind.length > 2 ? kind.length - 2 : 0};
    if (kt_json_is_null(node) || is_full(check)) {
        return;
    }
    if (kt_str_starts_with(kind, KT_STR("[]"))) {
        check_items(check, node, inner);
    } else if (kt_str_starts_with(kind, KT_STR("{}"))) {
        check_map(check, node, inner);
    } else if (kind.length == 1) {
        check_scalar(check, node, kind.data[0]);
    } else {
        check_struct(check, node, kind);
    }
}

/* Checks the member of this name, if there is one that is not of the schema's concern: its own kind is the schema's. */
static void check_member(struct check *check, const cJSON *object, const char *prefix, const char *key,
                         struct kt_str kind)
{
    const cJSON *member = kt_json_get(object, key);
    if (member) {
        check->path.prefix = prefix;
        check->path.length = 0;
        kt_schema_path_add(&check->path, key, 0);
        check_value(check, member, kind);
    }
}

const struct kt_schema_problem *kt_workspace_check_kinds(struct kt_arena *arena, const cJSON *root)
{
    struct check check;
    check.arena = arena;
    check.first = NULL;
    check.next = &check.first;
    check.count = 0;
    check.unknown_fields = false;
    check_member(&check, root, NULL, "metadata", KT_STR("ObjectMeta"));
    check.unknown_fields = true;
    const cJSON *inference = kt_json_get(root, "inference");
    check_member(&check, inference, "inference", "template", KT_STR("PodTemplateSpec"));
    size_t index = 0;
    const cJSON *adapter;
    const cJSON *adapters = kt_json_get(inference, "adapters");
    adapters = kt_json_is_array(adapters) ? adapters : NULL;
    cJSON_ArrayForEach(adapter, adapters)
    {
        char prefix[64];
        snprintf(prefix, sizeof(prefix), "inference.adapters[%zu].source", index++);
        check_member(&check, kt_json_get(adapter, "source"), prefix, "volumeSource", KT_STR("VolumeSource"));
    }
    const cJSON *tuning = kt_json_get(root, "tuning");
    check_member(&check, kt_json_get(tuning, "input"), "tuning.input", "volumeSource", KT_STR("VolumeSource"));
    check_member(&check, kt_json_get(tuning, "output"), "tuning.output", "volumeSource", KT_STR("VolumeSource"));
    return check.first;
}

bool kt_object_meta_field_known(const char *name)
{
    struct kt_str kind;
    return find_field(find_type(KT_STR("ObjectMeta")), name, &kind);
}

const char *kt_object_meta_field_suggest(struct kt_arena *arena, const char *name)
{
    return suggest_field(arena, find_type(KT_STR("ObjectMeta")), name);
}
