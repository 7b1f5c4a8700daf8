/* SPDX-License-Identifier: Apache-2.0 */
/* Reviews without memory enough: each allocation fails once, and no verdict becomes another by it. */
#include "base/limits.h"
#include "tests/lib/hostile_case.h"

struct wanted {
    enum kt_review_kind kind;
    struct kt_str body;
    bool allowed;
    const char *answer; /* with memory enough */
};

/* With too little memory: a fault, a refusal or, from the mutating webhook, no patch; never another verdict. */
static const char *check_starved(const struct wanted *wanted, int code, const struct kt_strbuf *answer)
{
    struct kt_json_parsed parsed = {0};
    if (code < 0)
        return kt_hostile_check_fault(code);
    if (kt_streq(answer->data, wanted->answer))
        return NULL;
    if (kt_json_parse(kt_hostile_inputs(), kt_strbuf_view(answer), KT_JSON_DUPLICATES_REFUSE, &parsed, NULL) < 0)
        return "the answer is no JSON";
    const cJSON *response = kt_json_get(parsed.root, "response");
    bool allowed = kt_json_true(kt_json_get(response, "allowed"));
    int64_t status = 0;
    if (wanted->kind == KT_REVIEW_MUTATE)
        return allowed && !kt_json_get(response, "patch") ? NULL : "a mutation by halves";
    if (allowed || !kt_json_int64(kt_json_path(response, "status", "code", NULL), &status))
        return "it is admitted";
    /* The causes of a refusal may be whole when the sentence that repeats them no longer fits. */
    bool is_refusal_anyway = !wanted->allowed && status == 422;
    return status == 413 || status == 500 || is_refusal_anyway ? NULL : "it is refused for something else than memory";
}

static struct wanted reviews[3];

static void prepare_reviews(void)
{
    cJSON *good = kt_admission_case_changed(&kt_hostile.admission, kt_admission_case_tuning(&kt_hostile.admission),
                                            "{\"resource\":null,\"tuning\":{\"method\":null}}");
    cJSON *bad = kt_admission_case_changed(&kt_hostile.admission, kt_admission_case_tuning(&kt_hostile.admission),
                                           "{\"tuning\":{\"input\":{\"urls\":[\"http://127.1/`id`\"]}}}");
    struct kt_str good_body = kt_review_case_body(&kt_hostile, good, NULL, false);
    reviews[0] = (struct wanted){.kind = KT_REVIEW_MUTATE, .body = good_body, .allowed = true};
    reviews[1] = (struct wanted){.kind = KT_REVIEW_VALIDATE, .body = good_body, .allowed = true};
    reviews[2] =
        (struct wanted){.kind = KT_REVIEW_VALIDATE, .body = kt_review_case_body(&kt_hostile, bad, NULL, false)};
}

static int starve(const struct wanted *wanted, struct kt_arena *arena, struct kt_strbuf *answer)
{
    kt_strbuf_init(answer, NULL, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_hostile.error = (struct kt_error){0};
    return kt_review_answer(arena, wanted->kind, wanted->body, &kt_hostile.admission.settings,
                            &kt_hostile.admission.cluster, answer, &kt_hostile.summary, &kt_hostile.error);
}

/* Runs first: the schema and the trainer's keys are then not loaded yet, and their loading fails, too. */
static void every_heap_allocation_fails_once(void **state)
{
    (void)state;
    prepare_reviews();
    for (size_t i = 0; i < KT_ARRAY_LENGTH(reviews); i++) {
        size_t failures = 0;
        int code = -1;
        for (size_t nth = 1; nth < 10000; nth++) {
            struct kt_arena arena;
            struct kt_strbuf answer;
            kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
            kt_heap_fail_from(nth);
            size_t before = kt_heap_allocation_count();
            code = starve(&reviews[i], &arena, &answer);
            bool failed = kt_heap_allocation_count() - before >= nth;
            kt_heap_fail_from(0);
            if (!failed) {
                assert_int_equal(code, 0);
                reviews[i].answer = kt_arena_strdup(kt_hostile_inputs(), answer.data);
            }
            /* What it should be is not known before memory was enough; the verdict is. */
            struct wanted wanted = reviews[i];
            wanted.answer = wanted.answer ? wanted.answer : "";
            const char *wrong = check_starved(&wanted, code, &answer);
            kt_strbuf_release(&answer);
            kt_arena_release(&arena);
            if (wrong)
                fail_msg("review %zu, allocation %zu: %s", i, nth, wrong);
            failures += failed;
            if (!failed)
                break;
        }
        assert_non_null(reviews[i].answer);
        assert_true(failures > 1);
        assert_int_equal(strstr(reviews[i].answer, "\"allowed\":true") != NULL, reviews[i].allowed);
    }
}

/* Here a large piece may fail and small ones after it succeed. */
static void every_size_of_arena(void **state)
{
    (void)state;
    prepare_reviews();
    for (size_t i = 0; i < KT_ARRAY_LENGTH(reviews); i++) {
        struct kt_strbuf answer;
        assert_int_equal(starve(&reviews[i], &kt_hostile.work, &answer), 0);
        reviews[i].answer = kt_arena_strdup(kt_hostile_inputs(), answer.data);
        kt_strbuf_release(&answer);
        size_t enough = kt_hostile.work.used_bytes;
        kt_arena_reset(&kt_hostile.work);
        size_t starved = 0;
        for (size_t limit = 0; limit <= enough; limit += 48) {
            struct kt_arena arena;
            kt_arena_init(&arena, limit);
            int code = starve(&reviews[i], &arena, &answer);
            const char *wrong = check_starved(&reviews[i], code, &answer);
            bool is_starved = code < 0 || !kt_streq(answer.data, reviews[i].answer);
            kt_strbuf_release(&answer);
            kt_arena_release(&arena);
            if (wrong)
                fail_msg("review %zu, arena of %zu bytes: %s", i, limit, wrong);
            starved += is_starved;
        }
        assert_true(starved > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_heap_allocation_fails_once, kt_hostile_set_up, kt_hostile_tear_down),
        cmocka_unit_test_setup_teardown(every_size_of_arena, kt_hostile_set_up, kt_hostile_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
