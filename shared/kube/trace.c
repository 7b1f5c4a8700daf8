/* SPDX-License-Identifier: Apache-2.0 */
/* What -v=6 and above show of the wire. */
#include <string.h>

#include "base/limits.h"

#include "kube/client_internal.h"
#include "text/visible.h"

/* As kubectl: level 8 shows the first KiB of a body, 9 ten, 10 all. */
#define BODY_AT_8_BYTES ((size_t)KT_KIB)
#define BODY_AT_9_BYTES ((size_t)(10 * KT_KIB))

static bool wants(const struct kt_client *client, int level)
{
    return client->options.hooks.trace && client->options.hooks.verbosity >= level;
}

/* A line stays one line, and what the server sent steers no terminal. */
static void emit(struct kt_client *client, int level, struct kt_strbuf *line)
{
    for (size_t i = 0; i < line->length; i++)
        if ((unsigned char)line->data[i] < 0x20 || line->data[i] == 0x7f)
            line->data[i] = ' ';
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf safe;
    kt_strbuf_init(&safe, NULL, 4 * KT_LIMIT_API_LIST_BYTES);
    kt_visible_write(&safe, kt_strbuf_view(line), KT_VISIBLE_LINE);
    if (!safe.failed)
        client->options.hooks.trace(client->options.hooks.context, level, safe.data);
}

static const char *const secret_headers[] = {"Authorization", "Proxy-Authorization", "Set-Cookie", "Cookie"};

static void add_header(struct kt_strbuf *line, struct kt_str header)
{
    size_t colon = KT_MIN(kt_str_find_char(header, ':'), header.length);
    struct kt_str name = {header.data, colon};
    bool secret = false;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(secret_headers); i++)
        secret = secret || kt_str_equal_nocase(name, kt_str(secret_headers[i]));
    kt_strbuf_puts(line, "    ");
    if (!secret) {
        kt_strbuf_add_str(line, header);
        return;
    }
    kt_strbuf_add_str(line, name);
    kt_strbuf_puts(line, ": <masked>");
}

/* Secrets and tokens travel in bodies too. */
static bool body_is_secret(const struct kt_request *request)
{
    return strstr(request->path, "/secrets") || strstr(request->path, "/token");
}

static void trace_body(struct kt_client *client, const char *what, const struct kt_request *request, struct kt_str body)
{
    if (!wants(client, 8) || body.length == 0)
        return;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf line;
    kt_strbuf_init(&line, NULL, KT_LIMIT_API_LIST_BYTES);
    int verbosity = client->options.hooks.verbosity;
    size_t shown = verbosity == 8 ? BODY_AT_8_BYTES : verbosity == 9 ? BODY_AT_9_BYTES : SIZE_MAX;
    shown = KT_MIN(shown, body.length);
    kt_strbuf_printf(&line, "%s: ", what);
    if (body_is_secret(request)) {
        kt_strbuf_puts(&line, "<masked>");
    } else {
        while (shown > 0 && shown < body.length && ((unsigned char)body.data[shown] & 0xC0) == 0x80)
            shown--;
        kt_strbuf_add(&line, body.data, shown);
        if (shown < body.length)
            kt_strbuf_printf(&line, " [%zu more bytes]", body.length - shown);
    }
    emit(client, 8, &line);
}

void kt_trace_request(struct kt_client *client, const struct kt_exchange *exchange, const char *url,
                      const struct curl_slist *headers)
{
    if (!wants(client, 7))
        return;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf line;
    kt_strbuf_init(&line, NULL, KT_LIMIT_API_LIST_BYTES);
    kt_strbuf_printf(&line, "%s %s", exchange->request->method, url);
    emit(client, 7, &line);
    for (; headers; headers = headers->next) {
        kt_strbuf_clear(&line);
        add_header(&line, kt_str(headers->data));
        emit(client, 7, &line);
    }
    trace_body(client, "Request body", exchange->request, exchange->request->body);
}

void kt_trace_header(struct kt_client *client, struct kt_str header)
{
    header = kt_str_trim(header);
    if (!wants(client, 8) || header.length == 0)
        return;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf line;
    kt_strbuf_init(&line, NULL, KT_LIMIT_API_LIST_BYTES);
    add_header(&line, header);
    emit(client, 8, &line);
}

void kt_trace_reply(struct kt_client *client, const struct kt_exchange *exchange, const char *url, const char *failure)
{
    if (!wants(client, 6))
        return;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf line;
    kt_strbuf_init(&line, NULL, KT_LIMIT_API_LIST_BYTES);
    long long spent_ms = (long long)(kt_clock_monotonic_ms(client->environment->clock) - exchange->started_ms);
    if (failure)
        kt_strbuf_printf(&line, "%s %s failed after %lld ms: %s", exchange->request->method, url, spent_ms, failure);
    else
        kt_strbuf_printf(&line, "%s %s %d in %lld ms", exchange->request->method, url, exchange->http_code, spent_ms);
    emit(client, 6, &line);
    if (!failure && !exchange->take_body)
        trace_body(client, "Response body", exchange->request, kt_strbuf_view(&client->body));
}
