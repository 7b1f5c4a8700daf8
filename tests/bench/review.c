/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One review in process: parse, default, judge, encode. Usage: review FILE COUNT
 *
 * Prints the nanoseconds of a review and the heap allocations after the warm-up, and fails when there are any.
 * Instructions come from running it under callgrind with two counts (see run.sh).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "admission/review.h"
#include "base/clock.h"
#include "base/embedded.h"
#include "base/files.h"
#include "base/limits.h"
#include "text/yaml.h"

#define WARM_UP 20

/* The tuning templates, as a cluster that has been installed holds them. */
static cJSON *templates(struct kt_arena *arena)
{
    struct kt_yaml_documents documents;
    struct kt_str text = {kt_embedded_templates.text, kt_embedded_templates.length};
    cJSON *objects = kt_json_new_array(arena);
    if (kt_yaml_parse(arena, text, &documents, NULL) != 0)
        return objects;
    for (size_t i = 0; i < documents.count; i++)
        if (documents.items[i].root)
            kt_json_append(arena, objects, documents.items[i].root);
    return objects;
}

static double elapsed_ns(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) * 1e9 + (double)(now.tv_nsec - start->tv_nsec);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: review FILE COUNT\n");
        return 2;
    }
    long count = strtol(argv[2], NULL, 10);
    struct kt_arena fixed, arena;
    kt_arena_init(&fixed, 16 * KT_MIB);
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    struct kt_str body;
    struct kt_error error;
    if (kt_files_system.read(NULL, &fixed, argv[1], KT_MIB, &body, &error) != 0) {
        fprintf(stderr, "error: %s\n", error.message);
        return 1;
    }
    struct kt_settings settings;
    kt_settings_init(&settings);
    struct kt_cluster_objects storage;
    struct kt_cluster cluster = kt_cluster_from_objects(&fixed, templates(&fixed), &storage);
    struct kt_strbuf answer;
    kt_strbuf_init(&answer, NULL, KT_MIB);
    struct kt_review_summary summary = {0};
    struct timespec start = {0};
    size_t allocations = 0;
    for (long i = -WARM_UP; i < count; i++) {
        if (i == 0) {
            clock_gettime(CLOCK_MONOTONIC, &start);
            allocations = kt_heap_allocation_count();
        }
        kt_strbuf_clear(&answer);
        if (kt_review_answer(&arena, KT_REVIEW_VALIDATE, body, &settings, &cluster, &answer, &summary, &error) != 0) {
            fprintf(stderr, "error: %s\n", error.message);
            return 1;
        }
        kt_arena_reset(&arena);
    }
    double nanoseconds = count > 0 ? elapsed_ns(&start) / (double)count : 0;
    allocations = kt_heap_allocation_count() - allocations;
    printf(
        "%.0f ns a review, %zu heap allocations after the warm-up, %s with %zu warnings, arena high water %zu bytes\n",
        nanoseconds, allocations, summary.allowed ? "allowed" : "refused", summary.warnings, arena.high_water_bytes);
    kt_strbuf_release(&answer);
    kt_arena_release(&arena);
    kt_arena_release(&fixed);
    return allocations == 0 && summary.allowed ? 0 : 1;
}
