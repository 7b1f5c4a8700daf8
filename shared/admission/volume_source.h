/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a `volumeSource` of a tuning input, a tuning output or an adapter holds: a core/v1 VolumeSource, which the CRD
 * leaves untyped. Upstream v0.12.0 refuses wrong kinds inside it when decoding and looks at nothing else.
 */
#ifndef KT_ADMISSION_VOLUME_SOURCE_H
#define KT_ADMISSION_VOLUME_SOURCE_H

#include "admission/rule.h"
#include "base/arena.h"
#include "text/json.h"

enum kt_volume_verdict {
    KT_VOLUME_OK = 0,
    KT_VOLUME_EMPTY,      /* {} or only null members: no kind of volume is named */
    KT_VOLUME_SEVERAL,    /* more than one kind of volume */
    KT_VOLUME_HOST_PATH,  /* hostPath: a directory of whichever node the pod lands on */
    KT_VOLUME_NOT_KEPT,   /* emptyDir or another volume that ends with the pod: only bad where results must stay */
    KT_VOLUME_READ_ONLY,  /* configMap, secret, downwardAPI, projected, image: only bad where results are written */
    KT_VOLUME_UNKNOWN,    /* a member that is no kind of volume ("pvc") */
    KT_VOLUME_INCOMPLETE, /* the kind lacks what it cannot be mounted without (claimName) */
    KT_VOLUME_WRONG_KIND, /* a value of a JSON kind that cannot be decoded; upstream refuses this too */
};

struct kt_volume_finding {
    enum kt_volume_verdict verdict;
    bool upstream_refuses;  /* true for KT_VOLUME_WRONG_KIND only */
    const char *path;       /* below the volumeSource: "" or "persistentVolumeClaim.claimName"; in the arena */
    const char *reason;     /* constant sentence part, lower case, without full stop; NULL when OK */
    const char *suggestion; /* nearest kind of volume for KT_VOLUME_UNKNOWN, or NULL */
};

/* The first thing that is wrong, worst first. written: something is stored in the volume (a tuning's output), so that
 * NOT_KEPT and READ_ONLY count. volume must be an object; a NULL volume is KT_VOLUME_OK. */
struct kt_volume_finding kt_volume_source_check(struct kt_arena *arena, const cJSON *volume, bool written);

/* Reports the verdict on the volumeSource at `field` ("tuning.input.volumeSource") with the running row's id: origin
 * upstream for wrong kinds, own for the rest. Nothing when it is OK. */
void kt_volume_source_report(struct kt_rule_run *run, const cJSON *volume, const char *field, bool written);

#endif
