/* SPDX-License-Identifier: Apache-2.0 */
/* The reconciler's figures on /metrics: there while it runs, under the names that dashboards know. */
#include "tests/lib/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "webhook/reconcile/metrics.h"
#include "webhook/serve/metrics.h"

struct fixture {
    struct kt_metrics metrics;
    struct kt_reconcile_figures figures;
    struct kt_work_queue *queue;
    struct kt_strbuf text;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    kt_strbuf_init(&fixture.text, NULL, KT_MIB);
    *state = &fixture;
    return kt_work_queue_new(&kt_clock_system, &fixture.queue, NULL);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kt_reconcile_figures_stop(&fixture->figures);
    kt_work_queue_free(fixture->queue);
    kt_strbuf_release(&fixture->text);
    return 0;
}

static const char *exposed(struct fixture *fixture)
{
    kt_strbuf_clear(&fixture->text);
    kt_metrics_write(&fixture->metrics, &fixture->text);
    assert_false(fixture->text.failed);
    return fixture->text.data;
}

static void expect_line(struct fixture *fixture, const char *line)
{
    const char *found = strstr(exposed(fixture), line);
    if (!found || (found != fixture->text.data && found[-1] != '\n') || found[strlen(line)] != '\n')
        fail_msg("no line %s in\n%s", line, fixture->text.data);
}

static void figures_are_shown_while_the_reconciler_runs(void **state)
{
    struct fixture *fixture = *state;
    assert_null(strstr(exposed(fixture), "controller_runtime_reconcile_total"));
    kt_reconcile_figures_start(&fixture->figures, fixture->queue, 3);
    assert_non_null(strstr(exposed(fixture), "controller_runtime_reconcile_total"));
    assert_non_null(strstr(exposed(fixture), "process_cpu_seconds_total"));
    kt_reconcile_figures_stop(&fixture->figures);
    assert_null(strstr(exposed(fixture), "controller_runtime_reconcile_total"));
    kt_reconcile_figures_start(&fixture->figures, fixture->queue, 3); /* as after a lost and regained lease */
    assert_non_null(strstr(exposed(fixture), "controller_runtime_reconcile_total"));
}

static void looks_are_counted_by_their_end(void **state)
{
    struct fixture *fixture = *state;
    kt_reconcile_figures_start(&fixture->figures, fixture->queue, 3);
    kt_reconcile_figures_begin(&fixture->figures);
    expect_line(fixture, "controller_runtime_active_workers{controller=\"workspace\"} 1");
    kt_reconcile_figures_end(&fixture->figures, KT_RECONCILE_SUCCESS, 2000);
    kt_reconcile_figures_begin(&fixture->figures);
    kt_reconcile_figures_end(&fixture->figures, KT_RECONCILE_ERROR, 20000000);
    kt_reconcile_figures_begin(&fixture->figures);
    kt_reconcile_figures_end(&fixture->figures, KT_RECONCILE_ERROR, -1);
    static const char *const lines[] = {
        "controller_runtime_active_workers{controller=\"workspace\"} 0",
        "controller_runtime_max_concurrent_reconciles{controller=\"workspace\"} 3",
        "controller_runtime_reconcile_total{controller=\"workspace\",result=\"success\"} 1",
        "controller_runtime_reconcile_total{controller=\"workspace\",result=\"error\"} 2",
        "controller_runtime_reconcile_total{controller=\"workspace\",result=\"requeue_after\"} 0",
        "controller_runtime_reconcile_errors_total{controller=\"workspace\"} 2",
        "# TYPE controller_runtime_reconcile_time_seconds histogram",
        "controller_runtime_reconcile_time_seconds_bucket{controller=\"workspace\",le=\"0.001\"} 1",
        "controller_runtime_reconcile_time_seconds_bucket{controller=\"workspace\",le=\"0.0025\"} 2",
        "controller_runtime_reconcile_time_seconds_bucket{controller=\"workspace\",le=\"10\"} 2",
        "controller_runtime_reconcile_time_seconds_bucket{controller=\"workspace\",le=\"+Inf\"} 3",
        "controller_runtime_reconcile_time_seconds_sum{controller=\"workspace\"} 20.001999999999999",
        "controller_runtime_reconcile_time_seconds_count{controller=\"workspace\"} 3",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(lines); i++)
        expect_line(fixture, lines[i]);
}

static void the_queue_is_shown(void **state)
{
    struct fixture *fixture = *state;
    static const struct kt_object_key a = {"ns", "a"}, b = {"ns", "b"};
    struct kt_object_key taken;
    kt_reconcile_figures_start(&fixture->figures, fixture->queue, 1);
    expect_line(fixture, "workqueue_depth{controller=\"workspace\",name=\"workspace\"} 0");
    kt_work_queue_add(fixture->queue, &a);
    kt_work_queue_add(fixture->queue, &b);
    kt_work_queue_retry(fixture->queue, &b);
    assert_true(kt_work_queue_take(fixture->queue, &taken));
    expect_line(fixture, "workqueue_depth{controller=\"workspace\",name=\"workspace\"} 1");
    expect_line(fixture, "workqueue_retries_total{controller=\"workspace\",name=\"workspace\"} 1");
    expect_line(fixture,
                "workqueue_queue_duration_seconds_bucket{controller=\"workspace\",name=\"workspace\",le=\"+Inf\"} 1");
    expect_line(fixture, "workqueue_work_duration_seconds_count{controller=\"workspace\",name=\"workspace\"} 0");
    kt_work_queue_done(fixture->queue, &taken);
    expect_line(fixture, "workqueue_work_duration_seconds_count{controller=\"workspace\",name=\"workspace\"} 1");
    expect_line(fixture, "workqueue_unfinished_work_seconds{controller=\"workspace\",name=\"workspace\"} 0");
    expect_line(fixture, "workqueue_longest_running_processor_seconds{controller=\"workspace\",name=\"workspace\"} 0");
    assert_non_null(strstr(exposed(fixture), "\nworkqueue_adds_total{controller=\"workspace\",name=\"workspace\"} "));
}

static void write_nothing(void *context KT_UNUSED, struct kt_strbuf *buffer KT_UNUSED)
{
}

static void there_is_room_for_so_many_sources(void **state KT_UNUSED)
{
    static int contexts[KT_METRICS_SOURCES + 1];
    for (size_t i = 0; i < KT_METRICS_SOURCES; i++)
        assert_true(kt_metrics_add_source(write_nothing, &contexts[i]));
    assert_false(kt_metrics_add_source(write_nothing, &contexts[KT_METRICS_SOURCES]));
    for (size_t i = 0; i <= KT_METRICS_SOURCES; i++)
        kt_metrics_drop_source(&contexts[i]);
    assert_true(kt_metrics_add_source(write_nothing, &contexts[0]));
    kt_metrics_drop_source(&contexts[0]);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(figures_are_shown_while_the_reconciler_runs),
        TEST(looks_are_counted_by_their_end),
        TEST(the_queue_is_shown),
        TEST(there_is_room_for_so_many_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
