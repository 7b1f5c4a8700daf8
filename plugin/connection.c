/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/connection.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kube/credential_cache.h"

/* Written by the signal handler, read by nobody: the client looks whether it is readable. */
static int stop_fd = -1;

static void ask_to_stop(int number KT_UNUSED)
{
    int saved = errno;
    uint64_t one = 1;
    ssize_t written = write(stop_fd, &one, sizeof(one));
    (void)written;
    errno = saved;
}

static int watch_for_interrupts(struct kt_error *error)
{
    if (stop_fd >= 0)
        return 0;
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd < 0)
        return kt_error_set(error, KT_EIO, "cannot make an event descriptor: %s", strerror(errno));
    /* Once only: the second Ctrl-C ends the program, whatever it hangs in. */
    struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return 0;
}

static void write_trace(void *context, int level KT_UNUSED, const char *line)
{
    struct kt_app *app = context;
    fprintf(app->err, "%s\n", line);
}

static const char *explain_missing_type(void *context KT_UNUSED, const struct kt_resource *resource)
{
    return kt_streq(resource->group, "kaito.sh") ? "Kaito is not installed in this cluster. Its resource types come "
                                                   "with `kubectl apply -k manifests/crd`, "
                                                   "all of it with one of the folders of manifests/overlays"
                                                 : NULL;
}

struct kt_config_overrides kt_connection_overrides(const struct kt_app *app)
{
    const struct kt_global_flags *flags = &app->globals;
    return (struct kt_config_overrides){
        .kubeconfig = flags->kubeconfig,
        .context = flags->context,
        .cluster = flags->cluster,
        .user = flags->user,
        .server = flags->server,
        .token = flags->token,
        .username = flags->username,
        .password = flags->password,
        .as = flags->as,
        .as_groups = flags->as_groups.count ? flags->as_groups.items : NULL,
        .as_uid = flags->as_uid,
        .certificate_authority = flags->certificate_authority,
        .client_certificate = flags->client_certificate,
        .client_key = flags->client_key,
        .tls_server_name = flags->tls_server_name,
        .namespace_ = flags->namespace_,
        .request_timeout = flags->request_timeout,
        .insecure_skip_tls_verify = flags->insecure_skip_tls_verify,
        .disable_compression = flags->disable_compression,
    };
}

int kt_connect(struct kt_app *app, struct kt_connection *connection, struct kt_error *error)
{
    *connection = (struct kt_connection){.app = app};
    struct kt_config_overrides overrides = kt_connection_overrides(app);
    int code = kt_config_resolve(app->arena, app->environment, &overrides, &connection->config, error);
    if (code == 0)
        code = watch_for_interrupts(error);
    if (code == 0)
        code = kt_client_global_init(error);
    if (code != 0)
        return code;
    connection->config.credential_cache = kt_credential_cache_new();
    if (!connection->config.credential_cache)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for credentials");
    const struct kt_client_options options = {
        .user_agent = "kubectl-kaito",
        .stop_fd = stop_fd,
        .hooks = {.trace = write_trace,
                  .verbosity = (int)app->globals.verbosity.value,
                  .missing_type = explain_missing_type,
                  .context = app},
    };
    return kt_client_new(&connection->config, app->environment, &options, &connection->client, error);
}

void kt_disconnect(struct kt_connection *connection)
{
    if (connection->client)
        kt_client_free(connection->client);
    connection->client = NULL;
    kt_credential_cache_free(connection->config.credential_cache);
    connection->config.credential_cache = NULL;
}

void kt_connection_resume(struct kt_connection *connection KT_UNUSED)
{
    uint64_t count;
    ssize_t got = read(stop_fd, &count, sizeof(count));
    (void)got; /* nothing to read: it was not interrupted */
}

int kt_connection_stop_fd(const struct kt_connection *connection KT_UNUSED)
{
    return stop_fd;
}

bool kt_connection_pause(struct kt_connection *connection KT_UNUSED, int milliseconds)
{
    struct pollfd interrupt = {.fd = stop_fd, .events = POLLIN};
    return poll(&interrupt, 1, milliseconds) == 0;
}

void kt_connection_warn(struct kt_connection *connection, const struct kt_reply *reply)
{
    for (size_t i = 0; i < reply->warning_count; i++)
        kt_app_warn(connection->app, kt_str(reply->warnings[i]));
}
