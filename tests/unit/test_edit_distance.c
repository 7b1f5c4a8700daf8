/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"
#include "text/edit_distance.h"

static size_t distance(const char *a, const char *b)
{
    return kt_edit_distance(kt_str(a), kt_str(b));
}

static void counts_edits(void **state)
{
    (void)state;
    assert_int_equal(distance("", ""), 0);
    assert_int_equal(distance("abc", ""), 3);
    assert_int_equal(distance("", "abc"), 3);
    assert_int_equal(distance("phi-4", "phi-4"), 0);
    assert_int_equal(distance("phi-4", "phi4"), 1);
    assert_int_equal(distance("phi-4", "pih-4"), 1); /* neighbours swapped */
    assert_int_equal(distance("ca", "abc"), 3);      /* a swapped pair is not edited again */
    assert_int_equal(distance("kitten", "sitting"), 3);
    assert_int_equal(distance("Standard_NC6S_V3", "standard_nc6s_v3"), 0);
}

static void refuses_long_texts(void **state)
{
    (void)state;
    char text[130];
    memset(text, 'a', sizeof(text));
    assert_int_equal(kt_edit_distance((struct kt_str){text, 128}, KT_STR("")), 128);
    assert_int_equal(kt_edit_distance((struct kt_str){text, 129}, KT_STR("")), SIZE_MAX);
    assert_int_equal(kt_edit_distance(KT_STR(""), (struct kt_str){text, 129}), SIZE_MAX);
}

/* The same distance by its definition, without the table. */
static size_t slow_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    if (a_length == 0 || b_length == 0)
        return a_length + b_length;
    size_t replaced = slow_distance(a, a_length - 1, b, b_length - 1) + (a[a_length - 1] != b[b_length - 1]);
    size_t best = KT_MIN(replaced, slow_distance(a, a_length - 1, b, b_length) + 1);
    best = KT_MIN(best, slow_distance(a, a_length, b, b_length - 1) + 1);
    if (a_length > 1 && b_length > 1 && a[a_length - 1] == b[b_length - 2] && a[a_length - 2] == b[b_length - 1])
        best = KT_MIN(best, slow_distance(a, a_length - 2, b, b_length - 2) + 1);
    return best;
}

static void agrees_with_the_definition(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        char text[2][8] = {{0}};
        size_t length[2];
        for (int t = 0; t < 2; t++) {
            seed = seed * 1664525 + 1013904223;
            length[t] = seed >> 29;
            for (size_t i = 0; i < length[t]; i++) {
                seed = seed * 1664525 + 1013904223;
                text[t][i] = (char)('a' + (seed >> 30));
            }
        }
        assert_int_equal(distance(text[0], text[1]), slow_distance(text[0], length[0], text[1], length[1]));
    }
}

static const char *nearest(const char *wanted, const char *const *candidates)
{
    struct kt_nearest search;
    kt_nearest_init(&search, kt_str(wanted));
    for (size_t i = 0; candidates[i]; i++)
        kt_nearest_offer(&search, candidates[i]);
    return search.best;
}

static void suggests_the_nearest_name(void **state)
{
    (void)state;
    static const char *const models[] = {"falcon-7b",           "phi-3-mini-4k-instruct",    "phi-4",
                                         "phi-4-mini-instruct", "qwen2.5-coder-7b-instruct", NULL};
    assert_string_equal(nearest("falcom-7b", models), "falcon-7b");
    assert_string_equal(nearest("Phi-4-Mini-instrukt", models), "phi-4-mini-instruct");
    assert_string_equal(nearest("phi-3", models), "phi-3-mini-4k-instruct"); /* typed too little */
    assert_string_equal(nearest("phi-4-mini", models), "phi-4-mini-instruct");
    assert_string_equal(nearest("coder-7b", models), "qwen2.5-coder-7b-instruct");
    assert_string_equal(nearest("falcon-7b-chat", models), "falcon-7b");
    assert_null(nearest("llama", models));
    assert_null(nearest("", models));
    assert_null(nearest("b", models)); /* too short to be looked for inside other names */
    static const char *const letters[] = {"x", NULL};
    assert_null(nearest("y", letters));
    assert_string_equal(nearest("X", letters), "x");
}

static void keeps_the_first_of_equals(void **state)
{
    (void)state;
    static const char *const names[] = {"lora1", "lora2", NULL};
    assert_string_equal(nearest("lora", names), "lora1");
    assert_string_equal(nearest("lora3", names), "lora1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_edits),
        cmocka_unit_test(refuses_long_texts),
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(suggests_the_nearest_name),
        cmocka_unit_test(keeps_the_first_of_equals),
    };
    return cmocka_run_group_tests_name("edit_distance", tests, NULL, NULL);
}
