/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/plain_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

#define LISTEN_BACKLOG 256
#define ACCEPTS_AT_ONCE 64
/* A daemon that never comes to rest would starve the listener. */
#define TURNS_AT_ONCE 64
#define HTTP_MEMORY_BYTES ((size_t)(8 * KT_KIB))
/* Without descriptors a connection stays in the listener's queue and would keep epoll awake. */
#define ACCEPT_PAUSE_MS 100

struct kt_plain_connection {
    int fd; /* libmicrohttpd's; -1: none. Only to be shut down, never closed, here */
    int64_t deadline_ms;
    struct kt_connection_place *place;
};

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

/* --- requests ------------------------------------------------------------------------------------------------------
 */

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const struct kt_strbuf *body,
                               const char *content_type)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(body->length, body->data, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version KT_UNUSED, const char *upload KT_UNUSED, size_t *upload_size,
                              void **state KT_UNUSED)
{
    const struct kt_plain_server *server = context;
    if (*upload_size > 0)
        return MHD_NO; /* nobody has a reason to send a body here */
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf body;
    kt_strbuf_init(&body, NULL, KT_PLAIN_BODY_BYTES);
    const char *content_type = "text/plain; charset=utf-8";
    unsigned status = MHD_HTTP_METHOD_NOT_ALLOWED;
    if (kt_streq(method, MHD_HTTP_METHOD_GET) || kt_streq(method, MHD_HTTP_METHOD_HEAD))
        status = server->handler(server->context, url, &body, &content_type);
    else
        kt_strbuf_puts(&body, "only GET is served here\n");
    return respond(connection, status, &body, content_type);
}

/* libmicrohttpd would turn %00 into a NUL, where the path would end for us; none of ours has an escape in it. */
static size_t leave_escapes(void *context KT_UNUSED, struct MHD_Connection *connection KT_UNUSED, char *text)
{
    return strlen(text);
}

/* Called in kt_plain_server's thread, from MHD_add_connection and MHD_run. */
static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct kt_plain_server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        for (size_t i = 0; info && i < server->table.place_count; i++)
            if (server->connections[i].fd == info->connect_fd)
                *socket_context = &server->connections[i];
        return;
    }
    struct kt_plain_connection *ended = *socket_context;
    if (!ended)
        return;
    kt_connection_table_leave(&server->table, ended->place);
    *ended = (struct kt_plain_connection){.fd = -1};
}

/* --- connections ---------------------------------------------------------------------------------------------------
 */

static void run_daemon(struct kt_plain_server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    for (size_t turn = 0; turn < TURNS_AT_ONCE; turn++) {
        if (MHD_run(server->daemon) != MHD_YES)
            return;
        if (MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES || timeout_ms > 0)
            return;
    }
}

static void take_in(struct kt_plain_server *server, int fd, struct sockaddr_in *peer)
{
    struct kt_connection_place *place = kt_connection_table_join(&server->table, peer->sin_addr.s_addr, -1, now_ms());
    struct kt_plain_connection *connection = NULL;
    for (size_t i = 0; place && i < server->table.place_count && !connection; i++)
        if (server->connections[i].fd < 0)
            connection = &server->connections[i];
    if (!connection) {
        kt_connection_table_leave(&server->table, place);
        close(fd);
        return;
    }
    *connection = (struct kt_plain_connection){.fd = fd, .deadline_ms = now_ms() + server->deadline_ms, .place = place};
    if (MHD_add_connection(server->daemon, fd, (struct sockaddr *)peer, sizeof(*peer)) == MHD_YES)
        return;
    /* The daemon has closed it; whether it told of that depends on how far it came. */
    if (connection->place) {
        kt_connection_table_leave(&server->table, connection->place);
        *connection = (struct kt_plain_connection){.fd = -1};
    }
}

/* Shuts down those that are over, or must make room; libmicrohttpd sees it and closes them. */
static void end_overdue(struct kt_plain_server *server)
{
    bool any = false;
    int64_t now = now_ms();
    for (size_t i = 0; i < server->table.place_count; i++) {
        struct kt_plain_connection *connection = &server->connections[i];
        if (connection->fd < 0 || (now < connection->deadline_ms && !kt_connection_must_go(connection->place)))
            continue;
        shutdown(connection->fd, SHUT_RDWR);
        any = true;
    }
    if (any)
        run_daemon(server);
}

/* False: accepting is to be paused. */
static bool accept_some(struct kt_plain_server *server)
{
    for (size_t i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct sockaddr_in peer = {0};
        socklen_t length = sizeof(peer);
        int fd = accept4(server->listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM;
        take_in(server, fd, &peer);
        end_overdue(server);
    }
    return true;
}

static int wait_ms(const struct kt_plain_server *server)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < server->table.place_count; i++)
        if (server->connections[i].fd >= 0)
            first = KT_MIN(first, server->connections[i].deadline_ms);
    if (first == INT64_MAX)
        return -1;
    /* At least a little: what is shut down already must not keep the thread awake. */
    return (int)KT_MAX((int64_t)10, KT_MIN(first - now_ms(), server->deadline_ms));
}

static bool watch(const struct kt_plain_server *server, int operation, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(server->epoll, operation, fd, &event) == 0;
}

static void *run(void *context)
{
    struct kt_plain_server *server = context;
    bool paused = false;
    for (;;) {
        struct epoll_event events[4];
        int count =
            epoll_wait(server->epoll, events, KT_ARRAY_LENGTH(events), paused ? ACCEPT_PAUSE_MS : wait_ms(server));
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == server->stop)
                return NULL;
        if (paused && watch(server, EPOLL_CTL_ADD, server->listener))
            paused = false;
        run_daemon(server);
        end_overdue(server);
        if (!paused && !accept_some(server)) {
            watch(server, EPOLL_CTL_DEL, server->listener);
            paused = true;
        }
        run_daemon(server);
    }
}

/* --- life ----------------------------------------------------------------------------------------------------------
 */

static int open_listener(struct kt_plain_server *server, const char *bind_address, uint16_t port,
                         struct kt_error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, bind_address, &address.sin_addr) != 1)
        return kt_error_set(error, KT_EINVAL, "\"%s\" is not an IPv4 address to listen on", bind_address);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    socklen_t length = sizeof(address);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, length) != 0 ||
        listen(server->listener, LISTEN_BACKLOG) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &length) != 0) {
        char reason[128];
        return kt_error_set(error, KT_EIO, "cannot listen on %s:%u: %s", bind_address, (unsigned)port,
                            strerror_r(errno, reason, sizeof(reason)));
    }
    server->port = ntohs(address.sin_port);
    return 0;
}

static int start_daemon(struct kt_plain_server *server, struct kt_error *error)
{
    server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, handle, server,
                                      MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_LIMIT,
                                      (unsigned)server->table.place_count, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                      HTTP_MEMORY_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK,
                                      leave_escapes, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        server->daemon ? MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!info || server->epoll < 0 || server->stop < 0 || !watch(server, EPOLL_CTL_ADD, info->epoll_fd) ||
        !watch(server, EPOLL_CTL_ADD, server->listener) || !watch(server, EPOLL_CTL_ADD, server->stop))
        return kt_error_set(error, KT_EIO, "libmicrohttpd does not start");
    return 0;
}

int kt_plain_server_start(struct kt_plain_server *server, const char *bind_address, uint16_t port, int64_t deadline_ms,
                          kt_plain_handler *handler, void *context, struct kt_error *error)
{
    *server = (struct kt_plain_server){
        .handler = handler, .context = context, .deadline_ms = deadline_ms, .listener = -1, .epoll = -1, .stop = -1};
    int code = kt_connection_table_init(&server->table, KT_PLAIN_CONNECTIONS, error);
    if (code == 0)
        server->connections = kt_heap_alloc(server->table.place_count * sizeof(*server->connections));
    if (code == 0 && !server->connections)
        code = kt_error_set(error, KT_ENOMEM, "no memory for the connections of a port");
    for (size_t i = 0; code == 0 && i < server->table.place_count; i++)
        server->connections[i].fd = -1;
    if (code == 0)
        code = open_listener(server, bind_address, port, error);
    if (code == 0)
        code = start_daemon(server, error);
    if (code == 0 && pthread_create(&server->thread, NULL, run, server) != 0)
        code = kt_error_set(error, KT_ENOMEM, "cannot start the thread of a port");
    if (code == 0)
        server->started = true;
    else
        kt_plain_server_stop(server);
    return code;
}

void kt_plain_server_stop(struct kt_plain_server *server)
{
    uint64_t one = 1;
    if (server->started) {
        KT_UNUSED ssize_t done = write(server->stop, &one, sizeof(one));
        pthread_join(server->thread, NULL);
    }
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    if (server->handler) { /* otherwise zeroed: its descriptors are none of ours */
        kt_close_fd(&server->listener);
        kt_close_fd(&server->epoll);
        kt_close_fd(&server->stop);
    }
    kt_heap_free(server->connections);
    kt_connection_table_release(&server->table);
    *server = (struct kt_plain_server){0};
}
