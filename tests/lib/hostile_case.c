/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/hostile_case.h"

#include <unistd.h>

#include "base/limits.h"

/* What a test may take before it counts as hanging, also under valgrind. */
#define HANG_SECONDS 900

struct kt_review_case kt_hostile;

struct kt_arena *kt_hostile_inputs(void)
{
    return &kt_hostile.admission.arena;
}

int kt_hostile_set_up(void **state)
{
    (void)state;
    kt_review_case_init(&kt_hostile);
    kt_hostile_inputs()->limit_bytes = (size_t)(512 * KT_MIB);
    alarm(HANG_SECONDS);
    return 0;
}

int kt_hostile_tear_down(void **state)
{
    (void)state;
    alarm(0);
    kt_review_case_release(&kt_hostile);
    return 0;
}

const char *kt_hostile_check_fault(int code)
{
    if (kt_hostile.error.code != code ||
        (code != KT_EPARSE && code != KT_EINVAL && code != KT_ELIMIT && code != KT_ENOMEM))
        return "the fault has another code than was returned, or one that means a mistake of ours";
    if (!kt_hostile.error.message[0] || !kt_utf8_valid(kt_str(kt_hostile.error.message)))
        return "the fault has no readable message";
    return NULL;
}

const char *kt_hostile_check(struct kt_str body, cJSON *object, bool needs_answer)
{
    for (int kind = KT_REVIEW_MUTATE; kind <= KT_REVIEW_VALIDATE; kind++) {
        int code = kt_review_case_answer(&kt_hostile, (enum kt_review_kind)kind, body);
        const char *wrong = code < 0 ? kt_hostile_check_fault(code) : NULL;
        if (code < 0 && needs_answer)
            wrong = kt_arena_printf(kt_hostile_inputs(), "there is no answer: %s", kt_hostile.error.message);
        if (code == 0) {
            kt_hostile.verdict = kt_apiserver_check(kt_hostile_inputs(), kt_strbuf_view(&kt_hostile.answer),
                                                    KT_REVIEW_CASE_UID, kind == KT_REVIEW_MUTATE, object);
            wrong = kt_hostile.verdict.wrong;
        }
        if (!wrong && kt_hostile.work.high_water_bytes > kt_hostile.work.limit_bytes)
            wrong = "the arena grew beyond its limit";
        if (wrong)
            return wrong;
    }
    return NULL;
}

void kt_hostile_expect_clean(const char *name, struct kt_str body)
{
    const char *wrong = kt_hostile_check(body, NULL, false);
    if (wrong)
        fail_msg("%s: %s", name, wrong);
}

void kt_hostile_expect_fault(const char *name, struct kt_str body)
{
    kt_hostile_expect_clean(name, body);
    if (kt_review_case_answer(&kt_hostile, KT_REVIEW_VALIDATE, body) == 0)
        fail_msg("%s: it is answered: %.300s", name, kt_hostile.answer.data);
}

void kt_hostile_expect_refusal(const char *name, struct kt_str body, int64_t code)
{
    kt_hostile_expect_clean(name, body);
    int64_t got = 0;
    const cJSON *status = kt_json_get(kt_hostile.verdict.response, "status");
    if (kt_hostile.verdict.allowed || !kt_json_int64(kt_json_get(status, "code"), &got) || got != code)
        fail_msg("%s: %.300s", name, kt_hostile.answer.data);
}

struct kt_str kt_hostile_repeat(const char *piece, size_t times)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, kt_hostile_inputs(), (size_t)(64 * KT_MIB));
    kt_strbuf_reserve(&text, strlen(piece) * times);
    for (size_t i = 0; i < times; i++)
        kt_strbuf_puts(&text, piece);
    assert_false(text.failed);
    return kt_strbuf_view(&text);
}

struct kt_str kt_hostile_tuning_with(const char *marker, struct kt_str replacement)
{
    struct kt_str body = kt_review_case_body(&kt_hostile, kt_admission_case_tuning(&kt_hostile.admission), NULL, false);
    const char *place = strstr(body.data, marker);
    assert_non_null(place);
    struct kt_strbuf text;
    kt_strbuf_init(&text, kt_hostile_inputs(), (size_t)(64 * KT_MIB));
    kt_strbuf_add(&text, body.data, (size_t)(place - body.data));
    kt_strbuf_add_str(&text, replacement);
    kt_strbuf_puts(&text, place + strlen(marker));
    assert_false(text.failed);
    return kt_strbuf_view(&text);
}
