/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/canned_server.h"

struct kt_api_fixture kt_canned_fixture;
struct kt_canned kt_canned_reply;

bool kt_serve_canned(void *context, const struct kt_scripted_request *request KT_UNUSED,
                     struct kt_scripted_connection *connection)
{
    const struct kt_canned reply = *(const struct kt_canned *)context;
    if (reply.raw)
        return kt_scripted_puts(connection, reply.raw) && !reply.close;
    return kt_scripted_reply(connection, reply.code, reply.headers ? reply.headers : "", reply.body) && !reply.close;
}

int kt_canned_set_up(void **state KT_UNUSED)
{
    kt_canned_reply = (struct kt_canned){.code = 200, .body = "{\"kind\":\"Test\"}"};
    kt_api_fixture_start(&kt_canned_fixture, kt_serve_canned, &kt_canned_reply, NULL, (struct kt_str){0});
    return 0;
}

int kt_canned_tear_down(void **state KT_UNUSED)
{
    kt_api_fixture_stop(&kt_canned_fixture);
    return 0;
}

void kt_canned_serve(kt_scripted_handler *handler, void *context)
{
    kt_api_fixture_stop(&kt_canned_fixture);
    kt_api_fixture_start(&kt_canned_fixture, handler, context, NULL, (struct kt_str){0});
}
