/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CRD's own structural schema, evaluated as the API server does: prune unknown fields, then check types, required
 * fields, enums, bounds and patterns. The CRD (manifests/crd/) is compiled in as text and read once.
 */
#ifndef KT_WORKSPACE_SCHEMA_H
#define KT_WORKSPACE_SCHEMA_H

#include "base/arena.h"
#include "base/error.h"
#include "text/json.h"

struct kt_schema; /* read-only after kt_schema_load; shared by threads */

/* The schema of the Workspace CRD that this program was built with. Never freed; loads on first use (thread-safe).
 * NULL and *error only when memory is out. */
const struct kt_schema *kt_schema_workspace(struct kt_error *error);
/* Text of the CRD manifest that was compiled in. */
struct kt_str kt_schema_workspace_crd(void);

enum kt_schema_problem_kind {
    KT_SCHEMA_TYPE,     /* a value of the wrong kind */
    KT_SCHEMA_REQUIRED, /* a required field is absent */
    KT_SCHEMA_ENUM,     /* not one of the values listed */
    KT_SCHEMA_VALUE,    /* out of bounds, or cannot be read */
    KT_SCHEMA_UNKNOWN,  /* no such field (only kt_workspace_check_kinds) */
};

struct kt_schema_problem {
    enum kt_schema_problem_kind kind;
    const char *path;    /* "tuning.input.urls[0]", "" for the whole object; in the arena */
    const char *message; /* in Kubernetes' field-error words: `Required value`, `Invalid value: "string": ... must be of
                            type object` */
    const struct kt_schema_problem *next;
};

/* Problems of an object in document order (required fields first in their object), at most KT_LIMIT_FINDINGS; NULL:
 * none. arena->failed tells of lost ones. The keywords pattern and format are not evaluated: the CRD has them only
 * below status, which an admission request cannot change. */
const struct kt_schema_problem *kt_schema_check(struct kt_arena *arena, const struct kt_schema *schema,
                                                const cJSON *object);

struct kt_schema_unknown {
    const char *path;       /* "tuning.output.imageSecret" */
    const char *suggestion; /* nearest known field of the same object, or NULL */
    const cJSON *member;    /* for its position */
    const struct kt_schema_unknown *next;
};

/* Fields that the API server would prune. */
const struct kt_schema_unknown *kt_schema_unknown_fields(struct kt_arena *arena, const struct kt_schema *schema,
                                                         const cJSON *object);
/* Removes them in place. */
void kt_schema_prune(const struct kt_schema *schema, cJSON *object);
/* Removes, in place, every null that stands for an absent field, as the API server does when it decodes: members of
 * objects that the schema describes and that are not nullable. Items of arrays and preserved parts stay. */
void kt_schema_drop_nulls(const struct kt_schema *schema, cJSON *object);

#endif
