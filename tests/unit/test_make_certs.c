/* SPDX-License-Identifier: Apache-2.0 */
/* The program make-certs, as a user runs it. It is taken from $BUILD/bin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "certs/certificate.h"
#include "kube/process.h"

#define ARGUMENTS_LIMIT 16

static struct kt_arena arena;
static struct kt_error error;
static char folder[64];
static const char *const names[] = {"ca.crt", "ca.key", "tls.crt", "tls.key"};

static const char *path_of(const char *name)
{
    const char *path = kt_arena_printf(&arena, "%s/%s", folder, name);
    assert_non_null(path);
    return path;
}

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&arena, (size_t)(16 * KT_MIB));
    snprintf(folder, sizeof(folder), "/tmp/kt-certs-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state KT_UNUSED)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(names); i++)
        unlink(path_of(names[i]));
    int code = rmdir(folder); /* fails when anything else was left there */
    kt_arena_release(&arena);
    return code;
}

/* Runs make-certs; its exit status. Both outputs stand in *ret_output. */
static int run(const char *const *arguments, const char **ret_output)
{
    const char *build = getenv("BUILD");
    const char *all[ARGUMENTS_LIMIT + 5] = {"sh", "-c", "exec \"$0\" \"$@\" 2>&1"};
    static const char *const variables[] = {"PATH=/usr/bin:/bin", NULL};
    size_t count = 3;
    all[count++] = kt_arena_printf(&arena, "%s/bin/make-certs", build ? build : "build");
    while (*arguments && count < ARGUMENTS_LIMIT + 4)
        all[count++] = *arguments++;
    struct kt_process process = {.path = "/bin/sh",
                                 .arguments = all,
                                 .variables = variables,
                                 .output_limit_bytes = (size_t)KT_MIB,
                                 .timeout_ms = 60000,
                                 .stop_fd = -1};
    struct kt_process_result result;
    if (kt_process_run(&arena, &kt_clock_system, &process, &result, &error) != 0)
        fail_msg("%s", error.message);
    *ret_output = kt_arena_strndup(&arena, result.output.data, result.output.length);
    return result.exit_status;
}

static void expect(const char *const *arguments, int status, const char *words)
{
    const char *output;
    int got = run(arguments, &output);
    if (got != status || !strstr(output, words))
        fail_msg("wanted %d with \"%s\", got %d with \"%s\"", status, words, got, output);
}

#define EXPECT(status, words, ...) expect((const char *const[]){__VA_ARGS__, NULL}, status, words)

static struct kt_str read_file(const char *name)
{
    struct kt_str text;
    if (kt_files_system.read(NULL, &arena, path_of(name), (size_t)KT_MIB, &text, &error) != 0)
        fail_msg("%s", error.message);
    return text;
}

static mode_t mode_of(const char *name)
{
    struct stat status;
    assert_int_equal(stat(path_of(name), &status), 0);
    return status.st_mode & 0777;
}

static void test_what_it_makes_works(void **state KT_UNUSED)
{
    EXPECT(0, "", "--dir", folder, "--dns", "kaito-webhook.kaito.svc", "--dns=localhost", "--ip", "127.0.0.1", "--days",
           "30", "--ca-days=60");
    struct kt_certificate_pair leaf = {read_file("tls.crt"), read_file("tls.key")};
    struct kt_certificate_pair ca = {read_file("ca.crt"), read_file("ca.key")};
    int64_t now_ms = kt_clock_wall_ms(&kt_clock_system);
    static const char *const hosts[] = {"kaito-webhook.kaito.svc", "localhost", "127.0.0.1"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(hosts); i++)
        assert_int_equal(kt_certificate_verify(leaf.certificate_pem, ca.certificate_pem, hosts[i], now_ms, &error), 0);
    assert_int_equal(kt_certificate_check_key(&leaf, &error), 0);
    assert_int_equal(kt_certificate_check_key(&ca, &error), 0);
    struct kt_certificate_info info;
    assert_int_equal(kt_certificate_inspect(&arena, leaf.certificate_pem, &info, &error), 0);
    assert_in_range((info.not_after_ms - now_ms + 43200000) / 86400000, 30, 30);
    assert_int_equal(kt_certificate_inspect(&arena, ca.certificate_pem, &info, &error), 0);
    assert_in_range((info.not_after_ms - now_ms + 43200000) / 86400000, 60, 60);
    assert_int_equal(mode_of("ca.key"), 0600);
    assert_int_equal(mode_of("tls.key"), 0600);
    assert_int_equal(mode_of("ca.crt"), 0644);
    assert_int_equal(mode_of("tls.crt"), 0644);
}

static void test_what_is_there_stays(void **state KT_UNUSED)
{
    FILE *file = fopen(path_of("tls.key"), "we");
    assert_non_null(file);
    fputs("mine", file);
    fclose(file);
    EXPECT(1, "/tls.key is there already; give --force", "--dir", folder, "--dns", "a.b");
    assert_string_equal(read_file("tls.key").data, "mine");
    assert_int_not_equal(access(path_of("ca.key"), F_OK), 0); /* nothing was written at all */
    EXPECT(0, "", "--dir", folder, "--dns", "a.b", "--force");
    assert_true(kt_str_starts_with(read_file("tls.key"), KT_STR("-----BEGIN PRIVATE KEY-----")));
    assert_int_equal(mode_of("tls.key"), 0600);
}

static void test_a_folder_is_made(void **state KT_UNUSED)
{
    assert_int_equal(rmdir(folder), 0);
    EXPECT(0, "", "--dir", folder, "--ip", "::1");
    assert_int_equal(access(path_of("ca.crt"), F_OK), 0);
    EXPECT(1, "cannot make the folder", "--dir", path_of("no/such"), "--dns", "a");
    EXPECT(1, "cannot make", "--dir", path_of("ca.crt"), "--dns", "a");
}

static void test_wrong_arguments(void **state KT_UNUSED)
{
    EXPECT(2, "--dir is missing", "--dns", "a");
    EXPECT(2, "at least one name", "--dir", folder);
    EXPECT(2, "--dns needs a value", "--dir", folder, "--dns");
    EXPECT(2, "unknown argument --dnsx", "--dir", folder, "--dnsx", "a");
    EXPECT(2, "unknown argument extra", "--dir", folder, "--dns", "a", "extra");
    EXPECT(2, "--days 0: give a number of days", "--dir", folder, "--dns", "a", "--days", "0");
    EXPECT(2, "--ca-days ten:", "--dir", folder, "--dns", "a", "--ca-days", "ten");
    EXPECT(2, "is no DNS name", "--dir", folder, "--dns", "A_B");
    EXPECT(2, "is no IPv4 or IPv6 address", "--dir", folder, "--ip", "1.2.3");
    EXPECT(0, "Makes a certificate authority", "--help");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_it_makes_works),
        TEST(test_what_is_there_stays),
        TEST(test_a_folder_is_made),
        TEST(test_wrong_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
