/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/controller.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "webhook/log.h"
#include "webhook/reconcile/metrics.h"
#include "webhook/reconcile/work_queue.h"

/* A look is a handful of small requests; a client that waits longer for one answer keeps a worker from all others. */
#define REQUEST_TIMEOUT_MS ((int64_t)30000)

enum { WORKERS_MOST = 32 };

struct worker {
    struct kt_controller *controller;
    struct kt_client *client;
    pthread_t thread;
    bool started;
};

struct kt_controller {
    struct kt_reconciler reconciler;
    struct kt_work_queue *queue;
    struct kt_reconcile_figures figures;
    bool has_figures;
    struct worker workers[WORKERS_MOST];
    size_t worker_count;
    int stop;               /* eventfd, readable when all must end */
    pthread_mutex_t lock;   /* of the rest */
    pthread_cond_t changed; /* one of them became true */
    bool leads;             /* we may reconcile */
    bool ends;
};

/* --- working -------------------------------------------------------------------------------------------------------
 */

/* For the metric alone, which wants more than milliseconds. */
static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void look_at(struct worker *worker, struct kt_arena *arena, const struct kt_object_key *key)
{
    struct kt_work_queue *queue = worker->controller->queue;
    struct kt_reconcile_figures *figures = &worker->controller->figures;
    enum kt_reconcile_result result = KT_RECONCILE_SUCCESS;
    int64_t begun_us = now_us();
    kt_reconcile_figures_begin(figures);
    struct kt_reconcile look = {
        .reconciler = &worker->controller->reconciler,
        .client = worker->client,
        .arena = arena,
        .key = *key,
    };
    if (kt_reconcile_workspace(&look) == KT_STEP_FAIL) {
        result = KT_RECONCILE_ERROR;
        kt_work_queue_retry(queue, key);
    } else {
        kt_work_queue_forget(queue, key);
        if (look.revisit_ms > 0) {
            result = KT_RECONCILE_REQUEUE_AFTER;
            kt_work_queue_add_after(queue, key, look.revisit_ms);
        }
    }
    kt_reconcile_figures_end(figures, result, now_us() - begun_us);
}

/* False when all must end. */
static bool wait_to_lead(struct kt_controller *controller)
{
    pthread_mutex_lock(&controller->lock);
    while (!controller->leads && !controller->ends)
        pthread_cond_wait(&controller->changed, &controller->lock);
    bool ends = controller->ends;
    pthread_mutex_unlock(&controller->lock);
    return !ends;
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct kt_controller *controller = worker->controller;
    struct kt_error error;
    struct kt_object_key key;
    if (!wait_to_lead(controller) || kt_informers_wait(controller->reconciler.informers, controller->stop, &error) != 0)
        return NULL;
    struct kt_arena arena;
    kt_arena_init(&arena, KT_LIMIT_RECONCILE_ARENA_BYTES);
    while (kt_work_queue_take(controller->queue, &key)) {
        if (wait_to_lead(controller))
            look_at(worker, &arena, &key);
        kt_work_queue_done(controller->queue, &key);
        kt_arena_reset(&arena);
    }
    kt_arena_release(&arena);
    return NULL;
}

/* --- life ----------------------------------------------------------------------------------------------------------
 */

static int start_workers(struct kt_controller *controller, const struct kt_controller_options *options,
                         struct kt_error *error)
{
    const struct kt_client_options client_options = {
        .user_agent = "kaito-webhook", .http1 = true, .timeout_ms = REQUEST_TIMEOUT_MS, .stop_fd = controller->stop};
    for (int64_t i = 0; i < options->workers && i < WORKERS_MOST; i++) {
        struct worker *worker = &controller->workers[i];
        worker->controller = controller;
        controller->worker_count++;
        int code = kt_client_new(options->config, options->environment, &client_options, &worker->client, error);
        if (code != 0)
            return code;
        worker->started = pthread_create(&worker->thread, NULL, work, worker) == 0;
        if (!worker->started)
            return kt_error_set(error, KT_ENOMEM, "cannot start a reconciling thread");
    }
    return 0;
}

static void add_key(void *context, const struct kt_object_key *key)
{
    /* What does not fit comes with the next resync. */
    kt_work_queue_add(context, key);
}

static int start(struct kt_controller *controller, const struct kt_controller_options *options, struct kt_error *error)
{
    struct kt_reconciler *reconciler = &controller->reconciler;
    reconciler->settings = options->settings;
    reconciler->store = options->cache->store;
    reconciler->informers = options->cache->informers;
    reconciler->clock = options->environment->clock;
    reconciler->options = options->reconcile;
    controller->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int code = controller->stop < 0 ? kt_error_set(error, KT_ENOMEM, "no descriptor for the reconciler") : 0;
    if (code == 0)
        code = kt_work_queue_new(reconciler->clock, &controller->queue, error);
    if (code == 0)
        code = kt_events_new(&reconciler->events, error);
    if (code == 0)
        code = kt_claim_memory_new(&reconciler->claims, error);
    if (code != 0)
        return code;
    const struct kt_store_visitor listener = {add_key, controller->queue};
    kt_informers_tell(reconciler->informers, &listener);
    return start_workers(controller, options, error);
}

int kt_controller_start(const struct kt_controller_options *options, struct kt_controller **ret, struct kt_error *error)
{
    struct kt_controller *controller = kt_heap_alloc(sizeof(*controller));
    if (!controller)
        return kt_error_set(error, KT_ENOMEM, "no memory for the reconciler");
    pthread_mutex_init(&controller->lock, NULL);
    pthread_cond_init(&controller->changed, NULL);
    int code = start(controller, options, error);
    if (code != 0) {
        kt_controller_stop(controller);
        return code;
    }
    kt_reconcile_figures_start(&controller->figures, controller->queue, controller->worker_count);
    controller->has_figures = true;
    *ret = controller;
    return 0;
}

static void set(struct kt_controller *controller, bool *flag, bool value)
{
    pthread_mutex_lock(&controller->lock);
    *flag = value;
    pthread_cond_broadcast(&controller->changed);
    pthread_mutex_unlock(&controller->lock);
}

void kt_controller_set_leader(struct kt_controller *controller, const struct kt_leader *leader)
{
    atomic_store(&controller->reconciler.leader, leader);
}

void kt_controller_lead(struct kt_controller *controller)
{
    set(controller, &controller->leads, true);
}

void kt_controller_yield(struct kt_controller *controller)
{
    set(controller, &controller->leads, false);
}

void kt_controller_end(struct kt_controller *controller)
{
    uint64_t one = 1;
    if (controller->stop >= 0) {
        KT_UNUSED ssize_t done = write(controller->stop, &one, sizeof(one));
    }
    set(controller, &controller->ends, true);
    if (controller->queue)
        kt_work_queue_shut_down(controller->queue);
    for (size_t i = 0; i < controller->worker_count; i++) {
        struct worker *worker = &controller->workers[i];
        if (worker->started)
            pthread_join(worker->thread, NULL);
        worker->started = false;
    }
}

void kt_controller_stop(struct kt_controller *controller)
{
    if (!controller)
        return;
    struct kt_reconciler *reconciler = &controller->reconciler;
    kt_controller_end(controller);
    if (controller->has_figures)
        kt_reconcile_figures_stop(&controller->figures);
    for (size_t i = 0; i < controller->worker_count; i++)
        kt_client_free(controller->workers[i].client);
    if (reconciler->informers)
        kt_informers_tell(reconciler->informers, NULL);
    kt_claim_memory_free(reconciler->claims);
    kt_events_free(reconciler->events);
    kt_work_queue_free(controller->queue);
    kt_close_fd(&controller->stop);
    pthread_cond_destroy(&controller->changed);
    pthread_mutex_destroy(&controller->lock);
    kt_heap_free(controller);
}
