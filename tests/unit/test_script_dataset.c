/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.py, as the init container runs it: what it refuses and in which words, and what it leaves for the trainer. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/cmocka_all.h"
#include "tests/lib/script_run.h"

#define CHAT \
    "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\", \"content\": \"ho\"}]}"
#define PAIR "{\"prompt\": \"a\", \"completion\": \"b\"}"
#define ALPACA "{\"instruction\": \"do\", \"input\": \"this\", \"output\": \"done\"}"
#define SHAREGPT "{\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}, {\"from\": \"gpt\", \"value\": \"b\"}]}"
#define ROLES "{\"conversations\": [{\"role\": \"user\", \"content\": \"a\"}]}"
#define RESULT "kaito-dataset.jsonl"

struct run_case {
    const char *files[6];     /* name, text, name, text; NULL-terminated */
    const char *variables[5]; /* besides the folder; NULL-terminated */
    const char *words;        /* in the last line */
    const char *left;         /* files that are there afterwards; NULL: as before */
    const char *result;       /* text of the file that is made; NULL: none is */
    bool fails;
};

#define ALL "DATASET_FILES=all"
#define OUT "DATASET_OUTPUT=data"

/* clang-format off */
static const struct run_case cases[] = {
    /* read as they are */
    {{"a.jsonl", CHAT "\n" CHAT "\n"}, {ALL, OUT}, "a.jsonl: 2 rows of messages", NULL, NULL, false},
    {{"a.json", "[\n " CHAT ",\n " PAIR "]"}, {ALL, OUT}, "row 2 (line 3): it is prompt and completion, and a.json, row 1 is messages", NULL, NULL, true},
    {{"a.json", "[\n " CHAT ",\n " CHAT "]\n"}, {ALL, OUT}, "a.json: 2 rows of messages", NULL, NULL, false},
    {{"a.json", "{\n\"prompt\": \"a\",\n\"completion\": \"b\"}\n" PAIR}, {ALL, OUT}, "2 rows of prompt and completion", NULL, NULL, false},
    {{"a.csv", "prompt,completion\r\n\"a, \"\"b\"\"\nc\",d\r\n"}, {ALL, OUT}, "1 row of prompt and completion", NULL, NULL, false},
    {{"a.jsonl", "\xef\xbb\xbf" CHAT "\r\n\r\n" CHAT}, {ALL, OUT}, "2 rows of messages", NULL, NULL, false},
    {{"a.arrow", "x"}, {ALL, OUT}, "not looked into", NULL, NULL, false},
    {{"a.jsonl", ROLES}, {ALL, OUT, "DATASET_EXACT=yes"}, "1 row of conversations", NULL, NULL, false},
    /* rows that the trainer cannot read */
    {{"a.jsonl", ALPACA}, {ALL, OUT}, "row 1 (line 1): it is alpaca instructions, which the trainer does not read; annotate the Workspace with kaito.sh/dataset-format: alpaca", NULL, NULL, true},
    {{"a.jsonl", "{\"text\": \"a\"}"}, {ALL, OUT}, "kaito.sh/dataset-format: text", NULL, NULL, true},
    {{"a.jsonl", SHAREGPT}, {ALL, OUT}, "ShareGPT's kind, from which nothing is learnt", NULL, NULL, true},
    {{"a.jsonl", ROLES}, {ALL, OUT}, "name the column messages", NULL, NULL, true},
    {{"a.jsonl", "{\"question\": \"a\"}"}, {ALL, OUT}, "of no kind that is known", NULL, NULL, true},
    {{"a.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\", \"name\": \"x\"}]}"}, {ALL, OUT, "DATASET_EXACT=yes"}, "has the field \"name\"", NULL, NULL, true},
    {{"a.csv", "prompt,completion\na,b\n"}, {ALL, OUT, "DATASET_EXACT=yes"}, "takes no rows from CSV", NULL, NULL, true},
    {{"a.jsonl", PAIR}, {ALL, OUT, "DATASET_COMPLETIONS=no"}, "need batch size 1", NULL, NULL, true},
    /* one bad row, bad files */
    {{"a.jsonl", CHAT "\n{\"messages\": []}\n"}, {ALL, OUT}, "a.jsonl: row 2 (line 2): messages is empty", NULL, NULL, true},
    {{"a.jsonl", CHAT "\n{\"mess\n" CHAT}, {ALL, OUT}, "row 2 (line 2): it is not JSON", NULL, NULL, true},
    {{"a.jsonl", CHAT "\n5\n"}, {ALL, OUT}, "row 2 (line 2): it is no object", NULL, NULL, true},
    {{"a.json", "[" CHAT ",\n" CHAT}, {ALL, OUT}, "not whole", NULL, NULL, true},
    {{"a.json", "\xef\xbb\xbf[" CHAT "]"}, {ALL, OUT}, "byte order mark", NULL, NULL, true},
    {{"a.jsonl", "{\"text\": \"\xff\"}\n"}, {ALL, OUT}, "not text in UTF-8", NULL, NULL, true},
    {{"a.csv", "prompt,completion\nNA,b\n"}, {ALL, OUT}, "row 1 (line 2): prompt has no value", NULL, NULL, true},
    {{"a.csv", "prompt,completion\na,b,c\n"}, {ALL, OUT}, "it has 3 fields", NULL, NULL, true},
    {{"a.jsonl", ""}, {ALL, OUT}, "a.jsonl is empty", NULL, NULL, true},
    {{"a.jsonl", "\n"}, {ALL, OUT}, "a.jsonl has no rows", NULL, NULL, true},
    {{"a.csv", "prompt,completion\n"}, {ALL, OUT}, "a.csv has no rows", NULL, NULL, true},
    {{"README.md", "x"}, {ALL, OUT}, "there is README.md", NULL, NULL, true},
    {{NULL}, {ALL, OUT}, "there is nothing", NULL, NULL, true},
    {{"csv.json", CHAT}, {ALL, OUT}, "csv and json", NULL, NULL, true},
    /* several files become one, in the order of their names */
    {{"b.jsonl", PAIR "\n", "a.jsonl", "{\"prompt\": \"x\u00e9\", \"completion\": \"y\", \"id\": 7}\n"}, {ALL, OUT}, RESULT " has all rows",
     RESULT "\n", "{\"prompt\": \"x\u00e9\", \"completion\": \"y\", \"id\": 7}\n" PAIR "\n", false},
    {{"a.csv", "prompt,completion\na,b\n", "b.csv", "completion,prompt\nd,c\n"}, {ALL, OUT}, RESULT, RESULT "\n",
     PAIR "\n{\"completion\": \"d\", \"prompt\": \"c\"}\n", false},
    {{"a.jsonl", PAIR, "b.csv", "prompt,completion\na,b\n"}, {ALL, OUT}, "give files of one type", NULL, NULL, true},
    {{"a.jsonl", PAIR, "b.jsonl", CHAT}, {ALL, OUT}, "b.jsonl: row 1 (line 1): it is messages, and a.jsonl, row 1 is prompt", NULL, NULL, true},
    {{"a.jsonl", PAIR, "README.md", "x"}, {ALL, OUT}, "a.jsonl: 1 row", NULL, NULL, false},
    /* what a run before left, when the data has been fetched anew */
    {{"a.jsonl", PAIR, RESULT, "old"}, {ALL, OUT}, "a.jsonl: 1 row", NULL, NULL, false},
    /* the config says what is read */
    {{"a.jsonl", PAIR, "b.csv", "prompt,completion\na,b\n"}, {ALL, OUT, "DATASET_PATH=nowhere/*.jsonl"}, "there is no file /mnt/nowhere/*.jsonl", NULL, NULL, true},
    {{"a.jsonl", PAIR}, {ALL, OUT, "DATASET_EXTENSION=csv"}, "a.jsonl has no rows", NULL, NULL, true},
    /* conversion */
    {{"a.jsonl", ALPACA "\n"}, {ALL, OUT, "DATASET_FORMAT=alpaca"}, RESULT, RESULT "\n",
     "{\"messages\": [{\"role\": \"user\", \"content\": \"do\\n\\nthis\"}, {\"role\": \"assistant\", \"content\": \"done\"}]}\n", false},
    {{"a.csv", "text,id\nx,1\n"}, {ALL, OUT, "DATASET_FORMAT=text"}, RESULT, RESULT "\n", "{\"prompt\": \"\", \"completion\": \"x\"}\n", false},
    {{"a.csv", "text\nx\n"}, {ALL, OUT, "DATASET_FORMAT=text", "DATASET_EXACT=yes"}, RESULT, RESULT "\n", "{\"prompt\": \"\", \"completion\": \"x\"}\n", false},
    {{"a.jsonl", CHAT}, {ALL, OUT, "DATASET_FORMAT=alpaca"}, "it is messages, and kaito.sh/dataset-format: alpaca converts alpaca", NULL, NULL, true},
    {{"a.jsonl", "{\"text\": \"a\"}"}, {ALL, OUT, "DATASET_FORMAT=text", "DATASET_COMPLETIONS=no"}, "need batch size 1", NULL, NULL, true},
    {{"a.jsonl", ALPACA}, {ALL, OUT, "DATASET_FORMAT=alpaca", "DATASET_PATH=data/a.jsonl"}, "take DatasetConfig.dataset_path", NULL, NULL, true},
    {{"a.jsonl", ALPACA}, {ALL, OUT, "DATASET_FORMAT=sharegpt"}, "none of text, alpaca", NULL, NULL, true},
    /* a volume of the user's: nothing is written to it */
    {{"a.jsonl", PAIR}, {"DATASET_FILES=first"}, "a.jsonl: 1 row", NULL, NULL, false},
    {{"a.jsonl", ALPACA, "b.jsonl", ALPACA}, {ALL, "DATASET_OUTPUT=.", "DATASET_FORMAT=alpaca"}, RESULT, "a.jsonl\nb.jsonl\n", NULL, false},
};
/* clang-format on */

static void write_files(struct kt_script_place *place, const struct run_case *one, const char **ret_before)
{
    kt_script_write(place, "dataset.py", kt_embedded_dataset.text);
    kt_script_write(place, "data/x", "");
    const char *output;
    assert_int_equal(kt_script_run(place, "rm data/x", NULL, &output), 0);
    for (size_t i = 0; one->files[i]; i += 2)
        kt_script_write(place, kt_arena_printf(&place->arena, "data/%s", one->files[i]), one->files[i + 1]);
    *ret_before = kt_script_list(place, "data");
}

static void run_one(const struct run_case *one, size_t number)
{
    struct kt_script_place place = {0};
    const char *variables[8] = {"DATA_VOLUME_PATH=data", "PYTHONDONTWRITEBYTECODE=1"}, *before, *output;
    assert_true(kt_script_place_make(&place, KT_SHELL_SYSTEM));
    write_files(&place, one, &before);
    for (size_t i = 0; one->variables[i]; i++)
        variables[i + 2] = one->variables[i];
    int code = kt_script_run(&place, "exec python3 dataset.py", variables, &output);
    const char *last = kt_script_last_line(&place, output), *after = kt_script_list(&place, "data");
    const char *made = kt_script_read(&place, "data/" RESULT);
    if (code != (one->fails ? 1 : 0) || !strstr(last, one->words) || strncmp(last, "dataset: ", 9) != 0)
        fail_msg("case %zu ended with %d: %s\nwanted: %s", number, code, output, one->words);
    if (strcmp(after, one->left ? one->left : before) != 0)
        fail_msg("case %zu left: %s", number, after);
    if (one->result && strcmp(made ? made : "", one->result) != 0)
        fail_msg("case %zu wrote: %s", number, made ? made : "nothing");
    kt_script_place_remove(&place);
}

static void rows_are_read_refused_or_converted(void **state KT_UNUSED)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++)
        run_one(&cases[i], i);
}

/* Kubernetes replaces $(NAME) in a container's arguments. */
static void the_script_reaches_its_container_as_it_is(void **state KT_UNUSED)
{
    assert_null(strstr(kt_embedded_dataset.text, "$("));
    assert_null(strstr(kt_embedded_dataset.text, "$$"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_refused_or_converted),
        cmocka_unit_test(the_script_reaches_its_container_as_it_is),
    };
    return cmocka_run_group_tests_name("script: dataset", tests, NULL, NULL);
}
