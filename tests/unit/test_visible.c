/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside that is shown to people. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>

#include "text/visible.h"

static struct kt_strbuf shown;

static int set_up(void **state KT_UNUSED)
{
    kt_strbuf_init(&shown, NULL, (size_t)KT_MIB);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_strbuf_release(&shown);
    return 0;
}

static void expect(const char *text, enum kt_visible how, const char *wanted)
{
    kt_strbuf_clear(&shown);
    kt_visible_write(&shown, kt_str(text), how);
    assert_string_equal(shown.data, wanted);
}

static void plain_text_stays(void **state KT_UNUSED)
{
    expect("", KT_VISIBLE_LINE, "");
    expect("gr\u00fc\u00dfe \u65e5\u672c \U0001f600 \u00a0", KT_VISIBLE_LINE,
           "gr\u00fc\u00dfe \u65e5\u672c \U0001f600 \u00a0");
}

static void controls_are_shown(void **state KT_UNUSED)
{
    expect("a\x1b[31m\x7f\r\n\tb", KT_VISIBLE_LINE, "a^[[31m^?\\r\\n\\tb");
    expect("a\x1b[31m\r\n\tb", KT_VISIBLE_LINES, "a^[[31m\\r\n\tb");
    expect("\xff\xc3(\xe2\x82", KT_VISIBLE_LINE, "\\xff\\xc3(\\xe2\\x82");
}

/* All of them, and their neighbours, which do no harm. */
static void what_steers_is_shown(void **state KT_UNUSED)
{
    static const struct {
        unsigned first, last;
    } rows[] = {{0x80, 0x9f}, {0x61c, 0x61c}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};
    for (unsigned rune = 0x80; rune < 0x2100; rune++) {
        char text[4] = {0};
        if (rune < 0x800) {
            text[0] = (char)(0xC0 | rune >> 6);
            text[1] = (char)(0x80 | (rune & 0x3F));
        } else {
            text[0] = (char)(0xE0 | rune >> 12);
            text[1] = (char)(0x80 | (rune >> 6 & 0x3F));
            text[2] = (char)(0x80 | (rune & 0x3F));
        }
        bool steers = false;
        for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++)
            steers = steers || (rune >= rows[i].first && rune <= rows[i].last);
        char json[16], escaped[16];
        snprintf(json, sizeof(json), "\"%s\"", text);
        snprintf(escaped, sizeof(escaped), "\"\\u%04x\"", rune);
        assert_int_equal(kt_visible_steers(kt_str(text)), steers);
        kt_strbuf_clear(&shown);
        kt_visible_write(&shown, kt_str(text), KT_VISIBLE_LINES);
        assert_int_equal(shown.data[0] == '\\', steers);
        kt_strbuf_clear(&shown);
        kt_visible_write_json(&shown, kt_str(json));
        assert_string_equal(shown.data, steers ? escaped : json);
    }
}

static void json_means_the_same(void **state KT_UNUSED)
{
    static const char text[] = "{\"a\u202eb\":[\"\xc2\x9b\\n\",\"\u65e5\",1]}";
    kt_strbuf_clear(&shown);
    kt_visible_write_json(&shown, kt_str(text));
    assert_string_equal(shown.data, "{\"a\\u202eb\":[\"\\u009b\\n\",\"\u65e5\",1]}");
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_json_parsed before, after;
    kt_arena_init(&arena, (size_t)KT_MIB);
    assert_int_equal(kt_json_parse(&arena, kt_str(text), KT_JSON_DUPLICATES_REFUSE, &before, NULL), 0);
    assert_int_equal(kt_json_parse(&arena, kt_strbuf_view(&shown), KT_JSON_DUPLICATES_REFUSE, &after, NULL), 0);
    assert_true(kt_json_equal(before.root, after.root));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(plain_text_stays),
        TEST(controls_are_shown),
        TEST(what_steers_is_shown),
        TEST(json_means_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
