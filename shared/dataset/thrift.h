/* SPDX-License-Identifier: Apache-2.0 */
/* Thrift's compact protocol, as far as a Parquet footer needs it: a cursor over bytes that are not trusted. */
#ifndef KT_DATASET_THRIFT_H
#define KT_DATASET_THRIFT_H

#include "base/str.h"

enum kt_thrift_type {
    KT_THRIFT_STOP,
    KT_THRIFT_TRUE,
    KT_THRIFT_FALSE,
    KT_THRIFT_BYTE,
    KT_THRIFT_I16,
    KT_THRIFT_I32,
    KT_THRIFT_I64,
    KT_THRIFT_DOUBLE,
    KT_THRIFT_BINARY,
    KT_THRIFT_LIST,
    KT_THRIFT_SET,
    KT_THRIFT_MAP,
    KT_THRIFT_STRUCT,
};

struct kt_thrift {
    struct kt_str rest;
    bool failed; /* the bytes end too early or are none of this protocol; all that is read afterwards is 0 */
};

struct kt_thrift_field {
    enum kt_thrift_type type; /* KT_THRIFT_STOP: the struct has no further one */
    int64_t id;
};

/* The next field of a struct. id: of the field before it, 0 for the first. */
struct kt_thrift_field kt_thrift_field(struct kt_thrift *thrift, int64_t id);
int64_t kt_thrift_integer(struct kt_thrift *thrift); /* of I16, I32 and I64 */
struct kt_str kt_thrift_binary(struct kt_thrift *thrift);
/* How many items; never more than there are bytes for. */
uint64_t kt_thrift_list(struct kt_thrift *thrift, enum kt_thrift_type *ret_type);
/* Passes over a value of a struct's field. */
void kt_thrift_skip(struct kt_thrift *thrift, enum kt_thrift_type type);

#endif
