/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/credential_cache.h"

#include <poll.h>
#include <pthread.h>

#include "base/limits.h"

/* How often one who waits for another's run looks whether it is over; the stop descriptor is seen at once. */
#define LOOK_MS 50
#define ARENA_BYTES ((size_t)(16 * KT_MIB))

struct kt_credential_cache {
    pthread_mutex_t lock;
    struct kt_arena arenas[2]; /* of the answer, and for the next run */
    size_t index;
    struct kt_exec_credential answer;
    uint64_t number;         /* of the answer; 0: none yet */
    bool after_401;          /* the answer was asked for because the one before was refused */
    bool is_accepted;        /* by a server */
    bool is_running;         /* the plugin; the thread that runs it owns the other arena */
    uint64_t run_count;      /* runs that have ended */
    struct kt_error failure; /* of the last run; KT_OK: it succeeded */
    bool could_ask;          /* it had the terminal */
};

struct kt_credential_cache *kt_credential_cache_new(void)
{
    struct kt_credential_cache *cache = kt_heap_alloc(sizeof(*cache));
    if (!cache)
        return NULL;
    pthread_mutex_init(&cache->lock, NULL);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cache->arenas); i++)
        kt_arena_init(&cache->arenas[i], ARENA_BYTES);
    return cache;
}

void kt_credential_cache_free(struct kt_credential_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cache->arenas); i++)
        kt_arena_release(&cache->arenas[i]);
    pthread_mutex_destroy(&cache->lock);
    kt_heap_free(cache);
}

void kt_credential_cache_accept(struct kt_credential_cache *cache, uint64_t number)
{
    pthread_mutex_lock(&cache->lock);
    if (cache->number == number)
        cache->is_accepted = true;
    pthread_mutex_unlock(&cache->lock);
}

/* --- under the lock ------------------------------------------------------------------------------------------------
 */

static bool is_refused(const struct kt_credential_cache *cache, const struct kt_credential_need *need)
{
    return need->is_refused && need->known == cache->number;
}

static bool is_usable(const struct kt_credential_cache *cache, const struct kt_credential_need *need)
{
    if (cache->number == 0)
        return false;
    if (is_refused(cache, need))
        return cache->after_401 && !cache->is_accepted;
    return kt_clock_wall_ms(need->environment->clock) < cache->answer.expires_ms;
}

static int copy_answer(const struct kt_credential_cache *cache, const struct kt_credential_need *need,
                       struct kt_arena *arena, struct kt_exec_credential *ret, uint64_t *ret_number,
                       struct kt_error *error)
{
    const struct kt_exec_credential *answer = &cache->answer;
    *ret_number = cache->number;
    if (need->known == cache->number)
        return 0;
    struct kt_exec_credential copy = {
        .token = kt_arena_strdup(arena, answer->token),
        .client_certificate_pem = kt_arena_str(arena, answer->client_certificate_pem),
        .client_key_pem = kt_arena_str(arena, answer->client_key_pem),
        .expires_ms = answer->expires_ms,
    };
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for the answer of a credential plugin");
    *ret = copy;
    return 0;
}

/* --- running and waiting -------------------------------------------------------------------------------------------
 */

static int64_t left_ms(const struct kt_credential_need *need)
{
    if (need->deadline_ms == INT64_MAX)
        return KT_EXEC_CREDENTIAL_TIMEOUT_MS;
    int64_t left = need->deadline_ms - kt_clock_monotonic_ms(need->environment->clock);
    return KT_MIN(KT_MAX(left, (int64_t)0), KT_EXEC_CREDENTIAL_TIMEOUT_MS);
}

/* Called, and returns, with the lock held; it is open while the plugin runs. */
static int run(struct kt_credential_cache *cache, const struct kt_credential_need *need)
{
    struct kt_arena *arena = &cache->arenas[1 - cache->index];
    struct kt_exec_credential answer;
    struct kt_error failure = {0};
    bool after_401 = is_refused(cache, need);
    cache->is_running = true;
    pthread_mutex_unlock(&cache->lock);
    kt_arena_reset(arena);
    int code =
        kt_exec_credential_get(arena, need->environment, need->config, left_ms(need), need->stop_fd, &answer, &failure);
    pthread_mutex_lock(&cache->lock);
    cache->is_running = false;
    cache->run_count++;
    cache->failure = failure;
    cache->could_ask = need->environment->stdin_is_terminal;
    if (code != 0)
        return code;
    cache->failure = (struct kt_error){0};
    cache->index = 1 - cache->index;
    cache->answer = answer;
    cache->number++;
    cache->after_401 = after_401;
    cache->is_accepted = false;
    return 0;
}

/* Waits for the end of another thread's run, with the lock open meanwhile. */
static int await(struct kt_credential_cache *cache, const struct kt_credential_need *need, struct kt_error *error)
{
    int code = 0;
    uint64_t before = cache->run_count;
    while (code == 0 && cache->is_running && cache->run_count == before) {
        struct pollfd stop = {.fd = need->stop_fd, .events = POLLIN};
        pthread_mutex_unlock(&cache->lock);
        int64_t pause_ms = KT_MIN(left_ms(need), (int64_t)LOOK_MS);
        if (pause_ms <= 0)
            code = kt_error_set(error, KT_ETIMEOUT, "the credential plugin of %s has not ended in time",
                                need->config->user_source);
        else if (poll(&stop, 1, (int)pause_ms) > 0)
            code = kt_error_set(error, KT_EINTERRUPTED, "interrupted while waiting for the credential plugin");
        pthread_mutex_lock(&cache->lock);
    }
    return code;
}

/* What another's run has brought for us; *ret_again: nothing, so run it ourselves. */
static int share(const struct kt_credential_cache *cache, const struct kt_credential_need *need, bool *ret_again,
                 struct kt_error *error)
{
    bool is_theirs = cache->failure.code == KT_EINTERRUPTED || cache->failure.code == KT_ETIMEOUT ||
                     (need->environment->stdin_is_terminal && !cache->could_ask);
    *ret_again = cache->failure.code != KT_OK && is_theirs;
    if (cache->failure.code == KT_OK || is_theirs)
        return 0;
    if (error)
        *error = cache->failure;
    return cache->failure.code;
}

static int get(struct kt_credential_cache *cache, const struct kt_credential_need *need, struct kt_error *error)
{
    while (!is_usable(cache, need)) {
        if (!cache->is_running) {
            int code = run(cache, need);
            if (code != 0 && error)
                *error = cache->failure;
            return code;
        }
        bool again;
        int code = await(cache, need, error);
        if (code == 0)
            code = share(cache, need, &again, error);
        if (code != 0 || !again)
            return code;
    }
    return 0;
}

int kt_credential_cache_get(struct kt_credential_cache *cache, struct kt_arena *arena,
                            const struct kt_credential_need *need, struct kt_exec_credential *ret, uint64_t *ret_number,
                            struct kt_error *error)
{
    pthread_mutex_lock(&cache->lock);
    int code = get(cache, need, error);
    if (code == 0)
        code = copy_answer(cache, need, arena, ret, ret_number, error);
    pthread_mutex_unlock(&cache->lock);
    return code;
}
