/* SPDX-License-Identifier: Apache-2.0 */
/* A reply that has no end: pieces as they come, refusals, cut connections, stopping. */
#include "tests/lib/cmocka_all.h"

#include <string.h>
#include <unistd.h>

#include "tests/lib/canned_server.h"

static char taken[256];
static const char *enough; /* the taker ends when it has this */

static bool take(void *context KT_UNUSED, const char *data, size_t length)
{
    size_t used = strlen(taken);
    assert_true(used + length < sizeof(taken));
    memcpy(taken + used, data, length);
    taken[used + length] = '\0';
    return !enough || !strstr(taken, enough);
}

static int stream(void)
{
    const struct kt_request request = {.method = "GET", .path = "/log", .resource = &kt_resource_pods, .raw = true};
    taken[0] = '\0';
    kt_canned_fixture.error = (struct kt_error){0};
    return kt_client_stream(kt_api_fixture_client(&kt_canned_fixture), &kt_canned_fixture.arena, &request, take, NULL,
                            &kt_canned_fixture.reply, &kt_canned_fixture.error);
}

/* Sends "one ", waits for ever after "two " unless it is told to end or to break. */
static const char *manner;
static bool serve(void *context KT_UNUSED, const struct kt_scripted_request *request KT_UNUSED,
                  struct kt_scripted_connection *connection)
{
    if (!kt_scripted_chunked(connection, 200, "") || !kt_scripted_chunk(connection, "one ") ||
        !kt_scripted_chunk(connection, "two "))
        return false;
    if (strcmp(manner, "hold") == 0)
        kt_scripted_hold(connection, 600000);
    return strcmp(manner, "end") == 0 && kt_scripted_chunk(connection, "");
}

static void all_pieces_arrive(void **state KT_UNUSED)
{
    manner = "end";
    kt_canned_serve(serve, NULL);
    assert_int_equal(stream(), 0);
    assert_string_equal(taken, "one two ");
    assert_int_equal(kt_canned_fixture.reply.http_code, 200);
    assert_null(kt_scripted_header(kt_scripted_server_request(kt_canned_fixture.server, 0), "Accept-Encoding"));
}

static void the_taker_may_end_it(void **state KT_UNUSED)
{
    manner = "hold";
    enough = "two";
    kt_canned_serve(serve, NULL);
    assert_int_equal(stream(), 0);
    assert_string_equal(taken, "one two ");
    enough = NULL;
}

static void a_cut_connection_is_told(void **state KT_UNUSED)
{
    manner = "break";
    kt_canned_serve(serve, NULL);
    assert_int_equal(stream(), KT_EUNAVAILABLE);
    assert_string_equal(taken, "one two ");
}

static void a_stop_ends_it(void **state KT_UNUSED)
{
    int ends[2];
    manner = "hold";
    kt_canned_serve(serve, NULL);
    assert_int_equal(pipe(ends), 0);
    kt_canned_fixture.options.stop_fd = ends[0];
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(stream(), KT_EINTERRUPTED);
    kt_api_fixture_renew(&kt_canned_fixture);
    close(ends[0]);
    close(ends[1]);
}

static void a_refusal_is_no_log(void **state KT_UNUSED)
{
    kt_canned_reply = (struct kt_canned){.code = 403, .body = STATUS(403, "Forbidden", "pods/log is not for you")};
    assert_int_equal(stream(), KT_EFORBIDDEN);
    assert_string_equal(taken, "");
    assert_non_null(strstr(kt_canned_fixture.error.message, "pods/log is not for you"));
    kt_canned_reply = (struct kt_canned){.code = 400, .body = STATUS(400, "BadRequest", "container is waiting")};
    assert_int_equal(stream(), KT_EREFUSED);
    kt_canned_reply = (struct kt_canned){.code = 401, .body = STATUS(401, "Unauthorized", "Unauthorized")};
    assert_int_equal(stream(), KT_EAUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_pieces_arrive, kt_canned_set_up, kt_canned_tear_down),
        cmocka_unit_test_setup_teardown(the_taker_may_end_it, kt_canned_set_up, kt_canned_tear_down),
        cmocka_unit_test_setup_teardown(a_cut_connection_is_told, kt_canned_set_up, kt_canned_tear_down),
        cmocka_unit_test_setup_teardown(a_stop_ends_it, kt_canned_set_up, kt_canned_tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_is_no_log, kt_canned_set_up, kt_canned_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
