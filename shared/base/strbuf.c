/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What data points to before the first add: a NUL that nobody writes to, because capacity is 0. */
static char empty[1];

void kt_strbuf_init(struct kt_strbuf *buffer, struct kt_arena *arena, size_t limit_bytes)
{
    *buffer = (struct kt_strbuf){.data = empty, .limit_bytes = limit_bytes, .arena = arena};
}

void kt_strbuf_release(struct kt_strbuf *buffer)
{
    if (buffer->capacity > 0 && !buffer->arena)
        kt_heap_free(buffer->data);
    kt_strbuf_init(buffer, buffer->arena, buffer->limit_bytes);
}

void kt_strbuf_clear(struct kt_strbuf *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->capacity > 0)
        buffer->data[0] = '\0';
}

static bool grow(struct kt_strbuf *buffer, size_t needed)
{
    size_t capacity = KT_MAX(needed, KT_MIN(buffer->capacity * 2, buffer->limit_bytes + 1));
    capacity = KT_MAX(capacity, (size_t)64);
    char *data;
    if (buffer->arena) {
        data = kt_arena_alloc(buffer->arena, capacity);
        if (data)
            memcpy(data, buffer->data, buffer->length + 1);
    } else {
        data = kt_heap_realloc(buffer->capacity > 0 ? buffer->data : NULL, capacity);
        if (data && buffer->capacity == 0)
            data[0] = '\0';
    }
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool kt_strbuf_reserve(struct kt_strbuf *buffer, size_t extra)
{
    if (buffer->failed)
        return false;
    if (extra > buffer->limit_bytes || buffer->length > buffer->limit_bytes - extra) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->length + extra + 1;
    return needed <= buffer->capacity || grow(buffer, needed);
}

void kt_strbuf_add(struct kt_strbuf *buffer, const char *data, size_t length)
{
    if (length == 0 || !kt_strbuf_reserve(buffer, length))
        return;
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void kt_strbuf_add_str(struct kt_strbuf *buffer, struct kt_str text)
{
    kt_strbuf_add(buffer, text.data, text.length);
}

void kt_strbuf_puts(struct kt_strbuf *buffer, const char *text)
{
    kt_strbuf_add(buffer, text, strlen(text));
}

void kt_strbuf_putc(struct kt_strbuf *buffer, char byte)
{
    if (!kt_strbuf_reserve(buffer, 1))
        return;
    buffer->data[buffer->length++] = byte;
    buffer->data[buffer->length] = '\0';
}

void kt_strbuf_printf(struct kt_strbuf *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        buffer->failed = true;
    else if (kt_strbuf_reserve(buffer, (size_t)length)) {
        if (length > 0) {
            vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
            buffer->length += (size_t)length;
        }
    }
    va_end(again);
}
