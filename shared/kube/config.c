/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing context, cluster and user. The checks: config_check.c. What paths point to: config_load.c. */
#include "kube/config.h"

#include "base/limits.h"
#include "kube/config_internal.h"
#include "text/edit_distance.h"

/* Names that a message lists. */
#define NAMES_SHOWN ((size_t)10)

static const char *joined_paths(const struct kt_config_work *work, const struct kt_kubeconfig *kubeconfig)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, work->arena, 4 * KT_KIB);
    for (const char *const *path = kubeconfig->paths; path && *path; path++) {
        if (text.length > 0)
            kt_strbuf_puts(&text, ", ");
        kt_strbuf_puts(&text, *path);
    }
    return text.length > 0 ? text.data : "the kubeconfig";
}

/* One of the three lists of a kubeconfig; all entries begin with their name. */
struct names {
    const char *kind;
    const void *entries;
    size_t count;
    size_t entry_size;
};

static const char *name_at(const struct names *names, size_t index)
{
    const char *name;
    memcpy(&name, (const char *)names->entries + index * names->entry_size, sizeof(name));
    return name;
}

/* "; it has a, b and 3 more; did you mean "a"?" */
static const char *describe_names(const struct kt_config_work *work, const struct names *names, const char *wanted)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, work->arena, 4 * KT_KIB);
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, kt_str(wanted));
    kt_strbuf_printf(&text, names->count == 0 ? "; it has no %ss" : "; the %ss there are:", names->kind);
    for (size_t i = 0; i < names->count; i++) {
        kt_nearest_offer(&nearest, name_at(names, i));
        if (i < NAMES_SHOWN)
            kt_strbuf_printf(&text, "%s %.100s", i > 0 ? "," : "", name_at(names, i));
    }
    if (names->count > NAMES_SHOWN)
        kt_strbuf_printf(&text, " and %zu more", names->count - NAMES_SHOWN);
    if (nearest.best)
        kt_strbuf_printf(&text, "; did you mean \"%.100s\"?", nearest.best);
    return text.failed ? "" : text.data;
}

static int not_there(const struct kt_config_work *work, const struct kt_kubeconfig *kubeconfig,
                     const struct names *names, const char *wanted, const char *flag)
{
    return kt_error_set(work->error, KT_ENOTFOUND, "%s \"%s\" (%s) does not exist in %s%s", names->kind, wanted, flag,
                        joined_paths(work, kubeconfig), describe_names(work, names, wanted));
}

static struct names context_names(const struct kt_kubeconfig *kubeconfig)
{
    return (struct names){"context", kubeconfig->contexts, kubeconfig->context_count, sizeof(*kubeconfig->contexts)};
}

static int choose_context(const struct kt_config_work *work, const struct kt_kubeconfig *kubeconfig,
                          struct kt_config_choice *choice)
{
    choice->context =
        (struct kt_kubeconfig_context){.name = "", .origin = "", .cluster = "", .user = "", .namespace_ = ""};
    bool by_flag = kt_given(work->overrides->context);
    const char *name = by_flag ? work->overrides->context : kubeconfig->current_context;
    if (!*name)
        return 0;
    const struct kt_kubeconfig_context *context = kt_kubeconfig_context(kubeconfig, name);
    if (!context) {
        struct names names = context_names(kubeconfig);
        return not_there(work, kubeconfig, &names, name, by_flag ? "--context" : "current-context");
    }
    choice->context = *context;
    return 0;
}

static int choose_cluster(const struct kt_config_work *work, const struct kt_kubeconfig *kubeconfig,
                          struct kt_config_choice *choice)
{
    bool by_flag = kt_given(work->overrides->cluster);
    const char *name = by_flag ? work->overrides->cluster : choice->context.cluster;
    choice->cluster = (struct kt_kubeconfig_cluster){.name = name,
                                                     .origin = "flags",
                                                     .server = "",
                                                     .tls_server_name = "",
                                                     .certificate_authority = "",
                                                     .proxy_url = ""};
    const struct kt_kubeconfig_cluster *cluster = kt_kubeconfig_cluster(kubeconfig, name);
    if (cluster) {
        choice->cluster = *cluster;
    } else if (by_flag || (*name && !kt_given(work->overrides->server))) {
        struct names names = {"cluster", kubeconfig->clusters, kubeconfig->cluster_count,
                              sizeof(*kubeconfig->clusters)};
        return not_there(work, kubeconfig, &names, name, by_flag ? "--cluster" : "named by the context");
    }
    return 0;
}

static int choose_user(const struct kt_config_work *work, const struct kt_kubeconfig *kubeconfig,
                       struct kt_config_choice *choice, const char **ret_source)
{
    bool by_flag = kt_given(work->overrides->user);
    const char *name = by_flag ? work->overrides->user : choice->context.user;
    const struct kt_kubeconfig_user *user = kt_kubeconfig_user(kubeconfig, name);
    choice->user = (struct kt_kubeconfig_user){.name = name,
                                               .origin = "flags",
                                               .client_certificate = "",
                                               .client_key = "",
                                               .token = "",
                                               .token_file = "",
                                               .username = "",
                                               .password = "",
                                               .impersonation = {.user = "", .uid = ""},
                                               .auth_provider = ""};
    if (!user && by_flag) {
        struct names names = {"user", kubeconfig->users, kubeconfig->user_count, sizeof(*kubeconfig->users)};
        return not_there(work, kubeconfig, &names, name, "--user");
    }
    /* As client-go: a context may name a user that is nowhere; requests then go without credentials. */
    if (user) {
        choice->user = *user;
        *ret_source = kt_arena_printf(work->arena, "user \"%s\" of %s", name, user->origin);
    } else if (*name) {
        *ret_source =
            kt_arena_printf(work->arena, "user \"%s\", which is not in %s", name, joined_paths(work, kubeconfig));
    } else {
        *ret_source = "nobody (no user is chosen)";
    }
    if (!*ret_source)
        *ret_source = "";
    return 0;
}

static void replace(const char **target, const char *flag)
{
    if (kt_given(flag))
        *target = flag;
}

static void apply_cluster_flags(const struct kt_config_overrides *flags, struct kt_kubeconfig_cluster *cluster)
{
    replace(&cluster->server, flags->server);
    /* Either flag about trust replaces all that the file says about it. */
    if (flags->insecure_skip_tls_verify || kt_given(flags->certificate_authority)) {
        cluster->insecure_skip_tls_verify = flags->insecure_skip_tls_verify;
        cluster->certificate_authority = kt_given(flags->certificate_authority) ? flags->certificate_authority : "";
        cluster->certificate_authority_data = (struct kt_str){"", 0};
    }
    /* --server alone drops the file's name, which belongs to another address. */
    if (kt_given(flags->tls_server_name) || kt_given(flags->server))
        cluster->tls_server_name = kt_given(flags->tls_server_name) ? flags->tls_server_name : "";
    if (flags->disable_compression)
        cluster->disable_compression = true;
}

/* Where the credentials come from when a flag brings them. A client certificate is sent as well, so then the user stays
 * the one to name. */
static void name_credentials(const struct kt_config_overrides *flags, const struct kt_kubeconfig_user *user,
                             const char **source)
{
    if (*user->client_certificate || user->client_certificate_data.length > 0)
        return;
    if (kt_given(flags->token))
        *source = "the flag --token";
    else if (kt_given(flags->username))
        *source = "the flag --username";
}

static void apply_user_flags(const struct kt_config_overrides *flags, struct kt_kubeconfig_user *user)
{
    if (kt_given(flags->token)) {
        user->token = flags->token;
        user->token_file = ""; /* what the user types now counts more than a file */
    }
    replace(&user->username, flags->username);
    replace(&user->password, flags->password);
    if (kt_given(flags->client_certificate)) {
        user->client_certificate = flags->client_certificate;
        user->client_certificate_data = (struct kt_str){"", 0};
    }
    if (kt_given(flags->client_key)) {
        user->client_key = flags->client_key;
        user->client_key_data = (struct kt_str){"", 0};
    }
    replace(&user->impersonation.user, flags->as);
    replace(&user->impersonation.uid, flags->as_uid);
    if (flags->as_groups && flags->as_groups[0])
        user->impersonation.groups = flags->as_groups;
}

static int nothing_chosen(const struct kt_config_work *work, const struct kt_kubeconfig *kubeconfig,
                          const struct kt_config_choice *choice)
{
    const char *paths = joined_paths(work, kubeconfig);
    if (kubeconfig->read_count == 0)
        return kt_error_set(work->error, KT_ENOTFOUND,
                            "no cluster is configured: there is no kubeconfig (looked for %s) and this is no pod of a "
                            "cluster; name one with --kubeconfig or in the variable KUBECONFIG",
                            paths);
    if (*choice->context.name)
        return kt_error_set(work->error, KT_ENOTFOUND, "no cluster is configured: context \"%s\" of %s names none",
                            choice->context.name, choice->context.origin);
    struct names names = context_names(kubeconfig);
    return kt_error_set(work->error, KT_ENOTFOUND,
                        "no cluster is configured: %s sets no current-context%s; choose one with --context", paths,
                        describe_names(work, &names, ""));
}

static const char *describe_source(const struct kt_config_work *work, const struct kt_config_choice *choice)
{
    const char *source = *choice->context.name ? kt_arena_printf(work->arena, "context \"%s\" of %s",
                                                                 choice->context.name, choice->context.origin)
                                               : "the flags";
    return source ? source : "";
}

/* *ret_empty: the kubeconfig says nothing about a cluster at all, so that a pod's service account may be used. */
static int from_kubeconfig(const struct kt_config_work *work, const struct kt_kubeconfig *kubeconfig,
                           struct kt_config *ret, bool *ret_empty)
{
    struct kt_config config;
    struct kt_config_choice choice;
    kt_config_clear(&config);
    int code = choose_context(work, kubeconfig, &choice);
    if (code == 0)
        code = choose_cluster(work, kubeconfig, &choice);
    if (code == 0)
        code = choose_user(work, kubeconfig, &choice, &config.user_source);
    if (code != 0)
        return code;
    apply_cluster_flags(work->overrides, &choice.cluster);
    apply_user_flags(work->overrides, &choice.user);
    name_credentials(work->overrides, &choice.user, &config.user_source);
    if (!*choice.cluster.server && !*choice.cluster.name) {
        *ret_empty = true;
        return nothing_chosen(work, kubeconfig, &choice);
    }
    code = kt_config_check_user(work, &choice.user);
    if (code == 0)
        code = kt_config_check_cluster(work, &choice.cluster);
    if (code == 0)
        code = kt_config_load_cluster(work, &choice.cluster, &config);
    if (code == 0)
        code = kt_config_load_user(work, &choice.user, &config);
    if (code == 0)
        code = kt_config_load_timeout(work, &config);
    if (code != 0)
        return code;
    config.context = choice.context.name;
    config.source = describe_source(work, &choice);
    config.exec_cluster_config = choice.cluster.exec_config;
    replace(&config.namespace_, choice.context.namespace_);
    config.namespace_is_set = *choice.context.namespace_;
    *ret = config;
    return 0;
}

static void finish_namespace(const struct kt_config_work *work, struct kt_config *config)
{
    if (kt_given(work->overrides->namespace_)) {
        config->namespace_ = work->overrides->namespace_;
        config->namespace_is_set = true;
        return;
    }
    /* client-go asks the pod also when a kubeconfig that sets no namespace was used inside one. */
    const char *pod = config->namespace_is_set ? "" : kt_config_pod_namespace(work->arena, work->environment);
    if (*pod) {
        config->namespace_ = pod;
        config->namespace_is_set = true;
    }
}

static int memory_left(const struct kt_config_work *work)
{
    return work->arena->failed ? kt_error_set(work->error, KT_ENOMEM, "not enough memory for the kubeconfig") : 0;
}

static const struct kt_config_overrides no_overrides;

int kt_config_from_kubeconfig(struct kt_arena *arena, const struct kt_environment *environment,
                              const struct kt_kubeconfig *kubeconfig, const struct kt_config_overrides *overrides,
                              struct kt_config *ret, struct kt_error *error)
{
    struct kt_config_work work = {arena, environment, overrides ? overrides : &no_overrides, error};
    struct kt_config config;
    bool empty = false;
    int code = from_kubeconfig(&work, kubeconfig, &config, &empty);
    if (code == 0)
        code = memory_left(&work);
    if (code != 0)
        return code;
    if (kt_given(work.overrides->namespace_))
        finish_namespace(&work, &config);
    *ret = config;
    return 0;
}

/* In a pod the flags may replace the address, the token and the CA (client-go inClusterClientConfig); we also let them
 * set whom to impersonate. */
static int apply_flags_in_cluster(const struct kt_config_work *work, struct kt_config *config)
{
    struct kt_kubeconfig_cluster cluster = {.name = "in-cluster",
                                            .origin = "flags",
                                            .server = config->server,
                                            .tls_server_name = "",
                                            .certificate_authority = "",
                                            .certificate_authority_data = config->ca_pem,
                                            .proxy_url = ""};
    struct kt_kubeconfig_user user = {.name = "service account",
                                      .origin = "flags",
                                      .client_certificate = "",
                                      .client_key = "",
                                      .token = config->token,
                                      .token_file = config->token_file,
                                      .username = "",
                                      .password = "",
                                      .impersonation = {.user = "", .uid = ""},
                                      .auth_provider = ""};
    const char *ca_source = config->ca_source;
    apply_cluster_flags(work->overrides, &cluster);
    apply_user_flags(work->overrides, &user);
    int code = kt_config_check_user(work, &user);
    if (code == 0)
        code = kt_config_load_cluster(work, &cluster, config);
    if (code == 0)
        code = kt_config_load_user(work, &user, config);
    if (code == 0)
        code = kt_config_load_timeout(work, config);
    if (!*cluster.certificate_authority)
        config->ca_source = ca_source;
    return code;
}

int kt_config_resolve(struct kt_arena *arena, const struct kt_environment *environment,
                      const struct kt_config_overrides *overrides, struct kt_config *ret, struct kt_error *error)
{
    struct kt_config_work work = {arena, environment, overrides ? overrides : &no_overrides, error};
    struct kt_kubeconfig kubeconfig;
    struct kt_config config;
    bool empty = false;
    int code = kt_kubeconfig_load(arena, environment, work.overrides->kubeconfig, &kubeconfig, error);
    if (code != 0)
        return code;
    code = from_kubeconfig(&work, &kubeconfig, &config, &empty);
    if (code != 0 && empty) {
        struct kt_error pod_error = {0};
        int pod_code = kt_config_in_cluster(arena, environment, &config, &pod_error);
        if (pod_code == 0)
            code = apply_flags_in_cluster(&work, &config);
    }
    if (code == 0)
        code = memory_left(&work);
    if (code != 0)
        return code;
    finish_namespace(&work, &config);
    *ret = config;
    return 0;
}
