/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/list_pager.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "kube/client_internal.h"

void kt_list_pager_init(struct kt_list_pager *pager, struct kt_client *client, const struct kt_resource *resource,
                        const char *namespace_, const struct kt_list_options *options)
{
    *pager = (struct kt_list_pager){.client = client, .resource = resource, .namespace_ = namespace_};
    if (options)
        pager->options = *options;
    if (pager->options.page_size == 0)
        pager->options.page_size = KT_LIST_PAGE_SIZE;
    if (pager->options.max_bytes == 0)
        pager->options.max_bytes = KT_LIMIT_API_LIST_BYTES;
    if (pager->options.max_items == 0)
        pager->options.max_items = SIZE_MAX;
    pager->page_size = pager->options.page_size;
    pager->started_ms = kt_clock_monotonic_ms(client->environment->clock);
}

static void set_token(struct kt_list_pager *pager, char *token)
{
    kt_heap_free(pager->continue_token);
    pager->continue_token = token;
}

void kt_list_pager_release(struct kt_list_pager *pager)
{
    set_token(pager, NULL);
}

static int request_page(struct kt_list_pager *pager, struct kt_arena *arena, struct kt_reply *reply,
                        struct kt_error *error)
{
    char limit[24];
    snprintf(limit, sizeof(limit), "%zu", pager->page_size);
    struct kt_query query[] = {
        {"limit", limit},
        {"continue", pager->continue_token},
        {"labelSelector", pager->options.label_selector},
        {"fieldSelector", pager->options.field_selector},
    };
    struct kt_request request = {
        .method = "GET",
        .path = kt_api_path(arena, pager->resource, pager->namespace_, NULL, NULL),
        .resource = pager->resource,
        .query = query,
        .query_count = KT_ARRAY_LENGTH(query),
        .timeout_ms = pager->options.timeout_ms,
        .reply_limit_bytes = pager->page_size > 1 ? pager->options.page_bytes : 0,
    };
    if (!request.path)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the list of %s", pager->resource->plural);
    return kt_client_do(pager->client, arena, &request, reply, error);
}

/* Over all pages, so that a list ends whatever the server says. */
static int check_pages(const struct kt_list_pager *pager, struct kt_error *error)
{
    const char *plural = pager->resource->plural;
    int64_t now_ms = kt_clock_monotonic_ms(pager->client->environment->clock);
    if (now_ms - pager->started_ms > KT_LIMIT_LIST_MS)
        return kt_error_set(error, KT_ETIMEOUT, "the list of %s is not complete after %lld s, the limit", plural,
                            (long long)(KT_LIMIT_LIST_MS / 1000));
    if (pager->empty_count > KT_LIMIT_LIST_EMPTY_PAGES)
        return kt_error_set(error, KT_ELIMIT,
                            "the server keeps announcing more %s but sent %zu pages without one; the list is given up",
                            plural, pager->empty_count);
    if (pager->page_count >= KT_LIMIT_LIST_PAGES)
        return kt_error_set(error, KT_ELIMIT, "the list of %s has more than %zu pages, the limit", plural,
                            KT_LIMIT_LIST_PAGES);
    return 0;
}

/* Asks for smaller pages while one is too large, and begins anew when the continue token has expired. */
static int fetch_page(struct kt_list_pager *pager, struct kt_arena *arena, struct kt_reply *reply,
                      struct kt_error *error)
{
    for (;;) {
        struct kt_error inner = {0};
        int code = check_pages(pager, error);
        if (code != 0)
            return code;
        pager->page_count++;
        code = request_page(pager, arena, reply, &inner);
        if (code == 0) {
            /* Large neighbours are few: after them the pages grow again, so that a list has no more than it must. */
            pager->page_size = KT_MIN(2 * pager->page_size, pager->options.page_size);
            return 0;
        }
        if (code == KT_EGONE && pager->continue_token && !pager->restarted) {
            pager->restarted = true;
            set_token(pager, NULL);
            pager->item_count = 0;
            pager->byte_count = 0;
        } else if (code == KT_ELIMIT && pager->page_size > 1 && !arena->failed) {
            pager->page_size /= 2;
        } else {
            if (error)
                *error = inner;
            return code;
        }
    }
}

/* The server leaves apiVersion and kind out of the items of built-in types. */
static void name_items(struct kt_list_pager *pager, struct kt_arena *arena, cJSON *items)
{
    const struct kt_resource *resource = pager->resource;
    const char *api_version =
        *resource->group ? kt_arena_printf(arena, "%s/%s", resource->group, resource->version) : resource->version;
    cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        if (!kt_json_get(item, "kind"))
            kt_json_set_string(arena, item, "kind", resource->kind);
        if (!kt_json_get(item, "apiVersion"))
            kt_json_set_string(arena, item, "apiVersion", api_version);
    }
}

/* Go leaves out what is empty, so that a list may lack its items, but then not its kind. Anything else that says
 * "nothing is there" comes from something in between, and must not be believed. */
static bool is_list(const cJSON *object)
{
    const cJSON *items = kt_json_get(object, "items");
    if (items)
        return kt_json_is_array(items) || kt_json_is_null(items);
    return kt_str_ends_with(kt_str(kt_json_string_or(kt_json_get(object, "kind"), "")), KT_STR("List"));
}

static int check_size(const struct kt_list_pager *pager, struct kt_error *error)
{
    if (pager->item_count > pager->options.max_items)
        return kt_error_set(error, KT_ELIMIT, "there are more than %zu %s, the limit", pager->options.max_items,
                            pager->resource->plural);
    if (pager->byte_count > pager->options.max_bytes)
        return kt_error_set(error, KT_ELIMIT, "all %s together are larger than %zu bytes, the limit",
                            pager->resource->plural, pager->options.max_bytes);
    return 0;
}

int kt_list_pager_next(struct kt_list_pager *pager, struct kt_arena *arena, struct kt_list_page *ret,
                       struct kt_reply *reply, struct kt_error *error)
{
    int code = fetch_page(pager, arena, reply, error);
    if (code != 0)
        return code;
    cJSON *items = kt_json_get(reply->object, "items");
    const cJSON *metadata = kt_json_get(reply->object, "metadata");
    if (!is_list(reply->object))
        return kt_error_set(error, KT_EPARSE, "the server's answer to a request for all %s is no list",
                            pager->resource->plural);
    struct kt_list_page page = {
        .items = kt_json_is_array(items) ? items : kt_json_new_array(arena),
        .resource_version = kt_json_string_or(kt_json_get(metadata, "resourceVersion"), ""),
        .begins = pager->continue_token == NULL,
    };
    pager->item_count += kt_json_count(page.items);
    pager->empty_count += kt_json_count(page.items) == 0;
    pager->byte_count += reply->body_bytes;
    code = check_size(pager, error);
    if (code != 0)
        return code;
    name_items(pager, arena, page.items);
    const char *token = kt_json_string_or(kt_json_get(metadata, "continue"), "");
    char *copy = *token ? kt_heap_strdup(token) : NULL;
    if (arena->failed || !page.items || (*token && !copy))
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the list of %s", pager->resource->plural);
    set_token(pager, copy);
    pager->done = !copy;
    *ret = page;
    return 0;
}
