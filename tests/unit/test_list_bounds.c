/* SPDX-License-Identifier: Apache-2.0 */
/* A list ends, whatever the server says. */
#include "tests/lib/cmocka_all.h"

#include <string.h>

#include "base/limits.h"
#include "tests/lib/canned_server.h"

static int list(struct kt_list *ret)
{
    kt_canned_fixture.error = (struct kt_error){0};
    return kt_api_list(kt_api_fixture_client(&kt_canned_fixture), &kt_canned_fixture.arena, &kt_resource_config_maps,
                       "ns", NULL, ret, &kt_canned_fixture.reply, &kt_canned_fixture.error);
}

static bool serve_empty_pages(void *context KT_UNUSED, const struct kt_scripted_request *request KT_UNUSED,
                              struct kt_scripted_connection *connection)
{
    return kt_scripted_reply(connection, 200, "",
                             "{\"kind\":\"List\",\"metadata\":{\"continue\":\"again\"},\"items\":[]}");
}

static void test_empty_pages_end(void **state KT_UNUSED)
{
    struct kt_list found;
    kt_canned_serve(serve_empty_pages, NULL);
    assert_int_equal(list(&found), KT_ELIMIT);
    assert_string_equal(kt_canned_fixture.error.message,
                        "the server keeps announcing more configmaps but sent 101 pages without one; the list is given "
                        "up");
    assert_int_equal(kt_scripted_server_count(kt_canned_fixture.server), KT_LIMIT_LIST_EMPTY_PAGES + 1);
}

/* A few empty pages in between are a server's right. */
static bool serve_some_empty_pages(void *context KT_UNUSED, const struct kt_scripted_request *request,
                                   struct kt_scripted_connection *connection)
{
    static const char *const pages[] = {
        "{\"metadata\":{\"continue\":\"a\"},\"items\":[]}",
        "{\"metadata\":{\"continue\":\"b\"},\"items\":[{\"metadata\":{\"name\":\"cm0\"}}]}",
        "{\"metadata\":{\"continue\":\"c\"},\"items\":null}",
        "{\"metadata\":{\"resourceVersion\":\"77\"},\"items\":[{\"metadata\":{\"name\":\"cm1\"}}]}",
    };
    return kt_scripted_reply(connection, 200, "", pages[request->index % KT_ARRAY_LENGTH(pages)]);
}

static void test_a_few_empty_pages_are_fine(void **state KT_UNUSED)
{
    struct kt_list found;
    kt_canned_serve(serve_some_empty_pages, NULL);
    assert_int_equal(list(&found), 0);
    assert_int_equal(kt_json_count(found.items), 2);
}

/* Time that passes only when a test says so. */
static int64_t passed_ms;

static int64_t told_ms(void *context KT_UNUSED)
{
    return passed_ms;
}

static bool serve_slow_pages(void *context KT_UNUSED, const struct kt_scripted_request *request KT_UNUSED,
                             struct kt_scripted_connection *connection)
{
    __atomic_fetch_add(&passed_ms, 1000, __ATOMIC_SEQ_CST);
    return kt_scripted_reply(connection, 200, "",
                             "{\"metadata\":{\"continue\":\"c\"},\"items\":[{\"metadata\":{\"name\":\"x\"}}]}");
}

static void test_a_list_has_a_time_altogether(void **state KT_UNUSED)
{
    static const struct kt_clock clock = {told_ms, told_ms, NULL};
    struct kt_list found;
    kt_canned_serve(serve_slow_pages, NULL);
    kt_canned_fixture.environment.clock = &clock;
    assert_int_equal(list(&found), KT_ETIMEOUT);
    assert_non_null(strstr(kt_canned_fixture.error.message, "the list of configmaps is not complete after 600 s"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kt_canned_set_up, kt_canned_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_empty_pages_end),
        TEST(test_a_few_empty_pages_are_fine),
        TEST(test_a_list_has_a_time_altogether),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    kt_client_global_cleanup();
    return failures;
}
