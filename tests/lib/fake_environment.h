/* SPDX-License-Identifier: Apache-2.0 */
/* An environment of a test's own: variables, files by path, and the real clock. */
#ifndef KT_TESTS_LIB_FAKE_ENVIRONMENT_H
#define KT_TESTS_LIB_FAKE_ENVIRONMENT_H

#include "kube/environment.h"

struct kt_fake_file {
    const char *path;
    const char *text; /* NULL: it is there but may not be read */
};

struct kt_fake_environment {
    const char *variables[32];     /* "NAME=value", NULL-terminated */
    struct kt_fake_file files[32]; /* ends with a path of NULL */
    struct kt_files reader;
    struct kt_environment environment;
};

/* Prepares fake->environment; variables and files may still change afterwards. */
const struct kt_environment *kt_fake_environment(struct kt_fake_environment *fake);

#endif
