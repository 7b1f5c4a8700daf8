/* SPDX-License-Identifier: Apache-2.0 */
/* A small blocking TLS client for tests, with a deadline on everything. */
#ifndef KT_TESTS_LIB_TLS_CLIENT_H
#define KT_TESTS_LIB_TLS_CLIENT_H

#include <openssl/ssl.h>

#include "base/base.h"
#include "base/str.h"

#define KT_TLS_CLIENT_TIMEOUT_MS 20000

struct kt_tls_client {
    int fd;
    SSL_CTX *context;
    SSL *ssl; /* NULL: the handshake failed */
};

/* ca_file NULL: the certificate is not judged. certificate and key files: NULL or a client certificate. */
bool kt_tls_client_open(struct kt_tls_client *client, uint16_t port, const char *ca_file, const char *certificate_file,
                        const char *key_file);
/* From this address (127.0.0.0/8) of the machine's loopback; the certificate is not judged. */
bool kt_tls_client_open_from(struct kt_tls_client *client, const char *source, uint16_t port);
void kt_tls_client_close(struct kt_tls_client *client);

bool kt_tls_client_send(struct kt_tls_client *client, struct kt_str bytes);
/* Reads one HTTP answer into buffer (NUL-terminated) and returns its status; 0: the connection ended or the time is
 * over. */
int kt_tls_client_receive(struct kt_tls_client *client, char *buffer, size_t size);
/* True when the server closes within timeout_ms without sending anything more. */
bool kt_tls_client_wait_closed(struct kt_tls_client *client, int timeout_ms);
/* POSTs and receives. */
int kt_tls_client_post(struct kt_tls_client *client, const char *path, const char *content_type, struct kt_str body,
                       char *buffer, size_t size);
/* A TCP connection without TLS; -1 on failure. */
int kt_tcp_open(uint16_t port);
int kt_tcp_open_from(const char *source, uint16_t port);
/* GET over plain HTTP; status, or 0. */
int kt_http_get(uint16_t port, const char *path, char *buffer, size_t size);

#endif
