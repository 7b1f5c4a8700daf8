/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libgen.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "webhook/cache_age.h"
#include "webhook/log.h"
#include "webhook/serve/self_check.h"

#define LISTEN_BACKLOG 1024
/* /readyz is open to whoever reaches the port, and a look at the workers costs them a handshake each. */
#define SELF_CHECK_EVERY_MS 1000
/* inotify tells of most changes; the poll catches the rest (network file systems, a missed link swap). */
#define CERTIFICATE_POLL_MS 10000
#define DRAIN_STEP_MS 20
/* Free memory that the heap may keep for the next burst. */
#define SPARE_MEMORY_BYTES ((size_t)(8 * KT_MIB))
#define FIRST_LIST_PATIENCE_MS 10000

static bool workers_answer(struct kt_server *server, struct kt_strbuf *why)
{
    int64_t now_ms = kt_clock_monotonic_ms(&kt_clock_system);
    if (server->self_check_ms == 0 || now_ms - server->self_check_ms >= SELF_CHECK_EVERY_MS) {
        KT_CLEANUP(kt_strbuf_release) struct kt_strbuf reason;
        kt_strbuf_init(&reason, NULL, sizeof(server->self_check_why) - 1);
        server->self_check_passed =
            kt_self_check(server->workers, server->worker_count, server->config->client_ca_file[0] != '\0', &reason);
        snprintf(server->self_check_why, sizeof(server->self_check_why), "%s", reason.data);
        server->self_check_ms = kt_clock_monotonic_ms(&kt_clock_system);
    }
    if (!server->self_check_passed)
        kt_strbuf_puts(why, server->self_check_why);
    return server->self_check_passed;
}

static bool server_ready(void *context, struct kt_strbuf *why)
{
    struct kt_server *server = context;
    if (atomic_load(&server->draining)) {
        kt_strbuf_puts(why, "shutting down");
        return false;
    }
    if (atomic_load(&server->tls.expires_at_ms) <= kt_clock_wall_ms(&kt_clock_system)) {
        kt_strbuf_printf(why, "the certificate %s has expired", server->config->tls_certificate_file);
        return false;
    }
    /* The first look at the cluster is waited for, but not for ever: without an API server the rules that need it warn.
     */
    if (server->endpoint.cluster && !kt_cache_knows_for_rules(server->endpoint.cluster) &&
        kt_clock_monotonic_ms(&kt_clock_system) < server->started_ms + FIRST_LIST_PATIENCE_MS) {
        kt_strbuf_puts(why, "reading ConfigMaps and Nodes for the first time");
        return false;
    }
    if (!workers_answer(server, why))
        return false;
    kt_cache_age_write_stale(why, kt_clock_monotonic_ms(&kt_clock_system)); /* a hint: admission goes on */
    return true;
}

static int open_listener(struct kt_server *server, struct kt_error *error)
{
    const struct kt_webhook_config *config = server->config;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)config->webhook_port)};
    if (inet_pton(AF_INET, config->bind_address, &address.sin_addr) != 1)
        return kt_error_set(error, KT_EINVAL, "--bind-address: \"%s\" is not an IPv4 address", config->bind_address);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    /* Connections inherit these: a client that is gone without a word is noticed as shared/kube/exchange.c notices a
     * server. */
    int idle_s = 15, interval_s = 5, lost_ms = 30000;
    setsockopt(server->listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(server->listener, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(server->listener, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    setsockopt(server->listener, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_ms, sizeof(lost_ms));
    socklen_t length = sizeof(address);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, length) != 0 ||
        listen(server->listener, LISTEN_BACKLOG) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &length) != 0) {
        char reason[128];
        return kt_error_set(error, KT_EIO, "cannot listen on %s:%lld: %s", config->bind_address,
                            (long long)config->webhook_port, strerror_r(errno, reason, sizeof(reason)));
    }
    server->port = ntohs(address.sin_port);
    return 0;
}

static int load_certificate(struct kt_server *server, struct kt_error *error)
{
    const struct kt_webhook_config *config = server->config;
    struct kt_tls_settings settings = {
        .certificate_file = config->tls_certificate_file,
        .key_file = config->tls_key_file,
        .client_ca_file = config->client_ca_file[0] ? config->client_ca_file : NULL,
        .client_names = config->client_names[0] ? config->client_names : NULL,
        .tls13_only = kt_streq(config->tls_min_version, "1.3"),
    };
    int code = kt_tls_store_init(&server->tls, &settings, error);
    if (code == 0)
        server->metrics.tls = &server->tls;
    return code;
}

static int start_workers(struct kt_server *server, struct kt_error *error)
{
    size_t count = (size_t)server->config->workers;
    server->workers = kt_heap_alloc(count * sizeof(*server->workers));
    if (!server->workers)
        return kt_error_set(error, KT_ENOMEM, "no memory for the workers");
    int code = kt_connection_table_init(&server->table, (size_t)server->config->connection_limit, error);
    if (code != 0)
        return code;
    server->bodies.limit = KT_LIMIT_BODIES_BYTES;
    struct kt_worker_settings settings = {
        .listener = server->listener,
        .tls = &server->tls,
        .endpoint = &server->endpoint,
        .table = &server->table,
        .bodies = &server->bodies,
    };
    for (; server->worker_count < count; server->worker_count++) {
        code = kt_worker_start(&server->workers[server->worker_count], server->worker_count, &settings, error);
        if (code != 0)
            return code;
    }
    return 0;
}

static int start_health(struct kt_server *server, struct kt_error *error)
{
    const struct kt_webhook_config *config = server->config;
    server->health = (struct kt_health){&server->metrics, server_ready, server};
    int code = kt_health_start(&server->health_server, &server->health, false, config->bind_address,
                               (uint16_t)config->health_port, error);
    if (code == 0)
        code = kt_health_start(&server->metrics_server, &server->health, true, config->bind_address,
                               (uint16_t)config->metrics_port, error);
    return code;
}

int kt_server_start(struct kt_server *server, const struct kt_webhook_config *config, struct kt_cache *cluster,
                    struct kt_error *error)
{
    *server = (struct kt_server){.config = config, .listener = -1};
    server->started_ms = kt_clock_monotonic_ms(&kt_clock_system);
    server->metrics.started_wall_ms = kt_clock_wall_ms(&kt_clock_system);
    server->endpoint.cluster = cluster;
    server->endpoint.metrics = &server->metrics;
    int code = kt_webhook_config_settings(config, &server->endpoint.settings, error);
    if (code == 0)
        code = load_certificate(server, error);
    if (code == 0)
        code = open_listener(server, error);
    if (code == 0)
        code = start_workers(server, error);
    if (code == 0)
        code = start_health(server, error);
    if (code != 0) {
        kt_server_stop(server);
        return code;
    }
    char port[8], health[8], metrics[8];
    snprintf(port, sizeof(port), "%u", server->port);
    snprintf(health, sizeof(health), "%u", server->health_server.port);
    snprintf(metrics, sizeof(metrics), "%u", server->metrics_server.port);
    kt_log(KT_LOG_INFO, "serving", "address", config->bind_address, "webhookPort", port, "healthPort", health,
           "metricsPort", metrics, NULL);
    return 0;
}

static void reload_certificate(struct kt_server *server)
{
    struct kt_error error;
    bool changed = false;
    if (kt_tls_store_reload(&server->tls, &changed, &error) != 0)
        kt_log(KT_LOG_WARNING, "the certificate could not be read again; the old one stays in use", "error",
               error.message, NULL);
    else if (changed)
        kt_log(KT_LOG_INFO, "a new certificate is in use", NULL);
}

/* After a burst of small objects the heap may hold much that is free, between what is not. */
static void give_back_memory(void)
{
    if (mallinfo2().fordblks > SPARE_MEMORY_BYTES)
        malloc_trim(0);
}

/* Watches the directory, not the file: a rename or the kubelet's link swap replaces the file itself. */
static int watch_certificate(const struct kt_server *server)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    char *path = kt_heap_strdup(server->config->tls_certificate_file);
    if (fd >= 0 && path)
        inotify_add_watch(fd, dirname(path), IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE);
    kt_heap_free(path);
    return fd;
}

static void discard_events(int fd)
{
    char events[4096];
    while (fd >= 0 && read(fd, events, sizeof(events)) > 0)
        ;
}

/* True when a stop signal came; false after timeout_ms. */
static bool wait_for_stop(int stop_fd, int64_t timeout_ms)
{
    struct pollfd entry = {.fd = stop_fd, .events = POLLIN};
    return poll(&entry, 1, (int)KT_MIN(timeout_ms, (int64_t)INT32_MAX)) > 0;
}

static void take_signal(int stop_fd)
{
    char information[128];
    KT_UNUSED ssize_t got = read(stop_fd, information, sizeof(information));
}

static void set_phase(struct kt_server *server, enum kt_worker_phase phase)
{
    for (size_t i = 0; i < server->worker_count; i++)
        kt_worker_set_phase(&server->workers[i], phase);
}

static size_t open_connections(const struct kt_server *server)
{
    size_t count = 0;
    for (size_t i = 0; i < server->worker_count; i++)
        count += atomic_load(&server->workers[i].open_connections);
    return count;
}

static void drain(struct kt_server *server, int stop_fd)
{
    atomic_store(&server->draining, true);
    kt_log(KT_LOG_INFO, "shutting down: not ready, still accepting", NULL);
    set_phase(server, KT_WORKER_LEAVING);
    if (wait_for_stop(stop_fd, server->config->shutdown_delay_ms))
        return;
    set_phase(server, KT_WORKER_DRAINING);
    int64_t give_up_ms = kt_clock_monotonic_ms(&kt_clock_system) + server->config->shutdown_timeout_ms;
    while (open_connections(server) > 0 && kt_clock_monotonic_ms(&kt_clock_system) < give_up_ms)
        if (wait_for_stop(stop_fd, DRAIN_STEP_MS))
            return;
}

void kt_server_run(struct kt_server *server, int stop_fd)
{
    KT_CLEANUP(kt_close_fd) int changes = watch_certificate(server);
    reload_certificate(server); /* what changed before the watch began */
    for (;;) {
        struct pollfd entries[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = changes, .events = POLLIN}};
        int count = poll(entries, KT_ARRAY_LENGTH(entries), CERTIFICATE_POLL_MS);
        if (count > 0 && (entries[0].revents & POLLIN))
            break;
        discard_events(changes);
        reload_certificate(server);
        give_back_memory();
        kt_log_sum_up(false);
    }
    take_signal(stop_fd);
    drain(server, stop_fd);
}

void kt_server_stop(struct kt_server *server)
{
    kt_health_stop(&server->health_server); /* first: it asks the workers */
    kt_health_stop(&server->metrics_server);
    set_phase(server, KT_WORKER_STOPPING);
    for (size_t i = 0; i < server->worker_count; i++)
        kt_worker_join(&server->workers[i]);
    kt_heap_free(server->workers);
    server->workers = NULL;
    server->worker_count = 0;
    kt_connection_table_release(&server->table);
    kt_close_fd(&server->listener);
    if (server->metrics.tls)
        kt_tls_store_release(&server->tls);
    server->metrics.tls = NULL;
}
