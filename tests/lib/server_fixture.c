/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/server_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

#define REVIEW_FORMAT                                                                                                \
    "{\"apiVersion\":\"admission.k8s.io/"                                                                            \
    "v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"%s\",\"kind\":{\"group\":"                             \
    "\"kaito.sh\",\"version\":\"v1beta1\",\"kind\":\"Workspace\"},\"resource\":{\"group\":\"kaito.sh\",\"version\":" \
    "\"v1beta1\","                                                                                                   \
    "\"resource\":\"workspaces\"},\"operation\":\"CREATE\",\"namespace\":\"default\",\"name\":\"w\",\"object\":{"    \
    "\"apiVersion\":"                                                                                                \
    "\"kaito.sh/"                                                                                                    \
    "v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"w\",\"namespace\":\"default\"},\"inference\":"        \
    "{\"preset\":{\"name\":\"%s\"}}}}}"

size_t kt_server_fixture_write_review(char *buffer, size_t size, const char *uid, const char *preset)
{
    int length = snprintf(buffer, size, REVIEW_FORMAT, uid, preset);
    assert_in_range(length, 1, size - 1);
    return (size_t)length;
}

struct kt_str kt_server_fixture_review(struct kt_server_fixture *fixture, const char *uid, const char *preset)
{
    const char *text = kt_arena_printf(&fixture->arena, REVIEW_FORMAT, uid, preset);
    assert_non_null(text);
    return kt_str(text);
}

void kt_server_fixture_write(const char *path, struct kt_str text)
{
    char temporary[128];
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    FILE *file = fopen(temporary, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.length, file), text.length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(temporary, path), 0);
}

void kt_server_fixture_issue(struct kt_server_fixture *fixture)
{
    static const char *const names[] = {"localhost", NULL}, *const addresses[] = {"127.0.0.1", NULL};
    struct kt_certificate_request request = {.dns_names = names, .ip_addresses = addresses, .days = 1};
    struct kt_certificate_pair pair;
    struct kt_error error;
    assert_int_equal(kt_certificate_issue(&fixture->arena, &fixture->authority, &request,
                                          kt_clock_wall_ms(&kt_clock_system), &pair, &error),
                     0);
    kt_server_fixture_write(fixture->key, pair.key_pem);
    kt_server_fixture_write(fixture->certificate, pair.certificate_pem);
}

void kt_server_fixture_issue_client(struct kt_server_fixture *fixture, const struct kt_certificate_pair *authority,
                                    const char *common_name)
{
    struct kt_certificate_request request = {.common_name = common_name, .days = 1, .client = true};
    struct kt_certificate_pair pair;
    assert_int_equal(
        kt_certificate_issue(&fixture->arena, authority, &request, kt_clock_wall_ms(&kt_clock_system), &pair, NULL), 0);
    kt_server_fixture_write(fixture->client_key, pair.key_pem);
    kt_server_fixture_write(fixture->client_certificate, pair.certificate_pem);
}

static void *serve(void *context)
{
    struct kt_server_fixture *fixture = context;
    kt_server_run(&fixture->server, fixture->stop);
    return NULL;
}

void kt_server_fixture_start(struct kt_server_fixture *fixture, const char *const *flags, size_t count)
{
    char *argv[16] = {(char *)(uintptr_t) "kaito-webhook",    (char *)(uintptr_t) "--bind-address=127.0.0.1",
                      (char *)(uintptr_t) "--webhook-port=0", (char *)(uintptr_t) "--health-port=0",
                      (char *)(uintptr_t) "--metrics-port=0", (char *)(uintptr_t) "--shutdown-delay=0s",
                      (char *)(uintptr_t) "--log-level=error"};
    int argc = 7;
    for (size_t i = 0; i < count; i++)
        argv[argc++] = (char *)(uintptr_t)flags[i];
    struct kt_error error = {0};
    if (kt_webhook_config_parse(&fixture->config, argc, argv, getenv, &error) != 0)
        fail_msg("%s", error.message);
    fixture->config.tls_certificate_file = fixture->certificate;
    fixture->config.tls_key_file = fixture->key;
    if (kt_server_start(&fixture->server, &fixture->config, fixture->cluster, &error) != 0)
        fail_msg("%s", error.message);
    fixture->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_int_equal(pthread_create(&fixture->thread, NULL, serve, fixture), 0);
    fixture->running = true;
}

void kt_server_fixture_ask_to_stop(struct kt_server_fixture *fixture)
{
    uint64_t one = 1;
    assert_int_equal(write(fixture->stop, &one, sizeof(one)), sizeof(one));
}

void kt_server_fixture_stop(struct kt_server_fixture *fixture)
{
    if (!fixture->running)
        return;
    kt_server_fixture_ask_to_stop(fixture);
    pthread_join(fixture->thread, NULL);
    kt_server_stop(&fixture->server);
    kt_close_fd(&fixture->stop);
    fixture->running = false;
}

int kt_server_fixture_set_up(void **state)
{
    struct kt_server_fixture *fixture = calloc(1, sizeof(*fixture));
    kt_arena_init(&fixture->arena, 64 * KT_MIB);
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/kaito-server.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->certificate, sizeof(fixture->certificate), "%s/tls.crt", fixture->directory);
    snprintf(fixture->key, sizeof(fixture->key), "%s/tls.key", fixture->directory);
    snprintf(fixture->ca, sizeof(fixture->ca), "%s/ca.crt", fixture->directory);
    snprintf(fixture->client_certificate, sizeof(fixture->client_certificate), "%s/client.crt", fixture->directory);
    snprintf(fixture->client_key, sizeof(fixture->client_key), "%s/client.key", fixture->directory);
    assert_int_equal(kt_certificate_make_ca(&fixture->arena, "test CA", 2, kt_clock_wall_ms(&kt_clock_system),
                                            &fixture->authority, NULL),
                     0);
    kt_server_fixture_write(fixture->ca, fixture->authority.certificate_pem);
    kt_server_fixture_issue(fixture);
    *state = fixture;
    return 0;
}

int kt_server_fixture_set_up_running(void **state)
{
    kt_server_fixture_set_up(state);
    kt_server_fixture_start(*state, NULL, 0);
    return 0;
}

int kt_server_fixture_tear_down(void **state)
{
    struct kt_server_fixture *fixture = *state;
    kt_server_fixture_stop(fixture);
    const char *const files[] = {fixture->certificate, fixture->key, fixture->ca, fixture->client_certificate,
                                 fixture->client_key};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(files); i++)
        unlink(files[i]);
    rmdir(fixture->directory);
    kt_arena_release(&fixture->arena);
    free(fixture);
    return 0;
}

struct kt_tls_client kt_server_fixture_connect(struct kt_server_fixture *fixture)
{
    struct kt_tls_client client;
    assert_true(kt_tls_client_open(&client, fixture->server.port, fixture->ca, NULL, NULL));
    return client;
}

/* One request on a connection of its own. */
int kt_server_fixture_post(struct kt_server_fixture *fixture, const char *path, const char *type, struct kt_str body,
                           char *answer)
{
    struct kt_tls_client client = kt_server_fixture_connect(fixture);
    int status = kt_tls_client_post(&client, path, type, body, answer, KT_SERVER_FIXTURE_ANSWER_BYTES);
    kt_tls_client_close(&client);
    return status;
}
