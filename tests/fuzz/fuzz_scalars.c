/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities, times, durations and base64 from any bytes: a value or a clean error, and values that can be written come
 * back as they were. */
#include <stdlib.h>

#include "text/base64.h"
#include "text/quantity.h"
#include "text/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_time(struct kt_arena *arena, struct kt_str text)
{
    int64_t ms, again;
    if (kt_time_parse_rfc3339(text, &ms, NULL) != 0)
        return;
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, 1000);
    kt_time_write_rfc3339(&buffer, ms);
    demand(kt_time_parse_rfc3339(kt_strbuf_view(&buffer), &again, NULL) == 0);
    /* A time zone may lead outside the years that can be written. */
    bool writable = ms >= -62167219200000 && ms <= 253402300799999;
    demand(!writable || (again <= ms && again > ms - 1000));
    kt_time_write_age(&buffer, ms);
}

static void check_base64(struct kt_arena *arena, struct kt_str data)
{
    struct kt_str decoded = {0};
    int code = kt_base64_decode(arena, data, &decoded, NULL);
    demand(code == 0 || code == KT_EPARSE);
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)(16 * KT_MIB));
    kt_base64_encode(&buffer, data);
    demand(kt_base64_decode(arena, kt_strbuf_view(&buffer), &decoded, NULL) == 0);
    demand(kt_str_equal(decoded, data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(64 * KT_MIB));
    struct kt_str text = {(const char *)data, size};
    int64_t value = 0;
    if (kt_quantity_parse(text, &value, NULL) == 0 && value >= 0) {
        struct kt_strbuf buffer;
        kt_strbuf_init(&buffer, &arena, 100);
        kt_quantity_write_bytes(&buffer, (uint64_t)value);
        demand(!buffer.failed);
    }
    /* Go's durations are 64 bits of nanoseconds. */
    if (kt_time_parse_duration(text, &value, NULL) == 0)
        demand(value <= INT64_MAX / 1000000 && value >= -(INT64_MAX / 1000000));
    check_time(&arena, text);
    check_base64(&arena, text);
    return 0;
}
