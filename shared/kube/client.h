/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to an API server, kept alive between requests, given up after a request that was waited for in vain,
 * and found dead within 45 s when the network has lost it. Blocking; for one thread at a time. Sends what the
 * config says, over TLS 1.2 or newer, and follows no redirects. Call kt_client_global_init once per process, before
 * threads.
 *
 * Within a request's deadline it tries again by itself: a 401 once, after fetching fresh credentials; a 429, or a 5xx
 * with Retry-After, at most KT_CLIENT_RETRIES times after the time that the server asks for.
 */
#ifndef KT_KUBE_CLIENT_H
#define KT_KUBE_CLIENT_H

#include "kube/api_path.h"
#include "kube/config.h"
#include "kube/status.h"

#define KT_CLIENT_RETRIES 3
/* The API server itself ends a request after 60 s (kube-apiserver --request-timeout). */
#define KT_CLIENT_TIMEOUT_MS ((int64_t)70000)
#define KT_CLIENT_CONNECT_TIMEOUT_MS ((int64_t)30000)
/* Warnings of one reply that are kept, after dropping equal ones. */
#define KT_CLIENT_WARNINGS 64

struct kt_client;

struct kt_client_hooks {
    /* One line of a trace without its line feed, secrets masked. Levels as kubectl -v: 6 method, URL, status and time;
     * 7 headers; 8 bodies, cut at 1 KiB (9: whole). Only lines up to `verbosity` are made. */
    void (*trace)(void *context, int level, const char *line);
    int verbosity;
    /* The server does not know the type (404 on the type itself): what to do about it, for the end of the message, e.g.
     * "install it with `kubectl kaito install`"; NULL: nothing to add. Not called for requests without a resource. */
    const char *(*missing_type)(void *context, const struct kt_resource *resource);
    void *context;
};

struct kt_client_options {
    const char *user_agent; /* NULL: "kaito" */
    int64_t timeout_ms;     /* of a request with its retries; 0: config's, else KT_CLIENT_TIMEOUT_MS; config's
                               KT_REQUEST_TIMEOUT_NONE: without limit */
    /* A file descriptor (an eventfd, a pipe) that becomes readable when work must end, -1: none. It is never read from.
     * A running request then returns KT_EINTERRUPTED at once. */
    int stop_fd;
    /* HTTP/1.1 even where the server speaks HTTP/2: a client does one request at a time, and framing and header tables
     * cost a fifth of a small request's CPU. */
    bool http1;
    struct kt_client_hooks hooks;
};

/* libcurl's process-wide state. 0, or KT_EINTERNAL. */
int kt_client_global_init(struct kt_error *error) KT_NODISCARD;
void kt_client_global_cleanup(void);

/* config, environment and what they point to must outlive the client. Opens no connection yet. options NULL: defaults.
 */
int kt_client_new(const struct kt_config *config, const struct kt_environment *environment,
                  const struct kt_client_options *options, struct kt_client **ret, struct kt_error *error) KT_NODISCARD;
void kt_client_free(struct kt_client *client);     /* accepts NULL */
void kt_client_cleanup(struct kt_client **client); /* for KT_CLEANUP */

const struct kt_config *kt_client_config(const struct kt_client *client);

/* No request lasts beyond this time of the monotonic clock, whatever its own limit: KT_ETIMEOUT. INT64_MAX, as at
 * first: none. For a command that must end on time. */
void kt_client_set_deadline(struct kt_client *client, int64_t deadline_ms);

struct kt_query {
    const char *name;
    const char *value; /* NULL: leave this parameter out */
};

struct kt_request {
    const char *method;                 /* "GET", "POST", "PUT", "PATCH", "DELETE" */
    const char *path;                   /* from kt_api_path, or "/version" */
    const struct kt_resource *resource; /* for messages; may be NULL */
    const struct kt_query *query;
    size_t query_count;
    const char *content_type; /* of the body; NULL: application/json */
    struct kt_str body;
    int64_t timeout_ms;       /* 0: the client's */
    size_t reply_limit_bytes; /* 0: KT_LIMIT_API_REPLY_BYTES */
    bool raw;                 /* the reply's body may be any text (logs, /healthz): do not parse it */
};

/* Filled as far as the exchange came, also when it failed; all in the caller's arena. */
struct kt_reply {
    int http_code;               /* 0: no reply */
    struct kt_str body;          /* of a raw request that succeeded */
    size_t body_bytes;           /* how large the body was on arrival, unpacked */
    cJSON *object;               /* NULL for an empty or raw body and for an error that is not JSON */
    struct kt_status status;     /* of a failure with an HTTP code; zeroed otherwise */
    bool type_missing;           /* the server does not know the resource type */
    const char *const *warnings; /* texts of `Warning: 299`, without duplicates, in order */
    size_t warning_count;
};

/* Does one request. 0 for HTTP 2xx with a readable body. Otherwise the code and words of kube/status.h, or, without a
 * reply: KT_EUNAVAILABLE (refused, name not found, closed), KT_ETIMEOUT, KT_ETLS, KT_EAUTH (credentials cannot be had),
 * KT_ELIMIT (reply too large), KT_EPARSE (reply is no JSON), KT_EINTERRUPTED, KT_ENOMEM. */
int kt_client_do(struct kt_client *client, struct kt_arena *arena, const struct kt_request *request,
                 struct kt_reply *reply, struct kt_error *error) KT_NODISCARD;

/* For a reply without an end, such as a log that is followed: hands its bytes to `take` as they come, for as long as
 * they come. The time that the request may take is that until its first line; there is no second try but the one after
 * a 401. 0 at the end of the reply, or when take returned false; failures as kt_client_do, KT_EUNAVAILABLE for a
 * connection that was cut. */
int kt_client_stream(struct kt_client *client, struct kt_arena *arena, const struct kt_request *request,
                     bool (*take)(void *context, const char *data, size_t length), void *context,
                     struct kt_reply *reply, struct kt_error *error) KT_NODISCARD;

#endif
