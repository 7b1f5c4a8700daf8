/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of scalars and small documents: tests/unit/data/yaml-scalars.tsv, which says where its rows come from. */
#include "tests/lib/cmocka_all.h"
#include "tests/lib/json_text.h"
#include "tests/lib/tsv.h"
#include "text/yaml.h"

enum cell { CELL_KIND, CELL_TEXT, CELL_VALUE, CELL_AS_KEY, CELLS };

static void check(struct kt_arena *arena, const char *yaml, const char *expected)
{
    struct kt_yaml_document document = {0};
    struct kt_error error = {0};
    int r = kt_yaml_parse_one(arena, kt_str(yaml), &document, &error);
    if (kt_streq(expected, "error")) {
        if (r == 0)
            fail_msg("%s is accepted: %s", yaml, kt_test_json_text(arena, document.root));
        assert_int_equal(r, KT_EPARSE);
        assert_true(strlen(error.message) > 0);
        return;
    }
    if (r < 0)
        fail_msg("%s: %s", yaml, error.message);
    const cJSON *wanted = kt_test_json(arena, expected);
    const cJSON *actual = document.root ? document.root : kt_json_new_null(arena);
    if (!kt_json_equal(actual, wanted))
        fail_msg("%s gives %s instead of %s", yaml, kt_test_json_text(arena, actual), expected);
    kt_test_json_sound(actual);
}

static void gives_what_kubernetes_gives(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    size_t rows, scalars = 0, documents = 0;
    const struct kt_tsv_row *row = kt_test_read_tsv(&arena, "tests/unit/data/yaml-scalars.tsv", CELLS, &rows);
    for (; rows > 0; rows--, row++) {
        const char *text = kt_json_string(kt_test_json(&arena, row->cells[CELL_TEXT]));
        assert_non_null(text);
        if (kt_streq(row->cells[CELL_KIND], "document")) {
            check(&arena, text, row->cells[CELL_VALUE]);
            documents++;
        } else {
            assert_string_equal(row->cells[CELL_KIND], "scalar");
            check(&arena, kt_arena_printf(&arena, "k: %s\n", text), row->cells[CELL_VALUE]);
            check(&arena, kt_arena_printf(&arena, "%s: v\n", text), row->cells[CELL_AS_KEY]);
            scalars++;
        }
    }
    assert_true(scalars >= 140);
    assert_true(documents >= 57);
}

/* A double cannot hold these; the digits must come through. */
static void keeps_large_integers(void **state)
{
    (void)state;
    static const char *const digits[] = {"9007199254740993", "18446744073709551615", "-9223372036854775808",
                                         "9223372036854775807"};
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(digits); i++) {
        const char *text = kt_arena_printf(&arena, "[%s]", digits[i]);
        struct kt_yaml_document document;
        assert_int_equal(kt_yaml_parse_one(&arena, kt_str(text), &document, NULL), 0);
        assert_string_equal(kt_test_json_text(&arena, document.root), text);
    }
}

static void refuses_what_json_cannot_hold(void **state)
{
    (void)state;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)KT_MIB);
    static const char *const texts[] = {
        "a: \"x\\0y\"\n", "\"x\\0y\": a\n", "a: !!binary AAECAw==\n", "a: !!binary /w==\n", "a: .inf\n", "- .nan\n",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        struct kt_yaml_document document;
        struct kt_error error = {0};
        assert_int_equal(kt_yaml_parse_one(&arena, kt_str(texts[i]), &document, &error), KT_EPARSE);
        assert_non_null(strstr(error.message, "line 1, column "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_kubernetes_gives),
        cmocka_unit_test(keeps_large_integers),
        cmocka_unit_test(refuses_what_json_cannot_hold),
    };
    return cmocka_run_group_tests_name("yaml_scalar", tests, NULL, NULL);
}
