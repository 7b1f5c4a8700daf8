/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Job that was made for an older revision, or for other content of the user's config map, makes room for a new one.
 * First the status says so, and only then is the Job deleted: whoever comes after a crash in between can tell this from
 * a Job that somebody deleted.
 */
#include "webhook/reconcile/write.h"
#include "workload/names.h"

#define STATUS_FIRST_MS ((int64_t)20)

static const char *why_replace(const struct kt_reconcile *look)
{
    const char *revision = kt_annotation(look->workspace, KT_ANNOTATION_REVISION);
    const cJSON *job = kt_observation_job(&look->observation);
    const char *made_for = kt_annotation(job, KT_ANNOTATION_REVISION);
    if (made_for && revision && !kt_streq(made_for, revision))
        return "SpecChanged";
    const char *format = kt_annotation(look->workspace, KT_ANNOTATION_DATASET_FORMAT);
    const char *made_with = kt_annotation(job, KT_ANNOTATION_DATASET_FORMAT);
    if (!kt_streq(format ? format : "", made_with ? made_with : ""))
        return "SpecChanged";
    const char *hash = kt_annotation(job, KT_ANNOTATION_CONFIG_HASH);
    return hash && look->config_hash && !kt_streq(hash, look->config_hash) ? "ConfigMapChanged" : NULL;
}

enum kt_step_result kt_step_replace(struct kt_reconcile *look)
{
    const cJSON *job = kt_observation_job(&look->observation);
    if (!job)
        return KT_STEP_DONE;
    if (!kt_is_owned_by(job, look->workspace)) {
        kt_reconcile_trouble(look, "JobStarted", "NameTaken",
                             kt_arena_printf(look->arena,
                                             "a Job named %s is there already and does not belong to this Workspace: "
                                             "delete or rename it, or give the Workspace another name",
                                             look->key.name));
        look->observation.objects[KT_KIND_JOB].count = 0;
        kt_reconcile_revisit(look, KT_NAME_TAKEN_MS);
        return KT_STEP_WAIT;
    }
    const char *reason = why_replace(look);
    if (!reason)
        return KT_STEP_DONE;
    kt_reconcile_trouble(
        look, "JobStarted", reason,
        kt_streq(reason, "SpecChanged")
            ? "the Workspace was changed: its Job is replaced by one for the new specification"
            : kt_arena_printf(look->arena,
                              "ConfigMap %s was changed: the Job is replaced by one that reads the new content",
                              look->plan.config_map));
    look->trouble.is_planned = true;
    look->observation.objects[KT_KIND_JOB].count = 0; /* what it says is of the past */
    look->observation.objects[KT_KIND_POD].count = 0;
    if (kt_is_being_deleted(job))
        return KT_STEP_WAIT;
    if (kt_condition_is_true(look->workspace, "JobStarted")) {
        /* The status comes first. The store has it from the reply, so that the watch says nothing new about it. */
        kt_reconcile_revisit(look, STATUS_FIRST_MS);
        return KT_STEP_WAIT;
    }
    enum kt_step_result result = kt_write_delete(look, KT_KIND_JOB, job, "Foreground");
    return result == KT_STEP_DONE ? KT_STEP_WAIT : result;
}
