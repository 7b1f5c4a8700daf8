/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways of a tuning Workspace through the reconciler, a row each: what the cluster is like when a reconcile begins,
 * and what that reconcile writes when all goes well. For the tests that let it go well, and for those that do not.
 */
#ifndef KT_TESTS_LIB_RECONCILE_CASES_H
#define KT_TESTS_LIB_RECONCILE_CASES_H

#include "tests/lib/reconcile_fixture.h"

struct kt_reconcile_case {
    const char *name;
    /* Brings the cluster there, with reconciles that go well. */
    void (*prepare)(struct kt_test_cluster *cluster);
    const char *writes; /* of the next look */
    const char *events;
    size_t claims, jobs; /* how many NodeClaims and Jobs were made when all is at rest, those of before included */
    /* A second look writes something: the status comes before what it announces, or a timer runs. */
    bool goes_on;
    /* Only the process knows that a claim was lost: the next one asks for it once more, under the same name. */
    bool is_forgotten;
    /* An old revision whose deletion fails stays there, by design. */
    bool may_leave_a_revision;
};
extern const struct kt_reconcile_case kt_reconcile_cases[];
extern const size_t kt_reconcile_case_count;

/* A cluster at the beginning of a row. The rows that is_forgotten leaves out are prepared once, and copied: the
 * reconciler has then just been started. */
struct kt_test_cluster *kt_reconcile_case_start(const struct kt_reconcile_case *row);
/* The condition, or "state", that says now what is not so, by what it said at the beginning of the row and what it says
 * at the usual end; NULL: none, or the row is_forgotten. */
const char *kt_reconcile_case_wrong(const struct kt_reconcile_case *row, struct kt_test_cluster *now,
                                    struct kt_test_cluster *end);
/* A deletion that the usual way does not have; NULL: none. */
const char *kt_reconcile_case_odd_deletion(struct kt_test_cluster *now, struct kt_test_cluster *end);
/* Of many tries, which: 1: each; n: each nth, by RECONCILE_SHARE=n, for tools that make everything slow. */
size_t kt_reconcile_share(void);
/* RECONCILE_LONG=1: also those that a test leaves out because others are like them. */
bool kt_reconcile_is_long(void);
/* At the end of the program. */
void kt_reconcile_cases_release(void);

/* What others do in the cluster. */
extern const char kt_test_workspace[];     /* "tune" in "default", with a template's config */
extern const char kt_test_own_workspace[]; /* the same with ConfigMap my-config */
extern const char kt_test_own_config[];
void kt_test_node_ready(struct kt_test_cluster *cluster); /* Karpenter: the only NodeClaim is Ready, with node gpu-1 */
void kt_test_pod(struct kt_test_cluster *cluster, const char *status);     /* the Job's pod with this status */
void kt_test_job_ended(struct kt_test_cluster *cluster, const char *type); /* "Complete" or "Failed" */
void kt_test_delete_workspace(struct kt_test_cluster *cluster);

#endif
