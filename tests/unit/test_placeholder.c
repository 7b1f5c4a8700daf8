/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admission/placeholder.h"

static void placeholders_of_guides_are_recognised(void **state)
{
    static const struct {
        const char *text;
        const char *found;
    } cases[] = {
        {"ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE:0.0.1", "ACR_REPO_HERE"},
        {"ACR_REGISTRY_SECRET_HERE", "ACR_REGISTRY_SECRET_HERE"},
        {"<YOUR_REGISTRY>/out:1", "<YOUR_REGISTRY>"},
        {"ghcr.io/<owner>/out", "<owner>"},
        {"${REGISTRY}/out", "${REGISTRY}"},
        {"{{ .Values.registry }}/out", "{{ .Values.registry }}"},
        {"your-registry.azurecr.io/out", "your-registry"},
        {"YOUR_SECRET", "YOUR_SECRET"},
        {"youracr.azurecr.io/out", "youracr"},
        {"REPLACE_ME", "REPLACE_ME"},
        {"registry.io/replace-me:1", "replace-me"},
        {"changeme", "changeme"},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        struct kt_str found = kt_placeholder_find(kt_str(cases[i].text));
        if (!kt_str_equal(found, kt_str(cases[i].found)))
            fail_msg("%s gave \"%.*s\"", cases[i].text, (int)found.length, found.data);
    }
}

static void names_that_people_give_are_left_alone(void **state)
{
    static const char *const texts[] = {
        "registry.example.com/team/phi-out:0.0.1",
        "exchange-me.io/a",
        "know-your-customer",
        "start-here",
        "todo-app",
        "ghcr.io/here/there:1",
        "a<b",
        "${}",
        "",
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(texts); i++) {
        struct kt_str found = kt_placeholder_find(kt_str(texts[i]));
        if (found.length != 0)
            fail_msg("%s gave \"%.*s\"", texts[i], (int)found.length, found.data);
    }
}

static void the_sentence_names_them_all(void **state)
{
    struct kt_arena arena;
    (void)state;
    kt_arena_init(&arena, KT_MIB);
    assert_string_equal(kt_placeholder_sentence(&arena, KT_STR("ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE:0.0.1")),
                        "\"ACR_REPO_HERE\" and \"IMAGE_NAME_HERE\" are placeholders");
    assert_string_equal(kt_placeholder_sentence(&arena, KT_STR("YOUR_SECRET")), "\"YOUR_SECRET\" is a placeholder");
    assert_null(kt_placeholder_sentence(&arena, KT_STR("push")));
    kt_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_of_guides_are_recognised),
        cmocka_unit_test(names_that_people_give_are_left_alone),
        cmocka_unit_test(the_sentence_names_them_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
