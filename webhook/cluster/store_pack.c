/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/cluster/store_pack.h"

#include <string.h>

#include "admission/inference_facts.h"
#include "base/limits.h"
#include "webhook/cluster/common_texts.h"
#include "workload/names.h"

/* A node: a byte of these, then its key, then what it holds: a number's two values, then the text; children and END.
 * A text is the number of a common one (a byte), or its own bytes with a NUL. */
enum {
    TYPE = 0x07, /* index in types */
    KEY = 0x08,
    KEY_COMMON = 0x10,
    TEXT = 0x20,
    TEXT_COMMON = 0x40,
    VERSION = 0x80, /* the text is the resource version, kept apart */
    END = 0xff,     /* of no node: there are seven types only */
};

static const int types[] = {cJSON_NULL, cJSON_False, cJSON_True, cJSON_Number, cJSON_String, cJSON_Array, cJSON_Object};

/* --- packing -------------------------------------------------------------------------------------------------------
 */

struct packing {
    struct kt_strbuf *buffer;
    size_t nodes;
    const char *version;
};

static const struct kt_kept_field whole; /* kept whole: nothing inside is named */

/* Cut at a character's boundary. */
static size_t text_length(const char *text, enum kt_keep how)
{
    size_t length = strlen(text);
    if (how == KT_KEEP_CONFIG && length > KT_LIMIT_CONFIG_TEXT_BYTES)
        return 0;
    if (how != KT_KEEP_CUT || length <= KT_KEPT_TEXT_BYTES)
        return length;
    length = KT_KEPT_TEXT_BYTES;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

static void pack_text(struct kt_strbuf *buffer, const char *text, enum kt_keep how, int common)
{
    if (common >= 0) {
        kt_strbuf_putc(buffer, (char)common);
    } else {
        kt_strbuf_add(buffer, text, text_length(text, how));
        kt_strbuf_putc(buffer, '\0');
    }
}

static unsigned type_of(const cJSON *node)
{
    for (unsigned i = 0; i < KT_ARRAY_LENGTH(types); i++)
        if ((node->type & 0xff) == types[i])
            return i;
    return 0;
}

static void pack_scalar(struct packing *packing, const cJSON *node, const struct kt_kept_field *field)
{
    const char *key = node->string, *text = node->valuestring;
    int common_key = key ? kt_common_text_find(key) : -1, common_text = text ? kt_common_text_find(text) : -1;
    bool is_version = field->how == KT_KEEP_VERSION && kt_json_is_string(node);
    unsigned head = type_of(node);
    head |= key ? common_key >= 0 ? KEY_COMMON : KEY : 0;
    head |= is_version ? VERSION : text ? common_text >= 0 ? TEXT_COMMON : TEXT : 0;
    kt_strbuf_putc(packing->buffer, (char)head);
    if (key)
        pack_text(packing->buffer, key, KT_KEEP, common_key);
    if (kt_json_is_number(node)) {
        kt_strbuf_add(packing->buffer, (const char *)&node->valuedouble, sizeof(node->valuedouble));
        kt_strbuf_add(packing->buffer, (const char *)&node->valueint, sizeof(node->valueint));
    }
    if (is_version)
        packing->version = text;
    else if (text)
        pack_text(packing->buffer, text, field->how, common_text);
}

/* The row for a member, or NULL when it is not kept. */
static const struct kt_kept_field *row_for(const struct kt_kept_field *fields, const char *key)
{
    for (const struct kt_kept_field *field = fields; field->key; field++) {
        if (field->how == KT_KEEP_OTHERS)
            return &whole;
        if (field->how == KT_KEEP_OTHERS_GPU)
            return key && strstr(key, "gpu") ? &whole : NULL;
        if (key && strcmp(field->key, key) == 0)
            return field->how == KT_KEEP_NOT ? NULL : field;
    }
    return NULL;
}

static bool is_ready_condition(const cJSON *item)
{
    return kt_streq(kt_json_string_or(kt_json_get(item, "type"), ""), "Ready");
}

/* What becomes of a child; NULL: left out. */
static const struct kt_kept_field *row_of_child(const cJSON *parent, const struct kt_kept_field *field,
                                                const cJSON *child)
{
    if (kt_json_is_array(parent))
        return field->how == KT_KEEP_READY && !is_ready_condition(child) ? NULL : field;
    return field->inside ? row_for(field->inside, child->string) : &whole;
}

static bool pack_node(struct packing *packing, const cJSON *node, const struct kt_kept_field *field, size_t depth)
{
    if (depth == 0)
        return false;
    packing->nodes++;
    pack_scalar(packing, node, field);
    if (!kt_json_is_array(node) && !kt_json_is_object(node))
        return true;
    const cJSON *child;
    cJSON_ArrayForEach(child, node)
    {
        const struct kt_kept_field *row = row_of_child(node, field, child);
        if (row && !pack_node(packing, child, row, depth - 1))
            return false;
    }
    kt_strbuf_putc(packing->buffer, (char)END);
    return true;
}

bool kt_store_wants(enum kt_kind_id kind, const cJSON *object)
{
    const cJSON *data = kt_json_get(object, "data");
    return kind != KT_KIND_CONFIG_MAP || kt_json_get(data, KT_TUNING_CONFIG_KEY) ||
           kt_json_get(data, KT_INFERENCE_CONFIG_KEY);
}

static bool pack_root(const cJSON *object, const struct kt_kept_field *field, struct kt_strbuf *buffer,
                      struct kt_packed *ret)
{
    struct packing packing = {.buffer = buffer, .version = ""};
    if (!object)
        return false;
    cJSON root = *object;
    root.string = NULL; /* the root of a tree has no name, whatever it was part of */
    if (!pack_node(&packing, &root, field, KT_LIMIT_TREE_DEPTH) || buffer->failed)
        return false;
    *ret = (struct kt_packed){buffer->data, buffer->length, packing.nodes, packing.version};
    return true;
}

bool kt_store_pack(enum kt_kind_id kind, const cJSON *object, struct kt_strbuf *buffer, struct kt_packed *ret)
{
    const struct kt_kept_field root_field = {.inside = kt_kinds[kind].fields};
    return pack_root(object, &root_field, buffer, ret);
}

bool kt_store_pack_whole(const cJSON *tree, struct kt_strbuf *buffer, struct kt_packed *ret)
{
    return pack_root(tree, &whole, buffer, ret);
}

/* --- unpacking -----------------------------------------------------------------------------------------------------
 */

struct unpacking {
    const char *place;
    cJSON *next_node;
    const char *version;
};

/* cJSON's nodes have no const texts; nothing writes to these. */
static char *shared_text(const char *text)
{
    union {
        const char *in;
        char *out;
    } both = {.in = text};
    return both.out;
}

static char *take_text(struct unpacking *unpacking, bool is_common)
{
    if (is_common)
        return shared_text(kt_common_text((unsigned char)*unpacking->place++));
    const char *text = unpacking->place;
    unpacking->place += strlen(text) + 1;
    return shared_text(text);
}

static cJSON *unpack_node(struct unpacking *unpacking)
{
    unsigned head = (unsigned char)*unpacking->place++;
    cJSON *node = unpacking->next_node++;
    *node = (cJSON){.type = types[head & TYPE]};
    if (head & (KEY | KEY_COMMON))
        node->string = take_text(unpacking, head & KEY_COMMON);
    if (node->type == cJSON_Number) {
        memcpy(&node->valuedouble, unpacking->place, sizeof(node->valuedouble));
        unpacking->place += sizeof(node->valuedouble);
        memcpy(&node->valueint, unpacking->place, sizeof(node->valueint));
        unpacking->place += sizeof(node->valueint);
    }
    if (head & VERSION)
        node->valuestring = shared_text(unpacking->version);
    else if (head & (TEXT | TEXT_COMMON))
        node->valuestring = take_text(unpacking, head & TEXT_COMMON);
    if (node->type != cJSON_Array && node->type != cJSON_Object)
        return node;
    cJSON *last = NULL;
    while ((unsigned char)*unpacking->place != END) {
        cJSON *child = unpack_node(unpacking);
        child->prev = last;
        *(last ? &last->next : &node->child) = child;
        last = child;
    }
    unpacking->place++;
    if (last)
        node->child->prev = last; /* as cJSON has it: the first child's prev is the last one */
    return node;
}

void kt_store_unpack(const struct kt_packed *packed, cJSON *nodes)
{
    struct unpacking unpacking = {packed->bytes, nodes, packed->version};
    unpack_node(&unpacking);
}
