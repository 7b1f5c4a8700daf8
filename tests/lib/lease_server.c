/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/lease_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTION "/apis/coordination.k8s.io/v1/namespaces/kaito-workspace/leases"

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "lease server: cannot %s\n", what);
    abort();
}

static cJSON *parse(struct kt_arena *arena, const char *text)
{
    struct kt_json_parsed parsed;
    must(kt_json_parse(arena, kt_str(text), KT_JSON_DUPLICATES_REFUSE, &parsed, NULL) == 0, "parse a Lease");
    return parsed.root;
}

/* --- the store ------------------------------------------------------------------------------------------------------
 */

void kt_lease_store_init(struct kt_lease_store *store)
{
    pthread_mutex_init(&store->lock, NULL);
    store->text[0] = '\0';
    store->version = 100;
    kt_arena_init(&store->arena, 4 * KT_MIB);
    must(kt_arena_alloc(&store->arena, KT_ARENA_KEEP_BYTES / 2) != NULL, "take memory");
    kt_arena_reset(&store->arena);
}

void kt_lease_store_release(struct kt_lease_store *store)
{
    kt_arena_release(&store->arena);
    pthread_mutex_destroy(&store->lock);
}

/* With the lock held. */
static void store_object(struct kt_lease_store *store, struct kt_arena *arena, cJSON *object)
{
    char version[32];
    snprintf(version, sizeof(version), "%lld", (long long)++store->version);
    kt_json_set_string(arena, kt_json_ensure_object(arena, object, "metadata"), "resourceVersion", version);
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, sizeof(store->text) - 1);
    kt_json_write(&text, object, KT_JSON_COMPACT);
    must(!text.failed && !arena->failed, "keep a Lease");
    memcpy(store->text, text.data, text.length + 1);
}

void kt_lease_store_put_text(struct kt_lease_store *store, const char *text)
{
    pthread_mutex_lock(&store->lock);
    must(strlen(text) < sizeof(store->text), "keep a Lease of this size");
    memcpy(store->text, text, strlen(text) + 1);
    pthread_mutex_unlock(&store->lock);
}

void kt_lease_store_put(struct kt_lease_store *store, const char *spec)
{
    struct kt_arena arena;
    kt_arena_init(&arena, KT_MIB);
    cJSON *object = parse(&arena, "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{"
                                  "\"name\":\"kaito-webhook\",\"namespace\":\"kaito-workspace\","
                                  "\"labels\":{\"kept\":\"yes\"}}}");
    if (spec)
        kt_json_set(&arena, object, "spec", parse(&arena, spec));
    pthread_mutex_lock(&store->lock);
    store_object(store, &arena, object);
    pthread_mutex_unlock(&store->lock);
    kt_arena_release(&arena);
}

void kt_lease_store_delete(struct kt_lease_store *store)
{
    pthread_mutex_lock(&store->lock);
    store->text[0] = '\0';
    pthread_mutex_unlock(&store->lock);
}

cJSON *kt_lease_store_get(struct kt_lease_store *store, struct kt_arena *arena)
{
    pthread_mutex_lock(&store->lock);
    cJSON *object = store->text[0] ? parse(arena, store->text) : NULL;
    pthread_mutex_unlock(&store->lock);
    return object;
}

void kt_lease_store_annotate(struct kt_lease_store *store, const char *key)
{
    struct kt_arena arena;
    kt_arena_init(&arena, KT_MIB);
    pthread_mutex_lock(&store->lock);
    cJSON *object = parse(&arena, store->text);
    cJSON *metadata = kt_json_ensure_object(&arena, object, "metadata");
    kt_json_set_string(&arena, kt_json_ensure_object(&arena, metadata, "annotations"), key, "x");
    store_object(store, &arena, object);
    pthread_mutex_unlock(&store->lock);
    kt_arena_release(&arena);
}

/* --- a door ---------------------------------------------------------------------------------------------------------
 */

static int status(int code, const char *reason, const char *message, char *answer, size_t size)
{
    snprintf(answer, size,
             "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"%s\",\"message\":\"%s\","
             "\"details\":{\"name\":\"kaito-webhook\",\"kind\":\"leases\"},\"code\":%d}",
             reason, message, code);
    return code;
}

static const char *reason_of(int code)
{
    switch (code) {
    case 403:
        return "Forbidden";
    case 404:
        return "NotFound";
    case 409:
        return "Conflict";
    default:
        return "InternalError";
    }
}

/* What the API server would do. The answer's code. */
static int serve_lease(struct kt_lease_store *store, const struct kt_scripted_request *request, char *answer,
                       size_t size)
{
    struct kt_arena *arena = &store->arena;
    bool creates = strcmp(request->method, "POST") == 0, exists = store->text[0] != '\0';
    if (creates && exists)
        return status(409, "AlreadyExists", "it exists", answer, size);
    if (!creates && !exists)
        return status(404, "NotFound", "leases.coordination.k8s.io \\\"kaito-webhook\\\" not found", answer, size);
    if (strcmp(request->method, "GET") != 0) {
        cJSON *object = parse(arena, request->body), *old = exists ? parse(arena, store->text) : NULL;
        const char *version = kt_json_string_or(kt_json_path(object, "metadata", "resourceVersion", NULL), "");
        if (creates && *version)
            return status(400, "BadRequest", "resourceVersion should not be set on objects to be created", answer,
                          size);
        if (!creates && !*version)
            return status(422, "Invalid", "metadata.resourceVersion: must be specified for an update", answer, size);
        if (!creates &&
            strcmp(version, kt_json_string_or(kt_json_path(old, "metadata", "resourceVersion", NULL), "")) != 0)
            return status(409, "Conflict", "the object has been modified", answer, size);
        store_object(store, arena, object);
    }
    snprintf(answer, size, "%s", store->text);
    return creates ? 201 : 200;
}

/* The fault that befalls this request, if any. */
static enum kt_lease_fault take_fault(struct kt_lease_door *door, const char *method, int *ret_code,
                                      const char **ret_text)
{
    enum kt_lease_fault fault = KT_LEASE_FAULT_NONE;
    pthread_mutex_lock(&door->lock);
    if (door->fault_count > 0 && strstr(door->fault_methods, method)) {
        door->fault_count--;
        fault = door->fault;
        *ret_code = door->fault_code;
        *ret_text = door->fault_text;
    }
    pthread_mutex_unlock(&door->lock);
    return fault;
}

static bool answer_request(void *context, const struct kt_scripted_request *request,
                           struct kt_scripted_connection *connection)
{
    struct kt_lease_door *door = context;
    char answer[sizeof(door->store->text) + 1024];
    const char *text = "", *path = strcmp(request->method, "POST") == 0 ? COLLECTION : COLLECTION "/kaito-webhook";
    int code = 0;
    must(strncmp(request->target, path, strlen(path)) == 0 && strchr("?", request->target[strlen(path)]),
         "serve anything but the Lease");
    enum kt_lease_fault fault = take_fault(door, request->method, &code, &text);
    if (door->before_answer)
        door->before_answer();
    if (fault == KT_LEASE_FAULT_SWALLOW)
        return kt_scripted_hold(connection, 600000) && false;
    if (fault == KT_LEASE_FAULT_TEXT)
        return kt_scripted_reply(connection, 200, "", text);
    if (fault == KT_LEASE_FAULT_STATUS) {
        status(code, reason_of(code), text, answer, sizeof(answer));
        return kt_scripted_reply(connection, code, "", answer);
    }
    pthread_mutex_lock(&door->store->lock);
    code = serve_lease(door->store, request, answer, sizeof(answer));
    kt_arena_reset(&door->store->arena);
    pthread_mutex_unlock(&door->store->lock);
    /* The beginning of an answer keeps libcurl from sending the request once more. */
    if (fault == KT_LEASE_FAULT_CUT)
        return kt_scripted_puts(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{") && false;
    return kt_scripted_reply(connection, code, "", answer);
}

void kt_lease_door_open(struct kt_lease_door *door, struct kt_lease_store *store)
{
    *door = (struct kt_lease_door){.store = store};
    pthread_mutex_init(&door->lock, NULL);
    kt_api_fixture_start(&door->fixture, answer_request, door, NULL, (struct kt_str){0});
}

void kt_lease_door_close(struct kt_lease_door *door)
{
    kt_api_fixture_stop(&door->fixture);
}

void kt_lease_door_fault(struct kt_lease_door *door, enum kt_lease_fault fault, const char *methods, int code,
                         const char *text, size_t count)
{
    pthread_mutex_lock(&door->lock);
    door->fault = fault;
    door->fault_methods = methods;
    door->fault_code = code;
    door->fault_text = text;
    door->fault_count = count;
    pthread_mutex_unlock(&door->lock);
}

void kt_lease_door_heal(struct kt_lease_door *door)
{
    kt_lease_door_fault(door, KT_LEASE_FAULT_NONE, "", 0, "", 0);
}

const char *kt_lease_door_methods(struct kt_lease_door *door)
{
    static _Thread_local char methods[4096];
    size_t length = 0, count = kt_scripted_server_count(door->fixture.server);
    methods[0] = '\0';
    for (; door->told < count && length < sizeof(methods); door->told++)
        length += (size_t)snprintf(methods + length, sizeof(methods) - length, "%s%s", length > 0 ? " " : "",
                                   kt_scripted_server_request(door->fixture.server, door->told)->method);
    return methods;
}
