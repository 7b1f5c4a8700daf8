/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <string.h>

#include "base/limits.h"

#define BODY_LIMIT_BYTES ((size_t)(256 * KT_KIB))
#define CONNECTION_LIMIT 32u
#define TIMEOUT_SECONDS 10u

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const struct kt_strbuf *body,
                               const char *content_type)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(body->length, body->data, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_ready(const struct kt_health *health, struct MHD_Connection *connection,
                                    struct kt_strbuf *body)
{
    bool ready = health->ready(health->context, body);
    if (ready)
        kt_strbuf_puts(body, "ok");
    kt_strbuf_putc(body, '\n');
    return respond(connection, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, body, "text/plain; charset=utf-8");
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version KT_UNUSED, const char *upload KT_UNUSED, size_t *upload_size,
                              void **state KT_UNUSED)
{
    const struct kt_health_server *server = context;
    if (*upload_size > 0)
        return MHD_NO; /* nobody has a reason to send a body here */
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf body;
    kt_strbuf_init(&body, NULL, BODY_LIMIT_BYTES);
    if (!kt_streq(method, MHD_HTTP_METHOD_GET) && !kt_streq(method, MHD_HTTP_METHOD_HEAD)) {
        kt_strbuf_puts(&body, "only GET is served here\n");
        return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, &body, "text/plain; charset=utf-8");
    }
    if (server->serves_metrics && kt_streq(url, "/metrics")) {
        kt_metrics_write(server->health->metrics, &body);
        return respond(connection, MHD_HTTP_OK, &body, "text/plain; version=0.0.4; charset=utf-8");
    }
    if (!server->serves_metrics && kt_streq(url, "/healthz")) {
        kt_strbuf_puts(&body, "ok\n");
        return respond(connection, MHD_HTTP_OK, &body, "text/plain; charset=utf-8");
    }
    if (!server->serves_metrics && kt_streq(url, "/readyz"))
        return answer_ready(server->health, connection, &body);
    kt_strbuf_puts(&body, server->serves_metrics ? "see /metrics\n" : "see /healthz and /readyz\n");
    return respond(connection, MHD_HTTP_NOT_FOUND, &body, "text/plain; charset=utf-8");
}

int kt_health_start(struct kt_health_server *server, const struct kt_health *health, bool serves_metrics,
                    const char *bind_address, uint16_t port, struct kt_error *error)
{
    *server = (struct kt_health_server){.health = health, .serves_metrics = serves_metrics};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, bind_address, &address.sin_addr) != 1)
        return kt_error_set(error, KT_EINVAL, "\"%s\" is not an IPv4 address to listen on", bind_address);
    server->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, port, NULL, NULL, handle, server,
                                      MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT, CONNECTION_LIMIT,
                                      MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_SECONDS, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                                      MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    if (!server->daemon) {
        char reason[128];
        return kt_error_set(error, KT_EIO, "cannot listen on %s:%u: %s", bind_address, (unsigned)port,
                            strerror_r(errno, reason, sizeof(reason)));
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = info ? info->port : port;
    return 0;
}

void kt_health_stop(struct kt_health_server *server)
{
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}
