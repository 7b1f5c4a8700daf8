/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the log of one container, line by line; followed, it goes on where it was cut. */
#ifndef KT_PLUGIN_POD_LOG_H
#define KT_PLUGIN_POD_LOG_H

#include "base/strbuf.h"
#include "kube/client.h"

/* Longer lines come in pieces of this size. */
#define KT_POD_LOG_LINE_BYTES ((size_t)(256 * KT_KIB))
/* "2026-11-23T14:28:00.123456789+02:00" */
#define KT_POD_LOG_TIME_BYTES 48

struct kt_pod_log {
    const char *namespace_;
    const char *pod;
    const char *container;
    bool previous; /* of the run before the last restart */
    bool follow;
    int64_t tail_lines; /* negative: all */
    /* Without its line feed; false ends the reading. */
    bool (*line)(void *context, struct kt_str line);
    void *context;

    /* What has been read. Kept from call to call, so that a log that is followed goes on after the last line. */
    char last_time[KT_POD_LOG_TIME_BYTES];
    struct kt_strbuf partial;
};

void kt_pod_log_init(struct kt_pod_log *log);    /* zeroes all, tail_lines -1 */
void kt_pod_log_release(struct kt_pod_log *log); /* accepts a zeroed one */

/* 0: the log has ended, or line said so. KT_EUNAVAILABLE: the connection was cut; call again. */
int kt_pod_log_read(struct kt_client *client, struct kt_pod_log *log, struct kt_error *error) KT_NODISCARD;

#endif
