/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "text/yaml_parse.h"
#include "text/yaml_tree.h"

/* --- splitting -----------------------------------------------------------------------------------------------------
 */

struct line {
    struct kt_str text; /* without its break */
    size_t begin, next; /* offsets of it and of the line after it */
};

struct splitter {
    struct kt_str text;
    size_t offset;
    uint32_t line; /* number of the line at offset */
};

/* A part of the text that is one document. */
struct chunk {
    struct kt_str text;
    uint32_t line;
    bool marked;         /* begins with `---` */
    struct kt_str extra; /* what stands on that line and should not */
    size_t directives;
};

enum line_kind { LINE_BLANK, LINE_MARKER, LINE_END_MARKER, LINE_DIRECTIVE, LINE_CONTENT };

static struct line line_at(const struct splitter *splitter, size_t begin)
{
    struct line line = {.begin = begin, .next = begin};
    struct kt_str rest = {splitter->text.data + begin, splitter->text.length - begin};
    size_t length = kt_yaml_line_length(rest);
    size_t line_break = kt_yaml_break_length((struct kt_str){rest.data + length, rest.length - length});
    line.text = (struct kt_str){rest.data, length};
    line.next = begin + length + line_break;
    return line;
}

static enum line_kind kind_of(struct kt_str line)
{
    if (kt_str_starts_with(line, KT_STR("---")))
        return LINE_MARKER;
    if (kt_str_starts_with(line, KT_STR("...")) && (line.length == 3 || line.data[3] == ' ' || line.data[3] == '\t'))
        return LINE_END_MARKER;
    if (line.length > 0 && line.data[0] == '%')
        return LINE_DIRECTIVE;
    struct kt_str trimmed = kt_str_trim(line);
    return trimmed.length == 0 || trimmed.data[0] == '#' ? LINE_BLANK : LINE_CONTENT;
}

/* What follows the dashes of a marker, when it is neither space nor a comment. */
static struct kt_str extra_of(struct kt_str line)
{
    struct kt_str extra = kt_str_trim((struct kt_str){line.data + 3, line.length - 3});
    return extra.length > 0 && extra.data[0] == '#' ? (struct kt_str){0} : extra;
}

/* Takes the next document; false when there is none any more. What stands before the first marker is a document only
 * when there is more in it than comments. */
static bool next_chunk(struct splitter *splitter, struct chunk *ret)
{
    size_t begin = splitter->offset;
    struct chunk chunk = {.line = splitter->line};
    bool has_content = false, ended = false;
    size_t end = begin;
    while (splitter->offset < splitter->text.length && !ended) {
        struct line line = line_at(splitter, splitter->offset);
        enum line_kind kind = kind_of(line.text);
        if (kind == LINE_MARKER && (chunk.marked || has_content))
            break;
        if (kind == LINE_MARKER) {
            if (chunk.directives == 0) {
                begin = line.begin;
                chunk.line = splitter->line;
            }
            chunk.marked = true;
            chunk.extra = extra_of(line.text);
        }
        chunk.directives += kind == LINE_DIRECTIVE && !chunk.marked && !has_content;
        has_content = has_content || kind == LINE_CONTENT || (kind == LINE_DIRECTIVE && chunk.marked);
        ended = kind == LINE_END_MARKER;
        end = ended ? line.begin : line.next;
        splitter->offset = line.next;
        splitter->line++;
        if (ended && !chunk.marked && !has_content && chunk.directives == 0) {
            ended = false; /* `...` after nothing */
            begin = line.next;
            chunk.line = splitter->line;
        }
    }
    if (!chunk.marked && !has_content && chunk.directives == 0)
        return false;
    chunk.text = (struct kt_str){splitter->text.data + begin, end - begin};
    *ret = chunk;
    return true;
}

/* --- the whole text ------------------------------------------------------------------------------------------------
 */

/* Steps of work for a byte of the text, whatever becomes of it; measured, see tests/bench/cost.c. */
#define BYTE_STEPS 20

static int check_text(struct kt_arena *arena, struct kt_str *text, struct kt_error *error)
{
    if (text->length > KT_LIMIT_MANIFEST_BYTES)
        return kt_error_set(error, KT_ELIMIT, "the YAML text has %zu bytes, more than the limit of %zu", text->length,
                            KT_LIMIT_MANIFEST_BYTES);
    if (!kt_arena_work(arena, text->length * BYTE_STEPS, KT_YAML_PART))
        return kt_error_set(error, KT_ELIMIT, "the YAML text takes more work to read than one request may cost");
    if (kt_str_starts_with(*text, KT_STR("\xFF\xFE")) || kt_str_starts_with(*text, KT_STR("\xFE\xFF")))
        return kt_error_set(error, KT_EPARSE, "the text is in UTF-16: save it as UTF-8");
    if (kt_str_starts_with(*text, KT_STR("\xEF\xBB\xBF")))
        *text = (struct kt_str){text->data + 3, text->length - 3};
    uint32_t line = 1;
    for (size_t i = 0; i < text->length;) {
        struct kt_str rest = {text->data + i, text->length - i};
        size_t step = (unsigned char)rest.data[0] < 0x80 ? 1 : kt_utf8_step(rest);
        if (rest.data[0] == '\0')
            return kt_error_set(error, KT_EPARSE, "line %u: there is a NUL byte, so this is not a text file in UTF-8",
                                line);
        if (step == 0)
            return kt_error_set(error, KT_EPARSE, "line %u: the text is not valid UTF-8", line);
        line += rest.data[0] == '\n';
        i += step;
    }
    return 0;
}

static void read_chunk(struct kt_arena *arena, const struct chunk *chunk, struct kt_yaml_document *ret)
{
    *ret = (struct kt_yaml_document){.start = {chunk->line, 1}};
    if (chunk->extra.length > 0)
        kt_yaml_fail(ret, KT_EPARSE, ret->start,
                     "only a comment can follow --- on its line: begin the document on the next line");
    else if (chunk->directives > KT_LIMIT_YAML_DIRECTIVES)
        kt_yaml_fail(ret, KT_ELIMIT, ret->start, "there are more than %d lines that begin with %% before the document",
                     KT_LIMIT_YAML_DIRECTIVES);
    else
        kt_yaml_read_document(arena, chunk->text, chunk->line, ret);
}

static int out_of_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "not enough memory to read the YAML text");
}

int kt_yaml_parse(struct kt_arena *arena, struct kt_str text, struct kt_yaml_documents *ret, struct kt_error *error)
{
    int r = check_text(arena, &text, error);
    if (r < 0)
        return r;
    struct kt_yaml_documents documents = {0};
    struct chunk chunk;
    struct splitter counting = {text, 0, 1}, splitter = counting;
    while (next_chunk(&counting, &chunk))
        if (++documents.count > KT_LIMIT_MANIFEST_DOCUMENTS)
            return kt_error_set(error, KT_ELIMIT, "the YAML text has more than %d documents",
                                KT_LIMIT_MANIFEST_DOCUMENTS);
    documents.items = kt_arena_calloc(arena, documents.count, sizeof(*documents.items));
    if (!documents.items)
        return out_of_memory(error);
    for (size_t i = 0; i < documents.count && next_chunk(&splitter, &chunk); i++)
        read_chunk(arena, &chunk, &documents.items[i]);
    if (arena->failed)
        return out_of_memory(error);
    *ret = documents;
    return 0;
}

int kt_yaml_parse_one(struct kt_arena *arena, struct kt_str text, struct kt_yaml_document *ret, struct kt_error *error)
{
    int r = check_text(arena, &text, error);
    if (r < 0)
        return r;
    struct chunk chunk;
    struct splitter splitter = {text, 0, 1};
    struct kt_yaml_document document = {.start = {1, 1}};
    if (next_chunk(&splitter, &chunk))
        read_chunk(arena, &chunk, &document);
    if (document.error.code != KT_OK)
        return kt_error_set(error, document.error.code, "%s", document.error.message);
    if (arena->failed)
        return out_of_memory(error);
    *ret = document;
    return 0;
}
