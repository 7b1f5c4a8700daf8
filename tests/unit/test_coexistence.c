/* SPDX-License-Identifier: Apache-2.0 */
/* Another operator of Workspaces is found by what it leaves in the cluster, and nobody else is taken for one. */
#include "tests/lib/cmocka_all.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/api_fixture.h"
#include "webhook/reconcile/coexistence.h"

#define LIST(items) "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[" items "]}"

/* What the server has of each kind: whole lists, one text for the label selector and one for a name. */
static struct {
    const char *webhooks, *labelled, *named, *leases;
    const char *renewed;   /* leases from the third read on; NULL: as before */
    const char *forbidden; /* requests whose target holds this get 403; NULL: none */
    atomic_int lease_reads;
} cluster;

static struct kt_api_fixture fixture;

static const char *body_for(const char *target)
{
    if (strstr(target, "validatingwebhookconfigurations"))
        return cluster.webhooks;
    if (strstr(target, "/deployments"))
        return strstr(target, "labelSelector") ? cluster.labelled : cluster.named;
    if (!strstr(target, "/leases") || !strstr(target, "fieldSelector=metadata.name%3Def60f9b0.io"))
        return NULL;
    return atomic_fetch_add(&cluster.lease_reads, 1) >= 2 && cluster.renewed ? cluster.renewed : cluster.leases;
}

static bool answer(void *context KT_UNUSED, const struct kt_scripted_request *request,
                   struct kt_scripted_connection *connection)
{
    const char *body = body_for(request->target);
    if (cluster.forbidden && strstr(request->target, cluster.forbidden))
        return kt_scripted_reply(
            connection, 403, "",
            "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Forbidden\",\"message\":\"no "
            "right to list\",\"code\":403}");
    return body ? kt_scripted_reply(connection, 200, "", body)
                : kt_scripted_reply(connection, 500, "", "{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":500}");
}

static int set_up(void **state)
{
    (void)state;
    memset(&cluster, 0, sizeof(cluster));
    cluster.webhooks = cluster.labelled = cluster.named = cluster.leases = LIST("");
    kt_api_fixture_start(&fixture, answer, NULL, NULL, (struct kt_str){0});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kt_api_fixture_stop(&fixture);
    return 0;
}

/* NULL: nothing must be found. */
static void expect(const char *other, const char *skipped)
{
    const char *found = NULL;
    const char *left_out = NULL;
    struct kt_error error = {0};
    if (kt_coexistence_check(kt_api_fixture_client(&fixture), &fixture.arena, "kaito-workspace", &found, &left_out,
                             &error) != 0)
        fail_msg("%s", error.message);
    if ((found != NULL) != (other != NULL) || (other && !kt_streq(found, other)))
        fail_msg("found %s, not %s", found ? found : "nothing", other ? other : "nothing");
    if ((left_out != NULL) != (skipped != NULL) || (skipped && !strstr(left_out, skipped)))
        fail_msg("left out %s", left_out ? left_out : "nothing");
}

static void an_empty_cluster_is_ours(void **state)
{
    (void)state;
    expect(NULL, NULL);
    assert_int_equal(kt_scripted_server_count(fixture.server), 4);
}

#define WEBHOOK(labels, name, webhook, group, resource)                                                \
    "{\"metadata\":{\"name\":\"" name "\",\"labels\":{" labels "}},\"webhooks\":[{\"name\":\"" webhook \
    "\",\"rules\":[{"                                                                                  \
    "\"apiGroups\":[\"" group "\"],\"resources\":[\"" resource "\"]}]}]}"

static void a_foreign_webhook_of_workspaces_is_found(void **state)
{
    (void)state;
    cluster.webhooks =
        LIST(WEBHOOK("", "validation.workspace.kaito.sh", "validation.workspace.kaito.sh", "kaito.sh", "workspaces"));
    expect("ValidatingWebhookConfiguration validation.workspace.kaito.sh", NULL);
}

static void our_own_and_unrelated_webhooks_are_left_alone(void **state)
{
    (void)state;
    cluster.webhooks = LIST(WEBHOOK(
        "", "kaito-workspace-validation", "validation.workspace.kaito.sh", "kaito.sh",
        "workspaces") "," WEBHOOK("\"app.kubernetes.io/name\":\"kaito-webhook\"", "renamed",
                                  "validation.workspace.kaito.sh", "kaito.sh",
                                  "workspaces") "," WEBHOOK("", "kyverno", "validate.kyverno.svc-fail", "kaito.sh",
                                                            "workspaces") "," WEBHOOK("", "gatekeeper",
                                                                                      "validation.gatekeeper.sh", "*",
                                                                                      "*") "," WEBHOOK("", "rag",
                                                                                                       "validation"
                                                                                                       ".ragengine"
                                                                                                       ".kaito.sh",
                                                                                                       "kaito.sh",
                                                                                                       "ragengine"
                                                                                                       "s") ",7,"
                                                                                                            "null,"
                                                                                                            "{\"we"
                                                                                                            "bhook"
                                                                                                            "s\":{"
                                                                                                            "}}");
    expect(NULL, NULL);
}

#define DEPLOYMENT(namespace_, name, app, replicas, container)                                 \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"" namespace_                         \
    "\",\"labels\":{\"app.kubernetes.io/name\":\"" app "\"}},\"spec\":{\"replicas\":" replicas \
    ",\"template\":{\"spec\":{\"containers\":[{" container "}]}}}}"
#define UPSTREAM_IMAGE "\"image\":\"mcr.microsoft.com/aks/kaito/workspace:0.12.0\""

static void upstreams_deployment_is_found(void **state)
{
    static const char *const containers[] = {
        UPSTREAM_IMAGE,
        "\"image\":\"localhost:5000/kaito/workspace@sha256:0123\"",
        "\"image\":\"a/b:1\",\"env\":[{\"name\":\"CLOUD_PROVIDER\"},{\"name\":\"PRESET_REGISTRY_NAME\"}]",
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(containers); i++) {
        cluster.labelled = kt_arena_printf(
            &fixture.arena, LIST(DEPLOYMENT("kaito", "workspace", "workspace", "1", "%s")), containers[i]);
        expect("Deployment kaito/workspace", NULL);
    }
}

static void the_add_on_of_aks_is_found_by_its_name(void **state)
{
    (void)state;
    cluster.named = LIST(DEPLOYMENT("kube-system", "kaito-workspace", "x", "2", UPSTREAM_IMAGE));
    expect("Deployment kube-system/kaito-workspace", NULL);
    cluster.labelled = LIST(DEPLOYMENT("kube-system", "kaito-workspace", "kaito-workspace", "2", UPSTREAM_IMAGE));
    expect("Deployment kube-system/kaito-workspace", NULL);
}

static void what_does_not_run_or_is_something_else_is_left_alone(void **state)
{
    (void)state;
    cluster.labelled = LIST(DEPLOYMENT("kaito", "workspace", "workspace", "0", UPSTREAM_IMAGE) "," DEPLOYMENT(
        "shop", "workspace", "workspace", "1",
        "\"image\":\"shop/workspace:1\"") "," DEPLOYMENT("shop", "b", "workspace", "1",
                                                         "\"image\":\"x/kaito/workspace-ui:1\"") "," DEPLOYMENT("kaito-"
                                                                                                                "worksp"
                                                                                                                "ace",
                                                                                                                "kaito-"
                                                                                                                "webhoo"
                                                                                                                "k",
                                                                                                                "kaito-"
                                                                                                                "webhoo"
                                                                                                                "k",
                                                                                                                "2",
                                                                                                                "\"imag"
                                                                                                                "e\":"
                                                                                                                "\"kait"
                                                                                                                "o-"
                                                                                                                "webhoo"
                                                                                                                "k:1\"") ",7,{}");
    expect(NULL, NULL);
}

static void a_second_installation_of_ours_is_found(void **state)
{
    (void)state;
    cluster.labelled = LIST(DEPLOYMENT("elsewhere", "kaito-webhook", "kaito-webhook", "1", "\"args\":[\"--v=1\"]"));
    expect("Deployment elsewhere/kaito-webhook", NULL);
    cluster.labelled =
        LIST(DEPLOYMENT("elsewhere", "kaito-webhook", "kaito-webhook", "1", "\"args\":[\"--reconcile=false\"]"));
    expect(NULL, NULL);
}

static void all_that_is_found_is_named(void **state)
{
    (void)state;
    cluster.webhooks =
        LIST(WEBHOOK("", "validation.workspace.kaito.sh", "validation.workspace.kaito.sh", "kaito.sh", "workspaces"));
    cluster.labelled = LIST(DEPLOYMENT("kaito", "workspace", "workspace", "1", UPSTREAM_IMAGE));
    expect("ValidatingWebhookConfiguration validation.workspace.kaito.sh and Deployment kaito/workspace", NULL);
    assert_int_equal(atomic_load(&cluster.lease_reads), 0);
}

#define LEASE(holder, renewed)                                                                                  \
    "{\"metadata\":{\"name\":\"ef60f9b0.io\",\"namespace\":\"kaito\",\"uid\":\"u\",\"resourceVersion\":\"5\"}," \
    "\"spec\":{"                                                                                                \
    "\"holderIdentity\":\"" holder "\",\"leaseDurationSeconds\":1,\"renewTime\":\"" renewed "\"}}"

/* The times in it are of some day: only that they change tells that the holder lives. */
static void a_lease_that_is_renewed_is_found(void **state)
{
    (void)state;
    cluster.leases = LIST(LEASE("pod-1", "2020-01-01T00:00:00.000000Z"));
    cluster.renewed = LIST(LEASE("pod-1", "2020-01-01T00:00:02.000000Z"));
    expect("Lease kaito/ef60f9b0.io", NULL);
}

static void a_lease_that_nobody_renews_is_left_alone(void **state)
{
    (void)state;
    cluster.leases = LIST(LEASE("pod-1", "2099-01-01T00:00:00.000000Z"));
    expect(NULL, NULL);
    assert_true(atomic_load(&cluster.lease_reads) >= 2);
}

static void a_lease_that_was_given_back_is_not_waited_for(void **state)
{
    (void)state;
    cluster.leases = LIST(LEASE("", "2020-01-01T00:00:00.000000Z"));
    expect(NULL, NULL);
    assert_int_equal(atomic_load(&cluster.lease_reads), 1);
}

static void what_may_not_be_read_is_told(void **state)
{
    (void)state;
    cluster.forbidden = "/deployments";
    expect(NULL, "deployments: ");
    cluster.forbidden = "/apis/";
    expect(NULL, "leases: ");
    cluster.forbidden = "/leases";
    cluster.labelled = LIST(DEPLOYMENT("kaito", "workspace", "workspace", "1", UPSTREAM_IMAGE));
    expect("Deployment kaito/workspace", NULL);
}

static void a_server_that_fails_is_an_error(void **state)
{
    const char *other = "untouched";
    const char *skipped = "untouched";
    struct kt_error error = {0};
    (void)state;
    cluster.named = NULL;
    assert_int_not_equal(kt_coexistence_check(kt_api_fixture_client(&fixture), &fixture.arena, "kaito-workspace",
                                              &other, &skipped, &error),
                         0);
    assert_string_equal(other, "untouched");
    assert_true(*error.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_cluster_is_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_foreign_webhook_of_workspaces_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(our_own_and_unrelated_webhooks_are_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(upstreams_deployment_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_add_on_of_aks_is_found_by_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_run_or_is_something_else_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_installation_of_ours_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_that_is_found_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lease_that_is_renewed_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lease_that_nobody_renews_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lease_that_was_given_back_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_read_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_fails_is_an_error, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
