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

/* The cause of the world's pod; the test fails unless reason and words are so. NULL reason: nothing is wrong. */
static void expect_cause(const char *what, const char *reason, const char *words)
{
    struct kt_cause cause;
    struct kt_objects events = {&world.event, world.event ? 1 : 0};
    bool found = kt_diagnose_pod(&world.arena, world.pod, "tune", events, &cause);
    if (!reason) {
        if (found)
            fail_msg("%s: %s: %s", what, cause.reason, cause.message);
        return;
    }
    if (!found)
        fail_msg("%s: nothing found", what);
    if (!kt_streq(cause.reason, reason) || !strstr(cause.message, words))
        fail_msg("%s: %s: %s", what, cause.reason, cause.message);
    assert_string_equal(cause.kind, "Pod");
    assert_string_equal(cause.name, "tune-abcde");
    assert_true(strlen(cause.message) <= 1024);
}

static void pods_of_a_good_run_have_no_cause(void **state)
{
    static const char *const states[] = {"pending", "node", "weights", "data", "training", "pushing", "succeeded"};
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(states); i++) {
        kt_test_world_pod(&world, states[i]);
        expect_cause(states[i], NULL, NULL);
    }
}

static void waiting_containers_are_explained(void **state)
{
    static const struct {
        const char *waiting, *reason, *words;
    } cases[] = {
        {"\"reason\":\"ErrImagePull\",\"message\":\"failed to pull and unpack image \\\"r.io/x:1\\\": failed to "
         "resolve "
         "reference: r.io/x:1: not found\"",
         "ImagePullBackOff", "image \"r.io/x:1\": the registry does not have this image or tag"},
        {"\"reason\":\"ImagePullBackOff\",\"message\":\"Back-off pulling image \\\"r.io/x:1\\\": ErrImagePull: pull "
         "access denied, repository does not exist or may require authorization\"",
         "ImagePullBackOff", "refuses access: check the pull secret"},
        {"\"reason\":\"ErrImagePull\",\"message\":\"401 Unauthorized\"", "ImagePullBackOff", "wants credentials"},
        {"\"reason\":\"ErrImagePull\",\"message\":\"dial tcp: lookup r.io: no such host\"", "ImagePullBackOff",
         "cannot be resolved"},
        {"\"reason\":\"ErrImagePull\",\"message\":\"toomanyrequests: slow down\"", "ImagePullBackOff",
         "limits how often"},
        {"\"reason\":\"ErrImagePull\"", "ImagePullBackOff", "container tune cannot pull its image"},
        {"\"reason\":\"InvalidImageName\",\"message\":\"couldn't parse image name \\\"A:::b\\\"\"", "InvalidImageName",
         "couldn't parse"},
        {"\"reason\":\"CreateContainerConfigError\",\"message\":\"secret \\\"push\\\" not found\"",
         "CreateContainerConfigError",
         "secret \"push\" not found; it must be there in the Workspace's namespace default"},
        {"\"reason\":\"CreateContainerConfigError\",\"message\":\"couldn't find key HF_TOKEN in Secret default/hf\"",
         "CreateContainerConfigError", "HF_TOKEN"},
        {"\"reason\":\"RunContainerError\",\"message\":\"exec: \\\"accelerate\\\": not in PATH\"", "RunContainerError",
         "accelerate"},
        {"\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 5m0s\"", "CrashLoopBackOff", "again and again"},
        {"\"reason\":\"ContainerCreating\"", NULL, NULL},
        {"\"reason\":\"PodInitializing\"", NULL, NULL},
        {"\"reason\":7", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *statuses =
            kt_arena_printf(&world.arena, "[{\"name\":\"tune\",\"state\":{\"waiting\":{%s}}}]", cases[i].waiting);
        kt_test_world_pod_with(&world, "Pending", NULL, statuses);
        expect_cause(cases[i].waiting, cases[i].reason, cases[i].words);
    }
}

static void a_crash_loop_names_the_last_end(void **state)
{
    (void)state;
    kt_test_world_pod_with(&world, "Running", NULL,
                           "[{\"name\":\"tune\",\"restartCount\":3,\"state\":{\"waiting\":{\"reason\":"
                           "\"CrashLoopBackOff\"}},\"lastState\":{\"terminated\":{\"exitCode\":137,\"reason\":"
                           "\"OOMKilled\"}}}]");
    expect_cause("crash loop", "OOMKilled", "memory of its node, not of the GPU");
}

static void ended_containers_are_explained(void **state)
{
    static const struct {
        const char *name, *terminated, *reason, *words;
    } cases[] = {
        {"tune", "\"exitCode\":137,\"reason\":\"OOMKilled\"", "OOMKilled",
         "memory of its node, not of the GPU, ran out, or its own limit where a LimitRange"},
        {"tune", "\"exitCode\":137", "TrainerFailed", "exit code 137: it was killed (SIGKILL)"},
        {"tune", "\"exitCode\":143", "TrainerFailed", "told to end (SIGTERM)"},
        {"tune",
         "\"exitCode\":1,\"message\":\"Traceback\\n  File x\\ntorch.OutOfMemoryError: CUDA out of memory. Tried to "
         "allocate 2.00 GiB\\nTraceback\\nsubprocess.CalledProcessError: Command '[python]' returned non-zero exit "
         "status 1.\\n\"",
         "CUDAOutOfMemory", "torch.OutOfMemoryError: CUDA out of memory"},
        {"tune", "\"exitCode\":1,\"message\":\"CUDA out of memory\"", "CUDAOutOfMemory", "per_device_train_batch_size"},
        {"tune", "\"exitCode\":1,\"message\":\"ValueError: Target modules {'x'} not found in the base model.\"",
         "TargetModulesNotFound", "target_modules"},
        {"tune", "\"exitCode\":1,\"message\":\"TypeError: got an unexpected keyword argument 'max_seq_length'\"",
         "UnknownTrainingKey", "kubectl kaito check"},
        {"tune", "\"exitCode\":1,\"message\":\"Your setup doesn't support bf16/gpu.\"", "BFloat16Unsupported",
         "float16"},
        {"tune", "\"exitCode\":1,\"message\":\"bf16: true\\nKeyError: 'text'\"", "TrainerFailed", "KeyError: 'text'"},
        {"tune", "\"exitCode\":1", "TrainerFailed", "ended with exit code 1; look at its log"},
        {"tune", "\"exitCode\":128,\"reason\":\"StartError\",\"message\":\"no such file\"", "StartError",
         "no such file"},
        {"tune", "\"exitCode\":137,\"reason\":\"ContainerStatusUnknown\"", "NodeLost", "the node lost container"},
        {"pusher", "\"exitCode\":1,\"message\":\"warming up\\nError: 401: unauthorized\"", "PushFailed",
         "the push of the adapter (container pusher) ended with exit code 1: Error: 401: unauthorized; the "
         "registry does not take the credential"},
        {"pause", "\"exitCode\":3", "ContainerFailed", "exit code 3"},
        {"tune", "\"exitCode\":0,\"reason\":\"Completed\"", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *statuses = kt_arena_printf(&world.arena, "[{\"name\":\"%s\",\"state\":{\"terminated\":{%s}}}]",
                                               cases[i].name, cases[i].terminated);
        kt_test_world_pod_with(&world, "Running", NULL, statuses);
        if (kt_streq(cases[i].name, "pause"))
            kt_json_append(&world.arena, kt_json_path(world.pod, "spec", "containers", NULL),
                           kt_test_json(&world.arena, "{\"name\":\"pause\"}"));
        expect_cause(cases[i].terminated, cases[i].reason, cases[i].words);
    }
}

static void downloads_that_fail_are_explained(void **state)
{
    static const struct {
        const char *name, *terminated, *reason, *words;
    } cases[] = {
        {"data-downloader", "\"exitCode\":6", "DataDownloadFailed",
         "exit code 6: the server's name cannot be resolved"},
        {"data-downloader", "\"exitCode\":22,\"message\":\"URL 2 of 3: HTTP 404\"", "DataDownloadFailed",
         "URL 2 of 3: HTTP 404; check tuning.input"},
        {"data-downloader", "\"exitCode\":137,\"reason\":\"OOMKilled\"", "OOMKilled", "fetching the data"},
        {"dataset",
         "\"exitCode\":1,\"message\":\"dataset: a.jsonl: 2 rows of messages\\ndataset: b.jsonl: row 1 (line 1): it is "
         "text, which the trainer does not read\"",
         "DataUnsupported",
         "exit code 1: dataset: b.jsonl: row 1 (line 1): it is text, which the trainer does not read; `kubectl"},
        {"model-weights-downloader", "\"exitCode\":1,\"message\":\"Error: failed to resolve\"", "WeightsDownloadFailed",
         "must reach the registry"},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *statuses = kt_arena_printf(&world.arena, "[{\"name\":\"%s\",\"state\":{\"terminated\":{%s}}}]",
                                               cases[i].name, cases[i].terminated);
        kt_test_world_pod_with(&world, "Failed", statuses, NULL);
        kt_json_append(&world.arena, kt_json_path(world.pod, "spec", "initContainers", NULL),
                       kt_test_json(&world.arena, "{\"name\":\"dataset\"}"));
        expect_cause(cases[i].terminated, cases[i].reason, cases[i].words);
    }
}

static void the_first_failure_in_time_counts(void **state)
{
    (void)state;
    kt_test_world_pod_with(
        &world, "Failed", NULL,
        "[{\"name\":\"pusher\",\"state\":{\"terminated\":{\"exitCode\":1,\"finishedAt\":\"2026-11-23T18:00:01Z\"}}},"
        "{\"name\":\"tune\",\"state\":{\"terminated\":{\"exitCode\":1,\"finishedAt\":\"2026-11-23T18:00:05Z\"}}}]");
    expect_cause("push first", "PushFailed", "");
    kt_test_world_pod_with(
        &world, "Failed", NULL,
        "[{\"name\":\"pusher\",\"state\":{\"terminated\":{\"exitCode\":1,\"finishedAt\":\"2026-11-23T18:00:05Z\"}}},"
        "{\"name\":\"tune\",\"state\":{\"terminated\":{\"exitCode\":1,\"finishedAt\":\"2026-11-23T18:00:05Z\"}}}]");
    expect_cause("same second", "TrainerFailed", "");
}

static void ends_of_the_whole_pod_come_first(void **state)
{
    static const struct {
        const char *status, *reason, *words;
    } cases[] = {
        {"{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"The node was low on resource: "
         "ephemeral-storage.\"}",
         "Evicted", "ephemeral-storage"},
        {"{\"phase\":\"Failed\",\"reason\":\"DeadlineExceeded\"}", "DeadlineExceeded", "longer than"},
        {"{\"phase\":\"Failed\",\"reason\":\"NodeLost\"}", "NodeLost", "together with its node"},
        {"{\"phase\":\"Unknown\"}", "NodeLost", "together with its node"},
        {"{\"phase\":\"Failed\",\"reason\":\"Terminated\",\"message\":\"Pod was terminated in response to imminent "
         "node "
         "shutdown.\"}",
         "NodeShutdown", "imminent node shutdown"},
        {"{\"phase\":\"Failed\",\"reason\":\"OutOfnvidia.com/gpu\",\"message\":\"Node didn't have enough resource\"}",
         "OutOfResources", "too little left"},
        {"{\"phase\":\"Failed\",\"reason\":\"OutOfmemory\"}", "OutOfResources", "too little left"},
        {"{\"phase\":\"Failed\",\"reason\":\"UnexpectedAdmissionError\",\"message\":\"Allocate failed\"}",
         "UnexpectedAdmissionError", "Allocate failed"},
        {"{\"phase\":\"Running\",\"conditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"True\",\"reason\":"
         "\"PreemptionByScheduler\",\"message\":\"preempting\"}]}",
         "Preempted", "higher priority"},
        {"{\"phase\":\"Running\",\"conditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"True\",\"reason\":"
         "\"DeletionByTaintManager\"}]}",
         "NodeLost", "taint"},
        {"{\"phase\":\"Running\",\"conditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"False\",\"reason\":"
         "\"DeletionByTaintManager\"}]}",
         NULL, NULL},
        {"{\"phase\":\"Failed\"}", "PodFailed", "has failed"},
        {"{\"phase\":\"Failed\",\"reason\":\"Some thing\",\"message\":\"line\\nbreak\\u001b[31m\"}", "PodFailed",
         "line break [31m"},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        kt_test_world_pod(&world, "training");
        cJSON *pod = kt_json_clone(&world.arena, world.pod);
        kt_json_set(&world.arena, pod, "status", kt_test_json(&world.arena, cases[i].status));
        world.pod = pod;
        expect_cause(cases[i].status, cases[i].reason, cases[i].words);
    }
}

static void set_conditions(const char *conditions)
{
    kt_test_world_pod(&world, "pending");
    kt_json_set(&world.arena, kt_json_get(world.pod, "status"), "conditions", kt_test_json(&world.arena, conditions));
}

/* The scheduler counts nodes in its message; the count is no news. */
static void what_cannot_be_scheduled_says_why_without_figures(void **state)
{
    struct kt_cause first, second;
    const struct kt_objects none = {0};
    (void)state;
    set_conditions(
        "[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":\"0/3 nodes "
        "are available: 1 Insufficient nvidia.com/gpu, 2 node(s) had untolerated taint {sku: gpu}. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.\"}]");
    expect_cause("unschedulable", "Unschedulable",
                 "Insufficient nvidia.com/gpu, node(s) had untolerated taint {sku: gpu}.");
    assert_true(kt_diagnose_pod(&world.arena, world.pod, "tune", none, &first));
    assert_null(strstr(first.message, "preemption"));
    set_conditions(
        "[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":\"0/14 nodes "
        "are available: 11 Insufficient nvidia.com/gpu, 3 node(s) had untolerated taint {sku: gpu}. "
        "preemption: 0/14 nodes are available: 14 Preemption is not helpful for scheduling.\"}]");
    assert_true(kt_diagnose_pod(&world.arena, world.pod, "tune", none, &second));
    assert_string_equal(first.message, second.message);
    set_conditions("[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"SchedulingGated\"}]");
    expect_cause("gated", NULL, NULL);
}

#define EVENT(uid, reason, message)                                                                  \
    "{\"type\":\"Warning\",\"reason\":\"" reason "\",\"message\":\"" message "\",\"lastTimestamp\":" \
    "\"2026-11-23T18:00:00Z\",\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"tune-abcde\",\"uid\":\"" uid "\"}}"

static void events_tell_what_the_pod_does_not(void **state)
{
    (void)state;
    kt_test_world_pod(&world, "node");
    world.event = kt_test_json(&world.arena, EVENT("pod-uid", "FailedMount", "secret \\\"push\\\" not found"));
    expect_cause("mount", "FailedMount", "secret \"push\" not found");
    world.event = kt_test_json(&world.arena, EVENT("another", "FailedMount", "x"));
    expect_cause("another pod of the name", NULL, NULL);
    world.event = kt_test_json(&world.arena, EVENT("pod-uid", "Unhealthy", "x"));
    expect_cause("no matter", NULL, NULL);
    world.event = kt_test_json(&world.arena, EVENT("pod-uid", "FailedScheduling", "x"));
    expect_cause("it has a node since", NULL, NULL);
    kt_test_world_pod(&world, "weights");
    world.event = kt_test_json(&world.arena, EVENT("pod-uid", "FailedMount", "x"));
    expect_cause("it runs since", NULL, NULL);
}

/* The kubelet repeats both in turn; the summary must not replace what says why. */
static void the_event_that_says_why_is_preferred(void **state)
{
    struct kt_cause cause;
    const cJSON *events[2];
    (void)state;
    kt_test_world_pod(&world, "node");
    events[0] = kt_test_json(&world.arena, EVENT("pod-uid", "FailedMount", "secret \\\"push\\\" not found"));
    events[1] =
        kt_test_json(&world.arena, EVENT("pod-uid", "FailedMount", "Unable to attach or mount volumes: timed out"));
    for (int i = 0; i < 2; i++) {
        assert_true(kt_diagnose_pod(&world.arena, world.pod, "tune", (struct kt_objects){events, 2}, &cause));
        assert_non_null(strstr(cause.message, "not found"));
        const cJSON *first = events[0];
        events[0] = events[1];
        events[1] = first;
    }
    assert_true(kt_diagnose_pod(&world.arena, world.pod, "tune", (struct kt_objects){events, 1}, &cause));
    assert_non_null(strstr(cause.message, "not found"));
}

static void a_pod_that_is_taken_away_says_so(void **state)
{
    (void)state;
    kt_test_world_pod(&world, "training");
    kt_json_set_string(&world.arena, kt_json_get(world.pod, "metadata"), "deletionTimestamp", "2026-11-23T18:00:00Z");
    expect_cause("deleted", "PodDeleted", "tune-abcde");
}

/* Its containers get SIGTERM and SIGKILL then; what they ended with before is the cause still. */
static void the_signals_that_end_a_deleted_pod_are_no_cause(void **state)
{
    static const struct {
        const char *phase, *terminated, *reason;
    } cases[] = {
        {"Running", "\"exitCode\":137,\"reason\":\"Error\"", "PodDeleted"},
        {"Failed", "\"exitCode\":143,\"reason\":\"Error\"", "PodDeleted"},
        {"Failed", "\"exitCode\":137,\"reason\":\"OOMKilled\"", "OOMKilled"},
        {"Failed", "\"exitCode\":1", "TrainerFailed"},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *statuses =
            kt_arena_printf(&world.arena, "[{\"name\":\"tune\",\"state\":{\"terminated\":{%s}}}]", cases[i].terminated);
        kt_test_world_pod_with(&world, cases[i].phase, NULL, statuses);
        kt_json_set_string(&world.arena, kt_json_get(world.pod, "metadata"), "deletionTimestamp",
                           "2026-11-23T18:00:00Z");
        expect_cause(cases[i].terminated, cases[i].reason, "");
    }
}

/* The kubelet starts the pusher first. */
static void the_trainer_counts_more_than_a_pusher_before_it(void **state)
{
    static const struct {
        const char *pusher, *trainer, *reason;
    } cases[] = {
        {"\"terminated\":{\"exitCode\":1,\"finishedAt\":\"2026-11-23T18:00:05Z\"}",
         "\"terminated\":{\"exitCode\":1,\"finishedAt\":\"2026-11-23T18:00:05Z\"}", "TrainerFailed"},
        {"\"terminated\":{\"exitCode\":1,\"finishedAt\":\"2026-11-23T18:00:04Z\"}",
         "\"terminated\":{\"exitCode\":1,\"finishedAt\":\"2026-11-23T18:00:05Z\"}", "PushFailed"},
        {"\"waiting\":{\"reason\":\"CreateContainerError\"}",
         "\"terminated\":{\"exitCode\":1,\"finishedAt\":\"2026-11-23T18:00:05Z\"}", "TrainerFailed"},
        {"\"waiting\":{\"reason\":\"CreateContainerError\"}", "\"waiting\":{\"reason\":\"ImagePullBackOff\"}",
         "ImagePullBackOff"},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *statuses =
            kt_arena_printf(&world.arena, "[{\"name\":\"pusher\",\"state\":{%s}},{\"name\":\"tune\",\"state\":{%s}}]",
                            cases[i].pusher, cases[i].trainer);
        kt_test_world_pod_with(&world, "Running", NULL, statuses);
        kt_json_set(&world.arena, kt_json_get(world.pod, "spec"), "containers",
                    kt_test_json(&world.arena, "[{\"name\":\"pusher\"},{\"name\":\"tune\"}]"));
        expect_cause(cases[i].pusher, cases[i].reason, "");
    }
}

/* --- hostile objects ----------------------------------------------------------------------------------------- */

static void hostile_pods_are_survived(void **state)
{
    static const char *const texts[] = {
        "null",
        "[]",
        "7",
        "{}",
        "{\"metadata\":7,\"status\":[],\"spec\":\"x\"}",
        "{\"status\":{\"conditions\":{\"a\":1},\"containerStatuses\":{\"a\":{\"name\":\"tune\"}},\"phase\":7}}",
        "{\"status\":{\"conditions\":[1,null,[],{\"type\":7}],\"containerStatuses\":[1,null,{\"name\":7,\"state\":[]}]}"
        "}",
        "{\"spec\":{\"containers\":[null,7,{\"name\":null}]},\"status\":{\"containerStatuses\":[{\"name\":\"\","
        "\"state\":"
        "{\"terminated\":{\"exitCode\":\"1\",\"message\":7}}}]}}",
        "{\"status\":{\"containerStatuses\":[{\"name\":\"tune\",\"state\":{\"terminated\":{\"exitCode\":1e300}}}]}}",
        "{\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":"
        "\"Unschedulable\"}]}}",
    };
    struct kt_cause cause;
    const struct kt_objects none = {0};
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        const cJSON *pod = kt_test_json(&world.arena, texts[i]);
        if (kt_diagnose_pod(&world.arena, pod, "tune", none, &cause))
            assert_true(*cause.reason && *cause.message && cause.kind && cause.name);
        kt_diagnose_pod(&world.arena, pod, NULL, none, &cause);
    }
}

static void long_and_dirty_words_are_cut_and_cleaned(void **state)
{
    struct kt_cause cause;
    const struct kt_objects none = {0};
    enum { LENGTH = 1 << 20 };
    char *message = kt_arena_alloc(&world.arena, LENGTH + 1);
    (void)state;
    for (size_t i = 0; i < LENGTH; i++)
        message[i] = "ab\xC3\xA9\x1B[31m\xC2\x9B\t\xFF"[i % 13];
    kt_test_world_pod_with(&world, "Failed", NULL, "[{\"name\":\"tune\",\"state\":{\"terminated\":{\"exitCode\":1}}}]");
    cJSON *terminated = kt_json_path(kt_json_item(kt_json_path(world.pod, "status", "containerStatuses", NULL), 0),
                                     "state", "terminated", NULL);
    kt_json_set_string(&world.arena, terminated, "message", message);
    assert_true(kt_diagnose_pod(&world.arena, world.pod, "tune", none, &cause));
    assert_true(strlen(cause.message) <= 1024);
    assert_true(kt_utf8_valid(kt_str(cause.message)));
    for (const char *byte = cause.message; *byte; byte++)
        assert_true((unsigned char)*byte >= ' ' && *byte != 0x7F);
    assert_null(strstr(cause.message, "\xC2\x9B"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pods_of_a_good_run_have_no_cause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waiting_containers_are_explained, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_crash_loop_names_the_last_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ended_containers_are_explained, set_up, tear_down),
        cmocka_unit_test_setup_teardown(downloads_that_fail_are_explained, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_failure_in_time_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_of_the_whole_pod_come_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_scheduled_says_why_without_figures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_tell_what_the_pod_does_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_event_that_says_why_is_preferred, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pod_that_is_taken_away_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_signals_that_end_a_deleted_pod_are_no_cause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_trainer_counts_more_than_a_pusher_before_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_pods_are_survived, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_and_dirty_words_are_cut_and_cleaned, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
