/* SPDX-License-Identifier: Apache-2.0 */
/* /healthz, /readyz and /metrics: plain HTTP in threads of their own, apart from the webhook's. */
#ifndef KT_WEBHOOK_SERVE_HEALTH_H
#define KT_WEBHOOK_SERVE_HEALTH_H

#include "base/strbuf.h"
#include "webhook/serve/metrics.h"
#include "webhook/serve/plain_server.h"

/* From the first byte to the last. The kubelet gives up after 2 s (timeoutSeconds of the probes in
 * manifests/base/deployment.yaml), Prometheus after 10. */
#define KT_HEALTH_DEADLINE_MS 2000
#define KT_METRICS_DEADLINE_MS 10000

/* What the answers come from; shared by both ports. */
struct kt_health {
    const struct kt_metrics *metrics;
    /* Ready? When not, appends why; when it is, what is worth knowing all the same, in whole lines. Called on the
     * health thread; may take up to a second. */
    bool (*ready)(void *context, struct kt_strbuf *why);
    void *context;
};

struct kt_health_server {
    struct kt_plain_server http;
    const struct kt_health *health;
    bool serves_metrics; /* /metrics only; otherwise /healthz and /readyz only */
    uint16_t port;       /* the real one */
};

/* KT_EIO when the address cannot be had, with both named. */
int kt_health_start(struct kt_health_server *server, const struct kt_health *health, bool serves_metrics,
                    const char *bind_address, uint16_t port, struct kt_error *error) KT_NODISCARD;
void kt_health_stop(struct kt_health_server *server);

#endif
