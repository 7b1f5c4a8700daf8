/* SPDX-License-Identifier: Apache-2.0 */
/* What the user may not read is not absent: commands say what they did not see, and blame nothing for it. */
#include "tests/lib/plugin_run.h"

#define TRAINING "tests/unit/data/plugin/training.yaml"
#define OWN_NODES "tests/unit/data/plugin/own-nodes.yaml"

static struct kt_plugin_run run;

static int set_up(void **state KT_UNUSED)
{
    run.server = kt_object_server_start();
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_object_server_stop(run.server);
    return 0;
}

/* What is there in truth, what is refused, and what is said. Nothing in the cluster is wrong, so no cause is. */
static const struct {
    const char *path, *name, *refused, *gone, *says;
} cases[] = {
    {TRAINING, "tune-phi", "nodeclaims", NULL, "container tune-phi of pod tune-phi-x7k2p runs"},
    {TRAINING, "tune-phi", "nodes", NULL, "container tune-phi of pod tune-phi-x7k2p runs"},
    {TRAINING, "tune-phi", "jobs", NULL, "its Jobs could not be read"},
    {TRAINING, "tune-phi", "pods", NULL, "its Pods could not be read"},
    {TRAINING, "tune-phi", "events", NULL, "container tune-phi of pod tune-phi-x7k2p runs"},
    {TRAINING, "tune-phi", "nodeclaims", "Job", "its NodeClaims could not be read"},
    {TRAINING, "tune-phi", "nodes", "Job", "its Nodes could not be read"},
    {OWN_NODES, "tune-own", "nodeclaims", NULL, "container tune-own of pod tune-own-x7k2p runs"},
    {OWN_NODES, "tune-own", "nodes", NULL, "container tune-own of pod tune-own-x7k2p runs"},
    {OWN_NODES, "tune-own", "jobs", NULL, "its Jobs could not be read"},
    {OWN_NODES, "tune-own", "pods", NULL, "its Pods could not be read"},
    {OWN_NODES, "tune-own", "nodes", "Job", "its Nodes could not be read"},
    {OWN_NODES, "tune-own", "nodeclaims", "Node", "could not be read"},
};

static void what_is_not_seen_is_no_cause(void **state KT_UNUSED)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *commands[] = {"status -o wide", "", "status -A -o json", ""};
        char one[64], tree[64];
        snprintf(one, sizeof(one), "status %s", cases[i].name);
        snprintf(tree, sizeof(tree), "status %s -o yaml", cases[i].name);
        commands[1] = one;
        commands[3] = tree;
        kt_object_server_load(run.server, cases[i].path);
        if (cases[i].gone)
            kt_object_server_change(run.server, cases[i].gone, NULL, NULL);
        if (cases[i].gone && strcmp(cases[i].gone, "Node") == 0)
            kt_object_server_change(run.server, "Job", NULL, NULL);
        kt_object_server_refuse(run.server, cases[i].refused, 403);
        for (size_t k = 0; k < KT_ARRAY_LENGTH(commands); k++) {
            kt_plugin_run(&run, commands[k]);
            kt_plugin_run_expect_code(&run, KT_EXIT_OK);
            if (!strstr(run.out, cases[i].says) || strstr(run.out, "NoNodes") || strstr(run.out, "Cause:") ||
                strstr(run.out, "NoPod") || strstr(run.out, "Nothing has acted"))
                fail_msg("%s refused, %s:\n%s%s", cases[i].refused, commands[k], run.out, run.err);
            if (strcmp(cases[i].refused, "events") != 0) /* a table reads none */
                kt_plugin_run_expect(run.err, "is forbidden: not for you");
        }
    }
}

static void trees_name_what_is_not_seen(void **state KT_UNUSED)
{
    kt_object_server_load(run.server, OWN_NODES);
    kt_object_server_refuse(run.server, "nodes", 403);
    kt_plugin_run(&run, "status tune-own -o jsonpath={.unseen[*]}/{.cause}");
    assert_string_equal(run.out, "Node/");
    kt_object_server_refuse(run.server, NULL, 0);
    kt_plugin_run(&run, "status tune-own -o json");
    assert_null(strstr(run.out, "unseen"));
}

static void logs_say_that_pods_are_not_seen(void **state KT_UNUSED)
{
    static const char *const commands[] = {"logs tune-phi", "logs tune-phi --follow"};
    kt_object_server_load(run.server, TRAINING);
    kt_object_server_refuse(run.server, "pods", 403);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(commands); i++) {
        kt_plugin_run(&run, commands[i]);
        kt_plugin_run_expect_code(&run, KT_EXIT_ERROR);
        kt_plugin_run_expect(run.err, "the Pods of Workspace tune-phi could not be read, and so no log");
        assert_null(strstr(run.err, "no pod yet"));
    }
}

/* A name that no label can have is on nothing. */
static void a_long_name_has_no_objects(void **state KT_UNUSED)
{
    char command[128], patch[256];
    kt_object_server_load(run.server, OWN_NODES);
    snprintf(patch, sizeof(patch), "{\"metadata\":{\"name\":\"%070d\"}}", 1);
    kt_object_server_change(run.server, "Workspace", NULL, patch);
    snprintf(command, sizeof(command), "status %070d", 1);
    kt_plugin_run(&run, command);
    kt_plugin_run_expect_code(&run, KT_EXIT_OK);
    assert_int_equal(kt_object_server_asked(run.server, "GET", "/pods"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_seen_is_no_cause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trees_name_what_is_not_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(logs_say_that_pods_are_not_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_name_has_no_objects, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
