/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "text/json.h"
#include "text/time.h"

#define LINE_LIMIT_BYTES ((size_t)(64 * KT_KIB))
/* More than there are messages in this program; what is beyond shares the last. */
#define KINDS 96

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static atomic_int minimum_level = KT_LOG_INFO;

/* Lines with one message. */
static struct kind {
    const char *message; /* a constant of the program; NULL: free, and so are those behind */
    int64_t window_start_ms;
    unsigned long long written, left_out; /* in this window */
} kinds[KINDS];
static pthread_mutex_t kinds_lock = PTHREAD_MUTEX_INITIALIZER;
static const struct kt_clock *kinds_clock = &kt_clock_system;

void kt_log_set_level(enum kt_log_level level)
{
    atomic_store(&minimum_level, (int)level);
}

bool kt_log_enabled(enum kt_log_level level)
{
    return (int)level >= atomic_load_explicit(&minimum_level, memory_order_relaxed);
}

bool kt_log_parse_level(const char *text, enum kt_log_level *ret)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(level_names); i++) {
        if (kt_streq(text, level_names[i])) {
            *ret = (enum kt_log_level)i;
            return true;
        }
    }
    return false;
}

static void write_whole(const char *data, size_t length)
{
    while (length > 0) {
        ssize_t done = write(STDERR_FILENO, data, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        data += done;
        length -= (size_t)done;
    }
}

/* Cut at a character's boundary. */
static struct kt_str cut(const char *value)
{
    struct kt_str text = {value, strnlen(value, KT_LOG_VALUE_BYTES + 1)};
    if (text.length <= KT_LOG_VALUE_BYTES)
        return text;
    for (text.length = KT_LOG_VALUE_BYTES; text.length > 0 && ((unsigned char)value[text.length] & 0xc0) == 0x80;)
        text.length--;
    return text;
}

static void add_pair(struct kt_strbuf *line, const char *name, const char *value)
{
    kt_strbuf_putc(line, ',');
    kt_json_write_string(line, kt_str(name));
    kt_strbuf_putc(line, ':');
    kt_json_write_string(line, cut(value));
}

static void begin_line(struct kt_strbuf *line, enum kt_log_level level, const char *message)
{
    kt_strbuf_init(line, NULL, LINE_LIMIT_BYTES);
    kt_strbuf_puts(line, "{\"ts\":\"");
    kt_time_write_rfc3339(line, kt_clock_wall_ms(&kt_clock_system));
    kt_strbuf_printf(line, "\",\"level\":\"%s\",\"msg\":", level_names[level]);
    kt_json_write_string(line, kt_str(message));
}

static void end_line(struct kt_strbuf *line)
{
    kt_strbuf_puts(line, "}\n");
    if (!line->failed)
        write_whole(line->data, line->length);
}

/* --- how many of a kind --------------------------------------------------------------------------------------------
 */

static struct kind *kind_of(const char *message)
{
    size_t i = 0;
    while (i < KINDS - 1 && kinds[i].message && kinds[i].message != message)
        i++;
    if (!kinds[i].message)
        kinds[i].message = message;
    return &kinds[i];
}

static void tell_left_out(const char *message, unsigned long long count)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf line;
    begin_line(&line, KT_LOG_WARNING, "lines were left out");
    add_pair(&line, "line", message);
    kt_strbuf_printf(&line, ",\"count\":%llu", count);
    end_line(&line);
}

/* Under the lock. Begins a new window when the old one is over; how many lines that one left out. */
static unsigned long long turn_window(struct kind *kind, int64_t now_ms)
{
    unsigned long long left_out = kind->left_out;
    if (kind->written > 0 && now_ms - kind->window_start_ms < KT_LOG_WINDOW_MS)
        return 0;
    *kind = (struct kind){.message = kind->message, .window_start_ms = now_ms};
    return left_out;
}

/* May one more line of this kind be written? */
static bool may_write(const char *message)
{
    int64_t now_ms = kt_clock_monotonic_ms(kinds_clock);
    pthread_mutex_lock(&kinds_lock);
    struct kind *kind = kind_of(message);
    const char *first = kind->message;
    unsigned long long left_out = turn_window(kind, now_ms);
    bool room = kind->written < KT_LOG_LINES_MOST;
    kind->written += room;
    kind->left_out += !room;
    pthread_mutex_unlock(&kinds_lock);
    if (left_out > 0)
        tell_left_out(first, left_out);
    return room;
}

void kt_log_sum_up(bool all)
{
    int64_t now_ms = kt_clock_monotonic_ms(kinds_clock);
    for (size_t i = 0; i < KINDS; i++) {
        pthread_mutex_lock(&kinds_lock);
        const char *message = kinds[i].message;
        bool is_due = message && kinds[i].left_out > 0;
        unsigned long long left_out = is_due ? turn_window(&kinds[i], all ? INT64_MAX : now_ms) : 0;
        pthread_mutex_unlock(&kinds_lock);
        if (left_out > 0)
            tell_left_out(message, left_out);
    }
}

void kt_log_set_clock(const struct kt_clock *clock)
{
    pthread_mutex_lock(&kinds_lock);
    memset(kinds, 0, sizeof(kinds));
    kinds_clock = clock ? clock : &kt_clock_system;
    pthread_mutex_unlock(&kinds_lock);
}

void kt_log(enum kt_log_level level, const char *message, ...)
{
    if (!kt_log_enabled(level) || !may_write(message))
        return;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf line;
    begin_line(&line, level, message);
    va_list pairs;
    va_start(pairs, message);
    for (const char *name = va_arg(pairs, const char *); name; name = va_arg(pairs, const char *)) {
        const char *value = va_arg(pairs, const char *);
        if (value)
            add_pair(&line, name, value);
    }
    va_end(pairs);
    end_line(&line);
}
