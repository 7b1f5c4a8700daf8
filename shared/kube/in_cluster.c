/* SPDX-License-Identifier: Apache-2.0 */
/* The service account that Kubernetes mounts into a pod (client-go rest/config.go InClusterConfig). */
#include "base/limits.h"
#include "kube/config_internal.h"
#include "kube/server_address.h"

#define FOLDER "/var/run/secrets/kubernetes.io/serviceaccount/"

static int read_file(struct kt_arena *arena, const struct kt_environment *environment, const char *path,
                     struct kt_str *ret, struct kt_error *error)
{
    return environment->files->read(environment->files->context, arena, path, KT_LIMIT_CREDENTIAL_FILE_BYTES, ret,
                                    error);
}

static bool is_pod(const struct kt_environment *environment)
{
    return kt_given(kt_environment_get(environment, "KUBERNETES_SERVICE_HOST")) &&
           kt_given(kt_environment_get(environment, "KUBERNETES_SERVICE_PORT"));
}

const char *kt_config_pod_namespace(struct kt_arena *arena, const struct kt_environment *environment)
{
    struct kt_str text;
    if (!is_pod(environment) || read_file(arena, environment, FOLDER "token", &text, NULL) != 0)
        return "";
    const char *variable = kt_environment_get(environment, "POD_NAMESPACE");
    if (kt_given(variable))
        return variable;
    if (read_file(arena, environment, FOLDER "namespace", &text, NULL) != 0)
        return "";
    text = kt_str_trim(text);
    const char *namespace_ = kt_arena_strndup(arena, text.data, text.length);
    return namespace_ ? namespace_ : "";
}

static int load_server(struct kt_arena *arena, const struct kt_environment *environment, struct kt_config *config,
                       struct kt_error *error)
{
    const char *host = kt_environment_get(environment, "KUBERNETES_SERVICE_HOST");
    const char *port = kt_environment_get(environment, "KUBERNETES_SERVICE_PORT");
    bool is_ipv6 = kt_str_find_char(kt_str(host), ':') != SIZE_MAX;
    const char *text = kt_arena_printf(arena, "https://%s%s%s:%s", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port);
    if (!text)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the configuration of the pod");
    struct kt_server_address address;
    int code = kt_server_address_parse(arena, text, &address, error);
    if (code != 0) {
        kt_error_wrap(error, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT");
        return code;
    }
    config->server = address.url;
    kt_server_address_proxy(environment, &address, &config->proxy_url, &config->no_proxy);
    return 0;
}

int kt_config_in_cluster(struct kt_arena *arena, const struct kt_environment *environment, struct kt_config *ret,
                         struct kt_error *error)
{
    struct kt_config config;
    kt_config_clear(&config);
    if (!is_pod(environment))
        return kt_error_set(error, KT_ENOTFOUND,
                            "this is no pod of a cluster: the variables KUBERNETES_SERVICE_HOST and "
                            "KUBERNETES_SERVICE_PORT are not set");
    struct kt_str token;
    int code = read_file(arena, environment, FOLDER "token", &token, error);
    if (code != 0) {
        kt_error_wrap(error, "the token of the pod's service account");
        return code;
    }
    code = load_server(arena, environment, &config, error);
    if (code != 0)
        return code;
    token = kt_str_trim(token);
    config.token = kt_arena_strndup(arena, token.data, token.length);
    if (!config.token)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the token of the service account");
    config.token_file = FOLDER "token";
    config.ca_source = FOLDER "ca.crt";
    /* Without the file the system's certificates count, as with client-go. */
    if (read_file(arena, environment, FOLDER "ca.crt", &config.ca_pem, NULL) != 0)
        config.ca_pem = (struct kt_str){"", 0};
    config.in_cluster = true;
    config.source = "the service account of this pod";
    config.user_source = config.source;
    const char *namespace_ = kt_config_pod_namespace(arena, environment);
    config.namespace_is_set = *namespace_;
    if (*namespace_)
        config.namespace_ = namespace_;
    *ret = config;
    return 0;
}
