/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/object_server_internal.h"
#include "tests/lib/objects.h"
#include "text/time.h"

/* Which annotations the last apply of an object had, kept beside its metadata: what the next one leaves out goes. */
#define APPLIED "testApplied"

static const char *text_at(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_path(object, "metadata", key, NULL), "");
}

static cJSON *metadata_of(struct kt_object_server *server, cJSON *object)
{
    return kt_json_ensure_object(&server->arena, object, "metadata");
}

static void set_now(struct kt_object_server *server, cJSON *metadata, const char *key)
{
    struct kt_strbuf now;
    kt_strbuf_init(&now, &server->arena, 64);
    if (server->clock)
        kt_time_write_rfc3339(&now, kt_clock_wall_ms(server->clock) / 1000 * 1000);
    kt_json_set_string(&server->arena, metadata, key, server->clock ? now.data : "2026-11-23T12:00:00Z");
}

/* A new state of an object has a new version. */
static void stamp(struct kt_object_server *server, cJSON *object)
{
    kt_json_set_string(&server->arena, metadata_of(server, object), "resourceVersion",
                       kt_arena_printf(&server->arena, "%lld", (long long)++server->version));
    kt_json_set_int(&server->arena, server->versions, kt_json_string_or(kt_json_get(object, "kind"), ""),
                    server->version);
}

static size_t place_of(struct kt_object_server *server, const char *kind, const char *space, const char *name)
{
    size_t i = 0;
    while (i < server->count && (strcmp(kt_json_string_or(kt_json_get(server->objects[i], "kind"), ""), kind) != 0 ||
                                 (space && strcmp(text_at(server->objects[i], "namespace"), space) != 0) ||
                                 strcmp(text_at(server->objects[i], "name"), name) != 0))
        i++;
    return i;
}

static void take_out(struct kt_object_server *server, size_t place)
{
    cJSON *object = server->objects[place];
    stamp(server, object);
    server->gone[server->gone_count++ % KT_OBJECTS_MOST] = (struct kt_gone_object){object, server->version};
    server->objects[place] = server->objects[--server->count];
}

/* What the API server fills in. */
static void give_birth(struct kt_object_server *server, cJSON *object)
{
    struct kt_arena *arena = &server->arena;
    cJSON *metadata = metadata_of(server, object);
    const char *kind = kt_json_string_or(kt_json_get(object, "kind"), "");
    const char *key = kt_arena_printf(arena, "%s %s/%s", kind, text_at(object, "namespace"), text_at(object, "name"));
    int64_t before = 0;
    kt_json_int64(kt_json_get(server->births, key), &before);
    kt_json_set_int(arena, server->births, key, before + 1);
    if (!*text_at(object, "uid"))
        kt_json_set_string(arena, metadata, "uid", kt_arena_printf(arena, "%s-%lld", key, (long long)before + 1));
    if (!*text_at(object, "creationTimestamp"))
        set_now(server, metadata, "creationTimestamp");
    if (!kt_json_get(metadata, "generation"))
        kt_json_set_int(arena, metadata, "generation", 1);
}

static void add(struct kt_object_server *server, cJSON *object)
{
    if (server->count == KT_OBJECTS_MOST)
        abort();
    stamp(server, object);
    server->objects[server->count++] = object;
}

/* --- verbs ---------------------------------------------------------------------------------------------------------
 */

static void create(struct kt_object_server *server, const struct kt_wanted *wanted, const cJSON *body,
                   struct kt_answer *answer)
{
    const char *kind = kt_wanted_kind(wanted), *name = text_at(body, "name");
    struct kt_wanted named = *wanted;
    named.name = name;
    if (place_of(server, kind, wanted->space, name) < server->count) {
        kt_answer_refuse(answer, &named, 409, "AlreadyExists");
        return;
    }
    cJSON *object = kt_json_clone(&server->arena, body);
    if (wanted->space)
        kt_json_set_string(&server->arena, metadata_of(server, object), "namespace", wanted->space);
    give_birth(server, object);
    add(server, object);
    kt_answer_object(answer, 201, object);
}

/* A write of what is there already changes nothing, the version neither. */
static void replace(struct kt_object_server *server, size_t place, cJSON *object, struct kt_answer *answer)
{
    if (!kt_json_equal(object, server->objects[place])) {
        server->objects[place] = object;
        stamp(server, object);
    }
    kt_answer_object(answer, 200, object);
    bool is_held = kt_json_count(kt_json_path(object, "metadata", "finalizers", NULL)) > 0;
    if (*text_at(object, "deletionTimestamp") && !is_held)
        take_out(server, place);
}

static void keep_members(struct kt_object_server *server, cJSON *object, const cJSON *old, bool is_status)
{
    cJSON *next;
    for (cJSON *member = object->child; member; member = next) {
        next = member->next;
        bool is_new = is_status == (strcmp(member->string, "status") == 0);
        if (!is_new && strcmp(member->string, "metadata") != 0)
            kt_json_set(&server->arena, object, member->string,
                        kt_json_clone(&server->arena, kt_json_get(old, member->string)));
    }
    if (is_status) /* of the metadata nothing either */
        kt_json_set(&server->arena, object, "metadata", kt_json_clone(&server->arena, kt_json_get(old, "metadata")));
}

static void merge(struct kt_object_server *server, const struct kt_wanted *wanted, const cJSON *patch, size_t place,
                  struct kt_answer *answer)
{
    const char *version = text_at(patch, "resourceVersion");
    if (*version && strcmp(version, text_at(server->objects[place], "resourceVersion")) != 0) {
        kt_answer_refuse(answer, wanted, 409, NULL);
        return;
    }
    cJSON *object = kt_test_merge(&server->arena, server->objects[place], patch);
    keep_members(server, object, server->objects[place], wanted->sub && strcmp(wanted->sub, "status") == 0);
    replace(server, place, object, answer);
}

static void apply_finalizers(struct kt_object_server *server, cJSON *object, const cJSON *body)
{
    const cJSON *item, *old;
    cJSON *list = kt_json_path(object, "metadata", "finalizers", NULL);
    if (!list) {
        list = kt_json_new_array(&server->arena);
        kt_json_set(&server->arena, metadata_of(server, object), "finalizers", list);
    }
    cJSON_ArrayForEach(item, kt_json_path(body, "metadata", "finalizers", NULL))
    {
        bool is_there = false;
        cJSON_ArrayForEach(old, list) is_there |= kt_json_equal(old, item);
        if (!is_there)
            kt_json_append(&server->arena, list, kt_json_clone(&server->arena, item));
    }
}

static void apply(struct kt_object_server *server, const struct kt_wanted *wanted, const cJSON *body, size_t place,
                  struct kt_answer *answer)
{
    cJSON *object = kt_json_clone(&server->arena, server->objects[place]);
    if (*text_at(body, "uid") && strcmp(text_at(body, "uid"), text_at(object, "uid")) != 0) {
        kt_answer_refuse(answer, wanted, 409, NULL);
        return;
    }
    cJSON *annotations = kt_json_ensure_object(&server->arena, metadata_of(server, object), "annotations");
    const cJSON *item, *wished = kt_json_path(body, "metadata", "annotations", NULL);
    cJSON_ArrayForEach(item, kt_json_get(object, APPLIED)) if (!kt_json_get(wished, item->string))
        kt_json_remove(annotations, item->string);
    cJSON_ArrayForEach(item, wished)
        kt_json_set(&server->arena, annotations, item->string, kt_json_clone(&server->arena, item));
    kt_json_set(&server->arena, object, APPLIED, kt_json_clone(&server->arena, wished));
    apply_finalizers(server, object, body);
    replace(server, place, object, answer);
}

/* An object with finalizers stays, marked; so does one that waits for its children. */
static void delete_object(struct kt_object_server *server, const struct kt_wanted *wanted, const char *text,
                          const cJSON *body, size_t place, struct kt_answer *answer)
{
    cJSON *object = server->objects[place];
    const char *uid = kt_json_string(kt_json_path(body, "preconditions", "uid", NULL));
    if (uid && strcmp(uid, text_at(object, "uid")) != 0) {
        kt_answer_refuse(answer, wanted, 409, NULL);
        return;
    }
    answer->code = 200;
    kt_strbuf_puts(&answer->body, "{\"kind\":\"Status\",\"status\":\"Success\"}");
    if (strstr(text, "\"dryRun\""))
        return;
    cJSON *metadata = metadata_of(server, object);
    if (strcmp(kt_json_string_or(kt_json_get(body, "propagationPolicy"), ""), "Foreground") == 0 && server->clock)
        kt_json_set(&server->arena, metadata, "finalizers", kt_test_json(&server->arena, "[\"foregroundDeletion\"]"));
    if (kt_json_count(kt_json_get(metadata, "finalizers")) == 0) {
        take_out(server, place);
    } else if (!*text_at(object, "deletionTimestamp")) {
        set_now(server, metadata, "deletionTimestamp");
        stamp(server, object);
    }
}

void kt_object_server_write(struct kt_object_server *server, const struct kt_scripted_request *request,
                            const struct kt_wanted *wanted, struct kt_answer *answer)
{
    const char *type = kt_scripted_header(request, "Content-Type");
    cJSON *body = *request->body ? kt_test_json(&server->arena, request->body) : NULL;
    if (strcmp(request->method, "POST") == 0) {
        create(server, wanted, body, answer);
        return;
    }
    size_t place = wanted->name ? place_of(server, kt_wanted_kind(wanted), wanted->space, wanted->name) : server->count;
    if (place == server->count)
        kt_answer_refuse(answer, wanted, 404, NULL);
    else if (strcmp(request->method, "DELETE") == 0)
        delete_object(server, wanted, request->body, body, place, answer);
    else if (type && strstr(type, "apply-patch"))
        apply(server, wanted, body, place, answer);
    else
        merge(server, wanted, body, place, answer);
}

/* --- for tests -----------------------------------------------------------------------------------------------------
 */

void kt_object_server_set_clock(struct kt_object_server *server, const struct kt_clock *clock)
{
    server->clock = clock;
}

void kt_object_server_put(struct kt_object_server *server, const cJSON *object)
{
    pthread_mutex_lock(&server->lock);
    cJSON *copy = kt_json_clone(&server->arena, object);
    const char *kind = kt_json_string_or(kt_json_get(copy, "kind"), "");
    size_t place = place_of(server, kind, text_at(copy, "namespace"), text_at(copy, "name"));
    if (place < server->count) {
        stamp(server, copy);
        server->objects[place] = copy;
    } else {
        if (kt_json_is_object(kt_json_get(copy, "metadata")))
            give_birth(server, copy);
        add(server, copy);
    }
    pthread_mutex_unlock(&server->lock);
}

void kt_object_server_put_as_is(struct kt_object_server *server, const cJSON *object)
{
    pthread_mutex_lock(&server->lock);
    add(server, kt_json_clone(&server->arena, object));
    pthread_mutex_unlock(&server->lock);
}

static size_t must_find(struct kt_object_server *server, const char *kind, const char *space, const char *name)
{
    size_t place = place_of(server, kind, space, name);
    if (place == server->count) {
        fprintf(stderr, "object server: no %s %s\n", kind, name);
        abort();
    }
    return place;
}

static bool is_spec_changed(const cJSON *patch)
{
    const cJSON *member;
    bool changed = false;
    cJSON_ArrayForEach(member, patch) changed |=
        strcmp(member->string, "metadata") != 0 && strcmp(member->string, "status") != 0;
    return changed;
}

void kt_object_server_patch(struct kt_object_server *server, const char *kind, const char *space, const char *name,
                            const cJSON *patch)
{
    pthread_mutex_lock(&server->lock);
    size_t place = must_find(server, kind, space, name);
    cJSON *object = kt_test_merge(&server->arena, server->objects[place], patch);
    int64_t generation = 1;
    kt_json_int64(kt_json_path(object, "metadata", "generation", NULL), &generation);
    if (is_spec_changed(patch))
        kt_json_set_int(&server->arena, metadata_of(server, object), "generation", generation + 1);
    stamp(server, object);
    server->objects[place] = object;
    pthread_mutex_unlock(&server->lock);
}

void kt_object_server_remove(struct kt_object_server *server, const char *kind, const char *space, const char *name)
{
    pthread_mutex_lock(&server->lock);
    take_out(server, must_find(server, kind, space, name));
    pthread_mutex_unlock(&server->lock);
}

cJSON *kt_object_server_get(struct kt_object_server *server, struct kt_arena *arena, const char *kind,
                            const char *space, const char *name)
{
    pthread_mutex_lock(&server->lock);
    size_t place = place_of(server, kind, space, name);
    cJSON *copy = place < server->count ? kt_json_clone(arena, server->objects[place]) : NULL;
    pthread_mutex_unlock(&server->lock);
    return copy;
}

static int compare(const cJSON *a, const cJSON *b)
{
    int order = strcmp(kt_json_string_or(kt_json_get(a, "kind"), ""), kt_json_string_or(kt_json_get(b, "kind"), ""));
    if (order == 0)
        order = strcmp(text_at(a, "namespace"), text_at(b, "namespace"));
    return order != 0 ? order : strcmp(text_at(a, "name"), text_at(b, "name"));
}

cJSON *kt_object_server_all(struct kt_object_server *server, struct kt_arena *arena)
{
    cJSON *list = kt_json_new_array(arena);
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->count; i++) {
        cJSON *item = list->child;
        size_t place = 0;
        for (; item && compare(item, server->objects[i]) < 0; item = item->next)
            place++;
        kt_json_insert(arena, list, place, kt_json_clone(arena, server->objects[i]));
    }
    pthread_mutex_unlock(&server->lock);
    return list;
}

void kt_object_server_copy(struct kt_object_server *server, struct kt_object_server *from)
{
    pthread_mutex_lock(&from->lock);
    pthread_mutex_lock(&server->lock);
    server->count = from->count;
    server->version = from->version;
    server->births = kt_json_clone(&server->arena, from->births);
    server->versions = kt_json_clone(&server->arena, from->versions);
    for (size_t i = 0; i < from->count; i++)
        server->objects[i] = kt_json_clone(&server->arena, from->objects[i]);
    pthread_mutex_unlock(&server->lock);
    pthread_mutex_unlock(&from->lock);
}

int64_t kt_object_server_version(struct kt_object_server *server, const char *kind)
{
    pthread_mutex_lock(&server->lock);
    int64_t version = server->version;
    if (kind && !kt_json_int64(kt_json_get(server->versions, kind), &version))
        version = 0;
    pthread_mutex_unlock(&server->lock);
    return version;
}

size_t kt_object_server_births(struct kt_object_server *server, const char *kind)
{
    size_t births = 0;
    pthread_mutex_lock(&server->lock);
    const cJSON *item;
    cJSON_ArrayForEach(item, server->births)
    {
        int64_t count;
        if (strncmp(item->string, kind, strlen(kind)) == 0 && item->string[strlen(kind)] == ' ' &&
            kt_json_int64(item, &count))
            births += (size_t)count;
    }
    pthread_mutex_unlock(&server->lock);
    return births;
}

void kt_object_server_befall(struct kt_object_server *server, const struct kt_object_fault *fault)
{
    pthread_mutex_lock(&server->lock);
    if (server->fault_count == KT_OBJECT_FAULTS)
        abort();
    server->faults[server->fault_count++] = *fault;
    pthread_mutex_unlock(&server->lock);
}

void kt_object_server_end_after(struct kt_object_server *server, size_t writes)
{
    pthread_mutex_lock(&server->lock);
    server->counts_writes = true;
    server->writes_left = writes;
    pthread_mutex_unlock(&server->lock);
}

bool kt_object_server_heal(struct kt_object_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool used_up = server->fault_count == 0;
    server->fault_count = 0;
    server->counts_writes = server->away = server->silent = false;
    server->refused = NULL;
    pthread_mutex_unlock(&server->lock);
    return used_up;
}

struct kt_scripted_server *kt_object_server_http(struct kt_object_server *server)
{
    return server->http;
}

const char *kt_object_server_describe(struct kt_arena *arena, const struct kt_scripted_request *request)
{
    struct kt_wanted wanted;
    const char *type = kt_scripted_header(request, "Content-Type"), *verb = "patch";
    kt_wanted_parse(request->target, &wanted);
    const char *name = wanted.name;
    if (strcmp(request->method, "POST") == 0) {
        verb = "create";
        name = text_at(kt_test_json(arena, request->body), "name");
    } else if (strcmp(request->method, "DELETE") == 0) {
        verb = "delete";
    } else if (strcmp(request->method, "GET") == 0) {
        verb = wanted.name ? "get" : "list";
    } else if (type && strstr(type, "apply-patch")) {
        verb = "apply";
    }
    return kt_arena_printf(arena, "%s %s%s%s%s%s", verb, wanted.plural ? wanted.plural : "?", wanted.sub ? "/" : "",
                           wanted.sub ? wanted.sub : "", name ? " " : "", name ? name : "");
}
