/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tsv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "tests/lib/objects.h"

#define MAX_ROWS 4096

static void *need(void *pointer)
{
    if (!pointer) {
        fprintf(stderr, "test data: no memory\n");
        abort();
    }
    return pointer;
}

static void bad_row(const struct kt_tsv_row *row, const char *what)
{
    fprintf(stderr, "test data, line %zu: %s\n", row->line, what);
    abort();
}

const char *const *kt_test_split(struct kt_arena *arena, const char *text, char separator, size_t maximum,
                                 size_t *ret_count)
{
    const char **parts = need(kt_arena_calloc(arena, maximum + 1, sizeof(*parts)));
    char *rest = need(kt_arena_strdup(arena, text));
    size_t count = 0;
    while (count < maximum) {
        parts[count++] = rest;
        char *end = strchr(rest, separator);
        if (!end) {
            *ret_count = count;
            return parts;
        }
        *end = '\0';
        rest = end + 1;
    }
    fprintf(stderr, "test data: more than %zu parts in \"%.80s\"\n", maximum, text);
    abort();
}

const struct kt_tsv_row *kt_test_read_tsv(struct kt_arena *arena, const char *path, size_t cell_count,
                                          size_t *ret_count)
{
    struct kt_str text = kt_test_read_file(arena, path);
    struct kt_tsv_row *rows = need(kt_arena_calloc(arena, MAX_ROWS, sizeof(*rows)));
    size_t count = 0;
    size_t line = 0;
    while (text.length > 0) {
        size_t length = kt_str_find_char(text, '\n');
        length = KT_MIN(length, text.length);
        struct kt_str whole = {text.data, length};
        size_t consumed = KT_MIN(length + 1, text.length);
        text = (struct kt_str){text.data + consumed, text.length - consumed};
        line++;
        if (whole.length == 0 || whole.data[0] == '#') {
            continue;
        }
        struct kt_tsv_row *row = &rows[count++];
        size_t cells;
        row->line = line;
        const char *const *parts = kt_test_split(arena, need(kt_arena_strndup(arena, whole.data, whole.length)), '\t',
                                                 KT_TSV_MAX_CELLS, &cells);
        if (cells != cell_count || count == MAX_ROWS) {
            bad_row(row, "wrong number of cells, or too many rows");
        }
        memcpy(row->cells, parts, cells * sizeof(parts[0]));
    }
    if (count == 0) {
        fprintf(stderr, "%s: no rows\n", path);
        abort();
    }
    *ret_count = count;
    return rows;
}

double kt_tsv_number(const struct kt_tsv_row *row, size_t cell)
{
    char *end;
    double value = strtod(row->cells[cell], &end);
    if (end == row->cells[cell] || *end != '\0') {
        bad_row(row, row->cells[cell]);
    }
    return value;
}

uint32_t kt_tsv_u32(const struct kt_tsv_row *row, size_t cell)
{
    double value = kt_tsv_number(row, cell);
    if (value < 0 || value > (double)UINT32_MAX || value != (double)(uint32_t)value) {
        bad_row(row, row->cells[cell]);
    }
    return (uint32_t)value;
}
