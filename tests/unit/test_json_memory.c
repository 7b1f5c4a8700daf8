/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "tests/lib/json_text.h"
#include "text/json.h"

/* Every test gets a fresh arena through *state. */
static int set_up(void **state)
{
    static struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    kt_arena_release(*state);
    return 0;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static int read_change_write(void)
{
    static const char text[] = "{\"a\":[1,2.50,{\"b\":\"c\"}],\"k0\":0,\"k1\":0,\"k2\":0,\"k3\":0,\"k4\":0,\"k5\":0,"
                               "\"k6\":0,\"k7\":0,\"k8\":0,\"k9\":0,\"ka\":0,\"kb\":0,\"kc\":0,\"kd\":0,\"ke\":0,"
                               "\"kf\":0,\"kf\":1}";
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, NULL, (size_t)KT_MIB);
    struct kt_json_parsed parsed;
    struct kt_error error = {0};
    int code = kt_json_parse(&arena, kt_str(text), KT_JSON_DUPLICATES_LAST_WINS, &parsed, &error);
    if (code < 0) {
        assert_int_equal(code, KT_ENOMEM);
        assert_int_equal(error.code, KT_ENOMEM);
        return code;
    }
    cJSON *clone = kt_json_clone(&arena, parsed.root);
    kt_json_set_string(&arena, clone, "a", "b");
    kt_json_append(&arena, kt_json_get(clone, "new"), kt_json_new_double(&arena, 0.5));
    kt_json_set_int(&arena, kt_json_ensure_object(&arena, clone, "o"), "x", 1);
    /* A large piece, so that the heap is asked again in the middle of building. */
    kt_json_set(&arena, clone, "large", kt_json_new_string_n(&arena, (struct kt_str){text, sizeof(text) - 1}));
    kt_json_write(&buffer, clone, KT_JSON_PRETTY);
    return arena.failed || buffer.failed ? KT_ENOMEM : 0;
}

static void test_every_failing_allocation_is_survived(void **state KT_UNUSED)
{
    size_t failures = 0;
    for (size_t nth = 1;; nth++) {
        kt_heap_fail_from(nth);
        int code = read_change_write();
        kt_heap_fail_from(0);
        if (code == 0)
            break;
        failures++;
        assert_true(nth < 1000);
    }
    assert_true(failures >= 3);
}

/* The heap hands out large blocks, so the arena's limit is what reaches every single allocation. */
static void test_every_arena_limit_is_survived(void **state KT_UNUSED)
{
    static const char text[] = "{\"a\":[1,2.50,{\"b\":\"c\\ud800\"}],\"d\":{\"e\":null},\"d\":1}";
    for (size_t limit = 0;; limit += 16) {
        KT_CLEANUP(kt_arena_release) struct kt_arena arena;
        kt_arena_init(&arena, limit);
        struct kt_json_parsed parsed;
        struct kt_error error = {0};
        int code = kt_json_parse(&arena, kt_str(text), KT_JSON_DUPLICATES_LAST_WINS, &parsed, &error);
        if (code < 0) {
            assert_int_equal(code, KT_ENOMEM);
            assert_non_null(strstr(error.message, "memory"));
            continue;
        }
        cJSON *clone = kt_json_clone(&arena, parsed.root);
        kt_json_set_string(&arena, clone, "x", "y");
        kt_json_set_int(&arena, clone, "z", 1);
        kt_json_append(&arena, kt_json_get(clone, "a"), kt_json_new_bool(&arena, false));
        kt_json_set(&arena, clone, "n", kt_json_new_number_text(&arena, KT_STR("7.0")));
        if (arena.failed)
            continue;
        struct kt_strbuf buffer;
        kt_strbuf_init(&buffer, NULL, 1000);
        kt_json_write(&buffer, clone, KT_JSON_COMPACT);
        assert_string_equal(buffer.data,
                            "{\"a\":[1,2.50,{\"b\":\"c\xEF\xBF\xBD\"},false],\"d\":1,\"x\":\"y\",\"z\":1,\"n\":7.0}");
        kt_strbuf_release(&buffer);
        break;
    }
}

/* Each thread gets the memory of its own arena. */
static void *parse_many(void *result)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    for (int i = 0; i < 300; i++) {
        kt_arena_reset(&arena);
        const char *text = kt_arena_printf(&arena, "{\"thread\":\"%p\",\"list\":[%d,{\"x\":null}]}", result, i);
        struct kt_json_parsed parsed;
        struct kt_strbuf buffer;
        kt_strbuf_init(&buffer, &arena, 1000);
        if (kt_json_parse(&arena, kt_str(text), KT_JSON_DUPLICATES_REFUSE, &parsed, NULL) != 0)
            return NULL;
        kt_json_write(&buffer, parsed.root, KT_JSON_COMPACT);
        if (!kt_streq(buffer.data, text))
            return NULL;
    }
    *(bool *)result = true;
    return NULL;
}

static void test_threads_do_not_mix(void **state KT_UNUSED)
{
    pthread_t threads[4];
    bool good[KT_ARRAY_LENGTH(threads)] = {false};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, parse_many, &good[i]), 0);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_true(good[i]);
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_failing_allocation_is_survived),
        TEST(test_every_arena_limit_is_survived),
        TEST(test_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
