/* SPDX-License-Identifier: Apache-2.0 */
/* The controller as a whole: its watches, its queue, its workers, and who may write. */
#include "tests/lib/cmocka_all.h"

#include <poll.h>

#include "kube/client.h"
#include "tests/lib/reconcile_cases.h"

/* For what must happen at last, however slow the machine. */
#define PATIENCE_MS ((int64_t)60000)

static bool is_patient(int64_t since_ms)
{
    poll(NULL, 0, 2);
    return kt_clock_monotonic_ms(&kt_clock_system) - since_ms < PATIENCE_MS;
}

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static void await_count(struct kt_test_cluster *cluster, const char *kind, size_t count)
{
    int64_t since_ms = now_ms();
    while (kt_test_count(cluster, kind) != count && is_patient(since_ms))
        continue;
    assert_int_equal(kt_test_count(cluster, kind), count);
}

static void await_text(struct kt_test_cluster *cluster, const char *path, const char *text)
{
    int64_t since_ms = now_ms();
    while (strcmp(kt_test_text(cluster, "Workspace", "tune", path), text) != 0 && is_patient(since_ms))
        continue;
    assert_string_equal(kt_test_text(cluster, "Workspace", "tune", path), text);
}

static void await_reason(struct kt_test_cluster *cluster, const char *type, const char *reason)
{
    int64_t since_ms = now_ms();
    while (strcmp(kt_test_condition(cluster, type, "reason"), reason) != 0 && is_patient(since_ms))
        continue;
    assert_string_equal(kt_test_condition(cluster, type, "reason"), reason);
}

static size_t asked(struct kt_test_cluster *cluster, const char *method, const char *words)
{
    return kt_object_server_asked(kt_test_server(cluster), method, words);
}

static void await_asked(struct kt_test_cluster *cluster, const char *method, const char *words, size_t count)
{
    int64_t since_ms = now_ms();
    while (asked(cluster, method, words) < count && is_patient(since_ms))
        continue;
    assert_true(asked(cluster, method, words) >= count);
}

static void await_figure(const char *line, double value)
{
    int64_t since_ms = now_ms();
    while (kt_test_controller_figure(line) < value && is_patient(since_ms))
        continue;
    assert_true(kt_test_controller_figure(line) >= value);
}

/* A look that has begun comes to its end. */
static void await_idle(void)
{
    int64_t since_ms = now_ms();
    while (kt_test_controller_figure("controller_runtime_active_workers{") > 0 && is_patient(since_ms))
        continue;
}

static size_t writes(struct kt_test_cluster *cluster)
{
    return asked(cluster, "POST", "/") + asked(cluster, "PATCH", "/") + asked(cluster, "DELETE", "/");
}

static struct kt_test_cluster *start(const char *name)
{
    for (size_t i = 0; i < kt_reconcile_case_count; i++)
        if (strcmp(kt_reconcile_cases[i].name, name) == 0)
            return kt_reconcile_case_start(&kt_reconcile_cases[i]);
    fail_msg("no case is called \"%s\"", name);
    return NULL;
}

#define ADDS "workqueue_adds_total{"

/* --- the usual course ----------------------------------------------------------------------------------------------
 */

static void every_change_leads_to_the_next_step(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = kt_test_cluster_start();
    kt_test_controller_start(cluster);
    kt_test_controller_lead(cluster);
    kt_test_put(cluster, kt_test_workspace);
    await_count(cluster, "NodeClaim", 1);
    kt_test_node_ready(cluster);
    await_count(cluster, "Job", 1);
    kt_test_job_ended(cluster, "Complete");
    await_text(cluster, "status.state", "Succeeded");
    kt_test_delete_workspace(cluster);
    await_count(cluster, "Workspace", 0);
    assert_int_equal(kt_test_count(cluster, "NodeClaim"), 0);
    assert_int_equal(kt_object_server_births(kt_test_server(cluster), "NodeClaim"), 1);
    assert_int_equal(kt_object_server_births(kt_test_server(cluster), "Job"), 1);
    kt_test_cluster_stop(cluster);
}

static void what_fails_is_tried_again(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("applied");
    for (size_t nth = 1; nth <= 4; nth++) {
        const struct kt_object_fault fault = {"POST", "nodeclaims", .nth = nth, .what = KT_FAULT_STATUS, .code = 500};
        kt_object_server_befall(kt_test_server(cluster), &fault);
    }
    kt_test_controller_start(cluster);
    kt_test_controller_lead(cluster);
    await_count(cluster, "NodeClaim", 1);
    assert_true(asked(cluster, "POST", "/nodeclaims") >= 3);
    assert_true(kt_test_controller_figure("workqueue_retries_total{") >= 2);
    kt_test_cluster_stop(cluster);
}

/* Another claim follows the one that was lost after KT_TEST_CLAIM_RETRY_MS, and nothing but time brings it. */
static void what_asked_for_time_comes_back(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("applied");
    kt_test_controller_start(cluster);
    kt_test_controller_lead(cluster);
    await_count(cluster, "NodeClaim", 1);
    kt_test_remove(cluster, "NodeClaim", kt_test_only(cluster, "NodeClaim"));
    await_reason(cluster, "NodeClaimReady", "NodeClaimLost");
    assert_int_equal(kt_test_count(cluster, "NodeClaim"), 0);
    await_idle();
    kt_test_advance(cluster, KT_TEST_CLAIM_RETRY_MS);
    await_count(cluster, "NodeClaim", 1);
    kt_test_cluster_stop(cluster);
}

/* --- who may write -------------------------------------------------------------------------------------------------
 */

static void nothing_is_written_before_it_leads(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("applied");
    kt_test_controller_start(cluster);
    await_figure(ADDS, 1);
    assert_int_equal(writes(cluster), 0);
    kt_test_controller_lead(cluster);
    await_count(cluster, "NodeClaim", 1);
    kt_test_cluster_stop(cluster);
}

static void nothing_is_written_after_it_has_yielded(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("applied");
    kt_test_controller_start(cluster);
    kt_test_controller_lead(cluster);
    await_count(cluster, "NodeClaim", 1);
    await_reason(cluster, "WorkspaceSucceeded", "workspacePending");
    kt_test_controller_yield(cluster);
    await_idle();
    size_t before = writes(cluster);
    double adds = kt_test_controller_figure(ADDS);
    kt_test_put(cluster, "{apiVersion: kaito.sh/v1beta1, kind: Workspace, metadata: {name: other, namespace: default}, "
                         "resource: {instanceType: Standard_NC24ads_A100_v4}, inference: {preset: {name: phi-4}}}");
    await_figure(ADDS, adds + 1);
    assert_int_equal(writes(cluster), before);
    kt_test_node_ready(cluster);
    kt_test_controller_lead(cluster);
    await_count(cluster, "Job", 1);
    await_asked(cluster, "POST", "/events", 3); /* NodeClaimCreated, JobCreated, and that inference is not run */
    kt_test_cluster_stop(cluster);
}

/* The process was frozen, and the Lease is another's when it wakes: it may look, and tries again, but writes nothing.
 */
static void nothing_is_written_without_the_lease(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("the Job was taken away");
    kt_test_controller_start(cluster);
    kt_test_controller_may_write(cluster, false);
    size_t before = writes(cluster);
    kt_test_controller_lead(cluster);
    await_asked(cluster, "GET", "/jobs/tune", 3);
    assert_int_equal(writes(cluster) - asked(cluster, "POST", "/events"), before);
    kt_test_controller_may_write(cluster, true);
    await_reason(cluster, "WorkspaceSucceeded", "workspaceFailed");
    kt_test_cluster_stop(cluster);
}

/* --- the end -------------------------------------------------------------------------------------------------------
 */

static void it_ends_in_the_middle_of_a_request(void **state KT_UNUSED)
{
    static const enum kt_object_fault_kind kinds[] = {KT_FAULT_SILENT, KT_FAULT_LATE};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kinds); i++) {
        struct kt_test_cluster *cluster = start("applied");
        const struct kt_object_fault fault = {"POST", "nodeclaims", .nth = 1, .what = kinds[i]};
        kt_object_server_befall(kt_test_server(cluster), &fault);
        kt_test_controller_start(cluster);
        kt_test_controller_lead(cluster);
        await_asked(cluster, "POST", "/nodeclaims", 1);
        kt_test_controller_stop(cluster);
        kt_test_controller_start(cluster); /* another process goes on */
        kt_test_controller_lead(cluster);
        await_reason(cluster, "WorkspaceSucceeded", "workspacePending");
        await_count(cluster, "NodeClaim", 1);
        assert_int_equal(kt_object_server_births(kt_test_server(cluster), "NodeClaim"), 1);
        kt_test_cluster_stop(cluster);
    }
}

static void it_ends_before_anything_was_listed(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("applied");
    kt_object_server_go_away(kt_test_server(cluster), true);
    kt_test_controller_start(cluster);
    kt_test_controller_lead(cluster);
    await_asked(cluster, "GET", "/workspaces", 1);
    kt_test_cluster_stop(cluster);

    cluster = start("applied");
    kt_test_controller_start(cluster);
    kt_test_cluster_stop(cluster);
}

static void a_start_without_memory_is_refused(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("applied");
    struct kt_error error = {0};
    size_t nth = 1;
    while (!kt_test_controller_try(cluster, nth, &error) && nth < 400) {
        assert_true(error.message[0] != '\0');
        nth++;
    }
    assert_in_range(nth, 2, 399);
    kt_test_cluster_stop(cluster);
}

/* --- rights that are missing ---------------------------------------------------------------------------------------
 */

/* Without Pods it would take a tuning that runs for one that does not: it says so, and makes nothing. */
static void a_kind_that_cannot_be_listed_is_told(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("applied");
    kt_object_server_refuse(kt_test_server(cluster), "pods", 403);
    kt_test_controller_start(cluster);
    kt_test_controller_lead(cluster);
    await_reason(cluster, "JobStarted", "Forbidden");
    assert_non_null(strstr(kt_test_condition(cluster, "JobStarted", "message"), "list pods"));
    assert_int_equal(kt_test_count(cluster, "NodeClaim"), 0);
    kt_object_server_refuse(kt_test_server(cluster), NULL, 0);
    await_count(cluster, "NodeClaim", 1);
    kt_test_cluster_stop(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_leads_to_the_next_step),
        cmocka_unit_test(what_fails_is_tried_again),
        cmocka_unit_test(what_asked_for_time_comes_back),
        cmocka_unit_test(nothing_is_written_before_it_leads),
        cmocka_unit_test(nothing_is_written_after_it_has_yielded),
        cmocka_unit_test(nothing_is_written_without_the_lease),
        cmocka_unit_test(it_ends_in_the_middle_of_a_request),
        cmocka_unit_test(it_ends_before_anything_was_listed),
        cmocka_unit_test(a_start_without_memory_is_refused),
        cmocka_unit_test(a_kind_that_cannot_be_listed_is_told),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("reconcile controller", tests, NULL, NULL);
    kt_reconcile_cases_release();
    kt_client_global_cleanup();
    return failed;
}
