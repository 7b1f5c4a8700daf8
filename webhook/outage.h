/* SPDX-License-Identifier: Apache-2.0 */
/* Says in the log that a kind of objects cannot be read from the API server, once an outage, and when it is over. */
#ifndef KT_WEBHOOK_OUTAGE_H
#define KT_WEBHOOK_OUTAGE_H

#include <stdatomic.h>

#include "base/error.h"

/* Delays of watches after a failure. client-go goes up to 30 s to spare API servers hundreds of watchers; we have a
 * handful, and want to be back within 5 s of the API server's return: at most twice the second figure passes between
 * two tries. */
#define KT_WEBHOOK_BACKOFF_FIRST_MS 400
#define KT_WEBHOOK_BACKOFF_LARGEST_MS 1600

/* An outage without further failures for this long is over, even when nothing has changed since that could be seen. */
#define KT_OUTAGE_QUIET_MS 40000

/* One a watch; zeroed. Safe between threads. */
struct kt_outage {
    atomic_llong last_failure_ms; /* monotonic; 0: none */
};

void kt_outage_note(struct kt_outage *outage, const char *kind, const struct kt_error *error);
/* Something was read. */
void kt_outage_end(struct kt_outage *outage, const char *kind);
/* To be called now and then: ends one that has been quiet. */
void kt_outage_look(struct kt_outage *outage, const char *kind);

#endif
