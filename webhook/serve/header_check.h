/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw header block of a request, judged before libmicrohttpd sees it. libmicrohttpd 0.9.75 lets through two
 * Content-Length fields, NUL bytes, bare line feeds, folded lines and a space before the colon (RFC 9112 section 3 to 6
 * wants each refused); a request that two parsers may read differently is refused here. Pure: no I/O.
 */
#ifndef KT_WEBHOOK_SERVE_HEADER_CHECK_H
#define KT_WEBHOOK_SERVE_HEADER_CHECK_H

#include "base/str.h"

struct kt_header_verdict {
    int status;              /* 0: fine; otherwise the HTTP status to answer with before closing */
    const char *reason;      /* constant sentence for the body of that answer */
    uint64_t content_length; /* when fine */
};

/* Length of the block up to and including the empty line, or 0 while it is not complete. */
size_t kt_header_block_length(struct kt_str bytes);

/* block: exactly what kt_header_block_length measured. body_limit_bytes: a larger Content-Length is 413. */
struct kt_header_verdict kt_header_check(struct kt_str block, uint64_t body_limit_bytes);

#endif
