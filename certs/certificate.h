/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates with OpenSSL: making a CA and a server's certificate, and looking at one. Everything goes in and out as
 * PEM text, so that no caller needs OpenSSL's types. Keys are EC P-256; serials are 128 random bits; validity starts
 * five minutes early, for clocks that are behind.
 */
#ifndef KT_CERTS_CERTIFICATE_H
#define KT_CERTS_CERTIFICATE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#define KT_CERTIFICATE_EARLY_S 300
#define KT_CERTIFICATE_CA_DAYS 365
#define KT_CERTIFICATE_DAYS 90
/* Names of one certificate. */
#define KT_CERTIFICATE_NAMES 64

struct kt_certificate_pair {
    struct kt_str certificate_pem;
    struct kt_str key_pem; /* PKCS#8, not encrypted */
};

/* now_ms is the wall clock. common_name at most 64 bytes (X.520). KT_EINVAL, KT_ENOMEM, KT_EINTERNAL. */
int kt_certificate_make_ca(struct kt_arena *arena, const char *common_name, int64_t days, int64_t now_ms,
                           struct kt_certificate_pair *ret, struct kt_error *error) KT_NODISCARD;

struct kt_certificate_request {
    const char *common_name;         /* NULL: the first DNS name or address */
    const char *organization;        /* NULL: none. The group of a client certificate */
    const char *const *dns_names;    /* NULL-terminated, or NULL; "*.example.org" is allowed */
    const char *const *ip_addresses; /* IPv4 or IPv6 */
    int64_t days;
    /* Overrides days when one is not 0; for tests of expired and not yet valid certificates. */
    int64_t not_before_ms;
    int64_t not_after_ms;
    bool client; /* extended key usage clientAuth instead of serverAuth; names are then optional */
};

/* A certificate signed by ca. Never lives longer than the CA's certificate. KT_EINVAL names the bad name. */
int kt_certificate_issue(struct kt_arena *arena, const struct kt_certificate_pair *ca,
                         const struct kt_certificate_request *request, int64_t now_ms, struct kt_certificate_pair *ret,
                         struct kt_error *error) KT_NODISCARD;

struct kt_certificate_info {
    const char *subject; /* "CN=a,O=b" */
    const char *issuer;
    const char *common_name; /* "" when there is none */
    const char *serial_hex;
    const char *fingerprint_sha256; /* lower-case hex */
    const char *const *dns_names;   /* NULL-terminated */
    const char *const *ip_addresses;
    int64_t not_before_ms;
    int64_t not_after_ms;
    bool is_ca;
    size_t chain_length; /* certificates in the text; the rest of this struct is about the first */
};

/* KT_EPARSE when the text holds no certificate or one that cannot be read. */
int kt_certificate_inspect(struct kt_arena *arena, struct kt_str certificate_pem, struct kt_certificate_info *ret,
                           struct kt_error *error) KT_NODISCARD;

/* Does the key belong to the first certificate? KT_EINVAL when not, KT_EPARSE. */
int kt_certificate_check_key(const struct kt_certificate_pair *pair, struct kt_error *error) KT_NODISCARD;

/* Is the chain (leaf first) trusted by the CA bundle at now_ms, for a TLS server of this name? host is a DNS name or an
 * address, NULL skips the name. KT_ETLS with the reason: expired, not yet valid, unknown CA, other names. */
int kt_certificate_verify(struct kt_str chain_pem, struct kt_str ca_bundle_pem, const char *host, int64_t now_ms,
                          struct kt_error *error) KT_NODISCARD;

#endif
