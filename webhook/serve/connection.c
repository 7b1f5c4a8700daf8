/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/connection.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "webhook/serve/header_check.h"

enum step { STEP_NOTHING, STEP_MOVED, STEP_ENDED };

static size_t buffered(const struct kt_connection_buffer *buffer)
{
    return buffer->end - buffer->start;
}

static bool buffer_ready(struct kt_connection_buffer *buffer)
{
    if (!buffer->data)
        buffer->data = kt_heap_realloc(NULL, KT_CONNECTION_BUFFER_BYTES); /* not zeroed: nothing unwritten is read */
    return buffer->data != NULL;
}

static void buffer_release(struct kt_connection_buffer *buffer)
{
    kt_heap_free(buffer->data);
    *buffer = (struct kt_connection_buffer){0};
}

/* A connection at rest holds no buffers, whatever it waits for. */
static void release_empty_buffers(struct kt_connection *connection)
{
    struct kt_connection_buffer *const buffers[] = {&connection->in, &connection->out};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(buffers); i++)
        if (buffers[i]->data && buffered(buffers[i]) == 0)
            buffer_release(buffers[i]);
}

static void buffer_consume(struct kt_connection_buffer *buffer, size_t count)
{
    buffer->start += count;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
}

static void enter(struct kt_connection *connection, enum kt_connection_state state, int64_t deadline_ms)
{
    connection->state = state;
    connection->deadline_ms = deadline_ms;
}

int kt_connection_open(struct kt_connection *connection, int fd, SSL_CTX *context, const struct kt_tls_settings *tls,
                       int64_t now_ms, struct kt_error *error)
{
    SSL *ssl = SSL_new(context);
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return kt_error_set(error, KT_ENOMEM, "no memory for a TLS connection");
    }
    SSL_set_accept_state(ssl);
    *connection =
        (struct kt_connection){.fd = fd, .pair = -1, .peer_pair = -1, .ssl = ssl, .tls = tls, .want_read = true};
    enter(connection, KT_CONNECTION_HANDSHAKE, now_ms + KT_HANDSHAKE_DEADLINE_MS);
    return 0;
}

/* A close_notify, if the socket takes it; nobody waits for an answer. */
static void say_goodbye(struct kt_connection *connection)
{
    if (connection->ssl && SSL_is_init_finished(connection->ssl) &&
        !(SSL_get_shutdown(connection->ssl) & SSL_SENT_SHUTDOWN))
        SSL_shutdown(connection->ssl);
    ERR_clear_error();
}

void kt_connection_close(struct kt_connection *connection)
{
    buffer_release(&connection->in);
    buffer_release(&connection->out);
    say_goodbye(connection);
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    kt_close_fd(&connection->pair);
    if (!connection->peer_taken)
        kt_close_fd(&connection->peer_pair);
    kt_close_fd(&connection->fd);
    connection->state = KT_CONNECTION_CLOSED;
}

int kt_connection_take_peer(struct kt_connection *connection)
{
    if (connection->peer_taken || connection->peer_pair < 0)
        return -1;
    connection->peer_taken = true;
    return connection->peer_pair;
}

/* What a TLS call that did not succeed means; sets what to wait for. */
static enum step after_tls_call(struct kt_connection *connection, int result)
{
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        connection->want_read = true;
        return STEP_NOTHING;
    case SSL_ERROR_WANT_WRITE:
        connection->want_write = true;
        return STEP_NOTHING;
    default:
        ERR_clear_error();
        return STEP_ENDED;
    }
}

static void enter_idle(struct kt_connection *connection, int64_t now_ms)
{
    enter(connection, KT_CONNECTION_IDLE, now_ms + (connection->draining ? KT_DRAIN_IDLE_MS : KT_IDLE_DEADLINE_MS));
}

static enum step do_handshake(struct kt_connection *connection, int64_t now_ms)
{
    int result = SSL_accept(connection->ssl);
    if (result != 1)
        return after_tls_call(connection, result);
    if (!kt_tls_client_allowed(connection->tls, connection->ssl))
        return STEP_ENDED;
    connection->established = true;
    enter_idle(connection, now_ms);
    return STEP_MOVED;
}

/* Reads decrypted bytes behind what is buffered, at most `most`. */
static enum step read_tls(struct kt_connection *connection, size_t most)
{
    struct kt_connection_buffer *in = &connection->in;
    if (!buffer_ready(in))
        return STEP_ENDED;
    size_t room = KT_MIN(most, KT_CONNECTION_BUFFER_BYTES - in->end);
    if (room == 0)
        return STEP_NOTHING;
    size_t got = 0;
    int result = SSL_read_ex(connection->ssl, in->data + in->end, room, &got);
    if (result != 1)
        return after_tls_call(connection, result);
    in->end += got;
    return STEP_MOVED;
}

/* Answers by ourselves and closes: for what libmicrohttpd must not see. */
static void answer_and_close(struct kt_connection *connection, int status, const char *reason, int64_t now_ms)
{
    buffer_consume(&connection->in, buffered(&connection->in));
    connection->unread = true;
    if (!buffer_ready(&connection->out)) {
        enter(connection, KT_CONNECTION_CLOSING, now_ms);
        return;
    }
    int length = snprintf((char *)connection->out.data, KT_CONNECTION_BUFFER_BYTES,
                          "HTTP/1.1 %d Refused\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
                          "%sConnection: close\r\n\r\n%s\n",
                          status, strlen(reason) + 1, status == 405 ? "Allow: POST\r\n" : "", reason);
    connection->out.start = 0;
    connection->out.end = length > 0 ? KT_MIN((size_t)length, KT_CONNECTION_BUFFER_BYTES - 1) : 0;
    enter(connection, KT_CONNECTION_CLOSING, now_ms + KT_CLOSE_DEADLINE_MS);
}

static bool ensure_pair(struct kt_connection *connection)
{
    if (connection->pair >= 0)
        return true;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    connection->pair = ends[0];
    connection->peer_pair = ends[1];
    return true;
}

/* A header block is being gathered; when it is whole it is judged, and the request begins. */
static enum step gather_headers(struct kt_connection *connection, int64_t now_ms)
{
    enum step step = read_tls(connection, KT_CONNECTION_BUFFER_BYTES);
    if (step != STEP_MOVED)
        return step;
    if (connection->state == KT_CONNECTION_IDLE)
        enter(connection, KT_CONNECTION_HEADERS, now_ms + KT_HEADER_DEADLINE_MS);
    struct kt_str bytes = {(const char *)connection->in.data + connection->in.start, buffered(&connection->in)};
    size_t length = kt_header_block_length(bytes);
    if (length == 0) {
        if (bytes.length >= KT_LIMIT_HTTP_HEADER_BYTES)
            answer_and_close(connection, 431, "the header block is larger than 16 KiB", now_ms);
        return STEP_MOVED;
    }
    struct kt_header_verdict verdict = kt_header_check((struct kt_str){bytes.data, length}, KT_LIMIT_REVIEW_BODY_BYTES);
    size_t rest = bytes.length - length;
    if (verdict.status == 0 && rest > verdict.content_length)
        verdict =
            (struct kt_header_verdict){.status = 400, .reason = "a second request came before the first was answered"};
    if (verdict.status != 0) {
        answer_and_close(connection, verdict.status, verdict.reason, now_ms);
        return STEP_MOVED;
    }
    if (!ensure_pair(connection))
        return STEP_ENDED;
    connection->body_left = verdict.content_length - rest;
    connection->response_done = false;
    connection->requests++;
    enter(connection, KT_CONNECTION_BODY,
          now_ms + KT_BODY_DEADLINE_MS + (int64_t)(verdict.content_length / KT_BODY_BYTES_PER_MS));
    return STEP_MOVED;
}

/* Nothing went wrong, there is only nothing to do now. (EAGAIN and EWOULDBLOCK are one number on Linux.) */
static bool only_later(int number)
{
    return number == EAGAIN || number == EINTR;
}

/* libmicrohttpd has closed its end, with bytes of ours in it or before all of them came. */
static bool other_end_is_gone(int number)
{
    return number == EPIPE || number == ECONNRESET;
}

/* Gives buffered request bytes to libmicrohttpd. When it takes no more it has answered early (a header block that is
 * too much for it): the rest of the request is dropped, and the answer still goes out. */
static enum step feed_pair(struct kt_connection *connection)
{
    size_t length = buffered(&connection->in);
    if (length == 0)
        return STEP_NOTHING;
    ssize_t sent = send(connection->pair, connection->in.data + connection->in.start, length, MSG_NOSIGNAL);
    if (sent < 0 && !other_end_is_gone(errno))
        return only_later(errno) ? STEP_NOTHING : STEP_ENDED;
    if (sent < 0) {
        connection->unread = connection->body_left > 0;
        connection->body_left = 0;
        sent = (ssize_t)length;
    }
    buffer_consume(&connection->in, (size_t)sent);
    return sent > 0 ? STEP_MOVED : STEP_NOTHING;
}

/* Takes response bytes from libmicrohttpd. */
static enum step drain_pair(struct kt_connection *connection)
{
    if (connection->pair < 0 || connection->pair_ended || buffered(&connection->out) > 0)
        return STEP_NOTHING;
    if (!buffer_ready(&connection->out))
        return STEP_ENDED;
    ssize_t got = recv(connection->pair, connection->out.data, KT_CONNECTION_BUFFER_BYTES, 0);
    connection->pair_empty = got < 0;
    if (got < 0 && !other_end_is_gone(errno))
        return only_later(errno) ? STEP_NOTHING : STEP_ENDED;
    if (got <= 0) {
        connection->pair_ended = true;
        return STEP_MOVED;
    }
    connection->out.start = 0;
    connection->out.end = (size_t)got;
    return STEP_MOVED;
}

static enum step write_tls(struct kt_connection *connection)
{
    size_t length = buffered(&connection->out);
    if (length == 0)
        return STEP_NOTHING;
    size_t sent = 0;
    int result = SSL_write_ex(connection->ssl, connection->out.data + connection->out.start, length, &sent);
    if (result != 1)
        return after_tls_call(connection, result);
    buffer_consume(&connection->out, sent);
    return STEP_MOVED;
}

/* Both directions of a request under way. */
static enum step pump(struct kt_connection *connection, int64_t now_ms)
{
    bool moved = false;
    connection->pair_empty = false;
    enum step (*const movers[])(struct kt_connection *) = {feed_pair, write_tls, drain_pair, write_tls};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(movers); i++) {
        enum step step = movers[i](connection);
        if (step == STEP_ENDED)
            return STEP_ENDED;
        moved |= step == STEP_MOVED;
    }
    if (connection->state == KT_CONNECTION_BODY && buffered(&connection->in) == 0) {
        if (connection->body_left == 0) {
            enter(connection, KT_CONNECTION_RESPONSE, now_ms + KT_RESPONSE_DEADLINE_MS);
            return STEP_MOVED;
        }
        size_t most = (size_t)KT_MIN(connection->body_left, (uint64_t)KT_CONNECTION_BUFFER_BYTES);
        enum step step = read_tls(connection, most);
        if (step == STEP_MOVED)
            connection->body_left -= buffered(&connection->in);
        return step == STEP_NOTHING && moved ? STEP_MOVED : step;
    }
    return moved ? STEP_MOVED : STEP_NOTHING;
}

/* The answer is out: is the connection idle again, or at its end? */
static bool finish_response(struct kt_connection *connection, int64_t now_ms)
{
    if (buffered(&connection->out) > 0)
        return false;
    if (connection->pair_ended) {
        connection->unread = connection->unread || connection->body_left > 0;
        enter(connection, KT_CONNECTION_CLOSING, now_ms + KT_CLOSE_DEADLINE_MS);
        return true;
    }
    /* Written by libmicrohttpd does not mean taken by us: an answer may be larger than our buffer. */
    if (connection->state != KT_CONNECTION_RESPONSE || !connection->response_done || !connection->pair_empty)
        return false;
    buffer_release(&connection->in);
    buffer_release(&connection->out);
    connection->answered = true;
    enter_idle(connection, now_ms);
    return true;
}

static enum step do_close(struct kt_connection *connection, int64_t now_ms)
{
    enum step step = write_tls(connection);
    if (step != STEP_NOTHING || buffered(&connection->out) > 0)
        return step;
    if (!connection->unread)
        return STEP_ENDED;
    say_goodbye(connection);
    if (shutdown(connection->fd, SHUT_WR) != 0)
        return STEP_ENDED;
    enter(connection, KT_CONNECTION_LINGERING, now_ms + KT_LINGER_DEADLINE_MS);
    return STEP_MOVED;
}

/* Until the client has closed its side too. */
static enum step do_linger(struct kt_connection *connection)
{
    if (!buffer_ready(&connection->in) || connection->lingered_bytes > KT_LINGER_BYTES)
        return STEP_ENDED;
    ssize_t got = recv(connection->fd, connection->in.data, KT_CONNECTION_BUFFER_BYTES, 0);
    connection->want_read = true;
    if (got < 0)
        return only_later(errno) ? STEP_NOTHING : STEP_ENDED;
    connection->lingered_bytes += (size_t)got;
    return got > 0 ? STEP_MOVED : STEP_ENDED;
}

static enum step advance_once(struct kt_connection *connection, int64_t now_ms)
{
    switch (connection->state) {
    case KT_CONNECTION_HANDSHAKE:
        return do_handshake(connection, now_ms);
    case KT_CONNECTION_IDLE:
    case KT_CONNECTION_HEADERS:
        return gather_headers(connection, now_ms);
    case KT_CONNECTION_BODY:
    case KT_CONNECTION_RESPONSE: {
        enum step step = pump(connection, now_ms);
        if (step != STEP_ENDED && finish_response(connection, now_ms))
            return STEP_MOVED;
        return step;
    }
    case KT_CONNECTION_CLOSING:
        return do_close(connection, now_ms);
    case KT_CONNECTION_LINGERING:
        return do_linger(connection);
    case KT_CONNECTION_CLOSED:
        return STEP_NOTHING;
    }
    return STEP_ENDED;
}

bool kt_connection_advance(struct kt_connection *connection, int64_t now_ms)
{
    bool moved = false;
    ERR_clear_error(); /* SSL_get_error looks into the thread's queue, whoever has put something there */
    for (;;) {
        connection->want_read = connection->want_write = false;
        enum step step = advance_once(connection, now_ms);
        if (step == STEP_ENDED) {
            kt_connection_close(connection);
            return true;
        }
        moved |= step == STEP_MOVED;
        if (step == STEP_NOTHING)
            release_empty_buffers(connection);
        /* While a request is under way libmicrohttpd must have its turn before more can move. */
        if (step == STEP_NOTHING || connection->state == KT_CONNECTION_BODY ||
            connection->state == KT_CONNECTION_RESPONSE)
            return moved;
    }
}

void kt_connection_drain(struct kt_connection *connection, int64_t now_ms)
{
    bool patience = !connection->draining && connection->state == KT_CONNECTION_IDLE;
    connection->draining = true;
    if (!patience)
        return;
    int64_t idle_since_ms = connection->deadline_ms - KT_IDLE_DEADLINE_MS;
    connection->deadline_ms = KT_MAX(now_ms, idle_since_ms + KT_DRAIN_IDLE_MS);
}

static bool request_under_way(const struct kt_connection *connection)
{
    return connection->state == KT_CONNECTION_BODY || connection->state == KT_CONNECTION_RESPONSE;
}

enum kt_connection_use kt_connection_use(const struct kt_connection *connection)
{
    if (connection->state == KT_CONNECTION_RESPONSE)
        return KT_CONNECTION_ANSWERING;
    if (!connection->answered)
        return KT_CONNECTION_UNUSED;
    return connection->state == KT_CONNECTION_IDLE ? KT_CONNECTION_WAITING : KT_CONNECTION_RECEIVING;
}

bool kt_connection_wants_pair_room(const struct kt_connection *connection)
{
    return request_under_way(connection) && buffered(&connection->in) > 0;
}

bool kt_connection_wants_pair_bytes(const struct kt_connection *connection)
{
    return request_under_way(connection) && !connection->pair_ended && buffered(&connection->out) == 0;
}
