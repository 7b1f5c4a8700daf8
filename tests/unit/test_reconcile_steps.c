/* SPDX-License-Identifier: Apache-2.0 */
/* Each step when all goes well: what one look writes, that the next writes nothing, and how it ends. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>

#include "kube/client.h"
#include "tests/lib/reconcile_cases.h"

static void check_row(const struct kt_reconcile_case *row, struct kt_test_cluster *cluster)
{
    struct kt_test_outcome first = kt_test_look(cluster), second;
    if (first.failed || strcmp(first.writes, row->writes) != 0 || strcmp(first.events, row->events) != 0)
        fail_msg("%s: writes \"%s\", events \"%s\", error \"%s\"", row->name, first.writes, first.events, first.error);
    second = kt_test_look(cluster);
    if (!row->goes_on && (second.failed || second.changed))
        fail_msg("%s: writes again: \"%s\", \"%s\", \"%s\"", row->name, second.writes, second.events, second.error);
    kt_test_settle(cluster);
    size_t claims = kt_object_server_births(kt_test_server(cluster), "NodeClaim");
    size_t jobs = kt_object_server_births(kt_test_server(cluster), "Job");
    if (claims != row->claims || jobs != row->jobs)
        fail_msg("%s: %zu NodeClaims and %zu Jobs were made", row->name, claims, jobs);
}

static void every_look_writes_what_it_should_and_once(void **state KT_UNUSED)
{
    for (size_t i = 0; i < kt_reconcile_case_count; i++) {
        struct kt_test_cluster *cluster = kt_reconcile_case_start(&kt_reconcile_cases[i]);
        check_row(&kt_reconcile_cases[i], cluster);
        kt_test_cluster_stop(cluster);
    }
}

/* The watches may say for a while what was before a write: then nothing is written on the word of the past. */
static void a_watch_that_lags_makes_nothing_twice(void **state KT_UNUSED)
{
    for (size_t i = 0; i < kt_reconcile_case_count; i++) {
        const struct kt_reconcile_case *row = &kt_reconcile_cases[i];
        struct kt_test_cluster *cluster = kt_reconcile_case_start(row);
        kt_test_look(cluster);
        struct kt_test_outcome outcome = kt_test_reconcile(cluster);
        if (!row->goes_on && (outcome.failed || outcome.changed))
            fail_msg("%s: writes \"%s\", error \"%s\"", row->name, outcome.writes, outcome.error);
        kt_test_settle(cluster);
        assert_int_equal(kt_object_server_births(kt_test_server(cluster), "NodeClaim"), row->claims);
        assert_int_equal(kt_object_server_births(kt_test_server(cluster), "Job"), row->jobs);
        kt_test_cluster_stop(cluster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_look_writes_what_it_should_and_once),
        cmocka_unit_test(a_watch_that_lags_makes_nothing_twice),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("reconcile steps", tests, NULL, NULL);
    kt_reconcile_cases_release();
    kt_client_global_cleanup();
    return failed;
}
