/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/outage.h"

#include "base/clock.h"
#include "webhook/log.h"

void kt_outage_note(struct kt_outage *outage, const char *kind, const struct kt_error *error)
{
    int64_t now_ms = KT_MAX(kt_clock_monotonic_ms(&kt_clock_system), (int64_t)1);
    int64_t last_ms = atomic_exchange(&outage->last_failure_ms, now_ms);
    if (last_ms == 0 || now_ms - last_ms > KT_OUTAGE_QUIET_MS)
        kt_log(KT_LOG_WARNING, "cannot read from the API server; trying again", "kind", kind, "error", error->message,
               NULL);
}

void kt_outage_end(struct kt_outage *outage, const char *kind)
{
    if (atomic_load_explicit(&outage->last_failure_ms, memory_order_relaxed) != 0 &&
        atomic_exchange(&outage->last_failure_ms, 0) != 0)
        kt_log(KT_LOG_INFO, "reading from the API server again", "kind", kind, NULL);
}

void kt_outage_look(struct kt_outage *outage, const char *kind)
{
    int64_t last_ms = atomic_load(&outage->last_failure_ms);
    if (last_ms != 0 && kt_clock_monotonic_ms(&kt_clock_system) - last_ms > KT_OUTAGE_QUIET_MS)
        kt_outage_end(outage, kind);
}
