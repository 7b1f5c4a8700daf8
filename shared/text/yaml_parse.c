/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events are pulled one by one, so that a limit stops the work at once: libyaml 0.2.5 itself has no limit on
 * depth and takes time that grows with its square. Its memory comes from malloc and cannot be directed elsewhere.
 */
#include "text/yaml_parse.h"

#include "text/json_pointer.h"
#include "text/yaml_tree.h"

/* Steps of work that an event takes, and more if it is a fraction; measured, see tests/bench/cost.c. */
#define EVENT_STEPS 300
#define FLOAT_STEPS 3400

static struct kt_position position_of(const yaml_mark_t *mark, uint32_t first_line)
{
    return (struct kt_position){first_line + (uint32_t)mark->line, (uint32_t)mark->column + 1};
}

static bool is_merge_key(const yaml_event_t *event)
{
    const char *tag = (const char *)event->data.scalar.tag;
    bool merge_tag = tag && kt_streq(tag, "tag:yaml.org,2002:merge");
    return (event->data.scalar.plain_implicit || merge_tag) && kt_streq((const char *)event->data.scalar.value, "<<");
}

static int take_scalar(struct kt_yaml_tree *tree, const yaml_event_t *event, struct kt_position position)
{
    struct kt_str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    const char *tag = (const char *)event->data.scalar.tag, *anchor = (const char *)event->data.scalar.anchor;
    bool plain = event->data.scalar.plain_implicit != 0;
    if (tree->depth == 0 && text.length == 0 && plain && !tag && !anchor)
        return 0; /* an empty document: only comments or nothing */
    struct kt_yaml_scalar scalar;
    struct kt_error *error = &tree->document->error;
    if (kt_yaml_scalar_resolve(tree->arena, text, tag, plain, &scalar, error) < 0)
        return kt_yaml_fail(tree->document, error->code, position, "%s", error->message);
    if (scalar.kind == KT_YAML_FLOAT && !kt_arena_work(tree->arena, FLOAT_STEPS, KT_YAML_PART))
        return kt_yaml_no_work(tree->document, position);
    return kt_yaml_tree_scalar(tree, &scalar, is_merge_key(event), anchor, position);
}

/* Returns 0, 1 at the end of the stream, or the code of an error. */
static int take_event(struct kt_yaml_tree *tree, const yaml_event_t *event, uint32_t first_line)
{
    struct kt_position position = position_of(&event->start_mark, first_line);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(tree, event, position);
    case YAML_ALIAS_EVENT:
        return kt_yaml_tree_alias(tree, (const char *)event->data.alias.anchor, position);
    case YAML_SEQUENCE_START_EVENT:
        return kt_yaml_tree_begin(tree, false, (const char *)event->data.sequence_start.anchor, position);
    case YAML_MAPPING_START_EVENT:
        return kt_yaml_tree_begin(tree, true, (const char *)event->data.mapping_start.anchor, position);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return kt_yaml_tree_end(tree);
    case YAML_DOCUMENT_START_EVENT:
        if (!tree->document_started) {
            tree->document_started = true;
            return 0;
        }
        return kt_yaml_fail(tree->document, KT_EPARSE, position,
                            "a second document begins here, but not on a line of its own");
    case YAML_STREAM_END_EVENT:
        return 1;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    default:
        return 0;
    }
}

static int read_events(yaml_parser_t *parser, struct kt_yaml_tree *tree, struct kt_str text, uint32_t first_line)
{
    for (;;) {
        KT_CLEANUP(yaml_event_delete) yaml_event_t event = {0};
        if (!yaml_parser_parse(parser, &event)) {
            kt_yaml_explain(parser, text, first_line, tree->document);
            return (int)tree->document->error.code;
        }
        if (!kt_arena_work(tree->arena, EVENT_STEPS, KT_YAML_PART))
            return kt_yaml_no_work(tree->document, position_of(&event.start_mark, first_line));
        int r = take_event(tree, &event, first_line);
        if (r != 0)
            return KT_MIN(r, 0);
    }
}

/* JSON can hold what YAML 1.1 refuses: escaped surrogate pairs and tabs before the first brace. Positions are then not
 * known. */
static bool read_as_json(struct kt_arena *arena, struct kt_str text, struct kt_yaml_document *document)
{
    struct kt_json_parsed parsed;
    struct kt_str trimmed = kt_str_trim(text);
    if (kt_str_starts_with(trimmed, KT_STR("---"))) {
        trimmed.data += 3;
        trimmed.length -= 3;
        trimmed = kt_str_trim(trimmed);
    }
    if (trimmed.length == 0 || (trimmed.data[0] != '{' && trimmed.data[0] != '['))
        return false;
    if (kt_json_parse(arena, trimmed, KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL) < 0)
        return false;
    const struct kt_yaml_duplicate **last = &document->duplicates;
    for (const struct kt_json_duplicate *found = parsed.duplicates; found; found = found->next) {
        struct kt_yaml_duplicate *duplicate = kt_arena_alloc(arena, sizeof(*duplicate));
        struct kt_strbuf path;
        kt_strbuf_init(&path, arena, KT_LIMIT_MANIFEST_BYTES);
        kt_strbuf_puts(&path, found->path);
        kt_field_path_add_key(&path, found->key);
        if (!duplicate || path.failed)
            return false;
        *duplicate = (struct kt_yaml_duplicate){.path = path.data};
        *last = duplicate;
        last = &duplicate->next;
    }
    document->root = parsed.root;
    return true;
}

static void delete_parser(yaml_parser_t *parser)
{
    yaml_parser_delete(parser);
}

void kt_yaml_read_document(struct kt_arena *arena, struct kt_str text, uint32_t first_line,
                           struct kt_yaml_document *ret)
{
    struct kt_yaml_document document = {.start = {first_line, 1}};
    struct kt_yaml_tree tree;
    KT_CLEANUP(delete_parser) yaml_parser_t parser = {0};
    int r = kt_yaml_tree_init(&tree, arena, &document);
    if (r == 0 && !yaml_parser_initialize(&parser))
        r = kt_yaml_fail(&document, KT_ENOMEM, (struct kt_position){0}, "not enough memory to read the YAML text");
    if (r == 0) {
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.length);
        r = read_events(&parser, &tree, text, first_line);
    }
    if (r == KT_EPARSE) {
        struct kt_yaml_document again = {.start = document.start};
        if (read_as_json(arena, text, &again))
            document = again;
    }
    if (arena->failed && document.error.code == KT_OK)
        kt_yaml_fail(&document, KT_ENOMEM, (struct kt_position){0}, "not enough memory to read the YAML text");
    *ret = document;
}
