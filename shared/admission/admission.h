/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission: an object in, defaults and findings out. Pure: no I/O, no globals but constant tables.
 */
#ifndef KT_ADMISSION_ADMISSION_H
#define KT_ADMISSION_ADMISSION_H

#include "admission/cluster.h"
#include "admission/findings.h"
#include "admission/rule.h"
#include "admission/settings.h"

struct kt_schema_problem;

/* One default: a row of the table in defaults.c, ids D01 to D07. */
struct kt_default {
    const char *id;
    const char *field;
    const char *value; /* what is filled in, for people: "1", "the cheapest SKU that fits" */
    const char *when;  /* condition, for people */
    bool at_reconcile; /* not applied at admission (D07): in `applied` when it will be, never in the patch */
};
extern const struct kt_default kt_defaults[];
extern const size_t kt_default_count;

struct kt_admission_request {
    enum kt_operation operation;
    const char *namespace_; /* of the request; an object without namespace is in it */
    const char *name;       /* of the request; may be NULL */
    cJSON *object;          /* NULL on DELETE */
    cJSON *old_object;      /* NULL on CREATE */
    const struct kt_settings *settings;
    const struct kt_cluster *cluster;
    /* Judge by the CRD's schema too (rule SCHEMA), as the API server does before it asks a validating webhook. */
    bool check_schema;
};

struct kt_default_applied {
    const struct kt_default *row;
    const char *pointer; /* JSON pointer of what was added; NULL for D07 */
    const cJSON *value;
};

struct kt_defaulting {
    cJSON *patch;   /* JSON array; empty when nothing is to do */
    cJSON *mutated; /* a changed clone of the object, or the object itself when nothing changed */
    struct kt_default_applied applied[16];
    size_t applied_count;
    struct kt_findings notes; /* warnings of the defaults (the choice of an instance type) */
    /* What the CRD's schema says of the object as it was given, when is_checked: not of one that is left alone. */
    const struct kt_schema_problem *problems;
    bool is_checked;
    const struct kt_facts *facts; /* of mutated, read to choose a machine type; NULL: they were not needed */
};

/* Fills what is absent (product rules: idempotent, nothing of the user's is changed, nothing when deletionTimestamp is
 * set, on UPDATE the old object's value first, nothing on wrong kinds). KT_ENOMEM or KT_ELIMIT only. */
int kt_admission_default(struct kt_arena *arena, const struct kt_admission_request *request, struct kt_defaulting *ret,
                         struct kt_error *error) KT_NODISCARD;

/* Judges. The request's object may be undefaulted: both objects are defaulted first. Findings are sorted.
 * KT_ENOMEM or KT_ELIMIT only: what is wrong with the object is a finding (rule DECODE for wrong kinds). */
int kt_admission_validate(struct kt_arena *arena, const struct kt_admission_request *request,
                          struct kt_findings *ret_findings, struct kt_error *error) KT_NODISCARD;

/* Both in one, for an object that no server has seen (`review`, `check`, `tune`): fills the defaults, then judges the
 * result; the notes of the defaults are among the findings. With check_schema the object is first cut down to what an
 * API server would keep: unknown fields, nulls and the status that a user cannot write are taken out of
 * request->object, in place (of old_object only nulls: it has been stored). Look for unknown fields before
 * (kt_schema_unknown_fields, kt_fields_check). */
int kt_admission_judge(struct kt_arena *arena, const struct kt_admission_request *request,
                       struct kt_defaulting *ret_defaulting, struct kt_findings *ret_findings,
                       struct kt_error *error) KT_NODISCARD;

#endif
