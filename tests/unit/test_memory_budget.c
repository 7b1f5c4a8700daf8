/* SPDX-License-Identifier: Apache-2.0 */
/* Everything at its limit at once fits into the container that the manifests give the server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/files.h"
#include "base/limits.h"
#include "tests/lib/cmocka_all.h"
#include "webhook/config.h"

#define MANIFEST "manifests/base/deployment.yaml"

static char *no_variable(const char *name KT_UNUSED)
{
    return (char *)NULL;
}

/* limits.memory of the container, in bytes. */
static size_t container_limit(const char *manifest)
{
    const char *place = strstr(manifest, "          limits:\n            memory: ");
    size_t mebibytes = 0;
    assert_non_null(place);
    assert_int_equal(sscanf(place, "          limits:\n            memory: %zuMi", &mebibytes), 1);
    return mebibytes * KT_MIB;
}

static void the_budgets_add_up(void **state KT_UNUSED)
{
    enum { WATCHES = 6 };
    struct kt_webhook_config config;
    struct kt_error error;
    struct kt_str manifest;
    struct kt_arena arena;
    kt_arena_init(&arena, 4 * KT_MIB);
    char *argv[] = {(char *)(uintptr_t) "kaito-webhook"};
    assert_int_equal(kt_webhook_config_parse(&config, 1, argv, no_variable, &error), 0);
    assert_int_equal(kt_files_system.read(NULL, &arena, MANIFEST, KT_MIB, &manifest, &error), 0);
    assert_non_null(strstr(manifest.data, "- --workers=2\n"));
    size_t connections = (size_t)config.connection_limit;
    const struct {
        const char *what;
        size_t bytes;
    } rows[] = {
        {"at rest", KT_MEMORY_AT_REST_BYTES},
        {"connections", connections * KT_MEMORY_CONNECTION_BYTES},
        {"small bodies", connections * KT_LIMIT_SMALL_BODY_BYTES},
        {"large bodies and answers", KT_LIMIT_BODIES_BYTES},
        {"reviews", 2 * KT_LIMIT_REVIEW_ARENA_BYTES},
        {"their answers", 2 * KT_LIMIT_ANSWER_BYTES},
        {"look-ups", KT_LIMIT_LOOKUP_BYTES},
        {"cache", KT_LIMIT_STORE_WORKSPACE_BYTES + KT_LIMIT_STORE_NODE_CLAIM_BYTES + KT_LIMIT_STORE_NODE_BYTES +
                      KT_LIMIT_STORE_JOB_BYTES + KT_LIMIT_STORE_POD_BYTES + KT_LIMIT_STORE_CONFIG_MAP_BYTES},
        {"queue", KT_LIMIT_QUEUE_KEYS * KT_MEMORY_QUEUE_KEY_BYTES},
        {"room of the release namespace", (KT_LIMIT_STORE_WORKSPACE_BYTES + KT_LIMIT_STORE_JOB_BYTES +
                                           KT_LIMIT_STORE_POD_BYTES + KT_LIMIT_STORE_CONFIG_MAP_BYTES) /
                                              KT_LIMIT_NAMESPACE_SHARE},
        {"watches", WATCHES * (2 * KT_LIMIT_API_PAGE_BYTES + KT_LIMIT_WATCH_LINE_BYTES)},
        {"ConfigMaps that are taken in", 3 * KT_LIMIT_CONFIG_MAP_ARENA_BYTES},
        {"looks", (size_t)config.reconcile_workers * KT_LIMIT_RECONCILE_ARENA_BYTES},
    };
    size_t sum = 0;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++)
        sum += rows[i].bytes;
    size_t limit = container_limit(manifest.data);
    if (sum > limit) {
        for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++)
            print_message("%-28s %5.1f MiB\n", rows[i].what, (double)rows[i].bytes / (double)KT_MIB);
        fail_msg("the budgets are %zu MiB together, the container has %zu", sum / KT_MIB, limit / KT_MIB);
    }
    kt_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_budgets_add_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
