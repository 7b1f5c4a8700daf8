/* SPDX-License-Identifier: Apache-2.0 */
/* The status, written only when it says something new, and the event that goes with it. */
#include "text/time.h"
#include "webhook/log.h"
#include "webhook/reconcile/write.h"
#include "workload/names.h"

/* How long a pod may be without a container, or a Job without a pod, before its events are asked for. */
#define STUCK_MS ((int64_t)10000)

static int64_t age_ms(const struct kt_reconcile *look, const cJSON *object)
{
    const char *created = kt_json_string(kt_json_path(object, "metadata", "creationTimestamp", NULL));
    int64_t created_ms;
    if (!created || kt_time_parse_rfc3339(kt_str(created), &created_ms, NULL) != 0)
        return 0;
    return kt_clock_wall_ms(look->reconciler->clock) - created_ms;
}

/* A secret that is not there, or a quota: only events tell. They are read when a pod does not get on, not watched. */
static void read_events_when_stuck(struct kt_reconcile *look)
{
    struct kt_observation *observation = &look->observation;
    const cJSON *job = kt_observation_job(observation);
    if (!job || kt_is_being_deleted(job) || kt_observation_has_started(observation))
        return;
    const cJSON *pod = kt_observation_pod(observation);
    const cJSON *stuck = pod ? pod : job;
    int64_t left_ms = STUCK_MS - age_ms(look, stuck);
    if (left_ms > 0) {
        kt_reconcile_revisit(look, left_ms);
        return;
    }
    struct kt_list list;
    struct kt_reply reply = {0};
    struct kt_error error;
    const struct kt_list_options options = {
        .field_selector = kt_arena_printf(look->arena, "involvedObject.uid=%s",
                                          kt_json_string_or(kt_json_path(stuck, "metadata", "uid", NULL), ""))};
    if (kt_api_list(look->client, look->arena, &kt_resource_events, look->key.namespace_, &options, &list, &reply,
                    &error) != 0) {
        kt_reconcile_revisit(look, 3 * STUCK_MS);
        return;
    }
    size_t count = kt_json_count(list.items);
    const cJSON **items = kt_arena_calloc(look->arena, KT_MAX(count, (size_t)1), sizeof(*items));
    if (!items)
        return;
    const cJSON *event;
    size_t i = 0;
    cJSON_ArrayForEach(event, list.items) items[i++] = event;
    observation->objects[KT_KIND_EVENT] = (struct kt_objects){items, i};
    kt_reconcile_revisit(look, 3 * STUCK_MS);
}

enum kt_step_result kt_reconcile_status(struct kt_reconcile *look)
{
    struct kt_tuning_status status;
    if (kt_reconcile_is_gone(look->workspace))
        return KT_STEP_DONE;
    read_events_when_stuck(look);
    look->observation.workspace = look->workspace;
    if (kt_tuning_status(look->arena, &look->observation, look->trouble.reason ? &look->trouble : NULL, &status,
                         &look->error) != 0)
        return KT_STEP_FAIL;
    if (status.diagnosis.revisit_s > 0)
        kt_reconcile_revisit(look, status.diagnosis.revisit_s * 1000);
    const char *note = kt_pod_output_note(kt_observation_pod(&look->observation));
    if (note)
        kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, "Warning",
                        "OutputImageExists", note);
    if (!status.patch)
        return KT_STEP_DONE;
    enum kt_step_result result = kt_write_patch_workspace(look, "status", status.patch);
    if (result == KT_STEP_FAIL) {
        kt_log(KT_LOG_DEBUG, "a status is not written; trying again", "namespace", look->key.namespace_, "workspace",
               look->key.name, "error", look->error.message, NULL);
        return result;
    }
    kt_log(KT_LOG_INFO, "status", "namespace", look->key.namespace_, "workspace", look->key.name, "state", status.state,
           "detail", status.diagnosis.has_cause ? status.diagnosis.cause.message : status.diagnosis.detail, NULL);
    if (status.event_reason)
        kt_events_write(look->reconciler->events, look->client, look->arena, look->workspace, status.event_type,
                        status.event_reason, status.event_message);
    return result;
}
