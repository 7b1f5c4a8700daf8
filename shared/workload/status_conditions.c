/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/status_conditions.h"

#include "text/time.h"
#include "workload/observation.h"

struct kt_condition *kt_conditions_at(struct kt_conditions *conditions, const char *type)
{
    for (size_t i = 0; i < conditions->count; i++) {
        if (kt_streq(conditions->items[i].type, type))
            return &conditions->items[i];
    }
    if (conditions->count == KT_CONDITIONS_MOST)
        return NULL;
    struct kt_condition *added = &conditions->items[conditions->count++];
    *added = (struct kt_condition){.type = type, .reason = "", .message = ""};
    return added;
}

void kt_conditions_say(struct kt_conditions *conditions, const char *type, bool is_true, const char *reason,
                       const char *message)
{
    struct kt_condition *condition = kt_conditions_at(conditions, type);
    if (condition)
        *condition = (struct kt_condition){.type = type, .is_true = is_true, .reason = reason, .message = message};
}

static const char *text_of(const cJSON *condition, const char *key)
{
    return kt_json_string_or(kt_json_get(condition, key), "");
}

static const char *status_of(const struct kt_condition *condition)
{
    return condition->is_true ? "True" : "False";
}

static int64_t generation_of(const cJSON *workspace)
{
    int64_t generation = 0;
    kt_json_int64(kt_json_path(workspace, "metadata", "generation", NULL), &generation);
    return generation;
}

static bool is_stored(const struct kt_condition *condition, const cJSON *workspace)
{
    int64_t observed = 0;
    const cJSON *stored = kt_condition_find(workspace, condition->type);
    if (condition->is_kept)
        return true;
    kt_json_int64(kt_json_get(stored, "observedGeneration"), &observed);
    return stored && observed == generation_of(workspace) &&
           kt_streq(text_of(stored, "status"), status_of(condition)) &&
           kt_streq(text_of(stored, "reason"), condition->reason) &&
           kt_streq(text_of(stored, "message"), condition->message);
}

bool kt_conditions_are_stored(const struct kt_conditions *conditions, const cJSON *workspace)
{
    if (conditions->dropped && kt_condition_find(workspace, conditions->dropped))
        return false;
    for (size_t i = 0; i < conditions->count; i++) {
        if (!is_stored(&conditions->items[i], workspace))
            return false;
    }
    return true;
}

static cJSON *condition_object(struct kt_arena *arena, const struct kt_condition *condition, const cJSON *workspace,
                               int64_t now_s)
{
    struct kt_strbuf now;
    const cJSON *stored = kt_condition_find(workspace, condition->type);
    const char *since = text_of(stored, "lastTransitionTime");
    cJSON *object = kt_json_new_object(arena);
    if (condition->is_kept)
        return kt_json_clone(arena, stored);
    kt_strbuf_init(&now, arena, 64);
    kt_time_write_rfc3339(&now, now_s * 1000);
    if (!*since || !kt_streq(text_of(stored, "status"), status_of(condition)))
        since = now.data;
    kt_json_set_string(arena, object, "type", condition->type);
    kt_json_set_string(arena, object, "status", status_of(condition));
    kt_json_set_int(arena, object, "observedGeneration", generation_of(workspace));
    kt_json_set_string(arena, object, "lastTransitionTime", since);
    kt_json_set_string(arena, object, "reason", condition->reason);
    kt_json_set_string(arena, object, "message", condition->message);
    return object;
}

/* The place in ours of a stored entry's type, or count. */
static size_t find_type(const struct kt_conditions *conditions, const char *type)
{
    size_t i = 0;
    while (i < conditions->count && !kt_streq(conditions->items[i].type, type))
        i++;
    return i;
}

cJSON *kt_conditions_array(struct kt_arena *arena, const struct kt_conditions *conditions, const cJSON *workspace,
                           int64_t now_s)
{
    bool done[KT_CONDITIONS_MOST] = {false};
    cJSON *array = kt_json_new_array(arena);
    const cJSON *list = kt_json_path(workspace, "status", "conditions", NULL);
    const cJSON *stored;
    if (!kt_json_is_array(list))
        list = NULL;
    cJSON_ArrayForEach(stored, list)
    {
        const char *type = text_of(stored, "type");
        size_t ours = find_type(conditions, type);
        if (!*type || (conditions->dropped && kt_streq(type, conditions->dropped)))
            continue;
        if (ours == conditions->count) {
            kt_json_append(arena, array, kt_json_clone(arena, stored));
        } else if (!done[ours]) {
            kt_json_append(arena, array, condition_object(arena, &conditions->items[ours], workspace, now_s));
            done[ours] = true;
        }
    }
    for (size_t i = 0; i < conditions->count; i++) {
        if (!done[i])
            kt_json_append(arena, array, condition_object(arena, &conditions->items[i], workspace, now_s));
    }
    return array;
}
