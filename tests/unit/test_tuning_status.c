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

/* "True NodeClaimsReady" */
static void expect(const char *type, const char *status, const char *reason)
{
    assert_string_equal(kt_test_world_condition(&world, type, "status"), status);
    assert_string_equal(kt_test_world_condition(&world, type, "reason"), reason);
    assert_true(*kt_test_world_condition(&world, type, "message"));
}

static void expect_words(const char *type, const char *words)
{
    const char *message = kt_test_world_condition(&world, type, "message");
    if (!strstr(message, words))
        fail_msg("%s says \"%s\", not \"%s\"", type, message, words);
}

/* One line a step: the objects, then what must be said. */
static void step(const char *claim, const char *node, const char *job, const char *pod)
{
    kt_test_world_claim(&world, claim);
    kt_test_world_node(&world, node);
    kt_test_world_job(&world, job);
    kt_test_world_pod(&world, pod);
    kt_test_world_step(&world, NULL);
}

static void a_good_run_goes_up_in_few_patches(void **state)
{
    (void)state;
    step("none", "none", "none", "none");
    assert_string_equal(kt_test_world_state(&world), "Pending");
    expect("NodeClaimReady", "False", "NodeClaimNotReady");
    expect("NodesReady", "False", "NodeNotReady");
    expect("ResourceReady", "False", "workspaceResourceStatusNotReady");
    expect("JobStarted", "False", "WorkspaceTuningJobStatusPending");
    expect("WorkspaceSucceeded", "False", "workspacePending");
    expect("WorkspaceReady", "False", "workspacePending");
    step("made", "none", "none", "none");
    assert_int_equal(world.patches, 1);
    step("launched", "none", "none", "none");
    expect_words("NodeClaimReady", "Registered");
    step("registered", "unready", "none", "none");
    assert_int_equal(world.patches, 2);
    step("ready", "ready", "none", "none");
    expect("NodeClaimReady", "True", "NodeClaimsReady");
    expect("NodesReady", "True", "NodesReady");
    expect("ResourceReady", "True", "workspaceResourceStatusSuccess");
    expect("JobStarted", "False", "WorkspaceTuningJobStatusPending");
    assert_string_equal(kt_test_json_text(&world.arena, kt_json_path(world.workspace, "status", "workerNodes", NULL)),
                        "[\"gpu-1\"]");
    step("ready", "ready", "active", "none");
    step("ready", "ready", "active", "pending");
    step("ready", "ready", "active", "node");
    assert_int_equal(world.patches, 3);
    step("ready", "ready", "active", "weights");
    expect("JobStarted", "True", "WorkspaceTuningJobStatusStarted");
    expect("WorkspaceSucceeded", "False", "workspacePending");
    assert_string_equal(kt_test_world_state(&world), "Running");
    step("ready", "ready", "active", "data");
    step("ready", "ready", "active", "training");
    step("ready", "ready", "active", "pushing");
    step("ready", "ready", "active", "succeeded");
    assert_string_equal(kt_test_world_state(&world), "Running");
    assert_int_equal(world.patches, 5);
    step("ready", "ready", "complete", "succeeded");
    assert_string_equal(kt_test_world_state(&world), "Succeeded");
    expect("WorkspaceSucceeded", "True", "workspaceSucceeded");
    expect("WorkspaceReady", "True", "workspaceSucceeded");
    expect_words("WorkspaceSucceeded", "registry.example.com/out:1");
    assert_string_equal(world.status.event_type, "Normal");
    assert_int_equal(world.patches, 6);
    assert_null(kt_condition_find(world.workspace, "InferenceReady"));
}

static void an_end_stays_when_all_else_goes(void **state)
{
    (void)state;
    step("ready", "ready", "complete", "succeeded");
    size_t patches = world.patches;
    step("ready", "ready", "complete", "none");
    step("ready", "unready", "complete", "none");
    step("none", "none", "complete", "none");
    step("none", "none", "none", "none");
    assert_int_equal(world.patches, patches);
    assert_string_equal(world.status.state, "Succeeded");
    assert_int_equal(world.status.diagnosis.stage, KT_STAGE_DONE);
    expect("ResourceReady", "True", "workspaceResourceStatusSuccess");
    expect("NodeClaimReady", "True", "NodeClaimsReady");
}

static void a_failed_job_keeps_its_cause_when_the_pod_is_gone(void **state)
{
    (void)state;
    step("ready", "ready", "active", "training");
    step("ready", "ready", "active", "failed");
    assert_string_equal(kt_test_world_state(&world), "Running");
    expect("WorkspaceSucceeded", "False", "TrainerFailed");
    assert_string_equal(world.status.event_reason, "TrainerFailed");
    step("ready", "ready", "failed", "failed");
    assert_string_equal(kt_test_world_state(&world), "Failed");
    expect("WorkspaceSucceeded", "False", "workspaceFailed");
    expect_words("WorkspaceSucceeded", "TrainerFailed: the trainer (container tune) ended with exit code 1");
    expect("JobStarted", "True", "WorkspaceTuningJobStatusStarted");
    assert_string_equal(world.status.event_type, "Warning");
    size_t patches = world.patches;
    step("ready", "ready", "failed", "none");
    step("none", "none", "none", "none");
    assert_int_equal(world.patches, patches);
    assert_string_equal(world.status.state, "Failed");
    assert_string_equal(world.status.diagnosis.cause.reason, "TrainerFailed");
}

static void a_job_that_fails_before_it_starts_has_not_started(void **state)
{
    (void)state;
    step("ready", "ready", "active", "pending");
    step("ready", "ready", "failed", "none");
    expect("JobStarted", "False", "WorkspaceTuningJobStatusFailed");
    expect("WorkspaceSucceeded", "False", "workspaceFailed");
    expect_words("WorkspaceSucceeded", "BackoffLimitExceeded");
}

static void a_job_that_somebody_deletes_is_a_failure(void **state)
{
    (void)state;
    step("ready", "ready", "active", "training");
    step("ready", "ready", "none", "none");
    assert_string_equal(kt_test_world_state(&world), "Failed");
    expect("WorkspaceSucceeded", "False", "workspaceFailed");
    expect_words("WorkspaceSucceeded", "JobDeleted");
    size_t patches = world.patches;
    step("ready", "ready", "none", "none");
    assert_int_equal(world.patches, patches);
}

static void a_job_that_has_not_started_may_go(void **state)
{
    (void)state;
    step("ready", "ready", "active", "pending");
    step("ready", "ready", "none", "none");
    assert_string_equal(kt_test_world_state(&world), "Pending");
    expect("WorkspaceSucceeded", "False", "workspacePending");
}

static void a_foreign_job_is_not_looked_at(void **state)
{
    (void)state;
    step("ready", "ready", "foreign", "training");
    assert_string_equal(kt_test_world_state(&world), "Pending");
    expect("JobStarted", "False", "WorkspaceTuningJobStatusPending");
}

static void a_job_of_an_older_revision_does_not_count(void **state)
{
    (void)state;
    step("ready", "ready", "complete", "succeeded");
    cJSON *metadata = kt_json_get(world.workspace, "metadata");
    kt_json_set_int(&world.arena, metadata, "generation", 2);
    kt_json_set_string(&world.arena, kt_json_get(metadata, "annotations"), "workspace.kaito.io/revision", "2");
    step("ready", "ready", "complete", "succeeded");
    assert_string_equal(kt_test_world_state(&world), "Pending");
    expect("JobStarted", "False", "WorkspaceTuningJobStatusPending");
    expect("ResourceReady", "True", "workspaceResourceStatusSuccess");
    step("ready", "ready", "none", "none");
    assert_string_equal(kt_test_world_state(&world), "Pending");
}

static void a_config_map_that_changed_brings_a_new_job(void **state)
{
    const struct kt_trouble trouble = {"JobStarted", "ConfigChanged", "the config map has changed", false, false};
    (void)state;
    step("ready", "ready", "active", "training");
    kt_test_world_step(&world, &trouble);
    kt_test_world_job(&world, "deleting");
    kt_test_world_step(&world, &trouble);
    assert_string_equal(kt_test_world_state(&world), "Pending");
    expect("JobStarted", "False", "ConfigChanged");
    step("ready", "ready", "none", "none");
    assert_string_equal(kt_test_world_state(&world), "Pending");
    step("ready", "ready", "active", "weights");
    assert_string_equal(kt_test_world_state(&world), "Running");
}

static void trouble_is_named_where_it_holds_up(void **state)
{
    const struct kt_trouble trouble = {"NodeClaimReady", "Forbidden", "no right to create nodeclaims", false, false};
    (void)state;
    kt_test_world_step(&world, &trouble);
    expect("NodeClaimReady", "False", "Forbidden");
    expect("ResourceReady", "False", "workspaceResourceStatusNotReady");
    expect("WorkspaceSucceeded", "False", "Forbidden");
    expect_words("WorkspaceReady", "no right to create nodeclaims");
    assert_string_equal(kt_test_world_state(&world), "Pending");
    assert_string_equal(world.status.event_type, "Warning");
    size_t patches = world.patches;
    kt_test_world_step(&world, &trouble);
    assert_int_equal(world.patches, patches);
    assert_null(world.status.event_type);
    step("launched", "none", "none", "none");
    expect("WorkspaceSucceeded", "False", "workspacePending");
}

static void final_trouble_fails_the_workspace(void **state)
{
    const struct kt_trouble trouble = {"NodeClaimReady", "LaunchFailed", "three claims were lost", true, false};
    (void)state;
    kt_test_world_step(&world, &trouble);
    assert_string_equal(kt_test_world_state(&world), "Failed");
    expect("NodeClaimReady", "False", "LaunchFailed");
    expect("JobStarted", "False", "WorkspaceTuningJobStatusFailed");
    expect("WorkspaceSucceeded", "False", "workspaceFailed");
    expect_words("WorkspaceSucceeded", "LaunchFailed: three claims were lost");
    assert_string_equal(world.status.event_reason, "LaunchFailed");
    size_t patches = world.patches;
    kt_test_world_step(&world, &trouble);
    assert_int_equal(world.patches, patches);
    assert_string_equal(world.status.state, "Failed");
    kt_test_world_step(&world, NULL); /* somebody let it start over: there was no node, so nothing has ended */
    assert_string_equal(world.status.state, "Pending");
}

static void a_finished_job_that_is_replaced_begins_anew(void **state)
{
    const struct kt_trouble trouble = {"JobStarted", "ConfigMapChanged", "the Job is replaced", false, false};
    (void)state;
    step("ready", "ready", "active", "training");
    kt_test_world_job(&world, "complete");
    kt_test_world_step(&world, NULL);
    assert_string_equal(kt_test_world_state(&world), "Succeeded");
    step("ready", "ready", "none", "none"); /* somebody tidied up: the end stays the end */
    assert_string_equal(kt_test_world_state(&world), "Succeeded");
    kt_test_world_step(&world, &trouble);
    assert_string_equal(kt_test_world_state(&world), "Pending");
    expect("JobStarted", "False", "ConfigMapChanged");
    expect("ResourceReady", "True", "workspaceResourceStatusSuccess");
}

static void a_failed_job_without_its_pod_keeps_what_was_said_before(void **state)
{
    (void)state;
    step("ready", "ready", "active", "training");
    kt_test_world_pod_with(
        &world, "Running", NULL,
        "[{\"name\":\"tune\",\"state\":{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}}]");
    kt_test_world_step(&world, NULL);
    expect("WorkspaceSucceeded", "False", "OOMKilled");
    step("none", "none", "failed", "none");
    assert_string_equal(kt_test_world_state(&world), "Failed");
    expect_words("WorkspaceSucceeded", "OOMKilled");
    size_t patches = world.patches;
    step("none", "none", "failed", "none");
    assert_int_equal(world.patches, patches);
}

/* So it goes when a pod is evicted or deleted: the Job counts it when it is gone. */
static void a_pod_that_goes_before_its_job_has_failed_is_remembered(void **state)
{
    (void)state;
    step("ready", "ready", "active", "training");
    kt_json_set_string(&world.arena, kt_json_get(world.pod, "metadata"), "deletionTimestamp", "2026-11-23T18:00:00Z");
    kt_test_world_step(&world, NULL);
    expect("WorkspaceSucceeded", "False", "PodDeleted");
    step("ready", "ready", "active", "none");
    assert_string_equal(kt_test_world_state(&world), "Running");
    expect("WorkspaceSucceeded", "False", "PodDeleted");
    step("ready", "ready", "failed", "none");
    assert_string_equal(kt_test_world_state(&world), "Failed");
    expect_words("WorkspaceSucceeded", "PodDeleted: ");
}

static void trouble_never_hides_a_finished_job(void **state)
{
    const struct kt_trouble trouble = {"ResourceReady", "ConfigMapMissing", "gone", true, false};
    (void)state;
    step("ready", "ready", "active", "training");
    kt_test_world_job(&world, "complete");
    kt_test_world_step(&world, &trouble);
    assert_string_equal(kt_test_world_state(&world), "Succeeded");
    expect("ResourceReady", "True", "workspaceResourceStatusSuccess");
}

static void a_started_job_decides_even_beside_final_trouble(void **state)
{
    const struct kt_trouble trouble = {"NodeClaimReady", "LaunchFailed", "lost", true, false};
    (void)state;
    step("ready", "ready", "active", "training");
    kt_test_world_step(&world, &trouble);
    assert_string_equal(kt_test_world_state(&world), "Running");
    expect("WorkspaceSucceeded", "False", "LaunchFailed");
}

static void a_deleted_workspace_says_what_it_waits_for(void **state)
{
    (void)state;
    step("ready", "ready", "active", "training");
    kt_json_set_string(&world.arena, kt_json_get(world.workspace, "metadata"), "deletionTimestamp",
                       "2026-11-23T18:00:00Z");
    step("ready", "ready", "none", "none");
    expect("WorkspaceDeleting", "True", "workspaceDeleted");
    expect_words("WorkspaceDeleting", world.claim_name);
    expect("JobStarted", "True", "WorkspaceTuningJobStatusStarted");
    assert_string_equal(kt_test_world_state(&world), "Running");
    assert_int_equal(world.status.diagnosis.stage, KT_STAGE_DELETING);
}

static void own_nodes_need_no_claim(void **state)
{
    (void)state;
    world.bring_your_own = true;
    step("none", "none", "none", "none");
    assert_null(kt_condition_find(world.workspace, "NodeClaimReady"));
    expect("NodesReady", "False", "NodeNotReady");
    expect("WorkspaceSucceeded", "False", "NoNodes");
    step("none", "nogpu", "none", "none");
    expect("NodesReady", "False", "NodePluginsNotReady");
    step("none", "ready", "none", "none");
    expect("NodesReady", "True", "NodesReady");
    expect("ResourceReady", "True", "workspaceResourceStatusSuccess");
}

static void resources_are_not_ready_before_the_claim(void **state)
{
    (void)state;
    step("registered", "ready", "none", "none");
    expect("NodeClaimReady", "False", "NodeClaimNotReady");
    expect("NodesReady", "False", "NodeNotReady");
    expect("ResourceReady", "False", "workspaceResourceStatusNotReady");
    step("ready", "unready", "none", "none");
    expect("NodeClaimReady", "True", "NodeClaimsReady");
    expect("ResourceReady", "False", "workspaceResourceStatusNotReady");
}

static void times_change_only_with_the_status(void **state)
{
    (void)state;
    step("none", "none", "none", "none");
    const char *first = kt_test_world_condition(&world, "NodeClaimReady", "lastTransitionTime");
    assert_string_equal(first, "2026-11-23T18:00:00Z");
    step("launched", "none", "none", "none");
    assert_string_equal(kt_test_world_condition(&world, "NodeClaimReady", "lastTransitionTime"), first);
    step("ready", "ready", "none", "none");
    assert_string_equal(kt_test_world_condition(&world, "NodeClaimReady", "lastTransitionTime"),
                        "2026-11-23T18:00:02Z");
    assert_string_equal(kt_test_world_condition(&world, "JobStarted", "lastTransitionTime"), first);
}

static void conditions_of_others_stay(void **state)
{
    (void)state;
    kt_json_set(&world.arena, world.workspace, "status",
                kt_test_json(&world.arena,
                             "{\"performance\":{\"x\":1},\"conditions\":[{\"type\":\"Audited\",\"status\":"
                             "\"True\",\"note\":7},{\"type\":\"JobStarted\",\"status\":\"Unknown\"},{"
                             "\"type\":\"JobStarted\",\"status\":\"True\"}]}"));
    step("none", "none", "none", "none");
    assert_string_equal(kt_test_world_condition(&world, "Audited", "status"), "True");
    assert_non_null(kt_json_get(kt_condition_find(world.workspace, "Audited"), "note"));
    expect("JobStarted", "False", "WorkspaceTuningJobStatusPending");
    assert_int_equal(kt_json_count(kt_json_path(world.workspace, "status", "conditions", NULL)), 7);
    assert_non_null(kt_json_path(world.workspace, "status", "performance", NULL));
    step("none", "none", "none", "none");
    assert_int_equal(world.patches, 1);
}

static void a_patch_is_guarded_by_the_version(void **state)
{
    (void)state;
    step("none", "none", "none", "none");
    assert_string_equal(kt_json_string_or(kt_json_path(world.status.patch, "metadata", "resourceVersion", NULL), ""),
                        "100");
}

/* The kubelet's two words for one failure, with and without its cause, must not make a status go to and fro. */
static void a_pull_that_fails_is_written_once(void **state)
{
    static const char *const waiting[] = {
        "{\"reason\":\"ErrImagePull\",\"message\":\"failed to pull and unpack image \\\"r.io/a:1\\\": not found\"}",
        "{\"reason\":\"ImagePullBackOff\",\"message\":\"Back-off pulling image \\\"r.io/a:1\\\"\"}",
    };
    (void)state;
    step("ready", "ready", "active", "node");
    size_t patches = world.patches;
    for (size_t i = 0; i < 6; i++) {
        const char *statuses =
            kt_arena_printf(&world.arena, "[{\"name\":\"tune\",\"state\":{\"waiting\":%s}}]", waiting[i % 2]);
        kt_test_world_pod_with(&world, "Pending", "[]", statuses);
        kt_test_world_step(&world, NULL);
        expect("JobStarted", "False", "ImagePullBackOff");
        expect("WorkspaceSucceeded", "False", "ImagePullBackOff");
        expect_words("WorkspaceSucceeded", "\"r.io/a:1\": the registry does not have this image or tag");
        assert_string_equal(kt_test_world_state(&world), "Pending");
    }
    assert_int_equal(world.patches, patches + 1);
}

static void a_launch_that_fails_is_written_once(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const char *text = kt_arena_printf(
            &world.arena,
            "{\"metadata\":{\"name\":\"%s\"},\"status\":{\"conditions\":[{\"type\":\"Launched\",\"status\":\"Unknown\","
            "\"reason\":\"LaunchFailed\",\"message\":\"request %d: instance type not found\"}]}}",
            world.claim_name, i);
        world.claim = kt_test_json(&world.arena, text);
        kt_test_world_step(&world, NULL);
        expect("NodeClaimReady", "False", "LaunchFailed");
        expect("WorkspaceSucceeded", "False", "LaunchFailed");
        expect_words("WorkspaceSucceeded", "instance type not found");
    }
    assert_int_equal(world.patches, 1);
    assert_string_equal(kt_test_world_state(&world), "Pending");
}

/* --- hostile objects and little memory ----------------------------------------------------------------------- */

static void hostile_workspaces_are_survived(void **state)
{
    static const char *const texts[] = {
        "null",
        "[]",
        "{}",
        "{\"metadata\":7,\"status\":\"x\",\"tuning\":[]}",
        "{\"metadata\":{\"name\":\"tune\",\"generation\":\"1\",\"annotations\":[1]},\"status\":{\"conditions\":{"
        "\"type\":\"JobStarted\"},\"state\":7,\"workerNodes\":{}}}",
        "{\"metadata\":{\"uid\":\"\",\"ownerReferences\":7},\"status\":{\"conditions\":[null,7,[],{},{\"type\":7},{"
        "\"type\":\"JobStarted\",\"status\":[],\"lastTransitionTime\":{},\"message\":7}],\"state\":\"Failed\"}}",
    };
    static const char *const jobs[] = {"none", "active", "complete", "failed", "foreign"};
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        for (size_t k = 0; k < KT_ARRAY_LENGTH(jobs); k++) {
            world.workspace = kt_test_json(&world.arena, texts[i]);
            step("launched", "ready", jobs[k], "training");
            assert_non_null(world.status.state);
            assert_non_null(world.status.patch);
            kt_test_world_step(&world, NULL);
            if (kt_json_is_object(world.workspace))
                assert_null(world.status.patch);
        }
    }
}

static void huge_texts_do_not_get_into_a_status(void **state)
{
    enum { LENGTH = 1 << 20 };
    char *huge = kt_arena_alloc(&world.arena, LENGTH + 1);
    const struct kt_trouble trouble = {"JobStarted", huge, huge, false, false};
    (void)state;
    memset(huge, 'x', LENGTH);
    cJSON *metadata = kt_json_get(world.workspace, "metadata");
    kt_json_set_string(&world.arena, kt_json_get(metadata, "annotations"), "huge", huge);
    kt_json_set_string(&world.arena, kt_json_path(world.workspace, "tuning", "output", NULL), "image", huge);
    kt_test_world_step(&world, &trouble);
    expect("JobStarted", "False", "ReconcileFailed");
    assert_true(strlen(kt_test_world_condition(&world, "JobStarted", "message")) <= 1024);
    step("ready", "ready", "complete", "succeeded");
    assert_true(strlen(kt_test_world_condition(&world, "WorkspaceSucceeded", "message")) <= 1024);
    size_t patches = world.patches;
    kt_test_world_step(&world, NULL);
    assert_int_equal(world.patches, patches);
}

static void without_memory_there_is_an_error_and_no_status(void **state)
{
    struct kt_observation observation;
    struct kt_tuning_status status = {0};
    struct kt_error error;
    struct kt_arena small;
    bool done = false;
    (void)state;
    kt_test_world_claim(&world, "ready");
    kt_test_world_node(&world, "ready");
    kt_test_world_job(&world, "failed");
    kt_test_world_pod(&world, "failed");
    kt_test_world_observe(&world, &observation);
    for (size_t limit = 0; !done && limit < 64 * KT_KIB; limit += 64) {
        kt_arena_init(&small, limit);
        int code = kt_tuning_status(&small, &observation, NULL, &status, &error);
        done = code == 0;
        if (!done) {
            assert_int_equal(code, KT_ENOMEM);
            assert_null(status.patch);
        }
        kt_arena_release(&small);
    }
    assert_true(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_run_goes_up_in_few_patches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_end_stays_when_all_else_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_job_keeps_its_cause_when_the_pod_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_that_fails_before_it_starts_has_not_started, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_that_somebody_deletes_is_a_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_that_has_not_started_may_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_foreign_job_is_not_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_of_an_older_revision_does_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_config_map_that_changed_brings_a_new_job, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trouble_is_named_where_it_holds_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(final_trouble_fails_the_workspace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_finished_job_that_is_replaced_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_job_without_its_pod_keeps_what_was_said_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pod_that_goes_before_its_job_has_failed_is_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trouble_never_hides_a_finished_job, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_started_job_decides_even_beside_final_trouble, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_deleted_workspace_says_what_it_waits_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(own_nodes_need_no_claim, set_up, tear_down),
        cmocka_unit_test_setup_teardown(resources_are_not_ready_before_the_claim, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_change_only_with_the_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(conditions_of_others_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_patch_is_guarded_by_the_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pull_that_fails_is_written_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_launch_that_fails_is_written_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_workspaces_are_survived, set_up, tear_down),
        cmocka_unit_test_setup_teardown(huge_texts_do_not_get_into_a_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_there_is_an_error_and_no_status, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
