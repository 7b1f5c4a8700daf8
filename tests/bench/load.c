/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load over TLS on loopback. Usage: load PORT CA_FILE FILE PATH CONNECTIONS REQUESTS SERVER_PID
 *
 * CONNECTIONS threads, one keep-alive connection each, together REQUESTS reviews. Prints one line: requests a second,
 * latencies, server CPU a request (from /proc/PID/stat) and failures; fails when there are any.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/files.h"
#include "base/strbuf.h"

#define CONNECTION_MOST 256

struct load {
    SSL_CTX *context;
    struct kt_str request;
    uint16_t port;
    size_t requests; /* of each connection */
};

struct client {
    const struct load *load;
    pthread_t thread;
    double *latency_us;
    size_t done, failed;
};

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Clock ticks of user and system time of a process. */
static double cpu_seconds(const char *pid)
{
    char path[64], line[1024];
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t length = fread(line, 1, sizeof(line) - 1, file);
    fclose(file);
    line[length] = '\0';
    unsigned long user = 0, system_time = 0;
    const char *after = strrchr(line, ')');
    if (!after || sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system_time) != 2)
        return 0;
    return (double)(user + system_time) / (double)sysconf(_SC_CLK_TCK);
}

static SSL *open_connection(const struct load *load)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(load->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        return NULL;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    SSL *ssl = SSL_new(load->context);
    if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
        return NULL;
    return ssl;
}

/* Sends the request and reads one whole answer. */
static bool exchange(SSL *ssl, struct kt_str request)
{
    char buffer[65536];
    if (SSL_write(ssl, request.data, (int)request.length) != (int)request.length)
        return false;
    size_t length = 0;
    for (;;) {
        int got = SSL_read(ssl, buffer + length, (int)(sizeof(buffer) - 1 - length));
        if (got <= 0)
            return false;
        length += (size_t)got;
        buffer[length] = '\0';
        const char *body = strstr(buffer, "\r\n\r\n");
        const char *field = body ? strcasestr(buffer, "content-length:") : NULL;
        if (field && length >= (size_t)(body + 4 - buffer) + strtoul(field + 15, NULL, 10))
            return strncmp(buffer, "HTTP/1.1 200", 12) == 0 && strstr(body, "\"allowed\":true");
    }
}

static void *run_client(void *context)
{
    struct client *client = context;
    SSL *ssl = open_connection(client->load);
    for (size_t i = 0; i < client->load->requests; i++) {
        double start = now_us();
        if (!ssl || !exchange(ssl, client->load->request)) {
            client->failed++;
            break;
        }
        client->latency_us[client->done++] = now_us() - start;
    }
    if (ssl) {
        SSL_shutdown(ssl);
        close(SSL_get_fd(ssl));
        SSL_free(ssl);
    }
    return NULL;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static int report(struct client *clients, size_t count, double seconds, double cpu)
{
    size_t done = 0, failed = 0;
    for (size_t i = 0; i < count; i++) {
        done += clients[i].done;
        failed += clients[i].failed;
    }
    double *all = calloc(done + 1, sizeof(double));
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < clients[i].done; j++)
            all[at++] = clients[i].latency_us[j];
    qsort(all, done, sizeof(double), compare_doubles);
    printf("%zu connections: %.0f req/s, p50 %.0f us, p99 %.0f us, server CPU %.1f us a request, %zu failed\n", count,
           (double)done / seconds, all[done / 2], all[done * 99 / 100], cpu * 1e6 / (double)KT_MAX(done, (size_t)1),
           failed);
    free(all);
    return failed == 0 && done > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: load PORT CA_FILE FILE PATH CONNECTIONS REQUESTS SERVER_PID\n");
        return 2;
    }
    size_t count = KT_MIN(strtoul(argv[5], NULL, 10), (unsigned long)CONNECTION_MOST);
    struct kt_arena arena;
    kt_arena_init(&arena, 16 * KT_MIB);
    struct kt_str body;
    if (kt_files_system.read(NULL, &arena, argv[3], 8 * KT_MIB, &body, NULL) != 0)
        return 1;
    struct kt_strbuf request;
    kt_strbuf_init(&request, &arena, 9 * KT_MIB);
    kt_strbuf_printf(&request,
                     "POST %s?timeout=5s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     "User-Agent: kube-apiserver-admission\r\nContent-Length: %zu\r\n\r\n",
                     argv[4], body.length);
    kt_strbuf_add_str(&request, body);
    struct load load = {SSL_CTX_new(TLS_client_method()), kt_strbuf_view(&request),
                        (uint16_t)strtoul(argv[1], NULL, 10), strtoul(argv[6], NULL, 10) / KT_MAX(count, (size_t)1)};
    SSL_CTX_set_verify(load.context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_locations(load.context, argv[2], NULL) != 1)
        return 1;
    struct client clients[CONNECTION_MOST] = {0};
    double cpu = cpu_seconds(argv[7]), start = now_us();
    for (size_t i = 0; i < count; i++) {
        clients[i].load = &load;
        clients[i].latency_us = calloc(load.requests + 1, sizeof(double));
        pthread_create(&clients[i].thread, NULL, run_client, &clients[i]);
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(clients[i].thread, NULL);
    int status = report(clients, count, (now_us() - start) / 1e6, cpu_seconds(argv[7]) - cpu);
    for (size_t i = 0; i < count; i++)
        free(clients[i].latency_us);
    SSL_CTX_free(load.context);
    kt_arena_release(&arena);
    return status;
}
