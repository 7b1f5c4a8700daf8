/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client connection: TLS on one side, a socket pair to libmicrohttpd on the other, and between them a state machine
 * that checks each header block, counts the body, and keeps absolute deadlines. It never blocks. The worker calls
 * kt_connection_advance when either side has something to say; nothing here knows epoll or libmicrohttpd.
 *
 *   HANDSHAKE -> IDLE -> HEADERS -> BODY -> RESPONSE -> IDLE ... -> CLOSING [-> LINGERING] -> closed
 */
#ifndef KT_WEBHOOK_SERVE_CONNECTION_H
#define KT_WEBHOOK_SERVE_CONNECTION_H

#include <openssl/ssl.h>

#include "base/base.h"
#include "base/limits.h"
#include "webhook/serve/connection_table.h"
#include "webhook/serve/tls_context.h"

/* Absolute deadlines. Idle is longer than the client's (Go closes after 90 s), so that the client closes first and
 * never loses a request to a closing server. */
#define KT_HANDSHAKE_DEADLINE_MS 5000
#define KT_HEADER_DEADLINE_MS 10000
#define KT_BODY_DEADLINE_MS 10000
#define KT_BODY_BYTES_PER_MS 50 /* slower than this (50 KB/s) on top of the body deadline is given up */
#define KT_RESPONSE_DEADLINE_MS 15000
#define KT_IDLE_DEADLINE_MS 120000
#define KT_CLOSE_DEADLINE_MS 2000
/* A connection that is idle for this long is closed at once when the server drains; one that was used more recently may
 * have a request on its way. */
#define KT_DRAIN_IDLE_MS 1000
/* A refused client that goes on sending is heard out for this long and this much: closing a socket with unread bytes in
 * it resets the connection, and the client's TCP may then drop the answer unread. */
#define KT_LINGER_DEADLINE_MS 2000
#define KT_LINGER_BYTES ((size_t)(16 * KT_MIB))

#define KT_CONNECTION_BUFFER_BYTES KT_LIMIT_HTTP_HEADER_BYTES

enum kt_connection_state {
    KT_CONNECTION_HANDSHAKE,
    KT_CONNECTION_IDLE,
    KT_CONNECTION_HEADERS,
    KT_CONNECTION_BODY,
    KT_CONNECTION_RESPONSE,
    KT_CONNECTION_CLOSING,   /* writing what is left, then TLS close */
    KT_CONNECTION_LINGERING, /* our side is closed; what still comes is thrown away */
    KT_CONNECTION_CLOSED,
};

struct kt_connection_buffer {
    unsigned char *data; /* KT_CONNECTION_BUFFER_BYTES on the heap; NULL, or soon so, while it is empty */
    size_t start, end;
};

struct kt_connection {
    enum kt_connection_state state;
    int fd;        /* TCP, non-blocking */
    int pair;      /* our end of the socket pair, -1 before the first good request */
    int peer_pair; /* libmicrohttpd's end, until kt_connection_take_peer hands it over; then its number, for look-ups */
    bool peer_taken;
    SSL *ssl;
    const struct kt_tls_settings *tls;
    struct kt_connection_buffer in;  /* decrypted, not yet given on */
    struct kt_connection_buffer out; /* from libmicrohttpd, not yet encrypted */
    uint64_t body_left;
    bool response_done; /* set by the HTTP layer when libmicrohttpd has written the whole answer to the pair */
    bool draining;      /* short patience with idleness */
    bool pair_empty;    /* the last look at the pair found nothing in it */
    bool pair_ended;    /* libmicrohttpd writes no more */
    bool unread;        /* the client may still be sending what nobody will read */
    size_t lingered_bytes;
    bool has_more;                                /* the worker's: it could have moved on when its turn ended */
    bool want_read, want_write;                   /* what TLS waits for */
    int64_t deadline_ms;                          /* monotonic */
    uint64_t requests;                            /* begun */
    bool answered;                                /* one of them to its end */
    size_t slot;                                  /* the worker's index */
    struct kt_connection_place *place;            /* the worker's; NULL: the server's own look at itself */
    uint32_t generation;                          /* tells it from an earlier connection in the same slot */
    bool established;                             /* the handshake is done */
    uint32_t watched_events, watched_pair_events; /* what the worker's epoll has been told; 0: not watched (pair) */
};

/* Takes the descriptor and a reference to the context. KT_ENOMEM. */
int kt_connection_open(struct kt_connection *connection, int fd, SSL_CTX *context, const struct kt_tls_settings *tls,
                       int64_t now_ms, struct kt_error *error) KT_NODISCARD;
/* Frees everything but libmicrohttpd's own end of the pair. */
void kt_connection_close(struct kt_connection *connection);

/* For the table of connections: what it does now. */
enum kt_connection_use kt_connection_use(const struct kt_connection *connection);

/* Moves as far as it can. Returns true when something moved (the HTTP layer should run, then call again). */
bool kt_connection_advance(struct kt_connection *connection, int64_t now_ms);
/* libmicrohttpd's end, once per connection, when a first good request came; -1 otherwise. The caller then owns it. */
int kt_connection_take_peer(struct kt_connection *connection);
/* What the pair should be watched for: room when bytes wait for libmicrohttpd, bytes when there is room for an answer;
 * nothing outside a request. */
bool kt_connection_wants_pair_room(const struct kt_connection *connection);
bool kt_connection_wants_pair_bytes(const struct kt_connection *connection);
/* Closes at the next quiet moment: once it has been idle for KT_DRAIN_IDLE_MS. May be said again. */
void kt_connection_drain(struct kt_connection *connection, int64_t now_ms);

#endif
