/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/scripted_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define CONNECTIONS_LIMIT 256
#define REQUESTS_LIMIT 1024
#define REQUEST_BYTES ((size_t)(8 * KT_MIB))

struct kt_scripted_connection {
    struct kt_scripted_server *server;
    size_t number;
    int fd;
    SSL *tls; /* NULL: plain */
    pthread_t thread;
    char *input; /* what has come and is not used yet */
    size_t input_length;
};

struct recorded {
    struct kt_scripted_request request;
    char *text; /* the whole request; the pointers above point into it */
};

struct kt_scripted_server {
    struct kt_scripted_options options;
    SSL_CTX *tls;
    int listener;
    int stop_pipe[2]; /* closed to stop: every poll sees it */
    int port;
    char url[64];
    pthread_t thread;
    pthread_mutex_t lock;
    struct kt_scripted_connection *connections[CONNECTIONS_LIMIT];
    size_t connection_count;
    struct recorded requests[REQUESTS_LIMIT];
    size_t request_count;
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "scripted server: cannot %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    abort();
}

/* --- bytes ----------------------------------------------------------------------------------------------------------
 */

/* False when the server stops. */
static bool await(const struct kt_scripted_connection *connection, short events)
{
    struct pollfd waits[] = {{.fd = connection->fd, .events = events},
                             {.fd = connection->server->stop_pipe[0], .events = POLLIN}};
    while (poll(waits, 2, -1) < 0)
        must(errno == EINTR, "wait");
    return waits[1].revents == 0;
}

/* Bytes read; 0 at the end, however it came. */
static size_t receive(struct kt_scripted_connection *connection, char *data, size_t length)
{
    for (;;) {
        ssize_t got;
        if (connection->tls) {
            int result = SSL_read(connection->tls, data, (int)length);
            int reason = SSL_get_error(connection->tls, result);
            ERR_clear_error();
            if (result > 0)
                return (size_t)result;
            if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
                return 0;
            if (!await(connection, reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT))
                return 0;
            continue;
        }
        got = recv(connection->fd, data, length, 0);
        if (got >= 0)
            return (size_t)got;
        if (errno != EAGAIN && errno != EINTR)
            return 0;
        if (!await(connection, POLLIN))
            return 0;
    }
}

bool kt_scripted_send(struct kt_scripted_connection *connection, const char *data, size_t length)
{
    /* Orders what the handler has read before what the test writes after its next kt_scripted_server_count: a socket
     * does the same, but the thread sanitizer does not know. */
    kt_scripted_server_count(connection->server);
    while (length > 0) {
        size_t part = KT_MIN(length, (size_t)(64 * KT_KIB));
        ssize_t sent;
        if (connection->tls) {
            int result = SSL_write(connection->tls, data, (int)part);
            int reason = SSL_get_error(connection->tls, result);
            ERR_clear_error();
            if (result <= 0 && reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
                return false;
            sent = result;
        } else {
            sent = send(connection->fd, data, part, MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN && errno != EINTR)
                return false;
        }
        if (sent <= 0) {
            if (!await(connection, POLLOUT))
                return false;
            continue;
        }
        data += sent;
        length -= (size_t)sent;
    }
    return true;
}

bool kt_scripted_puts(struct kt_scripted_connection *connection, const char *text)
{
    return kt_scripted_send(connection, text, strlen(text));
}

bool kt_scripted_reply(struct kt_scripted_connection *connection, int code, const char *headers, const char *body)
{
    char head[4096];
    int length = snprintf(head, sizeof(head), "HTTP/1.1 %d Scripted\r\nContent-Length: %zu\r\n%s\r\n", code,
                          strlen(body), headers);
    must(length > 0 && (size_t)length < sizeof(head), "write a head of this size");
    return kt_scripted_puts(connection, head) && kt_scripted_puts(connection, body);
}

bool kt_scripted_chunked(struct kt_scripted_connection *connection, int code, const char *headers)
{
    char head[4096];
    int length =
        snprintf(head, sizeof(head), "HTTP/1.1 %d Scripted\r\nTransfer-Encoding: chunked\r\n%s\r\n", code, headers);
    must(length > 0 && (size_t)length < sizeof(head), "write a head of this size");
    return kt_scripted_puts(connection, head);
}

bool kt_scripted_chunk(struct kt_scripted_connection *connection, const char *text)
{
    char size[32];
    snprintf(size, sizeof(size), "%zx\r\n", strlen(text));
    return kt_scripted_puts(connection, size) && kt_scripted_puts(connection, text) &&
           kt_scripted_puts(connection, "\r\n");
}

bool kt_scripted_hold(struct kt_scripted_connection *connection, int64_t hold_ms)
{
    int64_t end_ms = kt_clock_monotonic_ms(&kt_clock_system) + hold_ms;
    for (;;) {
        int64_t left_ms = end_ms - kt_clock_monotonic_ms(&kt_clock_system);
        if (left_ms <= 0)
            return true;
        struct pollfd waits[] = {{.fd = connection->fd, .events = POLLRDHUP},
                                 {.fd = connection->server->stop_pipe[0], .events = POLLIN}};
        if (poll(waits, 2, (int)left_ms) > 0)
            return false;
    }
}

/* --- requests -------------------------------------------------------------------------------------------------------
 */

const char *kt_scripted_header(const struct kt_scripted_request *request, const char *name)
{
    static _Thread_local char value[64 * 1024];
    size_t length = strlen(name);
    for (const char *line = request->headers; line && *line;) {
        const char *end = strstr(line, "\r\n");
        size_t line_length = end ? (size_t)(end - line) : strlen(line);
        if (line_length > length && line[length] == ':' && strncasecmp(line, name, length) == 0) {
            const char *start = line + length + 1;
            while (*start == ' ')
                start++;
            snprintf(value, sizeof(value), "%.*s", (int)(line + line_length - start), start);
            return value;
        }
        line = end ? end + 2 : NULL;
    }
    return NULL;
}

static size_t body_length(const struct kt_scripted_request *request)
{
    const char *text = kt_scripted_header(request, "Content-Length");
    return text ? (size_t)strtoull(text, NULL, 10) : 0;
}

/* Cuts the request line and the headers apart, in place. */
static void split_head(char *text, char *end_of_head, struct kt_scripted_request *request)
{
    end_of_head[2] = '\0'; /* keeps the last line's CR LF */
    char *line_end = strstr(text, "\r\n");
    must(line_end != NULL, "find a request line");
    request->headers = line_end + 2;
    *line_end = '\0';
    request->method = text;
    char *space = strchr(text, ' ');
    must(space != NULL, "find a request target");
    *space = '\0';
    request->target = space + 1;
    space = strchr(space + 1, ' ');
    must(space != NULL, "find a version");
    *space = '\0';
}

/* Waits until `needed` bytes are there. */
static bool fill(struct kt_scripted_connection *connection, size_t needed)
{
    while (connection->input_length < needed) {
        size_t got =
            receive(connection, connection->input + connection->input_length, REQUEST_BYTES - connection->input_length);
        if (got == 0)
            return false;
        connection->input_length += got;
        connection->input[connection->input_length] = '\0';
    }
    return true;
}

/* What Go's servers answer to a TLS hello on a plain port. */
static bool refuse_tls(struct kt_scripted_connection *connection)
{
    return connection->input[0] == 0x16 && kt_scripted_reply(connection, 400, "", "TLS to a plain port\n");
}

/* Reads one request into a record of its own. NULL when the client has gone. */
static const struct kt_scripted_request *read_request(struct kt_scripted_connection *connection)
{
    char *end;
    while (!(end = strstr(connection->input, "\r\n\r\n")))
        if (!fill(connection, connection->input_length + 1) || refuse_tls(connection))
            return NULL;
    size_t head_length = (size_t)(end - connection->input) + 4;
    struct kt_scripted_request probe = {.headers = strstr(connection->input, "\r\n") + 2};
    size_t length = body_length(&probe);
    must(head_length + length < REQUEST_BYTES, "hold a request of this size");
    if (!fill(connection, head_length + length))
        return NULL;
    char *text = calloc(1, head_length + length + 1);
    must(text != NULL, "keep a request");
    memcpy(text, connection->input, head_length + length);
    connection->input_length -= head_length + length;
    memmove(connection->input, connection->input + head_length + length, connection->input_length + 1);

    struct kt_scripted_server *server = connection->server;
    pthread_mutex_lock(&server->lock);
    must(server->request_count < REQUESTS_LIMIT, "keep so many requests");
    struct recorded *recorded = &server->requests[server->request_count];
    recorded->text = text;
    recorded->request = (struct kt_scripted_request){.index = server->request_count,
                                                     .connection = connection->number,
                                                     .body = text + head_length,
                                                     .body_length = length};
    split_head(text, text + head_length - 4, &recorded->request);
    server->request_count++;
    pthread_mutex_unlock(&server->lock);
    return &recorded->request;
}

bool kt_scripted_receive(struct kt_scripted_connection *connection, char *data, size_t length)
{
    if (!fill(connection, length))
        return false;
    memcpy(data, connection->input, length);
    connection->input_length -= length;
    memmove(connection->input, connection->input + length, connection->input_length + 1);
    return true;
}

static bool shake_hands(struct kt_scripted_connection *connection)
{
    while (connection->tls) {
        int result = SSL_accept(connection->tls);
        int reason = SSL_get_error(connection->tls, result);
        ERR_clear_error();
        if (result == 1)
            break;
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
            return false;
        if (!await(connection, reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT))
            return false;
    }
    return true;
}

static void *serve_connection(void *context)
{
    struct kt_scripted_connection *connection = context;
    struct kt_scripted_server *server = connection->server;
    const struct kt_scripted_request *request;
    kt_heap_spare_thread();
    if (shake_hands(connection))
        while ((request = read_request(connection)))
            if (!server->options.handler(server->options.context, request, connection))
                break;
    if (connection->tls)
        SSL_shutdown(connection->tls);
    ERR_clear_error();
    shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

/* --- the server -----------------------------------------------------------------------------------------------------
 */

static void open_connection(struct kt_scripted_server *server, int fd)
{
    struct kt_scripted_connection *connection = calloc(1, sizeof(*connection));
    must(connection != NULL, "take a connection");
    connection->server = server;
    connection->fd = fd;
    int now = 1; /* head and body are two writes: without this the second would wait for the client's ACK */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof(now));
    connection->input = malloc(REQUEST_BYTES + 1); /* not zeroed: that would cost more than most connections do */
    must(connection->input != NULL, "take a connection");
    connection->input[0] = '\0';
    if (server->tls) {
        connection->tls = SSL_new(server->tls);
        must(connection->tls && SSL_set_fd(connection->tls, fd) == 1, "start TLS");
    }
    pthread_mutex_lock(&server->lock);
    must(server->connection_count < CONNECTIONS_LIMIT, "take so many connections");
    connection->number = server->connection_count;
    server->connections[server->connection_count++] = connection;
    pthread_mutex_unlock(&server->lock);
    must(pthread_create(&connection->thread, NULL, serve_connection, connection) == 0, "start a thread");
}

static void *accept_connections(void *context)
{
    struct kt_scripted_server *server = context;
    for (;;) {
        struct pollfd waits[] = {{.fd = server->listener, .events = POLLIN},
                                 {.fd = server->stop_pipe[0], .events = POLLIN}};
        while (poll(waits, 2, -1) < 0)
            must(errno == EINTR, "wait");
        if (waits[1].revents != 0)
            return NULL;
        int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            open_connection(server, fd);
    }
}

static void use_certificate(SSL_CTX *tls, const struct kt_certificate_pair *pair)
{
    BIO *text = BIO_new_mem_buf(pair->certificate_pem.data, (int)pair->certificate_pem.length);
    BIO *key_text = BIO_new_mem_buf(pair->key_pem.data, (int)pair->key_pem.length);
    X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);
    must(certificate && key && SSL_CTX_use_certificate(tls, certificate) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1,
         "use a certificate");
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(text);
    BIO_free(key_text);
}

static void demand_client_certificate(SSL_CTX *tls, struct kt_str ca_pem)
{
    BIO *text = BIO_new_mem_buf(ca_pem.data, (int)ca_pem.length);
    X509 *ca = PEM_read_bio_X509(text, NULL, NULL, NULL);
    must(ca && X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), ca) == 1, "trust a CA");
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_free(ca);
    BIO_free(text);
}

static int choose_http2(SSL *tls KT_UNUSED, const unsigned char **ret, unsigned char *ret_length,
                        const unsigned char *offered KT_UNUSED, unsigned offered_length KT_UNUSED,
                        void *context KT_UNUSED)
{
    static const unsigned char name[] = "h2";
    *ret = name;
    *ret_length = sizeof(name) - 1;
    return SSL_TLSEXT_ERR_OK;
}

static void start_tls(struct kt_scripted_server *server)
{
    if (!server->options.certificate)
        return;
    server->tls = SSL_CTX_new(TLS_server_method());
    must(server->tls != NULL, "start TLS");
    use_certificate(server->tls, server->options.certificate);
    if (server->options.http2)
        SSL_CTX_set_alpn_select_cb(server->tls, choose_http2, NULL);
    if (server->options.client_ca_pem.length > 0)
        demand_client_certificate(server->tls, server->options.client_ca_pem);
}

struct kt_scripted_server *kt_scripted_server_start(const struct kt_scripted_options *options)
{
    struct kt_scripted_server *server = calloc(1, sizeof(*server));
    must(server != NULL, "start");
    server->options = *options;
    pthread_mutex_init(&server->lock, NULL);
    start_tls(server);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    union {
        struct sockaddr_in *in;
        struct sockaddr *any;
    } pointer = {.in = &address};
    socklen_t length = sizeof(address);
    must(server->listener >= 0 && bind(server->listener, pointer.any, sizeof(address)) == 0 &&
             listen(server->listener, 64) == 0 && getsockname(server->listener, pointer.any, &length) == 0,
         "listen");
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof(server->url), "%s://127.0.0.1:%d", server->tls ? "https" : "http", server->port);
    must(pipe2(server->stop_pipe, O_CLOEXEC) == 0, "make a pipe");
    /* OpenSSL writes without MSG_NOSIGNAL. Blocked in our threads only: the tested code must look after itself. */
    sigset_t broken_pipe, before;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    must(pthread_create(&server->thread, NULL, accept_connections, server) == 0, "start a thread");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return server;
}

static void free_connection(struct kt_scripted_connection *connection)
{
    pthread_join(connection->thread, NULL);
    SSL_free(connection->tls);
    close(connection->fd);
    free(connection->input);
    free(connection);
}

void kt_scripted_server_stop(struct kt_scripted_server *server)
{
    if (!server)
        return;
    close(server->stop_pipe[1]);
    pthread_join(server->thread, NULL);
    for (size_t i = 0; i < server->connection_count; i++)
        free_connection(server->connections[i]);
    for (size_t i = 0; i < server->request_count; i++)
        free(server->requests[i].text);
    close(server->stop_pipe[0]);
    close(server->listener);
    SSL_CTX_free(server->tls);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

int kt_scripted_server_port(const struct kt_scripted_server *server)
{
    return server->port;
}

const char *kt_scripted_server_url(const struct kt_scripted_server *server)
{
    return server->url;
}

size_t kt_scripted_server_count(struct kt_scripted_server *server)
{
    pthread_mutex_lock(&server->lock);
    size_t count = server->request_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const struct kt_scripted_request *kt_scripted_server_request(struct kt_scripted_server *server, size_t index)
{
    must(index < kt_scripted_server_count(server), "find a request that has come");
    return &server->requests[index].request;
}
