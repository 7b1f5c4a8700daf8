/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written on the Workspace itself before anything is made for it: the finalizer, so that its claims are never
 * forgotten, the revision that it is at, and that a first NodeClaim will be made. One write, or none.
 */
#include "webhook/reconcile/step_metadata.h"

#include <stdlib.h>

#include "webhook/log.h"
#include "webhook/reconcile/write.h"
#include "workload/names.h"
#include "workload/node_claim.h"
#include "workload/readiness.h"
#include "workload/revision.h"

#define REVISION_LARGEST (INT64_C(1) << 53)

/* --- revisions -----------------------------------------------------------------------------------------------------
 */

struct history {
    const cJSON *items; /* our ControllerRevisions, in no order */
    int64_t newest;     /* largest number; 0: none */
    const cJSON *same;  /* the newest one that asks for what the Workspace does; NULL: none */
    int64_t same_number;
};

/* Anybody in the namespace may have written it: one is added to it without overflow. */
static int64_t number_of(const cJSON *revision)
{
    int64_t number;
    return kt_json_int64(kt_json_get(revision, "revision"), &number) && number > 0 && number < REVISION_LARGEST ? number
                                                                                                                : 0;
}

static enum kt_step_result read_history(struct kt_reconcile *look, struct history *ret)
{
    struct kt_list list;
    struct kt_reply reply = {0};
    const struct kt_list_options options = {
        .label_selector = kt_arena_printf(look->arena, "%s=%s", KT_LABEL_REVISION_OF, look->key.name)};
    if (kt_api_list(look->client, look->arena, &kt_resource_controller_revisions, look->key.namespace_, &options, &list,
                    &reply, &look->error) != 0)
        return KT_STEP_FAIL;
    struct history history = {.items = list.items};
    const cJSON *item;
    cJSON_ArrayForEach(item, list.items)
    {
        if (!kt_is_owned_by(item, look->workspace))
            continue;
        int64_t number = number_of(item);
        history.newest = KT_MAX(history.newest, number);
        if (number >= history.same_number && kt_revision_matches(look->arena, item, look->workspace)) {
            history.same = item;
            history.same_number = number;
        }
    }
    *ret = history;
    return KT_STEP_DONE;
}

/* Deletes the oldest one when there are more than are kept, with those that were made since. A failure is no reason to
 * stop a tuning. */
static void prune(struct kt_reconcile *look, const struct history *history, size_t made)
{
    const cJSON *oldest = NULL;
    size_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, history->items)
    {
        if (!kt_is_owned_by(item, look->workspace))
            continue;
        count++;
        if (!oldest || number_of(item) < number_of(oldest))
            oldest = item;
    }
    if (count + made > KT_REVISIONS_KEPT && oldest != history->same &&
        kt_write_delete(look, KT_KIND_CONTROLLER_REVISION, oldest, "Background") != KT_STEP_DONE) {
        kt_log(KT_LOG_WARNING, "an old revision is not deleted", "error", look->error.message, NULL);
        look->trouble = (struct kt_trouble){0};
    }
}

/* The number of the revision that the Workspace is at now; makes its ControllerRevision when there is none. */
static enum kt_step_result find_revision(struct kt_reconcile *look, const char *hash, int64_t *ret)
{
    struct history history = {0};
    /* Otherwise it is new and has no history. `kubectl replace` takes annotations away, but not the status. */
    if (kt_annotation(look->workspace, KT_ANNOTATION_REVISION) ||
        kt_json_count(kt_json_get(look->workspace, "status")) > 0) {
        enum kt_step_result result = read_history(look, &history);
        if (result != KT_STEP_DONE)
            return result;
    }
    /* The newest one asks for the same: written by another operator with a hash of its own. Going back to an older spec
     * is a new revision, as upstream counts. */
    if (history.same && history.same_number == history.newest) {
        prune(look, &history, 0); /* whoever made it may have ended before it came to that */
        *ret = history.same_number;
        return KT_STEP_DONE;
    }
    int64_t number = history.newest + 1;
    if (history.same) { /* its name is taken by itself: it becomes the newest under a new number */
        enum kt_step_result result = kt_write_delete(look, KT_KIND_CONTROLLER_REVISION, history.same, "Background");
        if (result != KT_STEP_DONE)
            return result;
    }
    const cJSON *revision = kt_revision_build(look->arena, look->workspace, hash, number);
    const cJSON *made = NULL;
    if (!revision) {
        kt_error_set(&look->error, KT_ENOMEM, "no memory for the ControllerRevision");
        return KT_STEP_FAIL;
    }
    enum kt_step_result result = kt_write_create(look, KT_KIND_CONTROLLER_REVISION, revision, kt_is_owned_by, &made);
    if (result != KT_STEP_DONE)
        return result;
    if (history.same && number_of(made) != number) {
        kt_error_set(&look->error, KT_ECONFLICT, "the ControllerRevision %s is still there under its old number",
                     kt_json_string_or(kt_json_path(made, "metadata", "name", NULL), ""));
        return KT_STEP_FAIL;
    }
    if (history.items)
        prune(look, &history, history.same ? 0 : 1);
    *ret = KT_MAX(number_of(made), (int64_t)1);
    return KT_STEP_DONE;
}

/* --- the Workspace -------------------------------------------------------------------------------------------------
 */

/* Everything of ours, each time: what an apply leaves out, it takes away. */
static cJSON *our_fields(struct kt_reconcile *look, const char *hash, const char *revision)
{
    struct kt_arena *arena = look->arena;
    cJSON *object = kt_json_new_object(arena);
    kt_json_set_string(arena, object, "apiVersion", "kaito.sh/v1beta1");
    kt_json_set_string(arena, object, "kind", "Workspace");
    cJSON *metadata = kt_json_ensure_object(arena, object, "metadata");
    kt_json_set_string(arena, metadata, "name", look->key.name);
    kt_json_set_string(arena, metadata, "namespace", look->key.namespace_);
    cJSON *finalizers = kt_json_new_array(arena);
    kt_json_append(arena, finalizers, kt_json_new_string(arena, KT_FINALIZER));
    kt_json_set(arena, metadata, "finalizers", finalizers);
    cJSON *annotations = kt_json_ensure_object(arena, metadata, "annotations");
    kt_json_set_string(arena, annotations, KT_ANNOTATION_HASH, hash);
    kt_json_set_string(arena, annotations, KT_ANNOTATION_REVISION, revision);
    return object;
}

static int64_t generation_of(const cJSON *workspace)
{
    int64_t generation;
    return kt_json_int64(kt_json_path(workspace, "metadata", "generation", NULL), &generation) ? generation : 0;
}

/* NULL: not known, because the revision was written by another operator. */
static const char *revision_generation(struct kt_reconcile *look, const char *hash)
{
    const char *known_hash = kt_annotation(look->workspace, KT_ANNOTATION_HASH);
    if (known_hash && kt_streq(known_hash, hash))
        return kt_annotation(look->workspace, KT_ANNOTATION_REVISION_GENERATION);
    return kt_arena_printf(look->arena, "%lld", (long long)generation_of(look->workspace));
}

enum kt_step_result kt_write_metadata(struct kt_reconcile *look, const char *hash, const char *revision,
                                      int64_t claim_number)
{
    cJSON *object = our_fields(look, hash, revision);
    if (claim_number > 0)
        kt_json_set_string(look->arena, kt_json_path(object, "metadata", "annotations", NULL),
                           KT_ANNOTATION_NODE_CLAIMS, kt_arena_printf(look->arena, "%lld", (long long)claim_number));
    const char *generation = revision_generation(look, hash);
    if (generation)
        kt_json_set_string(look->arena, kt_json_path(object, "metadata", "annotations", NULL),
                           KT_ANNOTATION_REVISION_GENERATION, generation);
    /* Only this very Workspace, not one that was made anew under its name. */
    kt_json_set_string(look->arena, kt_json_get(object, "metadata"), "uid",
                       kt_json_string(kt_json_path(look->workspace, "metadata", "uid", NULL)));
    if (look->arena->failed) {
        kt_error_set(&look->error, KT_ENOMEM, "no memory for the Workspace's annotations");
        return KT_STEP_FAIL;
    }
    return kt_write_apply_workspace(look, object);
}

/* Somebody took the number away to start over: the claims of before are forgotten. */
static void start_over(struct kt_reconcile *look)
{
    char name[KT_NODE_CLAIM_NAME_BYTES];
    look->is_started_over = true;
    for (int64_t number = 1; number <= look->reconciler->options.claim_attempts; number++) {
        kt_node_claim_name(look->workspace, number, name);
        kt_claim_memory_forget(look->reconciler->claims, name);
    }
}

/* --- a new generation of the same revision -------------------------------------------------------------------------
 */

/* Raises observedGeneration where a condition is of this revision; how many are. */
static size_t raise_generations(struct kt_arena *arena, cJSON *conditions, int64_t since, int64_t now)
{
    size_t raised = 0;
    cJSON *condition;
    cJSON_ArrayForEach(condition, conditions)
    {
        int64_t observed;
        if (!kt_json_int64(kt_json_get(condition, "observedGeneration"), &observed) || observed < since ||
            observed >= now)
            continue;
        kt_json_set_int(arena, condition, "observedGeneration", now);
        raised++;
    }
    return raised;
}

/* The conditions for the present generation; NULL: those that are stored will do. */
static cJSON *carried_conditions(struct kt_reconcile *look)
{
    const char *text = kt_annotation(look->workspace, KT_ANNOTATION_REVISION_GENERATION);
    int64_t now = generation_of(look->workspace);
    long long since = text ? strtoll(text, NULL, 10) : 0;
    if (since <= 0 || since >= now)
        return NULL;
    cJSON *conditions = kt_json_clone(look->arena, kt_json_path(look->workspace, "status", "conditions", NULL));
    return raise_generations(look->arena, conditions, since, now) > 0 ? conditions : NULL;
}

/* Everybody takes a condition of another generation for one of the past: without this a tuning that has ended, and
 * whose Job was tidied up, would be run again because a webhook filled in a default. For the same reason no status is
 * written before this is: it would be judged without what the stored one knows. */
static enum kt_step_result carry_status_over(struct kt_reconcile *look)
{
    cJSON *conditions = carried_conditions(look);
    look->is_status_behind = conditions;
    if (!conditions)
        return look->arena->failed ? KT_STEP_FAIL : KT_STEP_DONE;
    cJSON *patch = kt_json_new_object(look->arena);
    kt_json_set_string(look->arena, kt_json_ensure_object(look->arena, patch, "metadata"), "resourceVersion",
                       kt_json_string(kt_json_path(look->workspace, "metadata", "resourceVersion", NULL)));
    kt_json_set(look->arena, kt_json_ensure_object(look->arena, patch, "status"), "conditions", conditions);
    if (look->arena->failed) {
        kt_error_set(&look->error, KT_ENOMEM, "no memory for the Workspace's conditions");
        return KT_STEP_FAIL;
    }
    enum kt_step_result result = kt_write_patch_workspace(look, "status", patch);
    look->is_status_behind = result != KT_STEP_DONE || carried_conditions(look);
    if (result != KT_STEP_DONE || !look->is_status_behind)
        return result;
    kt_error_set(&look->error, KT_ENOTFOUND, "Workspace %s was not found when its status was to be written",
                 look->key.name);
    return KT_STEP_FAIL;
}

enum kt_step_result kt_step_metadata(struct kt_reconcile *look)
{
    char hash[KT_REVISION_HASH_BYTES];
    look->is_status_behind = carried_conditions(look);
    if (kt_revision_hash(look->arena, look->workspace, hash, &look->error) != 0)
        return KT_STEP_FAIL;
    const char *revision = kt_annotation(look->workspace, KT_ANNOTATION_REVISION);
    const char *known_hash = kt_annotation(look->workspace, KT_ANNOTATION_HASH);
    int64_t claim_number = kt_claim_number(look->workspace);
    int64_t wanted_number = look->observation.bring_your_own ? 0 : KT_MAX(claim_number, (int64_t)1);
    bool is_same = revision && known_hash && kt_streq(known_hash, hash);
    look->is_status_behind &= is_same;
    if (is_same && kt_reconcile_is_held(look->workspace) && claim_number == wanted_number)
        return carry_status_over(look);
    if (!is_same) {
        int64_t number;
        enum kt_step_result result = find_revision(look, hash, &number);
        if (result != KT_STEP_DONE)
            return result;
        revision = kt_arena_printf(look->arena, "%lld", (long long)number);
    }
    if (!is_same && wanted_number > 1 && !kt_observation_claim(&look->observation))
        claim_number = 0, wanted_number = 1; /* each revision has its own tries */
    if (claim_number == 0)
        start_over(look);
    enum kt_step_result result = kt_write_metadata(look, hash, revision, wanted_number);
    return is_same && result == KT_STEP_DONE ? carry_status_over(look) : result;
}
