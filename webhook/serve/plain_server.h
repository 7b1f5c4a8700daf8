/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port of plain HTTP in a thread of its own, for short answers: one request a connection, and an absolute deadline on
 * the whole of it, because libmicrohttpd's own is idle time, which a slow drip never trips. When all connections are
 * taken one goes for each that comes (connection_table.h), so that those who keep them open silence nobody.
 */
#ifndef KT_WEBHOOK_SERVE_PLAIN_SERVER_H
#define KT_WEBHOOK_SERVE_PLAIN_SERVER_H

#include <pthread.h>

#include "base/strbuf.h"
#include "webhook/serve/connection_table.h"

struct MHD_Daemon;

/* Fills the body (empty at first; at most KT_PLAIN_BODY_BYTES) and sets its content type; returns the HTTP status.
 * Called in the server's thread. */
typedef unsigned kt_plain_handler(void *context, const char *path, struct kt_strbuf *body, const char **content_type);

#define KT_PLAIN_BODY_BYTES ((size_t)(256 * KT_KIB))
#define KT_PLAIN_CONNECTIONS 32

struct kt_plain_server {
    struct MHD_Daemon *daemon;
    kt_plain_handler *handler;
    void *context;
    int64_t deadline_ms; /* of a connection, from its being accepted */
    struct kt_connection_table table;
    struct kt_plain_connection *connections; /* as many as the table has places */
    int listener, epoll, stop;               /* stop: eventfd */
    pthread_t thread;
    bool started;
    uint16_t port; /* the real one */
};

/* KT_EIO when the address cannot be had, with both named. context must outlive the server. */
int kt_plain_server_start(struct kt_plain_server *server, const char *bind_address, uint16_t port, int64_t deadline_ms,
                          kt_plain_handler *handler, void *context, struct kt_error *error) KT_NODISCARD;
/* Accepts one that was never started, or zeroed. */
void kt_plain_server_stop(struct kt_plain_server *server);

#endif
