/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/object_server_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/objects.h"

/* How soon a watch tells of a change. */
#define WATCH_STEP_MS 10

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

void kt_wanted_parse(const char *target, struct kt_wanted *ret)
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
static bool parameter(const struct kt_wanted *wanted, const char *name, char *ret, size_t size)
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

/* "involvedObject.name=x" */
static bool has_field(const cJSON *object, char *term)
{
    char *value = strchr(term, '='), *part;
    if (!value) {
        fprintf(stderr, "object server: unknown field selector %s\n", term);
        abort();
    }
    *value++ = '\0';
    while ((part = strsep(&term, ".")))
        object = kt_json_get(object, part);
    return strcmp(kt_json_string_or(object, ""), value) == 0;
}

static bool is_selected(const cJSON *object, const struct kt_wanted *wanted)
{
    char labels[1024], fields[1024], *place = labels, *term;
    if (parameter(wanted, "labelSelector", labels, sizeof(labels)))
        while ((term = strsep(&place, ",")))
            if (!has_label(object, term))
                return false;
    place = fields;
    if (parameter(wanted, "fieldSelector", fields, sizeof(fields)))
        while ((term = strsep(&place, ",")))
            if (!has_field(object, term))
                return false;
    return true;
}

const char *kt_wanted_kind(const struct kt_wanted *wanted)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(kinds); i++)
        if (wanted->plural && strcmp(kinds[i].plural, wanted->plural) == 0)
            return kinds[i].kind;
    return "";
}

static bool matches(const cJSON *object, const struct kt_wanted *wanted)
{
    return strcmp(kt_json_string_or(kt_json_get(object, "kind"), ""), kt_wanted_kind(wanted)) == 0 &&
           (!wanted->space || strcmp(text_at(object, "metadata", "namespace"), wanted->space) == 0) &&
           (!wanted->name || strcmp(text_at(object, "metadata", "name"), wanted->name) == 0) &&
           is_selected(object, wanted);
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

static const struct {
    int code;
    const char *reason, *message;
} refusals[] = {
    {400, "BadRequest", "is not understood"},
    {401, "Unauthorized", "Unauthorized"},
    {403, "Forbidden", "is forbidden: not for you"},
    {404, "NotFound", "not found"},
    {409, "Conflict", "the object has been modified"},
    {410, "Expired", "is too old"},
    {422, "Invalid", "is invalid: spec: Invalid value"},
    {429, "TooManyRequests", "too many requests"},
    {500, "InternalError", "an error on the server"},
    {502, "", "bad gateway"},
    {503, "ServiceUnavailable", "the server is not ready"},
};

void kt_answer_refuse(struct kt_answer *answer, const struct kt_wanted *wanted, int code, const char *reason)
{
    const char *message = "";
    const char *plural = wanted->plural ? wanted->plural : "", *name = wanted->name ? wanted->name : "";
    for (size_t i = 0; i < KT_ARRAY_LENGTH(refusals); i++) {
        if (refusals[i].code != code)
            continue;
        message = refusals[i].message;
        reason = reason ? reason : refusals[i].reason;
    }
    answer->code = code;
    if (code == 502) {
        kt_strbuf_puts(&answer->body, "<html>502 Bad Gateway</html>");
        return;
    }
    if (code == 404 && !wanted->name) {
        kt_strbuf_puts(&answer->body, "404 page not found\n");
        return;
    }
    kt_strbuf_printf(&answer->body,
                     "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"%s\",\"code\":%d,"
                     "\"message\":\"%s%s \\\"%s\\\" %s\",\"details\":{\"kind\":\"%s\",\"name\":\"%s\"}}",
                     reason ? reason : "", code, plural, strcmp(plural, "workspaces") == 0 ? ".kaito.sh" : "", name,
                     message, plural, name);
}

void kt_answer_object(struct kt_answer *answer, int code, const cJSON *object)
{
    answer->code = code;
    kt_json_write(&answer->body, object, KT_JSON_COMPACT);
}

cJSON *kt_object_server_find(struct kt_object_server *server, const struct kt_wanted *wanted)
{
    for (size_t i = 0; i < server->count; i++)
        if (matches(server->objects[i], wanted))
            return server->objects[i];
    return NULL;
}

static void write_list(struct kt_object_server *server, const struct kt_wanted *wanted, struct kt_strbuf *text)
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

static void write_event(struct kt_strbuf *text, const char *type, const cJSON *object)
{
    kt_strbuf_printf(text, "{\"type\":\"%s\",\"object\":", type);
    kt_json_write(text, object, KT_JSON_COMPACT);
    kt_strbuf_puts(text, "}\n");
}

/* Tells of all objects again after each change: enough for those who only want to be woken. */
static bool serve_watch(struct kt_object_server *server, const struct kt_wanted *wanted,
                        struct kt_scripted_connection *connection)
{
    char since[32];
    int64_t told = parameter(wanted, "resourceVersion", since, sizeof(since)) ? strtoll(since, NULL, 10) : -1;
    if (!kt_scripted_chunked(connection, 200, ""))
        return false;
    for (;;) {
        KT_CLEANUP(kt_strbuf_release) struct kt_strbuf text;
        kt_strbuf_init(&text, NULL, KT_OBJECT_REPLY_BYTES);
        pthread_mutex_lock(&server->lock);
        bool away = server->away;
        if (told < 0)
            told = server->version;
        for (size_t i = 0; told != server->version && i < server->count; i++) {
            if (!matches(server->objects[i], wanted))
                continue;
            write_event(&text, "MODIFIED", server->objects[i]);
        }
        for (size_t i = 0; i < KT_MIN(server->gone_count, (size_t)KT_OBJECTS_MOST); i++)
            if (server->gone[i].version > told && matches(server->gone[i].object, wanted))
                write_event(&text, "DELETED", server->gone[i].object);
        told = server->version;
        pthread_mutex_unlock(&server->lock);
        if (away || (text.length > 0 && !kt_scripted_chunk(connection, text.data)) ||
            !kt_scripted_hold(connection, WATCH_STEP_MS))
            return false;
    }
}

static bool refuse(struct kt_scripted_connection *connection, const struct kt_wanted *wanted, int code)
{
    struct kt_answer answer = {0};
    kt_strbuf_init(&answer.body, NULL, KT_OBJECT_REPLY_BYTES);
    kt_answer_refuse(&answer, wanted, code, NULL);
    bool good = kt_scripted_reply(connection, code, "", answer.body.data);
    kt_strbuf_release(&answer.body);
    return good;
}

/* Lines get times a second apart; those before sinceTime are left out. */
static void write_log(const struct kt_object_log *log, const struct kt_wanted *wanted, struct kt_strbuf *text)
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

static bool serve_log(struct kt_object_server *server, const struct kt_wanted *wanted,
                      struct kt_scripted_connection *connection)
{
    char container[128] = "";
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf text;
    kt_strbuf_init(&text, NULL, KT_OBJECT_REPLY_BYTES);
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
        return refuse(connection, wanted, 404);
    if (!kt_scripted_chunked(connection, 200, ""))
        return false;
    if (cut_after > 0 && cut_after < text.length) {
        text.data[cut_after] = '\0';
        kt_scripted_chunk(connection, text.data);
        return false;
    }
    return (text.length == 0 || kt_scripted_chunk(connection, text.data)) && kt_scripted_chunk(connection, "");
}

static void read_objects(struct kt_object_server *server, const struct kt_wanted *wanted, struct kt_answer *answer)
{
    const cJSON *object = wanted->name ? kt_object_server_find(server, wanted) : NULL;
    answer->code = 200;
    if (!wanted->name)
        write_list(server, wanted, &answer->body);
    else if (object)
        kt_json_write(&answer->body, object, KT_JSON_COMPACT);
    else
        kt_answer_refuse(answer, wanted, 404, NULL);
}

/* --- what goes wrong -----------------------------------------------------------------------------------------------
 */

static bool is_read(const struct kt_scripted_request *request)
{
    return strcmp(request->method, "GET") == 0;
}

/* The fault that befalls this request; it is used up. */
static bool take_fault(struct kt_object_server *server, const struct kt_scripted_request *request,
                       const struct kt_wanted *wanted, struct kt_object_fault *ret)
{
    bool found = false;
    for (size_t i = 0; i < server->fault_count; i++) {
        struct kt_object_fault *fault = &server->faults[i];
        if ((fault->method && strcmp(fault->method, request->method) != 0) ||
            (fault->plural && strcmp(fault->plural, wanted->plural) != 0) || (fault->of_write && is_read(request)) ||
            --fault->nth > 0)
            continue;
        *ret = *fault;
        server->faults[i--] = server->faults[--server->fault_count];
        found = true;
    }
    return found;
}

/* False: nothing is to be done about the request, the server is away. */
static bool has_writes_left(struct kt_object_server *server, const struct kt_scripted_request *request)
{
    if (!server->counts_writes)
        return true;
    if (server->writes_left == 0)
        return false;
    server->writes_left -= is_read(request) ? 0 : 1;
    return true;
}

static bool send_answer(struct kt_scripted_connection *connection, struct kt_object_fault *fault,
                        struct kt_answer *answer)
{
    switch (fault->what) {
    case KT_FAULT_NONE:
    case KT_FAULT_STATUS:
        return kt_scripted_reply(connection, answer->code, "", answer->body.data ? answer->body.data : "");
    case KT_FAULT_TEXT:
    case KT_FAULT_DONE_TEXT:
        return kt_scripted_reply(connection, 200, "", fault->text);
    case KT_FAULT_CUT:
        if (kt_scripted_puts(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"))
            kt_scripted_send(connection, answer->body.data, answer->body.length / 2);
        return false;
    case KT_FAULT_SILENT:
    case KT_FAULT_LATE:
        kt_scripted_hold(connection, 600000);
        return false;
    case KT_FAULT_CLOSE:
    case KT_FAULT_KINDS:
        break;
    }
    return false;
}

static bool serve_objects(struct kt_object_server *server, const struct kt_scripted_request *request,
                          const struct kt_wanted *wanted, struct kt_scripted_connection *connection)
{
    static const bool is_done[KT_FAULT_KINDS] = {
        [KT_FAULT_NONE] = true, [KT_FAULT_CUT] = true, [KT_FAULT_LATE] = true, [KT_FAULT_DONE_TEXT] = true};
    struct kt_object_fault fault = {0};
    struct kt_answer answer = {0};
    kt_strbuf_init(&answer.body, NULL, KT_OBJECT_REPLY_BYTES);
    pthread_mutex_lock(&server->lock);
    bool befallen = take_fault(server, request, wanted, &fault);
    bool away = !has_writes_left(server, request);
    if (befallen && fault.what == KT_FAULT_STATUS && fault.text) {
        answer.code = fault.code;
        kt_strbuf_puts(&answer.body, fault.text);
    } else if (befallen && fault.what == KT_FAULT_STATUS) {
        kt_answer_refuse(&answer, wanted, fault.code, fault.reason);
    } else if (!away && is_done[fault.what]) {
        if (is_read(request))
            read_objects(server, wanted, &answer);
        else
            kt_object_server_write(server, request, wanted, &answer);
    }
    pthread_mutex_unlock(&server->lock);
    bool good = !away && send_answer(connection, &fault, &answer);
    kt_strbuf_release(&answer.body);
    return good;
}

static bool serve(void *context, const struct kt_scripted_request *request, struct kt_scripted_connection *connection)
{
    struct kt_object_server *server = context;
    struct kt_wanted wanted;
    char flag[16];
    kt_wanted_parse(request->target, &wanted);
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
        return refuse(connection, &wanted, refused ? refused : 404);
    if (wanted.sub && strcmp(wanted.sub, "log") == 0)
        return serve_log(server, &wanted, connection);
    if (parameter(&wanted, "watch", flag, sizeof(flag)))
        return serve_watch(server, &wanted, connection);
    return serve_objects(server, request, &wanted, connection);
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
    server->births = kt_json_new_object(&server->arena);
    server->versions = kt_json_new_object(&server->arena);
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
        if (server->count == KT_OBJECTS_MOST)
            abort();
        server->objects[server->count++] = kt_json_clone(&server->arena, object);
    }
    server->version++;
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
    server->version++;
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
    server->version++;
    pthread_mutex_unlock(&server->lock);
}

void kt_object_server_log(struct kt_object_server *server, const char *container, const char *text, size_t cut_after)
{
    pthread_mutex_lock(&server->lock);
    if (server->log_count == KT_OBJECT_LOGS)
        abort();
    server->logs[server->log_count++] = (struct kt_object_log){container, text, cut_after};
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
