/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes on their way to a terminal, a table, folded lines, JSON and YAML: nothing steers, and JSON and YAML mean
 * what they meant. */
#include <stdlib.h>

#include "plugin/jsonpath.c" /* parts of a program, so that no library has them */
#include "plugin/output.c"
#include "plugin/table.c"
#include "text/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_visible(struct kt_str shown, bool may_have_lines)
{
    while (shown.length > 0) {
        size_t step = kt_utf8_step(shown);
        unsigned char first = (unsigned char)shown.data[0];
        demand(step > 0 && !kt_visible_steers((struct kt_str){shown.data, step}));
        demand(first != 0x7f && (first >= ' ' || (may_have_lines && (first == '\n' || first == '\t'))));
        shown = (struct kt_str){shown.data + step, shown.length - step};
    }
}

static void check_table(struct kt_arena *arena, const char *text)
{
    static const char *const headers[] = {"NAME", "WHAT", NULL};
    struct kt_table table;
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)(8 * KT_MIB));
    kt_table_init(&table, arena, headers, false);
    for (size_t i = 0; i < 4; i++)
        kt_table_add(&table, text);
    if (table.failed)
        return;
    kt_table_write(&table, &buffer, 2);
    check_visible(kt_strbuf_view(&buffer), true);
}

static void check_trees(struct kt_arena *arena, const char *text)
{
    struct kt_strbuf json, safe, yaml;
    struct kt_json_parsed parsed, again;
    struct kt_yaml_document document;
    cJSON *tree = kt_json_new_object(arena);
    kt_strbuf_init(&json, arena, (size_t)(8 * KT_MIB));
    kt_strbuf_init(&safe, arena, (size_t)(8 * KT_MIB));
    kt_strbuf_init(&yaml, arena, (size_t)(8 * KT_MIB));
    kt_json_set_string(arena, tree, "text", text);
    kt_json_write(&json, tree, KT_JSON_PRETTY);
    kt_visible_write_json(&safe, kt_strbuf_view(&json));
    kt_yaml_write(&yaml, tree);
    if (arena->failed || json.failed || safe.failed || yaml.failed)
        return;
    check_visible(kt_strbuf_view(&yaml), true);
    demand(kt_json_parse(arena, kt_strbuf_view(&json), KT_JSON_DUPLICATES_REFUSE, &parsed, NULL) == 0);
    demand(kt_json_parse(arena, kt_strbuf_view(&safe), KT_JSON_DUPLICATES_REFUSE, &again, NULL) == 0);
    demand(kt_json_equal(parsed.root, again.root));
    demand(kt_yaml_parse_one(arena, kt_strbuf_view(&yaml), &document, NULL) == 0);
    demand(kt_json_equal(parsed.root, document.root));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_strbuf buffer;
    if (size > 8192)
        return 0;
    kt_arena_init(&arena, (size_t)(32 * KT_MIB));
    struct kt_str bytes = {(const char *)data, size};
    char *text = kt_arena_strndup(&arena, size > 0 ? bytes.data : "", size);
    kt_strbuf_init(&buffer, &arena, (size_t)(8 * KT_MIB));
    if (!text)
        return 0;
    kt_output_escape(&buffer, bytes);
    check_visible(kt_strbuf_view(&buffer), false);
    kt_strbuf_clear(&buffer);
    kt_output_escape_lines(&buffer, bytes);
    check_visible(kt_strbuf_view(&buffer), true);
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf folded;
    kt_strbuf_init(&folded, NULL, (size_t)(8 * KT_MIB));
    kt_output_wrap(&folded, buffer.length > 0 ? buffer.data : "", 2, 40);
    check_visible(kt_strbuf_view(&folded), true);
    check_table(&arena, text);
    check_trees(&arena, text);
    return 0;
}
