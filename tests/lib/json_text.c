/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

cJSON *kt_test_json(struct kt_arena *arena, const char *text)
{
    struct kt_json_parsed parsed = {0};
    struct kt_error error;
    if (kt_json_parse(arena, kt_str(text), KT_JSON_DUPLICATES_REFUSE, &parsed, &error) != 0)
        fail_msg("%.200s: %s", text, error.message);
    return parsed.root;
}

const char *kt_test_json_text(struct kt_arena *arena, const cJSON *node)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)(16 * KT_MIB));
    kt_json_write(&buffer, node, KT_JSON_COMPACT);
    assert_false(buffer.failed);
    return buffer.data;
}

void kt_test_json_sound(const cJSON *node)
{
    const cJSON *previous = NULL;
    for (const cJSON *child = node->child; child; child = child->next) {
        if (previous)
            assert_ptr_equal(child->prev, previous);
        previous = child;
        kt_test_json_sound(child);
    }
    if (node->child)
        assert_ptr_equal(node->child->prev, previous);
}
