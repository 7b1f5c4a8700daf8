/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, with padding), for JSON Patches in answers and data in kubeconfigs. */
#ifndef KT_TEXT_BASE64_H
#define KT_TEXT_BASE64_H

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"

void kt_base64_encode(struct kt_strbuf *buffer, struct kt_str data);
/* White space is skipped, as kubectl does; padding is demanded. NUL-terminated beyond its length. KT_EPARSE, KT_ENOMEM.
 */
int kt_base64_decode(struct kt_arena *arena, struct kt_str text, struct kt_str *ret,
                     struct kt_error *error) KT_NODISCARD;

#endif
