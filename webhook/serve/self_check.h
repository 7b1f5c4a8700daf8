/* SPDX-License-Identifier: Apache-2.0 */
/* Does our own TLS port answer? Asked by /readyz, so that "ready" is a fact and not a hope. */
#ifndef KT_WEBHOOK_SERVE_SELF_CHECK_H
#define KT_WEBHOOK_SERVE_SELF_CHECK_H

#include "base/strbuf.h"

/* Connects and shakes hands within a second. With client certificates required the handshake cannot be finished from
 * here; then an answer of TLS at all is enough. On false appends why. */
bool kt_self_check(const char *bind_address, uint16_t port, bool client_certificate_required, struct kt_strbuf *why);

#endif
