/* SPDX-License-Identifier: Apache-2.0 */
/* `wait` and `delete`: one line a stage, exit codes, a server that goes away, Ctrl-C. */
#include "tests/lib/plugin_run.h"

#include <signal.h>

#define TRAINING "tests/unit/data/plugin/training.yaml"

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

#define TRAINER(state, pusher)                                                                            \
    "{\"status\":{\"containerStatuses\":[{\"name\":\"tune-phi\",\"restartCount\":0,\"state\":" state "}," \
    "{\"name\":\"pusher\",\"restartCount\":0,\"state\":" pusher "}]}}"
#define RUNNING "{\"running\":{}}"
#define EXIT(code) "{\"terminated\":{\"exitCode\":" #code "}}"
#define PHASE(phase) "{\"status\":{\"phase\":\"" phase "\"}}"
#define JOB_ENDED(type) \
    "{\"status\":{\"active\":null,\"ready\":null,\"conditions\":[{\"type\":\"" type "\",\"status\":\"True\"}]}}"
#define STATE(state, status, reason, generation)                                                                 \
    "{\"status\":{\"state\":\"" state "\",\"conditions\":[{\"type\":\"WorkspaceSucceeded\",\"status\":\"" status \
    "\",\"reason\":\"" reason "\",\"observedGeneration\":" #generation "}]}}"

static void do_steps(const struct kt_plugin_step *steps, size_t count, const char *words)
{
    run.steps = steps;
    run.step_count = count;
    kt_plugin_run(&run, words);
}
#define RUN(steps, words) do_steps(steps, KT_ARRAY_LENGTH(steps), words)

static void it_ends_with_success(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {
        {.await = "training   ", .kind = "Pod", .patch = TRAINER(EXIT(0), RUNNING)},
        {.await = "push       ", .kind = "Pod", .patch = TRAINER(EXIT(0), EXIT(0))},
        {.await = "push       ", .kind = "Pod", .patch = PHASE("Succeeded")},
        {.await = "push       ", .kind = "Job", .patch = JOB_ENDED("Complete")},
        {.await = "done       ", .kind = "Workspace", .patch = STATE("Succeeded", "True", "workspaceSucceeded", 1)},
    };
    RUN(steps, "wait tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    kt_plugin_run_expect(run.err, "Workspace tune-phi has succeeded: the adapter is in registry.example.com/a/"
                                  "tune-phi:1\n");
    assert_string_equal(run.out, "");
}

/* A change of the spec that is not acted on yet: the old run's success is not the new one's. */
static void an_older_success_does_not_count(void **state KT_UNUSED)
{
    kt_object_server_change(run.server, "Job", NULL, JOB_ENDED("Complete"));
    kt_object_server_change(run.server, "Workspace", NULL, STATE("Succeeded", "True", "workspaceSucceeded", 1));
    kt_object_server_change(run.server, "Workspace", NULL, "{\"metadata\":{\"generation\":2}}");
    kt_plugin_run(&run, "wait tune-phi --timeout 1s");
    kt_plugin_run_expect_code(&run, KT_EXIT_TIMEOUT);
    kt_object_server_change(run.server, "Workspace", NULL, "{\"metadata\":{\"generation\":1}}");
    kt_plugin_run(&run, "wait tune-phi --timeout 1m");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
}

static void a_failure_is_told_with_its_cause(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {
        {.await = "training   ", .kind = "Pod", .patch = TRAINER(EXIT(137), RUNNING)},
        {.await = "137", .kind = "Job", .patch = JOB_ENDED("Failed")},
        {.await = "failed     ", .kind = "Workspace", .patch = STATE("Failed", "False", "Error", 1)},
    };
    RUN(steps, "wait tune-phi --for=succeeded");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    kt_plugin_run_expect(run.err, "error: Workspace tune-phi has failed: ");
    kt_plugin_run_expect(run.err, "(Pod tune-phi-x7k2p): ");
    kt_plugin_run(&run, "wait tune-phi --for=failed");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
}

static void time_that_is_up_has_a_code_of_its_own(void **state KT_UNUSED)
{
    kt_plugin_run(&run, "wait tune-phi --timeout 300ms");
    kt_plugin_run_expect_code(&run, KT_EXIT_TIMEOUT);
    kt_plugin_run_expect(run.err, "error: the time is up and Workspace tune-phi has not succeeded; stage training: ");
    kt_plugin_run(&run, "wait tune-phi --timeout soon");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    kt_plugin_run_expect(run.err, "--timeout \"soon\" is not a duration");
    kt_plugin_run(&run, "wait tune-phi --timeout=-5s");
    kt_plugin_run_expect(run.err, "is negative");
    kt_plugin_run(&run, "wait");
    kt_plugin_run_expect(run.err, "the name of a Workspace is missing");
}

static void a_workspace_that_is_not_there_is_not_waited_for(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {{.await = "training   ", .kind = "Workspace"}};
    kt_plugin_run(&run, "wait other");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    kt_plugin_run_expect(run.err, "workspaces.kaito.sh \"other\" not found");
    kt_plugin_run(&run, "wait other --for=delete");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    RUN(steps, "wait tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    kt_plugin_run_expect(run.err, "error: Workspace tune-phi was deleted while it was waited for\n");
}

static void go_away(struct kt_object_server *server)
{
    kt_object_server_go_away(server, true);
}

static void come_back(struct kt_object_server *server)
{
    kt_object_server_change(server, "Job", NULL, JOB_ENDED("Complete"));
    kt_object_server_change(server, "Workspace", NULL, STATE("Succeeded", "True", "workspaceSucceeded", 1));
    kt_object_server_go_away(server, false);
}

static void a_server_that_goes_away_is_waited_for(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {
        {.await = "training   ", .act = go_away},
        {.await = "The API server cannot be asked, trying again: ", .act = come_back},
        {.await = "The API server answers again."},
    };
    RUN(steps, "wait tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
}

/* The request of a look hangs: its own limit is a minute, but the user's time is up before. */
static void the_time_is_kept_when_the_server_falls_silent(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {{.await = "training   ", .act = kt_object_server_fall_silent}};
    int64_t start_ms = kt_clock_monotonic_ms(&kt_clock_system);
    RUN(steps, "wait tune-phi --timeout 6s");
    kt_plugin_run_expect_code(&run, KT_EXIT_TIMEOUT);
    kt_plugin_run_expect(run.err, "error: the time is up and Workspace tune-phi has not succeeded");
    assert_true(kt_clock_monotonic_ms(&kt_clock_system) - start_ms < 60000);
    /* From the first request on. */
    kt_plugin_run(&run, "wait tune-phi --timeout 1s");
    kt_plugin_run_expect_code(&run, KT_EXIT_TIMEOUT);
}

static void nobody_acting_is_said_once(void **state KT_UNUSED)
{
    static const char *const kinds[] = {"NodeClaim", "Node", "Job", "Pod"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kinds); i++)
        kt_object_server_change(run.server, kinds[i], NULL, NULL);
    kt_object_server_change(run.server, "Workspace", NULL,
                            "{\"status\":null,\"metadata\":{\"finalizers\":null,\"annotations\":null}}");
    kt_plugin_run(&run, "wait tune-phi --timeout 1s");
    kt_plugin_run_expect_code(&run, KT_EXIT_TIMEOUT);
    const char *said = strstr(run.err, "Warning: nothing has acted on this Workspace yet");
    assert_non_null(said);
    assert_null(strstr(said + 1, "Warning: nothing"));
}

static void the_log_is_written_and_read(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {
        {.await = "step 60/60, loss 0.7", .kind = "Pod", .patch = TRAINER(EXIT(0), RUNNING)},
        {.await = "push       ", .kind = "Job", .patch = JOB_ENDED("Complete")},
        {.await = "done       ", .kind = "Workspace", .patch = STATE("Succeeded", "True", "workspaceSucceeded", 1)},
    };
    kt_object_server_log(run.server, "tune-phi",
                         "loading\n{'loss': 1.5, 'epoch': 0.1}\n  5%|x| 3/60 [00:10<03:00,  3.3s/it]\n"
                         "{'loss': 0.7, 'epoch': 1.0}\n100%|xxxxx| 60/60 [03:10<00:00,  3.3s/it]\nbye\n",
                         60);
    RUN(steps, "wait tune-phi --follow");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    /* The connection broke after 60 bytes: nothing is lost, nothing comes twice. */
    assert_string_equal(run.out, "loading\n{'loss': 1.5, 'epoch': 0.1}\n  5%|x| 3/60 [00:10<03:00,  3.3s/it]\n"
                                 "{'loss': 0.7, 'epoch': 1.0}\n100%|xxxxx| 60/60 [03:10<00:00,  3.3s/it]\nbye\n");
    assert_non_null(strstr(run.err, "step 3/60, loss 1.5, 03:00 left"));
    assert_null(strstr(run.err, "00:00 left"));
    assert_null(strstr(run.err, "Warning:"));
}

/* It "succeeds", and has learnt nothing: said while it runs, and again beside the adapter. */
static void a_training_in_vain_is_told(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {
        {.await = "Warning: every loss is 0", .kind = "Pod", .patch = TRAINER(EXIT(0), RUNNING)},
        {.await = "push       ", .kind = "Job", .patch = JOB_ENDED("Complete")},
        {.await = "done       ", .kind = "Workspace", .patch = STATE("Succeeded", "True", "workspaceSucceeded", 1)},
    };
    kt_object_server_log(
        run.server, "tune-phi",
        "{'loss': '0', 'grad_norm': '0', 'epoch': '1'}\n{'loss': '0', 'grad_norm': '0', 'epoch': '2'}\n"
        "{'loss': '0', 'grad_norm': '0', 'epoch': '3'}\n",
        0);
    RUN(steps, "wait tune-phi --follow");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    const char *said = strstr(run.err, "Warning: every loss is 0, so nothing is learnt");
    assert_non_null(said);
    assert_null(strstr(said + 1, "\nWarning: every loss is 0"));
    assert_non_null(strstr(said, "\nWarning: do not use it: every loss is 0"));
}

/* One line a stage that stays, with the seconds; nothing that is longer than the terminal is wide. */
static void a_terminal_is_rewritten_in_place(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {
        {.await = "   1s", .kind = "Pod", .patch = TRAINER(EXIT(137), RUNNING)},
        {.await = "\n", .kind = "Job", .patch = JOB_ENDED("Failed")},
        {.await = "failed     ", .kind = "Workspace", .patch = STATE("Failed", "False", "Error", 1)},
    };
    run.is_terminal = true;
    RUN(steps, "wait tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    kt_plugin_run_expect(run.err, "training   container tune-phi of pod tune-phi-x7k2p runs   0s\r\x1b[Ktraining   "
                                  "container tune-phi of pod tune-phi-x7k2p runs   1s\r\x1b[K");
    for (const char *line = run.err; *line;) {
        const char *live = strncmp(line, "training   ", 11) == 0 ? line : NULL;
        size_t length = strcspn(line, "\r\n");
        assert_true(!live || length <= 100);
        line += length + (line[length] != '\0');
        line += strncmp(line, "\x1b[K", 3) == 0 ? 3 : 0;
    }
}

static void a_model_that_is_served_becomes_ready(void **state KT_UNUSED)
{
    kt_object_server_change(run.server, "Job", NULL, NULL);
    kt_object_server_change(
        run.server, "Workspace", NULL,
        "{\"tuning\":null,\"inference\":{\"preset\":{\"name\":\"phi-4\"}},\"status\":{\"conditions\":"
        "[{\"type\":\"ResourceReady\",\"status\":\"True\"}]}}");
    static const struct kt_plugin_step steps[] = {
        {.await = "starting   ",
         .kind = "Workspace",
         .patch = "{\"status\":{\"conditions\":[{\"type\":\"ResourceReady\",\"status\":\"True\"},{\"type\":"
                  "\"InferenceReady\",\"status\":\"True\"}]}}"},
    };
    RUN(steps, "wait tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    kt_plugin_run_expect(run.err, "Workspace tune-phi is ready\n");
    kt_plugin_run(&run, "wait tune-phi --for=succeeded");
    kt_plugin_run_expect(run.err, "serves a model: it becomes ready (--for=ready)");
}

/* --- delete --------------------------------------------------------------------------------------------------------
 */

static void deletion_says_what_it_waits_for(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {
        {.await = "waiting for NodeClaim ws60246922f, Job tune-phi, finalizer workspace.finalizer.kaito.sh",
         .kind = "Job"},
        {.await = "waiting for NodeClaim ws60246922f, finalizer workspace.finalizer.kaito.sh", .kind = "NodeClaim"},
        {.await = "waiting for finalizer workspace.finalizer.kaito.sh", .kind = "Workspace"},
        {.await = "the Workspace is gone, waiting for Pod tune-phi-x7k2p", .kind = "Pod"},
    };
    RUN(steps, "delete tune-phi --wait");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    assert_string_equal(run.out, "workspace.kaito.sh \"tune-phi\" deleted\n");
    kt_plugin_run_expect(run.err, "Workspace tune-phi is deleted");
}

static void deletion_need_not_wait(void **state KT_UNUSED)
{
    kt_plugin_run(&run, "delete tune-phi --dry-run=client");
    assert_string_equal(run.out, "workspace.kaito.sh \"tune-phi\" deleted (dry run)\n");
    assert_int_equal(kt_object_server_asked(run.server, "DELETE", ""), 0);
    kt_plugin_run(&run, "delete tune-phi --dry-run=server");
    assert_string_equal(run.out, "workspace.kaito.sh \"tune-phi\" deleted (server dry run)\n");
    assert_int_equal(kt_object_server_asked(run.server, "DELETE", "/workspaces/tune-phi"), 1);
    kt_plugin_run(&run, "status tune-phi -o jsonpath={.state}");
    assert_string_equal(run.out, "Running");
    kt_plugin_run(&run, "delete tune-phi --wait=false -o name");
    assert_string_equal(run.out, "workspace.kaito.sh/tune-phi\n");
    assert_true(kt_object_server_has(run.server, "Workspace", "tune-phi"));
    kt_plugin_run(&run, "delete tune-phi --timeout 300ms");
    kt_plugin_run_expect_code(&run, KT_EXIT_TIMEOUT);
    kt_plugin_run_expect(run.err, "the time is up and Workspace tune-phi is not deleted; stage deleting: waiting for ");
}

static void deleting_what_is_not_there(void **state KT_UNUSED)
{
    kt_plugin_run(&run, "delete other");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    assert_string_equal(run.err, "Error from server (NotFound): workspaces.kaito.sh \"other\" not found\n");
    kt_plugin_run(&run, "delete other --ignore-not-found");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    assert_string_equal(run.err, "");
    kt_plugin_run(&run, "delete");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
}

/* A Workspace made anew under the same name is not waited for. */
static void make_anew(struct kt_object_server *server)
{
    kt_object_server_change(server, "Workspace", NULL,
                            "{\"metadata\":{\"uid\":\"another\",\"deletionTimestamp\":null}}");
}

static void a_new_one_of_the_name_is_another(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {{.await = "deleting   ", .act = make_anew}};
    RUN(steps, "delete tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
}

/* --- Ctrl-C: the last test, because a program is interrupted once ----------------------------------------------------
 */

static void press_ctrl_c(struct kt_object_server *server KT_UNUSED)
{
    kill(getpid(), SIGINT);
}

static void ctrl_c_leaves_it_running(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {{.await = "training   ", .act = press_ctrl_c}};
    RUN(steps, "wait tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_INTERRUPTED);
    kt_plugin_run_expect(run.err, "Interrupted: the Workspace goes on without this program. To come back:\n"
                                  "  kubectl kaito wait tune-phi -n default\n"
                                  "  kubectl kaito status tune-phi -n default --watch\n");
    assert_null(strstr(run.err, "error"));
    assert_true(kt_object_server_has(run.server, "Workspace", "tune-phi"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_ends_with_success, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_older_success_does_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_is_told_with_its_cause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_that_is_up_has_a_code_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_workspace_that_is_not_there_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_goes_away_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_time_is_kept_when_the_server_falls_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_acting_is_said_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_training_in_vain_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_is_written_and_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_training_in_vain_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_terminal_is_rewritten_in_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_model_that_is_served_becomes_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deletion_says_what_it_waits_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deletion_need_not_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deleting_what_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_one_of_the_name_is_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ctrl_c_leaves_it_running, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
