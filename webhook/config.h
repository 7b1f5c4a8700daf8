/* SPDX-License-Identifier: Apache-2.0 */
/* The server's settings: one table of flags, each also an environment variable; the flag wins. */
#ifndef KT_WEBHOOK_CONFIG_H
#define KT_WEBHOOK_CONFIG_H

#include <stdio.h>

#include "admission/settings.h"
#include "base/error.h"
#include "webhook/log.h"

struct kt_webhook_config {
    const char *bind_address;
    int64_t webhook_port, health_port, metrics_port; /* 0: a free one, printed in the log */
    const char *tls_certificate_file, *tls_key_file;
    const char *client_ca_file, *client_names;
    const char *tls_min_version; /* "1.2" or "1.3" */
    int64_t workers;
    int64_t connection_limit;
    int64_t shutdown_delay_ms, shutdown_timeout_ms;
    const char *cloud_provider, *release_namespace, *node_provisioner, *allowed_node_classes, *preset_registry;
    const char *trainer_image; /* "": it follows from the GPU */
    bool pod_checks;
    const char *feature_gates;
    const char *kubeconfig; /* "" : in-cluster credentials when there are any, otherwise no cluster view */
    const char *log_level;
    bool reconcile, take_over, leader_elect;
    const char *leader_identity;
    int64_t reconcile_workers;
    int64_t resync_ms;
    int64_t claim_attempts, claim_retry_delay_ms, claim_launch_timeout_ms, deletion_timeout_ms;
    bool cluster_view;
    bool help;
};

/* Reads the environment through get (getenv's shape) and then argv[1..]. Strings are referenced. KT_EINVAL names the
 * flag, what it got and what it takes, with a suggestion for an unknown one. */
int kt_webhook_config_parse(struct kt_webhook_config *ret, int argc, char *const *argv, char *(*get)(const char *name),
                            struct kt_error *error) KT_NODISCARD;
/* The part that the rules need. */
int kt_webhook_config_settings(const struct kt_webhook_config *config, struct kt_settings *ret,
                               struct kt_error *error) KT_NODISCARD;
/* Every flag with its variable, default and meaning. */
void kt_webhook_config_write_help(FILE *out);

#endif
