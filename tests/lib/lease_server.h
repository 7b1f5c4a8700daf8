/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Lease behind one or more doors, each an HTTP server that keeps to the API server's rules: a write needs the
 * present resourceVersion, a second create is refused. A door can be told to misbehave. Ends the test program when it
 * cannot do its work.
 */
#ifndef KT_TESTS_LIB_LEASE_SERVER_H
#define KT_TESTS_LIB_LEASE_SERVER_H

#include <pthread.h>

#include "tests/lib/api_fixture.h"

struct kt_lease_store {
    pthread_mutex_t lock;
    char text[16384]; /* the Lease as JSON; "": there is none */
    int64_t version;
    struct kt_arena arena; /* of one request, taken beforehand: a test may let the heap fail meanwhile */
};

enum kt_lease_fault {
    KT_LEASE_FAULT_NONE,
    KT_LEASE_FAULT_STATUS,  /* answers with the code and does nothing */
    KT_LEASE_FAULT_SWALLOW, /* never answers */
    KT_LEASE_FAULT_CUT,     /* does what is asked, and closes the connection in the middle of the answer */
    KT_LEASE_FAULT_TEXT,    /* answers 200 with a text that is no Lease, and does nothing */
};

struct kt_lease_door {
    struct kt_lease_store *store;
    struct kt_api_fixture fixture; /* config and environment for a client */
    pthread_mutex_t lock;
    enum kt_lease_fault fault;
    const char *fault_methods; /* "PUT POST" */
    int fault_code;
    const char *fault_text;      /* of the Status, or the text itself */
    size_t fault_count;          /* requests it still befalls */
    void (*before_answer)(void); /* what happens while a request is on its way; NULL: nothing */
    size_t told;                 /* requests that kt_lease_door_methods has told of */
};

void kt_lease_store_init(struct kt_lease_store *store);
void kt_lease_store_release(struct kt_lease_store *store);
/* Puts a Lease there with this spec (a JSON text, NULL: no spec at all) under a new resourceVersion. */
void kt_lease_store_put(struct kt_lease_store *store, const char *spec);
/* The same with the whole text, resourceVersion included or not. */
void kt_lease_store_put_text(struct kt_lease_store *store, const char *text);
void kt_lease_store_delete(struct kt_lease_store *store);
/* A copy of the Lease in the arena; NULL when there is none. */
cJSON *kt_lease_store_get(struct kt_lease_store *store, struct kt_arena *arena);
/* Changes metadata only, as `kubectl annotate` does. */
void kt_lease_store_annotate(struct kt_lease_store *store, const char *key);

void kt_lease_door_open(struct kt_lease_door *door, struct kt_lease_store *store);
void kt_lease_door_close(struct kt_lease_door *door);
void kt_lease_door_fault(struct kt_lease_door *door, enum kt_lease_fault fault, const char *methods, int code,
                         const char *text, size_t count);
void kt_lease_door_heal(struct kt_lease_door *door);
/* "GET PUT": the methods of all requests since the last call, in an own buffer of the thread. */
const char *kt_lease_door_methods(struct kt_lease_door *door);

#endif
