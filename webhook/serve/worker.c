/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "webhook/log.h"
#include "webhook/serve/http.h"
#include "webhook/serve/metrics.h"

#define EVENTS_AT_ONCE 64
#define ACCEPTS_AT_ONCE 16
/* How often one connection may move before the others have their turn. */
#define MOVES_AT_ONCE 32
/* A parked look-up ends within its own deadline; this is the patience after that when the server stops. */
#define PARKED_PATIENCE_MS (2 * KT_LOOKUP_DEADLINE_MS)

/* Without descriptors or memory for it a connection stays in the listener's queue and would keep epoll awake. */
#define ACCEPT_PAUSE_MS 100

/* What an epoll event is about: a connection's TLS or pair side, or one of these. */
enum tag_kind { TAG_LISTENER, TAG_WAKE, TAG_HTTP, TAG_TLS, TAG_PAIR };

#define GENERATION_BITS 24

static uint64_t tag(enum tag_kind kind, const struct kt_connection *connection)
{
    uint64_t generation = connection ? connection->generation : 0, slot = connection ? connection->slot : 0;
    return (uint64_t)kind << (32 + GENERATION_BITS) | generation << 32 | slot;
}

/* The connection that an event is about, or NULL when that has gone, also if its slot has a new one. */
static struct kt_connection *tagged(const struct kt_worker *worker, uint64_t data)
{
    struct kt_connection *connection = worker->connections[data & UINT32_MAX];
    uint32_t generation = (uint32_t)(data >> 32) & ((1u << GENERATION_BITS) - 1);
    return connection && connection->generation == generation ? connection : NULL;
}

static int64_t now_ms(void)
{
    return kt_clock_monotonic_ms(&kt_clock_system);
}

static bool watch(struct kt_worker *worker, int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(worker->epoll, operation, fd, &event) == 0;
}

struct kt_connection *kt_worker_connection_of_peer(struct kt_worker *worker, int fd)
{
    return fd >= 0 && (size_t)fd < worker->by_peer_size ? worker->by_peer[fd] : NULL;
}

static bool remember_peer(struct kt_worker *worker, struct kt_connection *connection)
{
    size_t fd = (size_t)connection->peer_pair;
    if (fd >= worker->by_peer_size) {
        size_t size = fd + 64;
        struct kt_connection **grown = kt_heap_realloc(worker->by_peer, size * sizeof(struct kt_connection *));
        if (!grown)
            return false;
        memset(grown + worker->by_peer_size, 0, (size - worker->by_peer_size) * sizeof(struct kt_connection *));
        worker->by_peer = grown;
        worker->by_peer_size = size;
    }
    worker->by_peer[fd] = connection;
    return true;
}

static void forget(struct kt_worker *worker, struct kt_connection *connection)
{
    if (connection->peer_taken && kt_worker_connection_of_peer(worker, connection->peer_pair) == connection)
        worker->by_peer[connection->peer_pair] = NULL;
    if (connection->state != KT_CONNECTION_CLOSED)
        kt_connection_close(connection);
    if (!connection->established && connection->place)
        atomic_fetch_add(&worker->settings.endpoint->metrics->handshake_failures, 1);
    worker->connections[connection->slot] = NULL;
    worker->connection_count--;
    kt_connection_table_leave(worker->settings.table, connection->place);
    atomic_store_explicit(&worker->open_connections, worker->connection_count, memory_order_relaxed);
    kt_heap_free(connection);
    if (worker->http)
        kt_http_run(worker); /* libmicrohttpd sees the end of its side and frees it */
}

/* Hands libmicrohttpd its end when a connection has its first request. False: the connection cannot go on. */
static bool hand_over(struct kt_worker *worker, struct kt_connection *connection)
{
    int peer = kt_connection_take_peer(connection);
    if (peer < 0)
        return true;
    if (!remember_peer(worker, connection)) {
        close(peer);
        return false;
    }
    return kt_http_add(worker, peer);
}

/* Tells epoll what the connection waits for, if that has changed. The pair is watched only while it matters, because a
 * level-triggered descriptor that nobody empties would keep the thread awake. */
static void update_watches(struct kt_worker *worker, struct kt_connection *connection)
{
    uint32_t events =
        (connection->want_read ? (uint32_t)EPOLLIN : 0) | (connection->want_write ? (uint32_t)EPOLLOUT : 0);
    if (events != connection->watched_events)
        watch(worker, EPOLL_CTL_MOD, connection->fd, events, tag(TAG_TLS, connection));
    connection->watched_events = events;
    if (!connection->peer_taken)
        return;
    uint32_t pair_events = (kt_connection_wants_pair_bytes(connection) ? (uint32_t)EPOLLIN : 0) |
                           (kt_connection_wants_pair_room(connection) ? (uint32_t)EPOLLOUT : 0);
    if (pair_events != connection->watched_pair_events) {
        int operation = pair_events == 0                       ? EPOLL_CTL_DEL
                        : connection->watched_pair_events == 0 ? EPOLL_CTL_ADD
                                                               : EPOLL_CTL_MOD;
        watch(worker, operation, connection->pair, pair_events, tag(TAG_PAIR, connection));
    }
    connection->watched_pair_events = pair_events;
}

/* Moves a connection and libmicrohttpd in turn until neither has anything to do. */
static void serve(struct kt_worker *worker, struct kt_connection *connection)
{
    uint64_t requests = connection->requests;
    connection->has_more = true;
    for (size_t i = 0; i < MOVES_AT_ONCE && connection->has_more; i++) {
        connection->has_more = kt_connection_advance(connection, now_ms());
        if (!connection->has_more || connection->state == KT_CONNECTION_CLOSED)
            break;
        if (!hand_over(worker, connection)) {
            kt_connection_close(connection);
            break;
        }
        if (connection->peer_taken)
            kt_http_run(worker);
    }
    if (connection->state == KT_CONNECTION_CLOSED) {
        forget(worker, connection);
        return;
    }
    kt_connection_table_note(connection->place, kt_connection_use(connection), connection->requests != requests,
                             now_ms());
    worker->has_more = worker->has_more || connection->has_more;
    worker->next_deadline_ms = KT_MIN(worker->next_deadline_ms, connection->deadline_ms);
    update_watches(worker, connection);
}

/* Those whose turn ended before they came to rest: no event will tell of them. */
static void serve_the_rest(struct kt_worker *worker)
{
    worker->has_more = false;
    for (size_t i = 0; i < worker->slot_count; i++)
        if (worker->connections[i] && worker->connections[i]->has_more)
            serve(worker, worker->connections[i]);
}

/* An open connection in a slot of its own; NULL without memory. */
static struct kt_connection *open_connection(struct kt_worker *worker, int fd)
{
    size_t slot = 0;
    while (slot < worker->slot_count && worker->connections[slot])
        slot++;
    if (slot == worker->slot_count)
        return NULL;
    struct kt_connection *connection = kt_heap_alloc(sizeof(*connection));
    if (!connection)
        return NULL;
    SSL_CTX *context = kt_tls_store_take(worker->settings.tls);
    int code = kt_connection_open(connection, fd, context, &worker->settings.tls->settings, now_ms(), NULL);
    SSL_CTX_free(context); /* the connection holds its own reference */
    if (code != 0) {
        kt_heap_free(connection);
        return NULL;
    }
    connection->slot = slot;
    connection->generation = ++worker->generation & ((1u << GENERATION_BITS) - 1);
    worker->connections[slot] = connection;
    return connection;
}

/* place NULL: beside the limit. */
static void begin_connection(struct kt_worker *worker, int fd, struct kt_connection_place *place)
{
    struct kt_connection *connection = open_connection(worker, fd);
    if (!connection) {
        kt_connection_table_leave(worker->settings.table, place);
        close(fd);
        return;
    }
    connection->place = place;
    worker->connection_count++;
    atomic_store_explicit(&worker->open_connections, worker->connection_count, memory_order_relaxed);
    watch(worker, EPOLL_CTL_ADD, fd, EPOLLIN, tag(TAG_TLS, connection));
    connection->watched_events = EPOLLIN;
    serve(worker, connection);
}

static void accept_one(struct kt_worker *worker, int fd, uint32_t address)
{
    struct kt_connection_place *place =
        kt_connection_table_join(worker->settings.table, address, worker->wake, now_ms());
    if (!place) {
        close(fd);
        return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    atomic_fetch_add(&worker->settings.endpoint->metrics->connections, 1);
    begin_connection(worker, fd, place);
}

/* Level-triggered and exclusive: a connection wakes one worker, and none is lost when a worker ends. */
static bool watch_listener(struct kt_worker *worker)
{
    return watch(worker, EPOLL_CTL_ADD, worker->settings.listener, EPOLLIN | EPOLLEXCLUSIVE, tag(TAG_LISTENER, NULL));
}

static void pause_accepting(struct kt_worker *worker, int number)
{
    char reason[128];
    kt_log(KT_LOG_WARNING, "cannot accept a connection; trying again", "error",
           strerror_r(number, reason, sizeof(reason)), NULL);
    epoll_ctl(worker->epoll, EPOLL_CTL_DEL, worker->settings.listener, NULL);
    worker->accept_again_ms = now_ms() + ACCEPT_PAUSE_MS;
    worker->next_deadline_ms = KT_MIN(worker->next_deadline_ms, worker->accept_again_ms);
}

static void accept_some(struct kt_worker *worker)
{
    for (size_t i = 0; worker->accepting && i < ACCEPTS_AT_ONCE; i++) {
        struct sockaddr_in peer = {0};
        socklen_t length = sizeof(peer);
        int fd = accept4(worker->settings.listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accept_one(worker, fd, peer.sin_addr.s_addr);
            continue;
        }
        /* What accept4 tells of a connection that has ended already is not about the listener (accept(2)). */
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM || errno == EINVAL)
            pause_accepting(worker, errno);
        return;
    }
}

static void accept_again(struct kt_worker *worker, int64_t now)
{
    if (worker->accept_again_ms == 0 || !worker->accepting)
        return;
    if (now >= worker->accept_again_ms && watch_listener(worker))
        worker->accept_again_ms = 0;
    else
        worker->next_deadline_ms = KT_MIN(worker->next_deadline_ms, KT_MAX(worker->accept_again_ms, now + 1));
}

/* Closes what is past its deadline and finds the next one. */
static void keep_deadlines(struct kt_worker *worker)
{
    int64_t now = now_ms();
    if (now < worker->next_deadline_ms)
        return;
    worker->next_deadline_ms = INT64_MAX;
    for (size_t i = 0; i < worker->slot_count; i++) {
        struct kt_connection *connection = worker->connections[i];
        if (!connection)
            continue;
        if (now >= connection->deadline_ms)
            forget(worker, connection);
        else
            worker->next_deadline_ms = KT_MIN(worker->next_deadline_ms, connection->deadline_ms);
    }
    accept_again(worker, now);
}

static void begin_drain(struct kt_worker *worker)
{
    if (worker->accepting && worker->accept_again_ms == 0)
        epoll_ctl(worker->epoll, EPOLL_CTL_DEL, worker->settings.listener, NULL);
    worker->accepting = false;
    for (size_t i = 0; i < worker->slot_count; i++) {
        struct kt_connection *connection = worker->connections[i];
        if (!connection)
            continue;
        kt_connection_drain(connection, now_ms());
        worker->next_deadline_ms = KT_MIN(worker->next_deadline_ms, connection->deadline_ms);
    }
}

/* Those that the table has told to go, whichever worker it was that needed the room. */
static void close_evicted(struct kt_worker *worker)
{
    if (atomic_load(&worker->settings.table->going) == 0)
        return;
    for (size_t i = 0; i < worker->slot_count; i++) {
        if (!worker->connections[i] || !kt_connection_must_go(worker->connections[i]->place))
            continue;
        atomic_fetch_add_explicit(&worker->settings.endpoint->metrics->evictions, 1, memory_order_relaxed);
        forget(worker, worker->connections[i]);
    }
}

static void handle_wake(struct kt_worker *worker)
{
    uint64_t ignored;
    KT_UNUSED ssize_t got = read(worker->wake, &ignored, sizeof(ignored));
    close_evicted(worker);
    int visitor = atomic_exchange(&worker->visitor, -1);
    if (visitor >= 0)
        begin_connection(worker, visitor, NULL);
    kt_http_resume(worker);
    kt_http_run(worker);
    if (atomic_load(&worker->phase) >= KT_WORKER_DRAINING)
        begin_drain(worker);
}

static void handle_event(struct kt_worker *worker, const struct epoll_event *event)
{
    enum tag_kind kind = (enum tag_kind)(event->data.u64 >> (32 + GENERATION_BITS));
    struct kt_connection *connection = NULL;
    switch (kind) {
    case TAG_LISTENER:
        accept_some(worker);
        break;
    case TAG_WAKE:
        handle_wake(worker);
        break;
    case TAG_HTTP:
        kt_http_run(worker);
        break;
    case TAG_TLS:
    case TAG_PAIR:
        connection = tagged(worker, event->data.u64);
        /* A peer that has gone both ways can get no answer any more. */
        if (connection && kind == TAG_TLS && (event->events & (EPOLLHUP | EPOLLERR)))
            forget(worker, connection);
        else if (connection)
            serve(worker, connection);
        break;
    }
}

static int wait_ms(const struct kt_worker *worker)
{
    if (worker->has_more)
        return 0;
    if (worker->next_deadline_ms == INT64_MAX)
        return -1;
    int64_t left = worker->next_deadline_ms - now_ms();
    return (int)KT_MAX((int64_t)0, KT_MIN(left + 1, (int64_t)60000));
}

static void close_all(struct kt_worker *worker)
{
    for (size_t i = 0; i < worker->slot_count; i++)
        if (worker->connections[i])
            forget(worker, worker->connections[i]);
    int64_t give_up_ms = now_ms() + PARKED_PATIENCE_MS;
    while (worker->parked && now_ms() < give_up_ms) {
        struct pollfd entry = {.fd = worker->wake, .events = POLLIN};
        if (poll(&entry, 1, (int)(give_up_ms - now_ms())) > 0)
            handle_wake(worker);
    }
    kt_http_abandon(worker);
    kt_http_run(worker);
}

static void *run(void *context)
{
    struct kt_worker *worker = context;
    struct epoll_event events[EVENTS_AT_ONCE];
    while (atomic_load(&worker->phase) != KT_WORKER_STOPPING) {
        int count = epoll_wait(worker->epoll, events, EVENTS_AT_ONCE, wait_ms(worker));
        if (count < 0 && errno != EINTR) {
            kt_log(KT_LOG_ERROR, "epoll_wait failed; this worker ends", NULL);
            break;
        }
        for (int i = 0; i < count; i++)
            handle_event(worker, &events[i]);
        if (worker->has_more)
            serve_the_rest(worker);
        keep_deadlines(worker);
    }
    close_all(worker);
    return NULL;
}

static int set_up(struct kt_worker *worker, struct kt_error *error)
{
    worker->slot_count = worker->settings.table->place_count + 1;
    worker->connections = kt_heap_alloc(worker->slot_count * sizeof(struct kt_connection *));
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    worker->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!worker->connections || worker->epoll < 0 || worker->wake < 0)
        return kt_error_set(error, KT_ENOMEM, "no memory or descriptors for a worker");
    kt_endpoint_worker_init(&worker->endpoint, worker->settings.endpoint, worker->wake);
    int code = kt_http_start(worker, error);
    if (code != 0)
        return code;
    if (!watch_listener(worker) || !watch(worker, EPOLL_CTL_ADD, worker->wake, EPOLLIN, tag(TAG_WAKE, NULL)) ||
        !watch(worker, EPOLL_CTL_ADD, kt_http_epoll_fd(worker), EPOLLIN, tag(TAG_HTTP, NULL)))
        return kt_error_set(error, KT_EIO, "epoll refuses a descriptor");
    return 0;
}

static void tear_down(struct kt_worker *worker)
{
    kt_http_stop(worker);
    kt_endpoint_worker_release(&worker->endpoint);
    kt_heap_free(worker->connections);
    kt_heap_free(worker->by_peer);
    kt_close_fd(&worker->epoll);
    kt_close_fd(&worker->wake);
    int visitor = atomic_exchange(&worker->visitor, -1);
    kt_close_fd(&visitor);
}

int kt_worker_start(struct kt_worker *worker, size_t index, const struct kt_worker_settings *settings,
                    struct kt_error *error)
{
    *worker = (struct kt_worker){.settings = *settings,
                                 .index = index,
                                 .epoll = -1,
                                 .wake = -1,
                                 .visitor = -1,
                                 .next_deadline_ms = INT64_MAX,
                                 .accepting = true};
    int code = set_up(worker, error);
    if (code == 0 && pthread_create(&worker->thread, NULL, run, worker) != 0)
        code = kt_error_set(error, KT_ENOMEM, "cannot start a worker thread");
    if (code != 0) {
        tear_down(worker);
        return code;
    }
    worker->started = true;
    return 0;
}

void kt_worker_set_phase(struct kt_worker *worker, enum kt_worker_phase phase)
{
    atomic_store(&worker->phase, (int)phase);
    uint64_t one = 1;
    KT_UNUSED ssize_t done = write(worker->wake, &one, sizeof(one));
}

void kt_worker_visit(struct kt_worker *worker, int fd)
{
    int earlier = atomic_exchange(&worker->visitor, fd);
    kt_close_fd(&earlier);
    uint64_t one = 1;
    KT_UNUSED ssize_t done = write(worker->wake, &one, sizeof(one));
}

void kt_worker_join(struct kt_worker *worker)
{
    if (!worker->started)
        return;
    pthread_join(worker->thread, NULL);
    tear_down(worker);
    worker->started = false;
}
