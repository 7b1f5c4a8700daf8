/* SPDX-License-Identifier: Apache-2.0 */
/* Time as an interface, so that a test can pass its own. */
#ifndef KT_BASE_CLOCK_H
#define KT_BASE_CLOCK_H

#include "base/base.h"

struct kt_clock {
    int64_t (*wall_ms)(void *context);      /* milliseconds since 1970-01-01 UTC; may jump */
    int64_t (*monotonic_ms)(void *context); /* for deadlines; never jumps */
    void *context;
};

/* The system's clocks. */
extern const struct kt_clock kt_clock_system;

static inline int64_t kt_clock_wall_ms(const struct kt_clock *clock)
{
    return clock->wall_ms(clock->context);
}

static inline int64_t kt_clock_monotonic_ms(const struct kt_clock *clock)
{
    return clock->monotonic_ms(clock->context);
}

#endif
