/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/config_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "kube/server_address.h"
#include "text/time.h"

void kt_config_clear(struct kt_config *config)
{
    *config = (struct kt_config){
        .context = "",
        .source = "",
        .server = "",
        .namespace_ = "default",
        .ca_source = "",
        .tls_server_name = "",
        .proxy_url = "",
        .no_proxy = "",
        .token = "",
        .token_file = "",
        .username = "",
        .password = "",
        .impersonation = {.user = "", .uid = ""},
        .user_source = "",
    };
}

static int read_file(const struct kt_config_work *work, const char *path, struct kt_str *ret)
{
    return work->environment->files->read(work->environment->files->context, work->arena, path,
                                          KT_LIMIT_CREDENTIAL_FILE_BYTES, ret, work->error);
}

static bool holds(struct kt_str text, const char *needle)
{
    return text.length > 0 && memmem(text.data, text.length, needle, strlen(needle));
}

/* One PEM text that is inline or in a file. `what` names it with its owner for messages. */
static int load_pem(const struct kt_config_work *work, const char *what, const char *path, struct kt_str data,
                    const char *marker, struct kt_str *ret)
{
    if (data.length == 0 && *path) {
        int code = read_file(work, path, &data);
        if (code != 0) {
            kt_error_wrap(work->error, "%s", what);
            return code;
        }
    }
    if (data.length > 0 && !holds(data, marker))
        return kt_error_set(work->error, KT_EPARSE, "%s%s%s holds no PEM text with \"%s\"", what, *path ? " in " : "",
                            path, marker);
    *ret = data;
    return 0;
}

static const char *describe(const struct kt_config_work *work, const char *field, const char *kind, const char *name,
                            const char *origin)
{
    const char *text = kt_arena_printf(work->arena, "%s of %s \"%s\" (%s)", field, kind, name, origin);
    return text ? text : field;
}

int kt_config_load_cluster(const struct kt_config_work *work, const struct kt_kubeconfig_cluster *cluster,
                           struct kt_config *config)
{
    struct kt_server_address address;
    int code = kt_server_address_parse(work->arena, cluster->server, &address, work->error);
    if (code != 0) {
        kt_error_wrap(work->error, "cluster \"%s\" (%s)", cluster->name, cluster->origin);
        return code;
    }
    config->server = address.url;
    config->disable_compression = cluster->disable_compression;
    config->proxy_url = cluster->proxy_url;
    if (!*config->proxy_url)
        kt_server_address_proxy(work->environment, &address, &config->proxy_url, &config->no_proxy);
    if (kt_streq(address.scheme, "http"))
        return 0; /* as client-go: what concerns TLS is not even read */
    config->tls_server_name = kt_streq(cluster->tls_server_name, address.host) ? "" : cluster->tls_server_name;
    config->insecure_skip_tls_verify = cluster->insecure_skip_tls_verify;
    const char *field = *cluster->certificate_authority ? "certificate-authority" : "certificate-authority-data";
    config->ca_source = describe(work, field, "cluster", cluster->name, cluster->origin);
    return load_pem(work, config->ca_source, cluster->certificate_authority, cluster->certificate_authority_data,
                    "-----BEGIN CERTIFICATE-----", &config->ca_pem);
}

/* A first look at the token, so that a missing file is an error at once; the client reads it again later. */
static int load_token_file(const struct kt_config_work *work, const struct kt_kubeconfig_user *user,
                           struct kt_config *config)
{
    config->token = user->token;
    config->token_file = user->token_file;
    if (!*user->token_file || *user->token)
        return 0;
    struct kt_str text;
    int code = read_file(work, user->token_file, &text);
    if (code != 0) {
        kt_error_wrap(work->error, "tokenFile of user \"%s\" (%s)", user->name, user->origin);
        return code;
    }
    text = kt_str_trim(text);
    if (text.length == 0)
        return kt_error_set(work->error, KT_EAUTH, "tokenFile of user \"%s\" (%s): %s is empty", user->name,
                            user->origin, user->token_file);
    config->token = kt_arena_strndup(work->arena, text.data, text.length);
    return config->token ? 0 : kt_error_set(work->error, KT_ENOMEM, "not enough memory for a token");
}

static int load_certificate(const struct kt_config_work *work, const struct kt_kubeconfig_user *user,
                            struct kt_config *config)
{
    if (!*user->client_certificate && user->client_certificate_data.length == 0)
        return 0; /* a key alone counts for nothing */
    const char *what = describe(work, "client certificate", "user", user->name, user->origin);
    int code = load_pem(work, what, user->client_certificate, user->client_certificate_data,
                        "-----BEGIN CERTIFICATE-----", &config->client_certificate_pem);
    if (code != 0)
        return code;
    what = describe(work, "client key", "user", user->name, user->origin);
    code = load_pem(work, what, user->client_key, user->client_key_data, "PRIVATE KEY-----", &config->client_key_pem);
    if (code != 0)
        return code;
    if (config->client_certificate_pem.length == 0 || config->client_key_pem.length == 0)
        return kt_error_set(work->error, KT_EAUTH, "the client certificate or key of user \"%s\" (%s) is empty",
                            user->name, user->origin);
    return 0;
}

int kt_config_load_user(const struct kt_config_work *work, const struct kt_kubeconfig_user *user,
                        struct kt_config *config)
{
    config->impersonation = user->impersonation;
    if (strncmp(config->server, "https:", 6) != 0)
        return 0; /* as client-go: credentials never travel in the clear */
    int code = load_token_file(work, user, config);
    if (code == 0)
        code = load_certificate(work, user, config);
    if (code != 0)
        return code;
    config->username = user->username;
    config->password = user->password;
    bool has_other = *config->token || *config->username || *config->password || config->client_key_pem.length > 0;
    if (has_other)
        return 0; /* a plugin is asked only when there is nothing else (client-go exec.go) */
    config->exec = user->exec;
    if (!user->exec && *user->auth_provider)
        return kt_error_set(work->error, KT_EAUTH,
                            "user \"%s\" of %s logs in by the auth-provider \"%s\", which is not supported; use an "
                            "exec credential plugin or --token",
                            user->name, user->origin, user->auth_provider);
    return 0;
}

int kt_config_load_timeout(const struct kt_config_work *work, struct kt_config *config)
{
    const char *text = work->overrides->request_timeout;
    if (!kt_given(text))
        return 0;
    char *end;
    int64_t timeout_ms;
    long seconds = strtol(text, &end, 10);
    if (*end == '\0' && kt_ascii_is_digit(*text) && seconds <= INT32_MAX)
        timeout_ms = (int64_t)seconds * 1000;
    else if (kt_time_parse_duration(kt_str(text), &timeout_ms, NULL) != 0 || timeout_ms < 0)
        return kt_error_set(work->error, KT_EINVAL,
                            "--request-timeout=%s is no time span; give seconds or a number with a unit: 10, 30s, 2m",
                            text);
    config->request_timeout_ms = timeout_ms == 0 ? KT_REQUEST_TIMEOUT_NONE : timeout_ms;
    return 0;
}
