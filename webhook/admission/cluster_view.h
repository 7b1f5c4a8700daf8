/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the webhook knows of its cluster: ConfigMaps that hold a training or inference config, and Nodes, kept by list
 * and watch in threads of their own and published as immutable snapshots. Readers never lock: each worker marks the
 * snapshot that it reads in a slot of its own, and a snapshot is freed when no slot names it any more.
 */
#ifndef KT_WEBHOOK_ADMISSION_CLUSTER_VIEW_H
#define KT_WEBHOOK_ADMISSION_CLUSTER_VIEW_H

#include <pthread.h>
#include <stdatomic.h>

#include "admission/cluster.h"
#include "base/byte_budget.h"
#include "base/error.h"
#include "kube/client.h"
#include "kube/config.h"
#include "kube/environment.h"

struct kt_cluster_view;
struct kt_snapshot;

/* One worker's mark. */
struct kt_snapshot_slot {
    _Atomic(const struct kt_snapshot *) in_use;
};

/* Opens its clients, starts the watchers and the look-up thread: _new and _run in one. config and environment must
 * outlive the view. */
int kt_cluster_view_start(const struct kt_config *config, const struct kt_environment *environment,
                          struct kt_cluster_view **ret, struct kt_error *error) KT_NODISCARD;
/* Ends its threads; accepts NULL and a view that does not run. */
void kt_cluster_view_stop(struct kt_cluster_view *view);

/* The same in two, so that an observer sees all from the first list on. A view whose _run has failed can only be
 * stopped. */
int kt_cluster_view_new(const struct kt_config *config, const struct kt_environment *environment,
                        struct kt_cluster_view **ret, struct kt_error *error) KT_NODISCARD;
int kt_cluster_view_run(struct kt_cluster_view *view, struct kt_error *error) KT_NODISCARD;

/* Told, in the watchers' threads, of what the watches see, as kt_watch_handler is; objects are whole. */
enum kt_cluster_view_kind { KT_VIEW_CONFIG_MAPS, KT_VIEW_NODES, KT_VIEW_KINDS };
struct kt_cluster_observer {
    void (*restarted)(void *context, enum kt_cluster_view_kind kind);
    void (*put)(void *context, enum kt_cluster_view_kind kind, const cJSON *object);
    void (*removed)(void *context, enum kt_cluster_view_kind kind, const cJSON *object);
    void (*synced)(void *context, enum kt_cluster_view_kind kind);
    void *context;
};
/* Before kt_cluster_view_run; false when the view runs already. NULL, allowed at any time, takes the observer away:
 * when it returns no call is under way and none will come. */
bool kt_cluster_view_observe(struct kt_cluster_view *view, const struct kt_cluster_observer *observer);

/* True when both kinds have been listed once. */
bool kt_cluster_view_synced(const struct kt_cluster_view *view);

/* A worker announces its slot before the first read and takes it back at its end. False when there are too many: then
 * it reads without the view. */
bool kt_cluster_view_register(struct kt_cluster_view *view, struct kt_snapshot_slot *slot) KT_NODISCARD;
void kt_cluster_view_unregister(struct kt_cluster_view *view, struct kt_snapshot_slot *slot);

/* --- look-ups that the snapshot cannot answer ----------------------------------------------------------------------
 */

#define KT_LOOKUP_NEEDS 4
#define KT_LOOKUP_DEADLINE_MS 1000

struct kt_lookup_need {
    char namespace_[64];
    char name[256];
    enum kt_lookup result;
    cJSON *object; /* trimmed, when found: kt_object_copy */
    size_t bytes;  /* of it */
};

struct kt_lookup_queue;

struct kt_lookup_request {
    struct kt_lookup_need needs[KT_LOOKUP_NEEDS];
    size_t need_count;
    struct kt_byte_budget *budget; /* what the objects are given back to; NULL until it joins the line */
    void *waiter;                  /* the caller's */
    int64_t deadline_ms;           /* monotonic; set when it joins the line */
    struct kt_lookup_queue *reply_to;
    struct kt_lookup_request *next;
};

/* Where finished look-ups arrive; wake_fd (an eventfd) is written when one does. NULL without memory. */
struct kt_lookup_queue *kt_lookup_queue_new(int wake_fd);
/* Also frees what is in it. Safe while look-ups are under way: they are dropped when they end. */
void kt_lookup_queue_free(struct kt_lookup_queue *queue);
struct kt_lookup_request *kt_lookup_queue_take(struct kt_lookup_queue *queue);

/* Takes ownership; false when the line is full (then the caller answers with what it knows). */
bool kt_cluster_view_look_up(struct kt_cluster_view *view, struct kt_lookup_request *lookup);
void kt_lookup_free(struct kt_lookup_request *lookup);

/* --- one review's reading ------------------------------------------------------------------------------------------
 */

struct kt_cluster_reader {
    struct kt_cluster_view *view; /* NULL: everything is unknown */
    struct kt_snapshot_slot *slot;
    const struct kt_snapshot *snapshot;
    const struct kt_lookup_request *answers; /* from a look-up before; NULL at first */
    struct kt_arena *arena;
    struct kt_lookup_need missing[KT_LOOKUP_NEEDS]; /* what a look-up should ask for */
    size_t missing_count;
};

void kt_cluster_reader_begin(struct kt_cluster_reader *reader, struct kt_cluster_view *view,
                             struct kt_snapshot_slot *slot, struct kt_arena *arena,
                             const struct kt_lookup_request *answers);
void kt_cluster_reader_end(struct kt_cluster_reader *reader);
struct kt_cluster kt_cluster_reader_cluster(struct kt_cluster_reader *reader);

#endif
