/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"
#include "text/names.h"

enum { LABEL = 1, SUBDOMAIN = 2, LABEL_1035 = 4, KEY = 8, VALUE = 16, CONFIG_KEY = 32 };

static const struct {
    int kind;
    const char *(*check)(struct kt_str);
} checks[] = {
    {LABEL, kt_names_dns1123_label}, {SUBDOMAIN, kt_names_dns1123_subdomain}, {LABEL_1035, kt_names_dns1035_label},
    {KEY, kt_names_label_key},       {VALUE, kt_names_label_value},           {CONFIG_KEY, kt_names_config_map_key},
};

/* Each text with the kinds of name it is; it must be refused as all others. */
static const struct {
    const char *text;
    int valid_as;
} rows[] = {
    {"", VALUE},
    {"a", LABEL | SUBDOMAIN | LABEL_1035 | KEY | VALUE | CONFIG_KEY},
    {"7", LABEL | SUBDOMAIN | KEY | VALUE | CONFIG_KEY},
    {"workspace-phi-3", LABEL | SUBDOMAIN | LABEL_1035 | KEY | VALUE | CONFIG_KEY},
    {"phi-3.mini", SUBDOMAIN | KEY | VALUE | CONFIG_KEY},
    {"3phi", LABEL | SUBDOMAIN | KEY | VALUE | CONFIG_KEY},
    {"Phi", KEY | VALUE | CONFIG_KEY},
    {"training_config.yaml", KEY | VALUE | CONFIG_KEY},
    {"a-", CONFIG_KEY},
    {"-a", CONFIG_KEY},
    {".a", CONFIG_KEY},
    {"_", CONFIG_KEY},
    {".", 0},
    {"..", 0},
    {"..a", 0},
    {"a..b", KEY | VALUE | CONFIG_KEY},
    {"a.-b", KEY | VALUE | CONFIG_KEY},
    {"a b", 0},
    {"a\n", 0},
    {"\xc3\xa9", 0},
    {"kaito.sh/workspace", KEY},
    {"Kaito.sh/workspace", 0},
    {"kaito.sh/", 0},
    {"/workspace", 0},
    {"a/b/c", 0},
    {"a/-b", 0},
    {"a_b/c", 0},
};

static void judges_each_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++)
        for (size_t j = 0; j < KT_ARRAY_LENGTH(checks); j++) {
            const char *wrong = checks[j].check(kt_str(rows[i].text));
            bool expected = (rows[i].valid_as & checks[j].kind) != 0;
            if ((wrong == NULL) != expected)
                fail_msg("\"%s\" as kind %d: %s", rows[i].text, checks[j].kind, wrong ? wrong : "accepted");
        }
}

static const char *judge_long(const char *(*check)(struct kt_str), const char *prefix, char fill, size_t length)
{
    char text[400];
    size_t prefix_length = strlen(prefix);
    memcpy(text, prefix, prefix_length);
    memset(text + prefix_length, fill, length);
    return check((struct kt_str){text, prefix_length + length});
}

static void keeps_to_the_lengths(void **state)
{
    (void)state;
    assert_null(judge_long(kt_names_dns1123_label, "", 'a', 63));
    assert_non_null(judge_long(kt_names_dns1123_label, "", 'a', 64));
    assert_null(judge_long(kt_names_dns1035_label, "", 'a', 63));
    assert_non_null(judge_long(kt_names_dns1035_label, "", 'a', 64));
    assert_null(judge_long(kt_names_dns1123_subdomain, "", 'a', 253));
    assert_non_null(judge_long(kt_names_dns1123_subdomain, "", 'a', 254));
    assert_null(judge_long(kt_names_label_value, "", 'a', 63));
    assert_non_null(judge_long(kt_names_label_value, "", 'a', 64));
    assert_null(judge_long(kt_names_label_key, "kaito.sh/", 'a', 63));
    assert_non_null(judge_long(kt_names_label_key, "kaito.sh/", 'a', 64));
    assert_null(judge_long(kt_names_config_map_key, "", 'a', 253));
    assert_non_null(judge_long(kt_names_config_map_key, "", 'a', 254));

    char text[256];
    memset(text, 'p', sizeof(text));
    memcpy(text + 253, "/n", 2);
    assert_null(kt_names_label_key((struct kt_str){text, 255}));
    memcpy(text + 253, "p/n", 3);
    assert_non_null(kt_names_label_key((struct kt_str){text, 256}));
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    assert_non_null(strstr(kt_names_dns1035_label(KT_STR("phi.3")), "dot"));
    assert_non_null(strstr(kt_names_dns1035_label(KT_STR("3phi")), "digit"));
    assert_non_null(strstr(kt_names_dns1123_label(KT_STR("phi.3")), "dot"));
    assert_non_null(strstr(kt_names_label_key(KT_STR("a/b/c")), "more than one"));
    assert_non_null(strstr(kt_names_config_map_key(KT_STR("..x")), "'..'"));
}

static void sees_a_nul(void **state)
{
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(checks); i++)
        assert_non_null(checks[i].check((struct kt_str){"a\0b", 3}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_each_kind),
        cmocka_unit_test(keeps_to_the_lengths),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(sees_a_nul),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
