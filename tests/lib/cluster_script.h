/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An API server that lists and watches six kinds as a test tells it to: what a list holds, what a watch says next, and
 * what goes wrong. For the tests of the reconciler's informers.
 */
#ifndef KT_TESTS_LIB_CLUSTER_SCRIPT_H
#define KT_TESTS_LIB_CLUSTER_SCRIPT_H

#include <pthread.h>

#include "tests/lib/api_fixture.h"
#include "webhook/cluster/store.h"

#define KT_SCRIPT_PIECES 64
#define KT_SCRIPT_FAULTS 8

/* Pieces of a watch with a meaning of their own. */
extern const char kt_script_cut[]; /* the connection breaks */
extern const char kt_script_end[]; /* the watch ends as it should */

struct kt_script_fault {
    bool of_list;
    int code;
    const char *headers, *body;
};

struct kt_cluster_script {
    struct kt_api_fixture api;
    pthread_mutex_t lock;
    struct {
        const char *items; /* of a list, separated by commas */
        const char *pieces[KT_SCRIPT_PIECES];
        size_t piece_count, next_piece; /* each is sent once, by whatever watch is open */
        struct kt_script_fault faults[KT_SCRIPT_FAULTS];
        size_t fault_count;
        size_t lists, watches; /* requests so far */
        bool missing;          /* the type is not known */
    } kinds[KT_CACHED_KINDS];
    bool down; /* every connection is closed without a word */
};

void kt_cluster_script_start(struct kt_cluster_script *script);
void kt_cluster_script_stop(struct kt_cluster_script *script);

void kt_cluster_script_items(struct kt_cluster_script *script, enum kt_kind_id kind, const char *items);
void kt_cluster_script_say(struct kt_cluster_script *script, enum kt_kind_id kind, const char *piece);
/* The next list, or watch, is answered so. */
void kt_cluster_script_fail(struct kt_cluster_script *script, enum kt_kind_id kind, struct kt_script_fault fault);
void kt_cluster_script_miss(struct kt_cluster_script *script, enum kt_kind_id kind, bool missing);
void kt_cluster_script_down(struct kt_cluster_script *script, bool down);
size_t kt_cluster_script_lists(struct kt_cluster_script *script, enum kt_kind_id kind);
size_t kt_cluster_script_watches(struct kt_cluster_script *script, enum kt_kind_id kind);

#endif
