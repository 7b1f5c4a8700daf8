/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random walks of a cluster: each kind of object goes its own way, and each watch is behind by its own amount. The
 * status must go up, never down without a cause, and must not be written more often than there is news.
 */
#include "tests/lib/cmocka_all.h"
#include "tests/lib/tuning_world.h"
#include "workload/readiness.h"

#define WALKS 400
#define TICKS 400

enum part { CLAIM, NODE, JOB, POD, PARTS };

static const char *const ways[PARTS][10] = {
    [CLAIM] = {"none", "made", "launched", "registered", "ready"},
    [NODE] = {"none", "unready", "nogpu", "ready"},
    [JOB] = {"none", "active", "complete"},
    [POD] = {"none", "pending", "node", "weights", "data", "training", "pushing", "succeeded"},
};
static const int lengths[PARTS] = {5, 4, 3, 8};

struct walk {
    struct kt_test_world world;
    uint64_t seed;
    int64_t begun_s;
    int real[PARTS]; /* how far the cluster is */
    int seen[PARTS]; /* how far its watch has told */
    bool fails;      /* the pod fails from pod_fails_at on */
    int pod_fails_at;
};

/* Knuth's MMIX generator; the same walk on every machine. */
static uint32_t next(struct walk *walk, uint32_t below)
{
    walk->seed = walk->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(walk->seed >> 33) % below;
}

/* May the cluster itself go on with this part? */
static bool may_go(const struct walk *walk, enum part part)
{
    const int *real = walk->real;
    if (real[part] + 1 >= lengths[part])
        return false;
    switch (part) {
    case CLAIM:
        return real[CLAIM] < 2 || real[NODE] >= real[CLAIM] - 1; /* registered needs a node, ready one with GPUs */
    case NODE:
        return real[CLAIM] >= 2;
    case JOB:
        return real[JOB] == 1 && real[POD] == 7; /* the reconciler makes it, see look */
    case POD:
        return real[JOB] >= 1 && !(walk->fails && real[POD] >= walk->pod_fails_at);
    case PARTS:
        break;
    }
    return false;
}

static void show(struct walk *walk)
{
    struct kt_test_world *world = &walk->world;
    world->now_s = walk->begun_s; /* no time passes: what takes too long is tested elsewhere */
    kt_test_world_claim(world, ways[CLAIM][walk->seen[CLAIM]]);
    kt_test_world_node(world, ways[NODE][walk->seen[NODE]]);
    kt_test_world_job(world, ways[JOB][walk->seen[JOB]]);
    kt_test_world_pod(world, ways[POD][walk->seen[POD]]);
}

/* The reconciler's look: it makes the Job when it sees that the node is ready, and knows what it has made. */
static void look(struct walk *walk)
{
    struct kt_observation observation;
    show(walk);
    kt_test_world_observe(&walk->world, &observation);
    if (!kt_observation_job(&observation) && kt_observation_resources_ready(&observation) && walk->real[JOB] == 0) {
        walk->real[JOB] = walk->seen[JOB] = 1;
        show(walk);
    }
    kt_test_world_step(&walk->world, NULL);
}

static int rank_of(const char *state)
{
    static const char *const states[] = {"", "Pending", "Running", "Succeeded"};
    int rank = 0;
    while (rank < 3 && !kt_streq(states[rank], state))
        rank++;
    return rank;
}

static const char *const conditions[] = {"NodeClaimReady", "NodesReady", "ResourceReady", "JobStarted",
                                         "WorkspaceSucceeded"};
enum { CONDITIONS = KT_ARRAY_LENGTH(conditions) };

static bool is_true(const struct walk *walk, const char *type)
{
    return kt_condition_is_true(walk->world.workspace, type);
}

static void check_implications(const struct walk *walk)
{
    if (is_true(walk, "ResourceReady"))
        assert_true(is_true(walk, "NodeClaimReady") && is_true(walk, "NodesReady"));
    if (is_true(walk, "JobStarted"))
        assert_true(is_true(walk, "ResourceReady"));
    if (is_true(walk, "WorkspaceSucceeded"))
        assert_true(is_true(walk, "JobStarted"));
    assert_int_equal(is_true(walk, "WorkspaceReady"), is_true(walk, "WorkspaceSucceeded"));
    assert_int_equal(is_true(walk, "WorkspaceSucceeded"), kt_streq(kt_test_world_state(&walk->world), "Succeeded"));
    for (size_t i = 0; i < CONDITIONS; i++) {
        assert_true(*kt_test_world_condition(&walk->world, conditions[i], "reason"));
        assert_true(*kt_test_world_condition(&walk->world, conditions[i], "message"));
    }
}

static void begin(struct walk *walk, uint64_t number)
{
    *walk = (struct walk){.seed = number * 2654435761u + 1};
    kt_test_world_init(&walk->world);
    walk->begun_s = walk->world.now_s - 30;
}

/* Lets the cluster go on, or a watch tell one more thing. */
static void tick(struct walk *walk)
{
    enum part part = (enum part)next(walk, PARTS);
    if (next(walk, 2) == 0 && may_go(walk, part))
        walk->real[part]++;
    part = (enum part)next(walk, PARTS);
    if (walk->seen[part] < walk->real[part])
        walk->seen[part]++;
}

static void good_runs_only_go_up(void **state)
{
    static struct walk walk;
    (void)state;
    for (uint64_t number = 0; number < WALKS; number++) {
        int rank = 0;
        enum kt_stage stage = KT_STAGE_ADMITTED;
        bool was_true[CONDITIONS] = {false};
        begin(&walk, number);
        for (int i = 0; i < TICKS && walk.seen[JOB] < 2; i++) {
            tick(&walk);
            look(&walk);
            int now = rank_of(kt_test_world_state(&walk.world));
            if (now < rank || walk.world.status.diagnosis.stage < stage)
                fail_msg("walk %d goes back to %s, %s", (int)number, kt_test_world_state(&walk.world),
                         kt_stage_name(walk.world.status.diagnosis.stage));
            rank = now;
            stage = walk.world.status.diagnosis.stage;
            for (size_t c = 0; c < CONDITIONS; c++) {
                bool holds = is_true(&walk, conditions[c]);
                if (was_true[c] && !holds)
                    fail_msg("walk %d: %s goes back", (int)number, conditions[c]);
                was_true[c] = holds;
            }
            check_implications(&walk);
            kt_test_world_step(&walk.world, NULL);
            assert_null(walk.world.status.patch);
            assert_null(walk.world.status.event_type);
        }
        if (walk.seen[JOB] == 2)
            assert_string_equal(kt_test_world_state(&walk.world), "Succeeded");
        assert_true(walk.world.patches <= 8);
        kt_test_world_release(&walk.world);
    }
}

/* The pod fails somewhere; the Job, and what is seen of both, follow in any order. */
static void failing_runs_end_with_the_cause(void **state)
{
    static struct walk walk;
    (void)state;
    for (uint64_t number = 0; number < WALKS; number++) {
        int rank = 0;
        begin(&walk, number);
        walk.fails = true;
        walk.pod_fails_at = 3 + (int)next(&walk, 3);
        for (int i = 0; i < TICKS && walk.real[POD] < walk.pod_fails_at; i++) {
            tick(&walk);
            look(&walk);
            int now = rank_of(kt_test_world_state(&walk.world));
            assert_true(now >= rank);
            rank = now;
        }
        if (walk.real[POD] < walk.pod_fails_at) {
            kt_test_world_release(&walk.world);
            continue;
        }
        bool pod_first = next(&walk, 2) == 0;
        show(&walk);
        if (pod_first)
            kt_test_world_pod(&walk.world, "failed");
        else
            kt_test_world_job(&walk.world, "failed");
        kt_test_world_step(&walk.world, NULL);
        assert_true(rank_of(kt_test_world_state(&walk.world)) >= rank); /* "Failed" ranks last, as "Succeeded" */
        if (pod_first)
            assert_string_equal(kt_test_world_condition(&walk.world, "WorkspaceSucceeded", "reason"), "TrainerFailed");
        kt_test_world_pod(&walk.world, "failed");
        kt_test_world_job(&walk.world, "failed");
        kt_test_world_step(&walk.world, NULL);
        assert_string_equal(kt_test_world_state(&walk.world), "Failed");
        size_t patches = walk.world.patches;
        kt_test_world_pod(&walk.world, "none");
        kt_test_world_node(&walk.world, "none");
        kt_test_world_step(&walk.world, NULL);
        kt_test_world_claim(&walk.world, "none");
        kt_test_world_job(&walk.world, "none");
        kt_test_world_step(&walk.world, NULL);
        assert_string_equal(kt_test_world_state(&walk.world), "Failed");
        assert_int_equal(walk.world.patches, patches);
        assert_true(patches <= 9);
        kt_test_world_release(&walk.world);
    }
}

/* A node that is lost for a while, with a Job on it: a cause, but no step back of the state. */
static void a_node_that_blinks_does_not_unstart_the_job(void **state)
{
    static struct walk walk;
    (void)state;
    for (uint64_t number = 0; number < WALKS; number++) {
        bool has_run = false;
        begin(&walk, number);
        for (int i = 0; i < TICKS && walk.seen[JOB] < 2; i++) {
            tick(&walk);
            look(&walk);
            has_run = has_run || kt_streq(kt_test_world_state(&walk.world), "Running");
            if (has_run && next(&walk, 3) == 0) {
                kt_test_world_node(&walk.world, "unready");
                kt_test_world_step(&walk.world, NULL);
                if (walk.seen[JOB] < 2)
                    assert_string_equal(kt_test_world_state(&walk.world), "Running");
                assert_true(is_true(&walk, "JobStarted"));
            }
        }
        kt_test_world_release(&walk.world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_runs_only_go_up),
        cmocka_unit_test(failing_runs_end_with_the_cause),
        cmocka_unit_test(a_node_that_blinks_does_not_unstart_the_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
