/* SPDX-License-Identifier: Apache-2.0 */
/* What the front door takes must survive being written and read again; what it refuses must be refused cleanly. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "text/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void demand_sound(const cJSON *node)
{
    const cJSON *last = NULL;
    for (const cJSON *child = node->child; child; child = child->next) {
        demand(!last || child->prev == last);
        demand(!kt_json_is_object(node) || kt_json_get_n(node, kt_str(child->string)) == child);
        demand((child->type & ~0xFF) == 0);
        last = child;
        demand_sound(child);
        int64_t whole;
        double number;
        demand(!kt_json_int64(child, &whole) || (kt_json_double(child, &number) && number == (double)whole));
    }
    demand(!last || node->child->prev == last);
}

static struct kt_str text_of(struct kt_arena *arena, const cJSON *node, enum kt_json_style style)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)(64 * KT_MIB));
    kt_json_write(&buffer, node, style);
    demand(!buffer.failed && kt_utf8_valid(kt_strbuf_view(&buffer)));
    return kt_strbuf_view(&buffer);
}

static void check_round_trip(struct kt_arena *arena, const cJSON *root)
{
    struct kt_json_parsed again;
    struct kt_str compact = text_of(arena, root, KT_JSON_COMPACT);
    demand(kt_json_parse(arena, compact, KT_JSON_DUPLICATES_REFUSE, &again, NULL) == 0);
    demand(kt_json_equal(root, again.root));
    demand(kt_str_equal(compact, text_of(arena, again.root, KT_JSON_COMPACT)));
    struct kt_str pretty = text_of(arena, root, KT_JSON_PRETTY);
    demand(kt_json_parse(arena, pretty, KT_JSON_DUPLICATES_REFUSE, &again, NULL) == 0);
    demand(kt_str_equal(compact, text_of(arena, again.root, KT_JSON_COMPACT)));
    const cJSON *clone = kt_json_clone(arena, root);
    demand(clone && kt_json_equal(clone, root));
    demand_sound(clone);
}

static void demand_same(const cJSON *ours, const cJSON *theirs)
{
    demand((ours->type & 0xFF) == (theirs->type & 0xFF) && !ours->string == !theirs->string);
    demand(!ours->string || kt_streq(ours->string, theirs->string));
    demand(!kt_json_is_string(ours) || kt_streq(ours->valuestring, theirs->valuestring));
    demand(!kt_json_is_number(ours) ||
           (ours->valuedouble == theirs->valuedouble && ours->valueint == theirs->valueint));
    const cJSON *other = theirs->child;
    for (const cJSON *child = ours->child; child; child = child->next, other = other->next) {
        demand(other);
        demand_same(child, other);
    }
    demand(!other);
}

/* cJSON's own parser makes the same tree, where it takes the text: it refuses a surrogate without its partner. */
static void check_against_cjson(struct kt_str text, const cJSON *root)
{
    char *copy = malloc(text.length + 1);
    demand(copy);
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    cJSON *theirs = cJSON_ParseWithLengthOpts(copy, text.length + 1, NULL, true);
    demand(theirs || strcasestr(copy, "\\ud"));
    if (theirs)
        demand_same(root, theirs);
    cJSON_Delete(theirs);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_str text = {(const char *)data, size};
    struct kt_json_parsed lenient, strict;
    struct kt_error error = {0};

    /* With too little memory: refused cleanly, or taken. */
    kt_arena_init(&arena, size % 4096);
    int code = kt_json_parse(&arena, text, KT_JSON_DUPLICATES_LAST_WINS, &lenient, &error);
    demand(code == 0 || (error.code == code && kt_utf8_valid(kt_str(error.message))));
    kt_arena_release(&arena);

    kt_arena_init(&arena, (size_t)(512 * KT_MIB));
    code = kt_json_parse(&arena, text, KT_JSON_DUPLICATES_LAST_WINS, &lenient, &error);
    int strict_code = kt_json_parse(&arena, text, KT_JSON_DUPLICATES_REFUSE, &strict, &error);
    demand(code == 0 || code == KT_EPARSE || code == KT_ELIMIT);
    demand(strict_code == (code == 0 && lenient.duplicates ? KT_EPARSE : code));
    if (code == 0) {
        demand(lenient.nodes <= KT_LIMIT_JSON_NODES);
        demand_sound(lenient.root);
        if (!lenient.duplicates)
            check_against_cjson(text, lenient.root);
        check_round_trip(&arena, lenient.root);
    }
    return 0;
}
