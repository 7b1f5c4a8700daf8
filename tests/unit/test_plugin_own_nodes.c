/* SPDX-License-Identifier: Apache-2.0 */
/* Tunings on nodes of the user's own: every command tells the same of them, and asks no more than it must. */
#include "tests/lib/plugin_run.h"

#define OWN_NODES "tests/unit/data/plugin/own-nodes.yaml"
#define RUNS "container tune-own of pod tune-own-x7k2p runs"

static struct kt_plugin_run run;

static int set_up(void **state KT_UNUSED)
{
    run.server = kt_object_server_start();
    kt_object_server_load(run.server, OWN_NODES);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_object_server_stop(run.server);
    return 0;
}

static void expect_no_blame(const char *command)
{
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    kt_plugin_run_expect(run.out, RUNS);
    if (strstr(run.out, "NoNodes") || strstr(run.out, "Cause:"))
        fail_msg("%s blames what is well:\n%s", command, run.out);
    assert_string_equal(run.err, "");
}

static void a_running_tuning_is_told_alike_by_all(void **state KT_UNUSED)
{
    static const char *const commands[] = {"status -o wide", "status tune-own",   "status -A -o wide",
                                           "status -o json", "status -A -o yaml", "status tune-own -o json"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(commands); i++) {
        kt_plugin_run(&run, commands[i]);
        expect_no_blame(commands[i]);
    }
    kt_plugin_run(&run, "status -o jsonpath={.items[0].stage}/{.items[0].cause}/{.items[0].objects[*].name}");
    assert_string_equal(run.out, "training//gpu-1 tune-own tune-own-x7k2p");
    kt_plugin_run(&run, "status -o wide --no-headers");
    kt_plugin_run_expect(run.out, "   gpu-1   " RUNS);
}

#define ENDED \
    "{\"status\":{\"active\":null,\"ready\":null,\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]}}"
#define SUCCEEDED                                                                                                \
    "{\"status\":{\"state\":\"Succeeded\",\"conditions\":[{\"type\":\"WorkspaceSucceeded\",\"status\":\"True\"," \
    "\"reason\":\"workspaceSucceeded\",\"observedGeneration\":1}]}}"

static void waiting_and_watching_say_it_too(void **state KT_UNUSED)
{
    static const struct kt_plugin_step waiting[] = {{.await = RUNS, .kind = "Job", .patch = ENDED},
                                                    {.await = "", .kind = "Workspace", .patch = SUCCEEDED}};
    static const struct kt_plugin_step watching[] = {{.await = "", .kind = "Job", .patch = ENDED},
                                                     {.await = "", .kind = "Workspace", .patch = SUCCEEDED}};
    run.steps = waiting;
    run.step_count = KT_ARRAY_LENGTH(waiting);
    kt_plugin_run(&run, "wait tune-own");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    assert_null(strstr(run.err, "NoNodes"));
    kt_object_server_load(run.server, OWN_NODES);
    run.steps = watching;
    run.step_count = KT_ARRAY_LENGTH(watching);
    kt_plugin_run(&run, "status tune-own -w");
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    assert_null(strstr(run.out, "NoNodes"));
}

static void without_a_node_all_say_so(void **state KT_UNUSED)
{
    static const char *const commands[] = {"status -o wide", "status tune-own", "status -A -o wide", "status -o json"};
    kt_object_server_change(run.server, "Job", NULL, NULL);
    kt_object_server_change(run.server, "Pod", NULL, NULL);
    kt_object_server_change(run.server, "Workspace", NULL, "{\"status\":null}");
    kt_object_server_change(run.server, "Node", "gpu-1", "{\"metadata\":{\"labels\":{\"apps\":null}}}");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(commands); i++) {
        kt_plugin_run(&run, commands[i]);
        kt_plugin_run_expect(run.out, "NoNodes");
    }
}

/* Keys that Kaito keeps for itself select nothing, and what cannot be a label is on no node. */
static void odd_selectors_are_read_as_the_operator_reads_them(void **state KT_UNUSED)
{
    static const struct {
        const char *match_labels, *says;
    } cases[] = {
        {"{\"kaito.sh/workspace\":\"tune-own\"}", RUNS},
        {"{\"a,b=c\":\"d\",\"apps\":null}", "NoNodes"},
        {"{\"apps\":\"not a value\",\"a,b=c\":null}", "NoNodes"},
        {"{\"apps\":\"\"}", "NoNodes"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        char patch[256];
        snprintf(patch, sizeof(patch), "{\"resource\":{\"labelSelector\":{\"matchLabels\":%s}}}",
                 cases[i].match_labels);
        kt_object_server_change(run.server, "Workspace", NULL, patch);
        kt_plugin_run(&run, "status tune-own");
        kt_plugin_run_expect_code(&run, KT_EXIT_OK);
        kt_plugin_run_expect(run.out, cases[i].says);
        kt_plugin_run(&run, "status -o wide");
        kt_plugin_run_expect_code(&run, KT_EXIT_OK);
        kt_plugin_run_expect(run.out, cases[i].says);
    }
}

/* For a table one list a kind, whatever is in it; all nodes only when a Workspace has its own. */
static void a_table_takes_one_list_a_kind(void **state KT_UNUSED)
{
    kt_plugin_run(&run, "status");
    assert_int_equal(kt_object_server_asked(run.server, "GET", "/nodes"), 1);
    assert_int_equal(kt_object_server_asked(run.server, "GET", "/pods?"), 1);
    assert_int_equal(kt_object_server_asked(run.server, "GET", "/jobs?"), 1);
    assert_int_equal(kt_object_server_asked(run.server, "GET", "/nodeclaims?"), 1);
    assert_int_equal(kt_object_server_asked(run.server, "GET", "/events"), 0);
    kt_object_server_load(run.server, "tests/unit/data/plugin/training.yaml");
    kt_plugin_run(&run, "status");
    assert_int_equal(kt_object_server_asked(run.server, "GET", "/nodes?"), 2);
    assert_int_equal(kt_object_server_asked(run.server, "GET", "/nodes?limit=100&labelSelector=kaito.sh%2Fworkspace"),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_running_tuning_is_told_alike_by_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waiting_and_watching_say_it_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_node_all_say_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(odd_selectors_are_read_as_the_operator_reads_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_table_takes_one_list_a_kind, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
