/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is: nothing twice, nothing forgotten, nobody starved, and failures further and further apart. */
#include "tests/lib/cmocka_all.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "webhook/reconcile/work_queue.h"

static _Atomic int64_t now_ms;

static int64_t read_clock(void *context KT_UNUSED)
{
    return now_ms;
}

static const struct kt_clock test_clock = {read_clock, read_clock, NULL};

static int set_up(void **state)
{
    struct kt_work_queue *queue;
    now_ms = 1000000;
    if (kt_work_queue_new(&test_clock, &queue, NULL) != 0)
        return -1;
    *state = queue;
    return 0;
}

static int tear_down(void **state)
{
    kt_heap_fail_from(0);
    kt_work_queue_free(*state);
    return 0;
}

static struct kt_object_key key(const char *name)
{
    struct kt_object_key made = {.namespace_ = "ns"};
    snprintf(made.name, sizeof(made.name), "%s", name);
    return made;
}

static bool add(struct kt_work_queue *queue, const char *name)
{
    struct kt_object_key made = key(name);
    return kt_work_queue_add(queue, &made);
}

static void done(struct kt_work_queue *queue, const char *name)
{
    struct kt_object_key made = key(name);
    kt_work_queue_done(queue, &made);
}

static void retry(struct kt_work_queue *queue, const char *name)
{
    struct kt_object_key made = key(name);
    assert_true(kt_work_queue_retry(queue, &made));
}

static size_t depth(struct kt_work_queue *queue)
{
    return kt_work_queue_figures(queue).depth;
}

/* Only where something waits: otherwise the test would hang. */
static void expect_next(struct kt_work_queue *queue, const char *name)
{
    struct kt_object_key taken;
    assert_true(depth(queue) > 0);
    assert_true(kt_work_queue_take(queue, &taken));
    assert_string_equal(taken.namespace_, "ns");
    assert_string_equal(taken.name, name);
}

/* --- once, and once more -------------------------------------------------------------------------------------------
 */

static void ten_adds_are_one_run(void **state)
{
    struct kt_work_queue *queue = *state;
    for (size_t i = 0; i < 10; i++)
        assert_true(add(queue, "a"));
    expect_next(queue, "a");
    done(queue, "a");
    assert_int_equal(depth(queue), 0);
    assert_int_equal(kt_work_queue_figures(queue).adds, 1);
}

static void adds_during_a_run_are_one_more_run(void **state)
{
    struct kt_work_queue *queue = *state;
    add(queue, "a");
    expect_next(queue, "a");
    for (size_t i = 0; i < 10; i++)
        add(queue, "a");
    assert_int_equal(depth(queue), 0); /* not while the first worker has it */
    done(queue, "a");
    expect_next(queue, "a");
    done(queue, "a");
    assert_int_equal(depth(queue), 0);
}

static void first_come_first_served(void **state)
{
    struct kt_work_queue *queue = *state;
    static const char *const names[] = {"c", "a", "b"};
    for (size_t i = 0; i < 3; i++)
        add(queue, names[i]);
    add(queue, "c"); /* stays where it is */
    expect_next(queue, "c");
    add(queue, "c");
    done(queue, "c"); /* and joins at the end when its turn is over */
    expect_next(queue, "a");
    expect_next(queue, "b");
    expect_next(queue, "c");
}

static void equal_names_in_two_namespaces_are_two_keys(void **state)
{
    struct kt_work_queue *queue = *state;
    static const struct kt_object_key one = {"a", "bc"}, other = {"ab", "c"}, third = {"other", "bc"};
    kt_work_queue_add(queue, &one);
    kt_work_queue_add(queue, &other);
    kt_work_queue_add(queue, &third);
    assert_int_equal(depth(queue), 3);
}

static void done_without_a_take_changes_nothing(void **state)
{
    struct kt_work_queue *queue = *state;
    done(queue, "never");
    add(queue, "a");
    done(queue, "a");
    expect_next(queue, "a");
}

/* --- later ---------------------------------------------------------------------------------------------------------
 */

static void a_delay_is_waited_for_and_the_earlier_one_wins(void **state)
{
    struct kt_work_queue *queue = *state;
    struct kt_object_key a = key("a"), b = key("b");
    kt_work_queue_add_after(queue, &a, 500);
    kt_work_queue_add_after(queue, &b, 300);
    kt_work_queue_add_after(queue, &a, 200);
    kt_work_queue_add_after(queue, &a, 900);
    assert_int_equal(kt_work_queue_figures(queue).delayed, 2);
    now_ms += 199;
    assert_int_equal(depth(queue), 0);
    now_ms += 1;
    expect_next(queue, "a");
    done(queue, "a");
    now_ms += 99;
    assert_int_equal(depth(queue), 0);
    now_ms += 1;
    expect_next(queue, "b");
    now_ms += 10000; /* the later times of a were given up */
    assert_int_equal(depth(queue), 0);
}

static void a_delay_of_nothing_is_no_delay(void **state)
{
    struct kt_work_queue *queue = *state;
    struct kt_object_key a = key("a");
    kt_work_queue_add_after(queue, &a, 0);
    kt_work_queue_add_after(queue, &a, -5);
    expect_next(queue, "a");
    kt_work_queue_add_after(queue, &a, 50);
    now_ms += 50; /* while it is with a worker: once more afterwards */
    assert_int_equal(depth(queue), 0);
    done(queue, "a");
    expect_next(queue, "a");
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void many_delays_come_in_the_order_of_their_times(void **state)
{
    struct kt_work_queue *queue = *state;
    enum { COUNT = 2000 };
    static int64_t delays[COUNT];
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < COUNT; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        delays[i] = 1 + (int64_t)(random % 1000000);
        char name[32];
        snprintf(name, sizeof(name), "%lld-%zu", (long long)delays[i], i);
        struct kt_object_key made = key(name);
        assert_true(kt_work_queue_add_after(queue, &made, delays[i]));
    }
    qsort(delays, COUNT, sizeof(delays[0]), compare_times);
    int64_t start_ms = now_ms;
    for (size_t i = 0; i < COUNT; i++) {
        struct kt_object_key taken;
        if (i == 0 || delays[i - 1] < delays[i]) {
            now_ms = start_ms + delays[i] - 1;
            assert_int_equal(depth(queue), 0);
        }
        now_ms = start_ms + delays[i];
        assert_true(depth(queue) > 0);
        assert_true(kt_work_queue_take(queue, &taken));
        assert_int_equal(strtoll(taken.name, NULL, 10), delays[i]);
        kt_work_queue_done(queue, &taken);
    }
    assert_int_equal(kt_work_queue_figures(queue).delayed, 0);
}

/* --- failures ------------------------------------------------------------------------------------------------------
 */

static void failures_come_further_and_further_apart(void **state)
{
    struct kt_work_queue *queue = *state;
    static const int64_t delays_ms[] = {5,    10,    20,    40,    80,    160,    320,    640,    1280,    2560,
                                        5120, 10240, 20480, 40960, 81920, 163840, 327680, 655360, 1000000, 1000000};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(delays_ms); i++) {
        retry(queue, "a");
        now_ms += delays_ms[i] - 1;
        assert_int_equal(depth(queue), 0);
        now_ms += 1;
        expect_next(queue, "a");
        done(queue, "a");
    }
    struct kt_object_key a = key("a");
    kt_work_queue_forget(queue, &a);
    retry(queue, "a");
    now_ms += 5;
    expect_next(queue, "a");
    assert_int_equal(kt_work_queue_figures(queue).retries, KT_ARRAY_LENGTH(delays_ms) + 1);
}

static void a_failure_of_one_does_not_slow_another(void **state)
{
    struct kt_work_queue *queue = *state;
    for (size_t i = 0; i < 10; i++)
        retry(queue, "bad");
    retry(queue, "good");
    now_ms += 5;
    expect_next(queue, "bad"); /* its first time was the earliest, and stays */
    expect_next(queue, "good");
}

static void all_failures_together_are_ten_a_second(void **state)
{
    struct kt_work_queue *queue = *state;
    char name[32];
    for (size_t i = 0; i < 150; i++) {
        snprintf(name, sizeof(name), "w%zu", i);
        retry(queue, name);
    }
    now_ms += 5;
    assert_int_equal(depth(queue), 100); /* what was in stock */
    now_ms += 995;
    assert_int_equal(depth(queue), 110);
    now_ms += 4000;
    assert_int_equal(depth(queue), 150);
    /* Plain adds are not slowed by it. */
    add(queue, "x");
    assert_int_equal(depth(queue), 151);
}

/* --- figures -------------------------------------------------------------------------------------------------------
 */

static void times_in_the_line_and_with_a_worker_are_counted(void **state)
{
    struct kt_work_queue *queue = *state;
    add(queue, "a");
    add(queue, "b");
    now_ms += 3;
    expect_next(queue, "a");
    now_ms += 40;
    expect_next(queue, "b");
    now_ms += 7;
    struct kt_work_queue_figures figures = kt_work_queue_figures(queue);
    assert_int_equal(figures.processing, 2);
    assert_int_equal(figures.unfinished_ms, 47 + 7);
    assert_int_equal(figures.longest_ms, 47);
    done(queue, "a");
    figures = kt_work_queue_figures(queue);
    assert_int_equal(figures.longest_ms, 7);
    done(queue, "b");
    figures = kt_work_queue_figures(queue);
    assert_int_equal(figures.processing, 0);
    assert_int_equal(figures.unfinished_ms, 0);
    assert_int_equal(figures.waited.sum_ms, 3 + 43);
    assert_int_equal(figures.worked.sum_ms, 47 + 7);
    assert_int_equal(figures.waited.counts[1], 1); /* 3 ms */
    assert_int_equal(figures.waited.counts[3], 1); /* 43 ms */
    add(queue, "a");
    expect_next(queue, "a"); /* the list of those with workers is still sound */
    done(queue, "a");
}

/* --- limits --------------------------------------------------------------------------------------------------------
 */

static void beyond_the_limit_a_key_is_refused_and_comes_when_there_is_room(void **state)
{
    struct kt_work_queue *queue = *state;
    struct kt_object_key taken;
    char name[32];
    for (size_t i = 0; i < KT_LIMIT_QUEUE_KEYS; i++) {
        snprintf(name, sizeof(name), "w%zu", i);
        assert_true(add(queue, name));
    }
    assert_false(add(queue, "one-more"));
    assert_true(add(queue, "w7")); /* is there already */
    struct kt_object_key more = key("one-more");
    assert_false(kt_work_queue_add_after(queue, &more, 10));
    assert_false(kt_work_queue_retry(queue, &more));
    for (size_t i = 0; i < KT_LIMIT_QUEUE_KEYS; i++) {
        assert_true(kt_work_queue_take(queue, &taken));
        kt_work_queue_done(queue, &taken);
    }
    assert_true(add(queue, "one-more"));
    assert_int_equal(depth(queue), 1);
}

static void without_memory_a_key_is_refused(void **state)
{
    struct kt_work_queue *queue = *state;
    struct kt_object_key a = key("a");
    kt_heap_fail_from(1);
    assert_false(kt_work_queue_add(queue, &a));
    kt_heap_fail_from(2); /* the item, but no place among those that wait for their time */
    assert_false(kt_work_queue_add_after(queue, &a, 10));
    kt_heap_fail_from(0);
    assert_true(kt_work_queue_add(queue, &a));
    expect_next(queue, "a");
}

/* --- threads -------------------------------------------------------------------------------------------------------
 */

#define KEYS 40
#define ADDS 20000
#define WORKERS 4

struct shared {
    struct kt_work_queue *queue;
    atomic_int busy[KEYS];
    atomic_int added[KEYS], seen[KEYS]; /* what was put in; what a worker saw when it took the key */
    atomic_int overlaps;
    atomic_bool adding_is_over;
};

static void *work(void *context)
{
    struct shared *shared = context;
    struct kt_object_key taken;
    while (kt_work_queue_take(shared->queue, &taken)) {
        size_t number = strtoul(taken.name, NULL, 10);
        if (atomic_fetch_add(&shared->busy[number], 1) != 0)
            atomic_fetch_add(&shared->overlaps, 1);
        atomic_store(&shared->seen[number], atomic_load(&shared->added[number]));
        atomic_fetch_sub(&shared->busy[number], 1);
        kt_work_queue_done(shared->queue, &taken);
    }
    return NULL;
}

static void *add_many(void *context)
{
    struct shared *shared = context;
    for (size_t i = 0; i < ADDS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%zu", i * 7 % KEYS);
        struct kt_object_key made = key(name);
        atomic_fetch_add(&shared->added[i * 7 % KEYS], 1);
        if (i % 3 == 0)
            kt_work_queue_add_after(shared->queue, &made, 1);
        else
            kt_work_queue_add(shared->queue, &made);
    }
    return NULL;
}

static bool all_is_seen(struct shared *shared)
{
    for (size_t i = 0; i < KEYS; i++)
        if (atomic_load(&shared->added[i]) != atomic_load(&shared->seen[i]))
            return false;
    return true;
}

static void never_two_workers_on_a_key_and_nothing_is_lost(void **state KT_UNUSED)
{
    static struct shared shared;
    memset(&shared, 0, sizeof(shared));
    assert_int_equal(kt_work_queue_new(&kt_clock_system, &shared.queue, NULL), 0);
    pthread_t workers[WORKERS], adders[2];
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, work, &shared), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&adders[i], NULL, add_many, &shared), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(adders[i], NULL);
    /* The last add of each key must be followed by a run that sees it. */
    int64_t deadline_ms = kt_clock_monotonic_ms(&kt_clock_system) + 60000;
    while (!all_is_seen(&shared) && kt_clock_monotonic_ms(&kt_clock_system) < deadline_ms)
        poll(NULL, 0, 2);
    assert_true(all_is_seen(&shared));
    kt_work_queue_shut_down(shared.queue);
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    assert_int_equal(shared.overlaps, 0);
    kt_work_queue_free(shared.queue);
}

static void *take_one(void *context)
{
    struct kt_object_key taken;
    static char name[KT_ARRAY_LENGTH(taken.name)];
    if (!kt_work_queue_take(context, &taken))
        return NULL;
    memcpy(name, taken.name, sizeof(name));
    return name;
}

static void a_sleeping_worker_wakes_when_a_delay_is_over(void **state KT_UNUSED)
{
    struct kt_work_queue *queue;
    struct kt_object_key late = key("late"), soon = key("soon");
    pthread_t worker;
    void *name;
    assert_int_equal(kt_work_queue_new(&kt_clock_system, &queue, NULL), 0);
    assert_int_equal(pthread_create(&worker, NULL, take_one, queue), 0);
    int64_t start_ms = kt_clock_monotonic_ms(&kt_clock_system);
    kt_work_queue_add_after(queue, &late, 600000);
    kt_work_queue_add_after(queue, &soon, 50);
    pthread_join(worker, &name);
    int64_t waited_ms = kt_clock_monotonic_ms(&kt_clock_system) - start_ms;
    assert_non_null(name);
    assert_string_equal(name, "soon");
    assert_in_range(waited_ms, 49, 30000);
    kt_work_queue_free(queue);
}

static void shutting_down_wakes_all_who_wait(void **state)
{
    struct kt_work_queue *queue = *state;
    pthread_t workers[WORKERS];
    void *name;
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, take_one, queue), 0);
    kt_work_queue_shut_down(queue);
    for (size_t i = 0; i < WORKERS; i++) {
        pthread_join(workers[i], &name);
        assert_null(name);
    }
    assert_false(add(queue, "too-late"));
    assert_null(take_one(queue));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_adds_are_one_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(adds_during_a_run_are_one_more_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(first_come_first_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equal_names_in_two_namespaces_are_two_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(done_without_a_take_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_delay_is_waited_for_and_the_earlier_one_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_delay_of_nothing_is_no_delay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_delays_come_in_the_order_of_their_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_come_further_and_further_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_of_one_does_not_slow_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_failures_together_are_ten_a_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_in_the_line_and_with_a_worker_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(beyond_the_limit_a_key_is_refused_and_comes_when_there_is_room, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_memory_a_key_is_refused, set_up, tear_down),
        cmocka_unit_test(never_two_workers_on_a_key_and_nothing_is_lost),
        cmocka_unit_test(a_sleeping_worker_wakes_when_a_delay_is_over),
        cmocka_unit_test_setup_teardown(shutting_down_wakes_all_who_wait, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
