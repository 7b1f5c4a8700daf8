/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/ratchet.h"

#include "base/limits.h"
#include "text/json_pointer.h"

static const char *const CONTENT[] = {"resource", "inference", "tuning"};

/* Two values that were compared. */
struct comparison {
    const cJSON *now;
    const cJSON *before;
    bool is_same;
};

/* How an update bears on findings. */
struct update {
    struct kt_arena *arena;
    const cJSON *now;
    const cJSON *before;
    bool content_unchanged;
    bool deleting;
    /* Many findings can lead to the same two values: they are compared once. */
    struct comparison compared[KT_LIMIT_FINDINGS];
    size_t compared_count;
};

static bool same(struct kt_arena *arena, const cJSON *a, const cJSON *b)
{
    bool a_absent = !a || kt_json_is_null(a);
    bool b_absent = !b || kt_json_is_null(b);
    return a_absent || b_absent ? a_absent == b_absent : kt_json_equal_counted(arena, a, b);
}

const char *kt_content_changed(struct kt_arena *arena, const cJSON *now, const cJSON *before)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(CONTENT); i++) {
        if (!same(arena, kt_json_get(now, CONTENT[i]), kt_json_get(before, CONTENT[i]))) {
            return CONTENT[i];
        }
    }
    return NULL;
}

static bool same_once(struct update *update, const cJSON *now, const cJSON *before)
{
    for (size_t i = 0; i < update->compared_count; i++) {
        if (update->compared[i].now == now && update->compared[i].before == before) {
            return update->compared[i].is_same;
        }
    }
    bool is_same = same(update->arena, now, before);
    if (update->compared_count < KT_ARRAY_LENGTH(update->compared)) {
        update->compared[update->compared_count++] = (struct comparison){now, before, is_same};
    }
    return is_same;
}

/* The value at a field; where the field is absent, what it would be a member of. */
static cJSON *value_around(const struct update *update, const cJSON *root, const char *path, bool *ret_exact)
{
    /* kt_field_path_find gives access to a node for those who change it; here it is only read. */
    return kt_field_path_find(update->arena, (cJSON *)(uintptr_t)root, path, ret_exact);
}

static bool field_unchanged(struct update *update, const char *path)
{
    bool now_exact = false;
    bool before_exact = false;
    if (!*path) {
        return update->content_unchanged;
    }
    const cJSON *new_value = value_around(update, update->now, path, &now_exact);
    const cJSON *old_value = value_around(update, update->before, path, &before_exact);
    return now_exact == before_exact &&
           (new_value ? same_once(update, new_value, old_value) : update->content_unchanged);
}

static bool is_about_metadata(const struct kt_finding *finding)
{
    return strncmp(finding->field, "metadata", sizeof("metadata") - 1) == 0;
}

static bool is_deleting(const cJSON *object)
{
    return kt_json_is_string(kt_json_path(object, "metadata", "deletionTimestamp", NULL));
}

/* What the API server itself finds is not ours to soften: it refuses the object before or after us. */
static bool is_of_the_api_server(const struct kt_finding *finding)
{
    return kt_streq(finding->rule, "SCHEMA");
}

/* An error of our own on what the update did not touch. */
static bool is_old_mistake(struct update *update, const struct kt_finding *finding)
{
    bool content_untouched = update->content_unchanged && !is_about_metadata(finding);
    return finding->origin == KT_ORIGIN_OWN && (content_untouched || field_unchanged(update, finding->path));
}

/* An error of upstream's too that we let pass, because nothing but metadata changes. */
static bool is_let_pass(struct update *update, const struct kt_finding *finding)
{
    if (finding->origin != KT_ORIGIN_UPSTREAM || is_of_the_api_server(finding) || !update->content_unchanged) {
        return false;
    }
    return is_about_metadata(finding) ? update->deleting && field_unchanged(update, finding->path) : true;
}

void kt_ratchet(struct kt_arena *arena, struct kt_findings *findings, const cJSON *now, const cJSON *before)
{
    struct update *update = kt_arena_alloc(arena, sizeof(*update));
    if (!update) {
        return; /* nothing is softened, and arena->failed refuses it in any case */
    }
    *update = (struct update){.arena = arena, .now = now, .before = before};
    update->content_unchanged = !kt_content_changed(arena, now, before);
    update->deleting = update->content_unchanged && is_deleting(now);
    bool is_refused = false;
    for (size_t i = 0; i < findings->count; i++) {
        struct kt_finding *finding = &findings->items[i];
        if (finding->severity == KT_SEVERITY_ERROR && is_old_mistake(update, finding)) {
            finding->severity = KT_SEVERITY_WARNING;
        }
        is_refused = is_refused || (finding->severity == KT_SEVERITY_ERROR && !is_let_pass(update, finding));
    }
    /* An update that is refused in any case hears everything. */
    for (size_t i = 0; i < findings->count && !is_refused; i++) {
        struct kt_finding *finding = &findings->items[i];
        if (finding->severity == KT_SEVERITY_ERROR) {
            finding->severity = KT_SEVERITY_WARNING;
            finding->rule = KT_RULE_METADATA_ONLY;
            finding->relaxed = true;
        }
    }
}
