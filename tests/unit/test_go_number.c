/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>

#include <cmocka.h>

#include "admission/go_number.h"

static void integers_are_read_as_atoi_does(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"2048", true, 2048},
        {"+5", true, 5},
        {"-5", true, -5},
        {"010", true, 10},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"+", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"0x800", false, 0},
        {"2_048", false, 0},
        {"2048.0", false, 0},
        {"1e3", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"x", false, 0},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        int64_t value = 77;
        bool valid = kt_go_atoi(kt_str(rows[i].text), &value);
        if (valid != rows[i].valid || value != (rows[i].valid ? rows[i].value : 77)) {
            fail_msg("%s: %d %lld", rows[i].text, valid, (long long)value);
        }
    }
}

static void floats_are_read_as_parse_float_does(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum kt_go_float kind;
        double value;
    } rows[] = {
        {"1", KT_GO_FLOAT_DECIMAL, 1},
        {"1.0", KT_GO_FLOAT_DECIMAL, 1},
        {".5", KT_GO_FLOAT_DECIMAL, 0.5},
        {"5.", KT_GO_FLOAT_DECIMAL, 5},
        {"+0.25", KT_GO_FLOAT_DECIMAL, 0.25},
        {"-0.1", KT_GO_FLOAT_DECIMAL, -0.1},
        {"1e-1", KT_GO_FLOAT_DECIMAL, 0.1},
        {"1E+2", KT_GO_FLOAT_DECIMAL, 100},
        {"1e400", KT_GO_FLOAT_DECIMAL, HUGE_VAL},
        {"0x1p-1", KT_GO_FLOAT_ODD, 0.5},
        {"0X1.8P0", KT_GO_FLOAT_ODD, 1.5},
        {"0x_1p-1", KT_GO_FLOAT_ODD, 0.5},
        {"1_0", KT_GO_FLOAT_ODD, 10},
        {"Inf", KT_GO_FLOAT_ODD, HUGE_VAL},
        {"-infinity", KT_GO_FLOAT_ODD, -HUGE_VAL},
        {"NaN", KT_GO_FLOAT_NAN, 0},
        {"nan", KT_GO_FLOAT_NAN, 0},
        {"+nan", KT_GO_FLOAT_NONE, 0},
        {"nan(1)", KT_GO_FLOAT_NONE, 0},
        {"infin", KT_GO_FLOAT_NONE, 0},
        {"", KT_GO_FLOAT_NONE, 0},
        {".", KT_GO_FLOAT_NONE, 0},
        {"e5", KT_GO_FLOAT_NONE, 0},
        {"1e", KT_GO_FLOAT_NONE, 0},
        {"1e+", KT_GO_FLOAT_NONE, 0},
        {"0x1", KT_GO_FLOAT_NONE, 0},
        {"0x", KT_GO_FLOAT_NONE, 0},
        {"_1", KT_GO_FLOAT_NONE, 0},
        {"1_", KT_GO_FLOAT_NONE, 0},
        {"1__0", KT_GO_FLOAT_NONE, 0},
        {"1_.0", KT_GO_FLOAT_NONE, 0},
        {" 1", KT_GO_FLOAT_NONE, 0},
        {"1 ", KT_GO_FLOAT_NONE, 0},
        {"1,0", KT_GO_FLOAT_NONE, 0},
        {"0.5f", KT_GO_FLOAT_NONE, 0},
        {"half", KT_GO_FLOAT_NONE, 0},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        double value = 0;
        enum kt_go_float kind = kt_go_parse_float(kt_str(rows[i].text), &value);
        if (kind != rows[i].kind || memcmp(&value, &rows[i].value, sizeof(value)) != 0) {
            fail_msg("\"%s\": kind %d, value %g", rows[i].text, (int)kind, value);
        }
    }
}

static void a_number_without_end_is_no_number(void **state)
{
    (void)state;
    static char text[100000];
    memset(text, '1', sizeof(text) - 1);
    double value = 0;
    int64_t integer = 0;
    assert_int_equal(kt_go_parse_float(kt_str(text), &value), KT_GO_FLOAT_NONE);
    assert_false(kt_go_atoi(kt_str(text), &integer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_read_as_atoi_does),
        cmocka_unit_test(floats_are_read_as_parse_float_does),
        cmocka_unit_test(a_number_without_end_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
