/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world as the library may see it: variables, files and time. The library itself never reads any of them; a program
 * passes its own (environ, kt_files_system, kt_clock_system), a test passes what it wants.
 */
#ifndef KT_KUBE_ENVIRONMENT_H
#define KT_KUBE_ENVIRONMENT_H

#include "base/clock.h"
#include "base/files.h"

struct kt_environment {
    /* "NAME=value", NULL-terminated, as `environ`. NULL: no variables. An exec credential plugin inherits all. */
    const char *const *variables;
    const struct kt_files *files;
    const struct kt_clock *clock;
    /* Standard input is a terminal and nothing else reads it: an exec credential plugin may ask the user there. */
    bool stdin_is_terminal;
};

/* Value of a variable, or NULL. An empty value is a value. */
const char *kt_environment_get(const struct kt_environment *environment, const char *name);

#endif
