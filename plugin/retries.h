/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container of ours is trying again: a registry or a server that does not answer yet. Its status only says that
 * it runs; its log says why.
 */
#ifndef KT_PLUGIN_RETRIES_H
#define KT_PLUGIN_RETRIES_H

#include "plugin/connection.h"
#include "workload/observation.h"

/* "container pusher: try 3 failed: ...", in the arena; NULL: nothing is tried again, or the log cannot be read. Asks
 * the API for one line when a container runs that fetches, checks or pushes. */
const char *kt_retry_of(struct kt_connection *connection, struct kt_arena *arena, const struct kt_observation *seen);

#endif
