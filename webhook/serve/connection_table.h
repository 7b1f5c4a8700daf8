/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is connected, over all workers. There is a limit; only when it is reached, one connection goes for each that
 * comes, so that whoever keeps connections open shuts nobody out. Which one, in this order:
 *
 *   1. one that has had no answer yet, though it has had time for its first request, or though its address holds more
 *      than an eighth of the limit of such;
 *   2. one whose request has been coming in for KT_CONNECTION_STALL_MS;
 *   3. one that waits between two requests;
 *   4. whichever is left: no answer yet, a request coming in, an answer going out;
 *
 * each time of the address that holds most of that kind, and there the one that has been like this for longest. The API
 * server is one address with many kept connections; they are of the third kind, a client that only connects is of the
 * first, and one that drips is of the second. Nine or more addresses that each renew connections faster than they are
 * given time can still push kept ones out.
 *
 * Taking a place and giving it back lock; saying what a connection does (kt_connection_table_note) does not, because
 * that is on the way of every request.
 */
#ifndef KT_WEBHOOK_SERVE_CONNECTION_TABLE_H
#define KT_WEBHOOK_SERVE_CONNECTION_TABLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"

/* Time for a handshake and a first request: two round trips round half the earth. */
#define KT_CONNECTION_GRACE_MS 300
/* A request that is still coming in after this goes before a connection that waits for its next one. */
#define KT_CONNECTION_STALL_MS 2000
/* Connections that have been told to go and are not gone yet; more than this at once, and the next one is refused. */
#define KT_CONNECTION_TABLE_SPARE ((size_t)128)

enum kt_connection_use {
    KT_CONNECTION_UNUSED,    /* no request of it has been received whole yet */
    KT_CONNECTION_WAITING,   /* between two requests */
    KT_CONNECTION_RECEIVING, /* a request after its first is coming in */
    KT_CONNECTION_ANSWERING,
};

struct kt_connection_place {
    bool taken;       /* this and the next two: under the lock */
    uint32_t address; /* IPv4 */
    int wake;         /* eventfd of the thread that must close it; -1: that thread looks by itself */
    atomic_int use;   /* enum kt_connection_use */
    atomic_llong since_ms;
    atomic_bool must_go; /* its owner closes it at its next look */
};

struct kt_address_count;

struct kt_connection_table {
    pthread_mutex_t lock;
    struct kt_connection_place *places;
    size_t limit, place_count;
    size_t taken;
    atomic_size_t going;             /* of these, those that must go; only read without the lock */
    struct kt_address_count *counts; /* scratch: connections by address */
    size_t count_size;               /* a power of two */
    uint32_t count_round;
};

/* limit: at least 1. KT_ENOMEM. */
int kt_connection_table_init(struct kt_connection_table *table, size_t limit, struct kt_error *error) KT_NODISCARD;
void kt_connection_table_release(struct kt_connection_table *table); /* nobody may hold a place; accepts a zeroed one */

/* A place for a new connection, with another told to go when the table is full. NULL: those told to go are still too
 * many. now_ms: monotonic. */
struct kt_connection_place *kt_connection_table_join(struct kt_connection_table *table, uint32_t address, int wake,
                                                     int64_t now_ms);
void kt_connection_table_leave(struct kt_connection_table *table, struct kt_connection_place *place);

/* What the connection does now; the time counts from when it began to, and anew when a request came and went since
 * (is_new). By its owner only. */
void kt_connection_table_note(struct kt_connection_place *place, enum kt_connection_use use, bool is_new,
                              int64_t now_ms);

static inline bool kt_connection_must_go(const struct kt_connection_place *place)
{
    return place && atomic_load_explicit(&place->must_go, memory_order_relaxed);
}

#endif
