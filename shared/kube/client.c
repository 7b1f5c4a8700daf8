/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client.h"

#include <string.h>

#include "base/limits.h"
#include "kube/client_internal.h"
#include "kube/credential_cache.h"

/* Waited before trying again when the server asks to but not how long. */
#define RETRY_DEFAULT_S 1

int kt_client_global_init(struct kt_error *error)
{
    CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (result != CURLE_OK)
        return kt_error_set(error, KT_EINTERNAL, "libcurl cannot start: %s", curl_easy_strerror(result));
    return 0;
}

void kt_client_global_cleanup(void)
{
    curl_global_cleanup();
}

int kt_client_new(const struct kt_config *config, const struct kt_environment *environment,
                  const struct kt_client_options *options, struct kt_client **ret, struct kt_error *error)
{
    KT_CLEANUP(kt_client_cleanup) struct kt_client *client = kt_heap_alloc(sizeof(*client));
    if (!client)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for an API client");
    client->config = config;
    client->environment = environment;
    client->deadline_ms = INT64_MAX;
    client->options = options ? *options : (struct kt_client_options){.stop_fd = -1};
    kt_arena_init(&client->arena, KT_CLIENT_ARENA_BYTES);
    kt_arena_init(&client->credential_arenas[0], KT_CLIENT_ARENA_BYTES);
    kt_arena_init(&client->credential_arenas[1], KT_CLIENT_ARENA_BYTES);
    kt_strbuf_init(&client->body, NULL, KT_LIMIT_API_REPLY_BYTES);
    int code = kt_server_address_parse(&client->arena, config->server, &client->address, error);
    if (code != 0)
        return code;
    client->credential_cache = config->credential_cache;
    if (config->exec && !client->credential_cache)
        client->credential_cache = client->own_credential_cache = kt_credential_cache_new();
    client->easy = curl_easy_init();
    client->multi = curl_multi_init();
    if (!client->easy || !client->multi || (config->exec && !client->credential_cache))
        return kt_error_set(error, KT_ENOMEM, "not enough memory for an API client");
    *ret = KT_STEAL(client);
    return 0;
}

void kt_client_free(struct kt_client *client)
{
    if (!client)
        return;
    if (client->easy)
        curl_easy_cleanup(client->easy);
    if (client->multi)
        curl_multi_cleanup(client->multi);
    kt_credential_cache_free(client->own_credential_cache);
    kt_strbuf_release(&client->body);
    kt_arena_release(&client->credential_arenas[0]);
    kt_arena_release(&client->credential_arenas[1]);
    kt_arena_release(&client->arena);
    kt_heap_free(client);
}

void kt_client_cleanup(struct kt_client **client)
{
    kt_client_free(*client);
    *client = NULL;
}

const struct kt_config *kt_client_config(const struct kt_client *client)
{
    return client->config;
}

void kt_client_set_deadline(struct kt_client *client, int64_t deadline_ms)
{
    client->deadline_ms = deadline_ms;
}

/* --- judging --------------------------------------------------------------------------------------------------------
 */

static bool is_good(int http_code)
{
    return http_code >= 200 && http_code < 300;
}

static int unauthorized(struct kt_client *client, const struct kt_reply *reply, struct kt_error *error)
{
    const char *said = reply->status.message;
    bool is_news = *said && !kt_streq(said, "Unauthorized");
    return kt_error_set(error, KT_EAUTH,
                        "Error from server (Unauthorized): %s does not accept the credentials of %s: they are missing, "
                        "wrong or expired; log in again%s%s%s",
                        client->address.host_port, client->config->user_source, is_news ? " (" : "",
                        is_news ? said : "", is_news ? ")" : "");
}

static int type_missing(struct kt_client *client, const struct kt_resource *resource, struct kt_error *error)
{
    const struct kt_client_hooks *hooks = &client->options.hooks;
    const char *advice = hooks->missing_type ? hooks->missing_type(hooks->context, resource) : NULL;
    return kt_error_set(error, KT_ENOTFOUND, "Error from server (NotFound): %s does not know the type %s%s%s in %s%s%s",
                        client->address.host_port, resource->plural, *resource->group ? "." : "", resource->group,
                        resource->version, advice ? "; " : "", advice ? advice : "");
}

int kt_client_judge(struct kt_client *client, const struct kt_exchange *exchange, struct kt_reply *reply,
                    struct kt_error *error)
{
    const struct kt_request *request = exchange->request;
    bool is_status = kt_status_parse(exchange->arena, reply->object, exchange->http_code, &reply->status);
    if (!is_status)
        kt_status_from_http(exchange->arena, exchange->http_code, kt_strbuf_view(&client->body), &reply->status);
    if (reply->status.retry_after_s == 0 && exchange->headers.retry_after_s > 0)
        reply->status.retry_after_s = exchange->headers.retry_after_s;
    /* An object that is missing is named in details; a path that is missing is not. */
    if (exchange->http_code == 404 && request->resource && !*reply->status.name) {
        reply->type_missing = true;
        return type_missing(client, request->resource, error);
    }
    if (exchange->http_code == 401)
        return unauthorized(client, reply, error);
    return kt_status_error(&reply->status, error);
}

/* --- one request with its retries -----------------------------------------------------------------------------------
 */

/* Puts into *reply what the exchange brought. */
static int take_reply(struct kt_client *client, const struct kt_exchange *exchange, struct kt_reply *reply,
                      struct kt_error *error)
{
    struct kt_arena *arena = exchange->arena;
    struct kt_str body = kt_strbuf_view(&client->body);
    reply->http_code = exchange->http_code;
    reply->body_bytes = body.length;
    const char **warnings = kt_arena_calloc(arena, exchange->headers.warning_count, sizeof(*warnings));
    if (warnings && exchange->headers.warning_count > 0) {
        memcpy(warnings, exchange->headers.warnings, exchange->headers.warning_count * sizeof(*warnings));
        reply->warnings = warnings;
        reply->warning_count = exchange->headers.warning_count;
    }
    bool good = is_good(exchange->http_code);
    if (good && exchange->request->raw) {
        reply->body = kt_arena_str(arena, body);
        return arena->failed ? kt_error_set(error, KT_ENOMEM, "not enough memory for a reply of the API server") : 0;
    }
    if (body.length == 0)
        return 0;
    struct kt_json_parsed parsed;
    struct kt_error inner = {0};
    int code = kt_json_parse(arena, body, KT_JSON_DUPLICATES_LAST_WINS, &parsed, &inner);
    if (code == 0)
        reply->object = parsed.root;
    if (code == 0 || !good)
        return 0; /* what is wrong with it is then told by the HTTP code */
    if (code == KT_ENOMEM || code == KT_ELIMIT)
        return kt_error_set(error, inner.code, "the reply of %s to %s %s: %s", client->address.host_port,
                            exchange->request->method, exchange->request->path, inner.message);
    return kt_error_set(
        error, KT_EPARSE, "the reply of %s to %s %s is not JSON (%s); is this the address of an API server? (%s)",
        client->address.host_port, exchange->request->method, exchange->request->path,
        *exchange->headers.content_type ? exchange->headers.content_type : inner.message, client->config->source);
}

static int64_t timeout_of(const struct kt_client *client, const struct kt_request *request)
{
    if (request->timeout_ms != 0)
        return request->timeout_ms;
    if (client->options.timeout_ms != 0)
        return client->options.timeout_ms;
    if (client->config->request_timeout_ms == KT_REQUEST_TIMEOUT_NONE)
        return INT64_MAX;
    return client->config->request_timeout_ms != 0 ? client->config->request_timeout_ms : KT_CLIENT_TIMEOUT_MS;
}

int64_t kt_client_deadline(const struct kt_client *client, int64_t timeout_ms)
{
    int64_t deadline_ms;
    if (__builtin_add_overflow(kt_clock_monotonic_ms(client->environment->clock), timeout_ms, &deadline_ms))
        return client->deadline_ms;
    return KT_MIN(deadline_ms, client->deadline_ms);
}

static int64_t deadline_of(const struct kt_client *client, const struct kt_request *request)
{
    return kt_client_deadline(client, timeout_of(client, request));
}

/* How long to wait before another try, or -1 when there is none. */
static int64_t retry_pause_ms(struct kt_client *client, const struct kt_exchange *exchange, unsigned tries)
{
    bool asks = exchange->http_code == 429 || (exchange->http_code >= 500 && exchange->headers.retry_after_s >= 0);
    if (!asks || tries > KT_CLIENT_RETRIES)
        return -1;
    int64_t pause_ms =
        exchange->headers.retry_after_s >= 0 ? exchange->headers.retry_after_s * 1000 : (int64_t)RETRY_DEFAULT_S * 1000;
    int64_t left_ms = exchange->deadline_ms - kt_clock_monotonic_ms(client->environment->clock);
    return pause_ms < left_ms ? pause_ms : -1;
}

/* Decides about another try and waits for it. *ret_again false: the reply stands. */
static int before_next_try(struct kt_client *client, struct kt_exchange *exchange, unsigned tries, bool *refreshed,
                           bool *ret_again, struct kt_error *error)
{
    *ret_again = false;
    if (exchange->http_code == 401 && !*refreshed) {
        *refreshed = true;
        int code = kt_credentials_prepare(client, true, ret_again, error);
        /* A plugin may have asked the user: that time does not count. */
        exchange->deadline_ms = deadline_of(client, exchange->request);
        return code;
    }
    int64_t pause_ms = retry_pause_ms(client, exchange, tries);
    if (pause_ms < 0)
        return 0;
    *ret_again = true;
    return kt_client_pause(client, pause_ms, error);
}

int kt_client_do(struct kt_client *client, struct kt_arena *arena, const struct kt_request *request,
                 struct kt_reply *reply, struct kt_error *error)
{
    bool changed, again = true, refreshed = false;
    *reply = (struct kt_reply){0};
    int code = kt_credentials_prepare(client, false, &changed, error);
    if (code != 0)
        return code;
    struct kt_exchange exchange = {
        .request = request,
        .arena = arena,
        .deadline_ms = deadline_of(client, request),
        .body_limit_bytes = request->reply_limit_bytes != 0 ? request->reply_limit_bytes : KT_LIMIT_API_REPLY_BYTES,
    };
    for (unsigned tries = 1; again; tries++) {
        exchange.header_deadline_ms = exchange.deadline_ms;
        code = kt_exchange_run(client, &exchange, error);
        if (code != 0) {
            reply->http_code = exchange.http_code;
            return code;
        }
        code = before_next_try(client, &exchange, tries, &refreshed, &again, error);
        if (code != 0)
            return code;
    }
    code = take_reply(client, &exchange, reply, error);
    if (code == 0 && !is_good(exchange.http_code))
        code = kt_client_judge(client, &exchange, reply, error);
    kt_strbuf_release(&client->body);
    return code;
}
