/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can the `volumeSource` of a tuning input, a tuning output or an adapter be used? It is a core/v1 VolumeSource. Wrong
 * kinds and unknown fields in it are refused before the rules run (workspace/pod_types.h); upstream v0.12.0 looks at
 * nothing else, so all that is found here is our own.
 */
#ifndef KT_ADMISSION_VOLUME_SOURCE_H
#define KT_ADMISSION_VOLUME_SOURCE_H

#include "admission/rule.h"
#include "text/json.h"

enum kt_volume_verdict {
    KT_VOLUME_OK = 0,
    KT_VOLUME_EMPTY,       /* {} or only null members: no kind of volume is named */
    KT_VOLUME_SEVERAL,     /* more than one kind of volume */
    KT_VOLUME_SPELLING,    /* "PersistentVolumeClaim": a kind in other letter case, which a pod would not have */
    KT_VOLUME_HOST_PATH,   /* a directory of whichever node the pod lands on */
    KT_VOLUME_STARTS_BARE, /* emptyDir: nothing is in it, and it ends with the pod */
    KT_VOLUME_NOT_KEPT,    /* ends with the pod; bad only where results are written */
    KT_VOLUME_READ_ONLY,   /* cannot be written; bad only where results are written */
    KT_VOLUME_INCOMPLETE,  /* lacks what it cannot be mounted without (claimName) */
    KT_VOLUME_BAD_NAME,    /* names an object by what is no name of an object */
};

struct kt_volume_finding {
    enum kt_volume_verdict verdict;
    const char *kind;   /* "persistentVolumeClaim", as the API spells it; NULL when EMPTY or SEVERAL */
    const char *member; /* the member that is missing or wrong, for INCOMPLETE and BAD_NAME */
    const char *reason; /* constant sentence part: what is wrong and what to do; NULL when OK */
};

/* The first thing that is wrong, worst first. written: results are stored in the volume (a tuning's output). NULL and
 * values of the wrong kind are OK here. */
struct kt_volume_finding kt_volume_source_check(const cJSON *volume, bool written);

/* Reports the verdict on the volumeSource at `field` ("tuning.input.volumeSource") under the running row, origin own.
 * Nothing when it is OK. */
void kt_volume_source_report(struct kt_rule_run *run, const cJSON *volume, const char *field, bool written);

#endif
