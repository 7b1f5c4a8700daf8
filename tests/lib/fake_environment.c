/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_environment.h"

static int read_fake(void *context, struct kt_arena *arena, const char *path, size_t limit_bytes, struct kt_str *ret,
                     struct kt_error *error)
{
    const struct kt_fake_environment *fake = context;
    for (const struct kt_fake_file *file = fake->files; file->path; file++) {
        if (!kt_streq(file->path, path))
            continue;
        if (!file->text)
            return kt_error_set(error, KT_EFORBIDDEN, "cannot read %s: Permission denied", path);
        if (strlen(file->text) > limit_bytes)
            return kt_error_set(error, KT_ELIMIT, "cannot read %s: it is too large", path);
        *ret = kt_arena_str(arena, kt_str(file->text));
        return arena->failed ? kt_error_set(error, KT_ENOMEM, "not enough memory") : 0;
    }
    return kt_error_set(error, KT_ENOTFOUND, "cannot read %s: No such file or directory", path);
}

const struct kt_environment *kt_fake_environment(struct kt_fake_environment *fake)
{
    fake->reader = (struct kt_files){read_fake, fake};
    fake->environment =
        (struct kt_environment){.variables = fake->variables, .files = &fake->reader, .clock = &kt_clock_system};
    return &fake->environment;
}
