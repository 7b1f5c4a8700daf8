/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/revision.h"

#include "base/limits.h"
#include "text/sha256.h"
#include "workload/canonical.h"
#include "workload/metadata.h"
#include "workload/names.h"

_Static_assert(KT_REVISION_HASH_BYTES == KT_SHA256_HEX_BYTES, "a revision's hash is a SHA-256");

#define HASH_DIGITS_IN_NAME 5

static const char *const ASKED_FOR[] = {"resource", "inference", "tuning"};

/* --- defaults: what they fill in asks for nothing new --------------------------------------------------------------
 */

static void drop_text(cJSON *object, const char *key, const char *text)
{
    const char *value = kt_json_string(kt_json_get(object, key));
    if (value && (value[0] == '\0' || kt_streq_nocase(value, text)))
        kt_json_remove(object, key);
}

static void drop_count(cJSON *resource)
{
    int64_t count = 0;
    if (kt_json_int64(kt_json_get(resource, "count"), &count) && count == 1)
        kt_json_remove(resource, "count");
}

static void drop_selector(cJSON *resource, const char *name)
{
    const cJSON *selector = kt_json_get(resource, "labelSelector");
    const cJSON *labels = kt_json_get(selector, "matchLabels");
    const char *value = kt_json_string(kt_json_get(labels, "apps"));
    if (value && name && kt_streq(value, name) && kt_json_count(labels) == 1 && kt_json_count(selector) == 1)
        kt_json_remove(resource, "labelSelector");
}

static void drop_strengths(cJSON *adapters)
{
    cJSON *adapter;
    if (!kt_json_is_array(adapters))
        return;
    cJSON_ArrayForEach(adapter, adapters)
    {
        drop_text(adapter, "strength", "1.0");
    }
}

/* Defaults D01 and D03 to D06. A machine type that was chosen for the user (D02) is a choice like any other. */
static void drop_defaults(cJSON *asked, const char *name)
{
    cJSON *resource = kt_json_get(asked, "resource");
    drop_count(resource);
    drop_selector(resource, name);
    drop_text(resource, "instanceType", "");
    drop_text(kt_json_get(asked, "tuning"), "method", "qlora");
    drop_text(kt_json_get(asked, "tuning"), "config", "");
    drop_text(kt_json_path(asked, "tuning", "preset", NULL), "accessMode", "public");
    drop_text(kt_json_path(asked, "inference", "preset", NULL), "accessMode", "public");
    drop_strengths(kt_json_path(asked, "inference", "adapters", NULL));
}

/* --- hash and comparison ------------------------------------------------------------------------------------------ */

/* A copy of those members of source, a Workspace or the data of a ControllerRevision. */
static cJSON *copy_asked(struct kt_arena *arena, const cJSON *source)
{
    cJSON *asked = kt_json_new_object(arena);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(ASKED_FOR); i++)
        kt_json_set(arena, asked, ASKED_FOR[i], kt_json_clone(arena, kt_json_get(source, ASKED_FOR[i])));
    return asked;
}

static bool write_asked(struct kt_arena *arena, const cJSON *source, const char *name, struct kt_strbuf *ret)
{
    cJSON *asked = copy_asked(arena, source);
    drop_defaults(asked, name);
    kt_strbuf_init(ret, arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_canonical_write(arena, ret, asked);
    return !ret->failed && !arena->failed;
}

static const char *name_of(const cJSON *workspace)
{
    return kt_json_string(kt_json_path(workspace, "metadata", "name", NULL));
}

int kt_revision_hash(struct kt_arena *arena, const cJSON *workspace, char ret[KT_REVISION_HASH_BYTES],
                     struct kt_error *error)
{
    struct kt_strbuf text;
    if (!write_asked(arena, workspace, name_of(workspace), &text))
        return kt_error_set(error, KT_ENOMEM, "no memory to compare the Workspace with its revisions");
    return kt_sha256_hex(kt_strbuf_view(&text), ret, error);
}

bool kt_revision_matches(struct kt_arena *arena, const cJSON *controller_revision, const cJSON *workspace)
{
    struct kt_strbuf stored, wanted;
    const char *name = name_of(workspace);
    return write_asked(arena, kt_json_get(controller_revision, "data"), name, &stored) &&
           write_asked(arena, workspace, name, &wanted) &&
           kt_str_equal(kt_strbuf_view(&stored), kt_strbuf_view(&wanted));
}

cJSON *kt_revision_build(struct kt_arena *arena, const cJSON *object, const char *hash, int64_t number)
{
    struct kt_workspace workspace;
    kt_workspace_view(object, &workspace);
    const char *owner = workspace.name ? workspace.name : "";
    const char *name = kt_arena_printf(arena, "%s-%.*s", owner, HASH_DIGITS_IN_NAME, hash);
    cJSON *revision =
        kt_workload_object(arena, "apps/v1", "ControllerRevision", name, kt_workload_namespace(&workspace));
    cJSON *metadata = kt_json_get(revision, "metadata");
    cJSON *labels = kt_json_ensure_object(arena, metadata, "labels");
    kt_json_set_string(arena, labels, KT_LABEL_REVISION_OF, owner);
    kt_json_set_string(arena, labels, KT_LABEL_MANAGED_BY, KT_MANAGER);
    kt_json_set_string(arena, kt_json_ensure_object(arena, metadata, "annotations"), KT_ANNOTATION_HASH, hash);
    kt_workload_own(arena, revision, &workspace);
    kt_json_set_int(arena, revision, "revision", number);
    kt_json_set(arena, revision, "data", copy_asked(arena, object));
    return arena->failed ? NULL : revision;
}
