/* SPDX-License-Identifier: Apache-2.0 */
/* `kaito-webhook render`: Workspaces as JSON lines in, what the reconciler would make of them out. */
#ifndef KT_WEBHOOK_RENDER_H
#define KT_WEBHOOK_RENDER_H

#include <stdio.h>

/* In: {"id", "object", "featureGates", "settings", "clusterObjects"}. Out: {"id", "targetNodeCount", "objects",
 * "error"}: objects are those that the reconciler makes, in its order (workload/render.h), and empty when error is not
 * null; targetNodeCount is null when it cannot be told either. Exit status as for review. */
int kt_webhook_render_main(FILE *in, FILE *out, FILE *err);

#endif
