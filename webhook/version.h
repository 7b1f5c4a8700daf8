/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KT_WEBHOOK_VERSION_H
#define KT_WEBHOOK_VERSION_H

/* Of this build, as git describes it. */
extern const char kt_webhook_version[];
/* Of upstream Kaito whose behaviour is followed: "v0.12.0". */
extern const char kt_webhook_upstream_version[];

#endif
