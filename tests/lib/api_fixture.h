/* SPDX-License-Identifier: Apache-2.0 */
/* A client and the scripted server that it talks to, for the tests of shared/kube/. */
#ifndef KT_TESTS_LIB_API_FIXTURE_H
#define KT_TESTS_LIB_API_FIXTURE_H

#include "kube/api.h"
#include "tests/lib/scripted_server.h"

struct kt_api_fixture {
    struct kt_arena arena;
    struct kt_error error;
    struct kt_scripted_server *server;
    struct kt_environment environment; /* the real files and clock, no variables */
    struct kt_config config;           /* of the server; may be changed before the first kt_api_fixture_client */
    struct kt_client_options options;
    struct kt_client *client; /* made by kt_api_fixture_client */
    struct kt_reply reply;
};

/* Starts a server with this handler; tls and client_ca_pem as in scripted_server.h. */
void kt_api_fixture_start(struct kt_api_fixture *fixture, kt_scripted_handler *handler, void *context,
                          const struct kt_certificate_pair *tls, struct kt_str client_ca_pem);
/* The same with all of the server's options. */
void kt_api_fixture_start_with(struct kt_api_fixture *fixture, const struct kt_scripted_options *options);
/* Also after a test that started nothing. */
void kt_api_fixture_stop(struct kt_api_fixture *fixture);

/* The client; made on the first call. */
struct kt_client *kt_api_fixture_client(struct kt_api_fixture *fixture);
/* Drops the client, so that the next call makes one from the changed config. */
void kt_api_fixture_renew(struct kt_api_fixture *fixture);

/* GET of a path; fills fixture->reply and fixture->error. */
int kt_api_fixture_get(struct kt_api_fixture *fixture, const char *path);
/* The same, and the test fails when the code is another or the message does not hold the words. */
void kt_api_fixture_expect(struct kt_api_fixture *fixture, const char *path, int code, const char *words);

/* A CA and a server certificate for localhost and 127.0.0.1, made once a program. */
const struct kt_certificate_pair *kt_test_ca(void);
const struct kt_certificate_pair *kt_test_server_certificate(void);
void kt_test_certificates_release(void);

#endif
