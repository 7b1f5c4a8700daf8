/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/api_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Generous, because a machine may be slow; tests that are about time give their own. */
#define TIMEOUT_MS 30000

static void must(bool good, const char *message)
{
    if (good)
        return;
    fprintf(stderr, "api fixture: %s\n", message);
    abort();
}

static const char *const no_variables[] = {NULL};

void kt_api_fixture_start(struct kt_api_fixture *fixture, kt_scripted_handler *handler, void *context,
                          const struct kt_certificate_pair *tls, struct kt_str client_ca_pem)
{
    const struct kt_scripted_options options = {
        .handler = handler, .context = context, .certificate = tls, .client_ca_pem = client_ca_pem};
    kt_api_fixture_start_with(fixture, &options);
}

void kt_api_fixture_start_with(struct kt_api_fixture *fixture, const struct kt_scripted_options *options)
{
    *fixture = (struct kt_api_fixture){0};
    kt_arena_init(&fixture->arena, (size_t)(256 * KT_MIB));
    fixture->server = kt_scripted_server_start(options);
    fixture->environment =
        (struct kt_environment){.variables = no_variables, .files = &kt_files_system, .clock = &kt_clock_system};
    fixture->options = (struct kt_client_options){.timeout_ms = TIMEOUT_MS, .stop_fd = -1};
    fixture->config = (struct kt_config){
        .context = "test",
        .source = "context \"test\" of /k",
        .server = kt_scripted_server_url(fixture->server),
        .namespace_ = "default",
        .ca_source = "certificate-authority of cluster \"test\" (/k)",
        .ca_pem = options->certificate ? kt_test_ca()->certificate_pem : (struct kt_str){"", 0},
        .tls_server_name = "",
        .proxy_url = "",
        .no_proxy = "",
        .token = "",
        .token_file = "",
        .username = "",
        .password = "",
        .impersonation = {.user = "", .uid = ""},
        .user_source = "user \"u\" of /k",
    };
}

void kt_api_fixture_renew(struct kt_api_fixture *fixture)
{
    kt_client_cleanup(&fixture->client);
}

void kt_api_fixture_stop(struct kt_api_fixture *fixture)
{
    kt_api_fixture_renew(fixture);
    kt_scripted_server_stop(fixture->server);
    kt_arena_release(&fixture->arena);
    *fixture = (struct kt_api_fixture){0};
}

struct kt_client *kt_api_fixture_client(struct kt_api_fixture *fixture)
{
    if (!fixture->client && kt_client_new(&fixture->config, &fixture->environment, &fixture->options, &fixture->client,
                                          &fixture->error) != 0)
        must(false, fixture->error.message);
    return fixture->client;
}

int kt_api_fixture_get(struct kt_api_fixture *fixture, const char *path)
{
    struct kt_request request = {.method = "GET", .path = path, .resource = &kt_resource_workspaces};
    fixture->error = (struct kt_error){0};
    /* The two counts order the test's writes and the handler's reads for the thread sanitizer. */
    if (fixture->server)
        kt_scripted_server_count(fixture->server);
    int code =
        kt_client_do(kt_api_fixture_client(fixture), &fixture->arena, &request, &fixture->reply, &fixture->error);
    if (fixture->server)
        kt_scripted_server_count(fixture->server);
    return code;
}

void kt_api_fixture_expect(struct kt_api_fixture *fixture, const char *path, int code, const char *words)
{
    int got = kt_api_fixture_get(fixture, path);
    if (got == code && strstr(fixture->error.message, words))
        return;
    fprintf(stderr, "wanted %d with \"%s\"\ngot    %d with \"%s\"\n", code, words, got, fixture->error.message);
    abort();
}

/* --- certificates ---------------------------------------------------------------------------------------------------
 */

static struct kt_arena certificates;
static struct kt_certificate_pair ca, server_certificate;

static void make_certificates(void)
{
    static const char *const dns[] = {"localhost", NULL}, *const ip[] = {"127.0.0.1", NULL};
    struct kt_error error = {0};
    struct kt_certificate_request request = {.dns_names = dns, .ip_addresses = ip, .days = 30};
    int64_t now_ms = kt_clock_wall_ms(&kt_clock_system);
    kt_arena_init(&certificates, (size_t)KT_MIB);
    if (kt_certificate_make_ca(&certificates, "scripted-ca", 30, now_ms, &ca, &error) != 0 ||
        kt_certificate_issue(&certificates, &ca, &request, now_ms, &server_certificate, &error) != 0)
        must(false, error.message);
}

const struct kt_certificate_pair *kt_test_ca(void)
{
    if (ca.key_pem.length == 0)
        make_certificates();
    return &ca;
}

const struct kt_certificate_pair *kt_test_server_certificate(void)
{
    kt_test_ca();
    return &server_certificate;
}

void kt_test_certificates_release(void)
{
    kt_arena_release(&certificates);
    ca = server_certificate = (struct kt_certificate_pair){0};
}
