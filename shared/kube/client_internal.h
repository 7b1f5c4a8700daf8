/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make up the client, the pager and the watch; nobody else includes this. */
#ifndef KT_KUBE_CLIENT_INTERNAL_H
#define KT_KUBE_CLIENT_INTERNAL_H

#include <curl/curl.h>

#include "kube/client.h"
#include "kube/server_address.h"

/* Of the credentials that a client holds: certificates and tokens. */
#define KT_CLIENT_ARENA_BYTES ((size_t)(16 * KT_MIB))
/* A token file is read again after this time (client-go transport/token_source.go). */
#define KT_TOKEN_FILE_PERIOD_MS ((int64_t)60000)

struct kt_credentials {
    const char *token;
    struct kt_str certificate_pem;
    struct kt_str key_pem;
    uint64_t number; /* of an answer of the exec plugin */
    int64_t read_ms; /* monotonic, of a token file */
    bool fetched;
};

struct kt_client {
    const struct kt_config *config;
    const struct kt_environment *environment;
    struct kt_client_options options;
    struct kt_arena arena; /* lives as long as the client */
    struct kt_server_address address;
    struct kt_arena credential_arenas[2]; /* the current one and the one that the next fetch fills */
    size_t credential_index;
    struct kt_credentials credentials;
    struct kt_credential_cache *credential_cache;     /* of an exec plugin; NULL: there is none */
    struct kt_credential_cache *own_credential_cache; /* the same, when the config brings none */
    int64_t deadline_ms;                              /* monotonic, of all requests; INT64_MAX: none */
    CURL *easy;
    CURLM *multi;             /* owns the connections; NULL: none, and the next request makes one */
    bool was_answered;        /* by this server, at least once */
    unsigned silent_failures; /* exchanges since then that brought no reply at all */
    struct kt_strbuf body;    /* heap; of the running exchange */
    char curl_message[CURL_ERROR_SIZE];
};

/* --- credentials.c --------------------------------------------------------------------------------------------------
 */

/* Makes client->credentials usable: reads the token file or runs the exec plugin when that is due, or when `refresh`
 * (after a 401). *ret_changed tells whether another try may fare better. */
int kt_credentials_prepare(struct kt_client *client, bool refresh, bool *ret_changed,
                           struct kt_error *error) KT_NODISCARD;
/* The server has answered with something else than 401. */
void kt_credentials_accepted(struct kt_client *client);

/* Authorization and Impersonate-* as "Name: value" lines, into the list. KT_EINVAL for a value no header can hold. */
int kt_credentials_add_headers(struct kt_client *client, struct curl_slist **headers,
                               struct kt_error *error) KT_NODISCARD;

/* Appends a header line; KT_ENOMEM, or KT_EINVAL for control characters (the name stands in the message). */
int kt_header_add(struct curl_slist **headers, const char *name, const char *value,
                  struct kt_error *error) KT_NODISCARD;

/* --- reply_headers.c ------------------------------------------------------------------------------------------------
 */

struct kt_reply_headers {
    struct kt_arena *arena;
    const char *warnings[KT_CLIENT_WARNINGS + 1];
    size_t warning_count;
    int64_t retry_after_s;    /* -1: not said */
    const char *content_type; /* "" when not said */
};

void kt_reply_headers_init(struct kt_reply_headers *headers, struct kt_arena *arena);
/* Takes one header line. A status line starts afresh: what a proxy or "100 Continue" said does not count. */
void kt_reply_headers_take(struct kt_reply_headers *headers, struct kt_str line);

/* --- exchange.c -----------------------------------------------------------------------------------------------------
 */

struct kt_exchange {
    const struct kt_request *request;
    struct kt_arena *arena;     /* for what is kept of the reply */
    int64_t deadline_ms;        /* monotonic; INT64_MAX: none */
    int64_t header_deadline_ms; /* until the status line is there */
    int64_t silence_ms;         /* a 200 reply that brings no byte for so long is broken off; 0: never */
    size_t body_limit_bytes;
    /* Called when something of a 200 reply has come; NULL: nobody wants to know. */
    void (*heard)(void *context);
    /* Takes the pieces of a 200 reply instead of client->body; false ends the exchange (ended_by_taker). */
    bool (*take_body)(void *context, const char *data, size_t length);
    void *context;

    /* Results. */
    struct kt_reply_headers headers;
    int http_code;
    bool ended_by_taker;
    bool body_too_large;
    bool fell_silent; /* the failure is that silence_ms have passed */
    int64_t started_ms;
    int64_t heard_ms; /* when the last byte came */

    struct kt_client *client; /* filled by kt_exchange_run */
};

/* One request and its reply, without a second try. 0 whenever a whole HTTP reply came, whatever its code, or when the
 * taker ended it. A connection on which a reply was waited for in vain is closed: it may be dead. */
int kt_exchange_run(struct kt_client *client, struct kt_exchange *exchange, struct kt_error *error) KT_NODISCARD;

/* The time, by the monotonic clock, when what starts now and may take timeout_ms must be over: no later than the
 * client's own deadline. INT64_MAX: never. */
int64_t kt_client_deadline(const struct kt_client *client, int64_t timeout_ms);

/* Waits, but returns KT_EINTERRUPTED as soon as the client's stop_fd is readable. */
int kt_client_pause(struct kt_client *client, int64_t pause_ms, struct kt_error *error) KT_NODISCARD;

/* The URL of a request, in the arena; NULL when memory or KT_LIMIT_API_URL_BYTES is reached. */
const char *kt_exchange_url(struct kt_client *client, struct kt_arena *arena, const struct kt_request *request);

/* --- transport_error.c ----------------------------------------------------------------------------------------------
 */

/* Why there was no reply, in plain words. */
int kt_transport_error(struct kt_client *client, const struct kt_exchange *exchange, CURLcode result,
                       struct kt_error *error);

/* --- client.c -------------------------------------------------------------------------------------------------------
 */

/* Turns a reply that is not 2xx into reply->status and *error. */
int kt_client_judge(struct kt_client *client, const struct kt_exchange *exchange, struct kt_reply *reply,
                    struct kt_error *error);

/* --- trace.c --------------------------------------------------------------------------------------------------------
 */

void kt_trace_request(struct kt_client *client, const struct kt_exchange *exchange, const char *url,
                      const struct curl_slist *headers);
void kt_trace_header(struct kt_client *client, struct kt_str line);
void kt_trace_reply(struct kt_client *client, const struct kt_exchange *exchange, const char *url, const char *failure);

#endif
