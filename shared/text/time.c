/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar arithmetic of our own: timegm and strptime depend on the platform's time_t, and strptime on the locale. */
#include "text/time.h"

#define MS_PER_SECOND ((int64_t)1000)
#define SECONDS_PER_DAY ((int64_t)86400)
#define DAYS_PER_ERA 146097 /* 400 years */
/* Days from 0000-03-01 to 1970-01-01. The year of this arithmetic starts in March, so that the leap day is its last. */
#define DAYS_TO_1970 719468

static const int64_t first_second = -62167219200; /* 0000-01-01T00:00:00Z */
static const int64_t last_second = 253402300799;  /* 9999-12-31T23:59:59Z */

/* Division that rounds towards the past for negative numbers too. */
static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted_year = month > 2 ? year : year - 1;
    int64_t shifted_month = month > 2 ? month - 3 : month + 9;
    int64_t era = floor_divide(shifted_year, 400);
    int64_t year_of_era = shifted_year - era * 400;
    int64_t day_of_year = (153 * shifted_month + 2) / 5 + day - 1; /* months from March: 31 30 31 30 31, 31 30 ... */
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

struct date {
    int64_t year, month, day;
};

static struct date date_of_days(int64_t days)
{
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = floor_divide(shifted, DAYS_PER_ERA);
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    return (struct date){year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* --- RFC 3339 ----------------------------------------------------------------------------------------------------- */

/* Takes exactly `digits` digits off the front. */
static bool take_number(struct kt_str *text, size_t digits, int64_t *ret)
{
    if (text->length < digits)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!kt_ascii_is_digit(text->data[i]))
            return false;
        value = value * 10 + (text->data[i] - '0');
    }
    text->data += digits;
    text->length -= digits;
    *ret = value;
    return true;
}

static bool take_char(struct kt_str *text, char wanted)
{
    if (text->length == 0 || text->data[0] != wanted)
        return false;
    text->data++;
    text->length--;
    return true;
}

/* ".5" is 500; digits beyond the third are checked and dropped. */
static bool take_fraction(struct kt_str *text, int64_t *ret_ms)
{
    int64_t ms = 0, unit = 100, digit;
    if (!take_char(text, '.'))
        return true;
    if (!take_number(text, 1, &digit))
        return false;
    do {
        ms += digit * unit;
        unit /= 10;
    } while (take_number(text, 1, &digit));
    *ret_ms = ms;
    return true;
}

static bool take_offset(struct kt_str *text, int64_t *ret_seconds)
{
    if (take_char(text, 'Z') || take_char(text, 'z')) {
        *ret_seconds = 0;
        return true;
    }
    bool west = text->length > 0 && text->data[0] == '-';
    int64_t hours, minutes;
    if (!take_char(text, '+') && !take_char(text, '-'))
        return false;
    if (!take_number(text, 2, &hours) || !take_char(text, ':') || !take_number(text, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *ret_seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

static bool parse_rfc3339(struct kt_str text, int64_t *ret_ms)
{
    int64_t year, month, day, hour, minute, second, ms = 0, offset;
    if (!take_number(&text, 4, &year) || !take_char(&text, '-') || !take_number(&text, 2, &month) ||
        !take_char(&text, '-') || !take_number(&text, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    if (!take_char(&text, 'T') && !take_char(&text, 't'))
        return false;
    if (!take_number(&text, 2, &hour) || !take_char(&text, ':') || !take_number(&text, 2, &minute) ||
        !take_char(&text, ':') || !take_number(&text, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    if (!take_fraction(&text, &ms) || !take_offset(&text, &offset) || text.length > 0)
        return false;
    int64_t seconds = days_of_date(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
    *ret_ms = seconds * MS_PER_SECOND + ms;
    return true;
}

int kt_time_parse_rfc3339(struct kt_str text, int64_t *ret_ms, struct kt_error *error)
{
    if (parse_rfc3339(text, ret_ms))
        return 0;
    return kt_error_set(error, KT_EPARSE, "not a time such as 2026-11-23T14:28:00Z");
}

void kt_time_write_rfc3339(struct kt_strbuf *buffer, int64_t ms)
{
    int64_t seconds = floor_divide(ms, MS_PER_SECOND);
    seconds = KT_MAX(first_second, KT_MIN(seconds, last_second));
    int64_t days = floor_divide(seconds, SECONDS_PER_DAY);
    int64_t second_of_day = seconds - days * SECONDS_PER_DAY;
    struct date date = date_of_days(days);
    kt_strbuf_printf(buffer, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)date.year, (int)date.month, (int)date.day,
                     (int)(second_of_day / 3600), (int)(second_of_day / 60 % 60), (int)(second_of_day % 60));
}

/* --- ages --------------------------------------------------------------------------------------------------------- */

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * (int64_t)DAY)

/* How finely an age is told: the first row whose bound it stays below. The bounds are those of HumanDuration in
 * k8s.io/apimachinery pkg/util/duration v0.36, which kubectl's AGE column uses. */
static const struct {
    int64_t below_seconds; /* 0: no bound */
    int64_t unit_seconds;
    char unit;
    char rest_unit; /* '\0': the rest is not told */
    int64_t rest_seconds;
} age_rows[] = {
    {2 * MINUTE, 1, 's', '\0', 0},      {10 * MINUTE, MINUTE, 'm', 's', 1}, {3 * HOUR, MINUTE, 'm', '\0', 0},
    {8 * HOUR, HOUR, 'h', 'm', MINUTE}, {2 * DAY, HOUR, 'h', '\0', 0},      {8 * DAY, DAY, 'd', 'h', HOUR},
    {2 * YEAR, DAY, 'd', '\0', 0},      {8 * YEAR, YEAR, 'y', 'd', DAY},    {0, YEAR, 'y', '\0', 0},
};

void kt_time_write_age(struct kt_strbuf *buffer, int64_t age_ms)
{
    int64_t seconds = age_ms / MS_PER_SECOND; /* towards 0, as Go's int() does */
    if (seconds < -1) {
        kt_strbuf_puts(buffer, "<invalid>");
        return;
    }
    seconds = KT_MAX(seconds, (int64_t)0);
    size_t row = 0;
    while (age_rows[row].below_seconds > 0 && seconds >= age_rows[row].below_seconds)
        row++;
    kt_strbuf_printf(buffer, "%lld%c", (long long)(seconds / age_rows[row].unit_seconds), age_rows[row].unit);
    if (age_rows[row].rest_unit == '\0')
        return;
    int64_t rest = seconds % age_rows[row].unit_seconds / age_rows[row].rest_seconds;
    if (rest > 0)
        kt_strbuf_printf(buffer, "%lld%c", (long long)rest, age_rows[row].rest_unit);
}
