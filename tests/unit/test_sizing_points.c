/* SPDX-License-Identifier: Apache-2.0 */
/* The tuning estimate against published memory figures and against the reference implementation's answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/limits.h"
#include "tests/lib/tuning_cases.h"

#define TOLERANCE 0.001
#define GIB ((double)KT_GIB)

static bool near(double ours, double theirs)
{
    return fabs(ours - theirs) <= TOLERANCE * fabs(theirs);
}

static double sum_of_parts(const struct kt_tuning_estimate *e)
{
    return e->weights_bytes + e->adapter_bytes + e->activation_bytes + e->logits_bytes;
}

/* --- published figures ----------------------------------------------------------------------------------------------
 */

enum point_column { MEASURE = KT_TUNING_CASE_COLUMNS, ESTIMATE, REPORTED, ROW, DEMAND, SOURCE, POINT_COLUMNS_END };

static double measured_gib(const struct kt_tuning_case *item)
{
    struct kt_tuning_estimate e = kt_sizing_tuning(&item->input);
    bool tensors = kt_streq(item->row->cells[MEASURE], "tensors");
    return (tensors ? e.total_bytes - e.overhead_bytes : e.total_bytes) / GIB;
}

static void every_point_gives_the_reference_estimate(void **state)
{
    struct kt_arena *arena = *state;
    size_t count;
    size_t wrong = 0;
    const struct kt_tuning_case *cases = kt_test_tuning_cases(arena, "tests/unit/data/sizing/points.tsv",
                                                              POINT_COLUMNS_END - KT_TUNING_CASE_COLUMNS, &count);
    assert_int_equal(count, 61);
    for (size_t i = 0; i < count; i++) {
        double ours = measured_gib(&cases[i]);
        if (!near(ours, kt_tsv_number(cases[i].row, ESTIMATE))) {
            print_error("points.tsv:%zu: %.4f GiB, not %s\n", cases[i].row->line, ours, cases[i].row->cells[ESTIMATE]);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static bool meets_demand(const char *demand, double ours, double reported)
{
    double error = ours / reported - 1;
    if (kt_streq(demand, "over")) {
        return error > 0;
    }
    if (kt_streq(demand, "below")) {
        return error < 0;
    }
    return fabs(error) <= (kt_streq(demand, "16") ? 0.16 : 0.20);
}

static void the_acceptance_rows_meet_their_tolerances(void **state)
{
    struct kt_arena *arena = *state;
    size_t count;
    uint64_t rows = 0;
    size_t wrong = 0;
    const struct kt_tuning_case *cases = kt_test_tuning_cases(arena, "tests/unit/data/sizing/points.tsv",
                                                              POINT_COLUMNS_END - KT_TUNING_CASE_COLUMNS, &count);
    for (size_t i = 0; i < count; i++) {
        const struct kt_tsv_row *row = cases[i].row;
        if (kt_streq(row->cells[ROW], "-")) {
            continue;
        }
        rows |= UINT64_C(1) << kt_tsv_u32(row, ROW);
        if (!meets_demand(row->cells[DEMAND], measured_gib(&cases[i]), kt_tsv_number(row, REPORTED))) {
            print_error("row %s: %.2f GiB for reported %s (%s)\n", row->cells[ROW], measured_gib(&cases[i]),
                        row->cells[REPORTED], row->cells[DEMAND]);
            wrong++;
        }
    }
    assert_int_equal(rows, (UINT64_C(1) << 42) - 2); /* rows 1 to 41 */
    assert_int_equal(wrong, 0);
}

/* The errors that the documents state: over all points, and how far below reality we ever are. */
static void the_stated_accuracy_holds(void **state)
{
    struct kt_arena *arena = *state;
    size_t count;
    double sum = 0;
    double worst = 0;
    const struct kt_tuning_case *cases = kt_test_tuning_cases(arena, "tests/unit/data/sizing/points.tsv",
                                                              POINT_COLUMNS_END - KT_TUNING_CASE_COLUMNS, &count);
    for (size_t i = 0; i < count; i++) {
        double error = measured_gib(&cases[i]) / kt_tsv_number(cases[i].row, REPORTED) - 1;
        sum += fabs(error);
        worst = KT_MIN(worst, error);
    }
    assert_true(sum / (double)count < 0.09);
    assert_true(worst > -(1 - KT_TIGHT_SHARE) - 0.002); /* the room that "tight" leaves covers it */
}

/* --- the grid -------------------------------------------------------------------------------------------------------
 */

enum grid_column { WEIGHTS = KT_TUNING_CASE_COLUMNS, ADAPTER, ACTIVATION, TOTAL, PARAMETERS, GRID_COLUMNS_END };

static void the_grid_agrees_part_by_part(void **state)
{
    struct kt_arena *arena = *state;
    size_t count;
    size_t wrong = 0;
    const struct kt_tuning_case *cases = kt_test_tuning_cases(arena, "tests/unit/data/sizing/grid.tsv",
                                                              GRID_COLUMNS_END - KT_TUNING_CASE_COLUMNS, &count);
    assert_true(count >= 500);
    for (size_t i = 0; i < count; i++) {
        const struct kt_tsv_row *row = cases[i].row;
        struct kt_tuning_estimate e = kt_sizing_tuning(&cases[i].input);
        bool parts_ok =
            e.activation_bytes > 0 && e.logits_bytes >= 0 && near(sum_of_parts(&e) + e.overhead_bytes, e.total_bytes);
        if (!near(e.weights_bytes, kt_tsv_number(row, WEIGHTS)) ||
            !near(e.adapter_bytes, kt_tsv_number(row, ADAPTER)) ||
            !near(e.activation_bytes + e.logits_bytes, kt_tsv_number(row, ACTIVATION)) ||
            !near(e.total_bytes, kt_tsv_number(row, TOTAL)) ||
            (double)e.adapter_parameters != kt_tsv_number(row, PARAMETERS) || !parts_ok) {
            print_error("grid.tsv:%zu: total %.0f, not %s\n", row->line, e.total_bytes, row->cells[TOTAL]);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static int setup(void **state)
{
    static struct kt_arena arena;
    kt_arena_init(&arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    *state = &arena;
    return 0;
}

static int teardown(void **state)
{
    kt_arena_release(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_point_gives_the_reference_estimate, setup, teardown),
        cmocka_unit_test_setup_teardown(the_acceptance_rows_meet_their_tolerances, setup, teardown),
        cmocka_unit_test_setup_teardown(the_stated_accuracy_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(the_grid_agrees_part_by_part, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
