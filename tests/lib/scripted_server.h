/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 server on a loopback port that does what a test tells it to, bad manners included. Plain sockets, a
 * thread per connection, TLS when it is given a certificate. Every function ends the test program with a message when
 * it cannot do its work.
 */
#ifndef KT_TESTS_LIB_SCRIPTED_SERVER_H
#define KT_TESTS_LIB_SCRIPTED_SERVER_H

#include "base/str.h"
#include "certs/certificate.h"

struct kt_scripted_server;
struct kt_scripted_connection;

struct kt_scripted_request {
    size_t index;      /* how many requests came before, on all connections */
    size_t connection; /* which connection it came on, from 0 */
    const char *method;
    const char *target;  /* path and query as sent */
    const char *headers; /* lines with CR LF */
    const char *body;
    size_t body_length;
};

/* Answers one request with the functions below. False closes the connection. Runs in a thread of the connection. */
typedef bool kt_scripted_handler(void *context, const struct kt_scripted_request *request,
                                 struct kt_scripted_connection *connection);

struct kt_scripted_options {
    kt_scripted_handler *handler;
    void *context;
    const struct kt_certificate_pair *certificate; /* NULL: no TLS */
    struct kt_str client_ca_pem;                   /* not empty: clients must show a certificate that it signed */
    /* With TLS: HTTP/2 is agreed on. The handler then gets the client's preface, whose method is PRI, and does the rest
     * with kt_scripted_receive and kt_scripted_send. */
    bool http2;
};

struct kt_scripted_server *kt_scripted_server_start(const struct kt_scripted_options *options);
/* Closes all connections and waits for their threads. Accepts NULL. */
void kt_scripted_server_stop(struct kt_scripted_server *server);

int kt_scripted_server_port(const struct kt_scripted_server *server);
/* "http://127.0.0.1:PORT", or https. Lives as long as the server. */
const char *kt_scripted_server_url(const struct kt_scripted_server *server);
/* Requests that have come so far. */
size_t kt_scripted_server_count(struct kt_scripted_server *server);
/* A request that has come; lives as long as the server. */
const struct kt_scripted_request *kt_scripted_server_request(struct kt_scripted_server *server, size_t index);

/* Value of a header of a request, in a buffer of this thread; NULL when it is absent. */
const char *kt_scripted_header(const struct kt_scripted_request *request, const char *name);

/* A whole reply with Content-Length. headers: further lines, each with CR LF, or "". */
bool kt_scripted_reply(struct kt_scripted_connection *connection, int code, const char *headers, const char *body);
/* Bytes as they are. False when the client has gone. */
bool kt_scripted_send(struct kt_scripted_connection *connection, const char *data, size_t length);
bool kt_scripted_puts(struct kt_scripted_connection *connection, const char *text);
/* Head of a reply with chunked encoding, then one chunk a call; an empty text ends it. */
bool kt_scripted_chunked(struct kt_scripted_connection *connection, int code, const char *headers);
bool kt_scripted_chunk(struct kt_scripted_connection *connection, const char *text);
/* The next bytes after the request, exactly so many; false when the client has gone. */
bool kt_scripted_receive(struct kt_scripted_connection *connection, char *data, size_t length);
/* Holds still; false when the server stops or the client goes meanwhile. */
bool kt_scripted_hold(struct kt_scripted_connection *connection, int64_t hold_ms);

#endif
