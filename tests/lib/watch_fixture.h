/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted API server and a watcher that writes down what it is told; for the tests of the watch. One a program. */
#ifndef KT_TESTS_LIB_WATCH_FIXTURE_H
#define KT_TESTS_LIB_WATCH_FIXTURE_H

#include "kube/watch.h"
#include "tests/lib/api_fixture.h"

#define EVENT(type, name, version)                                                             \
    "{\"type\":\"" type "\",\"object\":{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name \
    "\",\"resourceVersion\":\"" version "\"}}}\n"
#define LIST(items) "{\"kind\":\"ConfigMapList\",\"metadata\":{\"resourceVersion\":\"10\"},\"items\":[" items "]}"
#define ITEM(name) "{\"metadata\":{\"name\":\"" name "\"}}"
#define STATUS(code, reason) \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"" reason "\",\"message\":\"m\",\"code\":" #code "}"
#define ERROR_EVENT(code, reason) "{\"type\":\"ERROR\",\"object\":" STATUS(code, reason) "}\n"

/* What the server does with one request; after the last it holds still. */
enum kt_step_end { END_CLEAN, END_CUT, END_HOLD };

struct kt_step {
    bool watch; /* what kind of request must come */
    int code;
    const char *headers;
    const char *body; /* of a watch: pieces of the stream, separated by '|' */
    enum kt_step_end end;
};

struct kt_script {
    const struct kt_step *steps;
    size_t count;
};

extern struct kt_api_fixture kt_watch_fixture;
extern struct kt_script kt_watch_script;
extern struct kt_watch_options kt_watch_options_used; /* short delays, so that tests are short */
extern char kt_watch_told[16384];                     /* "restarted added:a synced:10 trouble:limit ..." */
extern const char *kt_watch_end_after;                /* the watch ends when this has been told ... */
extern bool kt_watch_stop_after;                      /* ... by the stop descriptor instead of the callback's result */
extern int kt_watch_stop_ends[2];                     /* a pipe whose first end is the client's stop_fd */
extern int64_t kt_watch_delays_ms[64];                /* of the troubles */
extern size_t kt_watch_delay_count;
extern struct kt_error kt_watch_last_trouble;

/* For cmocka's set-up and tear-down. */
int kt_watch_set_up(void **state);
int kt_watch_tear_down(void **state);
void kt_watch_start_over(void);

/* Runs the watch as the variables above say. */
int kt_watch_run_script(void);
/* Runs the steps until `end` has been told, and compares all that was told. */
void kt_watch_expect(const struct kt_step *steps, size_t count, const char *end, const char *all);
#define EXPECT(steps, end, all) kt_watch_expect(steps, KT_ARRAY_LENGTH(steps), end, all)
/* Path and query of a request that has come. */
const char *kt_watch_target(size_t index);

#endif
