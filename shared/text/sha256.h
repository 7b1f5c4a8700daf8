/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 as lower-case hex digits. */
#ifndef KT_TEXT_SHA256_H
#define KT_TEXT_SHA256_H

#include "base/error.h"
#include "base/str.h"

#define KT_SHA256_HEX_BYTES 65 /* 64 hex digits and a NUL */

/* KT_ENOMEM when the library cannot work, which happens only without memory. */
int kt_sha256_hex(struct kt_str text, char ret[KT_SHA256_HEX_BYTES], struct kt_error *error) KT_NODISCARD;

#endif
