/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults: something broke (no memory, unreadable file, refused connection). One at a time, handed up and wrapped with
 * context. What is wrong with a user's object is not a fault but a finding (admission/findings.h); the two never mix.
 *
 * Convention: a function that can fail returns 0 or a negative enum kt_error_code, takes a struct kt_error as its last
 * parameter, leaves it untouched on success, and writes its ret_* parameters only on success.
 */
#ifndef KT_BASE_ERROR_H
#define KT_BASE_ERROR_H

#include "base/base.h"

enum kt_error_code {
    KT_OK = 0,
    KT_EINVAL = -1,        /* an argument or input has a bad value */
    KT_EPARSE = -2,        /* text does not follow its grammar */
    KT_ENOMEM = -3,        /* no memory */
    KT_ELIMIT = -4,        /* a named limit of base/limits.h is reached */
    KT_EIO = -5,           /* reading, writing or connecting failed */
    KT_ENOTFOUND = -6,     /* a file, object, context or resource type does not exist */
    KT_ECONFLICT = -7,     /* HTTP 409 */
    KT_EGONE = -8,         /* HTTP 410: a resource version is too old */
    KT_EAUTH = -9,         /* HTTP 401, or credentials cannot be had */
    KT_EFORBIDDEN = -10,   /* HTTP 403 */
    KT_EREFUSED = -11,     /* HTTP 422 or an admission webhook said no */
    KT_ETIMEOUT = -12,     /* a deadline passed */
    KT_EUNAVAILABLE = -13, /* the server is down, overloaded (429, 5xx) or not reachable */
    KT_ETLS = -14,         /* certificate or handshake trouble */
    KT_EINTERNAL = -15,    /* a promise of our own code is broken */
    KT_EINTERRUPTED = -16, /* the user asked to stop */
};

struct kt_error {
    enum kt_error_code code;
    /* A whole sentence part without a full stop: what, where and what to do. Always NUL-terminated UTF-8. */
    char message[1536];
};

/* Fills *error (which may be NULL) and returns code, so that a caller can write `return kt_error_set(...)`. A message
 * that does not fit is cut at a character boundary and ends with "...". */
int kt_error_set(struct kt_error *error, enum kt_error_code code, const char *format, ...) KT_PRINTF(3, 4);

/* Puts "context: " before the message that is there. Returns the code of *error. */
int kt_error_wrap(struct kt_error *error, const char *format, ...) KT_PRINTF(2, 3);

/* A stable lower-case word for logs and JSON: "invalid", "not-found", ... Never NULL. */
const char *kt_error_name(enum kt_error_code code);

#endif
