/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "text/time.h"

static const char *as_rfc3339(int64_t ms)
{
    static char text[64];
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, NULL, 100);
    kt_time_write_rfc3339(&buffer, ms);
    memcpy(text, buffer.data, buffer.length + 1);
    return text;
}

static void test_times_are_read(void **state KT_UNUSED)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-23T14:28:00Z", 1795444080000},
        {"2000-02-29T23:59:59.999Z", 951868799999},
        {"1969-12-31T23:59:59.5Z", -500},
        {"1969-12-31T23:59:59.0001Z", -1000},
        {"2026-11-23T14:28:00.123456789Z", 1795444080123},
        {"2026-11-23T16:58:00+02:30", 1795444080000},
        {"2026-11-23T07:28:00-07:00", 1795444080000},
        {"2026-11-23t14:28:00z", 1795444080000},
        {"0000-01-01T00:00:00Z", -62167219200000},
        {"9999-12-31T23:59:59Z", 253402300799000},
        {"1900-03-01T00:00:00Z", -2203891200000},
        {"2400-02-29T00:00:00Z", 13574563200000},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        int64_t ms = 42;
        if (kt_time_parse_rfc3339(kt_str(cases[i].text), &ms, NULL) != 0)
            fail_msg("%s is refused", cases[i].text);
        if (ms != cases[i].ms)
            fail_msg("%s is %lld", cases[i].text, (long long)ms);
    }
}

static void test_what_is_no_time_is_refused(void **state KT_UNUSED)
{
    static const char *const bad[] = {
        "",
        "2026-11-23",
        "2026-11-23 14:28:00Z",
        "2026-11-23T14:28:00",
        "2026-11-23T14:28Z",
        "2026-11-23T14:28:00ZZ",
        "2026-11-23T14:28:00Z ",
        " 2026-11-23T14:28:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+02:60",
        "2026-01-01T00:00:00+02",
        "26-01-01T00:00:00Z",
        "12026-01-01T00:00:00Z",
        "+026-01-01T00:00:00Z",
        "2026-1-01T00:00:00Z",
        "2026-01-01T-1:00:00Z",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++) {
        int64_t ms = 42;
        struct kt_error error = {0};
        if (kt_time_parse_rfc3339(kt_str(bad[i]), &ms, &error) != KT_EPARSE || ms != 42)
            fail_msg("\"%s\" is taken as %lld", bad[i], (long long)ms);
        assert_int_equal(error.code, KT_EPARSE);
    }
    int64_t ms;
    assert_int_equal(kt_time_parse_rfc3339((struct kt_str){NULL, 0}, &ms, NULL), KT_EPARSE);
}

/* Every day of 800 years, against the C library's calendar. */
static void test_every_day_agrees_with_the_c_library(void **state KT_UNUSED)
{
    for (int64_t day = -146097; day < 146097; day++) {
        int64_t seconds = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
        time_t time = (time_t)seconds;
        struct tm parts;
        assert_non_null(gmtime_r(&time, &parts));
        char wanted[64];
        strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%SZ", &parts);
        assert_string_equal(as_rfc3339(seconds * 1000), wanted);
        int64_t back;
        assert_int_equal(kt_time_parse_rfc3339(kt_str(wanted), &back, NULL), 0);
        assert_true(back == seconds * 1000);
    }
}

static void test_times_are_written_in_whole_seconds_within_the_calendar(void **state KT_UNUSED)
{
    assert_string_equal(as_rfc3339(1795444080999), "2026-11-23T14:28:00Z");
    assert_string_equal(as_rfc3339(-1), "1969-12-31T23:59:59Z");
    assert_string_equal(as_rfc3339(-62167219200000), "0000-01-01T00:00:00Z");
    assert_string_equal(as_rfc3339(INT64_MIN), "0000-01-01T00:00:00Z");
    assert_string_equal(as_rfc3339(INT64_MAX), "9999-12-31T23:59:59Z");
}

/* Texts made with HumanDuration of k8s.io/apimachinery v0.36.3. */
static void test_ages_are_those_of_kubectl(void **state KT_UNUSED)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {1, "1s"},
        {119, "119s"},
        {120, "2m"},
        {121, "2m1s"},
        {192, "3m12s"},
        {599, "9m59s"},
        {600, "10m"},
        {10799, "179m"},
        {10800, "3h"},
        {10860, "3h1m"},
        {28799, "7h59m"},
        {28800, "8h"},
        {172799, "47h"},
        {172800, "2d"},
        {273600, "3d4h"},
        {691199, "7d23h"},
        {691200, "8d"},
        {63071999, "729d"},
        {63072000, "2y"},
        {63158400, "2y1d"},
        {252287999, "7y364d"},
        {252288000, "8y"},
        {315360000, "10y"},
        {-1, "0s"},
        {-2, "<invalid>"},
        {-100000, "<invalid>"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
        kt_strbuf_init(&buffer, NULL, 100);
        kt_time_write_age(&buffer, cases[i].seconds * 1000);
        assert_string_equal(buffer.data, cases[i].text);
    }
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, NULL, 100);
    kt_time_write_age(&buffer, -1999);
    assert_string_equal(buffer.data, "0s");
    kt_strbuf_clear(&buffer);
    kt_time_write_age(&buffer, INT64_MAX);
    assert_string_equal(buffer.data, "292471208y");
}

static void test_durations_are_read_as_go_does(void **state KT_UNUSED)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"0", 0},
        {"+0", 0},
        {"-0", 0},
        {"30s", 30000},
        {"1h15m", 4500000},
        {"1.5h", 5400000},
        {"-2m", -120000},
        {"+5s", 5000},
        {"100ms", 100},
        {"1500us", 1},
        {"999999ns", 0},
        {"-1999us", -1},
        {"1\xC2\xB5s", 0},
        {"2000\xCE\xBCs", 2},
        {".5s", 500},
        {"5.s", 5000},
        {"1h1m1s1ms", 3661001},
        {"1m1h", 3660000},
        {"0.3333333333333333333h", 1200000 - 1},
        {"2562047h47m16.854s", 9223372036854},
        {"1.0000000000000000000000000000001s", 1000},
    };
    static const char *const bad[] = {
        "",      "3",    "-",      "s",     ".s",       "1",           "1x",
        "1 s",   " 1s",  "1s ",    "1h-1m", "1d",       "1hm",         "--1s",
        "1S",    "1e3s", "1.2.3s", "0x1s",  "2562048h", "9223372037s", "99999999999999999999s",
        "1s\xC2"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(good); i++) {
        int64_t ms = 42;
        if (kt_time_parse_duration(kt_str(good[i].text), &ms, NULL) != 0)
            fail_msg("%s is refused", good[i].text);
        if (ms != good[i].ms)
            fail_msg("%s is %lld", good[i].text, (long long)ms);
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++) {
        int64_t ms = 42;
        struct kt_error error = {0};
        if (kt_time_parse_duration(kt_str(bad[i]), &ms, &error) != KT_EPARSE || ms != 42)
            fail_msg("\"%s\" is taken as %lld", bad[i], (long long)ms);
        assert_int_equal(error.code, KT_EPARSE);
    }
}

static void test_the_system_clock_is_now(void **state KT_UNUSED)
{
    int64_t before = (int64_t)time(NULL) * 1000;
    int64_t now = kt_clock_wall_ms(&kt_clock_system);
    assert_true(now >= before - 1000 && now < before + 60000);
    int64_t first = kt_clock_monotonic_ms(&kt_clock_system);
    assert_true(kt_clock_monotonic_ms(&kt_clock_system) >= first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_read),
        cmocka_unit_test(test_what_is_no_time_is_refused),
        cmocka_unit_test(test_every_day_agrees_with_the_c_library),
        cmocka_unit_test(test_times_are_written_in_whole_seconds_within_the_calendar),
        cmocka_unit_test(test_ages_are_those_of_kubectl),
        cmocka_unit_test(test_durations_are_read_as_go_does),
        cmocka_unit_test(test_the_system_clock_is_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
