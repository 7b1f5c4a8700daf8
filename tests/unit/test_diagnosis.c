/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"
#include "tests/lib/objects.h"
#include "tests/lib/tuning_world.h"

static struct kt_test_world world;

static int set_up(void **state)
{
    (void)state;
    kt_test_world_init(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kt_test_world_release(&world);
    return 0;
}

static struct kt_diagnosis diagnose(void)
{
    struct kt_observation observation;
    struct kt_diagnosis diagnosis;
    kt_test_world_observe(&world, &observation);
    kt_diagnose(&world.arena, &observation, &diagnosis);
    assert_non_null(diagnosis.detail);
    return diagnosis;
}

static void every_stage_has_its_name_and_detail(void **state)
{
    static const struct {
        const char *claim, *node, *job, *pod;
        enum kt_stage stage;
        const char *name, *detail;
    } cases[] = {
        {"none", "none", "none", "none", KT_STAGE_NODE, "node", "making NodeClaim ws"},
        {"made", "none", "none", "none", KT_STAGE_NODE, "node", "(Launched)"},
        {"launched", "none", "none", "none", KT_STAGE_NODE, "node", "(Registered)"},
        {"registered", "none", "none", "none", KT_STAGE_NODE, "node", "(Initialized)"},
        {"ready", "nogpu", "none", "none", KT_STAGE_NODE, "node", "GPUs of node gpu-1"},
        {"ready", "ready", "none", "none", KT_STAGE_SCHEDULING, "scheduling", "the Job comes next"},
        {"ready", "ready", "active", "none", KT_STAGE_SCHEDULING, "scheduling", "waiting for the pod"},
        {"ready", "ready", "active", "pending", KT_STAGE_SCHEDULING, "scheduling", "has no node yet"},
        {"ready", "ready", "active", "node", KT_STAGE_IMAGE, "image", "pulling images for model-weights-downloader"},
        {"ready", "ready", "active", "weights", KT_STAGE_WEIGHTS, "weights", "model-weights-downloader of pod"},
        {"ready", "ready", "active", "data", KT_STAGE_DATA, "data", "data-downloader of pod"},
        {"ready", "ready", "active", "training", KT_STAGE_TRAINING, "training", "container tune"},
        {"ready", "ready", "active", "pushing", KT_STAGE_PUSH, "push", "pushing the adapter"},
        {"ready", "ready", "active", "succeeded", KT_STAGE_PUSH, "push", "the Job ends next"},
        {"ready", "ready", "complete", "succeeded", KT_STAGE_DONE, "done", "ended well"},
        {"ready", "ready", "failed", "failed", KT_STAGE_FAILED, "failed", "has failed"},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        kt_test_world_claim(&world, cases[i].claim);
        kt_test_world_node(&world, cases[i].node);
        kt_test_world_job(&world, cases[i].job);
        kt_test_world_pod(&world, cases[i].pod);
        struct kt_diagnosis diagnosis = diagnose();
        if (diagnosis.stage != cases[i].stage || !strstr(diagnosis.detail, cases[i].detail))
            fail_msg("case %zu: %s, %s", i, kt_stage_name(diagnosis.stage), diagnosis.detail);
        assert_string_equal(kt_stage_name(diagnosis.stage), cases[i].name);
        assert_int_equal(diagnosis.has_cause, diagnosis.stage == KT_STAGE_FAILED);
    }
}

/* The stage of a pod whose weights are there, with the data as given and the trainer waiting for this reason. */
static struct kt_diagnosis diagnose_waiting(const char *data_state, const char *reason)
{
    const char *init = kt_arena_printf(&world.arena,
                                       "[{\"name\":\"model-weights-downloader\",\"state\":{\"terminated\":{"
                                       "\"exitCode\":0}}},{\"name\":\"data-downloader\",\"state\":{%s}}]",
                                       data_state);
    const char *statuses = kt_arena_printf(&world.arena,
                                           "[{\"name\":\"tune\",\"state\":{\"waiting\":{\"reason\":\"%s\"}}},"
                                           "{\"name\":\"pusher\",\"state\":{\"running\":{}}}]",
                                           reason);
    kt_test_world_claim(&world, "ready");
    kt_test_world_node(&world, "ready");
    kt_test_world_job(&world, "active");
    kt_test_world_pod_with(&world, "Pending", init, statuses);
    return diagnose();
}

/* Between two containers the stage is the one that was reached, never an earlier one; the trainer's image, which is
 * pulled when the data is there, has a stage of its own behind it with the same word. */
static void a_pull_in_the_middle_does_not_go_back(void **state)
{
    (void)state;
    struct kt_diagnosis seen = diagnose_waiting("\"terminated\":{\"exitCode\":0}", "PodInitializing");
    assert_int_equal(seen.stage, KT_STAGE_TRAINER_IMAGE);
    assert_string_equal(kt_stage_name(seen.stage), "image");
    assert_non_null(strstr(seen.detail, "pulling images for tune"));
    assert_false(seen.has_cause);
    seen = diagnose_waiting("\"terminated\":{\"exitCode\":0}", "ImagePullBackOff");
    assert_string_equal(kt_stage_name(seen.stage), "image");
    assert_string_equal(seen.cause.reason, "ImagePullBackOff");
    seen = diagnose_waiting("\"waiting\":{\"reason\":\"PodInitializing\"}", "PodInitializing");
    assert_string_equal(kt_stage_name(seen.stage), "weights");
    seen = diagnose_waiting("\"running\":{}", "PodInitializing");
    assert_string_equal(kt_stage_name(seen.stage), "data");
    seen = diagnose_waiting("\"terminated\":{\"exitCode\":22}", "PodInitializing");
    assert_string_equal(kt_stage_name(seen.stage), "data");
    assert_string_equal(seen.cause.reason, "DataDownloadFailed");
}

/* The rows are looked at in the trainer's image: its pull comes before, and neither step goes back. */
static void the_look_at_the_data_has_a_stage(void **state)
{
    static const struct {
        const char *dataset, *name;
        enum kt_stage stage;
    } steps[] = {
        {"\"waiting\":{\"reason\":\"PodInitializing\"}", "image", KT_STAGE_TRAINER_IMAGE},
        {"\"running\":{}", "data", KT_STAGE_DATASET},
        {"\"terminated\":{\"exitCode\":0}", "data", KT_STAGE_DATASET},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(steps); i++) {
        diagnose_waiting(kt_arena_printf(&world.arena,
                                         "\"terminated\":{\"exitCode\":0}}},{\"name\":\"dataset\",\"state\":{%s",
                                         steps[i].dataset),
                         "PodInitializing");
        kt_json_append(&world.arena, kt_json_path(world.pod, "spec", "initContainers", NULL),
                       kt_test_json(&world.arena, "{\"name\":\"dataset\"}"));
        struct kt_diagnosis seen = diagnose();
        assert_int_equal(seen.stage, steps[i].stage);
        assert_string_equal(kt_stage_name(seen.stage), steps[i].name);
    }
}

static void the_pod_is_the_cause_of_a_failed_job(void **state)
{
    (void)state;
    kt_test_world_job(&world, "failed");
    kt_test_world_pod(&world, "failed");
    assert_string_equal(diagnose().cause.reason, "TrainerFailed");
    kt_test_world_pod(&world, "none");
    struct kt_diagnosis diagnosis = diagnose();
    assert_string_equal(diagnosis.cause.reason, "BackoffLimitExceeded");
    assert_string_equal(diagnosis.cause.kind, "Job");
}

static void a_deadline_of_the_job_comes_before_the_pod(void **state)
{
    (void)state;
    kt_test_world_job(&world, "failed");
    kt_test_world_pod(&world, "failed");
    kt_json_set_string(&world.arena, kt_json_item(kt_json_path(world.job, "status", "conditions", NULL), 0), "reason",
                       "DeadlineExceeded");
    assert_string_equal(diagnose().cause.reason, "DeadlineExceeded");
}

static void a_job_without_a_pod_is_explained(void **state)
{
    (void)state;
    kt_test_world_claim(&world, "ready");
    kt_test_world_node(&world, "ready");
    kt_test_world_job(&world, "active");
    struct kt_diagnosis diagnosis = diagnose();
    assert_false(diagnosis.has_cause);
    assert_true(diagnosis.revisit_s > 0 && diagnosis.revisit_s <= 120);
    world.event = kt_test_json(&world.arena,
                               "{\"type\":\"Warning\",\"reason\":\"FailedCreate\",\"message\":\"exceeded quota: gpu\","
                               "\"involvedObject\":{\"kind\":\"Job\",\"name\":\"tune\"}}");
    diagnosis = diagnose();
    assert_string_equal(diagnosis.cause.reason, "FailedCreate");
    assert_non_null(strstr(diagnosis.cause.message, "exceeded quota: gpu"));
    world.event = NULL;
    world.now_s += 3600;
    assert_string_equal(diagnose().cause.reason, "NoPod");
    kt_json_set(&world.arena, (cJSON *)(uintptr_t)world.job, "spec", kt_test_json(&world.arena, "{\"suspend\":true}"));
    assert_string_equal(diagnose().cause.reason, "JobSuspended");
}

static void a_sandbox_that_takes_long_is_a_cause(void **state)
{
    (void)state;
    kt_test_world_claim(&world, "ready");
    kt_test_world_node(&world, "ready");
    kt_test_world_job(&world, "active");
    kt_test_world_pod(&world, "node");
    kt_json_append(&world.arena, kt_json_path(world.pod, "status", "conditions", NULL),
                   kt_test_json(&world.arena, "{\"type\":\"PodReadyToStartContainers\",\"status\":\"False\"}"));
    struct kt_diagnosis diagnosis = diagnose();
    assert_false(diagnosis.has_cause);
    assert_int_equal(diagnosis.revisit_s, 120);
    world.now_s += 600;
    diagnosis = diagnose();
    assert_string_equal(diagnosis.cause.reason, "PodNotStarted");
    assert_non_null(strstr(diagnosis.cause.message, "kubectl describe pod -n default tune-abcde"));
}

static void pods_of_other_jobs_are_left_aside(void **state)
{
    struct kt_observation observation;
    const cJSON *pods[3];
    (void)state;
    kt_test_world_job(&world, "active");
    kt_test_world_pod(&world, "training");
    kt_test_world_observe(&world, &observation);
    cJSON *older = kt_json_clone(&world.arena, world.pod);
    cJSON *foreign = kt_json_clone(&world.arena, world.pod);
    kt_json_set_string(&world.arena, kt_json_get(older, "metadata"), "creationTimestamp", "2026-11-23T17:00:00Z");
    kt_json_set_string(&world.arena, kt_json_get(foreign, "metadata"), "creationTimestamp", "2026-11-23T19:00:00Z");
    kt_json_set_string(&world.arena, kt_json_item(kt_json_path(foreign, "metadata", "ownerReferences", NULL), 0), "uid",
                       "another-job");
    pods[0] = older;
    pods[1] = world.pod;
    pods[2] = foreign;
    observation.objects[KT_KIND_POD] = (struct kt_objects){pods, 3};
    assert_ptr_equal(kt_observation_pod(&observation), world.pod);
    observation.objects[KT_KIND_JOB].count = 0;
    assert_null(kt_observation_pod(&observation));
}

/* The plugin has no trouble of the reconciler's at hand: the stored status has it. */
static void what_the_operator_wrote_is_a_cause_for_the_plugin(void **state)
{
    const struct kt_trouble trouble = {"ResourceReady", "TemplateMissing", "there is no template", false, false};
    (void)state;
    kt_test_world_claim(&world, "ready");
    kt_test_world_node(&world, "ready");
    kt_test_world_step(&world, &trouble);
    struct kt_diagnosis diagnosis = diagnose();
    assert_string_equal(diagnosis.cause.reason, "TemplateMissing");
    kt_test_world_step(&world, NULL);
    assert_false(diagnose().has_cause);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_stage_has_its_name_and_detail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pull_in_the_middle_does_not_go_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_look_at_the_data_has_a_stage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_pod_is_the_cause_of_a_failed_job, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_deadline_of_the_job_comes_before_the_pod, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_without_a_pod_is_explained, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sandbox_that_takes_long_is_a_cause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pods_of_other_jobs_are_left_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_operator_wrote_is_a_cause_for_the_plugin, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
