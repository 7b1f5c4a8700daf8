/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/events.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "kube/api.h"
#include "text/time.h"
#include "webhook/log.h"
#include "webhook/cluster/key_hash.h"
#include "workload/names.h"

#define REMEMBERED ((size_t)1024)
#define COUNTED ((size_t)1024)
#define MINUTE_MS ((int64_t)60000)
/* As client-go's recorders do: what kubectl shows must stay readable. */
#define MESSAGE_BYTES ((size_t)1024)
/* A name is a DNS subdomain: 253 characters, less a dot and 16 digits. */
#define STEM_BYTES ((size_t)(253 - 17))
#define DIGITS 16

/* Events of one Workspace in the minute that began at since_ms. */
struct count {
    uint64_t uid_hash;
    int64_t since_ms;
    unsigned events;
};

struct kt_events {
    pthread_mutex_t lock;
    uint64_t written[REMEMBERED]; /* each in the place that its value names; a later one takes it over */
    struct count counts[COUNTED]; /* the same by uid_hash */
};

int kt_events_new(struct kt_events **ret, struct kt_error *error)
{
    struct kt_events *events = kt_heap_alloc(sizeof(*events));
    if (!events)
        return kt_error_set(error, KT_ENOMEM, "no memory for events");
    pthread_mutex_init(&events->lock, NULL);
    *ret = events;
    return 0;
}

void kt_events_free(struct kt_events *events)
{
    if (!events)
        return;
    pthread_mutex_destroy(&events->lock);
    kt_heap_free(events);
}

/* The first 64 bits of the SHA-256 of the parts, each ended by a NUL. */
static bool digest_of(const char *const *parts, size_t count, uint64_t *ret)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; i < count && good; i++)
        good = EVP_DigestUpdate(context, parts[i], strlen(parts[i]) + 1) == 1;
    good = good && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (!good)
        return false;
    *ret = 0;
    for (size_t i = 0; i < 8; i++)
        *ret = *ret << 8 | digest[i];
    return true;
}

/* Is it new, and has its Workspace some left this minute? Then it counts as written. */
static bool claim(struct kt_events *events, uint64_t digest, const char *uid)
{
    uint64_t uid_hash = kt_hash_text(KT_HASH_START, uid);
    int64_t now_ms = kt_clock_monotonic_ms(&kt_clock_system);
    bool allowed = false;
    pthread_mutex_lock(&events->lock);
    struct count *count = &events->counts[uid_hash % COUNTED];
    if (count->uid_hash != uid_hash || now_ms - count->since_ms >= MINUTE_MS)
        *count = (struct count){uid_hash, now_ms, 0};
    if (events->written[digest % REMEMBERED] != digest && count->events < KT_EVENTS_PER_MINUTE) {
        events->written[digest % REMEMBERED] = digest;
        count->events++;
        allowed = true;
    }
    pthread_mutex_unlock(&events->lock);
    return allowed;
}

static void forget(struct kt_events *events, uint64_t digest)
{
    pthread_mutex_lock(&events->lock);
    if (events->written[digest % REMEMBERED] == digest)
        events->written[digest % REMEMBERED] = 0;
    pthread_mutex_unlock(&events->lock);
}

/* "<workspace>.<digest>"; a long name is cut where a DNS label may end. */
static const char *name_of(struct kt_arena *arena, const char *workspace, uint64_t digest)
{
    size_t length = KT_MIN(strlen(workspace), STEM_BYTES);
    while (length > 0 && !kt_ascii_is_alnum(workspace[length - 1]))
        length--;
    return kt_arena_printf(arena, "%.*s.%0*llx", (int)length, workspace, DIGITS, (unsigned long long)digest);
}

static const char *shortened(struct kt_arena *arena, const char *message)
{
    if (strlen(message) <= MESSAGE_BYTES)
        return message;
    size_t length = MESSAGE_BYTES - 3;
    while (length > 0 && ((unsigned char)message[length] & 0xc0) == 0x80)
        length--;
    return kt_arena_printf(arena, "%.*s...", (int)length, message);
}

static const char *text_of(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_path(object, "metadata", key, NULL), "");
}

static cJSON *involved(struct kt_arena *arena, const cJSON *workspace)
{
    static const char *const copied[] = {"namespace", "name", "uid", "resourceVersion"};
    cJSON *object = kt_json_new_object(arena);
    kt_json_set_string(arena, object, "apiVersion",
                       kt_json_string_or(kt_json_get(workspace, "apiVersion"), "kaito.sh/v1beta1"));
    kt_json_set_string(arena, object, "kind", "Workspace");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(copied); i++)
        if (*text_of(workspace, copied[i]))
            kt_json_set_string(arena, object, copied[i], text_of(workspace, copied[i]));
    return object;
}

/* eventTime stays unset, as in every recorder of core/v1 events: kubectl then shows the two timestamps and the count.
 */
static cJSON *build(struct kt_arena *arena, const cJSON *workspace, const char *name, const char *type,
                    const char *reason, const char *message)
{
    struct kt_strbuf now;
    kt_strbuf_init(&now, arena, 64);
    kt_time_write_rfc3339(&now, kt_clock_wall_ms(&kt_clock_system));
    cJSON *event = kt_json_new_object(arena);
    kt_json_set_string(arena, event, "apiVersion", "v1");
    kt_json_set_string(arena, event, "kind", "Event");
    cJSON *metadata = kt_json_ensure_object(arena, event, "metadata");
    kt_json_set_string(arena, metadata, "name", name);
    kt_json_set_string(arena, metadata, "namespace", text_of(workspace, "namespace"));
    kt_json_set(arena, event, "involvedObject", involved(arena, workspace));
    kt_json_set_string(arena, event, "type", type);
    kt_json_set_string(arena, event, "reason", reason);
    kt_json_set_string(arena, event, "message", shortened(arena, message));
    kt_json_set_string(arena, kt_json_ensure_object(arena, event, "source"), "component", KT_MANAGER);
    kt_json_set_string(arena, event, "reportingComponent", KT_MANAGER);
    kt_json_set_string(arena, event, "firstTimestamp", now.failed ? NULL : now.data);
    kt_json_set_string(arena, event, "lastTimestamp", now.failed ? NULL : now.data);
    kt_json_set_int(arena, event, "count", 1);
    return event;
}

void kt_events_write(struct kt_events *events, struct kt_client *client, struct kt_arena *arena, const cJSON *workspace,
                     const char *type, const char *reason, const char *message)
{
    const char *const parts[] = {text_of(workspace, "uid"), type, reason, message};
    const char *namespace_ = text_of(workspace, "namespace");
    uint64_t digest;
    if (!*namespace_ || !digest_of(parts, KT_ARRAY_LENGTH(parts), &digest) || !claim(events, digest, parts[0]))
        return;
    const char *name = name_of(arena, text_of(workspace, "name"), digest);
    cJSON *event = build(arena, workspace, name, type, reason, message);
    struct kt_write_options options = {.field_manager = KT_MANAGER};
    struct kt_reply reply;
    struct kt_error error;
    int code = arena->failed
                   ? kt_error_set(&error, KT_ENOMEM, "no memory for an event")
                   : kt_api_create(client, arena, &kt_resource_events, namespace_, event, &options, &reply, &error);
    if (code == 0 || code == KT_ECONFLICT)
        return;
    forget(events, digest);
    /* The namespace is on its way out, or the right to write events is missing: nobody is the wiser for a line. */
    if (code != KT_EFORBIDDEN && code != KT_ENOTFOUND && code != KT_EINTERRUPTED)
        kt_log(KT_LOG_WARNING, "an event could not be written", "namespace", namespace_, "name",
               text_of(workspace, "name"), "reason", reason, "error", error.message, NULL);
}
