/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/admission/object_copy.h"

#include <string.h>

#include "base/limits.h"

/* What the copy of a tree needs: first all its nodes, then all its texts. */
struct size {
    size_t nodes, text_bytes;
};

struct block {
    cJSON *next_node;
    char *next_text;
};

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static bool measure(const cJSON *node, size_t depth, struct size *size)
{
    size->nodes++;
    size->text_bytes += text_size(node->string) + text_size(node->valuestring);
    const cJSON *child;
    cJSON_ArrayForEach(child, node)
    {
        if (depth == 0 || !measure(child, depth - 1, size))
            return false;
    }
    return true;
}

static char *copy_text(struct block *block, const char *text)
{
    if (!text)
        return NULL;
    char *copy = memcpy(block->next_text, text, text_size(text));
    block->next_text += text_size(text);
    return copy;
}

static cJSON *copy_node(struct block *block, const cJSON *node)
{
    cJSON *copy = block->next_node++;
    *copy = (cJSON){.type = node->type & ~(cJSON_IsReference | cJSON_StringIsConst),
                    .valueint = node->valueint,
                    .valuedouble = node->valuedouble,
                    .string = copy_text(block, node->string),
                    .valuestring = copy_text(block, node->valuestring)};
    cJSON *last = NULL;
    const cJSON *child;
    cJSON_ArrayForEach(child, node)
    {
        cJSON *made = copy_node(block, child);
        made->prev = last;
        *(last ? &last->next : &copy->child) = made;
        last = made;
    }
    if (last)
        copy->child->prev = last; /* as cJSON has it: the first child's prev is the last one */
    return copy;
}

cJSON *kt_object_copy(const cJSON *tree, size_t *ret_bytes)
{
    struct size size = {0};
    if (!tree || !measure(tree, KT_LIMIT_TREE_DEPTH, &size))
        return NULL;
    size_t bytes = size.nodes * sizeof(cJSON) + size.text_bytes;
    cJSON *nodes = kt_heap_alloc(bytes);
    if (!nodes)
        return NULL;
    struct block block = {nodes, (char *)(nodes + size.nodes)};
    *ret_bytes = bytes;
    return copy_node(&block, tree);
}
