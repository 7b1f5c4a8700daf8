/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's TLS settings: TLS 1.2 or newer, ECDHE with AEAD ciphers only, no tickets, no renegotiation, HTTP/1.1 by
 * ALPN, and, when asked for, client certificates that are verified in the handshake. The certificate can be changed
 * while the server runs: connections keep the context they began with.
 */
#ifndef KT_WEBHOOK_SERVE_TLS_CONTEXT_H
#define KT_WEBHOOK_SERVE_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"

struct kt_tls_settings {
    const char *certificate_file; /* PEM, leaf first */
    const char *key_file;         /* PEM */
    const char *client_ca_file;   /* PEM; NULL: client certificates are not asked for */
    const char *client_names; /* comma-separated common names or DNS names that may connect; NULL: any that verifies */
    bool tls13_only;
};

struct kt_tls_store {
    struct kt_tls_settings settings;
    pthread_mutex_t lock; /* guards context, only for as long as a reference takes */
    SSL_CTX *context;
    atomic_llong expires_at_ms; /* notAfter of the served leaf, wall clock */
    atomic_ullong reads, read_errors;
    uint64_t file_digest; /* of what was loaded, to see changes */
};

/* Loads the pair. KT_ENOTFOUND, KT_EPARSE or KT_ETLS (key does not match, expired) with the file named. */
int kt_tls_store_init(struct kt_tls_store *store, const struct kt_tls_settings *settings, struct kt_error *error);
void kt_tls_store_release(struct kt_tls_store *store);
/* A new reference; the caller frees it with SSL_CTX_free. */
SSL_CTX *kt_tls_store_take(struct kt_tls_store *store);
/* Reads the files again when they changed. *ret_changed tells of a swap. On an error the old certificate stays. */
int kt_tls_store_reload(struct kt_tls_store *store, bool *ret_changed, struct kt_error *error);
/* After the handshake: is the client's certificate one of client_names? True when no names are configured. */
bool kt_tls_client_allowed(const struct kt_tls_settings *settings, const SSL *ssl);

#endif
