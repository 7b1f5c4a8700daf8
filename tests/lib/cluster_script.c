/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cluster_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char kt_script_cut[] = "cut";
const char kt_script_end[] = "end";

static const char *const paths[KT_CACHED_KINDS] = {
    [KT_KIND_WORKSPACE] = "/apis/kaito.sh/v1beta1/workspaces?",
    [KT_KIND_NODE_CLAIM] = "/apis/karpenter.sh/v1/nodeclaims?",
    [KT_KIND_NODE] = "/api/v1/nodes?",
    [KT_KIND_JOB] = "/apis/batch/v1/jobs?",
    [KT_KIND_POD] = "/api/v1/pods?",
    [KT_KIND_CONFIG_MAP] = "/api/v1/configmaps?",
};

static bool find_kind(const char *target, enum kt_kind_id *ret)
{
    for (size_t i = 0; i < KT_CACHED_KINDS; i++) {
        if (strncmp(target, paths[i], strlen(paths[i])) == 0) {
            *ret = (enum kt_kind_id)i;
            return true;
        }
    }
    return false;
}

static bool take_fault(struct kt_cluster_script *script, enum kt_kind_id kind, bool of_list,
                       struct kt_script_fault *ret)
{
    for (size_t i = 0; i < script->kinds[kind].fault_count; i++) {
        if (script->kinds[kind].faults[i].of_list != of_list)
            continue;
        *ret = script->kinds[kind].faults[i];
        script->kinds[kind].faults[i] = script->kinds[kind].faults[--script->kinds[kind].fault_count];
        return true;
    }
    return false;
}

static bool is_down(struct kt_cluster_script *script)
{
    pthread_mutex_lock(&script->lock);
    bool down = script->down;
    pthread_mutex_unlock(&script->lock);
    return down;
}

static const char *next_piece(struct kt_cluster_script *script, enum kt_kind_id kind)
{
    const char *piece = NULL;
    pthread_mutex_lock(&script->lock);
    if (script->kinds[kind].next_piece < script->kinds[kind].piece_count)
        piece = script->kinds[kind].pieces[script->kinds[kind].next_piece++];
    pthread_mutex_unlock(&script->lock);
    return piece;
}

static bool serve_watch(struct kt_cluster_script *script, enum kt_kind_id kind,
                        struct kt_scripted_connection *connection)
{
    if (!kt_scripted_chunked(connection, 200, ""))
        return false;
    while (kt_scripted_hold(connection, 2)) {
        if (is_down(script))
            return false;
        const char *piece = next_piece(script, kind);
        if (piece == kt_script_cut)
            return false;
        if (piece == kt_script_end)
            return kt_scripted_chunk(connection, "");
        if (piece && !kt_scripted_chunk(connection, piece))
            return false;
    }
    return false;
}

static bool serve_list(struct kt_cluster_script *script, enum kt_kind_id kind,
                       struct kt_scripted_connection *connection)
{
    static const char format[] = "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"10\"},\"items\":[%s]}";
    pthread_mutex_lock(&script->lock);
    const char *items = script->kinds[kind].items ? script->kinds[kind].items : "";
    size_t size = sizeof(format) + strlen(items);
    char *body = malloc(size);
    if (!body)
        abort();
    snprintf(body, size, format, items);
    pthread_mutex_unlock(&script->lock);
    bool good = kt_scripted_reply(connection, 200, "", body);
    free(body);
    return good;
}

static bool serve(void *context, const struct kt_scripted_request *request, struct kt_scripted_connection *connection)
{
    struct kt_cluster_script *script = context;
    bool of_list = strstr(request->target, "watch=true") == NULL;
    enum kt_kind_id kind;
    struct kt_script_fault fault;
    if (is_down(script))
        return false;
    if (!find_kind(request->target, &kind))
        return kt_scripted_reply(connection, 404, "", "404 page not found");
    pthread_mutex_lock(&script->lock);
    script->kinds[kind].lists += of_list;
    script->kinds[kind].watches += !of_list;
    bool missing = script->kinds[kind].missing, faulty = take_fault(script, kind, of_list, &fault);
    pthread_mutex_unlock(&script->lock);
    if (missing)
        return kt_scripted_reply(connection, 404, "Content-Type: text/plain\r\n", "404 page not found\n");
    if (faulty)
        return kt_scripted_reply(connection, fault.code, fault.headers ? fault.headers : "", fault.body);
    return of_list ? serve_list(script, kind, connection) : serve_watch(script, kind, connection);
}

void kt_cluster_script_start(struct kt_cluster_script *script)
{
    *script = (struct kt_cluster_script){0};
    pthread_mutex_init(&script->lock, NULL);
    kt_api_fixture_start(&script->api, serve, script, NULL, (struct kt_str){0});
}

void kt_cluster_script_stop(struct kt_cluster_script *script)
{
    kt_api_fixture_stop(&script->api);
    pthread_mutex_destroy(&script->lock);
}

void kt_cluster_script_items(struct kt_cluster_script *script, enum kt_kind_id kind, const char *items)
{
    pthread_mutex_lock(&script->lock);
    script->kinds[kind].items = items;
    pthread_mutex_unlock(&script->lock);
}

void kt_cluster_script_say(struct kt_cluster_script *script, enum kt_kind_id kind, const char *piece)
{
    pthread_mutex_lock(&script->lock);
    if (script->kinds[kind].piece_count == KT_SCRIPT_PIECES)
        abort();
    script->kinds[kind].pieces[script->kinds[kind].piece_count++] = piece;
    pthread_mutex_unlock(&script->lock);
}

void kt_cluster_script_fail(struct kt_cluster_script *script, enum kt_kind_id kind, struct kt_script_fault fault)
{
    pthread_mutex_lock(&script->lock);
    if (script->kinds[kind].fault_count == KT_SCRIPT_FAULTS)
        abort();
    script->kinds[kind].faults[script->kinds[kind].fault_count++] = fault;
    pthread_mutex_unlock(&script->lock);
}

void kt_cluster_script_miss(struct kt_cluster_script *script, enum kt_kind_id kind, bool missing)
{
    pthread_mutex_lock(&script->lock);
    script->kinds[kind].missing = missing;
    pthread_mutex_unlock(&script->lock);
}

void kt_cluster_script_down(struct kt_cluster_script *script, bool down)
{
    pthread_mutex_lock(&script->lock);
    script->down = down;
    pthread_mutex_unlock(&script->lock);
}

size_t kt_cluster_script_lists(struct kt_cluster_script *script, enum kt_kind_id kind)
{
    pthread_mutex_lock(&script->lock);
    size_t lists = script->kinds[kind].lists;
    pthread_mutex_unlock(&script->lock);
    return lists;
}

size_t kt_cluster_script_watches(struct kt_cluster_script *script, enum kt_kind_id kind)
{
    pthread_mutex_lock(&script->lock);
    size_t watches = script->kinds[kind].watches;
    pthread_mutex_unlock(&script->lock);
    return watches;
}
