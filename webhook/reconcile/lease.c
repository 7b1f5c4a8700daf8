/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/lease.h"

#include "text/time.h"

/* --- reading -------------------------------------------------------------------------------------------------------
 */

static const char *read_holder(const cJSON *spec)
{
    const cJSON *holder = kt_json_get(spec, "holderIdentity");
    if (spec && !kt_json_is_null(spec) && !kt_json_is_object(spec))
        return NULL;
    if (!holder || kt_json_is_null(holder))
        return "";
    return kt_json_string(holder);
}

static int64_t read_duration_ms(const cJSON *spec)
{
    int64_t seconds;
    if (!kt_json_int64(kt_json_get(spec, "leaseDurationSeconds"), &seconds) || seconds <= 0)
        return 0;
    return KT_MIN(seconds, INT64_MAX / 1000) * 1000;
}

int kt_lease_read(const cJSON *object, struct kt_lease *ret, struct kt_error *error)
{
    const char *version = kt_json_string_or(kt_json_path(object, "metadata", "resourceVersion", NULL), "");
    if (!version[0])
        return kt_error_set(error, KT_EPARSE, "the API server's answer is no Lease: it has no resourceVersion");
    const cJSON *spec = kt_json_get(object, "spec");
    struct kt_lease lease = {
        .resource_version = version,
        .holder = read_holder(spec),
        .acquire_time = kt_json_string_or(kt_json_get(spec, "acquireTime"), ""),
        .duration_ms = read_duration_ms(spec),
    };
    int64_t transitions;
    /* An int32 in the API. */
    if (kt_json_int64(kt_json_get(spec, "leaseTransitions"), &transitions) && transitions >= 0 &&
        transitions <= INT32_MAX)
        lease.transitions = transitions;
    *ret = lease;
    return 0;
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

/* metav1.MicroTime is read with exactly six digits after the point (apimachinery pkg/apis/meta/v1/micro_time.go). */
static void set_time(struct kt_arena *arena, cJSON *spec, const char *key, int64_t wall_ms)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, 64);
    kt_time_write_rfc3339(&text, wall_ms);
    int fraction_ms = (int)((wall_ms % 1000 + 1000) % 1000);
    if (text.length > 0)
        kt_json_set_string(arena, spec, key,
                           kt_arena_printf(arena, "%.*s.%03d000Z", (int)text.length - 1, text.data, fraction_ms));
}

static cJSON *new_lease(struct kt_arena *arena, const struct kt_lease_writer *writer)
{
    cJSON *lease = kt_json_new_object(arena);
    kt_json_set_string(arena, lease, "apiVersion", "coordination.k8s.io/v1");
    kt_json_set_string(arena, lease, "kind", "Lease");
    cJSON *metadata = kt_json_ensure_object(arena, lease, "metadata");
    kt_json_set_string(arena, metadata, "name", writer->name);
    kt_json_set_string(arena, metadata, "namespace", writer->namespace_);
    return lease;
}

static int64_t next_transitions(const cJSON *old)
{
    struct kt_lease lease;
    if (kt_lease_read(old, &lease, NULL) != 0 || lease.transitions >= INT32_MAX)
        return 0;
    return lease.transitions + 1;
}

cJSON *kt_lease_make(struct kt_arena *arena, const cJSON *old, enum kt_lease_change change,
                     const struct kt_lease_writer *writer, int64_t wall_ms)
{
    cJSON *lease = old ? kt_json_clone(arena, old) : new_lease(arena, writer);
    cJSON *spec = kt_json_ensure_object(arena, lease, "spec");
    set_time(arena, spec, "renewTime", wall_ms);
    if (change == KT_LEASE_RELEASE) {
        /* As client-go gives a lease back: whoever looks at the duration alone finds the shortest there is. */
        kt_json_remove(spec, "holderIdentity");
        kt_json_set_int(arena, spec, "leaseDurationSeconds", 1);
        set_time(arena, spec, "acquireTime", wall_ms);
    } else {
        kt_json_set_string(arena, spec, "holderIdentity", writer->identity);
        kt_json_set_int(arena, spec, "leaseDurationSeconds", KT_MAX((writer->duration_ms + 999) / 1000, (int64_t)1));
    }
    if (change == KT_LEASE_TAKE) {
        set_time(arena, spec, "acquireTime", wall_ms);
        kt_json_set_int(arena, spec, "leaseTransitions", next_transitions(old));
    }
    return arena->failed ? NULL : lease;
}
