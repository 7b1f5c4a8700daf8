/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/self_check.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"

static void release_context(SSL_CTX **context)
{
    SSL_CTX_free(*context);
}

static void release_ssl(SSL **ssl)
{
    SSL_free(*ssl);
}

/* The handshake on a socket that does not block, until the deadline. */
static bool shake_hands(SSL *ssl, int fd, int64_t deadline_ms)
{
    for (;;) {
        int result = SSL_connect(ssl);
        if (result == 1)
            return true;
        int reason = SSL_get_error(ssl, result);
        int64_t left_ms = deadline_ms - kt_clock_monotonic_ms(&kt_clock_system);
        if ((reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) || left_ms <= 0)
            return false;
        struct pollfd entry = {.fd = fd, .events = reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
        poll(&entry, 1, (int)left_ms);
    }
}

static bool check_worker(struct kt_worker *worker, SSL_CTX *context, bool client_certificate_required,
                         int64_t deadline_ms)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    KT_CLEANUP(kt_close_fd) int ours = ends[0];
    kt_worker_visit(worker, ends[1]);
    KT_CLEANUP(release_ssl) SSL *ssl = SSL_new(context);
    if (!ssl || SSL_set_fd(ssl, ours) != 1)
        return false;
    /* Who answers is known: the certificate is judged by the API server, not here. */
    bool done = shake_hands(ssl, ours, deadline_ms);
    bool answered = done || (client_certificate_required && SSL_get0_peer_certificate(ssl));
    if (done)
        SSL_shutdown(ssl);
    ERR_clear_error();
    return answered;
}

bool kt_self_check(struct kt_worker *workers, size_t count, bool client_certificate_required, struct kt_strbuf *why)
{
    int64_t deadline_ms = kt_clock_monotonic_ms(&kt_clock_system) + KT_SELF_CHECK_DEADLINE_MS;
    KT_CLEANUP(release_context) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context) {
        kt_strbuf_puts(why, "no memory for a TLS client");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (check_worker(&workers[i], context, client_certificate_required, deadline_ms))
            continue;
        kt_strbuf_printf(why, "worker %zu does not answer a TLS handshake", i);
        return false;
    }
    return true;
}
