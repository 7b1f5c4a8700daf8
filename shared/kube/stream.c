/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client_internal.h"

/* A server that accepts a stream says so at once. */
#define HEADER_TIMEOUT_MS ((int64_t)30000)

static int run(struct kt_client *client, struct kt_exchange *exchange, int64_t header_timeout_ms,
               struct kt_error *error)
{
    bool changed, refresh = false;
    for (;;) {
        int code = kt_credentials_prepare(client, refresh, &changed, error);
        if (code != 0 || (refresh && !changed))
            return code;
        exchange->header_deadline_ms = kt_client_deadline(client, header_timeout_ms);
        code = kt_exchange_run(client, exchange, error);
        if (code != 0 || exchange->http_code != 401 || refresh)
            return code;
        refresh = true;
    }
}

int kt_client_stream(struct kt_client *client, struct kt_arena *arena, const struct kt_request *request,
                     bool (*take)(void *context, const char *data, size_t length), void *context,
                     struct kt_reply *reply, struct kt_error *error)
{
    struct kt_exchange exchange = {
        .request = request,
        .arena = arena,
        .deadline_ms = client->deadline_ms,
        .take_body = take,
        .context = context,
    };
    *reply = (struct kt_reply){0};
    int code = run(client, &exchange, request->timeout_ms > 0 ? request->timeout_ms : HEADER_TIMEOUT_MS, error);
    reply->http_code = exchange.http_code;
    if (code == 0 && exchange.http_code != 200) {
        struct kt_json_parsed parsed;
        if (kt_json_parse(arena, kt_strbuf_view(&client->body), KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL) == 0)
            reply->object = parsed.root;
        code = kt_client_judge(client, &exchange, reply, error);
    }
    kt_strbuf_release(&client->body);
    return code;
}
