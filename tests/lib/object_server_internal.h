/* SPDX-License-Identifier: Apache-2.0 */
/* The object server's parts: what is asked for and answered (object_server.c), and writes (object_writes.c). */
#ifndef KT_TESTS_LIB_OBJECT_SERVER_INTERNAL_H
#define KT_TESTS_LIB_OBJECT_SERVER_INTERNAL_H

#include <pthread.h>

#include "base/strbuf.h"
#include "tests/lib/object_server.h"

#define KT_OBJECTS_MOST 128
#define KT_OBJECT_LOGS 8
#define KT_OBJECT_FAULTS 16
#define KT_OBJECT_REPLY_BYTES ((size_t)(8 * KT_MIB))

struct kt_object_log {
    const char *container, *text;
    size_t cut_after;
};

struct kt_gone_object {
    const cJSON *object;
    int64_t version;
};

struct kt_object_server {
    pthread_mutex_t lock;
    struct kt_scripted_server *http;
    struct kt_arena arena;
    const struct kt_clock *clock;
    cJSON *objects[KT_OBJECTS_MOST];
    size_t count;
    cJSON *births; /* by "Kind namespace/name": how often one was made */
    int64_t version;
    cJSON *versions;                             /* by kind: of the newest change */
    struct kt_gone_object gone[KT_OBJECTS_MOST]; /* for watches; the oldest are overwritten */
    size_t gone_count;
    const char *refused;
    int refused_code;
    bool away, silent;
    struct kt_object_log logs[KT_OBJECT_LOGS];
    size_t log_count;
    struct kt_object_fault faults[KT_OBJECT_FAULTS];
    size_t fault_count;
    bool counts_writes;
    size_t writes_left; /* with counts_writes: after these the server is away */
};

struct kt_wanted {
    char text[1024]; /* the path, cut at its slashes; the strings below point into it */
    const char *space, *plural, *name, *sub;
    const char *query;
};

struct kt_answer {
    int code;
    struct kt_strbuf body;
};

void kt_wanted_parse(const char *target, struct kt_wanted *ret);
/* "" for a plural that the server does not know. */
const char *kt_wanted_kind(const struct kt_wanted *wanted);
/* The first object that is asked for, or NULL. */
cJSON *kt_object_server_find(struct kt_object_server *server, const struct kt_wanted *wanted);
/* A Status; reason NULL: the one of the code. */
void kt_answer_refuse(struct kt_answer *answer, const struct kt_wanted *wanted, int code, const char *reason);
void kt_answer_object(struct kt_answer *answer, int code, const cJSON *object);
/* POST, PATCH, PUT and DELETE, with the lock held. */
void kt_object_server_write(struct kt_object_server *server, const struct kt_scripted_request *request,
                            const struct kt_wanted *wanted, struct kt_answer *answer);

#endif
