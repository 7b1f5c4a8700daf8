/* SPDX-License-Identifier: Apache-2.0 */
/* The process dies after any of its writes, and another goes on where the cluster is: the same end, nothing twice. */
#include "tests/lib/cmocka_all.h"

#include "kube/client.h"
#include "tests/lib/reconcile_cases.h"

#define WRITES_MOST 12

static void expect_end(const struct kt_reconcile_case *row, struct kt_test_cluster *cluster, const char *usual,
                       size_t writes)
{
    const char *difference = kt_test_difference(cluster, kt_test_end(cluster), usual);
    size_t claims = kt_object_server_births(kt_test_server(cluster), "NodeClaim");
    size_t jobs = kt_object_server_births(kt_test_server(cluster), "Job");
    if (difference && !row->is_forgotten)
        fail_msg("%s: after %zu writes and a restart it ends as\n%s", row->name, writes, difference);
    if (claims > row->claims + row->is_forgotten || jobs != row->jobs || kt_test_count(cluster, "NodeClaim") > 1)
        fail_msg("%s: after %zu writes and a restart %zu NodeClaims and %zu Jobs were made", row->name, writes, claims,
                 jobs);
}

/* The reply of the last write comes, or it does not. False: the look has no more writes than that. */
static bool die_after(const struct kt_reconcile_case *row, size_t writes, bool is_told, const char *usual)
{
    struct kt_test_cluster *cluster = kt_reconcile_case_start(row);
    const struct kt_object_fault untold = {.of_write = true, .nth = writes, .what = KT_FAULT_CUT};
    kt_test_sync(cluster);
    kt_object_server_end_after(kt_test_server(cluster), writes);
    if (!is_told)
        kt_object_server_befall(kt_test_server(cluster), &untold);
    struct kt_test_outcome outcome = kt_test_reconcile(cluster);
    kt_object_server_heal(kt_test_server(cluster));
    kt_test_restart(cluster);
    kt_test_settle(cluster);
    expect_end(row, cluster, usual, writes);
    kt_test_cluster_stop(cluster);
    return outcome.failed;
}

static void die_after_each_write(bool is_told)
{
    for (size_t i = 0; i < kt_reconcile_case_count; i += kt_reconcile_share()) {
        const struct kt_reconcile_case *row = &kt_reconcile_cases[i];
        struct kt_test_cluster *untouched = kt_reconcile_case_start(row);
        kt_test_settle(untouched);
        const char *usual = kt_test_end(untouched);
        bool died = true;
        for (size_t writes = is_told ? 0 : 1; died && writes < WRITES_MOST; writes++)
            died = die_after(row, writes, is_told, usual);
        kt_test_cluster_stop(untouched);
    }
}

static void after_the_reply_to_each_write(void **state KT_UNUSED)
{
    die_after_each_write(true);
}

static void before_the_reply_to_each_write(void **state KT_UNUSED)
{
    die_after_each_write(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_the_reply_to_each_write),
        cmocka_unit_test(before_the_reply_to_each_write),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("reconcile restart", tests, NULL, NULL);
    kt_reconcile_cases_release();
    kt_client_global_cleanup();
    return failed;
}
