/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admission/volume_source.h"
#include "base/limits.h"
#include "tests/lib/objects.h"

static struct kt_arena arena;

static int setup(void **state)
{
    (void)state;
    kt_arena_init(&arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kt_arena_release(&arena);
    return 0;
}

static enum kt_volume_verdict verdict_on(const char *volume, bool written)
{
    return kt_volume_source_check(kt_test_json(&arena, volume), written).verdict;
}

static void a_claim_with_a_name_is_fine_for_reading_and_writing(void **state)
{
    (void)state;
    assert_int_equal(verdict_on("{\"persistentVolumeClaim\": {\"claimName\": \"data\"}}", false), KT_VOLUME_OK);
    assert_int_equal(verdict_on("{\"persistentVolumeClaim\": {\"claimName\": \"data\"}}", true), KT_VOLUME_OK);
    assert_int_equal(verdict_on("{\"nfs\": {\"server\": \"nas\", \"path\": \"/x\"}}", true), KT_VOLUME_OK);
}

static void no_kind_or_two_kinds_cannot_be_mounted(void **state)
{
    (void)state;
    assert_int_equal(verdict_on("{}", false), KT_VOLUME_EMPTY);
    assert_int_equal(verdict_on("{\"persistentVolumeClaim\": null}", false), KT_VOLUME_EMPTY);
    assert_int_equal(
        verdict_on("{\"nfs\": {\"server\": \"a\"}, \"persistentVolumeClaim\": {\"claimName\": \"b\"}}", false),
        KT_VOLUME_SEVERAL);
    /* A null beside a real kind is as good as absent. */
    assert_int_equal(verdict_on("{\"nfs\": null, \"persistentVolumeClaim\": {\"claimName\": \"b\"}}", false),
                     KT_VOLUME_OK);
}

static void a_claim_needs_a_name_that_a_claim_can_have(void **state)
{
    (void)state;
    struct kt_volume_finding finding =
        kt_volume_source_check(kt_test_json(&arena, "{\"persistentVolumeClaim\": {}}"), false);
    assert_int_equal(finding.verdict, KT_VOLUME_INCOMPLETE);
    assert_string_equal(finding.kind, "persistentVolumeClaim");
    assert_string_equal(finding.member, "claimName");
    assert_int_equal(verdict_on("{\"persistentVolumeClaim\": {\"claimName\": \"\"}}", false), KT_VOLUME_INCOMPLETE);
    assert_int_equal(verdict_on("{\"persistentVolumeClaim\": {\"claimName\": \"UPPER Case\"}}", false),
                     KT_VOLUME_BAD_NAME);
}

static void host_paths_and_bare_volumes_are_never_fine(void **state)
{
    (void)state;
    assert_int_equal(verdict_on("{\"hostPath\": {\"path\": \"/\"}}", false), KT_VOLUME_HOST_PATH);
    assert_int_equal(verdict_on("{\"emptyDir\": {}}", false), KT_VOLUME_STARTS_BARE);
    assert_int_equal(verdict_on("{\"emptyDir\": {}}", true), KT_VOLUME_STARTS_BARE);
}

static void results_need_a_volume_that_can_be_written_and_stays(void **state)
{
    (void)state;
    const char *config_map = "{\"configMap\": {\"name\": \"rows\"}}";
    const char *ephemeral = "{\"ephemeral\": {\"volumeClaimTemplate\": {\"spec\": {}}}}";
    const char *read_only = "{\"persistentVolumeClaim\": {\"claimName\": \"a\", \"readOnly\": true}}";
    assert_int_equal(verdict_on(config_map, false), KT_VOLUME_OK);
    assert_int_equal(verdict_on(config_map, true), KT_VOLUME_READ_ONLY);
    assert_int_equal(verdict_on(ephemeral, false), KT_VOLUME_OK);
    assert_int_equal(verdict_on(ephemeral, true), KT_VOLUME_NOT_KEPT);
    assert_int_equal(verdict_on(read_only, false), KT_VOLUME_OK);
    assert_int_equal(verdict_on(read_only, true), KT_VOLUME_READ_ONLY);
}

static void another_letter_case_is_told_from_the_kind_itself(void **state)
{
    (void)state;
    struct kt_volume_finding finding =
        kt_volume_source_check(kt_test_json(&arena, "{\"PersistentVolumeClaim\": {\"claimName\": \"a\"}}"), false);
    assert_int_equal(finding.verdict, KT_VOLUME_SPELLING);
    assert_string_equal(finding.kind, "persistentVolumeClaim");
}

static void what_others_judge_is_left_to_them(void **state)
{
    (void)state;
    /* Wrong kinds and unknown fields: workspace/pod_types.h. */
    assert_int_equal(verdict_on("\"a\"", false), KT_VOLUME_OK);
    assert_int_equal(verdict_on("{\"persistentVolumeClaim\": 5}", false), KT_VOLUME_OK);
    assert_int_equal(verdict_on("{\"persistentVolumeClaim\": {\"claimName\": 5}}", false), KT_VOLUME_OK);
    assert_int_equal(verdict_on("{\"pvc\": {}}", false), KT_VOLUME_OK);
    assert_int_equal(kt_volume_source_check(NULL, true).verdict, KT_VOLUME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_with_a_name_is_fine_for_reading_and_writing),
        cmocka_unit_test(no_kind_or_two_kinds_cannot_be_mounted),
        cmocka_unit_test(a_claim_needs_a_name_that_a_claim_can_have),
        cmocka_unit_test(host_paths_and_bare_volumes_are_never_fine),
        cmocka_unit_test(results_need_a_volume_that_can_be_written_and_stays),
        cmocka_unit_test(another_letter_case_is_told_from_the_kind_itself),
        cmocka_unit_test(what_others_judge_is_left_to_them),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
