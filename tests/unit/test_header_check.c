/* SPDX-License-Identifier: Apache-2.0 */
/* What may pass to the HTTP parser, and what is turned away before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webhook/serve/header_check.h"

#define BODY_LIMIT 1000

static struct kt_header_verdict check(const char *block)
{
    struct kt_str text = kt_str(block);
    assert_int_equal(kt_header_block_length(text), text.length);
    return kt_header_check(text, BODY_LIMIT);
}

static void accepts_what_the_api_server_sends(void **state)
{
    (void)state;
    struct kt_header_verdict verdict = check(
        "POST /validate-workspace?timeout=5s HTTP/1.1\r\nHost: a.b.svc:443\r\nUser-Agent: kube-apiserver-admission\r\n"
        "Content-Length: 42\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n"
        "Accept-Encoding: gzip\r\n\r\n");
    assert_int_equal(verdict.status, 0);
    assert_int_equal(verdict.content_length, 42);
}

static void waits_for_the_end_of_the_block(void **state)
{
    (void)state;
    assert_int_equal(kt_header_block_length(KT_STR("POST / HTTP/1.1\r\nHost: a\r\n")), 0);
    assert_int_equal(kt_header_block_length(KT_STR("")), 0);
    assert_int_equal(kt_header_block_length(KT_STR("a\r\n\r\nrest")), 5);
}

static void refuses_each_ambiguity(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *block;
        int status;
    } rows[] = {
        {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         501},
        {"no length", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", 411},
        {"empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400},
        {"signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
        {"hex length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400},
        {"list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400},
        {"length beyond the limit", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413},
        {"length beyond 64 bits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413},
        {"no host", "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", 400},
        {"two hosts", "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1\r\n\r\n", 400},
        {"space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\n", 400},
        {"folded line", "POST / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\nContent-Length: 1\r\n\r\n", 400},
        {"bare line feed", "POST / HTTP/1.1\nHost: a\r\nContent-Length: 1\r\n\r\n", 400},
        {"bare carriage return", "POST / HTTP/1.1\r\nHost: a\rX: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"control byte in a value", "POST / HTTP/1.1\r\nHost: a\x01\r\nContent-Length: 1\r\n\r\n", 400},
        {"empty name", "POST / HTTP/1.1\r\n: a\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 400},
        {"no colon", "POST / HTTP/1.1\r\nHost a\r\nContent-Length: 1\r\n\r\n", 400},
        {"GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405},
        {"odd method", "PO(ST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 400},
        {"HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 505},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n", 505},
        {"no version", "POST /\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 400},
        {"relative target", "POST x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 400},
        {"absolute target", "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 400},
        {"empty", "\r\n\r\n", 400},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_header_verdict verdict = check(rows[i].block);
        if (verdict.status != rows[i].status)
            fail_msg("%s: got %d, wanted %d (%s)", rows[i].what, verdict.status, rows[i].status,
                     verdict.reason ? verdict.reason : "accepted");
        assert_non_null(verdict.reason);
    }
}

static void refuses_a_nul_byte(void **state)
{
    (void)state;
    static const char block[] = "POST / HTTP/1.1\r\nHost: a\0b\r\nContent-Length: 1\r\n\r\n";
    assert_int_equal(kt_header_check((struct kt_str){block, sizeof(block) - 1}, BODY_LIMIT).status, 400);
}

static void accepts_the_largest_body(void **state)
{
    (void)state;
    struct kt_header_verdict verdict = check("POST / HTTP/1.1\r\nHost: a\r\ncontent-length:\t1000 \r\n\r\n");
    assert_int_equal(verdict.status, 0);
    assert_int_equal(verdict.content_length, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_the_api_server_sends),
        cmocka_unit_test(waits_for_the_end_of_the_block),
        cmocka_unit_test(refuses_each_ambiguity),
        cmocka_unit_test(refuses_a_nul_byte),
        cmocka_unit_test(accepts_the_largest_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
