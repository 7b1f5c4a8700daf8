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

/* --- refusals that a person must act on ----------------------------------------------------------------------------
 */

#define ENDING                                                                                                         \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Forbidden\",\"code\":403,\"message\":\"m\",\"details\":" \
    "{"                                                                                                                \
    "\"name\":\"n\",\"causes\":[{\"reason\":\"NamespaceTerminating\"}]}}"

/* What the API server refuses is said where it holds the Workspace up, with what to do; once it is allowed, the words
 * are gone. */
static void a_refusal_is_told_on_the_condition_that_it_holds_up(void **state KT_UNUSED)
{
    static const struct {
        const char *name, *method, *plural;
        int code;
        const char *text, *condition, *reason, *words;
    } rows[] = {
        {"applied", "POST", "controllerrevisions", 403, NULL, "WorkspaceSucceeded", "Forbidden", "Apply the roles"},
        {"applied", "POST", "configmaps", 403, NULL, "JobStarted", "Forbidden", "Apply the roles"},
        {"applied", "POST", "configmaps", 403, ENDING, "JobStarted", "NamespaceTerminating", "is being deleted"},
        {"applied", "GET", "configmaps", 403, NULL, "JobStarted", "Forbidden", "read configmaps"},
        {"applied", "POST", "nodeclaims", 403, NULL, "NodeClaimReady", "Forbidden", "create nodeclaims"},
        {"applied", "POST", "nodeclaims", 422, NULL, "NodeClaimReady", "Refused", "create the NodeClaim"},
        {"applied", "POST", "nodeclaims", 400, NULL, "NodeClaimReady", "Refused", "create the NodeClaim"},
        {"applied", "POST", "nodeclaims", 404, "404 page not found", "NodeClaimReady", "TypeMissing", "a Karpenter"},
        {"the node has come", "POST", "jobs", 403, NULL, "JobStarted", "Forbidden", "create jobs"},
        {"the node has come", "POST", "jobs", 403, ENDING, "JobStarted", "NamespaceTerminating", "namespace default"},
        {"the node has come", "POST", "jobs", 422, NULL, "JobStarted", "Refused", "create the Job"},
        {"the launch fails for long", "DELETE", "nodeclaims", 403, NULL, "NodeClaimReady", "Forbidden", "delete"},
        {"the config was changed", "DELETE", "jobs", 403, NULL, "JobStarted", "Forbidden", "delete jobs"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_test_cluster *cluster = start(rows[i].name);
        struct kt_object_fault fault = {rows[i].method,          rows[i].plural,       .nth = 1,
                                        .what = KT_FAULT_STATUS, .code = rows[i].code, .text = rows[i].text};
        assert_true(look_with(cluster, fault).failed);
        const char *reason = kt_test_condition(cluster, rows[i].condition, "reason");
        const char *message = kt_test_condition(cluster, rows[i].condition, "message");
        if (strcmp(reason, rows[i].reason) != 0 || !strstr(message, rows[i].words))
            fail_msg("%s %s: %s says %s: %s", rows[i].method, rows[i].plural, rows[i].condition, reason, message);
        kt_test_settle(cluster);
        if (strcmp(kt_test_condition(cluster, rows[i].condition, "reason"), rows[i].reason) == 0)
            fail_msg("%s %s: %s stays", rows[i].method, rows[i].plural, rows[i].reason);
        kt_test_cluster_stop(cluster);
    }
}

/* What passes by itself is tried again and bothers nobody. */
static void what_passes_is_not_told(void **state KT_UNUSED)
{
    static const int codes[] = {401, 409, 410, 500, 502, 503};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(codes); i++) {
        struct kt_test_cluster *cluster = start("applied");
        struct kt_object_fault fault = {"POST", "nodeclaims", .nth = 1, .what = KT_FAULT_STATUS, .code = codes[i]};
        struct kt_test_outcome outcome = look_with(cluster, fault);
        assert_true(outcome.failed);
        assert_string_equal(kt_test_condition(cluster, "NodeClaimReady", "status"), "False");
        assert_string_equal(kt_test_condition(cluster, "NodeClaimReady", "reason"), "NodeClaimNotReady");
        assert_string_equal(outcome.events, "");
        kt_test_cluster_stop(cluster);
    }
}

/* A status that cannot be written is written by the next look, whatever is in it. */
static void a_status_that_somebody_else_wrote_meanwhile_is_judged_anew(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("the pod runs");
    kt_test_sync(cluster);
    kt_test_change(cluster, "Workspace", "tune", "{metadata: {labels: {a: b}}}");
    expect_failure(kt_test_reconcile(cluster), "Conflict");
    /* It has read the Workspace again: the watch need not have told. */
    assert_false(kt_test_reconcile(cluster).failed);
    assert_string_equal(kt_test_text(cluster, "Workspace", "tune", "status.state"), "Running");
    kt_test_cluster_stop(cluster);
}

/* Another Workspace under the same name is not written by a look at the one before it. */
static void a_workspace_made_anew_is_not_written_by_an_old_look(void **state KT_UNUSED)
{
    struct kt_test_cluster *cluster = start("applied");
    kt_test_sync(cluster);
    kt_test_remove(cluster, "Workspace", "tune");
    kt_test_put(cluster, kt_test_workspace);
    assert_true(kt_test_reconcile(cluster).failed);
    assert_int_equal(kt_test_count(cluster, "NodeClaim"), 0);
    assert_string_equal(kt_test_text(cluster, "Workspace", "tune", "metadata.finalizers"), "");
    /* The garbage collector takes what the one before it owned. */
    kt_test_remove(cluster, "ControllerRevision", kt_test_only(cluster, "ControllerRevision"));
    kt_test_settle(cluster);
    assert_int_equal(kt_test_count(cluster, "NodeClaim"), 1);
    kt_test_cluster_stop(cluster);
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
        cmocka_unit_test(a_refusal_is_told_on_the_condition_that_it_holds_up),
        cmocka_unit_test(what_passes_is_not_told),
        cmocka_unit_test(a_status_that_somebody_else_wrote_meanwhile_is_judged_anew),
        cmocka_unit_test(a_workspace_made_anew_is_not_written_by_an_old_look),
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
