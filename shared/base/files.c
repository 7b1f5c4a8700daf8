/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"

#define READ_STEP_BYTES ((size_t)(64 * KT_KIB))

static int code_of_errno(int number)
{
    if (number == ENOENT || number == ENOTDIR)
        return KT_ENOTFOUND;
    return number == EACCES || number == EPERM ? KT_EFORBIDDEN : KT_EIO;
}

static int fail_with_errno(struct kt_error *error, const char *name)
{
    int number = errno;
    char reason[128];
    return kt_error_set(error, code_of_errno(number), "cannot read %s: %s", name,
                        strerror_r(number, reason, sizeof(reason)));
}

int kt_files_read_fd(struct kt_arena *arena, int fd, const char *name, size_t limit_bytes, struct kt_str *ret,
                     struct kt_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return fail_with_errno(error, name);
    if (S_ISDIR(status.st_mode))
        return kt_error_set(error, KT_EINVAL, "cannot read %s: it is a directory", name);
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, limit_bytes + READ_STEP_BYTES);
    /* The size is a hint only: a FIFO has none and a file may grow. */
    if (S_ISREG(status.st_mode) && status.st_size > 0 && (uint64_t)status.st_size <= limit_bytes)
        kt_strbuf_reserve(&buffer, (size_t)status.st_size + 1);
    for (;;) {
        if (buffer.length > limit_bytes)
            return kt_error_set(error, KT_ELIMIT, "cannot read %s: it is larger than the limit of %zu bytes", name,
                                limit_bytes);
        size_t room = buffer.capacity > buffer.length + 1 ? buffer.capacity - buffer.length - 1 : 0;
        if (room == 0) {
            if (!kt_strbuf_reserve(&buffer, READ_STEP_BYTES))
                return kt_error_set(error, KT_ENOMEM, "cannot read %s: not enough memory", name);
            room = buffer.capacity - buffer.length - 1;
        }
        ssize_t got = read(fd, buffer.data + buffer.length, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_with_errno(error, name);
        if (got == 0)
            break;
        buffer.length += (size_t)got;
        buffer.data[buffer.length] = '\0';
    }
    *ret = kt_strbuf_view(&buffer);
    return 0;
}

static int read_system_file(void *context KT_UNUSED, struct kt_arena *arena, const char *path, size_t limit_bytes,
                            struct kt_str *ret, struct kt_error *error)
{
    KT_CLEANUP(kt_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_with_errno(error, path);
    return kt_files_read_fd(arena, fd, path, limit_bytes, ret, error);
}

const struct kt_files kt_files_system = {read_system_file, NULL};
