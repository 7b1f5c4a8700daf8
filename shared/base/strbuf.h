/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A string that grows, up to a limit that must be given. data is never NULL and always NUL-terminated. The first add
 * that fails (no memory, limit) sets `failed`; later adds do nothing, so a caller checks once at the end.
 */
#ifndef KT_BASE_STRBUF_H
#define KT_BASE_STRBUF_H

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"

struct kt_strbuf {
    char *data;
    size_t length;
    size_t capacity; /* 0 while data points to a shared empty string */
    size_t limit_bytes;
    struct kt_arena *arena; /* NULL: memory comes from the heap and kt_strbuf_release frees it */
    bool failed;
};

void kt_strbuf_init(struct kt_strbuf *buffer, struct kt_arena *arena, size_t limit_bytes);
/* Frees heap memory; nothing to do for an arena. Accepts a zeroed buffer. For KT_CLEANUP. */
void kt_strbuf_release(struct kt_strbuf *buffer);
/* Empties but keeps the memory. */
void kt_strbuf_clear(struct kt_strbuf *buffer);

void kt_strbuf_add(struct kt_strbuf *buffer, const char *data, size_t length);
void kt_strbuf_add_str(struct kt_strbuf *buffer, struct kt_str text);
void kt_strbuf_puts(struct kt_strbuf *buffer, const char *text);
void kt_strbuf_putc(struct kt_strbuf *buffer, char byte);
void kt_strbuf_printf(struct kt_strbuf *buffer, const char *format, ...) KT_PRINTF(2, 3);
/* Makes room for `extra` more bytes; false when that fails. */
bool kt_strbuf_reserve(struct kt_strbuf *buffer, size_t extra);

static inline struct kt_str kt_strbuf_view(const struct kt_strbuf *buffer)
{
    return (struct kt_str){buffer->data, buffer->length};
}

#endif
