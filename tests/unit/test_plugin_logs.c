/* SPDX-License-Identifier: Apache-2.0 */
/* `logs`: the container that matters; and what is read of a trainer's log. */
#include "tests/lib/plugin_run.h"

#include "plugin/training_progress.h"

#define TRAINING "tests/unit/data/plugin/training.yaml"

static struct kt_plugin_run run;

static int set_up(void **state KT_UNUSED)
{
    run.server = kt_object_server_start();
    kt_object_server_load(run.server, TRAINING);
    kt_object_server_log(run.server, "model-weights-downloader", "weights\n", 0);
    kt_object_server_log(run.server, "data-downloader", "data\n", 0);
    kt_object_server_log(run.server, "tune-phi", "one\ntwo\nthree\n", 0);
    kt_object_server_log(run.server, "pusher", "pushed\n", 0);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_object_server_stop(run.server);
    return 0;
}

#define RUNNING "{\"running\":{}}"
#define EXIT(code) "{\"terminated\":{\"exitCode\":" #code "}}"
#define WAITING(reason) "{\"waiting\":{\"reason\":\"" reason "\"}}"
#define CONTAINER(name, state) "{\"name\":\"" name "\",\"state\":" state "}"
#define POD(weights, data, trainer, pusher)                                                                  \
    "{\"status\":{\"initContainerStatuses\":[" CONTAINER("model-weights-downloader", weights) "," CONTAINER( \
        "data-downloader", data) "],\"containerStatuses\":[" CONTAINER("tune-phi",                           \
                                                                       trainer) "," CONTAINER("pusher", pusher) "]}}"

static void it_chooses_the_container_that_matters(void **state KT_UNUSED)
{
    static const struct {
        const char *pod, *chosen, *log;
    } rows[] = {
        {POD(RUNNING, WAITING("PodInitializing"), WAITING("PodInitializing"), WAITING("PodInitializing")),
         "model-weights-downloader", "weights\n"},
        {POD(EXIT(0), RUNNING, WAITING("PodInitializing"), WAITING("PodInitializing")), "data-downloader", "data\n"},
        {POD(EXIT(0), EXIT(22), WAITING("PodInitializing"), WAITING("PodInitializing")), "data-downloader", "data\n"},
        {POD(EXIT(0), EXIT(0), RUNNING, RUNNING), "tune-phi", "one\ntwo\nthree\n"},
        {POD(EXIT(0), EXIT(0), EXIT(1), RUNNING), "tune-phi", "one\ntwo\nthree\n"},
        {POD(EXIT(0), EXIT(0), WAITING("CrashLoopBackOff") ",\"lastState\":" EXIT(1), RUNNING), "tune-phi",
         "one\ntwo\nthree\n"},
        {POD(EXIT(0), EXIT(0), EXIT(0), RUNNING), "pusher", "pushed\n"},
        {POD(EXIT(0), EXIT(0), EXIT(0), EXIT(1)), "pusher", "pushed\n"},
        {POD(EXIT(0), EXIT(0), EXIT(0), EXIT(0)), "tune-phi", "one\ntwo\nthree\n"},
        {POD(EXIT(0), EXIT(0), WAITING("ImagePullBackOff"), WAITING("ImagePullBackOff")), "data-downloader", "data\n"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        char said[256];
        kt_object_server_change(run.server, "Pod", NULL, rows[i].pod);
        kt_plugin_run(&run, "logs tune-phi");
        kt_plugin_run_expect_code(&run, KT_EXIT_OK);
        snprintf(said, sizeof(said), "Container %s of pod tune-phi-x7k2p:\n", rows[i].chosen);
        assert_string_equal(run.err, said);
        assert_string_equal(run.out, rows[i].log);
    }
}

static void flags_choose_otherwise(void **state KT_UNUSED)
{
    kt_plugin_run(&run, "logs tune-phi -c data-downloader");
    assert_string_equal(run.out, "data\n");
    kt_plugin_run(&run, "logs tune-phi --all");
    assert_string_equal(run.out, "[model-weights-downloader] weights\n[data-downloader] data\n[tune-phi] one\n"
                                 "[tune-phi] two\n[tune-phi] three\n[pusher] pushed\n");
    kt_plugin_run(&run, "logs tune-phi -p --tail 5");
    assert_int_equal(kt_object_server_asked(run.server, "GET", "container=tune-phi&previous=true&tailLines=5"), 1);
    kt_plugin_run(&run, "logs tune-phi -c sidecar");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    kt_plugin_run_expect(run.err, "pod tune-phi-x7k2p has no container \"sidecar\"; it has: model-weights-downloader, "
                                  "data-downloader, tune-phi, pusher\n");
    kt_plugin_run(&run, "logs tune-phi --all -f");
    kt_plugin_run_expect(run.err, "--all cannot be used together with --follow");
}

static void without_a_pod_it_says_why(void **state KT_UNUSED)
{
    kt_object_server_change(run.server, "Pod", NULL, NULL);
    kt_plugin_run(&run, "logs tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    kt_plugin_run_expect(run.err, "error: Workspace tune-phi has no pod yet, and so no log: ");
    kt_plugin_run(&run, "logs other");
    kt_plugin_run_expect(run.err, "workspaces.kaito.sh \"other\" not found");
}

static void a_log_that_may_not_be_read_is_an_error(void **state KT_UNUSED)
{
    kt_object_server_refuse(run.server, "pods", 403);
    kt_plugin_run(&run, "logs tune-phi");
    kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
    kt_plugin_run_expect(run.err, "forbidden");
}

/* From the data to the trainer, over a connection that breaks in the middle of a line. */
static void following_goes_on_from_container_to_container(void **state KT_UNUSED)
{
    static const struct kt_plugin_step steps[] = {
        {.await = "Container data-downloader", .kind = "Pod", .patch = POD(EXIT(0), EXIT(0), RUNNING, RUNNING)},
        {.await = "Container tune-phi", .kind = "Pod", .patch = POD(EXIT(0), EXIT(0), EXIT(0), EXIT(0))},
        {.await = "Container tune-phi", .kind = "Pod", .patch = "{\"status\":{\"phase\":\"Succeeded\"}}"},
    };
    kt_object_server_stop(run.server);
    run.server = kt_object_server_start();
    kt_object_server_load(run.server, TRAINING);
    kt_object_server_log(run.server, "data-downloader", "data\n", 0);
    kt_object_server_log(run.server, "tune-phi", "one\ntwo\nthree\n", 40);
    kt_object_server_change(run.server, "Pod", NULL,
                            POD(EXIT(0), RUNNING, WAITING("PodInitializing"), WAITING("PodInitializing")));
    run.steps = steps;
    run.step_count = KT_ARRAY_LENGTH(steps);
    kt_plugin_run(&run, "logs tune-phi -f");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    assert_string_equal(run.out, "data\none\ntwo\nthree\n");
}

static void progress_is_read_from_bars_and_records(void **state KT_UNUSED)
{
    struct kt_training_progress progress = {0};
    static const char *const noise[] = {"",
                                        "loading 3/60 [x",
                                        "Map: 100%|####| 1000/1000 [00:01<00:00, 999 examples/s]",
                                        "100%",
                                        "5%|",
                                        "5%|##|",
                                        "5%|##| 3",
                                        "5%|##| 3/",
                                        "5%|##| 3/0 [00:00<00:00]",
                                        "5%|##| 99999999999999999999/99999999999999999999 [00:00]",
                                        "{'eval_loss': 1.0}",
                                        "'loss': "};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(noise); i++)
        assert_false(kt_training_progress_take(&progress, kt_str(noise[i])));
    assert_true(kt_training_progress_take(&progress, kt_str("\r  0%|          | 0/60 [00:00<?, ?it/s]")));
    assert_string_equal(progress.left, "");
    assert_true(kt_training_progress_take(&progress, kt_str("  5%|\xe2\x96\x8c   | 3/60 [00:10<03:10,  3.3s/it]")));
    assert_int_equal(progress.step, 3);
    assert_int_equal(progress.steps, 60);
    assert_string_equal(progress.left, "03:10");
    assert_true(kt_training_progress_take(&progress, kt_str("{'loss': 1.2345, 'grad_norm': 0.5, 'epoch': 0.1}")));
    assert_string_equal(progress.loss, "1.2345");
    assert_true(kt_training_progress_take(&progress, kt_str("{'loss': '1.1e-05', 'epoch': '0.2'}")));
    assert_string_equal(progress.loss, "1.1e-05");
    /* An evaluation between the steps has a bar of its own. */
    assert_false(kt_training_progress_take(&progress, kt_str(" 50%|#| 4/8 [00:01<00:01,  3.3it/s]")));
    assert_false(kt_training_progress_take(&progress, kt_str("  2%|#| 1/60 [00:01<00:01,  3.3it/s]")));
    assert_true(kt_training_progress_take(&progress, kt_str("\r  6%|#| 4/60 [00:1\r  8%|#| 5/60 [00:16<02:50]")));
    assert_int_equal(progress.step, 5);
    assert_string_equal(progress.left, "02:50");
    /* What a record wipes out, and what a container runtime joins to it. */
    assert_true(kt_training_progress_take(&progress, kt_str("\r          \r{'loss': '0.9', 'epoch': '0.3'}")));
    assert_string_equal(progress.loss, "0.9");
    assert_true(kt_training_progress_take(
        &progress, kt_str("\r 10%|#| 6/60 [1:00:00<9:00:00, 600.00s/it]{'loss': nan, 'epoch': 0.4}")));
    assert_string_equal(progress.left, "9:00:00");
    assert_string_equal(progress.loss, "nan");
    /* A time that is cut off is none. */
    assert_false(kt_training_progress_take(&progress, kt_str(" 10%|#| 6/60 [1:00:00<9:0")));
    assert_int_equal(progress.losses.count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_chooses_the_container_that_matters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flags_choose_otherwise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_pod_it_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_that_may_not_be_read_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(following_goes_on_from_container_to_container, set_up, tear_down),
        cmocka_unit_test(progress_is_read_from_bars_and_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
