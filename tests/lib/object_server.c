/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/object_server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/objects.h"

#define MOST_OBJECTS 64
#define MOST_LOGS 8
#define REPLY_BYTES ((size_t)(8 * KT_MIB))
/* How soon a watch tells of a change. */
#define WATCH_STEP_MS 10

struct log {
    const char *container, *text;
    size_t cut_after;
};

struct kt_object_server {
    pthread_mutex_t lock;
    struct kt_scripted_server *http;
    struct kt_arena arena;
    cJSON *objects[MOST_OBJECTS];
    size_t count;
    int64_t version;
    const char *refused;
    int refused_code;
    bool away, silent;
    struct log logs[MOST_LOGS];
    size_t log_count;
};

static const struct {
    const char *plural, *kind;
} kinds[] = {
    {"workspaces", "Workspace"},
    {"nodeclaims", "NodeClaim"},
    {"nodes", "Node"},
    {"jobs", "Job"},
    {"pods", "Pod"},
    {"events", "Event"},
    {"secrets", "Secret"},
    {"configmaps", "ConfigMap"},
    {"controllerrevisions", "ControllerRevision"},
};

/* --- requests ------------------------------------------------------------------------------------------------------
 */

struct wanted {
    char text[1024]; /* the path, cut at its slashes; the strings below point into it */
    const char *space, *plural, *name, *sub;
    const char *query;
};

static void parse(const char *target, struct wanted *ret)
{
    snprintf(ret->text, sizeof(ret->text), "%s", target);
    char *question = strchr(ret->text, '?');
    ret->query = strchr(target, '?');
    ret->space = ret->plural = ret->name = ret->sub = NULL;
    if (question)
        *question = '\0';
    char *place = ret->text + 1, *part;
    size_t skip = 0, index = 0;
    for (; (part = strsep(&place, "/")); index++) {
        if (index == 0)
            skip = strcmp(part, "apis") == 0 ? 3 : 2;
        if (index < skip)
            continue;
        if (index == skip && strcmp(part, "namespaces") == 0 && place) {
            ret->space = strsep(&place, "/");
            continue;
        }
        const char **fields[] = {&ret->plural, &ret->name, &ret->sub};
        for (size_t i = 0; i < KT_ARRAY_LENGTH(fields); i++) {
            if (!*fields[i]) {
                *fields[i] = part;
                break;
            }
        }
    }
}

/* Value of a query parameter with %xx undone; false when it is absent. */
static bool parameter(const struct wanted *wanted, const char *name, char *ret, size_t size)
{
    char key[64];
    snprintf(key, sizeof(key), "%s=", name);
    const char *found = wanted->query ? strstr(wanted->query, key) : NULL;
    if (!found)
        return false;
    size_t used = 0;
    for (found += strlen(key); *found && *found != '&' && used + 1 < size; found++) {
        unsigned code;
        if (*found == '%' && sscanf(found + 1, "%2x", &code) == 1) {
            ret[used++] = (char)code;
            found += 2;
        } else {
            ret[used++] = *found;
        }
    }
    ret[used] = '\0';
    return true;
}

static const char *text_at(const cJSON *object, const char *outer, const char *inner)
{
    return kt_json_string_or(kt_json_path(object, outer, inner, NULL), "");
}

static bool has_label(const cJSON *object, const char *term)
{
    const char *equals = strchr(term, '=');
    char key[256];
    snprintf(key, sizeof(key), "%.*s", equals ? (int)(equals - term) : (int)strlen(term), term);
    const char *value = kt_json_string(kt_json_get(kt_json_path(object, "metadata", "labels", NULL), key));
    return value && (!equals || strcmp(value, equals + 1) == 0);
}

static bool is_selected(const cJSON *object, const struct wanted *wanted)
{
    char labels[1024], fields[1024], *place = labels, *term;
    if (parameter(wanted, "labelSelector", labels, sizeof(labels)))
        while ((term = strsep(&place, ",")))
            if (!has_label(object, term))
                return false;
    if (!parameter(wanted, "fieldSelector", fields, sizeof(fields)))
        return true;
    static const struct {
        const char *field, *outer;
    } known[] = {{"metadata.name=", "metadata"}, {"involvedObject.name=", "involvedObject"}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(known); i++)
        if (strncmp(fields, known[i].field, strlen(known[i].field)) == 0)
            return strcmp(text_at(object, known[i].outer, "name"), fields + strlen(known[i].field)) == 0;
    fprintf(stderr, "object server: unknown field selector %s\n", fields);
    abort();
}

static bool matches(const cJSON *object, const struct wanted *wanted)
{
    const char *kind = "";
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kinds); i++)
        if (wanted->plural && strcmp(kinds[i].plural, wanted->plural) == 0)
            kind = kinds[i].kind;
    return strcmp(kt_json_string_or(kt_json_get(object, "kind"), ""), kind) == 0 &&
           (!wanted->space || strcmp(text_at(object, "metadata", "namespace"), wanted->space) == 0) &&
           (!wanted->name || strcmp(text_at(object, "metadata", "name"), wanted->name) == 0) &&
           is_selected(object, wanted);
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

static bool reply_status(struct kt_scripted_connection *connection, const struct wanted *wanted, int code)
{
    char body[2048];
    const char *reason = code == 403 ? "Forbidden" : "NotFound";
    if (code == 404 && !wanted->name)
        return kt_scripted_reply(connection, 404, "", "404 page not found\n");
    snprintf(body, sizeof(body),
             "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"%s\",\"code\":%d,"
             "\"message\":\"%s%s \\\"%s\\\" %s\",\"details\":{\"kind\":\"%s\",\"name\":\"%s\"}}",
             reason, code, wanted->plural, strcmp(wanted->plural, "workspaces") == 0 ? ".kaito.sh" : "",
             wanted->name ? wanted->name : "", code == 403 ? "is forbidden: not for you" : "not found", wanted->plural,
             wanted->name ? wanted->name : "");
    return kt_scripted_reply(connection, code, "", body);
}

static cJSON *find(struct kt_object_server *server, const struct wanted *wanted)
{
    for (size_t i = 0; i < server->count; i++)
        if (matches(server->objects[i], wanted))
            return server->objects[i];
    return NULL;
}

static void write_list(struct kt_object_server *server, const struct wanted *wanted, struct kt_strbuf *text)
{
    const char *separator = "";
    kt_strbuf_printf(text, "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"%lld\"},\"items\":[",
                     (long long)server->version);
    for (size_t i = 0; i < server->count; i++) {
        if (!matches(server->objects[i], wanted))
            continue;
        kt_strbuf_puts(text, separator);
        kt_json_write(text, server->objects[i], KT_JSON_COMPACT);
        separator = ",";
    }
    kt_strbuf_puts(text, "]}");
}

/* Tells of all objects again after each change: enough for those who only want to be woken. */
static bool serve_watch(struct kt_object_server *server, const struct wanted *wanted,
                        struct kt_scripted_connection *connection)
{
    int64_t told = -1;
    if (!kt_scripted_chunked(connection, 200, ""))
        return false;
    for (;;) {
        KT_CLEANUP(kt_strbuf_release) struct kt_strbuf text;
        kt_strbuf_init(&text, NULL, REPLY_BYTES);
        pthread_mutex_lock(&server->lock);
        bool away = server->away;
        if (told < 0)
            told = server->version;
        for (size_t i = 0; told != server->version && i < server->count; i++) {
            if (!matches(server->objects[i], wanted))
                continue;
            kt_strbuf_puts(&text, "{\"type\":\"MODIFIED\",\"object\":");
            kt_json_write(&text, server->objects[i], KT_JSON_COMPACT);
            kt_strbuf_puts(&text, "}\n");
        }
        told = server->version;
        pthread_mutex_unlock(&server->lock);
        if (away || (text.length > 0 && !kt_scripted_chunk(connection, text.data)) ||
            !kt_scripted_hold(connection, WATCH_STEP_MS))
            return false;
    }
}

static void touch(struct kt_object_server *server)
{
    server->version++;
}

/* An object with finalizers stays, marked. */
static bool serve_delete(struct kt_object_server *server, const struct wanted *wanted, bool keeps,
                         struct kt_scripted_connection *connection)
{
    pthread_mutex_lock(&server->lock);
    cJSON *object = find(server, wanted);
    for (size_t i = 0; object && !keeps && i < server->count; i++) {
        if (server->objects[i] != object)
            continue;
        if (kt_json_count(kt_json_path(object, "metadata", "finalizers", NULL)) > 0)
            kt_json_set_string(&server->arena, kt_json_get(object, "metadata"), "deletionTimestamp",
                               "2026-11-23T12:00:00Z");
        else
            server->objects[i] = server->objects[--server->count];
        touch(server);
        break;
    }
    pthread_mutex_unlock(&server->lock);
    return object ? kt_scripted_reply(connection, 200, "", "{\"kind\":\"Status\",\"status\":\"Success\"}")
                  : reply_status(connection, wanted, 404);
}

/* Lines get times a second apart; those before sinceTime are left out. */
static void write_log(const struct log *log, const struct wanted *wanted, struct kt_strbuf *text)
{
    char flag[64], since[64] = "";
    bool with_times = parameter(wanted, "timestamps", flag, sizeof(flag));
    parameter(wanted, "sinceTime", since, sizeof(since));
    const char *line = log->text;
    for (int second = 0; *line; second++) {
        size_t length = strcspn(line, "\n");
        char time[64];
        snprintf(time, sizeof(time), "2026-11-23T11:00:%02d.5Z", second % 60);
        if (strncmp(time, since, 19) >= 0)
            kt_strbuf_printf(text, "%s%s%.*s\n", with_times ? time : "", with_times ? " " : "", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static bool serve_log(struct kt_object_server *server, const struct wanted *wanted,
                      struct kt_scripted_connection *connection)
{
    char container[128] = "";
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf text;
    kt_strbuf_init(&text, NULL, REPLY_BYTES);
    parameter(wanted, "container", container, sizeof(container));
    size_t cut_after = 0;
    bool found = false;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->log_count; i++) {
        if (strcmp(server->logs[i].container, container) != 0)
            continue;
        write_log(&server->logs[i], wanted, &text);
        cut_after = server->logs[i].cut_after;
        server->logs[i].cut_after = 0;
        found = true;
    }
    pthread_mutex_unlock(&server->lock);
    if (!found)
        return reply_status(connection, wanted, 404);
    if (!kt_scripted_chunked(connection, 200, ""))
        return false;
    if (cut_after > 0 && cut_after < text.length) {
        text.data[cut_after] = '\0';
        kt_scripted_chunk(connection, text.data);
        return false;
    }
    return (text.length == 0 || kt_scripted_chunk(connection, text.data)) && kt_scripted_chunk(connection, "");
}

static bool serve_read(struct kt_object_server *server, const struct wanted *wanted,
                       struct kt_scripted_connection *connection)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf text;
    kt_strbuf_init(&text, NULL, REPLY_BYTES);
    pthread_mutex_lock(&server->lock);
    const cJSON *object = wanted->name ? find(server, wanted) : NULL;
    if (wanted->name)
        kt_json_write(&text, object, KT_JSON_COMPACT);
    else
        write_list(server, wanted, &text);
    pthread_mutex_unlock(&server->lock);
    return wanted->name && !object ? reply_status(connection, wanted, 404)
                                   : kt_scripted_reply(connection, 200, "", text.data);
}

static bool serve(void *context, const struct kt_scripted_request *request, struct kt_scripted_connection *connection)
{
    struct kt_object_server *server = context;
    struct wanted wanted;
    char flag[16];
    parse(request->target, &wanted);
    pthread_mutex_lock(&server->lock);
    int refused =
        wanted.plural && server->refused && strcmp(server->refused, wanted.plural) == 0 ? server->refused_code : 0;
    bool away = server->away, silent = server->silent;
    pthread_mutex_unlock(&server->lock);
    if (silent)
        return kt_scripted_hold(connection, 600000);
    if (away)
        return false;
    if (refused == 404)
        return kt_scripted_reply(connection, 404, "", "404 page not found\n");
    if (refused != 0 || !wanted.plural)
        return reply_status(connection, &wanted, refused ? refused : 404);
    if (strcmp(request->method, "DELETE") == 0)
        return serve_delete(server, &wanted, strstr(request->body, "\"dryRun\"") != NULL, connection);
    if (wanted.sub)
        return serve_log(server, &wanted, connection);
    if (parameter(&wanted, "watch", flag, sizeof(flag)))
        return serve_watch(server, &wanted, connection);
    return serve_read(server, &wanted, connection);
}

/* --- for tests -----------------------------------------------------------------------------------------------------
 */

struct kt_object_server *kt_object_server_start(void)
{
    return kt_object_server_start_tls(NULL);
}

struct kt_object_server *kt_object_server_start_tls(const struct kt_certificate_pair *certificate)
{
    struct kt_object_server *server = calloc(1, sizeof(*server));
    if (!server)
        abort();
    pthread_mutex_init(&server->lock, NULL);
    kt_arena_init(&server->arena, (size_t)(64 * KT_MIB));
    server->version = 1;
    const struct kt_scripted_options options = {.handler = serve, .context = server, .certificate = certificate};
    server->http = kt_scripted_server_start(&options);
    return server;
}

void kt_object_server_stop(struct kt_object_server *server)
{
    kt_scripted_server_stop(server->http);
    kt_arena_release(&server->arena);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

const char *kt_object_server_url(const struct kt_object_server *server)
{
    return kt_scripted_server_url(server->http);
}

void kt_object_server_load(struct kt_object_server *server, const char *path)
{
    pthread_mutex_lock(&server->lock);
    const cJSON *object, *list = kt_test_yaml(&server->arena, kt_test_read_file(&server->arena, path));
    server->count = server->log_count = 0;
    server->refused = NULL;
    cJSON_ArrayForEach(object, list)
    {
        if (server->count == MOST_OBJECTS)
            abort();
        server->objects[server->count++] = kt_json_clone(&server->arena, object);
    }
    touch(server);
    pthread_mutex_unlock(&server->lock);
}

static bool is_named(const cJSON *object, const char *kind, const char *name)
{
    return strcmp(kt_json_string_or(kt_json_get(object, "kind"), ""), kind) == 0 &&
           (!name || strcmp(text_at(object, "metadata", "name"), name) == 0);
}

void kt_object_server_change(struct kt_object_server *server, const char *kind, const char *name, const char *patch)
{
    bool found = false;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; !found && i < server->count; i++) {
        if (!is_named(server->objects[i], kind, name))
            continue;
        found = true;
        if (patch)
            server->objects[i] = kt_test_merge(&server->arena, server->objects[i], kt_test_json(&server->arena, patch));
        else
            server->objects[i] = server->objects[--server->count];
    }
    touch(server);
    pthread_mutex_unlock(&server->lock);
    if (!found) {
        fprintf(stderr, "object server: no %s %s to change\n", kind, name ? name : "");
        abort();
    }
}

bool kt_object_server_has(struct kt_object_server *server, const char *kind, const char *name)
{
    bool found = false;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->count; i++)
        found |= is_named(server->objects[i], kind, name);
    pthread_mutex_unlock(&server->lock);
    return found;
}

void kt_object_server_refuse(struct kt_object_server *server, const char *plural, int code)
{
    pthread_mutex_lock(&server->lock);
    server->refused = plural;
    server->refused_code = code;
    pthread_mutex_unlock(&server->lock);
}

void kt_object_server_fall_silent(struct kt_object_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->silent = true;
    pthread_mutex_unlock(&server->lock);
}

void kt_object_server_go_away(struct kt_object_server *server, bool away)
{
    pthread_mutex_lock(&server->lock);
    server->away = away;
    touch(server);
    pthread_mutex_unlock(&server->lock);
}

void kt_object_server_log(struct kt_object_server *server, const char *container, const char *text, size_t cut_after)
{
    pthread_mutex_lock(&server->lock);
    if (server->log_count == MOST_LOGS)
        abort();
    server->logs[server->log_count++] = (struct log){container, text, cut_after};
    pthread_mutex_unlock(&server->lock);
}

size_t kt_object_server_asked(struct kt_object_server *server, const char *method, const char *words)
{
    size_t asked = 0, count = kt_scripted_server_count(server->http);
    for (size_t i = 0; i < count; i++) {
        const struct kt_scripted_request *request = kt_scripted_server_request(server->http, i);
        asked += strcmp(request->method, method) == 0 && strstr(request->target, words);
    }
    return asked;
}
