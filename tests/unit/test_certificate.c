/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "certs/certificate.h"

#define DAY_MS ((int64_t)86400000)
/* 2026-11-23T14:28:00Z, on a whole second as certificates are. */
#define NOW_MS ((int64_t)1795444080000)

static struct kt_arena arena;
static struct kt_error error;
static struct kt_certificate_pair ca;

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(8 * KT_MIB));
    error = (struct kt_error){0};
    return kt_certificate_make_ca(&arena, "test-ca", 365, NOW_MS, &ca, &error);
}

static int tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&arena);
    return 0;
}

static const char *const dns_names[] = {"kaito-webhook.kaito.svc", "*.example.org", NULL};
static const char *const ip_addresses[] = {"127.0.0.1", "fd00::1", NULL};

static struct kt_certificate_pair issue(const struct kt_certificate_request *request)
{
    struct kt_certificate_pair leaf;
    if (kt_certificate_issue(&arena, &ca, request, NOW_MS, &leaf, &error) != 0)
        fail_msg("%s", error.message);
    return leaf;
}

static struct kt_certificate_pair issue_usual(void)
{
    struct kt_certificate_request request = {.dns_names = dns_names, .ip_addresses = ip_addresses, .days = 90};
    return issue(&request);
}

static struct kt_certificate_info inspect(struct kt_str pem)
{
    struct kt_certificate_info info;
    if (kt_certificate_inspect(&arena, pem, &info, &error) != 0)
        fail_msg("%s", error.message);
    return info;
}

static void test_a_ca(void **state KT_UNUSED)
{
    struct kt_certificate_info info = inspect(ca.certificate_pem);
    assert_true(info.is_ca);
    assert_string_equal(info.subject, "CN=test-ca");
    assert_string_equal(info.issuer, "CN=test-ca");
    assert_string_equal(info.common_name, "test-ca");
    assert_int_equal(info.not_before_ms, NOW_MS - 300000);
    assert_int_equal(info.not_after_ms, NOW_MS + 365 * DAY_MS);
    assert_int_equal(info.chain_length, 1);
    assert_null(info.dns_names[0]);
    assert_int_equal(kt_certificate_check_key(&ca, &error), 0);
    assert_true(kt_str_starts_with(ca.key_pem, KT_STR("-----BEGIN PRIVATE KEY-----\n")));
}

static void test_a_server_certificate(void **state KT_UNUSED)
{
    struct kt_certificate_pair leaf = issue_usual();
    struct kt_certificate_info info = inspect(leaf.certificate_pem);
    assert_false(info.is_ca);
    assert_string_equal(info.common_name, "kaito-webhook.kaito.svc");
    assert_string_equal(info.issuer, "CN=test-ca");
    assert_string_equal(info.dns_names[0], "kaito-webhook.kaito.svc");
    assert_string_equal(info.dns_names[1], "*.example.org");
    assert_null(info.dns_names[2]);
    assert_string_equal(info.ip_addresses[0], "127.0.0.1");
    assert_string_equal(info.ip_addresses[1], "fd00::1");
    assert_null(info.ip_addresses[2]);
    assert_int_equal(info.not_before_ms, NOW_MS - 300000);
    assert_int_equal(info.not_after_ms, NOW_MS + 90 * DAY_MS);
    assert_int_equal(strlen(info.serial_hex), 32);
    assert_int_equal(strlen(info.fingerprint_sha256), 64);
    assert_int_equal(kt_certificate_check_key(&leaf, &error), 0);
}

static void test_serials_and_keys_differ(void **state KT_UNUSED)
{
    struct kt_certificate_pair one = issue_usual(), two = issue_usual();
    assert_string_not_equal(inspect(one.certificate_pem).serial_hex, inspect(two.certificate_pem).serial_hex);
    assert_string_not_equal(one.key_pem.data, two.key_pem.data);
    one.key_pem = two.key_pem;
    assert_int_equal(kt_certificate_check_key(&one, &error), KT_EINVAL);
    assert_non_null(strstr(error.message, "does not belong"));
}

static void assert_verdict(struct kt_str chain, struct kt_str bundle, const char *host, int64_t at_ms,
                           const char *words)
{
    error = (struct kt_error){0};
    int code = kt_certificate_verify(chain, bundle, host, at_ms, &error);
    assert_int_equal(code, words ? KT_ETLS : 0);
    if (words && !strstr(error.message, words))
        fail_msg("\"%s\" does not hold \"%s\"", error.message, words);
}

static void test_verifying_names(void **state KT_UNUSED)
{
    struct kt_str leaf = issue_usual().certificate_pem;
    static const char *const good[] = {
        "kaito-webhook.kaito.svc", "KAITO-webhook.kaito.svc", "a.example.org", "127.0.0.1", "fd00::1", "fd00:0::1"};
    static const char *const bad[] = {"kaito-webhook", "example.org", "a.b.example.org", "127.0.0.2", "fd00::2"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(good); i++)
        assert_verdict(leaf, ca.certificate_pem, good[i], NOW_MS, NULL);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(bad); i++)
        assert_verdict(leaf, ca.certificate_pem, bad[i], NOW_MS, "made out to other names than");
    assert_verdict(leaf, ca.certificate_pem, NULL, NOW_MS, NULL);
    /* The common name is no name to be trusted. */
    struct kt_certificate_request request = {.common_name = "trusted.example", .ip_addresses = ip_addresses, .days = 1};
    assert_verdict(issue(&request).certificate_pem, ca.certificate_pem, "trusted.example", NOW_MS, "other names");
}

static void test_verifying_times(void **state KT_UNUSED)
{
    struct kt_str leaf = issue_usual().certificate_pem;
    assert_verdict(leaf, ca.certificate_pem, NULL, NOW_MS - 299000, NULL);
    assert_verdict(leaf, ca.certificate_pem, NULL, NOW_MS - 301000, "not valid yet");
    assert_verdict(leaf, ca.certificate_pem, NULL, NOW_MS + 90 * DAY_MS - 1000, NULL);
    assert_verdict(leaf, ca.certificate_pem, NULL, NOW_MS + 90 * DAY_MS + 1000, "has expired");
}

static void test_verifying_the_authority(void **state KT_UNUSED)
{
    struct kt_str leaf = issue_usual().certificate_pem;
    struct kt_certificate_pair other;
    assert_int_equal(kt_certificate_make_ca(&arena, "test-ca", 365, NOW_MS, &other, &error), 0);
    /* Of the same name but with another key. */
    assert_verdict(leaf, other.certificate_pem, NULL, NOW_MS, "unknown authority");
    struct kt_strbuf bundle;
    kt_strbuf_init(&bundle, &arena, 64 * KT_KIB);
    kt_strbuf_puts(&bundle, "# a comment\n");
    kt_strbuf_add_str(&bundle, other.certificate_pem);
    kt_strbuf_add_str(&bundle, ca.certificate_pem);
    assert_verdict(leaf, kt_strbuf_view(&bundle), NULL, NOW_MS, NULL);
    assert_int_equal(inspect(kt_strbuf_view(&bundle)).chain_length, 2);
    /* A leaf may not sign, and a client's certificate is none for servers. */
    struct kt_certificate_pair pair = issue_usual(), below;
    struct kt_certificate_request request = {.dns_names = dns_names, .days = 1};
    assert_int_equal(kt_certificate_issue(&arena, &pair, &request, NOW_MS, &below, &error), KT_EINVAL);
    assert_non_null(strstr(error.message, "no certificate authority"));
    request = (struct kt_certificate_request){.common_name = "jane", .organization = "team", .days = 1, .client = true};
    pair = issue(&request);
    assert_string_equal(inspect(pair.certificate_pem).subject, "O=team, CN=jane");
    assert_verdict(pair.certificate_pem, ca.certificate_pem, NULL, NOW_MS, "cannot be trusted");
}

static void test_never_longer_than_the_ca(void **state KT_UNUSED)
{
    struct kt_certificate_request request = {.dns_names = dns_names, .days = 1000};
    assert_int_equal(inspect(issue(&request).certificate_pem).not_after_ms, NOW_MS + 365 * DAY_MS);
    request = (struct kt_certificate_request){
        .dns_names = dns_names, .not_before_ms = NOW_MS - 2 * DAY_MS, .not_after_ms = NOW_MS - DAY_MS};
    struct kt_certificate_info info = inspect(issue(&request).certificate_pem);
    assert_int_equal(info.not_before_ms, NOW_MS - 2 * DAY_MS);
    assert_int_equal(info.not_after_ms, NOW_MS - DAY_MS);
}

static void test_bad_requests(void **state KT_UNUSED)
{
    static const struct {
        const char *dns;
        const char *ip;
        const char *words;
    } cases[] = {
        {"a,DNS:evil.example", NULL, "is no DNS name"},
        {"UPPER", NULL, "is no DNS name"},
        {"", NULL, "is no DNS name"},
        {"a b", NULL, "is no DNS name"},
        {"*", NULL, "is no DNS name"},
        {"a.*.b", NULL, "is no DNS name"},
        {NULL, "1.2.3", "is no IPv4 or IPv6 address"},
        {NULL, "1.2.3.4,IP:5.6.7.8", "is no IPv4"},
        {NULL, "example.org", "is no IPv4"},
        {NULL, NULL, "at least one DNS name"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *dns[] = {cases[i].dns, NULL}, *ip[] = {cases[i].ip, NULL};
        struct kt_certificate_request request = {.dns_names = dns, .ip_addresses = ip, .days = 1};
        struct kt_certificate_pair leaf;
        assert_int_equal(kt_certificate_issue(&arena, &ca, &request, NOW_MS, &leaf, &error), KT_EINVAL);
        if (!strstr(error.message, cases[i].words))
            fail_msg("%s", error.message);
    }
    struct kt_certificate_pair pair;
    struct kt_certificate_request request = {.dns_names = dns_names, .days = 0};
    assert_int_equal(kt_certificate_issue(&arena, &ca, &request, NOW_MS, &pair, &error), KT_EINVAL);
    assert_int_equal(kt_certificate_make_ca(&arena, "x", -1, NOW_MS, &pair, &error), KT_EINVAL);
    assert_int_equal(kt_certificate_make_ca(&arena, "", 1, NOW_MS, &pair, &error), KT_EINVAL);
    static const char long_name[] = "a123456789a123456789a123456789a123456789a123456789a123456789a1234";
    assert_int_equal(kt_certificate_make_ca(&arena, long_name, 1, NOW_MS, &pair, &error), KT_EINVAL);
    const char *many[KT_CERTIFICATE_NAMES + 2] = {0};
    for (size_t i = 0; i <= KT_CERTIFICATE_NAMES; i++)
        many[i] = "a.example";
    request = (struct kt_certificate_request){.dns_names = many, .days = 1};
    assert_int_equal(kt_certificate_issue(&arena, &ca, &request, NOW_MS, &pair, &error), KT_ELIMIT);
}

static void test_a_long_first_name_is_no_common_name(void **state KT_UNUSED)
{
    const char *dns[] = {"a-service-with-a-name-of-some-length.a-namespace-with-a-long-name-too.svc.cluster.local",
                         NULL};
    struct kt_certificate_request request = {.dns_names = dns, .days = 1};
    struct kt_certificate_pair leaf = issue(&request);
    assert_string_equal(inspect(leaf.certificate_pem).common_name, "kaito");
    assert_verdict(leaf.certificate_pem, ca.certificate_pem, dns[0], NOW_MS, NULL);
}

static void test_text_that_is_no_certificate(void **state KT_UNUSED)
{
    static const char *const texts[] = {"", "hello", "-----BEGIN CERTIFICATE-----\n",
                                        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    struct kt_certificate_info info;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        struct kt_str text = kt_str(texts[i]);
        struct kt_certificate_pair pair = {text, ca.key_pem};
        assert_int_equal(kt_certificate_inspect(&arena, text, &info, &error), KT_EPARSE);
        assert_int_equal(kt_certificate_check_key(&pair, &error), KT_EPARSE);
        assert_int_equal(kt_certificate_verify(text, ca.certificate_pem, NULL, NOW_MS, &error), KT_EPARSE);
        assert_int_equal(kt_certificate_verify(ca.certificate_pem, text, NULL, NOW_MS, &error), KT_EPARSE);
        pair = (struct kt_certificate_pair){ca.certificate_pem, text};
        assert_int_equal(kt_certificate_check_key(&pair, &error), KT_EPARSE);
    }
    assert_int_equal(kt_certificate_inspect(&arena, ca.key_pem, &info, &error), KT_EPARSE);
}

/* An encrypted key is refused, not asked about on the terminal. */
static void test_an_encrypted_key(void **state KT_UNUSED)
{
    static const char key[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                              "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi2b3M0v7e0vAICCAAw\n"
                              "-----END ENCRYPTED PRIVATE KEY-----\n";
    struct kt_certificate_pair pair = {ca.certificate_pem, kt_str(key)};
    assert_int_equal(kt_certificate_check_key(&pair, &error), KT_EPARSE);
    assert_non_null(strstr(error.message, "not encrypted"));
}

static void test_little_memory(void **state KT_UNUSED)
{
    struct kt_certificate_request request = {.dns_names = dns_names, .days = 1};
    bool done = false;
    for (size_t limit = 0; limit < 64 * 1024 && !done; limit += 199) {
        KT_CLEANUP(kt_arena_release) struct kt_arena small;
        struct kt_certificate_pair leaf;
        struct kt_certificate_info info;
        kt_arena_init(&small, limit);
        int code = kt_certificate_issue(&small, &ca, &request, NOW_MS, &leaf, &error);
        if (code == 0)
            code = kt_certificate_inspect(&small, leaf.certificate_pem, &info, &error);
        assert_true(code == 0 || code == KT_ENOMEM || code == KT_ELIMIT);
        done = code == 0;
    }
    assert_true(done);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_ca),
        TEST(test_a_server_certificate),
        TEST(test_serials_and_keys_differ),
        TEST(test_verifying_names),
        TEST(test_verifying_times),
        TEST(test_verifying_the_authority),
        TEST(test_never_longer_than_the_ca),
        TEST(test_bad_requests),
        TEST(test_a_long_first_name_is_no_common_name),
        TEST(test_text_that_is_no_certificate),
        TEST(test_an_encrypted_key),
        TEST(test_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
