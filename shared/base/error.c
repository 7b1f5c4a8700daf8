/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    enum kt_error_code code;
    const char *name;
} error_names[] = {
    {KT_OK, "ok"},
    {KT_EINVAL, "invalid"},
    {KT_EPARSE, "parse"},
    {KT_ENOMEM, "no-memory"},
    {KT_ELIMIT, "limit"},
    {KT_EIO, "io"},
    {KT_ENOTFOUND, "not-found"},
    {KT_ECONFLICT, "conflict"},
    {KT_EGONE, "gone"},
    {KT_EAUTH, "unauthorized"},
    {KT_EFORBIDDEN, "forbidden"},
    {KT_EREFUSED, "refused"},
    {KT_ETIMEOUT, "timeout"},
    {KT_EUNAVAILABLE, "unavailable"},
    {KT_ETLS, "tls"},
    {KT_EINTERNAL, "internal"},
    {KT_EINTERRUPTED, "interrupted"},
};

/* Replaces the tail of a full buffer by "...", without splitting a UTF-8 character. */
static void mark_cut(char *buffer, size_t size)
{
    size_t end = size - 4;
    while (end > 0 && ((unsigned char)buffer[end] & 0xC0) == 0x80)
        end--;
    memcpy(buffer + end, "...", 4);
}

int kt_error_set(struct kt_error *error, enum kt_error_code code, const char *format, ...)
{
    if (!error)
        return code;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    if (length < 0)
        error->message[0] = '\0';
    else if ((size_t)length >= sizeof(error->message))
        mark_cut(error->message, sizeof(error->message));
    error->code = code;
    return code;
}

int kt_error_wrap(struct kt_error *error, const char *format, ...)
{
    if (!error)
        return KT_EINTERNAL;
    char inner[sizeof(error->message)];
    memcpy(inner, error->message, sizeof(inner));
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    size_t used = length < 0 ? 0 : KT_MIN((size_t)length, sizeof(error->message) - 1);
    int rest = snprintf(error->message + used, sizeof(error->message) - used, ": %s", inner);
    if (rest < 0 || used + (size_t)rest >= sizeof(error->message))
        mark_cut(error->message, sizeof(error->message));
    return error->code;
}

const char *kt_error_name(enum kt_error_code code)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(error_names); i++)
        if (error_names[i].code == code)
            return error_names[i].name;
    return "unknown";
}
