/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/container_log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "plugin/gather.h"
#include "plugin/log_choice.h"
#include "plugin/pod_log.h"

/* Between two tries to reach a server that is away. */
#define RETRY_MS 1000
#define NAME_BYTES 256

struct kt_container_log {
    struct kt_connection *connection;
    struct kt_progress *progress;
    struct kt_container_log_options options;
    struct kt_error failure; /* of a log that cannot be read; of the thread until it has ended */
    struct kt_environment environment;
    struct kt_client *client;
    struct kt_training_progress training;
    struct kt_pod_log log;
    char namespace_[NAME_BYTES], pod[NAME_BYTES], uid[NAME_BYTES], container[NAME_BYTES];
    int stop_fd; /* written to end the thread */
    int done_fd; /* written by the thread when it ends */
    pthread_t thread;
    bool runs;
    bool has_ended;      /* the thread, at least once for this container */
    bool has_told_fault; /* of the training */
};

static bool is_readable(int fd, int64_t timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, (int)timeout_ms) > 0;
}

static void ring(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof(one));
    (void)written;
}

/* Said once, while there is still time to stop it. */
static void tell_fault(struct kt_container_log *log)
{
    const char *fault = kt_losses_fault(&log->training.losses, KT_LEAST_LOSSES);
    char line[KT_PROGRESS_TEXT_BYTES];
    if (!fault || log->has_told_fault)
        return;
    log->has_told_fault = true;
    snprintf(line, sizeof(line), "Warning: %s", fault);
    kt_progress_say(log->progress, line);
}

static bool take_line(void *context, struct kt_str line)
{
    struct kt_container_log *log = context;
    if (log->options.print && !kt_progress_out(log->progress, line))
        return false;
    if (kt_training_progress_take(&log->training, line))
        kt_progress_training(log->progress, &log->training);
    tell_fault(log);
    return true;
}

static bool is_away(int code)
{
    return code == KT_EUNAVAILABLE || code == KT_ETIMEOUT || code == KT_EIO;
}

static void *read_log(void *context)
{
    struct kt_container_log *log = context;
    struct kt_error error = {0};
    int code;
    do {
        code = kt_pod_log_read(log->client, &log->log, &error);
    } while (is_away(code) && !is_readable(log->stop_fd, RETRY_MS));
    /* A pod that is gone meanwhile, or a container that is not there yet, is looked at again; rights do not come. */
    log->failure = code == KT_EFORBIDDEN ? error : (struct kt_error){0};
    ring(log->done_fd);
    return NULL;
}

int kt_container_log_new(struct kt_connection *connection, struct kt_progress *progress,
                         const struct kt_container_log_options *options, struct kt_container_log **ret,
                         struct kt_error *error)
{
    struct kt_container_log *log = kt_heap_alloc(sizeof(*log));
    if (!log)
        return kt_error_set(error, KT_ENOMEM, "not enough memory to follow a log");
    log->connection = connection;
    log->progress = progress;
    log->options = *options;
    log->environment = *connection->app->environment;
    log->environment.stdin_is_terminal = false;
    log->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    log->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    kt_pod_log_init(&log->log);
    const struct kt_client_options client = {.user_agent = "kubectl-kaito", .stop_fd = log->stop_fd};
    int code = log->stop_fd < 0 || log->done_fd < 0
                   ? kt_error_set(error, KT_EIO, "cannot make an event descriptor: %s", strerror(errno))
                   : kt_client_new(&connection->config, &log->environment, &client, &log->client, error);
    if (code != 0) {
        kt_container_log_free(log);
        return code;
    }
    *ret = log;
    return 0;
}

/* After the thread has ended, or to end it. */
static void join(struct kt_container_log *log)
{
    uint64_t count;
    if (!log->runs)
        return;
    ring(log->stop_fd);
    pthread_join(log->thread, NULL);
    log->runs = false;
    ssize_t got = read(log->stop_fd, &count, sizeof(count));
    got = read(log->done_fd, &count, sizeof(count));
    (void)got;
}

static bool keep(char (*into)[NAME_BYTES], const char *text)
{
    return snprintf(*into, NAME_BYTES, "%s", text) < NAME_BYTES;
}

/* Another container has another log. */
static bool aim(struct kt_container_log *log, const cJSON *pod, const char *container)
{
    const char *uid = kt_json_string_or(kt_json_path(pod, "metadata", "uid", NULL), "");
    if (log->log.pod && kt_streq(log->uid, uid) && kt_streq(log->container, container))
        return true;
    join(log);
    kt_pod_log_release(&log->log);
    kt_pod_log_init(&log->log);
    log->training = (struct kt_training_progress){0};
    log->has_told_fault = false;
    log->log.namespace_ = log->namespace_;
    log->log.pod = log->pod;
    log->log.container = log->container;
    log->log.follow = true;
    log->log.tail_lines = log->options.tail_lines;
    log->log.line = take_line;
    log->log.context = log;
    log->has_ended = false;
    return keep(&log->uid, uid) && keep(&log->namespace_, kt_object_namespace(pod)) &&
           keep(&log->pod, kt_object_name(pod)) && keep(&log->container, container);
}

void kt_container_log_look(struct kt_container_log *log, const cJSON *pod, const char *container)
{
    struct kt_log_container containers[KT_LOG_CONTAINERS];
    size_t count = kt_log_containers(pod, "", containers); /* in whatever order */
    const struct kt_log_container *found = NULL;
    for (size_t i = 0; i < count; i++)
        if (kt_streq(containers[i].name, container) && containers[i].phase != KT_CONTAINER_TO_COME)
            found = &containers[i];
    if (!found || kt_container_log_failure(log, NULL) != 0 || !aim(log, pod, container))
        return;
    if (log->runs && !is_readable(log->done_fd, 0))
        return;
    /* The log of a container that has ended is read once. */
    log->has_ended |= log->runs;
    if (log->has_ended && found->phase != KT_CONTAINER_RUNNING)
        return;
    join(log);
    log->runs = log->failure.code == KT_OK && pthread_create(&log->thread, NULL, read_log, log) == 0;
}

int kt_container_log_failure(struct kt_container_log *log, struct kt_error *error)
{
    if (log->runs && !is_readable(log->done_fd, 0))
        return 0;
    if (log->runs)
        log->has_ended = true;
    join(log);
    if (log->failure.code != KT_OK && error)
        *error = log->failure;
    return log->failure.code;
}

void kt_container_log_drain(struct kt_container_log *log, int64_t longest_ms)
{
    if (log->runs)
        (void)is_readable(log->done_fd, longest_ms);
    join(log);
}

const char *kt_container_log_fault(const struct kt_container_log *log)
{
    return kt_losses_fault(&log->training.losses, 1);
}

void kt_container_log_free(struct kt_container_log *log)
{
    if (!log)
        return;
    join(log);
    kt_client_free(log->client);
    kt_pod_log_release(&log->log);
    kt_close_fd(&log->stop_fd);
    kt_close_fd(&log->done_fd);
    kt_heap_free(log);
}
