/* SPDX-License-Identifier: Apache-2.0 */
/* How old what is known of a cluster is: told by a metric, and as stale when it is. */
#include "tests/lib/cmocka_all.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_metric, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_stale, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
