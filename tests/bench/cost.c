/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hostile reviews cost. Usage: cost [SHAPE ITEMS]...
 *
 * Each review is judged once, in a process that has loaded its tables, inside measured_review: under callgrind
 * --dump-after=measured_review each makes a file of its own, in the order of the lines that are printed (cost.sh). With
 * "all" in place of SHAPE every shape is made with ITEMS in 100 of the most that the limits let through.
 *
 * A line: shape, items, bytes of the body, steps of work, arena bytes, and what became of it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tests/lib/costly_review.h"

struct measured {
    struct kt_arena arena;
    struct kt_strbuf answer;
    struct kt_review_summary summary;
    struct kt_error error;
};

__attribute__((noinline)) int measured_review(struct measured *measured, const struct kt_costly_review *review);

int measured_review(struct measured *measured, const struct kt_costly_review *review)
{
    return kt_review_answer(&measured->arena, KT_REVIEW_VALIDATE, review->body, &review->settings, &review->cluster,
                            &measured->answer, &measured->summary, &measured->error);
}

static const char *outcome(const struct measured *measured, int code)
{
    return code != 0                    ? "no review"
           : measured->summary.allowed  ? "allowed"
           : measured->arena.overworked ? "refused: too much work"
           : measured->arena.failed     ? "refused: too much memory"
                                        : "refused";
}

static int judge(struct measured *measured, const struct kt_costly_shape *shape, size_t items, bool quiet)
{
    KT_CLEANUP(kt_costly_review_release) struct kt_costly_review review = {.body = {NULL, 0}};
    if (!kt_costly_review_make(shape, items, &review)) {
        fprintf(stderr, "error: no memory to make %s\n", shape->name);
        return 1;
    }
    if (review.body.length > KT_LIMIT_REVIEW_BODY_BYTES)
        review.body.length = KT_LIMIT_REVIEW_BODY_BYTES; /* no server reads on: what there is cannot be parsed */
    kt_strbuf_clear(&measured->answer);
    measured->arena.high_water_bytes = 0;
    int code = measured_review(measured, &review);
    if (!quiet)
        printf("%s\t%zu\t%zu\t%llu\t%zu\t%s\n", shape->name, items, review.body.length,
               (unsigned long long)measured->arena.work, measured->arena.high_water_bytes, outcome(measured, code));
    kt_arena_reset(&measured->arena);
    return 0;
}

static int judge_named(struct measured *measured, const char *name, size_t items)
{
    bool is_all = kt_streq(name, "all");
    int code = 0;
    size_t found = 0;
    for (size_t i = 0; i < kt_costly_shape_count && code == 0; i++) {
        const struct kt_costly_shape *shape = &kt_costly_shapes[i];
        if (!is_all && !kt_streq(shape->name, name))
            continue;
        code = judge(measured, shape, is_all ? shape->most * items / 100 : items, false);
        found++;
    }
    if (found == 0)
        fprintf(stderr, "error: no shape %s\n", name);
    return found == 0 ? 2 : code;
}

int main(int argc, char **argv)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf none = {0};
    struct measured measured = {.answer = none};
    kt_arena_init(&measured.arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_strbuf_init(&measured.answer, NULL, KT_LIMIT_REVIEW_ARENA_BYTES);
    int code = judge(&measured, &kt_costly_shapes[0], 1, true); /* loads the tables */
    for (int i = 1; i + 1 < argc && code == 0; i += 2)
        code = judge_named(&measured, argv[i], (size_t)strtoul(argv[i + 1], NULL, 10));
    kt_strbuf_release(&measured.answer);
    kt_arena_release(&measured.arena);
    return code;
}
