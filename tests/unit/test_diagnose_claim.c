/* SPDX-License-Identifier: Apache-2.0 */
/* NodeClaims and Nodes on their way and in trouble. */
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

static void expect_claim_cause(const char *what, const char *reason, const char *words)
{
    struct kt_cause cause;
    bool found = kt_diagnose_node_claim(&world.arena, world.claim, world.now_s, &cause);
    if (!reason && found)
        fail_msg("%s: %s: %s", what, cause.reason, cause.message);
    if (!reason)
        return;
    if (!found)
        fail_msg("%s: nothing found", what);
    if (!kt_streq(cause.reason, reason) || !strstr(cause.message, words) || !strstr(cause.message, cause.name))
        fail_msg("%s: %s: %s", what, cause.reason, cause.message);
    assert_string_equal(cause.kind, "NodeClaim");
}

static void set_claim(const char *created, const char *conditions)
{
    world.claim = kt_test_json(&world.arena, kt_arena_printf(&world.arena,
                                                             "{\"metadata\":{\"name\":\"%s\",\"creationTimestamp\":"
                                                             "\"%s\"},\"status\":{\"conditions\":%s}}",
                                                             world.claim_name, created, conditions));
}

static void claims_on_their_way_have_no_cause(void **state)
{
    static const char *const steps[] = {"made", "launched", "registered", "ready"};
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(steps); i++) {
        kt_test_world_claim(&world, steps[i]);
        expect_claim_cause(steps[i], NULL, NULL);
    }
    world.claim = NULL;
    expect_claim_cause("none", NULL, NULL);
}

/* What Karpenter v1.10 writes for an instance type that its cloud does not have. */
static void a_launch_that_fails_is_named(void **state)
{
    (void)state;
    set_claim("2026-11-23T17:59:59Z",
              "[{\"type\":\"Launched\",\"status\":\"Unknown\",\"reason\":\"LaunchFailed\",\"message\":\"creating "
              "instance, instance type not found\"}]");
    expect_claim_cause("unknown", "LaunchFailed", "instance type not found; check resource.instanceType");
    set_claim("2026-11-23T17:59:59Z",
              "[{\"type\":\"Launched\",\"status\":\"False\",\"reason\":\"QuotaExceeded\",\"message\":\"0 left\"}]");
    expect_claim_cause("a cloud's own reason", "QuotaExceeded", "0 left");
    set_claim("2026-11-23T17:59:59Z",
              "[{\"type\":\"Launched\",\"status\":\"Unknown\",\"reason\":\"not a reason!\",\"message\":\"m\"}]");
    expect_claim_cause("a reason that no condition may have", "LaunchFailed", "m");
    set_claim("2026-11-23T17:59:59Z", "[{\"type\":\"Launched\",\"status\":\"Unknown\",\"reason\":"
                                      "\"AwaitingReconciliation\",\"message\":\"object is awaiting reconciliation\"}]");
    expect_claim_cause("not looked at yet", NULL, NULL);
}

static void two_nodes_for_one_claim_are_named(void **state)
{
    (void)state;
    set_claim("2026-11-23T17:59:59Z",
              "[{\"type\":\"Launched\",\"status\":\"True\",\"lastTransitionTime\":\"2026-11-23T17:59:59Z\"},{\"type\":"
              "\"Registered\",\"status\":\"False\",\"reason\":\"MultipleNodesFound\",\"message\":\"matched multiple "
              "nodes\"}]");
    expect_claim_cause("two nodes", "MultipleNodesFound", "matched multiple nodes");
}

static void a_claim_that_goes_is_named(void **state)
{
    (void)state;
    kt_test_world_claim(&world, "ready");
    kt_json_set_string(&world.arena, kt_json_get(world.claim, "metadata"), "deletionTimestamp", "2026-11-23T18:00:00Z");
    expect_claim_cause("deleted", "NodeClaimDeleted", "is being deleted");
}

static void what_takes_too_long_is_named(void **state)
{
    static const char launched[] =
        "[{\"type\":\"Launched\",\"status\":\"True\",\"lastTransitionTime\":\"2026-11-23T17:50:01Z\"},{\"type\":"
        "\"Registered\",\"status\":\"Unknown\",\"reason\":\"NodeNotFound\"}]";
    static const char registered[] =
        "[{\"type\":\"Launched\",\"status\":\"True\"},{\"type\":\"Registered\",\"status\":\"True\","
        "\"lastTransitionTime\":\"2026-11-23T17:50:01Z\"},{\"type\":\"Initialized\",\"status\":\"Unknown\",\"reason\":"
        "\"StartupTaintsExist\",\"message\":\"StartupTaint x still exists\"}]";
    (void)state;
    set_claim("2026-11-23T17:57:01Z", "[]");
    expect_claim_cause("not yet", NULL, NULL);
    world.now_s++;
    expect_claim_cause("nobody acts", "NodeClaimIgnored", "is a Karpenter running");
    world.now_s--;
    set_claim("2026-11-23T17:50:00Z", launched);
    expect_claim_cause("not yet", NULL, NULL);
    world.now_s++;
    expect_claim_cause("registration", "NodeNotRegistered", "does not join the cluster");
    world.now_s--;
    set_claim("2026-11-23T17:50:00Z", registered);
    expect_claim_cause("not yet", NULL, NULL);
    world.now_s++;
    expect_claim_cause("initialisation", "NodeNotInitialized", "StartupTaint x still exists");
}

static void expect_node_cause(const char *what, const char *reason, const char *words)
{
    struct kt_cause cause;
    bool found = kt_diagnose_node(&world.arena, world.node, &cause);
    if (found != (reason != NULL))
        fail_msg("%s: %s", what, found ? cause.message : "nothing found");
    if (!reason)
        return;
    assert_string_equal(cause.reason, reason);
    assert_non_null(strstr(cause.message, words));
    assert_string_equal(cause.kind, "Node");
    assert_string_equal(cause.name, "gpu-1");
}

static void nodes_that_no_tuning_can_use_are_named(void **state)
{
    static const struct {
        const char *capacity;
        bool is_usable;
    } gpus[] = {{"\"1\"", true}, {"\"16\"", true}, {"\"0\"", false}, {"0", false},
                {"-1", false},   {"\"x\"", false}, {"null", false},  {"[1]", false}};
    (void)state;
    kt_test_world_node(&world, "ready");
    expect_node_cause("ready", NULL, NULL);
    kt_test_world_node(&world, "unready");
    expect_node_cause("unready", "NodeNotReady", "gpu-1 is not ready");
    kt_test_world_node(&world, "nogpu");
    expect_node_cause("no GPU", "NodePluginsNotReady", "device plugin");
    kt_test_world_node(&world, "ready");
    kt_json_set_string(&world.arena, kt_json_get(world.node, "metadata"), "deletionTimestamp", "2026-11-23T18:00:00Z");
    expect_node_cause("deleted", "NodeDeleted", "taken away");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(gpus); i++) {
        kt_test_world_node(&world, "ready");
        kt_json_set(&world.arena, kt_json_path(world.node, "status", "capacity", NULL), "nvidia.com/gpu",
                    kt_test_json(&world.arena, gpus[i].capacity));
        expect_node_cause(gpus[i].capacity, gpus[i].is_usable ? NULL : "NodePluginsNotReady", "");
    }
}

/* --- which claim and node count ------------------------------------------------------------------------------ */

static struct kt_diagnosis diagnose(void)
{
    struct kt_observation observation;
    struct kt_diagnosis diagnosis;
    kt_test_world_observe(&world, &observation);
    kt_diagnose(&world.arena, &observation, &diagnosis);
    return diagnosis;
}

static void the_claim_with_the_newest_number_counts(void **state)
{
    char second[KT_NODE_CLAIM_NAME_BYTES];
    (void)state;
    kt_test_world_claim(&world, "ready");
    kt_test_world_node(&world, "ready");
    assert_int_equal(diagnose().stage, KT_STAGE_SCHEDULING);
    kt_json_set_string(&world.arena, kt_json_path(world.workspace, "metadata", "annotations", NULL),
                       "workspace.kaito.io/node-claims", "2");
    kt_node_claim_name(world.workspace, 2, second);
    /* An older one that lives costs money: it is used, whatever number somebody wrote. */
    assert_int_equal(diagnose().stage, KT_STAGE_SCHEDULING);
    kt_test_world_claim(&world, "none");
    kt_test_world_node(&world, "none");
    assert_int_equal(diagnose().stage, KT_STAGE_NODE);
    assert_non_null(strstr(diagnose().detail, second));
    kt_test_world_step(&world, NULL);
    assert_non_null(strstr(kt_test_world_condition(&world, "NodeClaimReady", "message"), "it is number 2"));
}

/* Upstream's operator leaves no such annotation and has names of its own. */
static void without_a_number_a_claim_that_stays_counts(void **state)
{
    struct kt_observation observation;
    struct kt_diagnosis diagnosis;
    const cJSON *claims[2];
    (void)state;
    kt_json_remove(kt_json_path(world.workspace, "metadata", "annotations", NULL), "workspace.kaito.io/node-claims");
    assert_int_equal(diagnose().stage, KT_STAGE_ADMITTED);
    kt_test_world_node(&world, "ready");
    kt_test_world_claim(&world, "launched");
    kt_json_set_string(&world.arena, kt_json_get(world.claim, "metadata"), "deletionTimestamp", "2026-11-23T18:00:00Z");
    claims[0] = world.claim;
    kt_test_world_claim(&world, "ready");
    claims[1] = world.claim;
    kt_test_world_observe(&world, &observation);
    observation.objects[KT_KIND_NODE_CLAIM] = (struct kt_objects){claims, 2};
    kt_diagnose(&world.arena, &observation, &diagnosis);
    assert_int_equal(diagnosis.stage, KT_STAGE_SCHEDULING);
    assert_false(diagnosis.has_cause);
    observation.objects[KT_KIND_NODE_CLAIM].count = 1;
    kt_diagnose(&world.arena, &observation, &diagnosis);
    assert_int_equal(diagnosis.stage, KT_STAGE_NODE);
    assert_string_equal(diagnosis.cause.reason, "NodeClaimDeleted");
}

static void a_node_without_gpus_is_a_cause_only_after_a_while(void **state)
{
    (void)state;
    kt_test_world_claim(&world, "ready");
    kt_test_world_node(&world, "nogpu");
    struct kt_diagnosis diagnosis = diagnose();
    assert_false(diagnosis.has_cause);
    assert_int_equal(diagnosis.revisit_s, 240);
    world.now_s += diagnosis.revisit_s;
    assert_string_equal(diagnose().cause.reason, "NodePluginsNotReady");
}

/* What was ready once and is no longer is a cause at once; what never was gets a minute. */
static void a_node_that_is_lost_is_a_cause_at_once(void **state)
{
    (void)state;
    kt_test_world_claim(&world, "ready");
    kt_test_world_node(&world, "unready");
    world.now_s--;
    struct kt_diagnosis diagnosis = diagnose();
    assert_false(diagnosis.has_cause);
    assert_int_equal(diagnosis.revisit_s, 1);
    kt_test_world_node(&world, "ready");
    kt_test_world_step(&world, NULL);
    world.now_s--;
    kt_test_world_node(&world, "unready");
    assert_string_equal(diagnose().cause.reason, "NodeNotReady");
    kt_test_world_step(&world, NULL);
    assert_string_equal(kt_test_world_condition(&world, "NodesReady", "status"), "False");
    assert_non_null(strstr(kt_test_world_condition(&world, "NodesReady", "message"), "gpu-1 is not ready"));
    world.now_s -= 2;
    kt_test_world_step(&world, NULL); /* and is not taken back */
    assert_null(world.status.patch);
}

static void one_usable_node_of_ones_own_is_enough(void **state)
{
    struct kt_observation observation;
    struct kt_diagnosis diagnosis;
    const cJSON *nodes[2];
    (void)state;
    world.bring_your_own = true;
    kt_test_world_node(&world, "unready");
    nodes[0] = world.node;
    kt_test_world_node(&world, "ready");
    nodes[1] = world.node;
    kt_test_world_observe(&world, &observation);
    observation.objects[KT_KIND_NODE] = (struct kt_objects){nodes, 1};
    kt_diagnose(&world.arena, &observation, &diagnosis);
    assert_string_equal(diagnosis.cause.reason, "NodeNotReady");
    observation.objects[KT_KIND_NODE].count = 2;
    kt_diagnose(&world.arena, &observation, &diagnosis);
    assert_int_equal(diagnosis.stage, KT_STAGE_SCHEDULING);
    assert_false(diagnosis.has_cause);
}

static void hostile_claims_and_numbers_are_survived(void **state)
{
    static const char *const numbers[] = {"", "0", "-1", "x1", "\xEF\xBC\x91"};
    static const char *const texts[] = {"null", "7", "{\"metadata\":[],\"status\":7}",
                                        "{\"status\":{\"conditions\":{\"type\":\"Ready\"}}}"};
    struct kt_cause cause;
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(numbers); i++) {
        kt_json_set_string(&world.arena, kt_json_path(world.workspace, "metadata", "annotations", NULL),
                           "workspace.kaito.io/node-claims", numbers[i]);
        assert_int_equal(diagnose().stage, KT_STAGE_ADMITTED);
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        const cJSON *object = kt_test_json(&world.arena, texts[i]);
        kt_diagnose_node_claim(&world.arena, object, world.now_s, &cause);
        kt_diagnose_node(&world.arena, object, &cause);
        world.claim = world.node = world.job = world.pod = object;
        assert_non_null(diagnose().detail);
        kt_test_world_step(&world, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(claims_on_their_way_have_no_cause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_launch_that_fails_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_nodes_for_one_claim_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_claim_that_goes_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_takes_too_long_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nodes_that_no_tuning_can_use_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_claim_with_the_newest_number_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_number_a_claim_that_stays_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_node_without_gpus_is_a_cause_only_after_a_while, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_node_that_is_lost_is_a_cause_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_usable_node_of_ones_own_is_enough, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_claims_and_numbers_are_survived, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
