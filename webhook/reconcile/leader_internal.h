/* SPDX-License-Identifier: Apache-2.0 */
/* The leader without its thread: what one try does. For leader.c and for tests that drive the clock. */
#ifndef KT_WEBHOOK_RECONCILE_LEADER_INTERNAL_H
#define KT_WEBHOOK_RECONCILE_LEADER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "kube/client.h"
#include "webhook/reconcile/leader.h"
#include "webhook/reconcile/lease.h"

enum kt_leader_state {
    KT_LEADER_WAITS,
    KT_LEADER_LEADS,
    KT_LEADER_LOST,
    KT_LEADER_STOPPED,
};

struct kt_leader {
    struct kt_leader_options options; /* with the defaults filled in; identity points to the next */
    char identity[254];
    struct kt_leader_callbacks callbacks;
    struct kt_client *client; /* NULL: the next request opens one */
    int stop;                 /* eventfd, readable when the thread must end */
    pthread_t thread;

    /* The Lease as it was last seen. Its arena is the one of `current`; the other is for the request under way. */
    struct kt_arena arenas[2];
    size_t current;
    const cJSON *object; /* NULL: not seen yet */
    struct kt_lease lease;
    int64_t observed_ms; /* when its spec was first seen as it is now; monotonic */

    /* What tells our own term from that of another process with the same identity. */
    char term_acquire_time[64];
    int64_t term_transitions;
    bool is_take_unanswered; /* a request to take the Lease was sent, and nobody said what came of it */

    _Atomic enum kt_leader_state state;
    _Atomic int64_t renewed_ms; /* when the last renewal was begun; monotonic */

    struct kt_error trouble; /* of the last try that failed */
    unsigned warned;         /* bits of the error codes that were logged since the last try that went well */
    char shown_holder[254];  /* whom we said that we wait for */
};

/* Everything but the thread. */
int kt_leader_new(const struct kt_leader_options *options, const struct kt_leader_callbacks *callbacks,
                  struct kt_leader **ret, struct kt_error *error) KT_NODISCARD;
void kt_leader_free(struct kt_leader *leader); /* accepts NULL; gives nothing back */

/* One try, with its callbacks. How long to wait before the next; -1: lost, there is no next. */
int64_t kt_leader_turn(struct kt_leader *leader);
/* After a loss: waits for the Lease like any other. False when another process has taken it under our own name: two
 * that cannot be told apart would take it from each other for ever, so this one stays away. */
bool kt_leader_compete_again(struct kt_leader *leader);
/* Gives the Lease back if it is ours. stop must not be readable. */
void kt_leader_release(struct kt_leader *leader);

#endif
