/* SPDX-License-Identifier: Apache-2.0 */
/* A status in the making: what tuning_status.c decides and tuning_conditions.c words. */
#ifndef KT_WORKLOAD_TUNING_READING_H
#define KT_WORKLOAD_TUNING_READING_H

#include "workload/diagnosis_internal.h"
#include "workload/status_conditions.h"
#include "workload/tuning_status.h"

struct kt_reading {
    struct kt_arena *arena;
    const struct kt_observation *observation;
    const cJSON *workspace;
    const struct kt_trouble *trouble; /* NULL: none that counts */
    struct kt_progress progress;
    struct kt_diagnosis diagnosis;
    struct kt_conditions conditions;
    const char *state;
    const char *stored_end; /* kt_final_state */
    bool is_over;           /* the Job has ended, or the stored status says so and there is none */
    bool has_started;       /* now or before, for the present generation */
};

/* Is this condition stored as true, and said of the present generation? */
/* Does the reconciler's trouble hold up this condition? */
bool kt_reading_holds_up(const struct kt_reading *reading, const char *type);

/* Fills reading->conditions; the other members must be decided. */
void kt_reading_say_all(struct kt_reading *reading);
/* The same for a Workspace that is being deleted: the other conditions stay as they were. */
void kt_reading_say_deleting(struct kt_reading *reading);

#endif
