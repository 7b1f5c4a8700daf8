/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/version.h"

#ifndef KT_VERSION
#define KT_VERSION "unknown"
#endif

const char kt_webhook_version[] = KT_VERSION;
const char kt_webhook_upstream_version[] = KT_UPSTREAM_VERSION;
