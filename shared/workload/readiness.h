/* SPDX-License-Identifier: Apache-2.0 */
/* What an observation says of the way of a Workspace: the questions that both steps and status ask. */
#ifndef KT_WORKLOAD_READINESS_H
#define KT_WORKLOAD_READINESS_H

#include "workload/observation.h"

/* The number of the newest NodeClaim, from the Workspace's annotation; 0: none was asked for yet. At most
 * KT_CLAIM_NUMBER_LARGEST, whatever somebody wrote there. */
int64_t kt_claim_number(const cJSON *workspace);
#define KT_CLAIM_NUMBER_LARGEST 100

/* The NodeClaim that counts: the one of that number; without it any other that is not being deleted (made by another
 * operator before, or older: it costs money, so it is used); NULL: none. It may be being deleted. */
const cJSON *kt_observation_claim(const struct kt_observation *observation);
/* Is that claim Ready, and not being deleted? True for bring-your-own nodes. */
bool kt_observation_claim_ready(const struct kt_observation *observation);
/* Is the node one that counts: the user's own (all that are observed then are), or named by a claim? Others are nodes
 * that a pod of any owner runs on. */
bool kt_observation_node_counts(const struct kt_observation *observation, const cJSON *node);
/* The node of the claim (bring_your_own: any node) that is Ready and has nvidia.com/gpu, or NULL. */
const cJSON *kt_observation_ready_node(const struct kt_observation *observation);
/* Both of them. */
bool kt_observation_resources_ready(const struct kt_observation *observation);

/* Has a container of the Job's newest pod ever run, or the Job ended? */
bool kt_observation_has_started(const struct kt_observation *observation);
/* Does the stored status say, of the present generation, that the tuning has come to its end? A failure before there
 * was a node does not count: that one is judged anew each time, so that it can be started over. */
bool kt_workspace_is_over(const cJSON *workspace);
/* Has the Job a condition Complete or Failed that is True? */
bool kt_job_is_finished(const cJSON *job);

#endif
