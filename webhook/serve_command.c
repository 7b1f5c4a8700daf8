/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve_command.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/limits.h"
#include "kube/config.h"
#include "kube/credential_cache.h"
#include "webhook/config.h"
#include "webhook/log.h"
#include "webhook/reconcile/operator.h"
#include "webhook/serve/server.h"

/* Signals are taken through a descriptor by the main thread; blocked before any thread starts, so that all inherit it.
 */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A connection with a request takes three descriptors, and the usual soft limit of 1024 is meant for programs that use
 * select(2). Without the right to more the server does with what it has. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* The cache of the cluster, or none: with cluster_view off, or outside a cluster without a kubeconfig. */
static int open_cluster(const struct kt_webhook_config *config, const struct kt_environment *environment,
                        const struct kt_settings *settings, struct kt_arena *arena, struct kt_config *kube,
                        struct kt_cache **ret, struct kt_error *error)
{
    if (!config->cluster_view)
        return 0;
    struct kt_config_overrides overrides = {.kubeconfig = config->kubeconfig};
    int code = config->kubeconfig[0] ? kt_config_resolve(arena, environment, &overrides, kube, error)
                                     : kt_config_in_cluster(arena, environment, kube, error);
    if (code == KT_ENOTFOUND && !config->kubeconfig[0]) {
        kt_log(KT_LOG_WARNING, "no API server: rules that need ConfigMaps or Nodes only warn", "reason", error->message,
               NULL);
        return 0;
    }
    if (code == 0)
        code = kt_client_global_init(error);
    if (code == 0 && kube->exec)
        kube->credential_cache = kt_credential_cache_new();
    if (code == 0 && kube->exec && !kube->credential_cache)
        code = kt_error_set(error, KT_ENOMEM, "no memory for credentials");
    const struct kt_informers_options options = {.config = kube,
                                                 .environment = environment,
                                                 .for_reconciler = config->reconcile,
                                                 .with_node_claims = !kt_settings_bring_your_own(settings),
                                                 .resync_ms = config->resync_ms};
    return code == 0 ? kt_cache_start(&options, settings->release_namespace, ret, error) : code;
}

/* The reconciler, when it is wanted and there is an API server to reconcile on. */
static int start_operator(const struct kt_operator_options *options, struct kt_operator *operator_,
                          struct kt_error *error)
{
    if (!options->config->reconcile)
        return 0;
    if (!options->cache) {
        kt_log(KT_LOG_WARNING, "no API server: Workspaces are judged, not run", NULL);
        return 0;
    }
    return kt_operator_start(operator_, options, error);
}

static int serve(const struct kt_webhook_config *config, int stop_fd)
{
    const struct kt_environment environment = {
        .variables = (const char *const *)environ, .files = &kt_files_system, .clock = &kt_clock_system};
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    struct kt_config kube = {0};
    struct kt_settings settings;
    struct kt_cache *cluster = NULL;
    struct kt_operator operator_ = {0};
    struct kt_error error;
    struct kt_server server;
    int code = kt_webhook_config_settings(config, &settings, &error);
    if (code == 0)
        code = open_cluster(config, &environment, &settings, &arena, &kube, &cluster, &error);
    const struct kt_operator_options options = {config, &settings, &kube, &environment, cluster, stop_fd};
    if (code == 0)
        code = start_operator(&options, &operator_, &error);
    if (code == 0)
        code = kt_server_start(&server, config, cluster, &error);
    if (code == 0) {
        kt_server_run(&server, stop_fd);
        kt_server_stop(&server);
        kt_log_sum_up(true);
        kt_log(KT_LOG_INFO, "stopped", NULL);
    } else {
        kt_log(KT_LOG_ERROR, "cannot start", "error", error.message, NULL);
    }
    kt_operator_stop(&operator_);
    kt_cache_stop(cluster);
    kt_credential_cache_free(kube.credential_cache);
    return code == 0 ? 0 : 1;
}

/* Some twenty threads, most of which wait: with an arena for each, as glibc has it, memory that one has freed is of no
 * use to the others. And what is large goes back to the system when it is freed: left to itself glibc keeps ever larger
 * pieces once it has seen them. */
static void share_memory(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

int kt_serve_command(int argc, char **argv)
{
    share_memory();
    struct kt_webhook_config config;
    struct kt_error error;
    if (kt_webhook_config_parse(&config, argc, argv, getenv, &error) != 0) {
        fprintf(stderr, "error: %s\n", error.message);
        return 2;
    }
    if (config.help) {
        kt_webhook_config_write_help(stdout);
        return 0;
    }
    enum kt_log_level level = KT_LOG_INFO;
    kt_log_parse_level(config.log_level, &level);
    kt_log_set_level(level);
    raise_descriptor_limit();
    KT_CLEANUP(kt_close_fd) int stop_fd = open_signals();
    if (stop_fd < 0) {
        kt_log(KT_LOG_ERROR, "cannot take signals", NULL);
        return 1;
    }
    return serve(&config, stop_fd);
}
