/* SPDX-License-Identifier: Apache-2.0 */
/* Named troubles of a reconcile: what is done about them, and what is said. */
#include "tests/lib/cmocka_all.h"

#include "kube/client.h"
#include "tests/lib/reconcile_cases.h"

static struct kt_test_cluster *start(const char *name)
{
    for (size_t i = 0; i < kt_reconcile_case_count; i++)
        if (strcmp(kt_reconcile_cases[i].name, name) == 0)
            return kt_reconcile_case_start(&kt_reconcile_cases[i]);
    fail_msg("no case is called \"%s\"", name);
    return NULL;
}

static struct kt_test_outcome look_with(struct kt_test_cluster *cluster, struct kt_object_fault fault)
{
    kt_test_sync(cluster);
    kt_object_server_befall(kt_test_server(cluster), &fault);
    struct kt_test_outcome outcome = kt_test_reconcile(cluster);
    if (!kt_object_server_heal(kt_test_server(cluster)))
        fail_msg("nothing went wrong");
    return outcome;
}

static void expect_failure(struct kt_test_outcome outcome, const char *words)
{
    if (!outcome.failed || !strstr(outcome.error, words))
        fail_msg("\"%s\" instead of \"%s\"", outcome.error, words);
}

/* --- replies that are not what was asked for -----------------------------------------------------------------------
 */

/* A proxy's page is no NodeClaim: it would count as made, and then as lost. */
static void what_is_not_the_object_is_no_success(void **state KT_UNUSED)
{
    static const char *const texts[] = {"",
                                        "{}",
                                        "[]",
                                        "null",
                                        "{\"kind\":\"Status\",\"status\":\"Success\"}",
                                        "{\"metadata\":{\"name\":\"other\",\"uid\":\"1\"}}"};
    static const struct {
        const char *name, *method, *plural, *words;
    } requests[] = {
        {"applied", "POST", "controllerrevisions", "the reply is not the ControllerRevision tune-"},
        {"applied", "PATCH", "workspaces", "the reply is not the Workspace tune"},
        {"applied", "POST", "configmaps", "the reply is not the ConfigMap qlora-params-template"},
        {"applied", "POST", "nodeclaims", "the reply is not the NodeClaim ws"},
        {"the node has come", "POST", "jobs", "the reply is not the Job tune"},
        {"the pod runs", "PATCH", "workspaces", "the reply is not the Workspace tune"},
        {"the Job was taken away", "GET", "jobs", "the reply is not the Job tune"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(requests); i++) {
        for (size_t j = 0; j < KT_ARRAY_LENGTH(texts); j++) {
            struct kt_test_cluster *cluster = start(requests[i].name);
            struct kt_object_fault fault = {requests[i].method, requests[i].plural, .nth = 1, .what = KT_FAULT_TEXT,
                                            .text = texts[j]};
            expect_failure(look_with(cluster, fault), requests[i].words);
            kt_test_cluster_stop(cluster);
        }
    }
}

/* What is no list does not say that nothing is there: neither revisions nor NodeClaims. */
static void what_is_no_list_is_no_empty_list(void **state KT_UNUSED)
{
    static const char *const texts[] = {"{}", "[]", "null", "{\"kind\":\"Status\",\"status\":\"Success\"}"};
    static const struct {
        const char *name, *plural, *words;
    } lists[] = {
        {"the spec was changed", "controllerrevisions", "for all controllerrevisions is no list"},
        {"deleted with a claim of before", "nodeclaims", "for all nodeclaims is no list"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(lists); i++) {
        for (size_t j = 0; j < KT_ARRAY_LENGTH(texts); j++) {
            struct kt_test_cluster *cluster = start(lists[i].name);
            struct kt_object_fault fault = {"GET", lists[i].plural, .nth = 1, .what = KT_FAULT_TEXT, .text = texts[j]};
            expect_failure(look_with(cluster, fault), lists[i].words);
            kt_test_cluster_stop(cluster);
        }
    }
}

/* --- a status of an older generation -------------------------------------------------------------------------------
 */

/* A tuning that has ended, and whose Job was tidied up, is not run again because a write went wrong. */
static void what_has_ended_stays_ended(void **state KT_UNUSED)
{
    static const int codes[] = {403, 404, 409, 422, 500};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(codes); i++) {
        struct kt_test_cluster *cluster = start("the generation grew");
        struct kt_object_fault fault = {.method = "PATCH", .nth = 1, .what = KT_FAULT_STATUS, .code = codes[i]};
        assert_true(look_with(cluster, fault).failed);
        kt_test_settle(cluster);
        assert_string_equal(kt_test_text(cluster, "Workspace", "tune", "status.state"), "Succeeded");
        assert_int_equal(kt_test_count(cluster, "Job"), 0);
        kt_test_cluster_stop(cluster);
    }
}

/* The same when the metadata is to be written before. */
static void it_stays_ended_when_the_metadata_cannot_be_written(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("the generation grew");
    struct kt_object_fault fault = {.method = "PATCH", .nth = 1, .what = KT_FAULT_STATUS, .code = 500};
    kt_test_change(cluster, "Workspace", "tune", "{metadata: {finalizers: null}}");
    expect_failure(look_with(cluster, fault), "cannot update workspaces");
    kt_test_settle(cluster);
    assert_string_equal(kt_test_text(cluster, "Workspace", "tune", "status.state"), "Succeeded");
    assert_int_equal(kt_test_count(cluster, "Job"), 0);
    kt_test_cluster_stop(cluster);
}

/* --- NodeClaims ----------------------------------------------------------------------------------------------------
 */

/* That we could not read is not why a machine could not be had. */
static void a_refusal_of_before_is_no_cause(void **state KT_UNUSED)
{
    static const char *const names[] = {"the claim is lost", "the last claim is lost"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(names); i++) {
        struct kt_test_cluster *cluster = start(names[i]);
        struct kt_object_fault fault = {"GET", "nodeclaims", .nth = 1, .what = KT_FAULT_STATUS, .code = 403};
        expect_failure(look_with(cluster, fault), "is forbidden");
        assert_string_equal(kt_test_condition(cluster, "NodeClaimReady", "reason"), "Forbidden");
        kt_test_look(cluster);
        assert_string_equal(kt_test_condition(cluster, "NodeClaimReady", "reason"), "NodeClaimLost");
        assert_null(strstr(kt_test_condition(cluster, "NodeClaimReady", "message"), "forbidden"));
        kt_test_cluster_stop(cluster);
    }
}

/* The finalizer waits for claims that cannot be seen: nobody else would ever delete them. */
static void claims_that_cannot_be_listed_are_waited_for(void **state KT_UNUSED)
{
    static const int codes[] = {400, 401, 403, 410, 422, 500};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(codes); i++) {
        struct kt_test_cluster *cluster = start("deleted with a claim of before");
        struct kt_object_fault fault = {"GET", "nodeclaims", .nth = 1, .what = KT_FAULT_STATUS, .code = codes[i]};
        struct kt_test_outcome outcome = look_with(cluster, fault);
        assert_true(outcome.failed);
        assert_non_null(kt_test_get(cluster, "Workspace", "tune"));
        kt_test_settle(cluster);
        assert_null(kt_test_get(cluster, "Workspace", "tune"));
        assert_int_equal(kt_test_count(cluster, "NodeClaim"), 0);
        kt_test_cluster_stop(cluster);
    }
}

/* Where the type is not known there are none. */
static void claims_that_cannot_be_there_are_not_waited_for(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("deleted with a claim of before");
    struct kt_object_fault fault = {"GET", "nodeclaims", .nth = 1, .what = KT_FAULT_STATUS, .code = 404};
    look_with(cluster, fault);
    assert_null(kt_test_get(cluster, "Workspace", "tune"));
    kt_test_cluster_stop(cluster);
}

/* --- revisions -----------------------------------------------------------------------------------------------------
 */

/* An old revision that is wanted again gets a new number, also when its deletion goes wrong at first. */
static void a_revision_that_returns_is_the_newest(void **state KT_UNUSED)
{
    static const int codes[] = {404, 409, 500};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(codes); i++) {
        struct kt_test_cluster *cluster = start("back to an old spec");
        struct kt_object_fault fault = {"DELETE", "controllerrevisions", .nth = 1, .what = KT_FAULT_STATUS,
                                        .code = codes[i]};
        assert_true(look_with(cluster, fault).failed);
        kt_test_settle(cluster);
        assert_string_equal(kt_json_string(kt_json_get(kt_json_path(kt_test_get(cluster, "Workspace", "tune"),
                                                                    "metadata", "annotations", NULL),
                                                       "workspace.kaito.io/revision")),
                            "3");
        kt_test_cluster_stop(cluster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_the_object_is_no_success),
        cmocka_unit_test(what_is_no_list_is_no_empty_list),
        cmocka_unit_test(what_has_ended_stays_ended),
        cmocka_unit_test(it_stays_ended_when_the_metadata_cannot_be_written),
        cmocka_unit_test(a_refusal_of_before_is_no_cause),
        cmocka_unit_test(claims_that_cannot_be_listed_are_waited_for),
        cmocka_unit_test(claims_that_cannot_be_there_are_not_waited_for),
        cmocka_unit_test(a_revision_that_returns_is_the_newest),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("reconcile trouble", tests, NULL, NULL);
    kt_reconcile_cases_release();
    kt_client_global_cleanup();
    return failed;
}
