/* SPDX-License-Identifier: Apache-2.0 */
/* The server as a whole: listener, workers, health ports, certificate watch, and an orderly end. */
#ifndef KT_WEBHOOK_SERVE_SERVER_H
#define KT_WEBHOOK_SERVE_SERVER_H

#include "webhook/config.h"
#include "webhook/serve/health.h"
#include "webhook/serve/tls_context.h"
#include "webhook/serve/worker.h"

struct kt_server {
    const struct kt_webhook_config *config;
    struct kt_tls_store tls;
    struct kt_metrics metrics;
    struct kt_endpoint endpoint;
    struct kt_worker *workers;
    size_t worker_count;
    struct kt_health health;
    struct kt_health_server health_server, metrics_server;
    int listener;
    uint16_t port;      /* the real one */
    int64_t started_ms; /* monotonic */
    atomic_bool draining;
    struct kt_connection_table table; /* of all workers' connections */
    struct kt_byte_budget bodies;
    int64_t self_check_ms; /* when the workers were asked last; this and the next two are the health thread's */
    bool self_check_passed;
    char self_check_why[96];
};

/* Starts everything; config and cluster (may be NULL) must outlive the server. On failure nothing is left running. */
int kt_server_start(struct kt_server *server, const struct kt_webhook_config *config, struct kt_cache *cluster,
                    struct kt_error *error) KT_NODISCARD;
/* Serves until stop_fd becomes readable (a signalfd), watching the certificate files; then drains: not ready first,
 * still accepting for the delay, then finishing what is under way. A second signal ends it at once. */
void kt_server_run(struct kt_server *server, int stop_fd);
void kt_server_stop(struct kt_server *server);

#endif
