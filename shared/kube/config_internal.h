/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make a struct kt_config; nobody else includes this. */
#ifndef KT_KUBE_CONFIG_INTERNAL_H
#define KT_KUBE_CONFIG_INTERNAL_H

#include "kube/config.h"

/* What one resolve works on. */
struct kt_config_work {
    struct kt_arena *arena;
    const struct kt_environment *environment;
    const struct kt_config_overrides *overrides;
    struct kt_error *error;
};

/* The chosen entries with the flags on top. Names are "" when there is no such entry. */
struct kt_config_choice {
    struct kt_kubeconfig_context context;
    struct kt_kubeconfig_cluster cluster;
    struct kt_kubeconfig_user user;
};

static inline bool kt_given(const char *text)
{
    return text && *text;
}

/* Contradictory and incomplete settings (client-go tools/clientcmd/validation.go). */
int kt_config_check_cluster(const struct kt_config_work *work,
                            const struct kt_kubeconfig_cluster *cluster) KT_NODISCARD;
int kt_config_check_user(const struct kt_config_work *work, const struct kt_kubeconfig_user *user) KT_NODISCARD;

/* The texts that paths point to, and the address. Fills the fields of *config that the cluster or the user decides. */
int kt_config_load_cluster(const struct kt_config_work *work, const struct kt_kubeconfig_cluster *cluster,
                           struct kt_config *config) KT_NODISCARD;
int kt_config_load_user(const struct kt_config_work *work, const struct kt_kubeconfig_user *user,
                        struct kt_config *config) KT_NODISCARD;

/* request_timeout of the flags. */
int kt_config_load_timeout(const struct kt_config_work *work, struct kt_config *config) KT_NODISCARD;

/* Namespace of the pod we run in, "" when this is none or it cannot be known. */
const char *kt_config_pod_namespace(struct kt_arena *arena, const struct kt_environment *environment);

/* All texts "" so that none is NULL. */
void kt_config_clear(struct kt_config *config);

#endif
