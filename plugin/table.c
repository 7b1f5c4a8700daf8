/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "plugin/output.h"

/* kubectl's tab writer: cli-runtime pkg/printers/tabwriter.go. */
#define PADDING 3
#define NARROWEST 6
#define MOST_COLUMNS 16
#define CELL_BYTES ((size_t)(64 * KT_KIB))

void kt_table_init(struct kt_table *table, struct kt_arena *arena, const char *const *headers, bool no_headers)
{
    *table = (struct kt_table){.arena = arena};
    while (headers[table->columns] && table->columns < MOST_COLUMNS)
        table->columns++;
    for (size_t i = 0; i < table->columns && !no_headers; i++)
        kt_table_add(table, headers[i]);
}

static bool grow(struct kt_table *table)
{
    size_t capacity = KT_MAX(table->capacity * 2, (size_t)64);
    const char **cells = kt_arena_calloc(table->arena, capacity, sizeof(*cells));
    if (!cells)
        return false;
    for (size_t i = 0; i < table->count; i++)
        cells[i] = table->cells[i];
    table->cells = cells;
    table->capacity = capacity;
    return true;
}

void kt_table_add(struct kt_table *table, const char *text)
{
    kt_table_add_blank(table, text && text[0] ? text : "<none>");
}

void kt_table_add_blank(struct kt_table *table, const char *text)
{
    struct kt_strbuf cell;
    kt_strbuf_init(&cell, table->arena, CELL_BYTES);
    kt_output_escape(&cell, kt_str(text));
    if (cell.failed || (table->count == table->capacity && !grow(table))) {
        table->failed = true;
        return;
    }
    table->cells[table->count++] = cell.data;
}

void kt_table_addf(struct kt_table *table, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    kt_table_add(table, text);
}

void kt_table_write(const struct kt_table *table, struct kt_strbuf *buffer, size_t indent)
{
    size_t widths[MOST_COLUMNS] = {0};
    for (size_t i = 0; i < table->count; i++) {
        size_t *width = &widths[i % table->columns];
        *width = KT_MAX(*width, kt_utf8_count(kt_str(table->cells[i])));
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        if (column == 0)
            kt_strbuf_printf(buffer, "%*s", (int)indent, "");
        kt_strbuf_puts(buffer, table->cells[i]);
        if (column + 1 == table->columns) {
            kt_strbuf_putc(buffer, '\n');
            continue;
        }
        /* No spaces at the end of a line. */
        if (column + 2 == table->columns && table->cells[i + 1][0] == '\0')
            continue;
        size_t wanted = KT_MAX(widths[column] + PADDING, (size_t)NARROWEST);
        size_t here = kt_utf8_count(kt_str(table->cells[i]));
        kt_strbuf_printf(buffer, "%*s", (int)(wanted - here), "");
    }
    buffer->failed |= table->failed;
}
