/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a data URL one that a download inside the cluster may follow? Syntax, scheme http or https, and a host that is not
 * local, private, link-local, a metadata service or a cluster-internal name, in every spelling of an address that curl
 * would accept ("127.1", "0x7f.1", "2130706433", "[::ffff:10.0.0.1]", "localhost.").
 */
#ifndef KT_TEXT_URL_CHECK_H
#define KT_TEXT_URL_CHECK_H

#include "base/str.h"
#include "base/strbuf.h"

enum kt_url_verdict {
    KT_URL_OK = 0,
    KT_URL_SYNTAX,     /* not a URL: spaces, control characters, quotes, back-ticks, bad port, no host, user info */
    KT_URL_SCHEME,     /* not http or https */
    KT_URL_LOCAL,      /* loopback, unspecified, localhost */
    KT_URL_PRIVATE,    /* RFC 1918, 100.64.0.0/10, fc00::/7, multicast, reserved, documentation */
    KT_URL_LINK_LOCAL, /* 169.254.0.0/16, fe80::/10 */
    KT_URL_METADATA,   /* cloud metadata services by address or name */
    KT_URL_CLUSTER,    /* *.svc, *.svc.cluster.local, *.cluster.local, *.internal, *.local, single-label names */
};

struct kt_url_finding {
    enum kt_url_verdict verdict;
    const char *reason; /* constant sentence part; NULL when OK */
    /* True when upstream v0.12.0's own check refuses this URL too (see url_check.c for its rule). */
    bool upstream_refuses;
    struct kt_str host; /* view into the text, without brackets and port */
    struct kt_str path; /* view: after the host, without query and fragment */
};

struct kt_url_finding kt_url_check(struct kt_str url);

#endif
