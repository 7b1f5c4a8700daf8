/* SPDX-License-Identifier: Apache-2.0 */
/* The Job: made once. It is never changed, and never made again by itself: a second tuning is the user's decision. */
#include "webhook/reconcile/write.h"
#include "workload/names.h"

/* Nodes of the user's own belong to nobody, so nobody tells when their labels change. */
#define OWN_NODES_MS ((int64_t)5000)

/* GPUs of the node that the Job will run on: for machines that the catalogue does not know. */
static uint32_t node_gpus(const struct kt_reconcile *look)
{
    uint32_t count = 0;
    const struct kt_objects *nodes = &look->observation.objects[KT_KIND_NODE];
    for (size_t i = 0; count == 0 && i < nodes->count; i++)
        if (kt_observation_node_counts(&look->observation, nodes->items[i]))
            count = kt_node_gpu_count(nodes->items[i]);
    return count;
}

static enum kt_step_result refuse(struct kt_reconcile *look, int code)
{
    if (code != KT_EINVAL)
        return KT_STEP_FAIL;
    if (look->observation.bring_your_own && !look->plan.trainer.runs)
        kt_reconcile_revisit(look, OWN_NODES_MS);
    kt_reconcile_trouble(look, "JobStarted", "JobCannotBeMade",
                         kt_arena_printf(look->arena, "the Job cannot be made: %s", look->error.message));
    return KT_STEP_WAIT;
}

/* The Job for what there is now; NULL with a result when it cannot be made. */
static enum kt_step_result build(struct kt_reconcile *look, uint32_t gpu_count, cJSON **ret)
{
    const struct kt_tuning_job_facts facts = {
        .config_map = look->config_map,
        .gpu_count = gpu_count,
        .revision = kt_annotation(look->workspace, KT_ANNOTATION_REVISION),
        .config_hash = look->config_hash,
    };
    int code = kt_tuning_check_config(look->arena, look->config_map, &look->error);
    if (code == 0)
        code = kt_tuning_job(look->arena, &look->plan, &facts, ret, &look->error);
    return code == 0 ? KT_STEP_DONE : refuse(look, code);
}

/* Is there nothing to make, because there is a Job, or was one? */
static bool is_settled(const struct kt_reconcile *look)
{
    /* Gone after it had started: the status says that somebody deleted it. */
    return kt_observation_job(&look->observation) || kt_reconcile_is_finished(look) ||
           kt_condition_holds(look->workspace, "JobStarted");
}

enum kt_step_result kt_step_rehearse(struct kt_reconcile *look)
{
    cJSON *job;
    /* With a claim the machine is paid for: the Job itself comes next. */
    if (is_settled(look) || kt_observation_claim(&look->observation))
        return KT_STEP_DONE;
    return build(look, look->plan.sku ? 0 : 1, &job);
}

enum kt_step_result kt_step_job(struct kt_reconcile *look)
{
    cJSON *job;
    if (is_settled(look))
        return KT_STEP_DONE;
    enum kt_step_result result = build(look, look->plan.sku ? 0 : node_gpus(look), &job);
    const cJSON *made = NULL;
    if (result == KT_STEP_DONE)
        result = kt_write_create(look, KT_KIND_JOB, job, kt_is_owned_by, &made);
    if (result == KT_STEP_DONE) {
        kt_observation_add(&look->observation, KT_KIND_JOB, made, look->arena);
        kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Normal", "JobCreated",
                        kt_arena_printf(look->arena, "created Job %s, which trains with kaito-base:%s", look->key.name,
                                        look->plan.trainer.tag));
    }
    return result;
}
