/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of diagnosis.h and tuning_status.h share. */
#ifndef KT_WORKLOAD_DIAGNOSIS_INTERNAL_H
#define KT_WORKLOAD_DIAGNOSIS_INTERNAL_H

#include "workload/diagnosis.h"

/* A cause's message; far below the 32 KiB that a condition may have, because people read it in a table. */
#define KT_CAUSE_MESSAGE_BYTES ((size_t)1024)
/* Of that, what another program said. */
#define KT_CAUSE_QUOTE_BYTES ((size_t)400)

/* metadata[key] when it is a string, otherwise "". */
const char *kt_metadata_text(const cJSON *object, const char *key);
/* Was a created after b? By name when in the same second. */
bool kt_is_newer(const cJSON *a, const cJSON *b);
bool kt_contains(const char *text, const char *words);

/* --- texts --------------------------------------------------------------------------------------------------- */

/* One line of valid UTF-8 without control characters, cut at a character; "" for NULL or without memory. */
const char *kt_cause_clean(struct kt_arena *arena, const char *text, size_t limit_bytes);
const char *kt_cause_clean_str(struct kt_arena *arena, struct kt_str text, size_t limit_bytes);
/* The end of a program's output, as much of it as is looked at; output may be NULL. */
struct kt_str kt_cause_tail(const char *output);
/* Takes the last line that is not blank off the end of *rest; empty when there is none. What a carriage return
 * overwrites is a line of its own. */
struct kt_str kt_cause_line_before(struct kt_str *rest);
/* The line of a program's last output that says most: the last one, or with prefer_errors the last that names an
 * error if there is one. "" when there is none. */
const char *kt_cause_last_words(struct kt_arena *arena, const char *output, bool prefer_errors);
/* text when a condition's reason may be that, otherwise fallback. */
const char *kt_cause_reason(const char *text, const char *fallback);
/* Fills *ret; object: kind and name are taken from it, kind given because lists leave it out. */
void kt_cause_set(struct kt_arena *arena, struct kt_cause *ret, const char *kind, const cJSON *object,
                  const char *reason, const char *format, ...) KT_PRINTF(6, 7);

/* --- time ---------------------------------------------------------------------------------------------------- */

/* What is waiting at first and wrong later. */
struct kt_patience {
    int64_t now_s;
    int64_t revisit_s; /* the soonest time after which one of the questions has another answer; 0: none */
};
/* Has it been limit_s or longer since this time (RFC 3339)? No when the time cannot be read. */
bool kt_patience_is_over(struct kt_patience *patience, const char *since, int64_t limit_s);

/* --- one container ------------------------------------------------------------------------------------------- */

enum kt_role {
    KT_ROLE_OTHER,
    KT_ROLE_OUTPUT_CHECK,
    KT_ROLE_WEIGHTS,
    KT_ROLE_DATA,
    KT_ROLE_DATASET,
    KT_ROLE_TRAINER,
    KT_ROLE_PUSHER,
    KT_ROLE_VERIFIER,
    KT_ROLE_COUNT
};

struct kt_container {
    const cJSON *pod;
    const cJSON *status; /* of containerStatuses or initContainerStatuses; NULL: none yet */
    const char *name;
    enum kt_role role;
};

/* Calls once for each container of the pod, those of initContainers first, as long as the function returns true. */
void kt_pod_each_container(const cJSON *pod, const char *trainer,
                           bool (*each)(void *context, const struct kt_container *container), void *context);
bool kt_container_is_running(const struct kt_container *container);
/* With any exit code. */
bool kt_container_has_ended(const struct kt_container *container);
bool kt_container_has_succeeded(const struct kt_container *container);
/* It has ended by SIGTERM or SIGKILL, and not for want of memory. */
bool kt_container_was_told_to_end(const struct kt_container *container);
/* Has it run at all, even if it does no longer? */
bool kt_container_has_started(const struct kt_container *container);
/* False when nothing is wrong with it. */
bool kt_diagnose_container(struct kt_arena *arena, const struct kt_container *container, struct kt_cause *ret);
/* When it failed, "" when it has not or that is unknown. */
const char *kt_container_failed_at(const struct kt_container *container);

bool kt_pod_has_started(const cJSON *pod, const char *trainer);
/* kt_diagnose_pod, and what is wrong because it takes so long. */
bool kt_diagnose_pod_with(struct kt_arena *arena, const cJSON *pod, const char *trainer, struct kt_objects events,
                          struct kt_patience *patience, struct kt_cause *ret);
/* The newest Warning about this object with one of these reasons (NULL-terminated list) that says why, or NULL. */
const cJSON *kt_warning_about(struct kt_objects events, const char *kind, const cJSON *object,
                              const char *const *reasons);

/* --- nodes --------------------------------------------------------------------------------------------------- */

struct kt_resources {
    int64_t claim_number;   /* of the newest claim; 0: none was asked for */
    const char *claim_name; /* NULL: none */
    const cJSON *claim;     /* NULL: not there (yet) */
    bool is_claim_ready;    /* always with nodes of the user's own */
    const cJSON *node;      /* the one to use, else one to name; NULL: none */
    bool is_node_ready;
    bool lacks_gpu;               /* the node is ready and has no GPU yet */
    const struct kt_kind *unseen; /* what would have to be read to say more; NULL: nothing */
    bool has_cause;
    struct kt_cause cause;
};

bool kt_node_is_usable(const cJSON *node);
void kt_resources_read(struct kt_arena *arena, const struct kt_observation *observation, struct kt_patience *patience,
                       struct kt_resources *ret);
bool kt_diagnose_node_claim_with(struct kt_arena *arena, const cJSON *claim, struct kt_patience *patience,
                                 struct kt_cause *ret);
bool kt_diagnose_node_with(struct kt_arena *arena, const cJSON *node, struct kt_patience *patience,
                           struct kt_cause *ret);

/* --- the whole ----------------------------------------------------------------------------------------------- */

enum kt_job_phase {
    KT_JOB_ABSENT,   /* or somebody else's, or not seen */
    KT_JOB_REPLACED, /* being deleted, or made for an older revision */
    KT_JOB_ACTIVE,
    KT_JOB_COMPLETE,
    KT_JOB_FAILED,
};

struct kt_progress {
    struct kt_resources resources;
    enum kt_job_phase job_phase;
    const cJSON *pod; /* NULL: none */
    bool has_started; /* a container of the Job has run, as far as the objects show */
    struct kt_patience patience;
};

/* kt_diagnose from the objects alone: what the stored status says is left aside, so that a status can be made of it. */
void kt_diagnose_objects(struct kt_arena *arena, const struct kt_observation *observation, struct kt_progress *progress,
                         struct kt_diagnosis *ret);

/* The Job has failed and its pod is gone: what was said of it before is the better cause. */
bool kt_progress_lacks_witness(const struct kt_progress *progress);
/* Takes over the cause that the stored status names for the present generation, when it names one: a trouble of the
 * reconciler's own, or what was seen while the objects that showed it were still there. */
void kt_diagnose_stored(struct kt_arena *arena, const cJSON *workspace, struct kt_diagnosis *ret);
/* What is known of a Workspace that has come to this end and has no Job any more. */
void kt_diagnose_end(struct kt_arena *arena, const cJSON *workspace, const char *final_state, struct kt_diagnosis *ret);

#endif
