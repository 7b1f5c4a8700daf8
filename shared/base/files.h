/* SPDX-License-Identifier: Apache-2.0 */
/* Reading files as an interface, so that the library itself never chooses where bytes come from. */
#ifndef KT_BASE_FILES_H
#define KT_BASE_FILES_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct kt_files {
    /* Reads a whole regular file, FIFO or device ("-" is not special). NUL-terminated beyond ret->length, in the arena.
     * KT_ENOTFOUND, KT_EFORBIDDEN, KT_EINVAL (a directory), KT_ELIMIT (more than limit_bytes), KT_ENOMEM or KT_EIO,
     * with the path in the message. */
    int (*read)(void *context, struct kt_arena *arena, const char *path, size_t limit_bytes, struct kt_str *ret,
                struct kt_error *error);
    void *context;
};

extern const struct kt_files kt_files_system;

/* Reads an open file descriptor to its end under the same rules; name is what messages call it. */
int kt_files_read_fd(struct kt_arena *arena, int fd, const char *name, size_t limit_bytes, struct kt_str *ret,
                     struct kt_error *error) KT_NODISCARD;

#endif
