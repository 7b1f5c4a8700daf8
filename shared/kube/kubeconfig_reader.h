/* SPDX-License-Identifier: Apache-2.0 */
/* Taking values of the right kind out of a kubeconfig's tree. Only for kubeconfig.c. */
#ifndef KT_KUBE_KUBECONFIG_READER_H
#define KT_KUBE_KUBECONFIG_READER_H

#include "base/arena.h"
#include "base/error.h"
#include "text/json.h"

struct kt_reader {
    struct kt_arena *arena;
    const char *path; /* of the file, for messages and relative paths */
    struct kt_error *error;
    int code; /* the first fault, which *error tells; later ones say nothing */
};

/* Where in the file a value stands, for messages: users[2].user.exec */
struct kt_reader_place {
    const char *list;
    size_t index;
    const char *inner;
};

enum kt_reader_kind {
    KT_READER_TEXT,  /* const char *, "" when absent */
    KT_READER_PATH,  /* the same, joined to the folder of the file when it is relative */
    KT_READER_BYTES, /* struct kt_str from base64 */
    KT_READER_BOOL,
};

/* A row of a table: which key goes where in a struct. */
struct kt_reader_field {
    const char *key;
    enum kt_reader_kind kind;
    size_t offset;
};

/* Remembers the first fault. All three return false. */
bool kt_reader_fail(struct kt_reader *reader, int code);
bool kt_reader_no_memory(struct kt_reader *reader);
bool kt_reader_wrong_kind(struct kt_reader *reader, const struct kt_reader_place *place, const char *key,
                          const char *wanted, const cJSON *value);

/* Fills the members of *object that the rows name. */
void kt_reader_fields(struct kt_reader *reader, const struct kt_reader_place *place, const cJSON *node,
                      const struct kt_reader_field *fields, size_t count, void *object);
/* A relative path belongs to the folder of the file that holds it. */
const char *kt_reader_path(struct kt_reader *reader, const char *path);
/* Member `key` of node as an object; NULL when it is absent or null. */
const cJSON *kt_reader_object(struct kt_reader *reader, const struct kt_reader_place *place, const cJSON *node,
                              const char *key);
/* A list of texts, NULL-terminated; NULL when it is absent. */
const char *const *kt_reader_texts(struct kt_reader *reader, const struct kt_reader_place *place, const cJSON *list,
                                   const char *key);

#endif
