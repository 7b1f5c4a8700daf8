/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster as far as files show it: ConfigMaps and the like that stand beside the Workspaces, the tuning templates
 * that are compiled in (for those of the release namespace), and, when asked to, the live API behind them. What none of
 * them knows is unknown, not absent.
 */
#ifndef KT_PLUGIN_MANIFEST_CLUSTER_H
#define KT_PLUGIN_MANIFEST_CLUSTER_H

#include "admission/cluster.h"
#include "admission/settings.h"
#include "plugin/connection.h"
#include "plugin/manifest.h"

struct kt_cluster_entry {
    const char *kind;
    const char *namespace_; /* "" for cluster-scoped kinds */
    const char *name;
    enum kt_lookup lookup; /* FOUND, or what the live API said */
    const cJSON *object;   /* NULL unless FOUND */
};

struct kt_manifest_cluster {
    struct kt_arena *arena; /* of what is kept: lives as long as the cluster */
    const struct kt_settings *settings;
    const char *default_namespace; /* of objects that name none */
    struct kt_cluster_entry *entries;
    size_t count;
    size_t capacity;
    const cJSON *const *nodes; /* of files or of the live API; NULL: unknown */
    size_t node_count;
    bool nodes_asked;
    struct kt_connection *live; /* NULL: files only */
    bool complete;              /* what is not in the files does not exist, templates included */
    bool quiet;            /* say nothing about what may not be read, and take the templates that are compiled in */
    struct kt_error fault; /* the live API could not be asked; it is not asked again */
};

/* live may be NULL. */
void kt_manifest_cluster_init(struct kt_manifest_cluster *cluster, struct kt_arena *arena,
                              const struct kt_settings *settings, const char *default_namespace,
                              struct kt_connection *live);
/* Copies the object when rules may ask for its kind; the first of a name counts. */
void kt_manifest_cluster_add(struct kt_manifest_cluster *cluster, const struct kt_manifest_object *object);
/* The view for the rules; cluster must not move. */
struct kt_cluster kt_manifest_cluster_view(struct kt_manifest_cluster *cluster);

/* The tuning templates that are compiled in: an array of ConfigMaps. KT_EINTERNAL, KT_ENOMEM. */
int kt_manifest_templates(struct kt_arena *arena, cJSON **ret, struct kt_error *error) KT_NODISCARD;

#endif
