/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An API server with a few objects, for what the webhook does beside one. Usage: apiserver FILE KUBECONFIG
 *
 * FILE is a YAML list of objects. Writes KUBECONFIG when it serves, and serves until SIGTERM or SIGINT.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "tests/lib/object_server.h"

static bool write_kubeconfig(const char *path, const char *url)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    fprintf(file,
            "apiVersion: v1\nkind: Config\ncurrent-context: bench\n"
            "clusters: [{name: bench, cluster: {server: \"%s\"}}]\n"
            "contexts: [{name: bench, context: {cluster: bench}}]\n",
            url);
    return fclose(file) == 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: apiserver FILE KUBECONFIG\n");
        return 2;
    }
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before the server's threads, which inherit it */
    struct kt_object_server *server = kt_object_server_start();
    kt_object_server_load(server, argv[1]);
    bool written = write_kubeconfig(argv[2], kt_object_server_url(server));
    int signal_number;
    if (written)
        sigwait(&set, &signal_number);
    else
        perror(argv[2]);
    kt_object_server_stop(server);
    return written ? 0 : 1;
}
