/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/http.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "webhook/serve/metrics.h"

/* Enough for a header block of ours and libmicrohttpd's own bookkeeping. */
#define HTTP_MEMORY_BYTES ((size_t)(48 * KT_KIB))
/* A daemon that never comes to rest would starve the sockets; the rest waits for the next turn. */
#define TURNS_AT_ONCE 64

static const struct {
    const char *path;
    enum kt_review_kind kind;
} routes[] = {
    {"/mutate-workspace", KT_REVIEW_MUTATE},
    {"/validate-workspace", KT_REVIEW_VALIDATE},
    {"/validate/workspace.kaito.sh", KT_REVIEW_VALIDATE}, /* upstream's path */
};

/* One request under way. */
struct kt_http_request {
    struct kt_worker *worker;
    struct MHD_Connection *connection;
    enum kt_review_kind kind;
    struct kt_strbuf body;
    size_t taken; /* of the budget of bodies: what is beyond KT_LIMIT_SMALL_BODY_BYTES of the body, or of its answer */
    struct kt_lookup_request *lookup; /* set when a look-up has come back */
    size_t content_length;
    bool known;      /* the path is one of routes */
    unsigned status; /* of a refusal that is already certain; the body is read to its end first */
    const char *reason;
    bool answered;
    uint64_t started_ns;
    struct kt_http_request *next_parked, **parked_link; /* while it waits for a look-up */
};

static void park(struct kt_http_request *request)
{
    request->next_parked = request->worker->parked;
    request->parked_link = &request->worker->parked;
    if (request->next_parked)
        request->next_parked->parked_link = &request->next_parked;
    request->worker->parked = request;
    MHD_suspend_connection(request->connection);
}

static void unpark(struct kt_http_request *request)
{
    *request->parked_link = request->next_parked;
    if (request->next_parked)
        request->next_parked->parked_link = request->parked_link;
    MHD_resume_connection(request->connection);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool find_route(const char *path, enum kt_review_kind *ret)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(routes); i++) {
        if (kt_streq(path, routes[i].path)) {
            *ret = routes[i].kind;
            return true;
        }
    }
    return false;
}

/* --- the budget of bodies ------------------------------------------------------------------------------------------
 */

static void give_back(struct kt_http_request *request)
{
    kt_byte_budget_give(request->worker->settings.bodies, request->taken);
    request->taken = 0;
    kt_strbuf_release(&request->body);
}

/* May this request hold so many bytes now? What is small always may: connections have their own limit. */
static bool may_hold(struct kt_http_request *request, size_t bytes)
{
    size_t wanted = bytes - KT_MIN(bytes, KT_LIMIT_SMALL_BODY_BYTES);
    if (wanted <= request->taken)
        return true;
    if (!kt_byte_budget_take(request->worker->settings.bodies, wanted - request->taken))
        return false;
    request->taken = wanted;
    return true;
}

static void refuse_for_room(struct kt_http_request *request)
{
    give_back(request);
    request->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    request->reason = "too many large requests are being served; try again";
}

/* Takes in a piece of the body; as much room is asked for as the buffer would grow. */
static void take_piece(struct kt_http_request *request, const char *data, size_t length)
{
    struct kt_strbuf *body = &request->body;
    size_t needed = body->length + length + 1;
    if (needed > body->capacity) {
        size_t capacity = KT_MIN(KT_MAX(needed, body->capacity * 2), KT_MAX(needed, request->content_length + 1));
        if (!may_hold(request, capacity)) {
            refuse_for_room(request);
            return;
        }
        kt_strbuf_reserve(body, capacity - 1 - body->length);
    }
    kt_strbuf_add(body, data, length);
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

static enum MHD_Result respond(struct kt_http_request *request, unsigned status, struct kt_str body,
                               const char *content_type)
{
    union {
        const char *in;
        void *out;
    } data = {.in = body.data};
    struct MHD_Response *response = MHD_create_response_from_buffer(body.length, data.out, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    if (atomic_load(&request->worker->phase) != KT_WORKER_SERVING)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(request->connection, status, response);
    MHD_destroy_response(response);
    request->answered = true;
    if (request->known)
        kt_metrics_request(request->worker->settings.endpoint->metrics, request->kind, status,
                           now_ns() - request->started_ns);
    return result;
}

static enum MHD_Result refuse(struct kt_http_request *request, unsigned status, const char *reason)
{
    char text[sizeof(struct kt_error) + 8];
    int length = snprintf(text, sizeof(text), "%s\n", reason);
    return respond(request, status, (struct kt_str){text, length > 0 ? KT_MIN((size_t)length, sizeof(text) - 1) : 0},
                   "text/plain; charset=utf-8");
}

static unsigned status_of(int code)
{
    if (code == KT_ELIMIT)
        return MHD_HTTP_CONTENT_TOO_LARGE;
    return code == KT_ENOMEM || code == KT_EINTERNAL ? MHD_HTTP_INTERNAL_SERVER_ERROR : MHD_HTTP_BAD_REQUEST;
}

/* Its body is not needed any more, and the answer, which is copied, takes its place. */
static enum MHD_Result respond_with_review(struct kt_http_request *request)
{
    struct kt_strbuf *answer = &request->worker->endpoint.answer;
    give_back(request);
    enum MHD_Result result;
    if (may_hold(request, answer->length)) {
        result = respond(request, MHD_HTTP_OK, kt_strbuf_view(answer), "application/json");
    } else {
        refuse_for_room(request);
        result = refuse(request, request->status, request->reason);
    }
    if (answer->capacity > KT_ARENA_KEEP_BYTES)
        kt_strbuf_release(answer);
    return result;
}

/* The body is whole (or a look-up is back): judge it. */
static enum MHD_Result review(struct kt_http_request *request)
{
    struct kt_worker *worker = request->worker;
    const struct kt_endpoint *endpoint = worker->settings.endpoint;
    struct kt_error error;
    void *waiter = atomic_load(&worker->phase) == KT_WORKER_STOPPING ? NULL : request;
    switch (kt_endpoint_review(endpoint, &worker->endpoint, request->kind, kt_strbuf_view(&request->body), waiter,
                               &request->lookup, &error)) {
    case KT_ENDPOINT_ANSWERED:
        return respond_with_review(request);
    case KT_ENDPOINT_REFUSED:
        return refuse(request, status_of(error.code), error.message);
    case KT_ENDPOINT_PARKED:
        request->lookup = NULL; /* it belongs to the look-up thread until it comes back */
        atomic_fetch_add_explicit(&endpoint->metrics->lookups, 1, memory_order_relaxed);
        park(request);
        return MHD_YES;
    }
    return MHD_NO;
}

static bool is_json(const char *content_type)
{
    struct kt_str type = kt_str(content_type);
    size_t semicolon = kt_str_find_char(type, ';');
    if (semicolon != SIZE_MAX)
        type.length = semicolon;
    return kt_str_equal_nocase(kt_str_trim(type), KT_STR("application/json"));
}

static struct kt_http_request *begin_request(struct kt_worker *worker, struct MHD_Connection *connection)
{
    struct kt_http_request *request = kt_heap_alloc(sizeof(*request));
    if (!request)
        return NULL;
    request->worker = worker;
    request->connection = connection;
    request->started_ns = now_ns();
    kt_strbuf_init(&request->body, NULL, KT_LIMIT_REVIEW_BODY_BYTES);
    /* The front has checked this number against the limit; room for it at once avoids growing step by step. */
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    request->content_length = length ? (size_t)strtoull(length, NULL, 10) : 0;
    if (length)
        kt_strbuf_reserve(&request->body, KT_MIN(request->content_length, KT_LIMIT_SMALL_BODY_BYTES - 1));
    return request;
}

static void judge_headers(struct kt_http_request *request, const char *url)
{
    request->known = find_route(url, &request->kind);
    const char *type = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (!request->known) {
        request->status = MHD_HTTP_NOT_FOUND;
        request->reason = "nothing is served here: see /mutate-workspace and /validate-workspace";
        return;
    }
    atomic_fetch_add(&request->worker->settings.endpoint->metrics->in_flight[request->kind], 1);
    if (!is_json(type)) {
        request->status = MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
        request->reason = "send Content-Type: application/json";
    }
}

/* libmicrohttpd calls this once for the headers, once for each piece of the body, once at its end, and once more when a
 * parked request goes on. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method KT_UNUSED, const char *version KT_UNUSED, const char *upload,
                              size_t *upload_size, void **state)
{
    struct kt_http_request *request = *state;
    if (!request) {
        request = *state = begin_request(context, connection);
        if (!request)
            return MHD_NO;
        judge_headers(request, url);
        return MHD_YES;
    }
    if (*upload_size > 0) {
        if (request->status == 0)
            take_piece(request, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (request->answered)
        return MHD_YES;
    if (request->status != 0)
        return refuse(request, request->status, request->reason);
    if (request->body.failed) /* the front has seen to its size */
        return refuse(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory for the body");
    return review(request);
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode reason KT_UNUSED)
{
    struct kt_worker *worker = context;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct kt_connection *front = info ? kt_worker_connection_of_peer(worker, info->connect_fd) : NULL;
    if (front)
        front->response_done = true;
    struct kt_http_request *request = *state;
    if (!request)
        return;
    if (request->known)
        atomic_fetch_sub(&worker->settings.endpoint->metrics->in_flight[request->kind], 1);
    kt_lookup_free(request->lookup);
    give_back(request);
    kt_heap_free(request);
    *state = NULL;
}

/* libmicrohttpd would turn %00 into a NUL, where the path would end for us; none of ours has an escape in it. */
static size_t leave_escapes(void *context KT_UNUSED, struct MHD_Connection *connection KT_UNUSED, char *text)
{
    return strlen(text);
}

int kt_http_start(struct kt_worker *worker, struct kt_error *error)
{
    worker->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
                                    handle, worker, MHD_OPTION_NOTIFY_COMPLETED, completed, worker,
                                    MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_MEMORY_BYTES, MHD_OPTION_CONNECTION_LIMIT,
                                    (unsigned)worker->slot_count * 2, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                                    MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, NULL, MHD_OPTION_END);
    return worker->http ? 0 : kt_error_set(error, KT_EIO, "libmicrohttpd does not start");
}

void kt_http_stop(struct kt_worker *worker)
{
    if (worker->http)
        MHD_stop_daemon(worker->http);
    worker->http = NULL;
}

int kt_http_epoll_fd(const struct kt_worker *worker)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(worker->http, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

bool kt_http_add(struct kt_worker *worker, int fd)
{
    /* libmicrohttpd wants a peer address; the real one is known to the front, which does the limiting. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return MHD_add_connection(worker->http, fd, (struct sockaddr *)&address, sizeof(address)) == MHD_YES;
}

void kt_http_run(struct kt_worker *worker)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    for (size_t turn = 0; turn < TURNS_AT_ONCE; turn++) {
        if (MHD_run(worker->http) != MHD_YES)
            return;
        if (MHD_get_timeout(worker->http, &timeout_ms) != MHD_YES || timeout_ms > 0)
            return;
    }
}

void kt_http_resume(struct kt_worker *worker)
{
    for (struct kt_lookup_request *lookup = kt_lookup_queue_take(worker->endpoint.lookups); lookup;
         lookup = kt_lookup_queue_take(worker->endpoint.lookups)) {
        struct kt_http_request *request = lookup->waiter;
        request->lookup = lookup;
        unpark(request);
    }
}

void kt_http_abandon(struct kt_worker *worker)
{
    while (worker->parked)
        unpark(worker->parked);
}
