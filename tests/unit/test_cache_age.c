/* SPDX-License-Identifier: Apache-2.0 */
/* How old what is known of a cluster is: told by a metric, and as stale when it is. */
#include <signal.h>

#include "tests/lib/server_fixture.h"

#include "base/clock.h"
#include "webhook/cache_age.h"

static struct kt_strbuf text;
static struct kt_cache_age nodes, pods;

static int set_up(void **state KT_UNUSED)
{
    kt_strbuf_init(&text, NULL, (size_t)KT_MIB);
    kt_cache_age_add(&nodes, "Node");
    kt_cache_age_add(&pods, "Pod");
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_cache_age_drop(&nodes);
    kt_cache_age_drop(&pods);
    kt_strbuf_release(&text);
    return 0;
}

static void the_metric(void **state KT_UNUSED)
{
    kt_cache_age_heard(&pods, 1000);
    kt_cache_age_write_metric(&text, 3500);
    assert_string_equal(text.data,
                        "# HELP kaito_webhook_cache_age_seconds Time since the API server was last heard of objects of "
                        "this kind.\n# TYPE kaito_webhook_cache_age_seconds gauge\n"
                        "kaito_webhook_cache_age_seconds{kind=\"Pod\"} 2.500\n");
    kt_strbuf_clear(&text);
    kt_cache_age_drop(&nodes);
    kt_cache_age_drop(&pods);
    kt_cache_age_drop(&pods);
    kt_cache_age_write_metric(&text, 3500);
    assert_int_equal(text.length, 0);
}

static void what_is_stale(void **state KT_UNUSED)
{
    kt_cache_age_heard(&nodes, 1000);
    kt_cache_age_heard(&pods, 1000);
    kt_cache_age_write_stale(&text, 1000 + KT_CACHE_STALE_MS);
    assert_int_equal(text.length, 0);
    kt_cache_age_heard(&pods, 5000);
    kt_cache_age_write_stale(&text, 1001 + KT_CACHE_STALE_MS);
    assert_string_equal(text.data, "stale: the API server was last heard of Node objects 120 s ago\n");
}

/* Rules judge with what they have: a replica that knows old things is better than none. */
static void a_server_with_stale_caches_is_ready(void **state)
{
    struct kt_server_fixture *fixture = *state;
    char answer[KT_SERVER_FIXTURE_ANSWER_BYTES];
    struct kt_cache_age age = {0};
    kt_cache_age_add(&age, "Node");
    kt_cache_age_heard(&age, kt_clock_monotonic_ms(&kt_clock_system));
    assert_int_equal(kt_http_get(fixture->server.health_server.port, "/readyz", answer, sizeof(answer)), 200);
    assert_null(strstr(answer, "stale"));
    kt_cache_age_heard(&age, kt_clock_monotonic_ms(&kt_clock_system) - 2 * KT_CACHE_STALE_MS);
    assert_int_equal(kt_http_get(fixture->server.health_server.port, "/readyz", answer, sizeof(answer)), 200);
    assert_non_null(strstr(answer, "stale: the API server was last heard of Node objects 24"));
    assert_non_null(strstr(answer, "\nok\n"));
    assert_int_equal(kt_http_get(fixture->server.metrics_server.port, "/metrics", answer, sizeof(answer)), 200);
    assert_non_null(strstr(answer, "kaito_webhook_cache_age_seconds{kind=\"Node\"} 24"));
    kt_cache_age_drop(&age);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_metric, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_stale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_with_stale_caches_is_ready, kt_server_fixture_set_up_running,
                                        kt_server_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
