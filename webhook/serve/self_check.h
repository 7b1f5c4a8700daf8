/* SPDX-License-Identifier: Apache-2.0 */
/* Do the workers answer? Asked by /readyz, so that "ready" is a fact and not a hope. */
#ifndef KT_WEBHOOK_SERVE_SELF_CHECK_H
#define KT_WEBHOOK_SERVE_SELF_CHECK_H

#include "base/strbuf.h"
#include "webhook/serve/worker.h"

/* For all workers together. */
#define KT_SELF_CHECK_DEADLINE_MS 1000

/* Shakes hands with each worker over a socket of its own, beside the limit of connections and the listener's queue: a
 * server that others keep busy is still ready. With client certificates required the handshake cannot be finished from
 * here; then an answer of TLS at all is enough. On false appends why. */
bool kt_self_check(struct kt_worker *workers, size_t count, bool client_certificate_required, struct kt_strbuf *why);

#endif
