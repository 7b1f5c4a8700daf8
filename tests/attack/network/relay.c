/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP relay from one network namespace into that of its caller: what connects to ADDRESS in the namespace of FILE
 * (such as /proc/PID/ns/net) is led to 127.0.0.1:UPSTREAM here. It lets a client sit behind a network that the test can
 * cut, while the server stays where it is. Prints the port. Usage: relay FILE ADDRESS UPSTREAM
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* A socket belongs to the namespace that its maker was in. */
static int listen_there(const char *namespace_file, const char *address)
{
    int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there = open(namespace_file, O_RDONLY | O_CLOEXEC);
    must(here >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0, "entering the network namespace");
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in place = {.sin_family = AF_INET};
    union {
        struct sockaddr_in *in;
        struct sockaddr *any;
    } pointer = {.in = &place};
    socklen_t length = sizeof(place);
    must(inet_pton(AF_INET, address, &place.sin_addr) == 1, address);
    must(listener >= 0 && bind(listener, pointer.any, length) == 0 && listen(listener, 64) == 0 &&
             getsockname(listener, pointer.any, &length) == 0,
         "listening");
    must(setns(here, CLONE_NEWNET) == 0, "coming back");
    close(here);
    close(there);
    printf("%d\n", ntohs(place.sin_port));
    fflush(stdout);
    return listener;
}

static int connect_here(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in place = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    union {
        struct sockaddr_in *in;
        struct sockaddr *any;
    } pointer = {.in = &place};
    must(fd >= 0 && connect(fd, pointer.any, sizeof(place)) == 0, "connecting to the server");
    return fd;
}

/* False: this side has ended. */
static int pass_on(int from, int to)
{
    char data[65536];
    ssize_t length = read(from, data, sizeof(data));
    for (ssize_t sent = 0, part; length > 0 && sent < length; sent += part) {
        part = write(to, data + sent, (size_t)(length - sent));
        if (part <= 0)
            return 0;
    }
    return length > 0;
}

static void relay(int client, int server)
{
    for (;;) {
        struct pollfd ends[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
        must(poll(ends, 2, -1) > 0, "waiting");
        if ((ends[0].revents && !pass_on(client, server)) || (ends[1].revents && !pass_on(server, client)))
            exit(0);
    }
}

int main(int argc, char **argv)
{
    must(argc == 4, "usage: relay FILE ADDRESS UPSTREAM");
    int listener = listen_there(argv[1], argv[2]), upstream = atoi(argv[3]);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            relay(client, connect_here(upstream));
        }
        close(client);
    }
}
