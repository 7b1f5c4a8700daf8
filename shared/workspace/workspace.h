/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A typed, read-only view of a Workspace in either API version (kaito.sh/v1alpha1 and v1beta1 have one schema). The
 * view points into the JSON tree it was made from; nothing is copied. Absent fields are NULL; a field of the wrong kind
 * is treated as absent here and reported by kt_workspace_check_kinds or the schema (workspace/schema.h).
 */
#ifndef KT_WORKSPACE_WORKSPACE_H
#define KT_WORKSPACE_WORKSPACE_H

#include "base/arena.h"
#include "base/str.h"
#include "text/json.h"

#define KT_GROUP "kaito.sh"
#define KT_ANNOTATION_RUNTIME "kaito.sh/runtime"
/* On a Workspace, and on the Job that was made for it: which rows are converted before the training. */
#define KT_ANNOTATION_DATASET_FORMAT "kaito.sh/dataset-format"
#define KT_ANNOTATION_BYPASS_RESOURCE_CHECKS "kaito.sh/bypass-resource-checks"

struct kt_preset {
    const cJSON *node; /* the preset object */
    const char *name;  /* NULL: absent; "" stays "" */
    const char *access_mode;
    const cJSON *options;      /* presetOptions */
    const char *access_secret; /* presetOptions.modelAccessSecret */
    const char *image;         /* presetOptions.image */
};

struct kt_partition {
    const cJSON *node;
    const char *mode; /* "mig" or "accelerator" upstream; see the schema */
    const char *profile;
    const cJSON *count;
};

struct kt_workspace_resource {
    const cJSON *node;
    const cJSON *count;          /* number node */
    const char *instance_type;   /* NULL: absent; "" is as good as absent */
    const cJSON *label_selector; /* object node */
    const cJSON *match_labels;
    const cJSON *match_expressions;
    const cJSON *preferred_nodes;
    struct kt_partition partition;
};

struct kt_adapter {
    const cJSON *node;
    const cJSON *source;
    const char *name;
    const char *image;
    const cJSON *volume;
    const cJSON *pull_secrets; /* array */
    const char *strength;
};

struct kt_inference {
    const cJSON *node; /* NULL: no inference */
    struct kt_preset preset;
    const cJSON *template_; /* pod template */
    const cJSON *adapters;  /* array; see kt_workspace_adapter */
    const char *config;     /* ConfigMap name */
};

struct kt_data_source {
    const cJSON *node;
    const char *name;
    const cJSON *urls; /* array */
    const char *image;
    const cJSON *volume; /* object */
    const cJSON *pull_secrets;
};

struct kt_data_destination {
    const cJSON *node;
    const char *image;
    const cJSON *volume;
    const char *push_secret;
};

struct kt_tuning {
    const cJSON *node; /* NULL: no tuning */
    struct kt_preset preset;
    const char *method;
    const char *config; /* ConfigMap name */
    struct kt_data_source input;
    struct kt_data_destination output;
};

struct kt_workspace {
    const cJSON *node;
    const char *api_version;
    const char *kind;
    const char *name;
    const char *generate_name;
    const char *namespace_; /* NULL: absent */
    const cJSON *labels;
    const cJSON *annotations;
    const char *deletion_timestamp;
    struct kt_workspace_resource resource;
    struct kt_inference inference;
    struct kt_tuning tuning;
};

/* root may be NULL or of any kind: the view is then empty. */
void kt_workspace_view(const cJSON *root, struct kt_workspace *ret);
void kt_workspace_adapter(const cJSON *item, struct kt_adapter *ret);
/* metadata.annotations[key], or NULL. */
const char *kt_workspace_annotation(const struct kt_workspace *workspace, const char *key);
/* resource.count, with 1 (default D01) when absent or not an integer. */
int64_t kt_workspace_count(const struct kt_workspace *workspace);
/* A string array as a NULL-terminated list in the arena; items that are not strings are left out. */
const char *const *kt_workspace_strings(struct kt_arena *arena, const cJSON *array, size_t *ret_count);

#endif
