/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubeconfig files: reading and merging, by the rules of client-go (tools/clientcmd/loader.go). What is read stands
 * here as it is written, except that relative paths are joined to the folder of their own file. Choosing a context and
 * loading what paths point to is config.h's work.
 */
#ifndef KT_KUBE_KUBECONFIG_H
#define KT_KUBE_KUBECONFIG_H

#include "base/arena.h"
#include "base/error.h"
#include "kube/environment.h"
#include "text/json.h"

struct kt_kubeconfig_cluster {
    const char *name;
    const char *origin; /* path of the file it comes from */
    const char *server; /* "" when absent, as every text below */
    const char *tls_server_name;
    const char *certificate_authority;        /* path */
    struct kt_str certificate_authority_data; /* decoded from base64 */
    const char *proxy_url;
    bool insecure_skip_tls_verify;
    bool disable_compression;
    const cJSON *exec_config; /* extension client.authentication.k8s.io/exec for spec.cluster.config, or NULL */
};

enum kt_exec_interactive { KT_EXEC_NEVER, KT_EXEC_IF_AVAILABLE, KT_EXEC_ALWAYS };

struct kt_exec_variable {
    const char *name;
    const char *value;
};

struct kt_exec_config {
    const char *api_version;      /* client.authentication.k8s.io/v1 or /v1beta1 */
    const char *command;          /* a path when it holds a slash, otherwise looked up in PATH */
    const char *const *arguments; /* NULL-terminated, without the command */
    const struct kt_exec_variable *variables;
    size_t variable_count;
    const char *install_hint;
    const char *interactive_mode; /* as written, "" when absent; checked when the user is chosen */
    bool provide_cluster_info;
};

struct kt_impersonation_extra {
    const char *key;
    const char *const *values; /* NULL-terminated */
};

struct kt_impersonation {
    const char *user; /* "": none */
    const char *uid;
    const char *const *groups; /* NULL-terminated, or NULL */
    const struct kt_impersonation_extra *extra;
    size_t extra_count;
};

struct kt_kubeconfig_user {
    const char *name;
    const char *origin;
    const char *client_certificate; /* path */
    struct kt_str client_certificate_data;
    const char *client_key; /* path */
    struct kt_str client_key_data;
    const char *token;
    const char *token_file; /* path */
    const char *username;
    const char *password;
    struct kt_impersonation impersonation;
    const struct kt_exec_config *exec; /* NULL: none */
    const char *auth_provider;         /* name of a legacy auth-provider, which we do not support; "" */
};

struct kt_kubeconfig_context {
    const char *name;
    const char *origin;
    const char *cluster;
    const char *user;
    const char *namespace_;
};

struct kt_kubeconfig {
    struct kt_kubeconfig_cluster *clusters;
    size_t cluster_count;
    struct kt_kubeconfig_user *users;
    size_t user_count;
    struct kt_kubeconfig_context *contexts;
    size_t context_count;
    const char *current_context; /* "": not set */
    /* The files that were looked for, in order, NULL-terminated, and how many of them could be read. */
    const char *const *paths;
    size_t read_count;
};

/* Reads one kubeconfig text; path names it in messages and is the base of relative paths. An empty text is an empty
 * config. KT_EPARSE names the file and the field; KT_ELIMIT, KT_ENOMEM. */
int kt_kubeconfig_parse(struct kt_arena *arena, struct kt_str text, const char *path, struct kt_kubeconfig *ret,
                        struct kt_error *error) KT_NODISCARD;

/* Finds and merges: explicit_path (not NULL or "": that one file, which must exist), else the list in $KUBECONFIG
 * (missing files and empty entries are skipped), else $HOME/.kube/config (may be missing). In a merge the first file
 * that has a cluster, user or context of a name wins with all of it, and the first that sets current-context. */
int kt_kubeconfig_load(struct kt_arena *arena, const struct kt_environment *environment, const char *explicit_path,
                       struct kt_kubeconfig *ret, struct kt_error *error) KT_NODISCARD;

/* By name, or NULL. */
const struct kt_kubeconfig_cluster *kt_kubeconfig_cluster(const struct kt_kubeconfig *config, const char *name);
const struct kt_kubeconfig_user *kt_kubeconfig_user(const struct kt_kubeconfig *config, const char *name);
const struct kt_kubeconfig_context *kt_kubeconfig_context(const struct kt_kubeconfig *config, const char *name);

#endif
