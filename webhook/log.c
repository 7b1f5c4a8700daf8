/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "text/json.h"
#include "text/time.h"

#define LINE_LIMIT_BYTES ((size_t)(64 * KT_KIB))

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static atomic_int minimum_level = KT_LOG_INFO;

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

static void add_pair(struct kt_strbuf *line, const char *name, const char *value)
{
    kt_strbuf_putc(line, ',');
    kt_json_write_string(line, kt_str(name));
    kt_strbuf_putc(line, ':');
    kt_json_write_string(line, kt_str(value));
}

void kt_log(enum kt_log_level level, const char *message, ...)
{
    if (!kt_log_enabled(level))
        return;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf line;
    kt_strbuf_init(&line, NULL, LINE_LIMIT_BYTES);
    kt_strbuf_puts(&line, "{\"ts\":\"");
    kt_time_write_rfc3339(&line, kt_clock_wall_ms(&kt_clock_system));
    kt_strbuf_printf(&line, "\",\"level\":\"%s\",\"msg\":", level_names[level]);
    kt_json_write_string(&line, kt_str(message));
    va_list pairs;
    va_start(pairs, message);
    for (const char *name = va_arg(pairs, const char *); name; name = va_arg(pairs, const char *)) {
        const char *value = va_arg(pairs, const char *);
        if (value)
            add_pair(&line, name, value);
    }
    va_end(pairs);
    kt_strbuf_puts(&line, "}\n");
    if (!line.failed)
        write_whole(line.data, line.length);
}
