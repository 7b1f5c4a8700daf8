/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List, then watch one resource for as long as the caller wants, as client-go's reflector does (tools/cache/
 * reflector.go): bookmarks; a new list after 410 Gone, by HTTP or in the stream; reconnecting with a delay of 800 ms
 * that doubles to 30 s, plus a random part of up to as much again, and starts anew after two quiet minutes.
 *
 * Runs in the caller's thread and blocks. Whatever it waits for ends within 200 ms of the stop descriptor becoming
 * readable.
 */
#ifndef KT_KUBE_WATCH_H
#define KT_KUBE_WATCH_H

#include "kube/client.h"

#define KT_WATCH_BACKOFF_FIRST_MS 800
#define KT_WATCH_BACKOFF_LARGEST_MS 30000
#define KT_WATCH_BACKOFF_RESET_MS 120000
/* A watch without a byte for so long is broken off and begun again from where it stood: the API server sends a bookmark
 * every minute (apiserver storage/cacher defaultBookmarkFrequency). */
#define KT_WATCH_SILENCE_MS ((int64_t)90000)
/* The server is asked to end a watch after a random time from this to twice this (reflector.go minWatchTimeout). */
#define KT_WATCH_SERVER_TIMEOUT_S 300

/* Objects are valid during the call only. A callback that returns false ends the watch with KT_OK. */
struct kt_watch_handler {
    /* A new full list begins: forget everything, or mark it to be swept at `synced`. */
    bool (*restarted)(void *context);
    /* An object of the list, or one that appeared. May repeat one that is known. */
    bool (*added)(void *context, const cJSON *object);
    bool (*modified)(void *context, const cJSON *object);
    bool (*deleted)(void *context, const cJSON *object);
    /* The whole list has been handed over: from now on what is known is complete. */
    bool (*synced)(void *context, const char *resource_version);
    /* The API server has answered, or sent something: what is known is as new as that. Often; for a staleness gauge. */
    void (*heard)(void *context);
    /* Something failed and will be tried again in delay_ms; for logs. */
    void (*trouble)(void *context, const struct kt_error *error, int64_t delay_ms);
    void *context;
};

struct kt_watch_options {
    const char *label_selector;
    const char *field_selector;
    size_t max_items;        /* of a list: 0: KT_LIMIT_WATCH_ITEMS. More is trouble, not a cut */
    size_t max_bytes;        /* of a list: 0: KT_LIMIT_API_LIST_BYTES */
    size_t page_bytes;       /* as in struct kt_list_options */
    int64_t list_timeout_ms; /* of one page; 0: the client's */
    /* Delays of tests; 0: the figures above. */
    int64_t backoff_first_ms;
    int64_t backoff_largest_ms;
    int64_t backoff_reset_ms;
    int64_t server_timeout_s;
    int64_t silence_ms;
    /* Give the first failure back instead of trying again: for a command that cannot wait. */
    bool stop_on_trouble;
};

/* Any handler may be NULL. Returns KT_OK when a callback asked to end, KT_EINTERRUPTED by the client's stop_fd, or,
 * with stop_on_trouble, the failure. namespace_ NULL: all namespaces. */
int kt_watch_run(struct kt_client *client, const struct kt_resource *resource, const char *namespace_,
                 const struct kt_watch_options *options, const struct kt_watch_handler *handler,
                 struct kt_error *error) KT_NODISCARD;

#endif
