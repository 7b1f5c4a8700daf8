/* SPDX-License-Identifier: Apache-2.0 */
/* A client and a server that answers the same to everything; for the tests of the client. */
#ifndef KT_TESTS_LIB_CANNED_SERVER_H
#define KT_TESTS_LIB_CANNED_SERVER_H

#include "tests/lib/api_fixture.h"

#define STATUS(code, reason, message)                                                        \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"" reason \
    "\",\"message\":\"" message "\",\"code\":" #code "}"

struct kt_canned {
    int code;
    const char *headers;
    const char *body;
    const char *raw; /* the whole reply, instead of the others */
    bool close;
};

/* A kt_scripted_handler whose context is a struct kt_canned; what it holds may change between requests. */
bool kt_serve_canned(void *context, const struct kt_scripted_request *request,
                     struct kt_scripted_connection *connection);

/* One fixture a program, and what its server answers: 200 with {"kind":"Test"} until a test says otherwise. */
extern struct kt_api_fixture kt_canned_fixture;
extern struct kt_canned kt_canned_reply;

/* For cmocka's set-up and tear-down. */
int kt_canned_set_up(void **state);
int kt_canned_tear_down(void **state);
/* Starts over with another handler. */
void kt_canned_serve(kt_scripted_handler *handler, void *context);

#endif
