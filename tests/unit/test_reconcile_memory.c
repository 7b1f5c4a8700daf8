/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any allocation of a reconcile fails, alone or with all that follow: nothing is made twice, taken away or said that
 * the cluster gives no cause for, and with memory it comes to the end that it would have come to anyway. What is left
 * over shows under the sanitizer and valgrind.
 */
#include "tests/lib/cmocka_all.h"

#include "kube/client.h"
#include "tests/lib/reconcile_cases.h"

#define ALLOCATIONS_MOST 400

/* False: the look needs no more allocations than that. */
static bool starve(const struct kt_reconcile_case *row, size_t nth, bool once, struct kt_test_cluster *usual)
{
    struct kt_test_cluster *cluster = kt_reconcile_case_start(row);
    kt_test_sync(cluster);
    kt_test_starve(cluster, nth, once);
    struct kt_test_outcome outcome = kt_test_reconcile(cluster);
    const char *wrong = kt_reconcile_case_wrong(row, cluster, usual);
    if (wrong)
        fail_msg("%s, allocation %zu%s: %s says %s/%s: %s", row->name, nth, once ? " alone" : "", wrong,
                 kt_test_condition(cluster, wrong, "status"), kt_test_condition(cluster, wrong, "reason"),
                 kt_test_condition(cluster, wrong, "message"));
    kt_test_settle(cluster);
    const char *difference = kt_test_difference(cluster, kt_test_end(cluster), kt_test_end(usual));
    if (difference && !row->may_leave_a_revision)
        fail_msg("%s, allocation %zu%s: ends as\n%s", row->name, nth, once ? " alone" : "", difference);
    wrong = kt_reconcile_case_odd_deletion(cluster, usual);
    if (wrong)
        fail_msg("%s, allocation %zu%s: %s", row->name, nth, once ? " alone" : "", wrong);
    kt_test_cluster_stop(cluster);
    return outcome.starved;
}

static void starve_each(bool once)
{
    for (size_t i = 0; i < kt_reconcile_case_count; i++) {
        const struct kt_reconcile_case *row = &kt_reconcile_cases[i];
        struct kt_test_cluster *usual = kt_reconcile_case_start(row);
        kt_test_settle(usual);
        /* When all memory is gone the neighbours of an allocation differ little. */
        size_t step = kt_reconcile_share() * (once || kt_reconcile_is_long() ? 1 : 4), nth = 1 + i % step;
        while (starve(row, nth, once, usual))
            nth += step;
        assert_in_range(nth, 2, ALLOCATIONS_MOST);
        kt_test_cluster_stop(usual);
    }
}

static void one_allocation_fails(void **state KT_UNUSED)
{
    starve_each(true);
}

static void memory_has_run_out(void **state KT_UNUSED)
{
    starve_each(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_allocation_fails),
        cmocka_unit_test(memory_has_run_out),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("reconcile memory", tests, NULL, NULL);
    kt_reconcile_cases_release();
    kt_client_global_cleanup();
    return failed;
}
