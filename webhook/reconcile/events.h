/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events (core/v1) on Workspaces. The same event is written once: its name is made from the Workspace's uid, the type,
 * the reason and the message, so a repetition, also after a restart, finds itself there already and writes nothing
 * (a small memory of those written lately saves the asking). At most KT_EVENTS_PER_MINUTE a Workspace. A failure never
 * fails the caller.
 */
#ifndef KT_WEBHOOK_RECONCILE_EVENTS_H
#define KT_WEBHOOK_RECONCILE_EVENTS_H

#include "kube/client.h"

#define KT_EVENTS_PER_MINUTE 20

struct kt_events;

int kt_events_new(struct kt_events **ret, struct kt_error *error) KT_NODISCARD;
void kt_events_free(struct kt_events *events);

/* type "Normal" or "Warning". Safe between threads; client belongs to the calling thread. */
void kt_events_write(struct kt_events *events, struct kt_client *client, struct kt_arena *arena, const cJSON *workspace,
                     const char *type, const char *reason, const char *message);

#endif
