/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What -f names: files, folders (all of what is in them that ends in .yaml, .yml or .json, in order of names) and
 * standard input. Each may hold several documents, and a document may be a v1 List of objects.
 */
#ifndef KT_PLUGIN_MANIFEST_H
#define KT_PLUGIN_MANIFEST_H

#include "kube/environment.h"
#include "plugin/flags.h"
#include "text/yaml.h"

/* Deeper folders are not looked into. */
#define KT_MANIFEST_DEEPEST_FOLDER 32
/* What is parsed stays in memory up to here, so that few files are read once; beyond, they are read again. */
#define KT_MANIFEST_KEPT_BYTES ((size_t)(64 * KT_MIB))

struct kt_manifest_file {
    const char *name;    /* as messages show it: the path, or "standard input" */
    const char *path;    /* NULL: standard input */
    bool found;          /* by looking into a folder, not named by the user */
    bool kept;           /* text and documents are there */
    const char *failure; /* why it cannot be read; NULL: not tried, or it can */
    struct kt_str text;
    const uint32_t *line_starts; /* offset of each line */
    size_t line_count;
    struct kt_yaml_documents documents;
};

struct kt_manifest_list {
    struct kt_manifest_file *items;
    size_t count;
    size_t capacity;
};

/* A folder or file that cannot be looked at is told to `trouble`, and the rest goes on. KT_ELIMIT for more than
 * KT_LIMIT_MANIFEST_FILES files, KT_ENOMEM. */
int kt_manifest_find(struct kt_arena *arena, const struct kt_texts *names,
                     void (*trouble)(void *context, const char *name, const struct kt_error *error), void *context,
                     struct kt_manifest_list *ret, struct kt_error *error) KT_NODISCARD;

/* Reads and parses into the arena; nothing to do for a file that is kept. KT_ENOTFOUND, KT_EFORBIDDEN, KT_EIO,
 * KT_ELIMIT, KT_EPARSE. A document that cannot be read is no error here: see its own. */
int kt_manifest_read(struct kt_arena *arena, const struct kt_files *files, struct kt_manifest_file *file,
                     struct kt_error *error) KT_NODISCARD;

/* A line of a file that has been read, from 1, without its end; empty when there is no such line. */
struct kt_str kt_manifest_line(const struct kt_manifest_file *file, uint32_t line);

/* One object of a document. */
struct kt_manifest_object {
    const cJSON *node;
    const struct kt_yaml_document *document;
    size_t document_number; /* from 1 */
    const char *list_path;  /* "items[3]" within a List; "" otherwise */
    const char *api_version;
    const char *kind;
    const char *name;       /* metadata.name, or generateName, or NULL */
    const char *namespace_; /* NULL: absent */
    struct kt_position position;
};

/* Calls visit for each object of a document, the items of a List one by one. False from visit ends it. A document that
 * is no object of Kubernetes (no map, no kind) is visited with kind NULL. */
bool kt_manifest_visit(struct kt_arena *arena, const struct kt_yaml_document *document, size_t number,
                       bool (*visit)(void *context, const struct kt_manifest_object *object), void *context);

#endif
