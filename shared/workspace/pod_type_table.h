/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core Kubernetes types that occur inside a Workspace, for pod_types.c. Fields are those of k8s.io/api and
 * k8s.io/apimachinery v0.35.0, which upstream Kaito v0.12.0 is built with.
 */
#ifndef KT_WORKSPACE_POD_TYPE_TABLE_H
#define KT_WORKSPACE_POD_TYPE_TABLE_H

#include "base/base.h"

/*
 * Fields as "name:kind", separated by single spaces. Kinds: s string, b boolean, i and l integer of 32 and 64 bits,
 * q quantity, x integer or string, t time, r anything; [] in front: list of, {} in front: map to. Any other kind is
 * the name of a type of this table.
 */
struct kt_pod_type {
    const char *name;
    const char *fields;
};

extern const struct kt_pod_type kt_pod_types[];
extern const size_t kt_pod_type_count;

#endif
