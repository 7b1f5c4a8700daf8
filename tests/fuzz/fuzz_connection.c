/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client, libmicrohttpd's end and the clock, each as the input says, against one connection: it never spins and
 * never waits for nothing, its buffers stay within their bounds, it holds none at rest, and the second parser gets
 * exactly the header blocks that the first has let pass, each with its body.
 *
 * The input is a list of acts: a byte of enum act, a length in two bytes, and for some acts so many bytes. TLS is
 * without certificates and ciphers (a key that both know), so that the fuzzer sees through it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "webhook/serve/connection.h"
#include "webhook/serve/header_check.h"

/* OpenSSL calls this deprecated for servers of the real world. */
#pragma clang diagnostic ignored "-Wdeprecated-declarations"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* More moves than this without rest is spinning: a piece of input is at most 64 KiB, a buffer 16. */
#define MOVES_MOST 256
#define STREAM_BYTES ((size_t)(8 * KT_MIB))

enum act {
    ACT_SEND,       /* the client sends these bytes */
    ACT_SEND_PLAIN, /* the same past TLS */
    ACT_ANSWER,     /* libmicrohttpd's end writes these */
    ACT_READ,       /* and reads what it got */
    ACT_WAIT,       /* so many times 10 ms pass */
    ACT_ANSWERED,   /* libmicrohttpd says that an answer is out */
    ACT_PEER_CLOSES,
    ACT_DRAIN,
    ACT_CLIENT_READS,
    ACT_CLIENT_ENDS,
    ACT_COUNT,
};

struct scene {
    struct kt_connection connection;
    SSL *client;
    int client_fd, peer_fd; /* peer: libmicrohttpd's */
    int64_t now_ms;
    struct kt_strbuf received; /* by libmicrohttpd */
};

static SSL_CTX *server_context, *client_context;
static const struct kt_tls_settings tls_settings;

static void must(bool condition)
{
    if (!condition)
        abort();
}

static unsigned server_key(SSL *ssl KT_UNUSED, const char *identity KT_UNUSED, unsigned char *key, unsigned most)
{
    must(most >= 16);
    memset(key, 'k', 16);
    return 16;
}

static unsigned client_key(SSL *ssl KT_UNUSED, const char *hint KT_UNUSED, char *identity, unsigned identity_most,
                           unsigned char *key, unsigned most)
{
    must(most >= 16 && identity_most > 1);
    memcpy(identity, "c", 2);
    memset(key, 'k', 16);
    return 16;
}

static SSL_CTX *make_context(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    must(context && SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) == 1);
    SSL_CTX_set_security_level(context, 0);
    must(SSL_CTX_set_cipher_list(context, "PSK-NULL-SHA256") == 1);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

int LLVMFuzzerInitialize(int *argc KT_UNUSED, char ***argv KT_UNUSED)
{
    signal(SIGPIPE, SIG_IGN);
    server_context = make_context(TLS_server_method());
    client_context = make_context(TLS_client_method());
    SSL_CTX_set_psk_server_callback(server_context, server_key);
    SSL_CTX_set_psk_client_callback(client_context, client_key);
    return 0;
}

/* --- the connection ------------------------------------------------------------------------------------------------
 */

static void check_buffer(const struct kt_connection_buffer *buffer)
{
    must(buffer->start <= buffer->end && buffer->end <= KT_CONNECTION_BUFFER_BYTES);
    must(buffer->data || buffer->end == 0);
}

static void check(const struct scene *scene, bool at_rest)
{
    const struct kt_connection *connection = &scene->connection;
    check_buffer(&connection->in);
    check_buffer(&connection->out);
    must(connection->body_left <= KT_LIMIT_REVIEW_BODY_BYTES);
    if (connection->state == KT_CONNECTION_CLOSED) {
        must(connection->fd == -1 && connection->pair == -1 && !connection->ssl);
        return;
    }
    must(connection->deadline_ms < scene->now_ms + KT_IDLE_DEADLINE_MS + 60000);
    must(!at_rest || !connection->in.data || connection->in.end > connection->in.start);
    /* Something must be able to wake it, or it would sit there until its deadline. */
    must(!at_rest || connection->want_read || connection->want_write || kt_connection_wants_pair_bytes(connection) ||
         kt_connection_wants_pair_room(connection));
    must(kt_connection_use(connection) == KT_CONNECTION_UNUSED || connection->requests > 0);
}

static void advance(struct scene *scene)
{
    bool moved = true;
    for (size_t i = 0; moved && scene->connection.state != KT_CONNECTION_CLOSED; i++) {
        must(i < MOVES_MOST);
        moved = kt_connection_advance(&scene->connection, scene->now_ms);
        check(scene, !moved);
        int peer = kt_connection_take_peer(&scene->connection);
        if (peer >= 0)
            scene->peer_fd = peer;
    }
}

/* As the worker does. */
static void keep_deadline(struct scene *scene)
{
    if (scene->connection.state != KT_CONNECTION_CLOSED && scene->now_ms >= scene->connection.deadline_ms)
        kt_connection_close(&scene->connection);
}

/* --- the acts ------------------------------------------------------------------------------------------------------
 */

static void shake_hands(struct scene *scene)
{
    for (size_t i = 0; i < 8 && SSL_do_handshake(scene->client) != 1; i++)
        advance(scene);
    advance(scene);
}

static void peer_reads(struct scene *scene)
{
    char piece[4096];
    ssize_t got = 0;
    while (scene->peer_fd >= 0 && (got = recv(scene->peer_fd, piece, sizeof(piece), MSG_DONTWAIT)) > 0)
        kt_strbuf_add(&scene->received, piece, (size_t)got);
}

static void client_sends(struct scene *scene, const uint8_t *data, size_t length)
{
    size_t sent = 0;
    while (length > 0 && SSL_write_ex(scene->client, data, length, &sent) == 1) {
        data += sent;
        length -= sent;
        advance(scene);
    }
}

static void client_reads(struct scene *scene)
{
    char piece[4096];
    size_t got;
    while (SSL_read_ex(scene->client, piece, sizeof(piece), &got) == 1)
        advance(scene);
}

static void perform(struct scene *scene, enum act act, const uint8_t *data, size_t length)
{
    switch (act) {
    case ACT_SEND:
        client_sends(scene, data, length);
        break;
    case ACT_SEND_PLAIN:
        (void)!send(scene->client_fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
    case ACT_ANSWER:
        if (scene->peer_fd >= 0)
            (void)!send(scene->peer_fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
    case ACT_READ:
        peer_reads(scene);
        break;
    case ACT_WAIT:
        scene->now_ms += (int64_t)length * 10;
        keep_deadline(scene);
        break;
    case ACT_ANSWERED:
        scene->connection.response_done = true;
        break;
    case ACT_PEER_CLOSES:
        peer_reads(scene);
        kt_close_fd(&scene->peer_fd);
        break;
    case ACT_DRAIN:
        if (scene->connection.state != KT_CONNECTION_CLOSED)
            kt_connection_drain(&scene->connection, scene->now_ms);
        break;
    case ACT_CLIENT_READS:
        client_reads(scene);
        break;
    case ACT_CLIENT_ENDS:
        SSL_shutdown(scene->client);
        shutdown(scene->client_fd, SHUT_WR);
        break;
    case ACT_COUNT:
        break;
    }
    advance(scene);
}

static bool takes_bytes(enum act act)
{
    return act == ACT_SEND || act == ACT_SEND_PLAIN || act == ACT_ANSWER;
}

/* Whole header blocks that pass, with their bodies; the last body may be cut off. */
static void check_received(const struct scene *scene)
{
    struct kt_str rest = kt_strbuf_view(&scene->received);
    while (rest.length > 0) {
        size_t length = kt_header_block_length(rest);
        must(length > 0 && !memchr(rest.data, '\0', length));
        struct kt_header_verdict verdict =
            kt_header_check((struct kt_str){rest.data, length}, KT_LIMIT_REVIEW_BODY_BYTES);
        must(verdict.status == 0);
        size_t taken = length + (size_t)KT_MIN(verdict.content_length, (uint64_t)(rest.length - length));
        rest = (struct kt_str){rest.data + taken, rest.length - taken};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    struct kt_error error;
    struct scene scene = {.peer_fd = -1, .now_ms = 1000};
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    scene.client_fd = ends[1];
    kt_strbuf_init(&scene.received, NULL, STREAM_BYTES);
    must(kt_connection_open(&scene.connection, ends[0], server_context, &tls_settings, scene.now_ms, &error) == 0);
    scene.client = SSL_new(client_context);
    must(scene.client && SSL_set_fd(scene.client, scene.client_fd) == 1);
    SSL_set_connect_state(scene.client);
    if (size > 0 && data[0] != 0xff) /* otherwise the handshake is the input's, too */
        shake_hands(&scene);
    while (size >= 3) {
        enum act act = (enum act)(data[0] % ACT_COUNT);
        size_t length = (size_t)data[1] | (size_t)data[2] << 8;
        data += 3;
        size -= 3;
        size_t bytes = takes_bytes(act) ? KT_MIN(length, size) : 0;
        perform(&scene, act, data, takes_bytes(act) ? bytes : length);
        data += bytes;
        size -= bytes;
    }
    peer_reads(&scene);
    check_received(&scene);
    if (scene.connection.state != KT_CONNECTION_CLOSED)
        kt_connection_close(&scene.connection);
    check(&scene, false);
    SSL_free(scene.client);
    kt_close_fd(&scene.client_fd);
    kt_close_fd(&scene.peer_fd);
    kt_strbuf_release(&scene.received);
    return 0;
}
