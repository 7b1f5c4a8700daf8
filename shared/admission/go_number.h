/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in text as Go's strconv reads them, because upstream's verdict on a label or a strength rests on it. */
#ifndef KT_ADMISSION_GO_NUMBER_H
#define KT_ADMISSION_GO_NUMBER_H

#include "base/str.h"

/* strconv.Atoi: an optional sign and decimal digits, nothing else, within 64 bits. */
bool kt_go_atoi(struct kt_str text, int64_t *ret);

enum kt_go_float {
    KT_GO_FLOAT_NONE,    /* strconv.ParseFloat fails */
    KT_GO_FLOAT_DECIMAL, /* "0.5", "1e-1": readable everywhere */
    KT_GO_FLOAT_ODD,     /* "0x1p-1", "0_1": Go reads it, Python's float() or a reader may not */
    KT_GO_FLOAT_NAN,
};

/* strconv.ParseFloat with 64 bits. *ret is written for DECIMAL and ODD ("inf" is ODD); a value that is too large
 * becomes infinity. */
enum kt_go_float kt_go_parse_float(struct kt_str text, double *ret);

#endif
