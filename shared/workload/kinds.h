/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Workspace is made of: one row a kind. The cache of the server watches and keeps what the rows say, both
 * programs find a Workspace's objects by them (workload/observation.h), writes report what goes wrong on the condition
 * that a row names, and the rules of manifests/base/rbac.yaml are made from the verbs.
 */
#ifndef KT_WORKLOAD_KINDS_H
#define KT_WORKLOAD_KINDS_H

#include "kube/api_path.h"
#include "text/json.h"

enum kt_kind_id {
    KT_KIND_WORKSPACE,
    KT_KIND_NODE_CLAIM,
    KT_KIND_NODE,
    KT_KIND_JOB,
    KT_KIND_POD,
    KT_KIND_CONFIG_MAP,
    KT_CACHED_KINDS, /* those above are watched and kept by the server */
    KT_KIND_CONTROLLER_REVISION = KT_CACHED_KINDS,
    KT_KIND_EVENT,
    KT_KIND_COUNT,
};

/* How the objects of a Workspace are told from others of their kind. */
enum kt_found_by {
    KT_FOUND_BY_NAME,      /* has the Workspace's name and namespace */
    KT_FOUND_BY_LABEL,     /* has its name in KT_LABEL_WORKSPACE, and its namespace: its own, or in
                              KT_LABEL_WORKSPACE_NAMESPACE when the kind has none */
    KT_FOUND_BY_REFERENCE, /* named by another object of the Workspace; nodes of the user's own by
                              resource.labelSelector */
    KT_FOUND_BY_SUBJECT,   /* Events: involvedObject is an object of the Workspace */
};

/* What the server does with a kind; bits of kt_kind.verbs. */
enum kt_verb {
    KT_VERB_GET = 1,
    KT_VERB_LIST = 2,
    KT_VERB_WATCH = 4,
    KT_VERB_CREATE = 8,
    KT_VERB_PATCH = 16,
    KT_VERB_DELETE = 32,
    KT_VERB_UPDATE = 64,
};

/* How a member of an object is kept. */
enum kt_keep {
    KT_KEEP,
    KT_KEEP_CUT,        /* a text, cut at KT_KEPT_TEXT_BYTES */
    KT_KEEP_CONFIG,     /* a text; left empty when it is beyond KT_LIMIT_CONFIG_TEXT_BYTES, and rules do not read it */
    KT_KEEP_READY,      /* of an array those items whose type is "Ready" */
    KT_KEEP_VERSION,    /* metadata.resourceVersion: no difference between two states */
    KT_KEEP_NOT,        /* only in a table that ends with KT_KEEP_OTHERS */
    KT_KEEP_OTHERS,     /* every member not named before */
    KT_KEEP_OTHERS_GPU, /* every member with "gpu" in its name */
};

/* A row of what is kept of an object. Members not named are left out. A field without fields inside is kept whole; the
 * fields inside an array are those of each of its items. A table ends with an empty row. */
struct kt_kept_field {
    const char *key;
    const struct kt_kept_field *inside;
    enum kt_keep how;
};

/* Messages beyond this are cut, except in a Workspace's own status, which is compared with what would be written. */
#define KT_KEPT_TEXT_BYTES ((size_t)4096)

/* Names of objects of one kind in an object of another: a text, or an array of texts, at this path. A table ends with
 * an empty row. */
struct kt_kind_reference {
    enum kt_kind_id from;
    const char *path[2];
};

struct kt_kind {
    const struct kt_resource *resource;
    enum kt_found_by found_by;
    const struct kt_kind_reference *references; /* of KT_FOUND_BY_REFERENCE: who names it; NULL: see the steps */
    bool is_observed;                           /* part of every struct kt_observation */
    const char *watch_selector;         /* label selector of the server's watch; NULL: all objects of the kind */
    const struct kt_kept_field *fields; /* what the cache keeps of an object; NULL: the kind is not cached */
    bool for_rules;                     /* the rules of admission read it: watched also without a reconciler */
    const char *condition;              /* of the Workspace: what is wrong with this kind holds it up */
    unsigned verbs;                     /* of the server: enum kt_verb */
    const char *why;                    /* for those who read the rules of access */
};

extern const struct kt_kind kt_kinds[KT_KIND_COUNT];

/* A set of kinds has a bit for each. */
#define KT_KIND_BIT(kind) (1u << (kind))

/* Does metadata.labels say that an object of this kind belongs to this Workspace? For kinds found by label. */
bool kt_kind_is_labelled(const struct kt_kind *kind, const cJSON *object, const char *namespace_, const char *name);

#endif
