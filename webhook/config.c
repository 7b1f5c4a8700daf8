/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "text/edit_distance.h"
#include "text/time.h"

enum flag_kind { FLAG_STRING, FLAG_INTEGER, FLAG_DURATION, FLAG_BOOL };

struct flag {
    const char *name;
    const char *variable;
    enum flag_kind kind;
    size_t offset;
    const char *fallback;
    int64_t least, most; /* of an integer */
    const char *help;
};

#define AT(field) offsetof(struct kt_webhook_config, field)

static const struct flag flags[] = {
    {"bind-address", "KAITO_BIND_ADDRESS", FLAG_STRING, AT(bind_address), "0.0.0.0", 0, 0, "IPv4 address to listen on"},
    {"webhook-port", "KAITO_WEBHOOK_PORT", FLAG_INTEGER, AT(webhook_port), "9443", 0, 65535,
     "port of the admission webhooks (TLS); 0 takes a free one"},
    {"health-port", "KAITO_HEALTH_PORT", FLAG_INTEGER, AT(health_port), "8081", 0, 65535,
     "port of /healthz and /readyz"},
    {"metrics-port", "KAITO_METRICS_PORT", FLAG_INTEGER, AT(metrics_port), "8080", 0, 65535, "port of /metrics"},
    {"tls-cert-file", "KAITO_TLS_CERT_FILE", FLAG_STRING, AT(tls_certificate_file), "/certs/tls.crt", 0, 0,
     "server certificate chain, PEM; read again when it changes"},
    {"tls-key-file", "KAITO_TLS_KEY_FILE", FLAG_STRING, AT(tls_key_file), "/certs/tls.key", 0, 0,
     "its private key, PEM"},
    {"tls-min-version", "KAITO_TLS_MIN_VERSION", FLAG_STRING, AT(tls_min_version), "1.2", 0, 0, "1.2 or 1.3"},
    {"client-ca-file", "KAITO_CLIENT_CA_FILE", FLAG_STRING, AT(client_ca_file), "", 0, 0,
     "CA of client certificates, PEM; when set, every client needs one"},
    {"client-names", "KAITO_CLIENT_NAMES", FLAG_STRING, AT(client_names), "", 0, 0,
     "names that a client certificate may carry, comma-separated; empty: any that the CA signed"},
    {"workers", "KAITO_WORKERS", FLAG_INTEGER, AT(workers), "2", 1, 64, "threads that serve webhooks"},
    {"connection-limit", "KAITO_CONNECTION_LIMIT", FLAG_INTEGER, AT(connection_limit), "512", 8, 65536,
     "TLS connections at once, over all workers; beyond it one goes for each that comes"},
    {"shutdown-delay", "KAITO_SHUTDOWN_DELAY", FLAG_DURATION, AT(shutdown_delay_ms), "5s", 0, 0,
     "after SIGTERM, how long to go on accepting while being not ready"},
    {"shutdown-timeout", "KAITO_SHUTDOWN_TIMEOUT", FLAG_DURATION, AT(shutdown_timeout_ms), "20s", 0, 0,
     "after that, how long requests under way may take"},
    {"cloud-provider", "CLOUD_PROVIDER", FLAG_STRING, AT(cloud_provider), "azure", 0, 0, "azure, aws or arc"},
    {"release-namespace", "RELEASE_NAMESPACE", FLAG_STRING, AT(release_namespace), "kaito-workspace", 0, 0,
     "namespace of this installation, where the tuning templates are"},
    {"node-provisioner", "NODE_PROVISIONER", FLAG_STRING, AT(node_provisioner), "", 0, 0,
     "nodeclaim, byo, or machine (judged, not run); upstream's names are understood too"},
    {"allowed-node-classes", "ALLOWED_NODE_CLASSES", FLAG_STRING, AT(allowed_node_classes), "", 0, 0,
     "node classes that a Workspace may name, comma-separated"},
    {"preset-registry", "PRESET_REGISTRY_NAME", FLAG_STRING, AT(preset_registry), "mcr.microsoft.com/aks/kaito", 0, 0,
     "registry of the model images"},
    {"trainer-image", "KAITO_TRAINER_IMAGE", FLAG_STRING, AT(trainer_image), "", 0, 0,
     "tag of kaito-base that trains on every GPU; empty: it follows from the GPU"},
    {"pod-checks", "KAITO_POD_CHECKS", FLAG_BOOL, AT(pod_checks), "true", 0, 0,
     "give the pods of tunings containers that check their output before the training, and the adapter after it"},
    {"feature-gates", "KAITO_FEATURE_GATES", FLAG_STRING, AT(feature_gates), "", 0, 0, "name=true,other=false"},
    {"kubeconfig", "KAITO_KUBECONFIG", FLAG_STRING, AT(kubeconfig), "", 0, 0,
     "kubeconfig file; empty: the service account of the pod"},
    {"cluster-view", "KAITO_CLUSTER_VIEW", FLAG_BOOL, AT(cluster_view), "true", 0, 0,
     "read ConfigMaps and Nodes; false: what depends on them becomes a warning"},
    {"reconcile", "KAITO_RECONCILE", FLAG_BOOL, AT(reconcile), "true", 0, 0,
     "run Workspaces too: nodes, config maps, Jobs, status; false: serve webhooks only"},
    {"take-over", "KAITO_TAKE_OVER", FLAG_BOOL, AT(take_over), "false", 0, 0,
     "start although another operator of Workspaces seems to be in the cluster; stop that one first"},
    {"leader-elect", "KAITO_LEADER_ELECT", FLAG_BOOL, AT(leader_elect), "false", 0, 0,
     "reconcile only while holding the Lease kaito-webhook: needed with more than one replica"},
    {"leader-identity", "KAITO_LEADER_IDENTITY", FLAG_STRING, AT(leader_identity), "", 0, 0,
     "name of this replica in the Lease; empty: the host's, which in a pod is the pod's"},
    {"reconcile-workers", "KAITO_RECONCILE_WORKERS", FLAG_INTEGER, AT(reconcile_workers), "4", 1, 32,
     "Workspaces that are looked at at once"},
    {"resync-period", "KAITO_RESYNC_PERIOD", FLAG_DURATION, AT(resync_ms), "10m", 0, 0,
     "look at every Workspace again after this time, changed or not"},
    {"node-claim-attempts", "KAITO_NODE_CLAIM_ATTEMPTS", FLAG_INTEGER, AT(claim_attempts), "3", 1, 100,
     "NodeClaims made one after another before a Workspace fails for want of a node"},
    {"node-claim-retry-delay", "KAITO_NODE_CLAIM_RETRY_DELAY", FLAG_DURATION, AT(claim_retry_delay_ms), "10s", 0, 0,
     "wait before the second NodeClaim; doubles with each further one"},
    {"node-claim-launch-timeout", "KAITO_NODE_CLAIM_LAUNCH_TIMEOUT", FLAG_DURATION, AT(claim_launch_timeout_ms), "30s",
     0, 0, "how long a NodeClaim may report that its machine cannot be launched before the next one is tried"},
    {"deletion-timeout", "KAITO_DELETION_TIMEOUT", FLAG_DURATION, AT(deletion_timeout_ms), "15m", 0, 0,
     "how long a deleted Workspace waits for its NodeClaims to be gone"},
    {"log-level", "KAITO_LOG_LEVEL", FLAG_STRING, AT(log_level), "info", 0, 0, "debug, info, warning or error"},
};

static int wrong_value(const struct flag *flag, const char *source, const char *value, const char *allowed,
                       struct kt_error *error)
{
    return kt_error_set(error, KT_EINVAL, "%s%s: \"%.64s\" is not allowed: %s", source, flag->name, value, allowed);
}

static int set_integer(const struct flag *flag, const char *source, const char *value, int64_t *field,
                       struct kt_error *error)
{
    char *end;
    long long number = strtoll(value, &end, 10);
    char allowed[64];
    snprintf(allowed, sizeof(allowed), "a number from %lld to %lld", (long long)flag->least, (long long)flag->most);
    if (end == value || *end || number < flag->least || number > flag->most)
        return wrong_value(flag, source, value, allowed, error);
    *field = number;
    return 0;
}

static int set_flag(struct kt_webhook_config *config, const struct flag *flag, const char *source, const char *value,
                    struct kt_error *error)
{
    void *field = (char *)config + flag->offset;
    switch (flag->kind) {
    case FLAG_STRING:
        *(const char **)field = value;
        return 0;
    case FLAG_INTEGER:
        return set_integer(flag, source, value, field, error);
    case FLAG_DURATION: {
        int64_t duration_ms;
        if (kt_time_parse_duration(kt_str(value), &duration_ms, NULL) != 0 || duration_ms < 0)
            return wrong_value(flag, source, value, "a duration such as 5s or 1m30s", error);
        *(int64_t *)field = duration_ms;
        return 0;
    }
    case FLAG_BOOL:
        if (!kt_streq(value, "true") && !kt_streq(value, "false"))
            return wrong_value(flag, source, value, "true or false", error);
        *(bool *)field = kt_streq(value, "true");
        return 0;
    }
    return kt_error_set(error, KT_EINTERNAL, "flag %s has no kind", flag->name);
}

static const struct flag *find_flag(struct kt_str name)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(flags); i++)
        if (kt_str_equal(name, kt_str(flags[i].name)))
            return &flags[i];
    return NULL;
}

static int unknown_flag(struct kt_str name, struct kt_error *error)
{
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, name);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(flags); i++)
        kt_nearest_offer(&nearest, flags[i].name);
    return kt_error_set(error, KT_EINVAL, "unknown flag --%.*s%s%s%s; see --help", (int)KT_MIN(name.length, (size_t)64),
                        name.data, nearest.best ? "; did you mean --" : "", nearest.best ? nearest.best : "",
                        nearest.best ? "?" : "");
}

/* One of --name=value, --name value, --name (for a boolean). Advances *index over what it takes. */
static int parse_argument(struct kt_webhook_config *config, int argc, char *const *argv, int *index,
                          struct kt_error *error)
{
    const char *argument = argv[*index];
    if (kt_streq(argument, "-h") || kt_streq(argument, "--help")) {
        config->help = true;
        return 0;
    }
    if (strncmp(argument, "--", 2) != 0)
        return kt_error_set(error, KT_EINVAL, "unexpected argument \"%.64s\"; see --help", argument);
    const char *equals = strchr(argument, '=');
    struct kt_str name = {argument + 2, equals ? (size_t)(equals - argument) - 2 : strlen(argument) - 2};
    const struct flag *flag = find_flag(name);
    if (!flag)
        return unknown_flag(name, error);
    const char *value = equals ? equals + 1 : NULL;
    if (!value && flag->kind == FLAG_BOOL)
        value = "true";
    if (!value && *index + 1 >= argc)
        return kt_error_set(error, KT_EINVAL, "--%s needs a value", flag->name);
    if (!value)
        value = argv[++*index];
    return set_flag(config, flag, "--", value, error);
}

int kt_webhook_config_parse(struct kt_webhook_config *ret, int argc, char *const *argv, char *(*get)(const char *name),
                            struct kt_error *error)
{
    struct kt_webhook_config config = {0};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(flags); i++) {
        const char *value = get(flags[i].variable);
        int code = set_flag(&config, &flags[i], value ? "environment variable for --" : "--",
                            value ? value : flags[i].fallback, error);
        if (code != 0)
            return code;
    }
    for (int i = 1; i < argc; i++) {
        int code = parse_argument(&config, argc, argv, &i, error);
        if (code != 0)
            return code;
    }
    if (!kt_streq(config.tls_min_version, "1.2") && !kt_streq(config.tls_min_version, "1.3"))
        return wrong_value(find_flag(KT_STR("tls-min-version")), "--", config.tls_min_version, "1.2 or 1.3", error);
    enum kt_log_level level;
    if (!kt_log_parse_level(config.log_level, &level))
        return wrong_value(find_flag(KT_STR("log-level")), "--", config.log_level, "debug, info, warning or error",
                           error);
    if (config.client_names[0] && !config.client_ca_file[0])
        return kt_error_set(error, KT_EINVAL,
                            "--client-names needs --client-ca-file: without it nobody is asked for a certificate, and "
                            "anybody may connect");
    if (config.claim_retry_delay_ms > 3600000)
        return kt_error_set(error, KT_EINVAL, "--node-claim-retry-delay: at most 1h is allowed");
    if (config.resync_ms < 1000)
        return kt_error_set(error, KT_EINVAL, "--resync-period: at least 1s is needed");
    *ret = config;
    return 0;
}

int kt_webhook_config_settings(const struct kt_webhook_config *config, struct kt_settings *ret, struct kt_error *error)
{
    struct kt_settings settings;
    kt_settings_init(&settings);
    kt_settings_set_cloud(&settings, config->cloud_provider);
    if (!settings.cloud_known)
        return kt_error_set(error, KT_EINVAL, "--cloud-provider: \"%.64s\" is not allowed: azure, aws or arc",
                            config->cloud_provider);
    settings.release_namespace = config->release_namespace;
    settings.allowed_node_classes = config->allowed_node_classes[0] ? config->allowed_node_classes : NULL;
    settings.preset_registry = config->preset_registry;
    int code = kt_settings_parse_gates(&settings, kt_str(config->feature_gates), error);
    if (code != 0)
        return kt_error_wrap(error, "--feature-gates");
    code = kt_settings_set_provisioner(&settings, config->node_provisioner, error);
    if (code != 0)
        return kt_error_wrap(error, "--node-provisioner");
    settings.pod_checks = config->pod_checks;
    code = kt_settings_set_trainer_image(&settings, config->trainer_image, error);
    if (code != 0)
        return kt_error_wrap(error, "--trainer-image");
    *ret = settings;
    return 0;
}

void kt_webhook_config_write_help(FILE *out)
{
    fputs("Flags of the server (each also an environment variable; the flag wins):\n", out);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(flags); i++) {
        const char *fallback = flags[i].fallback[0] ? flags[i].fallback : "\"\"";
        fprintf(out, "  --%s=%s\n        %s [%s]\n", flags[i].name, fallback, flags[i].help, flags[i].variable);
    }
}
