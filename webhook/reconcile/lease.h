/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in a Lease, and what is written into it. Whatever its content, a Lease can be read. */
#ifndef KT_WEBHOOK_RECONCILE_LEASE_H
#define KT_WEBHOOK_RECONCILE_LEASE_H

#include "text/json.h"

/* Texts point into the object. */
struct kt_lease {
    const char *resource_version;
    const char *holder;       /* "": nobody; NULL: somebody, but the name cannot be read */
    const char *acquire_time; /* as written, "" when absent */
    int64_t transitions;      /* how often the Lease got a new holder; 0 when absent or absurd */
    int64_t duration_ms;      /* how long the holder asks to be waited for; 0: it says nothing that makes sense */
};

/* KT_EPARSE for what is no object or has no resourceVersion: without that it could not be written safely. */
int kt_lease_read(const cJSON *object, struct kt_lease *ret, struct kt_error *error) KT_NODISCARD;

enum kt_lease_change {
    KT_LEASE_TAKE,    /* the identity begins to hold it; one more transition, also when it held it before */
    KT_LEASE_RENEW,   /* it goes on */
    KT_LEASE_RELEASE, /* it stops: nobody holds the Lease */
};

struct kt_lease_writer {
    const char *namespace_, *name;
    const char *identity;
    int64_t duration_ms; /* written in whole seconds, at least 1 */
};

/* The object to write; what others put into the old one stays. old NULL: a new Lease. NULL without memory. */
cJSON *kt_lease_make(struct kt_arena *arena, const cJSON *old, enum kt_lease_change change,
                     const struct kt_lease_writer *writer, int64_t wall_ms);

#endif
