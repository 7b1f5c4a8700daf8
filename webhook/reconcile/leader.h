/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reconciler among several replicas: who holds the Lease (coordination.k8s.io/v1) may reconcile. One thread with a
 * client of its own tries to get the Lease and then renews it.
 *
 * Whether another holder is still alive is told by the time that passes here without a change of its record, never by
 * the times in the record: clocks of two machines may differ. Our own time counts from before a renewal is sent, so
 * that we stop before anybody else may begin.
 *
 * Identities must differ between replicas. A Lease that names our own identity is taken at once: it is ours from before
 * a restart. Should two processes share an identity after all, the one that held it learns so at its next renewal and
 * has lost.
 */
#ifndef KT_WEBHOOK_RECONCILE_LEADER_H
#define KT_WEBHOOK_RECONCILE_LEADER_H

#include "kube/config.h"
#include "kube/environment.h"

/* client-go tools/leaderelection/leaderelection.go, controller-runtime pkg/manager/internal.go. */
#define KT_LEADER_LEASE_DURATION_MS ((int64_t)15000)
#define KT_LEADER_RENEW_DEADLINE_MS ((int64_t)10000)
#define KT_LEADER_RETRY_MS ((int64_t)2000)
/* Who waits spreads its tries: up to this percentage is added to the time between two of them. */
#define KT_LEADER_JITTER_PERCENT 120
/* A holder is waited for as long as it says of itself, but no longer; some clusters set two to three minutes. */
#define KT_LEADER_LONGEST_DURATION_MS ((int64_t)300000)

struct kt_leader;

/* Pointers must outlive the leader, the identity excepted. */
struct kt_leader_options {
    const struct kt_config *config;
    const struct kt_environment *environment; /* its clock is the one that counts */
    const char *namespace_;                   /* of the Lease: the release's */
    const char *name;                         /* of the Lease */
    const char *identity;                     /* NULL or "": the host's name, which in a pod is the pod's */
    int64_t lease_duration_ms;                /* how long others wait for us; all three 0: the figures above */
    int64_t renew_deadline_ms;                /* without a renewal for so long we have lost; a request takes half */
    int64_t retry_ms;                         /* between two tries */
};

/* Called from the leader's thread, perhaps before kt_leader_start has returned. They must come back soon, for nothing
 * is renewed meanwhile, and must not call kt_leader_stop. */
struct kt_leader_callbacks {
    void (*started)(void *context); /* we hold the Lease: reconcile */
    void (*lost)(void *context);    /* we no longer do: stop at once. Once after each started; not by kt_leader_stop */
    void *context;
};

/* Starts the thread and returns. KT_EINVAL: no namespace or name, or times that contradict each other (the duration
 * must exceed the deadline, and the deadline the time between two tries); KT_ENOMEM. */
int kt_leader_start(const struct kt_leader_options *options, const struct kt_leader_callbacks *callbacks,
                    struct kt_leader **ret, struct kt_error *error) KT_NODISCARD;
/* Gives the Lease back, so that another replica begins at once, and joins: first stop what reconciles. Takes as long as
 * one request at most. Nothing is given back after `lost`. Accepts NULL. */
void kt_leader_stop(struct kt_leader *leader);

/* Do we hold the Lease, by the clock and not only by what was heard last? From any thread: a good question before a
 * write. */
bool kt_leader_is_leader(const struct kt_leader *leader);

#endif
