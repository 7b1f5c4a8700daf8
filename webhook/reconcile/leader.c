/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/leader.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/limits.h"
#include "webhook/reconcile/leader_internal.h"

static int check_options(const struct kt_leader_options *options, struct kt_error *error)
{
    if (!options->namespace_ || !options->namespace_[0] || !options->name || !options->name[0])
        return kt_error_set(error, KT_EINVAL, "the Lease of the reconciler needs a namespace and a name");
    /* The longest wait between two tries must fit into the deadline, and that into what others wait. */
    int64_t retry_ms = options->retry_ms;
    if (retry_ms <= 0 || options->renew_deadline_ms <= retry_ms * KT_LEADER_JITTER_PERCENT / 100 ||
        options->lease_duration_ms <= options->renew_deadline_ms)
        return kt_error_set(error, KT_EINVAL,
                            "the times of the Lease contradict each other: it is held for %lld ms, must be renewed "
                            "within %lld ms and is tried every %lld ms; each must be well below the one before",
                            (long long)options->lease_duration_ms, (long long)options->renew_deadline_ms,
                            (long long)retry_ms);
    return 0;
}

static void fill_defaults(struct kt_leader_options *options)
{
    if (options->lease_duration_ms != 0 || options->renew_deadline_ms != 0 || options->retry_ms != 0)
        return;
    options->lease_duration_ms = KT_LEADER_LEASE_DURATION_MS;
    options->renew_deadline_ms = KT_LEADER_RENEW_DEADLINE_MS;
    options->retry_ms = KT_LEADER_RETRY_MS;
}

static int set_identity(struct kt_leader *leader, struct kt_error *error)
{
    const char *identity = leader->options.identity;
    char host[sizeof(leader->identity)] = "";
    if (!identity || !identity[0]) {
        /* One byte less, because a name that is cut has no end otherwise. */
        if (gethostname(host, sizeof(host) - 1) != 0 || !host[0])
            return kt_error_set(error, KT_EINVAL, "this host has no name to hold the Lease with; give an identity");
        identity = host;
    }
    if (strlen(identity) >= sizeof(leader->identity))
        return kt_error_set(error, KT_EINVAL, "the identity for the Lease is longer than %zu bytes",
                            sizeof(leader->identity) - 1);
    snprintf(leader->identity, sizeof(leader->identity), "%s", identity);
    leader->options.identity = leader->identity;
    return 0;
}

int kt_leader_new(const struct kt_leader_options *options, const struct kt_leader_callbacks *callbacks,
                  struct kt_leader **ret, struct kt_error *error)
{
    struct kt_leader *leader = kt_heap_alloc(sizeof(*leader));
    if (!leader)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the Lease of the reconciler");
    leader->options = *options;
    leader->callbacks = *callbacks;
    kt_arena_init(&leader->arenas[0], KT_LIMIT_RECONCILE_ARENA_BYTES);
    kt_arena_init(&leader->arenas[1], KT_LIMIT_RECONCILE_ARENA_BYTES);
    fill_defaults(&leader->options);
    leader->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int code = leader->stop < 0 ? kt_error_set(error, KT_ENOMEM, "no descriptor for the Lease of the reconciler") : 0;
    if (code == 0)
        code = check_options(&leader->options, error);
    if (code == 0)
        code = set_identity(leader, error);
    if (code != 0) {
        kt_leader_free(leader);
        return code;
    }
    *ret = leader;
    return 0;
}

void kt_leader_free(struct kt_leader *leader)
{
    if (!leader)
        return;
    kt_client_free(leader->client);
    kt_arena_release(&leader->arenas[0]);
    kt_arena_release(&leader->arenas[1]);
    kt_close_fd(&leader->stop);
    kt_heap_free(leader);
}

/* True when the end has come. */
static bool wait_for_stop(const struct kt_leader *leader, int64_t wait_ms)
{
    struct pollfd stop = {.fd = leader->stop, .events = POLLIN};
    return poll(&stop, 1, (int)KT_MIN(wait_ms, (int64_t)60000)) > 0;
}

static void *run(void *context)
{
    struct kt_leader *leader = context;
    uint64_t count;
    int64_t wait_ms;
    do {
        wait_ms = kt_leader_turn(leader);
        if (wait_ms < 0 && kt_leader_compete_again(leader))
            wait_ms = leader->options.retry_ms;
    } while (wait_ms >= 0 && !wait_for_stop(leader, wait_ms));
    /* Emptied, for otherwise it would end the last request too. */
    KT_UNUSED ssize_t done = read(leader->stop, &count, sizeof(count));
    kt_leader_release(leader);
    return NULL;
}

int kt_leader_start(const struct kt_leader_options *options, const struct kt_leader_callbacks *callbacks,
                    struct kt_leader **ret, struct kt_error *error)
{
    struct kt_leader *leader = NULL;
    int code = kt_leader_new(options, callbacks, &leader, error);
    if (code != 0)
        return code;
    if (pthread_create(&leader->thread, NULL, run, leader) != 0) {
        kt_leader_free(leader);
        return kt_error_set(error, KT_ENOMEM, "cannot start the thread of the Lease");
    }
    *ret = leader;
    return 0;
}

void kt_leader_stop(struct kt_leader *leader)
{
    if (!leader)
        return;
    uint64_t one = 1;
    KT_UNUSED ssize_t done = write(leader->stop, &one, sizeof(one));
    pthread_join(leader->thread, NULL);
    kt_leader_free(leader);
}

bool kt_leader_is_leader(const struct kt_leader *leader)
{
    return atomic_load(&leader->state) == KT_LEADER_LEADS &&
           kt_clock_monotonic_ms(leader->options.environment->clock) <
               atomic_load(&leader->renewed_ms) + leader->options.renew_deadline_ms;
}
