/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/health.h"

static unsigned answer_ready(const struct kt_health *health, struct kt_strbuf *body)
{
    bool ready = health->ready(health->context, body);
    if (ready)
        kt_strbuf_puts(body, "ok");
    kt_strbuf_putc(body, '\n');
    return ready ? 200 : 503;
}

static unsigned answer_health(void *context, const char *path, struct kt_strbuf *body,
                              const char **content_type KT_UNUSED)
{
    const struct kt_health_server *server = context;
    if (kt_streq(path, "/readyz"))
        return answer_ready(server->health, body);
    bool known = kt_streq(path, "/healthz");
    kt_strbuf_puts(body, known ? "ok\n" : "see /healthz and /readyz\n");
    return known ? 200 : 404;
}

static unsigned answer_metrics(void *context, const char *path, struct kt_strbuf *body, const char **content_type)
{
    const struct kt_health_server *server = context;
    if (!kt_streq(path, "/metrics")) {
        kt_strbuf_puts(body, "see /metrics\n");
        return 404;
    }
    kt_metrics_write(server->health->metrics, body);
    *content_type = "text/plain; version=0.0.4; charset=utf-8";
    return 200;
}

int kt_health_start(struct kt_health_server *server, const struct kt_health *health, bool serves_metrics,
                    const char *bind_address, uint16_t port, struct kt_error *error)
{
    *server = (struct kt_health_server){.health = health, .serves_metrics = serves_metrics};
    int code = kt_plain_server_start(&server->http, bind_address, port,
                                     serves_metrics ? KT_METRICS_DEADLINE_MS : KT_HEALTH_DEADLINE_MS,
                                     serves_metrics ? answer_metrics : answer_health, server, error);
    server->port = server->http.port;
    return code;
}

void kt_health_stop(struct kt_health_server *server)
{
    kt_plain_server_stop(&server->http);
}
