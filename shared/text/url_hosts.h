/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of host a URL names. Private to text/url_*.c. */
#ifndef KT_TEXT_URL_HOSTS_H
#define KT_TEXT_URL_HOSTS_H

#include "text/url_check.h"

struct kt_url_judgement {
    enum kt_url_verdict verdict;
    const char *reason; /* NULL when OK */
};

/* An IPv4 address, most significant byte first. */
struct kt_url_judgement kt_url_judge_ipv4(uint32_t address);
/* 16 bytes; addresses that carry an IPv4 address (mapped, compatible, translated, 6to4) are judged by that too. */
struct kt_url_judgement kt_url_judge_ipv6(const uint8_t *address);
/* A host name or IPv4 address in any spelling that inet_aton knows, without brackets and port. */
struct kt_url_judgement kt_url_judge_name(struct kt_str host);

/* Strict notations, as in RFC 3986: four decimal parts without leading zeros; RFC 4291 without zone. */
bool kt_url_parse_ipv4(struct kt_str text, uint32_t *ret);
bool kt_url_parse_ipv6(struct kt_str text, uint8_t ret[16]);

/* See url_upstream.c. */
bool kt_url_upstream_refuses(struct kt_str url);

#endif
