/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to reach one API server and as whom: a kubeconfig's context with the connection flags on top, or the service
 * account of the pod. Rules of client-go (tools/clientcmd/client_config.go, validation.go, rest/config.go); words of
 * our own: every error says what is wrong, in which file, and what to do.
 */
#ifndef KT_KUBE_CONFIG_H
#define KT_KUBE_CONFIG_H

#include "kube/kubeconfig.h"

struct kt_credential_cache;

/* kubectl's connection flags. Zeroed: none given. Texts live as long as the resolved config. */
struct kt_config_overrides {
    const char *kubeconfig; /* --kubeconfig, as every text NULL or "" when not given */
    const char *context;
    const char *cluster;
    const char *user;
    const char *server; /* --server, -s */
    const char *token;
    const char *username; /* --username, --password: hidden flags of kubectl */
    const char *password;
    const char *as;
    const char *const *as_groups; /* NULL-terminated, or NULL */
    const char *as_uid;
    const char *certificate_authority; /* paths are relative to the working directory */
    const char *client_certificate;
    const char *client_key;
    const char *tls_server_name;
    const char *namespace_;      /* -n */
    const char *request_timeout; /* "30s", "5" (seconds), "0" (none) */
    bool insecure_skip_tls_verify;
    bool disable_compression;
};

/* All texts are NUL-terminated, never NULL ("" is absent), and live in the arena of the resolve call. */
struct kt_config {
    const char *context; /* name; "" in a cluster or without a context */
    const char *source;  /* for people: "context kind-a of /home/u/.kube/config", "the service account of this pod" */
    const char *server;  /* "https://host:6443/prefix" without a trailing slash; http:// or https:// only */
    const char *namespace_; /* flag, context, pod or "default" */
    bool namespace_is_set;  /* by flag, context or pod */
    bool in_cluster;

    struct kt_str ca_pem;  /* length 0: the system's certificates */
    const char *ca_source; /* for messages */
    const char *tls_server_name;
    bool insecure_skip_tls_verify;
    const char *proxy_url; /* of the kubeconfig, or by HTTPS_PROXY / HTTP_PROXY */
    const char *no_proxy;  /* NO_PROXY when the proxy came from the environment */
    bool disable_compression;
    int64_t request_timeout_ms; /* 0: not given, KT_REQUEST_TIMEOUT_NONE: without limit */

    struct kt_str client_certificate_pem;
    struct kt_str client_key_pem;
    const char *token;
    const char *token_file; /* read again while the client lives; wins over token while it can be read */
    const char *username;
    const char *password;
    struct kt_impersonation impersonation;
    const struct kt_exec_config *exec; /* NULL: none */
    const cJSON *exec_cluster_config;
    /* Set by who resolves: shared by all clients of this config, and outlives them. NULL: each runs the plugin itself.
     */
    struct kt_credential_cache *credential_cache;
    const char *user_source; /* for messages: "user kind-a of /home/u/.kube/config", "the flag --token" */
};

#define KT_REQUEST_TIMEOUT_NONE (-1)

/* Resolves. The order is client-go's: a kubeconfig that names a server; else, inside a pod, its service account
 * (KUBERNETES_SERVICE_HOST and _PORT and the token file); else KT_ENOTFOUND with the places that were looked at.
 * KT_ENOTFOUND also for a context, cluster or user that does not exist (lists the names there are and suggests one);
 * KT_EINVAL for contradictory or incomplete settings; KT_EPARSE, KT_EFORBIDDEN, KT_EIO from reading files. */
int kt_config_resolve(struct kt_arena *arena, const struct kt_environment *environment,
                      const struct kt_config_overrides *overrides, struct kt_config *ret,
                      struct kt_error *error) KT_NODISCARD;

/* The same from a kubeconfig that is already merged; never looks for a pod's service account. */
int kt_config_from_kubeconfig(struct kt_arena *arena, const struct kt_environment *environment,
                              const struct kt_kubeconfig *kubeconfig, const struct kt_config_overrides *overrides,
                              struct kt_config *ret, struct kt_error *error) KT_NODISCARD;

/* The pod's service account. KT_ENOTFOUND when this is no pod. */
int kt_config_in_cluster(struct kt_arena *arena, const struct kt_environment *environment, struct kt_config *ret,
                         struct kt_error *error) KT_NODISCARD;

/* "HOST:PORT" of a server address with the scheme's port filled in, for messages. In the arena; "" out of memory. */
const char *kt_config_host_port(struct kt_arena *arena, const char *server);

#endif
