/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/environment.h"

#include <string.h>

const char *kt_environment_get(const struct kt_environment *environment, const char *name)
{
    size_t length = strlen(name);
    for (const char *const *entry = environment->variables; entry && *entry; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}
