/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of API servers and the proxies on the way to them. */
#ifndef KT_KUBE_SERVER_ADDRESS_H
#define KT_KUBE_SERVER_ADDRESS_H

#include "base/arena.h"
#include "base/error.h"
#include "kube/environment.h"

#define KT_SERVER_ADDRESS_BYTES ((size_t)2048)

struct kt_server_address {
    const char *url;       /* scheme://host[:port][/prefix], no slash at the end */
    const char *scheme;    /* "https" or "http" */
    const char *host;      /* without brackets and port */
    const char *host_port; /* "host:port", an IPv6 host in brackets, the scheme's port filled in */
    const char *prefix;    /* "" or "/prefix" */
    int port;
};

/* Reads an address as client-go does (rest/url_utils.go): without a scheme it is http and must be host[:port]. Query
 * and fragment are dropped. KT_EINVAL says what is wrong; user names in the address and other schemes are refused. */
int kt_server_address_parse(struct kt_arena *arena, const char *text, struct kt_server_address *ret,
                            struct kt_error *error) KT_NODISCARD;

/* The proxy that the environment asks for, as Go's net/http reads it: HTTPS_PROXY or HTTP_PROXY, upper case first;
 * never for localhost and loopback addresses. ret_no_proxy is NO_PROXY, for the HTTP library to apply. "" is none. */
void kt_server_address_proxy(const struct kt_environment *environment, const struct kt_server_address *address,
                             const char **ret_proxy, const char **ret_no_proxy);

#endif
