/* SPDX-License-Identifier: Apache-2.0 */
/* download-data.sh against a server on this machine. */
#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/script_run.h"
#include "tests/lib/scripted_server.h"

#define BODY "0123456789abcdef"

static struct kt_scripted_server *server;
static int dropped; /* replies that were cut in the middle */

static bool serve(void *context KT_UNUSED, const struct kt_scripted_request *request,
                  struct kt_scripted_connection *connection)
{
    const char *path = request->target;
    const char *range = kt_scripted_header(request, "Range");
    if (strncmp(path, "/missing", 8) == 0)
        return kt_scripted_reply(connection, 404, "", "no such thing");
    if (strncmp(path, "/empty", 6) == 0)
        return kt_scripted_reply(connection, 200, "", "");
    if (strncmp(path, "/busy", 5) == 0 && dropped++ < 2)
        return kt_scripted_reply(connection, 503, "", "later");
    if (strncmp(path, "/moved", 6) == 0)
        return kt_scripted_reply(connection, 302, "Location: /data.json\r\n", "");
    if (strncmp(path, "/to-a-file", 10) == 0)
        return kt_scripted_reply(connection, 302, "Location: file:///etc/passwd\r\n", "");
    if (strncmp(path, "/cut", 4) == 0 && !range && dropped++ == 0) {
        kt_scripted_puts(connection, "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: 16\r\n\r\n01234567");
        return false;
    }
    if (strncmp(path, "/cut", 4) == 0 && range && strcmp(range, "bytes=8-") == 0)
        return kt_scripted_reply(connection, 206, "Content-Range: bytes 8-15/16\r\n", "89abcdef");
    if (strncmp(path, "/from-the-beginning", 19) == 0 && dropped < 2) {
        dropped++; /* it answers a Range with the whole, like many small servers */
        kt_scripted_puts(connection, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n01234567");
        return false;
    }
    if (strncmp(path, "/never", 6) == 0) {
        dropped++;
        kt_scripted_puts(connection, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n01234567");
        return false;
    }
    return kt_scripted_reply(connection, 200, "", BODY);
}

static int set_up(void **state KT_UNUSED)
{
    const struct kt_scripted_options options = {.handler = serve};
    dropped = 0;
    server = kt_scripted_server_start(&options);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_scripted_server_stop(server);
    return 0;
}

struct outcome {
    int exit_code;
    const char *last_line;
    const char *output;
};

/* urls: lines in which every @ stands for the server's address. */
static struct outcome download(struct kt_script_place *place, const char *urls)
{
    struct kt_strbuf list;
    struct outcome outcome;
    kt_strbuf_init(&list, &place->arena, (size_t)(64 * KT_KIB));
    kt_strbuf_puts(&list, "DATA_URLS=");
    for (const char *at = urls; *at; at++) {
        if (*at == '@')
            kt_strbuf_puts(&list, kt_scripted_server_url(server));
        else
            kt_strbuf_putc(&list, *at);
    }
    const char *const variables[] = {list.data,
                                     kt_arena_printf(&place->arena, "DATA_VOLUME_PATH=%s/data", place->folder),
                                     "RETRY_PAUSE_SECONDS=0", "no_proxy=127.0.0.1", NULL};
    kt_script_write(place, "data/.keep", "");
    outcome.exit_code = kt_script_run(place, kt_embedded_download_data.text, variables, &outcome.output);
    outcome.last_line = kt_script_last_line(place, outcome.output);
    return outcome;
}

static void assert_says(const struct outcome *outcome, const char *words)
{
    if (!strstr(outcome->last_line, words))
        fail_msg("the last line is not about \"%s\": %s", words, outcome->output);
}

static void files_come_under_the_names_of_their_paths(struct kt_script_place *place)
{
    struct outcome outcome = download(place, "@/a/train.parquet?download=true\n@/moved\n@/b/train.parquet#part");
    if (outcome.exit_code != 0)
        fail_msg("%s", outcome.output);
    assert_says(&outcome, "all 3 files are there");
    assert_string_equal(kt_script_list(place, "data"), ".keep\n3-train.parquet\nmoved\ntrain.parquet\n");
    assert_string_equal(kt_script_read(place, "data/moved"), BODY);
}

static void hostile_urls_stay_inert(struct kt_script_place *place)
{
    struct outcome outcome = download(
        place, "@/$(touch${IFS}pwned).json\n@/`touch%20pwned`.csv\n@/a'b\"c;touch%20pwned;.json\n@/../../../up.json\n"
               "@/x/..\n@/.hidden.json\n@/-rf.json\n@/*.json\n@/{a,b}[1-3].json\n@/%2e%2e%2fup.csv");
    if (outcome.exit_code != 0)
        fail_msg("%s", outcome.output);
    assert_null(kt_script_read(place, "pwned"));
    assert_null(kt_script_read(place, "data/pwned"));
    assert_null(kt_script_read(place, "up.json"));
    const char *files = kt_script_list(place, "data");
    for (const char *at = files; *at; at++)
        assert_true(kt_ascii_is_alnum(*at) || strchr("._-\n", *at));
    assert_non_null(strstr(files, "_-rf.json\n"));
    assert_non_null(strstr(files, "_.hidden.json\n"));
    assert_null(strstr(files, "part"));
}

static void a_kind_that_stands_in_the_query_is_kept(struct kt_script_place *place)
{
    struct outcome outcome = download(place, "@/download?file=train.jsonl&x=1\n@/\n@");
    assert_int_equal(outcome.exit_code, 0);
    assert_string_equal(kt_script_list(place, "data"), ".keep\n3-data\ndata\ndownload.json\n");
}

static void what_is_missing_ends_at_once(struct kt_script_place *place)
{
    size_t before = kt_scripted_server_count(server);
    struct outcome outcome = download(place, "@/data.json\n@/missing.csv?sig=SECRET\n@/never-asked.csv");
    assert_int_equal(outcome.exit_code, 1);
    assert_says(&outcome, "URL 2 of 3 (http://127.0.0.1:");
    assert_says(&outcome, "/missing.csv): the server answered HTTP 404; gave up after 1 of 6 tries");
    assert_null(strstr(outcome.output, "SECRET"));
    assert_int_equal(kt_scripted_server_count(server) - before, 2);
}

static void an_empty_file_is_a_failure(struct kt_script_place *place)
{
    struct outcome outcome = download(place, "@/empty.json");
    assert_int_equal(outcome.exit_code, 1);
    assert_says(&outcome, "the file is empty; gave up after 6 of 6 tries");
    assert_string_equal(kt_script_list(place, "data"), ".keep\n");
}

static void a_busy_server_is_asked_again(struct kt_script_place *place)
{
    dropped = 0;
    struct outcome outcome = download(place, "@/busy.json");
    assert_int_equal(outcome.exit_code, 0);
    assert_non_null(strstr(outcome.output, "try 2 failed: the server answered HTTP 503"));
}

static void a_dropped_connection_is_taken_up_where_it_broke(struct kt_script_place *place)
{
    dropped = 0;
    struct outcome outcome = download(place, "@/cut.json");
    if (outcome.exit_code != 0)
        fail_msg("%s", outcome.output);
    assert_string_equal(kt_script_read(place, "data/cut.json"), BODY);
    assert_int_equal(dropped, 1);
}

static void a_server_that_cannot_go_on_begins_again(struct kt_script_place *place)
{
    dropped = 0;
    struct outcome outcome = download(place, "@/from-the-beginning.json");
    if (outcome.exit_code != 0)
        fail_msg("%s", outcome.output);
    assert_string_equal(kt_script_read(place, "data/from-the-beginning.json"), BODY);
}

static void a_connection_that_always_drops_ends_with_the_cause(struct kt_script_place *place)
{
    dropped = 0;
    struct outcome outcome = download(place, "@/never.json");
    assert_int_equal(outcome.exit_code, 1);
    assert_says(&outcome, "URL 1 of 1");
    assert_says(&outcome, "curl: (18)"); /* of a partial file; the words behind it differ between curl's versions */
    assert_says(&outcome, "; gave up after 6 of 6 tries");
    assert_string_equal(kt_script_list(place, "data"), ".keep\n");
}

static void nobody_is_there(struct kt_script_place *place)
{
    struct outcome outcome = download(place, "http://127.0.0.1:1/data.json");
    assert_int_equal(outcome.exit_code, 1);
    assert_says(&outcome, "URL 1 of 1 (http://127.0.0.1:1/data.json): curl: (7)");
}

/* What curl says of a certificate that it does not know ends with where to read more. */
static void the_reason_is_not_curls_advice(struct kt_script_place *place)
{
    kt_script_write(place, "tools/curl",
                    "#!/bin/sh\n"
                    "echo 'curl: (60) SSL certificate problem: self-signed certificate' >&2\n"
                    "echo 'More details here: https://curl.se/docs/sslcerts.html' >&2\n"
                    "echo >&2\n"
                    "echo 'how to fix it, please visit the web page mentioned above.' >&2\n"
                    "printf '\\n000'\n"
                    "exit 60\n");
    struct outcome outcome = download(place, "https://127.0.0.1:1/data.json");
    assert_int_equal(outcome.exit_code, 1);
    assert_says(&outcome, "curl: (60) SSL certificate problem: self-signed certificate; gave up after 1 of");
}

static void only_http_is_spoken(struct kt_script_place *place)
{
    static const char *const urls[] = {"file:///etc/passwd", "FTP://127.0.0.1/x", "--output", "/etc/passwd",
                                       "http:/127.0.0.1/x"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(urls); i++) {
        struct outcome outcome = download(place, urls[i]);
        assert_int_equal(outcome.exit_code, 1);
        assert_says(&outcome, "only http:// and https:// can be downloaded");
    }
    struct outcome outcome = download(place, "@/to-a-file.json");
    assert_int_equal(outcome.exit_code, 1);
    assert_null(kt_script_read(place, "data/to-a-file.json"));
}

static void without_urls_or_folder_it_says_so(struct kt_script_place *place)
{
    const char *output;
    const char *const variables[] = {"DATA_URLS=http://127.0.0.1:1/x", "DATA_VOLUME_PATH=nowhere", NULL};
    struct outcome outcome = download(place, "");
    assert_int_equal(outcome.exit_code, 1);
    assert_says(&outcome, "DATA_URLS is empty");
    assert_int_equal(kt_script_run(place, kt_embedded_download_data.text, variables, &output), 1);
    assert_non_null(strstr(output, "DATA_VOLUME_PATH is not a folder"));
}

KT_SCENARIO(files_come_under_the_names_of_their_paths)
KT_SCENARIO(hostile_urls_stay_inert)
KT_SCENARIO(a_kind_that_stands_in_the_query_is_kept)
KT_SCENARIO(what_is_missing_ends_at_once)
KT_SCENARIO(an_empty_file_is_a_failure)
KT_SCENARIO(a_busy_server_is_asked_again)
KT_SCENARIO(a_dropped_connection_is_taken_up_where_it_broke)
KT_SCENARIO(a_server_that_cannot_go_on_begins_again)
KT_SCENARIO(a_connection_that_always_drops_ends_with_the_cause)
KT_SCENARIO(nobody_is_there)
KT_SCENARIO(the_reason_is_not_curls_advice)
KT_SCENARIO(only_http_is_spoken)
KT_SCENARIO(without_urls_or_folder_it_says_so)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KT_IN_EVERY_SHELL(files_come_under_the_names_of_their_paths),
        KT_IN_EVERY_SHELL(hostile_urls_stay_inert),
        KT_IN_EVERY_SHELL(a_kind_that_stands_in_the_query_is_kept),
        KT_IN_EVERY_SHELL(what_is_missing_ends_at_once),
        KT_IN_EVERY_SHELL(an_empty_file_is_a_failure),
        KT_IN_EVERY_SHELL(a_busy_server_is_asked_again),
        KT_IN_EVERY_SHELL(a_dropped_connection_is_taken_up_where_it_broke),
        KT_IN_EVERY_SHELL(a_server_that_cannot_go_on_begins_again),
        KT_IN_EVERY_SHELL(a_connection_that_always_drops_ends_with_the_cause),
        KT_IN_EVERY_SHELL(nobody_is_there),
        KT_IN_EVERY_SHELL(the_reason_is_not_curls_advice),
        KT_IN_EVERY_SHELL(only_http_is_spoken),
        KT_IN_EVERY_SHELL(without_urls_or_folder_it_says_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
