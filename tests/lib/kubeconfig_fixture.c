/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"

#include <string.h>

#include "tests/lib/kubeconfig_fixture.h"

struct kt_kubeconfig_fixture kt_fixture;

int kt_fixture_set_up(void **state KT_UNUSED)
{
    kt_fixture = (struct kt_kubeconfig_fixture){0};
    kt_arena_init(&kt_fixture.arena, (size_t)(64 * KT_MIB));
    kt_fake_environment(&kt_fixture.fake);
    return 0;
}

int kt_fixture_tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&kt_fixture.arena);
    return 0;
}

void kt_fixture_add_file(const char *path, const char *text)
{
    struct kt_fake_file *files = kt_fixture.fake.files;
    for (size_t i = 0; i + 1 < KT_ARRAY_LENGTH(kt_fixture.fake.files); i++)
        if (!files[i].path) {
            files[i] = (struct kt_fake_file){path, text};
            return;
        }
    fail_msg("too many files");
}

void kt_fixture_add_variable(const char *entry)
{
    const char **variables = kt_fixture.fake.variables;
    for (size_t i = 0; i + 1 < KT_ARRAY_LENGTH(kt_fixture.fake.variables); i++)
        if (!variables[i]) {
            variables[i] = entry;
            return;
        }
    fail_msg("too many variables");
}

struct kt_config kt_fixture_resolve(const struct kt_config_overrides *overrides)
{
    struct kt_config config;
    if (kt_config_resolve(&kt_fixture.arena, &kt_fixture.fake.environment, overrides, &config, &kt_fixture.error) != 0)
        fail_msg("%s", kt_fixture.error.message);
    return config;
}

void kt_fixture_expect(const struct kt_config_overrides *overrides, int code, const char *words)
{
    struct kt_config config;
    kt_fixture.error = (struct kt_error){0};
    int got = kt_config_resolve(&kt_fixture.arena, &kt_fixture.fake.environment, overrides, &config, &kt_fixture.error);
    if (got != code || !strstr(kt_fixture.error.message, words))
        fail_msg("wanted %d with \"%s\", got %d with \"%s\"", code, words, got, kt_fixture.error.message);
}

void kt_fixture_expect_text(struct kt_str text, const char *wanted)
{
    assert_int_equal(text.length, strlen(wanted));
    assert_memory_equal(text.data, wanted, text.length);
}
