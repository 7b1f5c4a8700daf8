/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its reply through libcurl. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "kube/client_internal.h"

/* Of an error's body while a watch takes the good ones. */
#define ERROR_BODY_BYTES ((size_t)(64 * KT_KIB))
/* A peer that acknowledges nothing for LOST_MS is lost: bytes that were sent (TCP_USER_TIMEOUT), or the probes that a
 * silent connection is given from KEEPALIVE_IDLE_S on. client-go finds out within 45 s (HTTP/2 pings: 30 s and 15 s).
 */
#define LOST_MS 30000u
#define KEEPALIVE_IDLE_S 15L
#define KEEPALIVE_INTERVAL_S 5L
/* A server that has answered before is not given KT_CLIENT_CONNECT_TIMEOUT_MS at once: what is sent to it while the
 * network is away may be lost for good (another address, a NAT), and the next try finds it. */
#define RECONNECT_TIMEOUT_MS ((int64_t)10000)
#define RECONNECT_TRIES 3u

static int no_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "not enough memory for a request to the API server");
}

/* --- what libcurl calls --------------------------------------------------------------------------------------------
 */

static bool has_status(const struct kt_client *client, long *ret_http_code)
{
    long http_code = 0;
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &http_code);
    *ret_http_code = http_code;
    return http_code > 0;
}

static void note_heard(struct kt_exchange *exchange)
{
    long http_code;
    exchange->heard_ms = kt_clock_monotonic_ms(exchange->client->environment->clock);
    if (exchange->heard && has_status(exchange->client, &http_code) && http_code == 200)
        exchange->heard(exchange->context);
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct kt_exchange *exchange = context;
    note_heard(exchange);
    struct kt_str line = {data, size * count};
    kt_reply_headers_take(&exchange->headers, line);
    kt_trace_header(exchange->client, line);
    return line.length;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct kt_exchange *exchange = context;
    struct kt_client *client = exchange->client;
    size_t length = size * count;
    long http_code;
    note_heard(exchange);
    if (exchange->take_body && has_status(client, &http_code) && http_code == 200) {
        if (exchange->take_body(exchange->context, data, length))
            return length;
        exchange->ended_by_taker = true;
        return 0;
    }
    size_t limit = exchange->take_body ? ERROR_BODY_BYTES : exchange->body_limit_bytes;
    if (client->body.length + length > limit) {
        exchange->body_too_large = true;
        return 0;
    }
    kt_strbuf_add(&client->body, data, length);
    return client->body.failed ? 0 : length;
}

/* Without the option (an old kernel) the limits of each request remain. */
static int on_socket(void *context KT_UNUSED, curl_socket_t socket, curlsocktype purpose KT_UNUSED)
{
    unsigned lost_ms = LOST_MS;
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_ms, sizeof(lost_ms));
    return CURL_SOCKOPT_OK;
}

/* --- options ------------------------------------------------------------------------------------------------------
 */

/* Collects the results of many curl_easy_setopt calls: the first that fails counts. */
struct setting {
    CURL *easy;
    CURLcode code;
};

#define SET(setting, option, value)                                             \
    do {                                                                        \
        if ((setting)->code == CURLE_OK)                                        \
            (setting)->code = curl_easy_setopt((setting)->easy, option, value); \
    } while (0)

static void set_blob(struct setting *setting, CURLoption option, struct kt_str text)
{
    union {
        const char *in;
        void *out;
    } data = {.in = text.data};
    struct curl_blob blob = {data.out, text.length, CURL_BLOB_COPY};
    SET(setting, option, &blob);
}

static void set_tls(struct setting *setting, const struct kt_client *client)
{
    const struct kt_config *config = client->config;
    SET(setting, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(setting, CURLOPT_SSL_VERIFYPEER, config->insecure_skip_tls_verify ? 0L : 1L);
    SET(setting, CURLOPT_SSL_VERIFYHOST, config->insecure_skip_tls_verify ? 0L : 2L);
    SET(setting, CURLOPT_CERTINFO, 1L); /* the names of a certificate that does not fit */
    if (config->ca_pem.length > 0) {
        /* Only the CA of the cluster may vouch: without these two the system's folder would be asked as well. */
        SET(setting, CURLOPT_CAINFO, NULL);
        SET(setting, CURLOPT_CAPATH, NULL);
        set_blob(setting, CURLOPT_CAINFO_BLOB, config->ca_pem);
    }
    if (client->credentials.key_pem.length > 0) {
        SET(setting, CURLOPT_SSLCERTTYPE, "PEM");
        SET(setting, CURLOPT_SSLKEYTYPE, "PEM");
        set_blob(setting, CURLOPT_SSLCERT_BLOB, client->credentials.certificate_pem);
        set_blob(setting, CURLOPT_SSLKEY_BLOB, client->credentials.key_pem);
    }
}

static void set_proxy(struct setting *setting, struct kt_client *client, struct kt_arena *arena)
{
    const char *proxy = client->config->proxy_url;
    /* Go lets a SOCKS proxy look up the name; libcurl does so under another scheme. */
    if (strncmp(proxy, "socks5://", 9) == 0) {
        proxy = kt_arena_printf(arena, "socks5h://%s", proxy + 9);
        if (!proxy)
            setting->code = CURLE_OUT_OF_MEMORY;
    }
    /* An empty text also keeps libcurl from looking into the environment. */
    SET(setting, CURLOPT_PROXY, proxy);
    SET(setting, CURLOPT_NOPROXY, client->config->no_proxy);
    SET(setting, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(setting, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* credentials are not for the proxy */
}

static void set_method(struct setting *setting, const struct kt_request *request)
{
    if (kt_streq(request->method, "GET")) {
        SET(setting, CURLOPT_HTTPGET, 1L);
        return;
    }
    if (request->body.length > 0 || !kt_streq(request->method, "DELETE")) {
        SET(setting, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        SET(setting, CURLOPT_POSTFIELDS, request->body.length > 0 ? request->body.data : "");
    }
    SET(setting, CURLOPT_CUSTOMREQUEST, request->method);
}

static int64_t connect_timeout_ms(const struct kt_client *client)
{
    bool is_known = client->was_answered && client->silent_failures < RECONNECT_TRIES;
    return is_known ? RECONNECT_TIMEOUT_MS : KT_CLIENT_CONNECT_TIMEOUT_MS;
}

static void note_outcome(struct kt_client *client, bool has_reply)
{
    client->was_answered |= has_reply;
    client->silent_failures = has_reply ? 0 : client->silent_failures + 1;
}

static void set_connection(struct setting *setting, struct kt_client *client, const struct kt_exchange *exchange)
{
    int64_t most_ms = connect_timeout_ms(client);
    int64_t left_ms = exchange->header_deadline_ms == INT64_MAX
                          ? most_ms
                          : exchange->header_deadline_ms - kt_clock_monotonic_ms(client->environment->clock);
    left_ms = KT_MAX(KT_MIN(left_ms, most_ms), (int64_t)1);
    SET(setting, CURLOPT_CONNECTTIMEOUT_MS, (long)left_ms);
    SET(setting, CURLOPT_NOSIGNAL, 1L);
    SET(setting, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(setting, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    SET(setting, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    SET(setting, CURLOPT_SOCKOPTFUNCTION, on_socket);
    SET(setting, CURLOPT_QUICK_EXIT, 1L); /* an ended request does not wait for a name server */
    SET(setting, CURLOPT_PROTOCOLS_STR, client->address.scheme);
    SET(setting, CURLOPT_FOLLOWLOCATION, 0L);
    SET(setting, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(setting, CURLOPT_PATH_AS_IS, 1L);
    SET(setting, CURLOPT_HTTP_VERSION, (long)(client->options.http1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    if (!client->config->disable_compression && !exchange->take_body)
        SET(setting, CURLOPT_ACCEPT_ENCODING, "gzip");
}

/* tls-server-name: libcurl verifies the host of the URL, so that host is the name, and the connection is led to the
 * real address; the Host header keeps the real one too. */
static int set_server_name(struct setting *setting, struct kt_client *client, struct kt_arena *arena,
                           struct curl_slist **headers, struct curl_slist **routes, struct kt_error *error)
{
    if (!*client->config->tls_server_name)
        return 0;
    const char *route = kt_arena_printf(arena, "::%s", client->address.host_port);
    *routes = route ? curl_slist_append(NULL, route) : NULL;
    if (!*routes)
        return no_memory(error);
    SET(setting, CURLOPT_CONNECT_TO, *routes);
    return kt_header_add(headers, "Host", client->address.host_port, error);
}

/* The address as libcurl shall see it. */
static void add_base(const struct kt_client *client, struct kt_strbuf *url)
{
    const char *name = client->config->tls_server_name;
    if (!*name) {
        kt_strbuf_puts(url, client->address.url);
        return;
    }
    bool is_ipv6 = strchr(name, ':') != NULL;
    kt_strbuf_printf(url, "%s://%s%s%s:%d%s", client->address.scheme, is_ipv6 ? "[" : "", name, is_ipv6 ? "]" : "",
                     client->address.port, client->address.prefix);
}

static void add_path(struct kt_strbuf *url, const struct kt_request *request)
{
    kt_strbuf_puts(url, request->path);
    char separator = strchr(request->path, '?') ? '&' : '?';
    for (size_t i = 0; i < request->query_count; i++) {
        if (!request->query[i].value)
            continue;
        kt_strbuf_putc(url, separator);
        kt_url_escape(url, kt_str(request->query[i].name));
        kt_strbuf_putc(url, '=');
        kt_url_escape(url, kt_str(request->query[i].value));
        separator = '&';
    }
}

const char *kt_exchange_url(struct kt_client *client, struct kt_arena *arena, const struct kt_request *request)
{
    struct kt_strbuf url;
    kt_strbuf_init(&url, arena, KT_LIMIT_API_URL_BYTES);
    kt_strbuf_puts(&url, client->address.url);
    add_path(&url, request);
    return url.failed ? NULL : url.data;
}

static int set_url(struct setting *setting, struct kt_client *client, const struct kt_exchange *exchange,
                   struct kt_error *error)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf url;
    kt_strbuf_init(&url, NULL, KT_LIMIT_API_URL_BYTES);
    add_base(client, &url);
    add_path(&url, exchange->request);
    if (url.failed)
        return kt_error_set(error, KT_ELIMIT, "the address of a request is longer than %zu bytes",
                            KT_LIMIT_API_URL_BYTES);
    SET(setting, CURLOPT_URL, url.data); /* copied */
    return 0;
}

static int add_headers(struct kt_client *client, const struct kt_exchange *exchange, struct curl_slist **headers,
                       struct kt_error *error)
{
    const struct kt_request *request = exchange->request;
    int code = kt_header_add(headers, "Accept", request->raw ? "*/*" : "application/json", error);
    const char *agent = client->options.user_agent ? client->options.user_agent : "kaito";
    if (code == 0)
        code = kt_header_add(headers, "User-Agent", agent, error);
    if (code == 0 && request->body.length > 0)
        code = kt_header_add(headers, "Content-Type",
                             request->content_type ? request->content_type : "application/json", error);
    if (code == 0)
        code = kt_credentials_add_headers(client, headers, error);
    /* libcurl would ask "Expect: 100-continue" before a large body, a round trip for nothing. */
    struct curl_slist *longer = code == 0 ? curl_slist_append(*headers, "Expect:") : NULL;
    if (code == 0 && !longer)
        return no_memory(error);
    if (longer)
        *headers = longer;
    return code;
}

/* --- running --------------------------------------------------------------------------------------------------------
 */

static bool is_done(struct kt_client *client, CURLcode *ret_result)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        if (message->msg == CURLMSG_DONE) {
            *ret_result = message->data.result;
            return true;
        }
    }
    return false;
}

static int timed_out(struct kt_client *client, const struct kt_exchange *exchange, struct kt_error *error)
{
    int64_t spent_ms = kt_clock_monotonic_ms(client->environment->clock) - exchange->started_ms;
    return kt_error_set(error, KT_ETIMEOUT,
                        "Unable to connect to the server: %s did not answer %s %s within %.1f s (%s)",
                        client->address.host_port, exchange->request->method, exchange->request->path,
                        (double)spent_ms / 1000, client->config->source);
}

static int fell_silent(struct kt_client *client, struct kt_exchange *exchange, struct kt_error *error)
{
    exchange->fell_silent = true;
    return kt_error_set(error, KT_ETIMEOUT, "the connection to the server %s has been silent for %.1f s",
                        client->address.host_port, (double)exchange->silence_ms / 1000);
}

static int interrupted(struct kt_error *error)
{
    return kt_error_set(error, KT_EINTERRUPTED, "interrupted while waiting for the API server");
}

/* When the wait ends; *ret_silence: because the reply has fallen silent. */
static int64_t end_of_wait(const struct kt_client *client, const struct kt_exchange *exchange, bool *ret_silence)
{
    long http_code;
    *ret_silence = false;
    if (!has_status(client, &http_code))
        return KT_MIN(exchange->deadline_ms, exchange->header_deadline_ms);
    if (exchange->silence_ms == 0 || exchange->heard_ms + exchange->silence_ms >= exchange->deadline_ms)
        return exchange->deadline_ms;
    *ret_silence = true;
    return exchange->heard_ms + exchange->silence_ms;
}

static int drive(struct kt_client *client, struct kt_exchange *exchange, CURLcode *ret_result, struct kt_error *error)
{
    struct curl_waitfd stop = {.fd = client->options.stop_fd, .events = CURL_WAIT_POLLIN};
    for (;;) {
        int running;
        if (curl_multi_perform(client->multi, &running) != CURLM_OK)
            return no_memory(error);
        if (is_done(client, ret_result))
            return 0;
        bool silence;
        int64_t left_ms = end_of_wait(client, exchange, &silence) - kt_clock_monotonic_ms(client->environment->clock);
        if (left_ms <= 0)
            return silence ? fell_silent(client, exchange, error) : timed_out(client, exchange, error);
        stop.revents = 0;
        if (curl_multi_poll(client->multi, &stop, stop.fd >= 0 ? 1 : 0, (int)KT_MIN(left_ms, (int64_t)60000), NULL) !=
            CURLM_OK)
            return no_memory(error);
        if (stop.revents != 0)
            return interrupted(error);
    }
}

/* With HTTP/2 a request that is given up leaves its connection open for the next one. */
static void drop_connections(struct kt_client *client)
{
    curl_multi_cleanup(client->multi);
    client->multi = NULL;
}

static int perform(struct kt_client *client, struct kt_exchange *exchange, struct kt_error *error)
{
    CURLcode result = CURLE_OK;
    if (!client->multi)
        client->multi = curl_multi_init();
    if (!client->multi)
        return no_memory(error);
    if (curl_multi_add_handle(client->multi, client->easy) != CURLM_OK)
        return no_memory(error);
    int code = drive(client, exchange, &result, error);
    bool is_in_vain = code != 0 || result == CURLE_OPERATION_TIMEDOUT;
    long http_code;
    has_status(client, &http_code);
    exchange->http_code = (int)http_code;
    note_outcome(client, http_code > 0);
    if (code == 0 && result != CURLE_OK && !exchange->ended_by_taker)
        code = kt_transport_error(client, exchange, result, error);
    curl_multi_remove_handle(client->multi, client->easy);
    if (http_code > 0 && http_code != 401)
        kt_credentials_accepted(client);
    if (is_in_vain)
        drop_connections(client);
    return code;
}

static int prepare(struct kt_client *client, struct kt_exchange *exchange, struct curl_slist **headers,
                   struct curl_slist **routes, struct kt_error *error)
{
    struct setting setting = {client->easy, CURLE_OK};
    curl_easy_reset(client->easy); /* connections stay: they belong to the multi handle */
    client->curl_message[0] = '\0';
    SET(&setting, CURLOPT_ERRORBUFFER, client->curl_message);
    SET(&setting, CURLOPT_HEADERFUNCTION, on_header);
    SET(&setting, CURLOPT_HEADERDATA, exchange);
    SET(&setting, CURLOPT_WRITEFUNCTION, on_body);
    SET(&setting, CURLOPT_WRITEDATA, exchange);
    if (!exchange->take_body)
        SET(&setting, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)exchange->body_limit_bytes);
    set_connection(&setting, client, exchange);
    set_tls(&setting, client);
    set_proxy(&setting, client, exchange->arena);
    set_method(&setting, exchange->request);
    int code = set_url(&setting, client, exchange, error);
    if (code == 0)
        code = set_server_name(&setting, client, exchange->arena, headers, routes, error);
    if (code == 0)
        code = add_headers(client, exchange, headers, error);
    SET(&setting, CURLOPT_HTTPHEADER, *headers);
    if (code != 0)
        return code;
    if (setting.code == CURLE_OUT_OF_MEMORY)
        return no_memory(error);
    if (setting.code != CURLE_OK)
        return kt_error_set(error, KT_EINTERNAL, "this libcurl lacks something that is needed: %s",
                            curl_easy_strerror(setting.code));
    return 0;
}

int kt_exchange_run(struct kt_client *client, struct kt_exchange *exchange, struct kt_error *error)
{
    struct curl_slist *headers = NULL, *routes = NULL;
    struct kt_error failure = {0};
    exchange->client = client;
    exchange->started_ms = kt_clock_monotonic_ms(client->environment->clock);
    exchange->http_code = 0;
    exchange->ended_by_taker = false;
    exchange->body_too_large = false;
    exchange->fell_silent = false;
    exchange->heard_ms = exchange->started_ms;
    kt_reply_headers_init(&exchange->headers, exchange->arena);
    kt_strbuf_release(&client->body);
    kt_strbuf_init(&client->body, NULL, KT_MAX(exchange->body_limit_bytes, ERROR_BODY_BYTES));
    const char *url = kt_exchange_url(client, exchange->arena, exchange->request);
    int code = prepare(client, exchange, &headers, &routes, &failure);
    if (code == 0) {
        kt_trace_request(client, exchange, url ? url : exchange->request->path, headers);
        code = perform(client, exchange, &failure);
        kt_trace_reply(client, exchange, url ? url : exchange->request->path, code != 0 ? failure.message : NULL);
    }
    curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(client->easy, CURLOPT_CONNECT_TO, NULL);
    curl_slist_free_all(headers);
    curl_slist_free_all(routes);
    if (code != 0 && error)
        *error = failure;
    return code;
}

int kt_client_pause(struct kt_client *client, int64_t pause_ms, struct kt_error *error)
{
    const struct kt_clock *clock = client->environment->clock;
    int64_t end_ms = kt_clock_monotonic_ms(clock) + pause_ms;
    for (;;) {
        int64_t left_ms = end_ms - kt_clock_monotonic_ms(clock);
        struct pollfd stop = {.fd = client->options.stop_fd, .events = POLLIN};
        int ready = poll(&stop, 1, left_ms > 0 ? (int)KT_MIN(left_ms, (int64_t)60000) : 0);
        if (ready > 0)
            return interrupted(error);
        if (left_ms <= 0)
            return 0;
    }
}
