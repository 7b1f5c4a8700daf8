/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    if (clock_gettime(id, &now) != 0)
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *context KT_UNUSED)
{
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic_ms(void *context KT_UNUSED)
{
    return read_clock(CLOCK_MONOTONIC);
}

const struct kt_clock kt_clock_system = {system_wall_ms, system_monotonic_ms, NULL};
