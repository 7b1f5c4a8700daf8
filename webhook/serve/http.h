/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP layer of a worker: libmicrohttpd without a listener and without threads, and the routes. */
#ifndef KT_WEBHOOK_SERVE_HTTP_H
#define KT_WEBHOOK_SERVE_HTTP_H

#include "base/error.h"
#include "webhook/serve/worker.h"

/* Starts the daemon of a worker. KT_ENOMEM. */
int kt_http_start(struct kt_worker *worker, struct kt_error *error) KT_NODISCARD;
void kt_http_stop(struct kt_worker *worker);
/* Its epoll descriptor, to be watched by the worker's. */
int kt_http_epoll_fd(const struct kt_worker *worker);
/* Hands over one end of a socket pair; the daemon owns it from here, also on failure. */
bool kt_http_add(struct kt_worker *worker, int fd);
/* Lets the daemon work until it has nothing left to do at once. */
void kt_http_run(struct kt_worker *worker);
/* Takes up the requests whose look-ups have ended. */
void kt_http_resume(struct kt_worker *worker);
/* Takes up all parked requests without what they wait for: libmicrohttpd ends the process when it is stopped with
 * suspended ones. What comes back later is dropped. Nothing may be resumed after this. */
void kt_http_abandon(struct kt_worker *worker);

#endif
