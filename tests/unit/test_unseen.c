/* SPDX-License-Identifier: Apache-2.0 */
/* The cache has lost the objects of a kind: nothing is made twice, deleted or said that follows from what is not seen.
 */
#include "tests/lib/cmocka_all.h"

#include "kube/client.h"
#include "tests/lib/reconcile_cases.h"

static const char *const kinds[] = {"NodeClaim", "Node", "Job", "Pod"};

static void expect_no_harm(const struct kt_reconcile_case *row, const char *kind, struct kt_test_cluster *cluster,
                           struct kt_test_cluster *end)
{
    size_t claims = kt_object_server_births(kt_test_server(cluster), "NodeClaim");
    size_t jobs = kt_object_server_births(kt_test_server(cluster), "Job");
    const char *deletion = kt_reconcile_case_odd_deletion(cluster, end);
    const char *wrong = kt_reconcile_case_wrong(row, cluster, end);
    if (claims > row->claims || jobs > row->jobs)
        fail_msg("%s, without any %s: %zu NodeClaims and %zu Jobs were made", row->name, kind, claims, jobs);
    if (deletion)
        fail_msg("%s, without any %s: %s", row->name, kind, deletion);
    if (wrong)
        fail_msg("%s, without any %s: %s is wrong", row->name, kind, wrong);
}

/* Each row with each kind lost before a look, and the same end when a new process sees all again. */
static void what_is_not_seen_does_no_harm(void **state KT_UNUSED)
{
    for (size_t i = 0; i < kt_reconcile_case_count; i += kt_reconcile_share()) {
        const struct kt_reconcile_case *row = &kt_reconcile_cases[i];
        struct kt_test_cluster *end = kt_reconcile_case_start(row);
        kt_test_settle(end);
        const char *usual = kt_test_end(end);
        for (size_t k = 0; k < KT_ARRAY_LENGTH(kinds); k++) {
            struct kt_test_cluster *cluster = kt_reconcile_case_start(row);
            kt_test_sync(cluster);
            assert_true(kt_test_lose(cluster, kinds[k]));
            kt_test_reconcile(cluster);
            kt_test_reconcile(cluster);
            expect_no_harm(row, kinds[k], cluster, end);
            kt_test_restart(cluster);
            kt_test_settle(cluster);
            const char *difference = kt_test_difference(cluster, kt_test_end(cluster), usual);
            if (difference && !row->is_forgotten)
                fail_msg("%s, without any %s for two looks: it ends as\n%s", row->name, kinds[k], difference);
            kt_test_cluster_stop(cluster);
        }
        kt_test_cluster_stop(end);
    }
}

static struct kt_test_cluster *start(const char *name)
{
    for (size_t i = 0; i < kt_reconcile_case_count; i++)
        if (strcmp(kt_reconcile_cases[i].name, name) == 0)
            return kt_reconcile_case_start(&kt_reconcile_cases[i]);
    fail_msg("no case is called \"%s\"", name);
    return NULL;
}

static void it_is_said_what_is_too_much(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("own nodes"); /* the others are asked for at the API server */
    kt_test_sync(cluster);
    kt_test_lose(cluster, "Node");
    struct kt_test_outcome outcome = kt_test_reconcile(cluster);
    assert_non_null(strstr(outcome.events, "TooManyObjects"));
    assert_true(outcome.requeue_after_ms > 0);
    kt_test_cluster_stop(cluster);
}

/* What the API server can be asked for is asked for: the work goes on. */
static void claims_and_jobs_are_read_where_the_cache_knows_nothing(void **state KT_UNUSED)
{
    static const struct {
        const char *name, *kind, *writes;
    } rows[] = {
        {"the node has come", "NodeClaim", "create jobs tune"},
        {"the node has come", "Node", "create jobs tune"},
        {"the node has come", "Job", "create jobs tune"},
        {"deleted", "NodeClaim", "delete nodeclaims"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_test_cluster *cluster = start(rows[i].name);
        kt_test_sync(cluster);
        kt_test_lose(cluster, rows[i].kind);
        struct kt_test_outcome outcome = kt_test_reconcile(cluster);
        if (!strstr(outcome.writes, rows[i].writes))
            fail_msg("%s without %s: \"%s\" instead of \"%s\"; %s", rows[i].name, rows[i].kind, outcome.writes,
                     rows[i].writes, outcome.error);
        kt_test_cluster_stop(cluster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_seen_does_no_harm),
        cmocka_unit_test(it_is_said_what_is_too_much),
        cmocka_unit_test(claims_and_jobs_are_read_where_the_cache_knows_nothing),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("unseen", tests, NULL, NULL);
    kt_reconcile_cases_release();
    kt_client_global_cleanup();
    return failed;
}
