/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one thread with one epoll, one arena, its TLS connections and a libmicrohttpd daemon that runs in the same
 * thread. It shares nothing with other workers but constant tables, the listener and atomics.
 */
#ifndef KT_WEBHOOK_SERVE_WORKER_H
#define KT_WEBHOOK_SERVE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/byte_budget.h"
#include "base/error.h"
#include "webhook/admission/endpoint.h"
#include "webhook/serve/connection.h"
#include "webhook/serve/connection_table.h"

struct MHD_Daemon;
struct kt_http_request;

struct kt_worker_settings {
    int listener;                       /* shared; in every worker's epoll with EPOLLEXCLUSIVE */
    struct kt_tls_store *tls;           /* shared */
    const struct kt_endpoint *endpoint; /* shared: what answers reviews */
    struct kt_connection_table *table;  /* shared: the connections of all workers */
    struct kt_byte_budget *bodies;      /* shared: large bodies and answers in flight, KT_LIMIT_BODIES_BYTES */
};

struct kt_worker {
    struct kt_worker_settings settings;
    size_t index;
    pthread_t thread;
    bool started;
    int epoll;
    int wake;           /* eventfd: stop, drain, a look-up has ended, a connection must go, or there is a visitor */
    atomic_int visitor; /* a descriptor of kt_worker_visit that is not taken up yet; -1: none */
    struct MHD_Daemon *http;
    struct kt_connection **connections; /* slot_count: all places of the table, and the server's own look at itself */
    size_t slot_count;
    size_t connection_count;
    struct kt_connection **by_peer; /* by libmicrohttpd's descriptor number; grows */
    size_t by_peer_size;
    uint32_t generation;                /* of the connection opened last */
    struct kt_http_request *parked;     /* requests that wait for a look-up */
    struct kt_endpoint_worker endpoint; /* arena and look-ups of this thread */
    int64_t next_deadline_ms;
    bool accepting;          /* until it drains */
    bool has_more;           /* a connection had its turn and is not at rest yet */
    int64_t accept_again_ms; /* 0: the listener is watched; otherwise when to try again after accept failed */
    atomic_int phase;        /* enum kt_worker_phase, set by the main thread */
    atomic_size_t open_connections;
};

enum kt_worker_phase {
    KT_WORKER_SERVING,
    KT_WORKER_LEAVING,  /* still accepting, but every answer says Connection: close */
    KT_WORKER_DRAINING, /* no more accepting; connections are closed once they are idle */
    KT_WORKER_STOPPING, /* everything is closed and the thread ends */
};

int kt_worker_start(struct kt_worker *worker, size_t index, const struct kt_worker_settings *settings,
                    struct kt_error *error) KT_NODISCARD;
void kt_worker_set_phase(struct kt_worker *worker, enum kt_worker_phase phase);
/* Serves this socket like a client's, beside the limit of connections: for the server's own look at itself. One at a
 * time; owns it from here. A call on a thread that has ended, too, only closes it. */
void kt_worker_visit(struct kt_worker *worker, int fd);
/* The open connection whose libmicrohttpd end is this descriptor; NULL when it has gone. */
struct kt_connection *kt_worker_connection_of_peer(struct kt_worker *worker, int fd);
/* Waits for the thread (after KT_WORKER_STOPPING) and frees all. */
void kt_worker_join(struct kt_worker *worker);

#endif
