/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/self_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#define TIMEOUT_MS 1000

static int connect_to_self(const char *bind_address, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, bind_address, &address.sin_addr) != 1)
        return -1;
    if (address.sin_addr.s_addr == htonl(INADDR_ANY))
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval timeout = {.tv_sec = TIMEOUT_MS / 1000, .tv_usec = (TIMEOUT_MS % 1000) * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        kt_close_fd(&fd);
    return fd;
}

static void release_context(SSL_CTX **context)
{
    SSL_CTX_free(*context);
}

static void release_ssl(SSL **ssl)
{
    SSL_free(*ssl);
}

bool kt_self_check(const char *bind_address, uint16_t port, bool client_certificate_required, struct kt_strbuf *why)
{
    KT_CLEANUP(kt_close_fd) int fd = connect_to_self(bind_address, port);
    if (fd < 0) {
        kt_strbuf_printf(why, "nothing accepts on port %u", (unsigned)port);
        return false;
    }
    KT_CLEANUP(release_context) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    KT_CLEANUP(release_ssl) SSL *ssl = context ? SSL_new(context) : NULL;
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        kt_strbuf_puts(why, "no memory for a TLS client");
        return false;
    }
    /* Who answers is known: the certificate is judged by the API server, not here. */
    bool done = SSL_connect(ssl) == 1;
    bool answered = done || (client_certificate_required && SSL_get0_peer_certificate(ssl));
    if (done)
        SSL_shutdown(ssl);
    ERR_clear_error();
    if (!answered)
        kt_strbuf_printf(why, "the TLS handshake on port %u fails", (unsigned)port);
    return answered;
}
