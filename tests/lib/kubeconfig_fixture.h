/* SPDX-License-Identifier: Apache-2.0 */
/* Resolving kubeconfigs from files that a test makes up. One fixture a program; include after cmocka. */
#ifndef KT_TESTS_LIB_KUBECONFIG_FIXTURE_H
#define KT_TESTS_LIB_KUBECONFIG_FIXTURE_H

#include "kube/config.h"
#include "tests/lib/fake_environment.h"

struct kt_kubeconfig_fixture {
    struct kt_arena arena;
    struct kt_fake_environment fake;
    struct kt_error error; /* of the last call */
};

extern struct kt_kubeconfig_fixture kt_fixture;

/* For cmocka's set-up and tear-down. */
int kt_fixture_set_up(void **state);
int kt_fixture_tear_down(void **state);

/* text NULL: the file is there but may not be read. */
void kt_fixture_add_file(const char *path, const char *text);
void kt_fixture_add_variable(const char *entry);

/* The test fails when this is refused. */
struct kt_config kt_fixture_resolve(const struct kt_config_overrides *overrides);
/* The test fails when this is not refused with this code and these words. */
void kt_fixture_expect(const struct kt_config_overrides *overrides, int code, const char *words);
void kt_fixture_expect_text(struct kt_str text, const char *wanted);

#define CA_PEM "-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n"
#define CERT_PEM "-----BEGIN CERTIFICATE-----\nme\n-----END CERTIFICATE-----\n"
#define KEY_PEM "-----BEGIN PRIVATE KEY-----\nme\n-----END PRIVATE KEY-----\n"
/* The same in base64. */
#define CA_BASE64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCmNhCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K"
#define CERT_BASE64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCm1lCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K"
#define KEY_BASE64 "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCm1lCi0tLS0tRU5EIFBSSVZBVEUgS0VZLS0tLS0K"

/* A whole kubeconfig with one of each. */
#define SIMPLE(server, token)                                    \
    "apiVersion: v1\nkind: Config\ncurrent-context: here\n"      \
    "clusters: [{name: c, cluster: {server: \"" server "\"}}]\n" \
    "users: [{name: u, user: {token: \"" token "\"}}]\n"         \
    "contexts: [{name: here, context: {cluster: c, user: u, namespace: ns1}}]\n"

#endif
