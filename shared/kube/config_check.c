/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/config_internal.h"

#include <string.h>

int kt_config_check_cluster(const struct kt_config_work *work, const struct kt_kubeconfig_cluster *cluster)
{
    if (!*cluster->server)
        return kt_error_set(work->error, KT_EINVAL, "cluster \"%s\" of %s has no server; set it there or give --server",
                            cluster->name, cluster->origin);
    bool has_ca = *cluster->certificate_authority || cluster->certificate_authority_data.length > 0;
    if (*cluster->certificate_authority && cluster->certificate_authority_data.length > 0)
        return kt_error_set(work->error, KT_EINVAL,
                            "cluster \"%s\" of %s sets both certificate-authority and certificate-authority-data; "
                            "remove one of them",
                            cluster->name, cluster->origin);
    if (cluster->insecure_skip_tls_verify && has_ca)
        return kt_error_set(work->error, KT_EINVAL,
                            "cluster \"%s\" of %s sets both insecure-skip-tls-verify and a certificate authority; "
                            "remove one of them",
                            cluster->name, cluster->origin);
    const char *proxy = cluster->proxy_url;
    if (*proxy && strncmp(proxy, "http://", 7) != 0 && strncmp(proxy, "https://", 8) != 0 &&
        strncmp(proxy, "socks5://", 9) != 0)
        return kt_error_set(work->error, KT_EINVAL,
                            "the proxy-url of cluster \"%s\" of %s begins with none of http://, https://, socks5://",
                            cluster->name, cluster->origin);
    return 0;
}

static int bad_user(const struct kt_config_work *work, const struct kt_kubeconfig_user *user, const char *what)
{
    return kt_error_set(work->error, KT_EINVAL, "user \"%s\" of %s %s", user->name, user->origin, what);
}

static int check_certificate(const struct kt_config_work *work, const struct kt_kubeconfig_user *user)
{
    if (*user->client_certificate && user->client_certificate_data.length > 0)
        return bad_user(work, user, "sets both client-certificate and client-certificate-data; remove one of them");
    if (*user->client_key && user->client_key_data.length > 0)
        return bad_user(work, user, "sets both client-key and client-key-data; remove one of them");
    if (!*user->client_key && user->client_key_data.length == 0)
        return bad_user(work, user, "has a client certificate but no client-key or client-key-data");
    return 0;
}

static int check_exec(const struct kt_config_work *work, const struct kt_kubeconfig_user *user)
{
    const struct kt_exec_config *exec = user->exec;
    if (*user->auth_provider)
        return bad_user(work, user, "sets both exec and auth-provider; remove one of them");
    if (!*exec->command)
        return bad_user(work, user, "has an exec plugin without a command");
    if (!*exec->api_version)
        return bad_user(work, user, "has an exec plugin without an apiVersion");
    for (size_t i = 0; i < exec->variable_count; i++)
        if (!*exec->variables[i].name)
            return bad_user(work, user, "has an exec plugin with an env entry that has no name");
    if (!*exec->interactive_mode)
        return bad_user(work, user, "has an exec plugin without an interactiveMode; set Never, IfAvailable or Always");
    if (!kt_streq(exec->interactive_mode, "Never") && !kt_streq(exec->interactive_mode, "IfAvailable") &&
        !kt_streq(exec->interactive_mode, "Always"))
        return bad_user(work, user,
                        "has an exec plugin with an unknown interactiveMode; set Never, IfAvailable or Always");
    return 0;
}

int kt_config_check_user(const struct kt_config_work *work, const struct kt_kubeconfig_user *user)
{
    const struct kt_impersonation *as = &user->impersonation;
    if (*user->client_certificate || user->client_certificate_data.length > 0) {
        int code = check_certificate(work, user);
        if (code != 0)
            return code;
    }
    if (user->exec) {
        int code = check_exec(work, user);
        if (code != 0)
            return code;
    }
    bool has_basic = *user->username || *user->password;
    if (has_basic && (*user->token || *user->token_file))
        return bad_user(work, user, "has both a token and a user name or password; only one is allowed");
    if (!*as->user && (*as->uid || (as->groups && as->groups[0]) || as->extra_count > 0))
        return bad_user(work, user, "impersonates a uid, groups or extra fields but no user; set `as` (--as) too");
    return 0;
}
