/* SPDX-License-Identifier: Apache-2.0 */
/* A claim that is missing was either lost or never made: only what is remembered tells the two apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base.h"
#include "webhook/reconcile/claim_memory.h"

static struct kt_claim_memory *memory;

static int set_up(void **state KT_UNUSED)
{
    struct kt_error error;
    return kt_claim_memory_new(&memory, &error);
}

static int tear_down(void **state KT_UNUSED)
{
    kt_claim_memory_free(memory);
    return 0;
}

static void a_claim_is_known_once_it_was_seen(void **state KT_UNUSED)
{
    assert_false(kt_claim_memory_has_seen(memory, "ws012345678"));
    kt_claim_memory_seen(memory, "ws012345678");
    assert_true(kt_claim_memory_has_seen(memory, "ws012345678"));
    assert_false(kt_claim_memory_has_seen(memory, "ws012345679"));
    kt_claim_memory_forget(memory, "ws012345678");
    assert_false(kt_claim_memory_has_seen(memory, "ws012345678"));
    kt_claim_memory_forget(memory, "ws012345678"); /* once more does no harm */
}

static void the_time_of_the_loss_stays(void **state KT_UNUSED)
{
    kt_claim_memory_seen(memory, "ws012345678");
    assert_int_equal(kt_claim_memory_lost(memory, "ws012345678", 100), 100);
    assert_int_equal(kt_claim_memory_lost(memory, "ws012345678", 5000), 100);
    kt_claim_memory_seen(memory, "ws012345678"); /* it is there again */
    assert_int_equal(kt_claim_memory_lost(memory, "ws012345678", 9000), 9000);
}

static void many_are_kept_apart(void **state KT_UNUSED)
{
    char name[16];
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "ws%09x", (unsigned)i);
        kt_claim_memory_seen(memory, name);
        if (i % 2 == 0)
            kt_claim_memory_forget(memory, name);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "ws%09x", (unsigned)i);
        assert_int_equal(kt_claim_memory_has_seen(memory, name), i % 2 != 0);
    }
}

static void a_name_that_no_claim_of_ours_has_is_not_kept(void **state KT_UNUSED)
{
    kt_claim_memory_seen(memory, "a-name-that-is-longer-than-ours");
    assert_false(kt_claim_memory_has_seen(memory, "a-name-that-is-longer-than-ours"));
    assert_int_equal(kt_claim_memory_lost(memory, "a-name-that-is-longer-than-ours", 7), 7);
}

static void without_memory_nothing_is_remembered(void **state KT_UNUSED)
{
    kt_heap_fail_from(1);
    kt_claim_memory_seen(memory, "ws012345678");
    kt_heap_fail_from(0);
    assert_false(kt_claim_memory_has_seen(memory, "ws012345678"));
    struct kt_claim_memory *other = NULL;
    struct kt_error error;
    kt_heap_fail_from(1);
    assert_int_equal(kt_claim_memory_new(&other, &error), KT_ENOMEM);
    kt_heap_fail_from(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_claim_is_known_once_it_was_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_time_of_the_loss_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_are_kept_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_no_claim_of_ours_has_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_remembered, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
