/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "text/quantity.h"

/* Values made with resource.ParseQuantity(...).Value() of k8s.io/apimachinery v0.36.3. */
static void test_quantities_have_the_values_of_kubernetes(void **state KT_UNUSED)
{
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {
        {"0", 0},
        {"1", 1},
        {"+5", 5},
        {"007", 7},
        {"80Gi", 85899345920},
        {"1.5Gi", 1610612736},
        {"0.5Ki", 512},
        {"1Ei", 1152921504606846976},
        {"7Ei", 8070450532247928832},
        {"100k", 100000},
        {"1E", 1000000000000000000},
        {"1M", 1000000},
        {"2T", 2000000000000},
        {"3P", 3000000000000000},
        {"4Ti", 4398046511104},
        {"5Pi", 5629499534213120},
        {"6Mi", 6291456},
        {"1e3", 1000},
        {"1E3", 1000},
        {"1e+3", 1000},
        {"1500e-3", 2},
        {"12.5e1", 125},
        {"1500m", 2},
        {"1000m", 1},
        {"1m", 1},
        {"1n", 1},
        {"2000000u", 2},
        {"0.1", 1},
        {"1.", 1},
        {".5", 1},
        {"0m", 0},
        {"0e1000000", 0},
        {"1e-1000000", 1},
        {"9223372036854775807", INT64_MAX},
        {"0.000000001Gi", 2},
        {"1.00000000000000000000000001", 2},
        {"9.223372036854775807E", INT64_MAX},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        int64_t value = 42;
        struct kt_error error = {0};
        if (kt_quantity_parse(kt_str(cases[i].text), &value, &error) != 0)
            fail_msg("%s: %s", cases[i].text, error.message);
        if (value != cases[i].value)
            fail_msg("%s is %lld", cases[i].text, (long long)value);
    }
}

/* No size is negative, and Go's own Value() is no model here (-1500m is 0 there): away from zero, as for positive ones.
 */
static void test_negative_quantities_round_away_from_zero(void **state KT_UNUSED)
{
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {{"-1", -1}, {"-1500m", -2}, {"-1n", -1}, {"-0", 0}, {"-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        int64_t value = 42;
        assert_int_equal(kt_quantity_parse(kt_str(cases[i].text), &value, NULL), 0);
        assert_true(value == cases[i].value);
    }
}

static void test_what_is_no_quantity_is_refused(void **state KT_UNUSED)
{
    static const char *const bad[] = {"",     " 1",  "1 ",  "1 Gi", "Gi",   "-",     "+",     ".",     "1gi",     "1GI",
                                      "1GiB", "1K",  "1e",  "1e+",  "1ee3", "1e3Ki", "1Kie3", "1.2.3", "--1",     "+-1",
                                      "0x10", "1_0", "1,5", "NaN",  "inf",  "1\n",   "1kk",   "1mi",   "\xC2\xBD"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++) {
        int64_t value = 42;
        struct kt_error error = {0};
        if (kt_quantity_parse(kt_str(bad[i]), &value, &error) != KT_EPARSE || value != 42)
            fail_msg("\"%s\" is taken as %lld", bad[i], (long long)value);
        assert_int_equal(error.code, KT_EPARSE);
    }
    int64_t value;
    assert_int_equal(kt_quantity_parse((struct kt_str){NULL, 0}, &value, NULL), KT_EPARSE);
    assert_int_equal(kt_quantity_parse(KT_STR("1\0"), &value, NULL), KT_EPARSE);
    /* Longer than any real one. */
    char text[80];
    memset(text, '0', sizeof(text));
    assert_int_equal(kt_quantity_parse((struct kt_str){text, sizeof(text)}, &value, NULL), KT_EPARSE);
    assert_int_equal(kt_quantity_parse((struct kt_str){text, 64}, &value, NULL), 0);
}

static void test_what_does_not_fit_is_told_apart(void **state KT_UNUSED)
{
    static const char *const large[] = {"9223372036854775808",
                                        "-9223372036854775809",
                                        "8Ei",
                                        "10E",
                                        "1e19",
                                        "1e999999999999",
                                        "99999999999999999999",
                                        "-9Ei",
                                        "9223372036854775807.1"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(large); i++) {
        int64_t value = 42;
        if (kt_quantity_parse(kt_str(large[i]), &value, NULL) != KT_ELIMIT || value != 42)
            fail_msg("%s is taken as %lld", large[i], (long long)value);
    }
}

static void test_bytes_are_written_for_people(void **state KT_UNUSED)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1, "1 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {1536, "1.5 KiB"},
        {512 * KT_MIB, "512 MiB"},
        {4380866642, "4.08 GiB"},
        {KT_GIB + KT_GIB / 100, "1.01 GiB"},
        {KT_GIB - 1, "1 GiB"},
        {KT_MIB - 1, "1 MiB"},
        {1047552, "1023 KiB"},
        {80 * KT_GIB, "80 GiB"},
        {1024 * KT_GIB, "1 TiB"},
        {(uint64_t)1 << 60, "1 EiB"},
        {UINT64_MAX, "16 EiB"},
        {(uint64_t)3 << 59, "1.5 EiB"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
        kt_strbuf_init(&buffer, NULL, 100);
        kt_quantity_write_bytes(&buffer, cases[i].bytes);
        assert_string_equal(buffer.data, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantities_have_the_values_of_kubernetes),
        cmocka_unit_test(test_negative_quantities_round_away_from_zero),
        cmocka_unit_test(test_what_is_no_quantity_is_refused),
        cmocka_unit_test(test_what_does_not_fit_is_told_apart),
        cmocka_unit_test(test_bytes_are_written_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
