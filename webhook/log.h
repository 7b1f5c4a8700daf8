/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines as JSON, one object a line, on standard error: {"ts","level","msg", ...}. Safe from any thread; a line is
 * one write. Never give it a request body, a token or the data of a Secret.
 */
#ifndef KT_WEBHOOK_LOG_H
#define KT_WEBHOOK_LOG_H

#include "base/base.h"

enum kt_log_level { KT_LOG_DEBUG, KT_LOG_INFO, KT_LOG_WARNING, KT_LOG_ERROR };

/* Lines below the level are not written. Default: info. */
void kt_log_set_level(enum kt_log_level level);
bool kt_log_enabled(enum kt_log_level level);
/* "debug", "info", "warning", "error"; false for anything else. */
bool kt_log_parse_level(const char *text, enum kt_log_level *ret);

/* Pairs of name and C string value (NULL values are left out), ended by NULL:
 * kt_log(KT_LOG_INFO, "listening", "address", address, NULL). */
void kt_log(enum kt_log_level level, const char *message, ...) __attribute__((sentinel));

#endif
