/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of the API on resources, over client.h. Every function fills *reply as kt_client_do does. */
#ifndef KT_KUBE_API_H
#define KT_KUBE_API_H

#include "kube/client.h"

enum kt_dry_run { KT_DRY_RUN_NONE, KT_DRY_RUN_SERVER };

int kt_api_get(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
               const char *namespace_, const char *name, struct kt_reply *reply, struct kt_error *error) KT_NODISCARD;

struct kt_list_options {
    const char *label_selector; /* NULL: none */
    const char *field_selector;
    size_t page_size;   /* 0: KT_LIST_PAGE_SIZE */
    size_t max_items;   /* 0: no limit but max_bytes; more: KT_ELIMIT */
    size_t max_bytes;   /* of all pages together; 0: KT_LIMIT_API_LIST_BYTES */
    size_t page_bytes;  /* of a page with more than one item; 0: KT_LIMIT_API_REPLY_BYTES, as for one */
    int64_t timeout_ms; /* of each page; 0: the client's */
};
/* Smaller than kubectl's 500, because one page must stay below KT_LIMIT_JSON_NODES: a Node has about 500 of them. A
 * page that is still too large is asked for again with half the size. */
#define KT_LIST_PAGE_SIZE 100

struct kt_list {
    cJSON *items; /* array of whole objects; apiVersion and kind are filled in where the list leaves them out */
    const char *resource_version;
};

/* All pages of a collection. When a continue token expires in the middle (410), starts once more from the first page.
 * namespace_ NULL: all namespaces. reply is that of the last page. */
int kt_api_list(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                const char *namespace_, const struct kt_list_options *options, struct kt_list *ret,
                struct kt_reply *reply, struct kt_error *error) KT_NODISCARD;

struct kt_write_options {
    const char *field_manager; /* NULL: none is named */
    bool force;                /* apply only: take over fields of other managers */
    enum kt_dry_run dry_run;
    const char *field_validation; /* NULL: "Strict" */
};

/* object needs metadata.name only where the name is not given otherwise. options NULL: all zero. */
int kt_api_create(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                  const char *namespace_, const cJSON *object, const struct kt_write_options *options,
                  struct kt_reply *reply, struct kt_error *error) KT_NODISCARD;
/* Server-side apply. The name is metadata.name of object. HTTP 201 in reply: it was created. */
int kt_api_apply(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                 const char *namespace_, const cJSON *object, const struct kt_write_options *options,
                 struct kt_reply *reply, struct kt_error *error) KT_NODISCARD;
/* JSON merge patch (RFC 7396); subresource NULL: the object itself. */
int kt_api_merge_patch(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                       const char *namespace_, const char *name, const char *subresource, const cJSON *patch,
                       const struct kt_write_options *options, struct kt_reply *reply,
                       struct kt_error *error) KT_NODISCARD;
int kt_api_update(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                  const char *namespace_, const char *name, const char *subresource, const cJSON *object,
                  const struct kt_write_options *options, struct kt_reply *reply, struct kt_error *error) KT_NODISCARD;

struct kt_delete_options {
    const char *uid;         /* precondition: delete only this very object; NULL: any */
    const char *propagation; /* "Background" when NULL */
    enum kt_dry_run dry_run;
};
int kt_api_delete(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                  const char *namespace_, const char *name, const struct kt_delete_options *options,
                  struct kt_reply *reply, struct kt_error *error) KT_NODISCARD;

#endif
