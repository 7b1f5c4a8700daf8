/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/api.h"

#include "base/limits.h"
#include "kube/list_pager.h"

static int no_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "not enough memory for a request to the API server");
}

/* Without a name a request would be about the whole collection. */
static int need_name(const struct kt_resource *resource, const char *name, struct kt_error *error)
{
    if (name && *name)
        return 0;
    return kt_error_set(error, KT_EINVAL, "a %s without a name", resource->kind);
}

int kt_api_get(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
               const char *namespace_, const char *name, struct kt_reply *reply, struct kt_error *error)
{
    *reply = (struct kt_reply){0};
    int code = need_name(resource, name, error);
    if (code != 0)
        return code;
    struct kt_request request = {
        .method = "GET", .path = kt_api_path(arena, resource, namespace_, name, NULL), .resource = resource};
    if (!request.path)
        return no_memory(error);
    return kt_client_do(client, arena, &request, reply, error);
}

int kt_api_list(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                const char *namespace_, const struct kt_list_options *options, struct kt_list *ret,
                struct kt_reply *reply, struct kt_error *error)
{
    KT_CLEANUP(kt_list_pager_release) struct kt_list_pager pager;
    struct kt_list list = {0};
    *reply = (struct kt_reply){0};
    kt_list_pager_init(&pager, client, resource, namespace_, options);
    while (!pager.done) {
        struct kt_list_page page;
        int code = kt_list_pager_next(&pager, arena, &page, reply, error);
        if (code != 0)
            return code;
        if (page.begins) {
            list.items = page.items;
        } else {
            cJSON *next;
            for (cJSON *item = page.items->child; item; item = next) {
                next = item->next;
                kt_json_detach(page.items, item);
                kt_json_append(arena, list.items, item);
            }
        }
        list.resource_version = page.resource_version;
    }
    *ret = list;
    return 0;
}

/* What the verbs that send a body have in common. */
struct write {
    const char *method;
    const char *content_type;
    const struct kt_resource *resource;
    const char *namespace_;
    const char *name;
    const char *subresource;
    const cJSON *body;
    const struct kt_write_options *options;
    bool apply;
};

static const struct kt_write_options no_options;

static int send_write(struct kt_client *client, struct kt_arena *arena, const struct write *write,
                      struct kt_reply *reply, struct kt_error *error)
{
    const struct kt_write_options *options = write->options ? write->options : &no_options;
    *reply = (struct kt_reply){0};
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, KT_LIMIT_API_REPLY_BYTES);
    kt_json_write(&text, write->body, KT_JSON_COMPACT);
    struct kt_query query[] = {
        {"fieldManager", options->field_manager},
        {"force", write->apply && options->force ? "true" : NULL},
        {"dryRun", options->dry_run == KT_DRY_RUN_SERVER ? "All" : NULL},
        {"fieldValidation", options->field_validation ? options->field_validation : "Strict"},
    };
    struct kt_request request = {
        .method = write->method,
        .path = kt_api_path(arena, write->resource, write->namespace_, write->name, write->subresource),
        .resource = write->resource,
        .query = query,
        .query_count = KT_ARRAY_LENGTH(query),
        .content_type = write->content_type,
        .body = kt_strbuf_view(&text),
    };
    if (!request.path || text.failed)
        return no_memory(error);
    return kt_client_do(client, arena, &request, reply, error);
}

int kt_api_create(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                  const char *namespace_, const cJSON *object, const struct kt_write_options *options,
                  struct kt_reply *reply, struct kt_error *error)
{
    struct write write = {.method = "POST",
                          .content_type = "application/json",
                          .resource = resource,
                          .namespace_ = namespace_,
                          .body = object,
                          .options = options};
    return send_write(client, arena, &write, reply, error);
}

int kt_api_apply(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                 const char *namespace_, const cJSON *object, const struct kt_write_options *options,
                 struct kt_reply *reply, struct kt_error *error)
{
    struct write write = {.method = "PATCH",
                          .content_type = "application/apply-patch+yaml", /* JSON is YAML */
                          .resource = resource,
                          .namespace_ = namespace_,
                          .name = kt_json_string(kt_json_path(object, "metadata", "name", NULL)),
                          .body = object,
                          .options = options,
                          .apply = true};
    *reply = (struct kt_reply){0};
    int code = need_name(resource, write.name, error);
    return code != 0 ? code : send_write(client, arena, &write, reply, error);
}

int kt_api_merge_patch(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                       const char *namespace_, const char *name, const char *subresource, const cJSON *patch,
                       const struct kt_write_options *options, struct kt_reply *reply, struct kt_error *error)
{
    struct write write = {.method = "PATCH",
                          .content_type = "application/merge-patch+json",
                          .resource = resource,
                          .namespace_ = namespace_,
                          .name = name,
                          .subresource = subresource,
                          .body = patch,
                          .options = options};
    *reply = (struct kt_reply){0};
    int code = need_name(resource, name, error);
    return code != 0 ? code : send_write(client, arena, &write, reply, error);
}

int kt_api_update(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                  const char *namespace_, const char *name, const char *subresource, const cJSON *object,
                  const struct kt_write_options *options, struct kt_reply *reply, struct kt_error *error)
{
    struct write write = {.method = "PUT",
                          .content_type = "application/json",
                          .resource = resource,
                          .namespace_ = namespace_,
                          .name = name,
                          .subresource = subresource,
                          .body = object,
                          .options = options};
    *reply = (struct kt_reply){0};
    int code = need_name(resource, name, error);
    return code != 0 ? code : send_write(client, arena, &write, reply, error);
}

static const char *delete_body(struct kt_arena *arena, const struct kt_delete_options *options)
{
    cJSON *body = kt_json_new_object(arena);
    kt_json_set_string(arena, body, "apiVersion", "v1");
    kt_json_set_string(arena, body, "kind", "DeleteOptions");
    kt_json_set_string(arena, body, "propagationPolicy",
                       options && options->propagation ? options->propagation : "Background");
    if (options && options->uid)
        kt_json_set_string(arena, kt_json_ensure_object(arena, body, "preconditions"), "uid", options->uid);
    if (options && options->dry_run == KT_DRY_RUN_SERVER) {
        cJSON *list = kt_json_new_array(arena);
        kt_json_append(arena, list, kt_json_new_string(arena, "All"));
        kt_json_set(arena, body, "dryRun", list);
    }
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, 4 * KT_KIB);
    kt_json_write(&text, body, KT_JSON_COMPACT);
    return arena->failed || text.failed ? NULL : text.data;
}

int kt_api_delete(struct kt_client *client, struct kt_arena *arena, const struct kt_resource *resource,
                  const char *namespace_, const char *name, const struct kt_delete_options *options,
                  struct kt_reply *reply, struct kt_error *error)
{
    *reply = (struct kt_reply){0};
    int code = need_name(resource, name, error);
    if (code != 0)
        return code;
    struct kt_request request = {
        .method = "DELETE",
        .path = kt_api_path(arena, resource, namespace_, name, NULL),
        .resource = resource,
        .body = kt_str(delete_body(arena, options)),
    };
    if (!request.path || request.body.length == 0)
        return no_memory(error);
    return kt_client_do(client, arena, &request, reply, error);
}
