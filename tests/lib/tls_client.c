/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tls_client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int kt_tcp_open(uint16_t port)
{
    return kt_tcp_open_from("127.0.0.1", port);
}

int kt_tcp_open_from(const char *source, uint16_t port)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval timeout = {.tv_sec = KT_TLS_CLIENT_TIMEOUT_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    /* As every HTTP client has it: a request in two writes would else wait 40 ms for the delayed acknowledgement. */
    int now = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof(now));
    if (inet_pton(AF_INET, source, &own.sin_addr) != 1 ||
        (fd >= 0 && (bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0 ||
                     connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)))
        kt_close_fd(&fd);
    return fd;
}

static bool begin_tls(struct kt_tls_client *client)
{
    client->ssl = SSL_new(client->context);
    SSL_set_fd(client->ssl, client->fd);
    if (client->fd >= 0 && SSL_connect(client->ssl) == 1)
        return true;
    SSL_free(client->ssl);
    client->ssl = NULL;
    return false;
}

bool kt_tls_client_open_from(struct kt_tls_client *client, const char *source, uint16_t port)
{
    *client = (struct kt_tls_client){.fd = kt_tcp_open_from(source, port), .context = SSL_CTX_new(TLS_client_method())};
    return begin_tls(client);
}

bool kt_tls_client_open(struct kt_tls_client *client, uint16_t port, const char *ca_file, const char *certificate_file,
                        const char *key_file)
{
    *client = (struct kt_tls_client){.fd = kt_tcp_open(port), .context = SSL_CTX_new(TLS_client_method())};
    if (ca_file) {
        SSL_CTX_load_verify_locations(client->context, ca_file, NULL);
        SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
    }
    if (certificate_file) {
        SSL_CTX_use_certificate_chain_file(client->context, certificate_file);
        SSL_CTX_use_PrivateKey_file(client->context, key_file, SSL_FILETYPE_PEM);
    }
    return begin_tls(client);
}

void kt_tls_client_close(struct kt_tls_client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    kt_close_fd(&client->fd);
    *client = (struct kt_tls_client){.fd = -1};
}

bool kt_tls_client_send(struct kt_tls_client *client, struct kt_str bytes)
{
    size_t sent = 0, step = 0;
    while (sent < bytes.length && SSL_write_ex(client->ssl, bytes.data + sent, bytes.length - sent, &step) == 1)
        sent += step;
    return sent == bytes.length;
}

static bool whole(const char *buffer, size_t length)
{
    const char *body = strstr(buffer, "\r\n\r\n");
    const char *field = strcasestr(buffer, "content-length:");
    return body && field && length >= (size_t)(body + 4 - buffer) + strtoul(field + 15, NULL, 10);
}

static int status_of(const char *buffer)
{
    int status = 0;
    return sscanf(buffer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

int kt_tls_client_receive(struct kt_tls_client *client, char *buffer, size_t size)
{
    size_t length = 0, step = 0;
    buffer[0] = '\0';
    while (length < size - 1 && SSL_read_ex(client->ssl, buffer + length, size - 1 - length, &step) == 1) {
        length += step;
        buffer[length] = '\0';
        if (whole(buffer, length))
            return status_of(buffer);
    }
    return 0;
}

bool kt_tls_client_wait_closed(struct kt_tls_client *client, int timeout_ms)
{
    struct pollfd entry = {.fd = client->fd, .events = POLLIN};
    if (poll(&entry, 1, timeout_ms) <= 0)
        return false;
    char byte;
    size_t got = 0;
    return client->ssl ? SSL_read_ex(client->ssl, &byte, 1, &got) != 1 : recv(client->fd, &byte, 1, 0) <= 0;
}

int kt_tls_client_post(struct kt_tls_client *client, const char *path, const char *content_type, struct kt_str body,
                       char *buffer, size_t size)
{
    char head[512];
    int length = snprintf(head, sizeof(head),
                          "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                          path, content_type, body.length);
    if (!kt_tls_client_send(client, (struct kt_str){head, (size_t)length}))
        return 0;
    /* The server may answer and close before it has read the whole body: what it says counts. */
    (void)!kt_tls_client_send(client, body);
    return kt_tls_client_receive(client, buffer, size);
}

int kt_http_get(uint16_t port, const char *path, char *buffer, size_t size)
{
    KT_CLEANUP(kt_close_fd) int fd = kt_tcp_open(port);
    if (fd < 0)
        return 0;
    int length = snprintf(buffer, size, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (send(fd, buffer, (size_t)length, MSG_NOSIGNAL) != length)
        return 0;
    size_t got = 0;
    ssize_t step;
    while (got < size - 1 && (step = recv(fd, buffer + got, size - 1 - got, 0)) > 0)
        got += (size_t)step;
    buffer[got] = '\0';
    return status_of(buffer);
}
