/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any request of the reconciler goes wrong, in any way: nothing is made twice, taken away or said that the cluster
 * gives no cause for, and with a healthy API server it comes to the end that it would have come to anyway.
 */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>

#include "kube/client.h"
#include "tests/lib/reconcile_cases.h"

#define REQUESTS_MOST 32
#define ENOUGH_ROWS 1
#define PART 6
/* A second try after 429 comes a second later: no test waits so long. */
#define PATIENCE_MS ((int64_t)900)
/* What is never answered is waited for so long; whatever does not come in time on a slow machine is one fault more. */
#define SHORT_PATIENCE_MS ((int64_t)20)

struct fault {
    const char *name;
    struct kt_object_fault fault;
};

static const struct fault refusals[] = {
    {"400", {.what = KT_FAULT_STATUS, .code = 400}},
    {"401", {.what = KT_FAULT_STATUS, .code = 401}},
    {"403", {.what = KT_FAULT_STATUS, .code = 403}},
    {"403 by a namespace that ends",
     {.what = KT_FAULT_STATUS,
      .code = 403,
      .text = "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Forbidden\",\"code\":403,\"message\":\"m\","
              "\"details\":{\"causes\":[{\"reason\":\"NamespaceTerminating\"}]}}"}},
    {"404", {.what = KT_FAULT_STATUS, .code = 404}},
    {"404 of an unknown type", {.what = KT_FAULT_STATUS, .code = 404, .text = "404 page not found\n"}},
    {"409", {.what = KT_FAULT_STATUS, .code = 409}},
    {"409 that it is there", {.what = KT_FAULT_STATUS, .code = 409, .reason = "AlreadyExists"}},
    {"410", {.what = KT_FAULT_STATUS, .code = 410}},
    {"422", {.what = KT_FAULT_STATUS, .code = 422}},
    {"429", {.what = KT_FAULT_STATUS, .code = 429}},
    {"500", {.what = KT_FAULT_STATUS, .code = 500}},
    {"502", {.what = KT_FAULT_STATUS, .code = 502}},
    {"503", {.what = KT_FAULT_STATUS, .code = 503}},
};

static const struct fault cuts[] = {
    {"a closed connection", {.what = KT_FAULT_CLOSE}},
    {"a cut reply", {.what = KT_FAULT_CUT}},
};

static const struct fault silences[] = {
    {"silence", {.what = KT_FAULT_SILENT}},
    {"a late reply", {.what = KT_FAULT_LATE}},
};

#define ODD(text_)                               \
    {                                            \
        "not done, " text_,                      \
        {                                        \
            .what = KT_FAULT_TEXT, .text = text_ \
        }                                        \
    }
#define DONE(text_)                                   \
    {                                                 \
        "done, " text_,                               \
        {                                             \
            .what = KT_FAULT_DONE_TEXT, .text = text_ \
        }                                             \
    }
static const struct fault odd_replies[] = {
    ODD(""),
    ODD("<html>welcome</html>"),
    ODD("{}"),
    ODD("[]"),
    ODD("null"),
    ODD("{\"kind\":\"Status\",\"status\":\"Success\"}"),
    ODD("{\"kind\":\"List\",\"items\":7}"),
    ODD("{\"metadata\":{\"name\":\"other\",\"namespace\":\"default\",\"uid\":\"x\",\"resourceVersion\":\"999999\"}}"),
    ODD("{\"metadata\":7,\"spec\":[],\"status\":\"\",\"items\":{}}"),
    DONE(""),
    DONE("<html>welcome</html>"),
    DONE("{}"),
};

/* --- what must hold ------------------------------------------------------------------------------------------------
 */

struct usual {
    struct kt_test_cluster *cluster; /* at its end */
    const char *end;
    size_t requests;                 /* of the first look */
    bool is_familiar[REQUESTS_MOST]; /* by their number, from 1: other rows have had a request like it */
};

/* "patch workspaces/status" and the like that the rows before have had, and how often. */
struct familiar {
    char text[64];
    size_t count;
};

static bool make_familiar(struct familiar *familiar, const char *request)
{
    size_t length = strcspn(request, " ");
    length += request[length] ? 1 + strcspn(request + length + 1, " ") : 0;
    while (*familiar->text && (strlen(familiar->text) != length || strncmp(familiar->text, request, length) != 0))
        familiar++;
    snprintf(familiar->text, sizeof(familiar->text), "%.*s", (int)length, request);
    return ++familiar->count > ENOUGH_ROWS;
}

static struct usual go_the_usual_way(const struct kt_reconcile_case *row, struct familiar *familiar)
{
    struct usual usual = {.cluster = kt_reconcile_case_start(row)};
    usual.requests = kt_test_look(usual.cluster).requests;
    assert_true(usual.requests < REQUESTS_MOST);
    for (size_t nth = 1; nth <= usual.requests; nth++)
        usual.is_familiar[nth] = make_familiar(familiar, kt_test_request(usual.cluster, nth));
    kt_test_settle(usual.cluster);
    usual.end = kt_test_end(usual.cluster);
    return usual;
}

/* What a failure leaves there by design: an old revision too many; and claims of a type that is said to be unknown. */
static bool may_end_otherwise(const struct kt_reconcile_case *row, const struct fault *fault, const char *request)
{
    return (row->may_leave_a_revision && strstr(request, "delete controllerrevisions")) ||
           (fault->fault.code == 404 && strcmp(request, "list nodeclaims") == 0);
}

static void check_fault(const struct kt_reconcile_case *row, const struct usual *usual, const struct fault *fault,
                        size_t nth, int64_t patience_ms)
{
    struct kt_test_cluster *cluster = kt_reconcile_case_start(row);
    struct kt_object_fault now = fault->fault;
    now.nth = nth;
    kt_test_patience(cluster, patience_ms);
    kt_test_sync(cluster);
    kt_object_server_befall(kt_test_server(cluster), &now);
    struct kt_test_outcome outcome = kt_test_reconcile(cluster);
    const char *request = outcome.requests >= nth ? kt_test_request(cluster, nth) : "";
    bool befell = kt_object_server_heal(kt_test_server(cluster));
    const char *wrong = kt_reconcile_case_wrong(row, cluster, usual->cluster);
    if (!befell && patience_ms > SHORT_PATIENCE_MS)
        fail_msg("%s, request %zu: no such request", row->name, nth);
    if (wrong)
        fail_msg("%s, request %zu: %s: %s says %s/%s: %s", row->name, nth, fault->name, wrong,
                 kt_test_condition(cluster, wrong, "status"), kt_test_condition(cluster, wrong, "reason"),
                 kt_test_condition(cluster, wrong, "message"));
    if (outcome.failed && !*outcome.error)
        fail_msg("%s, request %zu: %s: fails without a word", row->name, nth, fault->name);
    kt_test_patience(cluster, 60000);
    kt_test_settle(cluster);
    const char *difference = kt_test_difference(cluster, kt_test_end(cluster), usual->end);
    if (difference && !may_end_otherwise(row, fault, request))
        fail_msg("%s, request %zu: %s: ends as\n%s", row->name, nth, fault->name, difference);
    const char *deletion = kt_reconcile_case_odd_deletion(cluster, usual->cluster);
    if (deletion)
        fail_msg("%s, request %zu: %s: %s", row->name, nth, fault->name, deletion);
    kt_test_cluster_stop(cluster);
}

/* Every fault of every request; of those that some rows have had already a part, another one in each row. */
static void check_all(const struct fault *faults, size_t count, int64_t patience_ms)
{
    struct familiar familiar[REQUESTS_MOST] = {0};
    size_t turn = 0;
    for (size_t i = 0; i < kt_reconcile_case_count; i++) {
        const struct kt_reconcile_case *row = &kt_reconcile_cases[i];
        struct usual usual = go_the_usual_way(row, familiar);
        for (size_t nth = 1; nth <= usual.requests; nth++)
            for (size_t j = 0; j < count; j++)
                if ((!usual.is_familiar[nth] || (i + j) % PART == 0 || kt_reconcile_is_long()) &&
                    turn++ % kt_reconcile_share() == 0)
                    check_fault(row, &usual, &faults[j], nth, patience_ms);
        kt_test_cluster_stop(usual.cluster);
    }
}

static void a_request_is_refused(void **state KT_UNUSED)
{
    check_all(refusals, KT_ARRAY_LENGTH(refusals), PATIENCE_MS);
}

static void a_connection_breaks(void **state KT_UNUSED)
{
    check_all(cuts, KT_ARRAY_LENGTH(cuts), PATIENCE_MS);
}

static void no_answer_comes(void **state KT_UNUSED)
{
    check_all(silences, KT_ARRAY_LENGTH(silences), SHORT_PATIENCE_MS);
}

static void the_answer_is_odd(void **state KT_UNUSED)
{
    check_all(odd_replies, KT_ARRAY_LENGTH(odd_replies), PATIENCE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_refused),
        cmocka_unit_test(a_connection_breaks),
        cmocka_unit_test(no_answer_comes),
        cmocka_unit_test(the_answer_is_odd),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("reconcile faults", tests, NULL, NULL);
    kt_reconcile_cases_release();
    kt_client_global_cleanup();
    return failed;
}
