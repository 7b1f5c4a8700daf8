/* SPDX-License-Identifier: Apache-2.0 */
/* `status` and `events`: what a person reads of clusters in every stage, good and bad. */
#include "tests/lib/plugin_run.h"

#define TRAINING "tests/unit/data/plugin/training.yaml"
#define NEVER_READY "ready", "Ready,"

static struct kt_plugin_run run;

static int set_up(void **state KT_UNUSED)
{
    run.server = kt_object_server_start();
    kt_object_server_load(run.server, TRAINING);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_object_server_stop(run.server);
    return 0;
}

struct change {
    const char *kind, *patch; /* patch NULL: taken away */
};

/* What becomes of the training cluster, and what the screen must and must not say. */
struct screen {
    const char *name;
    struct change changes[8];
    const char *says[10];
    const char *never;
};

#define TRAINER(state)                                                                                    \
    "{\"status\":{\"containerStatuses\":[{\"name\":\"tune-phi\",\"restartCount\":0,\"state\":" state "}," \
    "{\"name\":\"pusher\",\"restartCount\":0,\"state\":{\"running\":{}}}]}}"
#define JOB_ENDED(type) \
    "{\"status\":{\"active\":null,\"ready\":null,\"conditions\":[{\"type\":\"" type "\",\"status\":\"True\"}]}}"
#define STATE(state, status, reason)                                                                             \
    "{\"status\":{\"state\":\"" state "\",\"conditions\":[{\"type\":\"WorkspaceSucceeded\",\"status\":\"" status \
    "\",\"reason\":\"" reason "\",\"observedGeneration\":1}]}}"

static const struct screen screens[] = {
    {.name = "a run that trains",
     .says = {"tune-phi (namespace default): Running, stage training\n", "  container tune-phi of pod tune-phi-x7k2p",
              "Model:          phi-3-mini-128k-instruct\n", "Age:            10m\n",
              "NodeClaim   ws60246922f      9m59s   Launched, Registered, Initialized, Ready\n",
              "Node        node-1           8m30s   Ready, 1 nvidia.com/gpu\n",
              "Pod         tune-phi-x7k2p   7m58s   Running, tune-phi running, pusher running\n",
              "WorkspaceSucceeded   False    10m     workspacePending", "MountVolume.SetUp failed for volume"},
     .never = "Cause:"},
    {.name = "nothing made yet, and nobody there",
     .changes = {{"NodeClaim", NULL},
                 {"Node", NULL},
                 {"Job", NULL},
                 {"Pod", NULL},
                 {"Workspace", "{\"status\":null,\"metadata\":{\"finalizers\":null,\"annotations\":null}}"}},
     .says = {"Pending, stage admitted\n", "Nothing has acted on this Workspace yet: is kaito-webhook"},
     .never = "Cause:"},
    {.name = "a claim that waits",
     .changes = {{"Node", NULL},
                 {"Job", NULL},
                 {"Pod", NULL},
                 {"NodeClaim", "{\"status\":{\"nodeName\":null,\"conditions\":[{\"type\":\"Launched\",\"status\":"
                               "\"True\"}]},\"metadata\":{\"creationTimestamp\":\"2026-11-23T11:59:50Z\"}}"},
                 {"Workspace", STATE("Pending", "False", "workspacePending")}},
     .says = {"Pending, stage node\n", "ws60246922f", "NodeClaim   ws60246922f   10s   Launched, not Registered\n"}},
    {.name = "a claim that is refused",
     .changes = {{"Node", NULL},
                 {"Job", NULL},
                 {"Pod", NULL},
                 {"NodeClaim", "{\"status\":{\"nodeName\":null,\"conditions\":[{\"type\":\"Launched\",\"status\":"
                               "\"Unknown\",\"reason\":\"LaunchFailed\",\"message\":\"instance type not found\"}]}}"},
                 {"Workspace", STATE("Pending", "False", "workspacePending")}},
     .says = {"Pending, stage node\n", "Cause: LaunchFailed (NodeClaim ws60246922f):", "instance type not found",
              "not Launched (LaunchFailed)"}},
    {.name = "a pod without a node",
     .changes = {{"Pod", "{\"spec\":{\"nodeName\":null},\"status\":{\"phase\":\"Pending\",\"containerStatuses\":null,"
                         "\"initContainerStatuses\":null,\"conditions\":[{\"type\":\"PodScheduled\",\"status\":"
                         "\"False\",\"reason\":\"Unschedulable\",\"message\":\"0/3 nodes are available\"}]}}"}},
     .says = {"stage scheduling\n", "Cause: Unschedulable (Pod tune-phi-x7k2p):", "0/3 nodes are available",
              "Pending, Unschedulable\n"}},
    {.name = "an image that cannot be pulled",
     .changes = {{"Pod", TRAINER("{\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"no such image\"}}")},
                 {"Pod", "{\"status\":{\"phase\":\"Pending\"}}"}},
     .says = {"tune-phi (namespace default): Running, stage ",
              "Cause: ImagePullBackOff (Pod tune-phi-x7k2p):", "Pending, tune-phi ImagePullBackOff, pusher running\n",
              "Warning *   FailedMount", "* the first warning about the cause\n"}},
    {.name = "a trainer that ran out of memory",
     .changes = {{"Pod", TRAINER("{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}")},
                 {"Pod", "{\"status\":{\"phase\":\"Failed\"}}"},
                 {"Job", JOB_ENDED("Failed")},
                 {"Workspace", STATE("Failed", "False", "OOMKilled")}},
     .says = {"tune-phi (namespace default): Failed, stage failed\n",
              "Cause: OOMKilled (Pod tune-phi-x7k2p):", "tune-phi exit 137"}},
    {.name = "a tuning that has succeeded",
     .changes = {{"Pod", TRAINER("{\"terminated\":{\"exitCode\":0}}")},
                 {"Pod", "{\"status\":{\"phase\":\"Succeeded\"}}"},
                 {"Job", JOB_ENDED("Complete")},
                 {"Workspace", STATE("Succeeded", "True", "workspaceSucceeded")}},
     .says = {"tune-phi (namespace default): Succeeded, stage done\n", "Complete"},
     .never = "Cause:"},
    {.name = "a complete Job of upstream's operator, whose claims have other names and whose status is late",
     .changes = {{"Pod", TRAINER("{\"terminated\":{\"exitCode\":0}}")},
                 {"Pod", "{\"status\":{\"phase\":\"Succeeded\"}}"},
                 {"Job", JOB_ENDED("Complete")},
                 {"NodeClaim", "{\"metadata\":{\"name\":\"ws0123abcde\"}}"},
                 {"Workspace", STATE("Running", "False", "workspacePending")}},
     .says = {"stage done\n", "Succeeded"},
     .never = "Cause:"},
    {.name = "a deletion",
     .changes = {{"Workspace", "{\"metadata\":{\"deletionTimestamp\":\"2026-11-23T11:59:00Z\"}}"}},
     .says = {"tune-phi (namespace default): Deleting, stage deleting\n"}},
    {.name = "a model that is served while its pod crashes",
     .changes = {{"Job", NULL},
                 {"Workspace", "{\"tuning\":null,\"inference\":{\"preset\":{\"name\":\"phi-4\"}},\"status\":{\"state\":"
                               "\"Ready\",\"conditions\":[{\"type\":\"ResourceReady\",\"status\":\"True\"},{\"type\":"
                               "\"InferenceReady\",\"status\":\"True\",\"message\":\"all is well\"}]}}"},
                 {"Pod", TRAINER("{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}},\"lastState\":{\"terminated\":{"
                                 "\"exitCode\":1}}")}},
     .says = {"tune-phi (namespace default): NotReady, stage starting\n", "Cause: ", "tune-phi CrashLoopBackOff"},
     .never = "all is well\n  "},
    {.name = "a model that is served",
     .changes = {{"Job", NULL},
                 {"Workspace", "{\"tuning\":null,\"inference\":{\"preset\":{\"name\":\"phi-4\"}},\"status\":{\"state\":"
                               "\"Ready\",\"conditions\":[{\"type\":\"ResourceReady\",\"status\":\"True\"},{\"type\":"
                               "\"InferenceReady\",\"status\":\"True\",\"message\":\"all is well\"}]}}"}},
     .says = {"tune-phi (namespace default): Ready, stage serving\n", "  all is well\n"},
     .never = "Cause:"},
};

static void the_screen_says_how_far_it_is(void **state KT_UNUSED)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(screens); i++) {
        const struct screen *screen = &screens[i];
        kt_object_server_load(run.server, TRAINING);
        for (const struct change *change = screen->changes; change->kind; change++)
            kt_object_server_change(run.server, change->kind, NULL, change->patch);
        kt_plugin_run(&run, "status tune-phi");
        kt_plugin_run_expect_code(&run, KT_EXIT_OK);
        for (const char *const *says = screen->says; *says; says++)
            if (!strstr(run.out, *says))
                fail_msg("%s: not said: %s\nsaid:\n%s%s", screen->name, *says, run.out, run.err);
        if (screen->never && strstr(run.out, screen->never))
            fail_msg("%s: said: %s\nin:\n%s", screen->name, screen->never, run.out);
    }
}

static void the_table_has_a_line_for_each(void **state KT_UNUSED)
{
    kt_plugin_run(&run, "status");
    assert_string_equal(run.out, "NAME       METHOD   MODEL                      INSTANCE                   STATE     "
                                 "STAGE      AGE   DETAIL\n"
                                 "tune-phi   qlora    phi-3-mini-128k-instruct   Standard_NC24ads_A100_v4   Running   "
                                 "training   10m   container tune-phi of pod tune-phi-x7k2p runs\n");
    kt_plugin_run(&run, "status -A -o wide --no-headers");
    kt_plugin_run_expect(run.out, "default   tune-phi   qlora ");
    kt_plugin_run_expect(run.out, " training   10m   node-1   container tune-phi");
    kt_plugin_run(&run, "status -o name");
    assert_string_equal(run.out, "workspace.kaito.sh/tune-phi\n");
    kt_object_server_change(run.server, "Workspace", NULL, NULL);
    kt_plugin_run(&run, "status");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    assert_string_equal(run.err, "No resources found in default namespace.\n");
    assert_string_equal(run.out, "");
}

static void trees_hold_the_verdict(void **state KT_UNUSED)
{
    kt_object_server_change(run.server, "Pod", NULL,
                            TRAINER("{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}"));
    kt_plugin_run(&run, "status tune-phi -o jsonpath={.stage}/{.cause.reason}/{.cause.kind}/{.cause.name}/"
                        "{.workspace.metadata.name}/{.objects[0].kind}");
    kt_plugin_run_expect(run.out, "/OOMKilled/Pod/tune-phi-x7k2p/tune-phi/NodeClaim");
    kt_plugin_run(&run, "status -o jsonpath={.items[0].cause.reason}");
    assert_string_equal(run.out, "OOMKilled");
}

static void what_may_not_be_read_is_left_out(void **state KT_UNUSED)
{
    kt_object_server_refuse(run.server, "nodes", 403);
    kt_plugin_run(&run, "status tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    kt_plugin_run_expect(run.err, "nodes \"node-1\" is forbidden");
    kt_plugin_run_expect(run.out, "Pod         tune-phi-x7k2p");
    kt_object_server_refuse(run.server, "nodeclaims", 404);
    kt_plugin_run(&run, "status tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    assert_string_equal(run.err, "");
    kt_object_server_refuse(run.server, "workspaces", 403);
    kt_plugin_run(&run, "status tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    kt_plugin_run_expect(run.err, "is forbidden");
}

static void a_workspace_that_is_not_there_is_an_error(void **state KT_UNUSED)
{
    kt_plugin_run(&run, "status other");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    assert_string_equal(run.err, "Error from server (NotFound): workspaces.kaito.sh \"other\" not found\n");
    kt_plugin_run(&run, "status Other_1");
    kt_plugin_run_expect(run.err, "is no name of a Workspace");
    kt_object_server_refuse(run.server, "workspaces", 404);
    kt_plugin_run(&run, "status tune-phi");
    kt_plugin_run_expect(run.err, "does not know the type workspaces.kaito.sh");
    kt_plugin_run(&run, "status tune-phi -A");
    kt_plugin_run_expect(run.err, "cannot be named together with --all-namespaces");
}

static void events_are_one_story(void **state KT_UNUSED)
{
    kt_plugin_run(&run, "events tune-phi");
    assert_string_equal(run.out,
                        "LAST SEEN   TYPE      REASON             OBJECT                  MESSAGE\n"
                        "9m30s       Normal    Launched           NodeClaim/ws60246922f   the machine starts\n"
                        "7m58s       Normal    SuccessfulCreate   Job/tune-phi            Created pod: tune-phi-x7k2p\n"
                        "7m57s       Normal    Scheduled          Pod/tune-phi-x7k2p      Successfully assigned "
                        "default/tune-phi-x7k2p to node-1\n"
                        "7m50s       Warning   FailedMount        Pod/tune-phi-x7k2p      MountVolume.SetUp failed for "
                        "volume \"docker-config\" (3 times)\n");
    kt_plugin_run(&run, "events tune-phi -o jsonpath={.items[*].reason}");
    assert_string_equal(run.out, "Launched SuccessfulCreate Scheduled FailedMount");
}

static void watching_prints_changes_until_the_end(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {
        {.await = "", .kind = "Pod", .patch = TRAINER("{\"terminated\":{\"exitCode\":1,\"reason\":\"Error\"}}")},
        {.await = "", .kind = "Job", .patch = JOB_ENDED("Failed")},
        {.await = "", .kind = "Workspace", .patch = STATE("Failed", "False", "Error")},
    };
    run.steps = steps;
    run.step_count = KT_ARRAY_LENGTH(steps);
    kt_plugin_run(&run, "status tune-phi -w");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    kt_plugin_run_expect(run.out, "Failed, stage failed\n");
    kt_plugin_run(&run, "status tune-phi -w -o json");
    kt_plugin_run_expect(run.err, "--watch prints tables only");
}

/* A registry that does not answer: the pusher runs, and only its log says what it waits for. */
static void what_is_tried_again_is_told(void **state KT_UNUSED)
{
    static const char retry[] = "pusher: try 3 failed: dial tcp 10.0.0.1:443: connect: connection refused\n";
    kt_object_server_log(run.server, "pusher", retry, 0);
    kt_plugin_run(&run, "status tune-phi"); /* while the trainer runs the pusher only waits */
    kt_plugin_run_expect(run.out, "container tune-phi of pod tune-phi-x7k2p runs");
    assert_null(strstr(run.out, "try 3"));
    kt_object_server_change(run.server, "Pod", NULL, TRAINER("{\"terminated\":{\"exitCode\":0}}"));
    kt_plugin_run(&run, "status tune-phi");
    kt_plugin_run_expect(run.out, "stage push\n");
    kt_plugin_run_expect(run.out, "container pusher: try 3 failed: dial tcp 10.0.0.1:443");
}

static void text_of_the_cluster_cannot_steer_a_terminal(void **state KT_UNUSED)
{
    kt_object_server_change(run.server, "Event", "tune-phi.1", "{\"message\":\"\\u001b]0;gotcha\\u0007\\nline\"}");
    kt_object_server_change(run.server, "Workspace", NULL, "{\"status\":{\"state\":\"\\u001b[2J\"}}");
    kt_plugin_run(&run, "status tune-phi");
    assert_null(strchr(run.out, 0x1b));
    kt_plugin_run_expect(run.out, "^[]0;gotcha^G\\nline");
}

static void odd_objects_do_no_harm(void **state KT_UNUSED)
{
    static const struct change odd[] = {
        {"Workspace", "{\"status\":[1,2],\"resource\":null,\"tuning\":7}"},
        {"Workspace", "{\"status\":{\"conditions\":{\"a\":1},\"workerNodes\":\"x\",\"state\":4},\"metadata\":{"
                      "\"creationTimestamp\":\"soon\"}}"},
        {"Pod", "{\"status\":{\"containerStatuses\":{\"a\":[]},\"phase\":null},\"spec\":null}"},
        {"NodeClaim", "{\"status\":\"none\"}"},
        {"Job", "{\"status\":{\"active\":\"one\"}}"},
        {"Event", "{\"involvedObject\":{\"name\":\"tune-phi\"},\"lastTimestamp\":17,\"type\":null,\"count\":\"many\"}"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(odd); i++) {
        kt_object_server_change(run.server, odd[i].kind, NULL, odd[i].patch);
        kt_plugin_run(&run, "status tune-phi");
        kt_plugin_run_expect_code(&run, KT_EXIT_OK);
        kt_plugin_run(&run, "status");
        kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_screen_says_how_far_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_table_has_a_line_for_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trees_hold_the_verdict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_read_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_workspace_that_is_not_there_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_are_one_story, set_up, tear_down),
        cmocka_unit_test_setup_teardown(watching_prints_changes_until_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_tried_again_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_of_the_cluster_cannot_steer_a_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(odd_objects_do_no_harm, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
