/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3339 times and kubectl's short durations. */
#ifndef KT_TEXT_TIME_H
#define KT_TEXT_TIME_H

#include "base/error.h"
#include "base/strbuf.h"

/* "2026-11-23T14:28:00Z", with fraction and offset; milliseconds since 1970 UTC, cut towards the past. Years 0 to 9999;
 * the second 60 is refused, as Go does. KT_EPARSE. */
int kt_time_parse_rfc3339(struct kt_str text, int64_t *ret_ms, struct kt_error *error) KT_NODISCARD;
/* Appends "2026-11-23T14:28:00Z" (whole seconds, cut towards the past). Times outside the years 0 to 9999 are written
 * as the nearest one inside. */
void kt_time_write_rfc3339(struct kt_strbuf *buffer, int64_t ms);
/* Appends an age as kubectl prints it: "5s", "3m12s", "2h", "3d4h". Up to 2 s in the future is "0s" (clocks differ a
 * little), beyond that "<invalid>". */
void kt_time_write_age(struct kt_strbuf *buffer, int64_t age_ms);
/* Go durations as flags take them: "30s", "1h15m", "1.5h", "-2m", "0"; milliseconds, cut towards 0. KT_EPARSE. */
int kt_time_parse_duration(struct kt_str text, int64_t *ret_ms, struct kt_error *error) KT_NODISCARD;

#endif
