/* SPDX-License-Identifier: Apache-2.0 */
/* A collection page by page; what kt_api_list and the watch are made of. */
#ifndef KT_KUBE_LIST_PAGER_H
#define KT_KUBE_LIST_PAGER_H

#include "kube/api.h"

struct kt_list_pager {
    struct kt_client *client;
    const struct kt_resource *resource;
    const char *namespace_;
    struct kt_list_options options; /* with the defaults filled in */
    char *continue_token;           /* heap; NULL before the first page */
    size_t page_size;
    size_t item_count; /* handed out so far */
    size_t byte_count;
    size_t page_count; /* of all requests, in vain or not */
    size_t empty_count;
    int64_t started_ms;
    bool restarted; /* one new start after a continue token that expired is allowed */
    bool done;
};

struct kt_list_page {
    cJSON *items; /* array, never NULL */
    const char *resource_version;
    /* The pages before this one no longer count: the list began anew. */
    bool begins;
};

void kt_list_pager_init(struct kt_list_pager *pager, struct kt_client *client, const struct kt_resource *resource,
                        const char *namespace_, const struct kt_list_options *options);
void kt_list_pager_release(struct kt_list_pager *pager); /* for KT_CLEANUP */

/* The next page, in the arena. pager->done tells that it was the last. KT_ELIMIT beyond the limits of the options,
 * KT_LIMIT_LIST_PAGES and KT_LIMIT_LIST_EMPTY_PAGES; KT_ETIMEOUT beyond KT_LIMIT_LIST_MS. */
int kt_list_pager_next(struct kt_list_pager *pager, struct kt_arena *arena, struct kt_list_page *ret,
                       struct kt_reply *reply, struct kt_error *error) KT_NODISCARD;

#endif
