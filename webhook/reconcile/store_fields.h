/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store keeps of each kind of object, as tables. Members not named are left out. A field without fields inside
 * is kept whole; the fields inside an array are those of each of its items. A table ends with an empty row.
 */
#ifndef KT_WEBHOOK_RECONCILE_STORE_FIELDS_H
#define KT_WEBHOOK_RECONCILE_STORE_FIELDS_H

#include "webhook/reconcile/store.h"

enum kt_field_how {
    KT_KEEP,
    KT_KEEP_CUT,     /* a text, cut at KT_STORE_TEXT_BYTES */
    KT_KEEP_READY,   /* of an array those items whose type is "Ready" */
    KT_KEEP_VERSION, /* metadata.resourceVersion: no difference between two states */
    KT_DROP,         /* only in a table that ends with KT_OTHERS */
    KT_OTHERS,       /* every member not named before */
    KT_OTHERS_GPU,   /* every member with "gpu" in its name */
};

struct kt_field {
    const char *key;
    const struct kt_field *inside;
    enum kt_field_how how;
};

extern const struct kt_field *const kt_store_fields[KT_STORED_KINDS];

/* Messages beyond this are cut, except in a Workspace's own status, which is compared with what would be written. */
#define KT_STORE_TEXT_BYTES ((size_t)4096)

/* Texts that nearly every object has, kept once for all: number of one, or -1; and the text of a number (NULL: no such
 * number). */
int kt_common_text_find(const char *text);
const char *kt_common_text(unsigned number);

#endif
