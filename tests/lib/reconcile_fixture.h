/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster on the scripted API server and the reconciler that looks at one Workspace of it. Tests speak of Kubernetes
 * objects and of what is written; only this fixture knows what the reconciler is made of. Ends the test program, or
 * fails the running test, when it cannot do its work.
 *
 * Objects are YAML texts. A name may be "namespace/name"; alone it is looked for in every namespace.
 */
#ifndef KT_TESTS_LIB_RECONCILE_FIXTURE_H
#define KT_TESTS_LIB_RECONCILE_FIXTURE_H

#include "tests/lib/object_server.h"
#include "webhook/reconcile/reconcile.h"

/* What the reconciler of the fixture is set to. */
#define KT_TEST_CLAIM_ATTEMPTS 3
#define KT_TEST_CLAIM_RETRY_MS ((int64_t)10000)
#define KT_TEST_LAUNCH_TIMEOUT_MS ((int64_t)30000)
#define KT_TEST_DELETION_TIMEOUT_MS ((int64_t)900000)

struct kt_test_cluster;

/* The templates are in the release namespace, kaito-workspace; nothing else is there. */
struct kt_test_cluster *kt_test_cluster_start(void);
/* A cluster that is like another, with a reconciler that knows nothing of it yet. */
struct kt_test_cluster *kt_test_cluster_copy(struct kt_test_cluster *cluster);
void kt_test_cluster_stop(struct kt_test_cluster *cluster); /* accepts NULL */

/* --- the cluster ------------------------------------------------------------------------------------------------- */

void kt_test_put(struct kt_test_cluster *cluster, const char *yaml);
/* As whoever else may: a merge patch. */
void kt_test_change(struct kt_test_cluster *cluster, const char *kind, const char *name, const char *yaml);
void kt_test_remove(struct kt_test_cluster *cluster, const char *kind, const char *name);
/* As the object is now, NULL: it is not there. Lives until the cluster stops. */
const cJSON *kt_test_get(struct kt_test_cluster *cluster, const char *kind, const char *name);
/* Text of a member, "" when it is absent: kt_test_text(cluster, "Workspace", "tune", "status.state"). A number is
 * told as text. */
const char *kt_test_text(struct kt_test_cluster *cluster, const char *kind, const char *name, const char *path);
/* The same of a condition of the Workspace "tune". */
const char *kt_test_condition(struct kt_test_cluster *cluster, const char *type, const char *key);
size_t kt_test_count(struct kt_test_cluster *cluster, const char *kind);
/* The name of the only object of a kind, "" when there is none. */
const char *kt_test_only(struct kt_test_cluster *cluster, const char *kind);
/* Everything but events, without versions and times: two clusters that came to the same end have the same text. */
const char *kt_test_end(struct kt_test_cluster *cluster);
/* The first line in which two such texts differ, of either; NULL: they do not. */
const char *kt_test_difference(struct kt_test_cluster *cluster, const char *end, const char *usual);
struct kt_object_server *kt_test_server(struct kt_test_cluster *cluster);

/* --- the reconciler ---------------------------------------------------------------------------------------------- */

/* Before the first reconcile. */
void kt_test_bring_your_own(struct kt_test_cluster *cluster);
/* What a request of the reconciler may take at most; a minute at first. */
void kt_test_patience(struct kt_test_cluster *cluster, int64_t timeout_ms);
void kt_test_advance(struct kt_test_cluster *cluster, int64_t duration_ms);
/* What the API server lets be listed is known to the reconciler from here on, as its watches would tell it. */
void kt_test_sync(struct kt_test_cluster *cluster);
/* The cache has lost all objects of a kind ("NodeClaim"), because others have filled its room, until the next restart.
 * False: it keeps no such kind. */
bool kt_test_lose(struct kt_test_cluster *cluster, const char *kind);
/* Another process goes on: nothing is remembered. */
void kt_test_restart(struct kt_test_cluster *cluster);

struct kt_test_outcome {
    bool failed;              /* will be tried again */
    const char *error;        /* of a failure */
    int64_t requeue_after_ms; /* 0: no need */
    const char *writes;       /* "create jobs tune, patch workspaces/status tune"; events left out */
    const char *events;       /* reasons of those that were written: "JobCreated" */
    size_t requests;          /* all of them */
    bool changed;             /* something in the cluster is another than before, an event included */
    bool starved;             /* an allocation has failed: see kt_test_starve */
};
/* One reconcile of default/tune with what the reconciler knows. */
struct kt_test_outcome kt_test_reconcile(struct kt_test_cluster *cluster);
/* The same after a sync. */
struct kt_test_outcome kt_test_look(struct kt_test_cluster *cluster);
/* What the nth request (from 1) of the last reconcile asked for, as kt_object_server_describe tells it. */
const char *kt_test_request(struct kt_test_cluster *cluster, size_t nth);
/* The writes of all reconciles of this cluster so far. */
const char *kt_test_writes(struct kt_test_cluster *cluster);
/* In the next reconcile the nth allocation of memory fails: that one alone, or with all after it. */
void kt_test_starve(struct kt_test_cluster *cluster, size_t nth, bool once);
/* Looks again, as the queue would and when it would if that is within 20 s, until nothing is written any more. Fails
 * the test when that does not come. */
void kt_test_settle(struct kt_test_cluster *cluster);

/* --- the controller, which does all of that by itself ------------------------------------------------------------- */

/* With watches and workers of its own. Its time is the system's, moved on by kt_test_advance. Fails the test when it
 * does not start; see kt_test_controller_try. */
void kt_test_controller_start(struct kt_test_cluster *cluster);
/* The same with every allocation from the nth on failing while it starts; false: it has not started, and error says
 * why. */
bool kt_test_controller_try(struct kt_test_cluster *cluster, size_t nth, struct kt_error *error);
void kt_test_controller_lead(struct kt_test_cluster *cluster);
void kt_test_controller_yield(struct kt_test_cluster *cluster);
/* Somebody else holds the Lease (false), or nobody has to (true, as at first). */
void kt_test_controller_may_write(struct kt_test_cluster *cluster, bool may);
/* Ends it; nothing happens when it does not run. */
void kt_test_controller_stop(struct kt_test_cluster *cluster);
/* A figure of /metrics by the beginning of its line. */
double kt_test_controller_figure(const char *line);

#endif
