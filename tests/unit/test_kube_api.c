/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, verbs and lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/api_fixture.h"

static struct kt_api_fixture fixture;

static bool serve_echo(void *context KT_UNUSED, const struct kt_scripted_request *request,
                       struct kt_scripted_connection *connection)
{
    return kt_scripted_reply(connection, kt_streq(request->method, "POST") ? 201 : 200, "", "{}");
}

static int set_up(void **state KT_UNUSED)
{
    kt_api_fixture_start(&fixture, serve_echo, NULL, NULL, (struct kt_str){0});
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_api_fixture_stop(&fixture);
    return 0;
}

static void serve(kt_scripted_handler *handler, void *context)
{
    kt_api_fixture_stop(&fixture);
    kt_api_fixture_start(&fixture, handler, context, NULL, (struct kt_str){0});
}

static void test_paths(void **state KT_UNUSED)
{
    static const struct {
        const struct kt_resource *resource;
        const char *namespace_, *name, *subresource, *path;
    } cases[] = {
        {&kt_resource_config_maps, "a", "b", NULL, "/api/v1/namespaces/a/configmaps/b"},
        {&kt_resource_config_maps, NULL, NULL, NULL, "/api/v1/configmaps"},
        {&kt_resource_config_maps, "", "", NULL, "/api/v1/configmaps"},
        {&kt_resource_nodes, "ignored", "n", NULL, "/api/v1/nodes/n"},
        {&kt_resource_workspaces, "a", "w", "status", "/apis/kaito.sh/v1beta1/namespaces/a/workspaces/w/status"},
        {&kt_resource_workspaces_alpha, "a", NULL, NULL, "/apis/kaito.sh/v1alpha1/namespaces/a/workspaces"},
        {&kt_resource_custom_resource_definitions, NULL, "workspaces.kaito.sh", NULL,
         "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/workspaces.kaito.sh"},
        {&kt_resource_secrets, "..", "../../nodes?x#y", NULL,
         "/api/v1/namespaces/%2E%2E/secrets/..%2F..%2Fnodes%3Fx%23y"},
        {&kt_resource_secrets, ".", "a b%\xc3\xa9", NULL, "/api/v1/namespaces/%2E/secrets/a%20b%25%C3%A9"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++)
        assert_string_equal(
            kt_api_path(&fixture.arena, cases[i].resource, cases[i].namespace_, cases[i].name, cases[i].subresource),
            cases[i].path);
    char *long_name = kt_arena_alloc(&fixture.arena, 100001);
    memset(long_name, 'x', 100000);
    assert_null(kt_api_path(&fixture.arena, &kt_resource_nodes, NULL, long_name, NULL));
}

static void assert_request(size_t index, const char *method, const char *target, const char *type, const char *body)
{
    const struct kt_scripted_request *request = kt_scripted_server_request(fixture.server, index);
    assert_string_equal(request->method, method);
    assert_string_equal(request->target, target);
    const char *seen = kt_scripted_header(request, "Content-Type");
    if (type)
        assert_string_equal(seen, type);
    else
        assert_null(seen);
    assert_string_equal(request->body, body);
}

static cJSON *object_named(const char *name)
{
    cJSON *object = kt_json_new_object(&fixture.arena);
    kt_json_set_string(&fixture.arena, kt_json_ensure_object(&fixture.arena, object, "metadata"), "name", name);
    return object;
}

#define CALL(function, ...) \
    assert_int_equal(       \
        function(kt_api_fixture_client(&fixture), &fixture.arena, __VA_ARGS__, &fixture.reply, &fixture.error), 0)

#define NAMED "{\"metadata\":{\"name\":\"w\"}}"
#define WORKSPACES "/apis/kaito.sh/v1beta1/namespaces/ns/workspaces"

static void test_verbs(void **state KT_UNUSED)
{
    const struct kt_resource *workspaces = &kt_resource_workspaces;
    struct kt_write_options all = {.field_manager = "kubectl-kaito", .force = true, .dry_run = KT_DRY_RUN_SERVER};
    struct kt_write_options lenient = {.field_validation = "Warn"};
    cJSON *object = object_named("w");
    CALL(kt_api_get, workspaces, "ns", "w");
    assert_request(0, "GET", WORKSPACES "/w", NULL, "");
    CALL(kt_api_create, workspaces, "ns", object, NULL);
    assert_int_equal(fixture.reply.http_code, 201);
    assert_request(1, "POST", WORKSPACES "?fieldValidation=Strict", "application/json", NAMED);
    CALL(kt_api_apply, workspaces, "ns", object, &all);
    assert_request(2, "PATCH", WORKSPACES "/w?fieldManager=kubectl-kaito&force=true&dryRun=All&fieldValidation=Strict",
                   "application/apply-patch+yaml", NAMED);
    CALL(kt_api_merge_patch, workspaces, "ns", "w", "status", object, &all);
    assert_request(3, "PATCH", WORKSPACES "/w/status?fieldManager=kubectl-kaito&dryRun=All&fieldValidation=Strict",
                   "application/merge-patch+json", NAMED);
    CALL(kt_api_update, workspaces, "ns", "w", NULL, object, &lenient);
    assert_request(4, "PUT", WORKSPACES "/w?fieldValidation=Warn", "application/json", NAMED);
    CALL(kt_api_delete, workspaces, "ns", "w", NULL);
    assert_request(5, "DELETE", WORKSPACES "/w", "application/json",
                   "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"propagationPolicy\":\"Background\"}");
    struct kt_delete_options strict = {.uid = "u", .propagation = "Foreground", .dry_run = KT_DRY_RUN_SERVER};
    CALL(kt_api_delete, workspaces, "ns", "w", &strict);
    assert_request(6, "DELETE", WORKSPACES "/w", "application/json",
                   "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"propagationPolicy\":\"Foreground\","
                   "\"preconditions\":{\"uid\":\"u\"},\"dryRun\":[\"All\"]}");
}

/* Without a name DELETE would empty the collection. */
static void test_a_name_is_needed(void **state KT_UNUSED)
{
    struct kt_client *client = kt_api_fixture_client(&fixture);
    struct kt_arena *arena = &fixture.arena;
    static const char *const names[] = {NULL, ""};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(names); i++) {
        const struct kt_resource *resource = &kt_resource_workspaces;
        cJSON *object = names[i] ? object_named(names[i]) : kt_json_new_object(arena);
        assert_int_equal(kt_api_delete(client, arena, resource, "ns", names[i], NULL, &fixture.reply, &fixture.error),
                         KT_EINVAL);
        assert_int_equal(kt_api_get(client, arena, resource, "ns", names[i], &fixture.reply, &fixture.error),
                         KT_EINVAL);
        assert_int_equal(kt_api_merge_patch(client, arena, resource, "ns", names[i], NULL, object, NULL, &fixture.reply,
                                            &fixture.error),
                         KT_EINVAL);
        assert_int_equal(
            kt_api_update(client, arena, resource, "ns", names[i], NULL, object, NULL, &fixture.reply, &fixture.error),
            KT_EINVAL);
        assert_int_equal(kt_api_apply(client, arena, resource, "ns", object, NULL, &fixture.reply, &fixture.error),
                         KT_EINVAL);
    }
    assert_int_equal(kt_scripted_server_count(fixture.server), 0);
    assert_non_null(strstr(fixture.error.message, "a Workspace without a name"));
}

/* --- lists ----------------------------------------------------------------------------------------------------------
 */

/* A collection of `count` ConfigMaps cm0, cm1, ... served in pages; an item has `width` numbers in a list. */
struct collection {
    size_t count;
    size_t width;
    size_t expire_at; /* the request of this number is answered with 410; 0: none */
    bool ignores_limit;
    bool expires_always; /* no continue token is ever good */
};

static size_t number_in(const char *target, const char *name, size_t fallback)
{
    const char *found = strstr(target, name);
    return found ? strtoul(found + strlen(name), NULL, 10) : fallback;
}

static bool serve_collection(void *context, const struct kt_scripted_request *request,
                             struct kt_scripted_connection *connection)
{
    const struct collection *collection = context;
    bool expired = collection->expire_at != 0 && request->index == collection->expire_at;
    if (expired || (collection->expires_always && strstr(request->target, "continue=")))
        return kt_scripted_reply(connection, 410, "",
                                 "{\"kind\":\"Status\",\"reason\":\"Expired\",\"message\":\"m\",\"code\":410}");
    size_t from = number_in(request->target, "continue=", 0), limit = number_in(request->target, "limit=", 1000000);
    size_t until = collection->ignores_limit ? collection->count : KT_MIN(from + limit, collection->count);
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf body;
    kt_strbuf_init(&body, NULL, (size_t)(64 * KT_MIB));
    kt_strbuf_puts(&body, "{\"kind\":\"ConfigMapList\",\"metadata\":{\"resourceVersion\":\"77\"");
    if (until < collection->count)
        kt_strbuf_printf(&body, ",\"continue\":\"%zu\"", until);
    kt_strbuf_puts(&body, "},\"items\":[");
    for (size_t i = from; i < until; i++) {
        kt_strbuf_printf(&body, "%s{\"metadata\":{\"name\":\"cm%zu\"},\"list\":[", i > from ? "," : "", i);
        for (size_t k = 0; k < collection->width; k++)
            kt_strbuf_puts(&body, k > 0 ? ",1" : "1");
        kt_strbuf_puts(&body, "]}");
    }
    kt_strbuf_puts(&body, "]}");
    return kt_scripted_reply(connection, 200, "", body.data);
}

static int list(const struct kt_list_options *options, struct kt_list *ret)
{
    fixture.error = (struct kt_error){0};
    return kt_api_list(kt_api_fixture_client(&fixture), &fixture.arena, &kt_resource_config_maps, "ns", options, ret,
                       &fixture.reply, &fixture.error);
}

static void assert_complete(const struct kt_list *found, size_t count)
{
    size_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, found->items)
    {
        char name[32];
        snprintf(name, sizeof(name), "cm%zu", index++);
        assert_string_equal(kt_json_string(kt_json_path(item, "metadata", "name", NULL)), name);
        assert_string_equal(kt_json_string(kt_json_get(item, "kind")), "ConfigMap");
        assert_string_equal(kt_json_string(kt_json_get(item, "apiVersion")), "v1");
    }
    assert_int_equal(index, count);
    assert_int_equal(kt_json_count(found->items), count);
    assert_string_equal(found->resource_version, "77");
}

static void test_a_list_in_pages(void **state KT_UNUSED)
{
    static const size_t counts[] = {0, 1, 100, 101, 250};
    struct collection collection = {0};
    struct kt_list found;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(counts); i++) {
        collection.count = counts[i];
        serve(serve_collection, &collection);
        assert_int_equal(list(NULL, &found), 0);
        assert_complete(&found, counts[i]);
    }
    assert_int_equal(kt_scripted_server_count(fixture.server), 3);
    assert_string_equal(kt_scripted_server_request(fixture.server, 0)->target,
                        "/api/v1/namespaces/ns/configmaps?limit=100");
    assert_string_equal(kt_scripted_server_request(fixture.server, 2)->target,
                        "/api/v1/namespaces/ns/configmaps?limit=100&continue=200");
    struct kt_list_options options = {.label_selector = "a=b", .field_selector = "metadata.name=x", .page_size = 1000};
    assert_int_equal(list(&options, &found), 0);
    assert_string_equal(
        kt_scripted_server_request(fixture.server, 3)->target,
        "/api/v1/namespaces/ns/configmaps?limit=1000&labelSelector=a%3Db&fieldSelector=metadata.name%3Dx");
}

static void test_pages_that_are_too_large_are_halved(void **state KT_UNUSED)
{
    /* 100 items have more nodes than a JSON text may have; 50 have not. */
    struct collection collection = {.count = 120, .width = 1500};
    struct kt_list found;
    serve(serve_collection, &collection);
    assert_int_equal(list(NULL, &found), 0);
    assert_complete(&found, 120);
    assert_non_null(strstr(kt_scripted_server_request(fixture.server, 1)->target, "limit=50"));
    /* A server that sends all at once whatever is asked: the limit holds. */
    collection.ignores_limit = true;
    assert_int_equal(list(NULL, &found), KT_ELIMIT);
    assert_non_null(strstr(fixture.error.message, "the reply of 127.0.0.1:"));
}

static void test_a_continue_token_that_expires(void **state KT_UNUSED)
{
    struct collection collection = {.count = 250, .expire_at = 2};
    struct kt_list found;
    serve(serve_collection, &collection);
    assert_int_equal(list(NULL, &found), 0);
    assert_complete(&found, 250);
    assert_int_equal(kt_scripted_server_count(fixture.server), 6);
    /* A second time is an error, and the server is left alone. */
    collection = (struct collection){.count = 250, .expires_always = true};
    serve(serve_collection, &collection);
    assert_int_equal(list(NULL, &found), KT_EGONE);
    assert_int_equal(kt_scripted_server_count(fixture.server), 4);
}

static void test_limits_of_a_list(void **state KT_UNUSED)
{
    struct collection collection = {.count = 250};
    struct kt_list found;
    serve(serve_collection, &collection);
    struct kt_list_options options = {.max_items = 249};
    assert_int_equal(list(&options, &found), KT_ELIMIT);
    assert_non_null(strstr(fixture.error.message, "there are more than 249 configmaps"));
    options.max_items = 250;
    assert_int_equal(list(&options, &found), 0);
    options.max_bytes = 5000;
    assert_int_equal(list(&options, &found), KT_ELIMIT);
    assert_non_null(strstr(fixture.error.message, "larger than 5000 bytes"));
}

static bool serve_text(void *context, const struct kt_scripted_request *request KT_UNUSED,
                       struct kt_scripted_connection *connection)
{
    const char *const *text = context;
    return kt_scripted_reply(connection, 200, "", *text);
}

static void test_what_is_no_list(void **state KT_UNUSED)
{
    static const char *const refused[] = {
        "[]", "7", "", "{\"items\":{}}", "{\"items\":\"x\"}", "{}", "{\"kind\":\"Status\",\"status\":\"Success\"}"};
    static const char *const empty[] = {"{\"kind\":\"ConfigMapList\"}", "{\"items\":null}", "{\"items\":[]}",
                                        "{\"items\":[],\"metadata\":[]}"};
    const char *text;
    struct kt_list found;
    serve(serve_text, &text);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(refused); i++) {
        text = refused[i];
        assert_int_equal(list(NULL, &found), KT_EPARSE);
        assert_non_null(strstr(fixture.error.message, "is no list"));
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(empty); i++) {
        text = empty[i];
        assert_int_equal(list(NULL, &found), 0);
        assert_int_equal(kt_json_count(found.items), 0);
    }
    /* Items that are no objects reach the caller as they are; the accessors cope with them. */
    text = "{\"items\":[1,null,[]]}";
    assert_int_equal(list(NULL, &found), 0);
    assert_int_equal(kt_json_count(found.items), 3);
}

static void test_memory_that_runs_out(void **state KT_UNUSED)
{
    struct collection collection = {.count = 150, .width = 3};
    serve(serve_collection, &collection);
    bool done = false;
    for (size_t limit = 0; limit < 4 * KT_MIB && !done; limit = limit * 2 + 100) {
        KT_CLEANUP(kt_arena_release) struct kt_arena small;
        struct kt_list found;
        kt_arena_init(&small, limit);
        int code = kt_api_list(kt_api_fixture_client(&fixture), &small, &kt_resource_config_maps, "ns", NULL, &found,
                               &fixture.reply, &fixture.error);
        assert_true(code == 0 || code == KT_ENOMEM || code == KT_ELIMIT);
        done = code == 0;
        if (done)
            assert_int_equal(kt_json_count(found.items), 150);
    }
    assert_true(done);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_paths),
        TEST(test_verbs),
        TEST(test_a_name_is_needed),
        TEST(test_a_list_in_pages),
        TEST(test_pages_that_are_too_large_are_halved),
        TEST(test_a_continue_token_that_expires),
        TEST(test_limits_of_a_list),
        TEST(test_what_is_no_list),
        TEST(test_memory_that_runs_out),
    };
    if (kt_client_global_init(NULL) != 0)
        return 1;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    kt_client_global_cleanup();
    return failures;
}
