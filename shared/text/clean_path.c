/* SPDX-License-Identifier: Apache-2.0 */
#include "text/clean_path.h"

const char *kt_clean_path(struct kt_arena *arena, const char *path)
{
    char *cleaned = kt_arena_alloc(arena, strlen(path) + 2);
    size_t used = 0;
    if (!cleaned)
        return NULL;
    for (const char *at = path; *at;) {
        size_t part = strcspn(at, "/");
        if (part == 2 && strncmp(at, "..", 2) == 0) {
            while (used > 0 && cleaned[--used] != '/')
                ;
        } else if (part > 0 && !(part == 1 && *at == '.')) {
            cleaned[used++] = '/';
            memcpy(cleaned + used, at, part);
            used += part;
        }
        at += part;
        at += strspn(at, "/");
    }
    if (used == 0)
        cleaned[used++] = '/';
    cleaned[used] = '\0';
    return cleaned;
}
