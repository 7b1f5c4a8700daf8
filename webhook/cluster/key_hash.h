/* SPDX-License-Identifier: Apache-2.0 */
/* Hash of a namespace and a name (FNV-1a, 64 bits), for the tables of this folder. */
#ifndef KT_WEBHOOK_CLUSTER_KEY_HASH_H
#define KT_WEBHOOK_CLUSTER_KEY_HASH_H

#include "base/base.h"

#define KT_HASH_START UINT64_C(0xcbf29ce484222325)
#define KT_HASH_FACTOR UINT64_C(0x100000001b3)

static inline uint64_t kt_hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * KT_HASH_FACTOR;
    return hash * KT_HASH_FACTOR; /* as if for a NUL: so that "a", "bc" and "ab", "c" differ */
}

static inline uint64_t kt_key_hash(const char *namespace_, const char *name)
{
    return kt_hash_text(kt_hash_text(KT_HASH_START, namespace_), name);
}

#endif
