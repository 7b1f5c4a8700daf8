/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines as JSON, one object a line, on standard error: {"ts","level","msg", ...}. Safe from any thread; a line is
 * one write. Never give it a request body, a token or the data of a Secret.
 *
 * What clients and objects of the cluster can cause without end is bounded: of the lines with one message
 * KT_LOG_LINES_MOST are written in KT_LOG_WINDOW_MS, the others are counted, and their number is told in a line of its
 * own ("lines were left out") when the time is over. A value is cut at KT_LOG_VALUE_BYTES.
 */
#ifndef KT_WEBHOOK_LOG_H
#define KT_WEBHOOK_LOG_H

#include "base/base.h"

#define KT_LOG_WINDOW_MS 10000
#define KT_LOG_LINES_MOST 200
#define KT_LOG_VALUE_BYTES ((size_t)1024)

enum kt_log_level { KT_LOG_DEBUG, KT_LOG_INFO, KT_LOG_WARNING, KT_LOG_ERROR };

/* Lines below the level are not written. Default: info. */
void kt_log_set_level(enum kt_log_level level);
bool kt_log_enabled(enum kt_log_level level);
/* "debug", "info", "warning", "error"; false for anything else. */
bool kt_log_parse_level(const char *text, enum kt_log_level *ret);

/* Pairs of name and C string value (NULL values are left out), ended by NULL:
 * kt_log(KT_LOG_INFO, "listening", "address", address, NULL). */
void kt_log(enum kt_log_level level, const char *message, ...) __attribute__((sentinel));

/* Tells of lines that were left out and whose time is over; to be called now and then, and with `all` at the end. */
void kt_log_sum_up(bool all);

/* For tests: another clock (NULL: the system's). Forgets what has been counted. */
struct kt_clock;
void kt_log_set_clock(const struct kt_clock *clock);

#endif
