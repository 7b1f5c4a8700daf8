/* SPDX-License-Identifier: Apache-2.0 */
/* What a YAML scalar means. Private to text/yaml_*.c. */
#ifndef KT_TEXT_YAML_SCALAR_H
#define KT_TEXT_YAML_SCALAR_H

#include "base/arena.h"
#include "base/error.h"
#include "text/json.h"

enum kt_yaml_scalar_kind {
    KT_YAML_NULL,
    KT_YAML_BOOL,
    KT_YAML_INT,
    KT_YAML_FLOAT, /* may be infinite or not a number */
    KT_YAML_TEXT,
};

struct kt_yaml_scalar {
    enum kt_yaml_scalar_kind kind;
    bool truth;         /* of KT_YAML_BOOL */
    bool beyond_int64;  /* KT_YAML_INT between 2^63 and 2^64 */
    double number;      /* of KT_YAML_FLOAT */
    struct kt_str text; /* KT_YAML_TEXT: the text; KT_YAML_INT: its decimal digits; NUL-terminated, in the arena */
};

/* By the rules of sigs.k8s.io/yaml 1.6 (see yaml_scalar.c). tag: as libyaml gives it, NULL for none. plain: neither
 * quoted nor a block. KT_EPARSE when text does not fit its tag, KT_ENOMEM. */
int kt_yaml_scalar_resolve(struct kt_arena *arena, struct kt_str text, const char *tag, bool plain,
                           struct kt_yaml_scalar *ret, struct kt_error *error) KT_NODISCARD;

/* As a value. KT_EPARSE for infinity and not-a-number, which JSON does not have; KT_ENOMEM. */
int kt_yaml_scalar_node(struct kt_arena *arena, const struct kt_yaml_scalar *scalar, cJSON **ret,
                        struct kt_error *error) KT_NODISCARD;

/* As the name of a member. KT_EPARSE for null and for integers beyond int64; KT_ENOMEM. */
int kt_yaml_scalar_key(struct kt_arena *arena, const struct kt_yaml_scalar *scalar, const char **ret,
                       struct kt_error *error) KT_NODISCARD;

/* What a plain scalar without tag would be, without memory for texts: anything but KT_YAML_TEXT needs quotes to stay a
 * string. Texts of more than 1 KiB are always text here, which no number needs to be. */
enum kt_yaml_scalar_kind kt_yaml_scalar_plain_kind(struct kt_str text);

#endif
