/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KT_TEXT_CLEAN_PATH_H
#define KT_TEXT_CLEAN_PATH_H

#include "base/arena.h"

/* What Go's path.Clean makes of an absolute path: no "//", "." or "..", and no slash at the end but that of "/". In the
 * arena; NULL without memory. */
const char *kt_clean_path(struct kt_arena *arena, const char *path);

#endif
