/* SPDX-License-Identifier: Apache-2.0 */
/* No review takes more steps of work than the budget, whatever is sent, and one that would is refused. */
#include "base/limits.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/costly_review.h"

/* What a review may take beside what grows with it. */
#define FIXED_STEPS 200000

struct judged {
    int code;
    uint64_t work;
    bool overworked;
    struct kt_review_summary summary;
    char answer[4096]; /* its beginning */
};

static void judge(const struct kt_costly_review *review, enum kt_review_kind kind, struct judged *ret)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf answer;
    struct kt_error error = {0};
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_strbuf_init(&answer, NULL, KT_LIMIT_REVIEW_ARENA_BYTES);
    *ret = (struct judged){.code = 0};
    ret->code = kt_review_answer(&arena, kind, review->body, &review->settings, &review->cluster, &answer,
                                 &ret->summary, &error);
    ret->work = arena.work;
    ret->overworked = arena.overworked != NULL;
    size_t length = KT_MIN(answer.length, sizeof(ret->answer) - 1);
    memcpy(ret->answer, ret->code == 0 ? answer.data : error.message,
           ret->code == 0 ? length : KT_MIN(strlen(error.message), sizeof(ret->answer) - 1));
}

static void judge_shape(const struct kt_costly_shape *shape, size_t items, enum kt_review_kind kind, struct judged *ret)
{
    KT_CLEANUP(kt_costly_review_release) struct kt_costly_review review = {.body = {NULL, 0}};
    assert_true(kt_costly_review_make(shape, items, &review));
    judge(&review, kind, ret);
    if (ret->work > KT_LIMIT_REVIEW_WORK)
        fail_msg("%s of %zu items takes %llu steps", shape->name, items, (unsigned long long)ret->work);
    if (kind == KT_REVIEW_VALIDATE && ret->overworked && ret->code == 0 && ret->summary.allowed)
        fail_msg("%s of %zu items is allowed, though it was not judged to its end", shape->name, items);
    if (ret->overworked && ret->code == 0 && !strstr(ret->answer, "more work"))
        fail_msg("%s of %zu items does not say why: %.400s", shape->name, items, ret->answer);
}

static void no_shape_takes_more_than_the_budget(void **state)
{
    (void)state;
    static const size_t percents[] = {0, 1, 10, 100, 200};
    for (size_t i = 0; i < kt_costly_shape_count; i++) {
        for (size_t p = 0; p < KT_ARRAY_LENGTH(percents); p++) {
            struct judged judged;
            size_t items = kt_costly_shapes[i].most * percents[p] / 100;
            judge_shape(&kt_costly_shapes[i], items, KT_REVIEW_VALIDATE, &judged);
            judge_shape(&kt_costly_shapes[i], items, KT_REVIEW_MUTATE, &judged);
            /* The mutating webhook never refuses for it: the validating one will. */
            if (judged.code == 0 && !judged.summary.allowed)
                fail_msg("%s of %zu items is refused by the mutating webhook", kt_costly_shapes[i].name, items);
        }
    }
}

/* Ten times the items take no more than a little over ten times the steps: the little is the logarithm of sorting. */
static void work_grows_no_faster_than_sorting(void **state)
{
    (void)state;
    for (size_t i = 0; i < kt_costly_shape_count; i++) {
        struct judged few, many;
        judge_shape(&kt_costly_shapes[i], kt_costly_shapes[i].most / 20, KT_REVIEW_VALIDATE, &few);
        judge_shape(&kt_costly_shapes[i], kt_costly_shapes[i].most / 2, KT_REVIEW_VALIDATE, &many);
        if (!many.overworked && many.work > 15 * few.work + FIXED_STEPS)
            fail_msg("%s: %llu steps become %llu", kt_costly_shapes[i].name, (unsigned long long)few.work,
                     (unsigned long long)many.work);
    }
}

static const struct kt_costly_shape *shape_named(const char *name)
{
    for (size_t i = 0; i < kt_costly_shape_count; i++)
        if (kt_streq(kt_costly_shapes[i].name, name))
            return &kt_costly_shapes[i];
    fail_msg("no shape %s", name);
    return NULL;
}

static void a_config_map_beyond_the_limit_is_not_read(void **state)
{
    (void)state;
    struct judged judged;
    judge_shape(shape_named("config-too-large"), 7400, KT_REVIEW_VALIDATE, &judged);
    assert_false(judged.summary.allowed);
    assert_false(judged.overworked);
    assert_true(judged.work < FIXED_STEPS);
    assert_non_null(strstr(judged.answer, "its text has 1006438 bytes, and at most 65536 are read"));
    /* One that is just within it is read, and what is wrong with it is told. */
    judge_shape(shape_named("config-too-large"), 480, KT_REVIEW_VALIDATE, &judged);
    assert_null(strstr(judged.answer, "at most 65536"));
    assert_non_null(strstr(judged.answer, "TrainingArguments"));
}

static void the_part_that_is_too_large_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *shape;
        const char *part;
    } rows[] = {
        {"urls-taken", "tuning.input.urls is too large"},
        {"image-long", "tuning.input.image is too large"},
        {"pull-secrets", "tuning.input.imagePullSecrets is too large"},
        {"nodes-labels", "resource.labelSelector is too large"},
        {"nodes-preferred", "resource.preferredNodes is too large"},
        {"template-quantities", "the Workspace is too large"},
        {"config-integers", "the YAML text is too large"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct judged judged;
        const struct kt_costly_shape *shape = shape_named(rows[i].shape);
        judge_shape(shape, shape->most, KT_REVIEW_VALIDATE, &judged);
        if (judged.summary.allowed || !strstr(judged.answer, rows[i].part) || !strstr(judged.answer, "\"code\":413"))
            fail_msg("%s: %.600s", rows[i].shape, judged.answer);
    }
}

static void usual_reviews_are_far_from_the_budget(void **state)
{
    (void)state;
    struct judged judged;
    judge_shape(shape_named("urls-taken"), 1, KT_REVIEW_VALIDATE, &judged);
    assert_true(judged.summary.allowed);
    assert_in_range(judged.work, 1000, KT_LIMIT_REVIEW_WORK / 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_shape_takes_more_than_the_budget),
        cmocka_unit_test(work_grows_no_faster_than_sorting),
        cmocka_unit_test(a_config_map_beyond_the_limit_is_not_read),
        cmocka_unit_test(the_part_that_is_too_large_is_named),
        cmocka_unit_test(usual_reviews_are_far_from_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
