/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as they are kept: the parts that the tables name (workload/kinds.h), as bytes. A tree of cJSON takes 64 bytes
 * a node, four times what the node says; so a tree is made only while somebody looks at it, in a few microseconds, and
 * its texts stay where they are in the bytes. Two states that say the same, resource version aside, have the same
 * bytes.
 */
#ifndef KT_WEBHOOK_CLUSTER_STORE_PACK_H
#define KT_WEBHOOK_CLUSTER_STORE_PACK_H

#include "webhook/cluster/store.h"

/* Does the store keep objects like this one at all? (Of ConfigMaps those that hold a training or inference config: a
 * cluster has one in every namespace that is none of ours.) */
bool kt_store_wants(enum kt_kind_id kind, const cJSON *object);

struct kt_packed {
    const char *bytes;
    size_t length;
    size_t nodes;
    const char *version; /* text of metadata.resourceVersion; "" when it is absent or no string */
};

/* Appends the bytes to the buffer; ret->bytes points into it, ret->version into the object. False without memory,
 * beyond the buffer's limit and for a tree deeper than KT_LIMIT_TREE_DEPTH. */
bool kt_store_pack(enum kt_kind_id kind, const cJSON *object, struct kt_strbuf *buffer,
                   struct kt_packed *ret) KT_NODISCARD;
/* The same of a whole tree. */
bool kt_store_pack_whole(const cJSON *tree, struct kt_strbuf *buffer, struct kt_packed *ret) KT_NODISCARD;
/* Makes the tree in nodes[packed->nodes]; its texts point into bytes and version. Read-only. */
void kt_store_unpack(const struct kt_packed *packed, cJSON *nodes);

#endif
