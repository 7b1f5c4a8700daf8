/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has every last line of the real trainer a reason and an advice of ours? Usage: trainer_errors TRAINER.jsonl. Each
 * error of the file goes through the diagnosis as the kubelet would hand it over: behind a traceback, before the one of
 * the launcher. Exit status 1 when one is only "TrainerFailed", or is not quoted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "workload/diagnosis.h"

#define LINE_BYTES ((size_t)KT_MIB)
#define MOST_ERRORS 4096

/* What only the oracle's own machine can say. */
static const struct {
    const char *begins;
    const char *why;
} exceptions[] = {
    {"RuntimeError: quant_type must be nf4 on CPU", "the oracle ran on a CPU; a GPU has other words for it"},
};

static struct {
    char *errors[MOST_ERRORS];
    size_t count, bad, excepted;
} seen;

static bool is_new(const char *error)
{
    for (size_t i = 0; i < seen.count; i++)
        if (kt_streq(seen.errors[i], error))
            return false;
    if (seen.count == MOST_ERRORS)
        return false;
    seen.errors[seen.count++] = strdup(error);
    return true;
}

static bool is_excepted(const char *error)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(exceptions); i++)
        if (strncmp(error, exceptions[i].begins, strlen(exceptions[i].begins)) == 0)
            return true;
    return false;
}

static bool diagnose(struct kt_arena *arena, const char *error, struct kt_cause *ret)
{
    const char *output = kt_arena_printf(
        arena,
        "Traceback (most recent call last):\n  File \"/workspace/tfs/fine_tuning.py\", line 100, in <module>\n%s\n"
        "  0%%|          | 0/60 [00:01<?, ?it/s]\nTraceback (most recent call last):\n"
        "subprocess.CalledProcessError: Command '['python3', '/workspace/tfs/fine_tuning.py']' returned non-zero exit "
        "status 1.\n",
        error);
    cJSON *pod = kt_json_new_object(arena), *status = kt_json_new_object(arena), *statuses = kt_json_new_array(arena);
    cJSON *ended = kt_json_ensure_object(arena, kt_json_ensure_object(arena, status, "state"), "terminated");
    kt_json_set_int(arena, ended, "exitCode", 1);
    kt_json_set_string(arena, ended, "message", output);
    kt_json_set_string(arena, status, "name", "tune");
    kt_json_append(arena, statuses, status);
    kt_json_set_string(arena, kt_json_ensure_object(arena, pod, "status"), "phase", "Failed");
    kt_json_set(arena, kt_json_get(pod, "status"), "containerStatuses", statuses);
    return kt_diagnose_pod(arena, pod, "tune", (struct kt_objects){0}, ret);
}

static void judge(const char *error)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_cause cause;
    kt_arena_init(&arena, (size_t)(4 * KT_MIB));
    bool has_cause = diagnose(&arena, error, &cause);
    bool is_named = has_cause && !kt_streq(cause.reason, "TrainerFailed");
    const char *quote = kt_arena_strndup(&arena, error, KT_MIN(strlen(error), (size_t)100));
    bool is_quoted = has_cause && quote && strstr(cause.message, quote);
    if (is_excepted(error)) {
        seen.excepted++;
    } else if (!is_named || !is_quoted) {
        printf("%s: %s\n", is_named ? "not quoted" : "no reason", error);
        seen.bad++;
    }
}

static void take_row(const char *line)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_json_parsed row;
    kt_arena_init(&arena, (size_t)(16 * KT_MIB));
    if (kt_json_parse(&arena, kt_str(line), KT_JSON_DUPLICATES_LAST_WINS, &row, NULL) != 0)
        return;
    const char *outcome = kt_json_string_or(kt_json_get(row.root, "outcome"), "");
    const char *error = kt_json_string_or(kt_json_get(row.root, "error"), "");
    bool has_died = strncmp(outcome, "dies-", 5) == 0 || kt_streq(outcome, "parse-error");
    if (has_died && *error && is_new(error))
        judge(error);
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    char *line = malloc(LINE_BYTES);
    if (!file || !line) {
        fprintf(stderr, "usage: trainer_errors TRAINER.jsonl\n");
        return 2;
    }
    while (fgets(line, (int)LINE_BYTES, file))
        take_row(line);
    printf("%zu errors, %zu without a reason, %zu excepted\n", seen.count, seen.bad, seen.excepted);
    fclose(file);
    free(line);
    for (size_t i = 0; i < seen.count; i++)
        free(seen.errors[i]);
    return seen.count == 0 || seen.bad > 0;
}
