/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/lib/json_text.h"
#include "text/json_pointer.h"

static struct kt_arena arena;

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(4 * KT_MIB));
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&arena);
    return 0;
}

static cJSON *parse(const char *text)
{
    return kt_test_json(&arena, text);
}

static const char *written(const cJSON *node)
{
    return kt_test_json_text(&arena, node);
}

/* RFC 6901, section 5, and the keys that Kubernetes is full of. */
static const char document[] =
    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" "
    "\":7,\"m~n\":8,"
    "\"~1\":9,\"annotations\":{\"kaito.sh/runtime\":\"vllm\"},\"deep\":[[{\"x\":[10,11]}]],\"0\":\"zero\"}";

static void test_pointers_find_what_they_name(void **state KT_UNUSED)
{
    static const char *const cases[][2] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/foo/1", "\"baz\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
        {"/~01", "9"},
        {"/annotations/kaito.sh~1runtime", "\"vllm\""},
        {"/deep/0/0/x/1", "11"},
        {"/0", "\"zero\""},
    };
    cJSON *root = parse(document);
    assert_ptr_equal(kt_json_pointer_find(root, KT_STR("")), root);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        cJSON *node = kt_json_pointer_find(root, kt_str(cases[i][0]));
        if (!node)
            fail_msg("%s finds nothing", cases[i][0]);
        assert_string_equal(written(node), cases[i][1]);
    }
}

static void test_pointers_that_name_nothing(void **state KT_UNUSED)
{
    static const char *const cases[] = {
        "foo",
        "/fo",
        "/fooo",
        "/foo/2",
        "/foo/-",
        "/foo/00",
        "/foo/01",
        "/foo/+1",
        "/foo/-1",
        "/foo/1 ",
        "/foo/",
        "/foo/0/x",
        "/foo/x",
        "/a/b",
        "/m~n",
        "/m~",
        "/m~2n",
        "//",
        "/deep/0/0/y",
        "/annotations/kaito.sh/runtime",
        "/foo/18446744073709551616",
        "/foo/18446744073709551617",
        "/foo/36893488147419103232",
        "/deep/0/0/x/1/",
    };
    cJSON *root = parse(document);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++)
        if (kt_json_pointer_find(root, kt_str(cases[i])))
            fail_msg("%s finds something", cases[i]);
    assert_null(kt_json_pointer_find(NULL, KT_STR("/foo")));
    assert_null(kt_json_pointer_find(root, KT_STR("/foo\0")));
}

static void test_parents_keep_the_last_token_as_written(void **state KT_UNUSED)
{
    cJSON *root = parse(document);
    struct kt_str token = KT_STR("untouched");
    assert_ptr_equal(kt_json_pointer_parent(root, KT_STR("/annotations/new.io~1x~0"), &token),
                     kt_json_get(root, "annotations"));
    assert_true(kt_str_equal(token, KT_STR("new.io~1x~0")));
    assert_string_equal(kt_json_pointer_unescape(&arena, token), "new.io/x~");
    assert_string_equal(kt_json_pointer_unescape(&arena, KT_STR("~01")), "~1");
    assert_ptr_equal(kt_json_pointer_parent(root, KT_STR("/foo/-"), &token), kt_json_get(root, "foo"));
    assert_true(kt_str_equal(token, KT_STR("-")));
    assert_ptr_equal(kt_json_pointer_parent(root, KT_STR("/new"), &token), root);
    assert_true(kt_str_equal(token, KT_STR("new")));
    assert_null(kt_json_pointer_parent(root, KT_STR(""), &token));
    assert_null(kt_json_pointer_parent(root, KT_STR("/absent/x"), &token));
    assert_null(kt_json_pointer_parent(root, KT_STR("/a~x"), &token));
    assert_true(kt_str_equal(token, KT_STR("new")));
}

static void test_written_pointers_are_found_again(void **state KT_UNUSED)
{
    cJSON *root = parse(document);
    for (const cJSON *member = root->child; member; member = member->next) {
        struct kt_strbuf pointer;
        kt_strbuf_init(&pointer, &arena, 1000);
        kt_json_pointer_add_key(&pointer, member->string);
        assert_ptr_equal(kt_json_pointer_find(root, kt_strbuf_view(&pointer)), member);
    }
    struct kt_strbuf pointer;
    kt_strbuf_init(&pointer, &arena, 1000);
    kt_json_pointer_add_key(&pointer, "metadata");
    kt_json_pointer_add_key(&pointer, "~/~1//");
    kt_json_pointer_add_index(&pointer, 12);
    kt_json_pointer_add_key(&pointer, "");
    assert_string_equal(pointer.data, "/metadata/~0~1~01~1~1/12/");
}

/* --- field paths -------------------------------------------------------------------------------------------------- */

static void test_field_paths_are_written_as_kubernetes_does(void **state KT_UNUSED)
{
    struct kt_strbuf path;
    kt_strbuf_init(&path, &arena, 1000);
    kt_field_path_add_key(&path, "tuning");
    kt_field_path_add_key(&path, "input");
    kt_field_path_add_key(&path, "urls");
    kt_field_path_add_index(&path, 0);
    assert_string_equal(path.data, "tuning.input.urls[0]");
    kt_strbuf_clear(&path);
    kt_field_path_add_key(&path, "metadata");
    kt_field_path_add_key(&path, "annotations");
    kt_field_path_add_key(&path, "kaito.sh/runtime");
    assert_string_equal(path.data, "metadata.annotations[kaito.sh/runtime]");
    kt_strbuf_clear(&path);
    kt_field_path_add_key(&path, "odd key");
    kt_field_path_add_key(&path, "");
    kt_field_path_add_key(&path, "under_score-1");
    assert_string_equal(path.data, "[odd key][].under_score-1");
}

static void test_field_paths_find_the_deepest_node(void **state KT_UNUSED)
{
    cJSON *root = parse("{\"tuning\":{\"input\":{\"urls\":[\"a\",\"b\"]}},\"metadata\":{\"annotations\":"
                        "{\"kaito.sh/runtime\":\"vllm\",\"a]b.c[d\":1,\"\":2}},\"odd.top\":3}");
    static const struct {
        const char *path;
        const char *wanted; /* NULL: nothing is found */
        bool exact;
    } cases[] = {
        {"tuning.input.urls[1]", "\"b\"", true},
        {"tuning.input.urls[2]", "[\"a\",\"b\"]", false},
        {"tuning.input.urls[0].x", "\"a\"", false},
        {"tuning.input.urls[x]", "[\"a\",\"b\"]", false},
        {"tuning.output.image", "{\"input\":{\"urls\":[\"a\",\"b\"]}}", false},
        {"metadata.annotations[kaito.sh/runtime]", "\"vllm\"", true},
        {"metadata.annotations[a]b.c[d]", "1", true},
        {"metadata.annotations[]", "2", true},
        {"metadata.annotations[kaito.sh/other]", "{\"kaito.sh/runtime\":\"vllm\",\"a]b.c[d\":1,\"\":2}", false},
        {"metadata.annotations[unclosed", "{\"kaito.sh/runtime\":\"vllm\",\"a]b.c[d\":1,\"\":2}", false},
        {"[odd.top]", "3", true},
        {"inference.preset", NULL, false},
        {"[0]", NULL, false},
        {".", NULL, false},
        {"]", NULL, false},
        {"[", NULL, false},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        bool exact = !cases[i].exact;
        cJSON *node = kt_field_path_find(NULL, root, cases[i].path, &exact);
        if ((node != NULL) != (cases[i].wanted != NULL) || exact != cases[i].exact)
            fail_msg("%s: node %d, exact %d", cases[i].path, node != NULL, exact);
        if (node)
            assert_string_equal(written(node), cases[i].wanted);
    }
    assert_ptr_equal(kt_field_path_find(NULL, root, "", NULL), root);
    assert_null(kt_field_path_find(NULL, NULL, "a", NULL));
}

/* What is written for any key is found again, however odd the key is. */
static void test_written_field_paths_are_found_again(void **state KT_UNUSED)
{
    cJSON *root = parse("{\"a\":{\"b.c\":{\"[0]\":[[{\"]\":{\"x\":{\"\":{\"-\":{\"[\":{\".\":1}}}}}}]]}}}");
    struct kt_strbuf path;
    kt_strbuf_init(&path, &arena, 1000);
    cJSON *node = root;
    while (node->child) {
        if (kt_json_is_array(node))
            kt_field_path_add_index(&path, 0);
        else
            kt_field_path_add_key(&path, node->child->string);
        node = node->child;
        bool exact = false;
        assert_ptr_equal(kt_field_path_find(NULL, root, path.data, &exact), node);
        assert_true(exact);
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_pointers_find_what_they_name),
        TEST(test_pointers_that_name_nothing),
        TEST(test_parents_keep_the_last_token_as_written),
        TEST(test_written_pointers_are_found_again),
        TEST(test_field_paths_are_written_as_kubernetes_does),
        TEST(test_field_paths_find_the_deepest_node),
        TEST(test_written_field_paths_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
