/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole server in the test's own process, over real TLS with certificates made for the occasion. The functions fail
 * the running cmocka test when they cannot do their work.
 */
#ifndef KT_TESTS_LIB_SERVER_FIXTURE_H
#define KT_TESTS_LIB_SERVER_FIXTURE_H

#include "base/arena.h"
#include "certs/certificate.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/tls_client.h"
#include "webhook/serve/server.h"

#define KT_SERVER_FIXTURE_ANSWER_BYTES 65536

struct kt_server_fixture {
    struct kt_arena arena;
    char directory[64];
    char certificate[96], key[96], ca[96], client_certificate[96], client_key[96];
    struct kt_certificate_pair authority;
    struct kt_webhook_config config;
    struct kt_cache *cluster; /* NULL: none; set before the start */
    struct kt_server server;
    pthread_t thread;
    int stop;
    bool running;
};

/* For cmocka; running: with the flags that every test has, and no others. */
int kt_server_fixture_set_up(void **state);
int kt_server_fixture_set_up_running(void **state);
int kt_server_fixture_tear_down(void **state);

/* Starts on free ports with these flags in addition. */
void kt_server_fixture_start(struct kt_server_fixture *fixture, const char *const *flags, size_t count);
/* As a signal would; the server's thread goes on by itself. */
void kt_server_fixture_ask_to_stop(struct kt_server_fixture *fixture);
/* Asks, waits and frees. Nothing when it does not run. */
void kt_server_fixture_stop(struct kt_server_fixture *fixture);

/* A new server certificate in place of the old one. */
void kt_server_fixture_issue(struct kt_server_fixture *fixture);
void kt_server_fixture_issue_client(struct kt_server_fixture *fixture, const struct kt_certificate_pair *authority,
                                    const char *common_name);
/* Replaces a file as a whole, as the kubelet does. */
void kt_server_fixture_write(const char *path, struct kt_str text);

/* Room for a uid of 64 bytes and the name of a preset. */
#define KT_SERVER_FIXTURE_REVIEW_BYTES 1024
/* Writes the body of a review; its length. For threads, which must not use the arena. */
size_t kt_server_fixture_write_review(char *buffer, size_t size, const char *uid, const char *preset);
struct kt_str kt_server_fixture_review(struct kt_server_fixture *fixture, const char *uid, const char *preset);

struct kt_tls_client kt_server_fixture_connect(struct kt_server_fixture *fixture);
/* One request on a connection of its own; answer has KT_SERVER_FIXTURE_ANSWER_BYTES. */
int kt_server_fixture_post(struct kt_server_fixture *fixture, const char *path, const char *type, struct kt_str body,
                           char *answer);

#endif
