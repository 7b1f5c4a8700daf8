/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that watch what belongs to a Workspace and ring when something has changed. They hand over no objects: who is
 * rung for looks again, so that a watch that was cut or a server that was away for a while loses nothing.
 */
#ifndef KT_PLUGIN_WATCHERS_H
#define KT_PLUGIN_WATCHERS_H

#include "plugin/gather.h"

struct kt_watchers;

/* target->name NULL: all Workspaces of target->namespace_ (NULL: of all namespaces). target->workspaces must be known.
 * The target's connection must live longer; nothing else of the target is kept. */
int kt_watchers_start(const struct kt_gather_target *target, struct kt_watchers **ret,
                      struct kt_error *error) KT_NODISCARD;
/* Ends and joins all threads; accepts NULL. */
void kt_watchers_stop(struct kt_watchers *watchers);
void kt_watchers_cleanup(struct kt_watchers **watchers); /* for KT_CLEANUP */

enum kt_wakeup { KT_WAKEUP_CHANGE, KT_WAKEUP_TIME, KT_WAKEUP_INTERRUPT };
/* Waits for a change since the last call, the time, or Ctrl-C. watchers NULL: there are none. */
enum kt_wakeup kt_watchers_wait(struct kt_watchers *watchers, const struct kt_connection *connection,
                                int64_t timeout_ms);

#endif
