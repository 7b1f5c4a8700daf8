/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/leader_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/limits.h"
#include "kube/api_path.h"
#include "webhook/log.h"

/* What one try came to. */
enum outcome {
    OUTCOME_HELD,    /* the Lease is ours and was renewed */
    OUTCOME_OTHER,   /* it is another's */
    OUTCOME_TROUBLE, /* nobody knows */
};

static int64_t now_ms(const struct kt_leader *leader)
{
    return kt_clock_monotonic_ms(leader->options.environment->clock);
}

static bool leads(const struct kt_leader *leader)
{
    return atomic_load(&leader->state) == KT_LEADER_LEADS;
}

/* --- requests ------------------------------------------------------------------------------------------------------
 */

/* The arena that does not hold the Lease, emptied. */
static struct kt_arena *begin_request(struct kt_leader *leader)
{
    struct kt_arena *work = &leader->arenas[1 - leader->current];
    kt_arena_reset(work);
    return work;
}

static int open_client(struct kt_leader *leader, struct kt_error *error)
{
    if (leader->client)
        return 0;
    struct kt_client_options options = {.user_agent = "kaito-webhook", .http1 = true, .stop_fd = leader->stop};
    return kt_client_new(leader->options.config, leader->options.environment, &options, &leader->client, error);
}

static int send_request(struct kt_leader *leader, struct kt_request *request, int64_t deadline_ms,
                        struct kt_reply *reply, struct kt_error *error)
{
    struct kt_arena *work = &leader->arenas[1 - leader->current];
    bool has_name = !kt_streq(request->method, "POST");
    *reply = (struct kt_reply){0};
    int code = open_client(leader, error);
    if (code != 0)
        return code;
    /* Half the deadline at most, so that a request that is swallowed leaves time for another. */
    int64_t left_ms = KT_MIN(deadline_ms - now_ms(leader), leader->options.renew_deadline_ms / 2);
    if (left_ms <= 0)
        return kt_error_set(error, KT_ETIMEOUT, "no time is left to ask the API server for the Lease");
    request->resource = &kt_resource_leases;
    request->path = kt_api_path(work, &kt_resource_leases, leader->options.namespace_,
                                has_name ? leader->options.name : NULL, NULL);
    request->timeout_ms = left_ms;
    request->reply_limit_bytes = KT_LIMIT_LEASE_BYTES;
    if (!request->path)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for a request to the API server");
    code = kt_client_do(leader->client, work, request, reply, error);
    /* HTTP/2 would send the next request over the same connection, be it dead or not. */
    if (code == KT_ETIMEOUT)
        kt_client_cleanup(&leader->client);
    return code;
}

/* Remembers the Lease that a reply brought. */
static int keep(struct kt_leader *leader, const cJSON *object, struct kt_error *error)
{
    struct kt_lease lease;
    int code = kt_lease_read(object, &lease, error);
    if (code != 0)
        return code;
    if (!leader->object || !kt_json_equal(kt_json_get(leader->object, "spec"), kt_json_get(object, "spec")))
        leader->observed_ms = now_ms(leader);
    leader->object = object;
    leader->lease = lease;
    leader->is_take_unanswered = false;
    leader->current = 1 - leader->current;
    return 0;
}

/* KT_ENOTFOUND and *ret_absent: there is no such Lease. */
static int read_lease(struct kt_leader *leader, int64_t deadline_ms, bool *ret_absent, struct kt_error *error)
{
    begin_request(leader);
    struct kt_request request = {.method = "GET"};
    struct kt_reply reply;
    int code = send_request(leader, &request, deadline_ms, &reply, error);
    *ret_absent = code == KT_ENOTFOUND && !reply.type_missing;
    return code == 0 ? keep(leader, reply.object, error) : code;
}

static int write_lease(struct kt_leader *leader, enum kt_lease_change change, const cJSON *old, int64_t deadline_ms,
                       struct kt_error *error)
{
    struct kt_arena *work = begin_request(leader);
    struct kt_lease_writer writer = {leader->options.namespace_, leader->options.name, leader->identity,
                                     leader->options.lease_duration_ms};
    struct kt_strbuf body;
    cJSON *lease = kt_lease_make(work, old, change, &writer, kt_clock_wall_ms(leader->options.environment->clock));
    kt_strbuf_init(&body, work, 2 * KT_LIMIT_LEASE_BYTES);
    kt_json_write(&body, lease, KT_JSON_COMPACT);
    if (!lease || body.failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for a Lease");
    struct kt_query query = {"fieldManager", "kaito-webhook"};
    struct kt_request request = {.method = old ? "PUT" : "POST",
                                 .query = &query,
                                 .query_count = 1,
                                 .content_type = "application/json",
                                 .body = kt_strbuf_view(&body)};
    struct kt_reply reply;
    int code = send_request(leader, &request, deadline_ms, &reply, error);
    if (change == KT_LEASE_TAKE)
        leader->is_take_unanswered = reply.http_code < 300; /* 2xx too: the rest of the answer may be missing */
    return code == 0 ? keep(leader, reply.object, error) : code;
}

/* --- whose is it? --------------------------------------------------------------------------------------------------
 */

static bool names_us(const struct kt_leader *leader)
{
    return leader->lease.holder && kt_streq(leader->lease.holder, leader->identity);
}

static bool is_our_term(const struct kt_leader *leader)
{
    return names_us(leader) && leader->lease.transitions == leader->term_transitions &&
           kt_streq(leader->lease.acquire_time, leader->term_acquire_time);
}

static void begin_term(struct kt_leader *leader)
{
    leader->term_transitions = leader->lease.transitions;
    snprintf(leader->term_acquire_time, sizeof(leader->term_acquire_time), "%s", leader->lease.acquire_time);
}

/* Has its holder been silent, as seen from here, for as long as it asks to be waited for? */
static bool is_expired(const struct kt_leader *leader)
{
    int64_t duration_ms = KT_MIN(leader->lease.duration_ms, KT_LEADER_LONGEST_DURATION_MS);
    duration_ms = KT_MAX(duration_ms, leader->options.lease_duration_ms);
    return now_ms(leader) - leader->observed_ms >= duration_ms;
}

static bool may_take(const struct kt_leader *leader)
{
    const char *holder = leader->lease.holder;
    return (holder && !holder[0]) || names_us(leader) || is_expired(leader);
}

/* --- one try -------------------------------------------------------------------------------------------------------
 */

static int take(struct kt_leader *leader, const cJSON *old, int64_t deadline_ms, struct kt_error *error)
{
    int code = write_lease(leader, KT_LEASE_TAKE, old, deadline_ms, error);
    if (code != 0)
        return code;
    if (!names_us(leader))
        return kt_error_set(error, KT_EINTERNAL, "the API server stored another holder of the Lease than the one sent");
    begin_term(leader);
    return 0;
}

/* 0, or an error; *ret_other: no error, but it is another's. */
static int read_and_hold(struct kt_leader *leader, int64_t deadline_ms, bool *ret_other, struct kt_error *error)
{
    bool is_absent;
    int code = read_lease(leader, deadline_ms, &is_absent, error);
    if (is_absent)
        return take(leader, NULL, deadline_ms, error);
    if (code != 0)
        return code;
    if (leads(leader)) {
        *ret_other = !is_our_term(leader);
        return *ret_other ? 0 : write_lease(leader, KT_LEASE_RENEW, leader->object, deadline_ms, error);
    }
    *ret_other = !may_take(leader);
    return *ret_other ? 0 : take(leader, leader->object, deadline_ms, error);
}

static enum outcome hold(struct kt_leader *leader, int64_t deadline_ms, struct kt_error *error)
{
    bool other = false;
    /* Who leads knows what the Lease says: one request. Somebody may have changed or deleted it since. */
    int code = leads(leader) ? write_lease(leader, KT_LEASE_RENEW, leader->object, deadline_ms, error) : KT_ECONFLICT;
    for (int tries = 0; tries < 2 && (code == KT_ECONFLICT || (tries == 0 && code == KT_ENOTFOUND)); tries++)
        code = read_and_hold(leader, deadline_ms, &other, error);
    if (code != 0)
        return OUTCOME_TROUBLE;
    return other ? OUTCOME_OTHER : OUTCOME_HELD;
}

/* --- what it means -------------------------------------------------------------------------------------------------
 */

/* What to do about it; NULL: nothing that the message does not say. */
static const char *advice(enum kt_error_code code)
{
    if (code == KT_EFORBIDDEN)
        return "the service account needs a Role with create, get and update of leases in this namespace";
    if (code == KT_ENOTFOUND)
        return "is this the namespace that kaito-webhook is installed in?";
    return NULL;
}

/* Each kind of trouble is told once until a try goes well. */
static void note_trouble(struct kt_leader *leader, const struct kt_error *error)
{
    unsigned bit = 1u << ((unsigned)-error->code % 32);
    enum kt_log_level level = error->code == KT_ECONFLICT || (leader->warned & bit) ? KT_LOG_DEBUG : KT_LOG_WARNING;
    leader->warned |= bit;
    leader->trouble = *error;
    kt_log(level, "cannot read or write the Lease of the reconciler; trying again", "namespace",
           leader->options.namespace_, "lease", leader->options.name, "error", error->message, "advice",
           advice(error->code), NULL);
}

static void note_health(struct kt_leader *leader)
{
    if (leader->warned != 0)
        kt_log(KT_LOG_INFO, "the Lease can be read and written", "lease", leader->options.name, NULL);
    leader->warned = 0;
    leader->trouble = (struct kt_error){0};
}

static void note_other(struct kt_leader *leader)
{
    const char *holder = leader->lease.holder ? leader->lease.holder : "(unreadable)";
    note_health(leader);
    if (strncmp(leader->shown_holder, holder, sizeof(leader->shown_holder) - 1) == 0)
        return;
    snprintf(leader->shown_holder, sizeof(leader->shown_holder), "%s", holder);
    kt_log(KT_LOG_INFO, "another replica reconciles; waiting", "lease", leader->options.name, "holder",
           leader->shown_holder, NULL);
}

static void note_held(struct kt_leader *leader, int64_t begun_ms)
{
    note_health(leader);
    atomic_store(&leader->renewed_ms, begun_ms);
    if (leads(leader))
        return;
    atomic_store(&leader->state, KT_LEADER_LEADS);
    kt_log(KT_LOG_INFO, "this replica reconciles", "lease", leader->options.name, "identity", leader->identity, NULL);
    if (leader->callbacks.started)
        leader->callbacks.started(leader->callbacks.context);
}

static int64_t lose(struct kt_leader *leader, const char *why)
{
    atomic_store(&leader->state, KT_LEADER_LOST);
    kt_log(KT_LOG_ERROR, "the Lease is lost: this replica must not reconcile any more", "lease", leader->options.name,
           "identity", leader->identity, "reason", why, NULL);
    if (leader->callbacks.lost)
        leader->callbacks.lost(leader->callbacks.context);
    return -1;
}

static int64_t lose_by_time(struct kt_leader *leader)
{
    return lose(leader, leader->trouble.message[0] ? leader->trouble.message : "it was not renewed in time");
}

/* Only spreads load, so that a failure of the source (then 0) does no harm. */
static int64_t jitter_ms(int64_t bound_ms)
{
    uint64_t number = 0;
    if (bound_ms <= 0 || getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
        return 0;
    return (int64_t)(number % (uint64_t)bound_ms);
}

int64_t kt_leader_turn(struct kt_leader *leader)
{
    struct kt_error error = {0};
    int64_t retry_ms = leader->options.retry_ms, begun_ms = now_ms(leader);
    bool led = leads(leader);
    int64_t deadline_ms = (led ? atomic_load(&leader->renewed_ms) : begun_ms) + leader->options.renew_deadline_ms;
    if (begun_ms >= deadline_ms)
        return lose_by_time(leader);

    enum outcome outcome = hold(leader, deadline_ms, &error);
    if (outcome == OUTCOME_TROUBLE && error.code == KT_EINTERRUPTED)
        return retry_ms; /* the end: nobody waits for it */
    if (outcome == OUTCOME_TROUBLE)
        note_trouble(leader, &error);
    if (led && outcome == OUTCOME_OTHER)
        return lose(leader, "another process holds it");
    if (outcome == OUTCOME_OTHER)
        note_other(leader);

    /* An answer that comes after the deadline is none: kt_leader_is_leader has said no meanwhile. */
    int64_t left_ms = deadline_ms - now_ms(leader);
    if (led && left_ms <= 0)
        return lose_by_time(leader);
    if (outcome == OUTCOME_HELD && left_ms > 0) {
        note_held(leader, begun_ms);
        return retry_ms;
    }
    return led ? KT_MIN(retry_ms, left_ms) : retry_ms + jitter_ms(retry_ms * KT_LEADER_JITTER_PERCENT / 100);
}

bool kt_leader_compete_again(struct kt_leader *leader)
{
    if (names_us(leader) && !is_our_term(leader)) {
        kt_log(KT_LOG_ERROR, "another process holds the Lease under this replica's name; this one stays away", "lease",
               leader->options.name, "identity", leader->identity, "advice",
               "give each replica a --leader-identity of its own", NULL);
        return false;
    }
    atomic_store(&leader->state, KT_LEADER_WAITS);
    return true;
}

/* 0 when we hold it no more, or why we do. It may have been changed since it was seen, or taken without our hearing of
 * it. */
static int give_back(struct kt_leader *leader, bool led, int64_t deadline_ms, struct kt_error *error)
{
    bool is_absent;
    int code = led ? write_lease(leader, KT_LEASE_RELEASE, leader->object, deadline_ms, error) : KT_ECONFLICT;
    if (code != KT_ECONFLICT)
        return code == KT_ENOTFOUND ? 0 : code;
    code = read_lease(leader, deadline_ms, &is_absent, error);
    if (code != 0 || !(led ? is_our_term(leader) : names_us(leader)))
        return is_absent ? 0 : code;
    return write_lease(leader, KT_LEASE_RELEASE, leader->object, deadline_ms, error);
}

void kt_leader_release(struct kt_leader *leader)
{
    struct kt_error error = {0};
    enum kt_leader_state before = atomic_exchange(&leader->state, KT_LEADER_STOPPED);
    bool led = before == KT_LEADER_LEADS;
    if (!led && !(before == KT_LEADER_WAITS && leader->is_take_unanswered))
        return;
    int64_t deadline_ms = now_ms(leader) + leader->options.renew_deadline_ms / 2;
    if (give_back(leader, led, deadline_ms, &error) == 0)
        kt_log(KT_LOG_INFO, "the Lease is not held any more", "lease", leader->options.name, NULL);
    else
        kt_log(KT_LOG_WARNING, "the Lease could not be given back; another replica begins when it has run out", "lease",
               leader->options.name, "error", error.message, NULL);
}
