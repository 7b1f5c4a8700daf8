/* SPDX-License-Identifier: Apache-2.0 */
/* Who goes when there is no room: never before, and always somebody of the address that holds most. */
#include "webhook/serve/connection_table.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/lib/cmocka_all.h"

#define LIMIT 64
#define API_SERVER 2
#define ATTACKER 3

struct fixture {
    struct kt_connection_table table;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct kt_error error;
    assert_int_equal(kt_connection_table_init(&fixture.table, LIMIT, &error), 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kt_connection_table_release(&fixture->table);
    return 0;
}

static struct kt_connection_place *join(struct fixture *fixture, uint32_t address, int64_t now_ms)
{
    struct kt_connection_place *place = kt_connection_table_join(&fixture->table, address, -1, now_ms);
    assert_non_null(place);
    return place;
}

/* One that has had its first answer at this time. */
static struct kt_connection_place *join_used(struct fixture *fixture, uint32_t address, int64_t now_ms)
{
    struct kt_connection_place *place = join(fixture, address, now_ms);
    kt_connection_table_note(place, KT_CONNECTION_WAITING, false, now_ms);
    return place;
}

static size_t count_going(const struct fixture *fixture, uint32_t address)
{
    size_t count = 0;
    for (size_t i = 0; i < fixture->table.place_count; i++)
        count += fixture->table.places[i].taken && fixture->table.places[i].address == address &&
                 kt_connection_must_go(&fixture->table.places[i]);
    return count;
}

static size_t count_all_going(const struct fixture *fixture)
{
    return atomic_load(&fixture->table.going);
}

static void nobody_goes_while_there_is_room(void **state)
{
    struct fixture *fixture = *state;
    struct kt_connection_place *last = NULL;
    for (size_t i = 0; i < LIMIT; i++)
        last = join(fixture, ATTACKER, 0);
    assert_int_equal(count_all_going(fixture), 0);
    kt_connection_table_leave(&fixture->table, last);
    join(fixture, API_SERVER, 100000);
    assert_int_equal(count_all_going(fixture), 0);
    join(fixture, API_SERVER, 100000);
    assert_int_equal(count_all_going(fixture), 1);
    assert_int_equal(count_going(fixture, ATTACKER), 1);
}

/* The API server has most connections of all; those that only connect go nevertheless, the oldest first. */
static void those_that_never_asked_go_first(void **state)
{
    struct fixture *fixture = *state;
    struct kt_connection_place *oldest = NULL;
    for (size_t i = 0; i < LIMIT - 4; i++)
        join_used(fixture, API_SERVER, 0);
    for (int64_t i = 0; i < 4; i++) {
        struct kt_connection_place *place = join(fixture, ATTACKER + (uint32_t)i, 10 + i);
        oldest = oldest ? oldest : place;
    }
    join(fixture, 99, 10000);
    assert_true(kt_connection_must_go(oldest));
    for (size_t i = 0; i < 3; i++)
        join(fixture, 99, 10000);
    assert_int_equal(count_going(fixture, API_SERVER), 0);
    assert_int_equal(count_all_going(fixture), 4);
}

/* A newcomer is given time for its first request, unless its address has very many of its kind. */
static void newcomers_have_time_and_a_flood_has_not(void **state)
{
    struct fixture *fixture = *state;
    struct kt_connection_place *first = join_used(fixture, API_SERVER, 0);
    for (size_t i = 0; i < LIMIT - 2; i++)
        join_used(fixture, ATTACKER, 5);
    struct kt_connection_place *newcomer = join(fixture, API_SERVER, 1000);
    join(fixture, API_SERVER, 1000 + KT_CONNECTION_GRACE_MS - 1);
    assert_false(kt_connection_must_go(newcomer));
    assert_false(kt_connection_must_go(first));
    assert_int_equal(count_going(fixture, ATTACKER), 1);
    /* The flood: more than an eighth of the limit, all of them fresh. */
    for (size_t i = 0; i < 2 * LIMIT / 8; i++)
        join(fixture, ATTACKER + 1, 1100);
    assert_true(count_going(fixture, ATTACKER + 1) > 0);
    assert_false(kt_connection_must_go(newcomer));
}

static void of_the_used_ones_the_longest_idle_of_the_largest_address_goes(void **state)
{
    struct fixture *fixture = *state;
    struct kt_connection_place *kept[20], *attackers[LIMIT];
    for (size_t i = 0; i < 20; i++)
        kept[i] = join_used(fixture, API_SERVER, 0); /* idle for longer than all others */
    for (size_t i = 0; i < LIMIT - 20; i++)
        attackers[i] = join_used(fixture, ATTACKER, 1000 + (int64_t)i);
    /* One of them asks again. */
    kt_connection_table_note(attackers[0], KT_CONNECTION_ANSWERING, false, 5000);
    kt_connection_table_note(attackers[0], KT_CONNECTION_WAITING, false, 5001);
    join(fixture, 7, 6000);
    assert_false(kt_connection_must_go(attackers[0]));
    assert_true(kt_connection_must_go(attackers[1]));
    for (size_t i = 0; i < 20; i++)
        assert_false(kt_connection_must_go(kept[i]));
}

static void one_that_answers_goes_last(void **state)
{
    struct fixture *fixture = *state;
    struct kt_connection_place *places[LIMIT];
    for (size_t i = 0; i < LIMIT; i++) {
        places[i] = join(fixture, ATTACKER, 0);
        kt_connection_table_note(places[i], i == 9 ? KT_CONNECTION_RECEIVING : KT_CONNECTION_ANSWERING, false, 10);
    }
    join_used(fixture, 7, 20);
    assert_true(kt_connection_must_go(places[9]));
    assert_int_equal(count_all_going(fixture), 1);
}

/* Who has had an answer and then drips the next request does not push out those that wait for one. */
static void a_request_that_stalls_goes_before_those_that_wait(void **state)
{
    struct fixture *fixture = *state;
    struct kt_connection_place *kept = join_used(fixture, API_SERVER, 0);
    struct kt_connection_place *dripping[LIMIT];
    for (size_t i = 0; i + 1 < LIMIT; i++) {
        dripping[i] = join_used(fixture, ATTACKER, 0);
        kt_connection_table_note(dripping[i], KT_CONNECTION_RECEIVING, false, 1000);
    }
    join_used(fixture, 7, 1000 + KT_CONNECTION_STALL_MS);
    assert_false(kt_connection_must_go(kept));
    assert_int_equal(count_going(fixture, ATTACKER), 1);
}

/* A request that came and went in one move counts: the connection is not the longest idle. */
static void a_request_that_is_answered_at_once_is_one(void **state)
{
    struct fixture *fixture = *state;
    struct kt_connection_place *places[LIMIT];
    for (size_t i = 0; i < LIMIT; i++)
        places[i] = join_used(fixture, API_SERVER, (int64_t)i);
    kt_connection_table_note(places[0], KT_CONNECTION_WAITING, true, 5000);
    join_used(fixture, 7, 6000);
    assert_false(kt_connection_must_go(places[0]));
    assert_true(kt_connection_must_go(places[1]));
}

/* The owner is woken, and until it has closed enough of those told to go nobody else comes in. */
static void owners_are_told_and_the_spare_places_are_few(void **state)
{
    struct fixture *fixture = *state;
    int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct kt_connection_place *places[LIMIT];
    for (size_t i = 0; i < LIMIT; i++)
        places[i] = kt_connection_table_join(&fixture->table, ATTACKER, wake, 0);
    uint64_t told = 0;
    assert_int_equal(read(wake, &told, sizeof(told)), -1);
    size_t more = 0;
    struct kt_connection_place *place;
    while ((place = kt_connection_table_join(&fixture->table, API_SERVER, -1, 1000)) != NULL) {
        kt_connection_table_note(place, KT_CONNECTION_ANSWERING, false, 1000);
        more++;
    }
    assert_int_equal(more, KT_CONNECTION_TABLE_SPARE);
    assert_int_equal(read(wake, &told, sizeof(told)), sizeof(told));
    assert_int_equal(told, LIMIT);
    for (size_t i = 0; i < LIMIT; i++) {
        assert_true(kt_connection_must_go(places[i]));
        kt_connection_table_leave(&fixture->table, places[i]);
    }
    assert_non_null(kt_connection_table_join(&fixture->table, API_SERVER, -1, 1001));
    close(wake);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nobody_goes_while_there_is_room),
        TEST(those_that_never_asked_go_first),
        TEST(newcomers_have_time_and_a_flood_has_not),
        TEST(of_the_used_ones_the_longest_idle_of_the_largest_address_goes),
        TEST(one_that_answers_goes_last),
        TEST(a_request_that_stalls_goes_before_those_that_wait),
        TEST(a_request_that_is_answered_at_once_is_one),
        TEST(owners_are_told_and_the_spare_places_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
