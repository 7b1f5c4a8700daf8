/* SPDX-License-Identifier: Apache-2.0 */
/* The files into struct tables. */
#include <errno.h>
#include <stdarg.h>

#include "generator.h"

struct tables tables;

void complain(const struct source *source, size_t line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%zu: ", source->path, line);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    tables.error_count++;
}

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

static struct kt_str scalar(const yaml_node_t *node)
{
    return (struct kt_str){(const char *)node->data.scalar.value, node->data.scalar.length};
}

static bool want(struct source *source, const yaml_node_t *node, yaml_node_type_t type, const char *what)
{
    if (node->type != type) {
        complain(source, line_of(node), "%s is not a %s", what,
                 type == YAML_SCALAR_NODE     ? "single value"
                 : type == YAML_SEQUENCE_NODE ? "list"
                                              : "map");
        return false;
    }
    return true;
}

/* Items of a list, or nothing when it is none; *ret_count tells how many. */
static yaml_node_item_t *items(struct source *source, yaml_node_t *node, const char *what, size_t *ret_count)
{
    *ret_count = 0;
    if (!want(source, node, YAML_SEQUENCE_NODE, what)) {
        return NULL;
    }
    *ret_count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    return node->data.sequence.items.start;
}

static yaml_node_t *at(struct source *source, int index)
{
    return yaml_document_get_node(&source->document, index);
}

/* Reads a list of names into texts[0..maximum]. */
static size_t read_names(struct source *source, yaml_node_t *node, const char *what, const char **texts, size_t maximum)
{
    size_t count;
    yaml_node_item_t *list = items(source, node, what, &count);
    if (count > maximum) {
        complain(source, line_of(node), "%s has more than %zu items", what, maximum);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *item = at(source, list[i]);
        if (!want(source, item, YAML_SCALAR_NODE, what)) {
            return 0;
        }
        if (!kt_field_text_ok(scalar(item))) {
            complain(source, line_of(item), "%s has an item that is not plain text", what);
        }
        texts[i] = scalar(item).data;
    }
    return count;
}

static void read_modules(struct source *source, yaml_node_t *node, struct kt_architecture *architecture)
{
    if (!want(source, node, YAML_MAPPING_NODE, "modules")) {
        return;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *name = at(source, pair->key);
        yaml_node_t *value = at(source, pair->value);
        size_t count;
        yaml_node_item_t *features = items(source, value, "a module", &count);
        uint64_t sizes[2] = {0, 0};
        if (!want(source, name, YAML_SCALAR_NODE, "a module's name")) {
            return;
        }
        for (size_t i = 0; i < count && i < 2; i++) {
            yaml_node_t *size = at(source, features[i]);
            if (size->type != YAML_SCALAR_NODE || !kt_field_decimal(scalar(size), 0, &sizes[i])) {
                sizes[i] = 0;
            }
        }
        if (count != 2 || sizes[0] == 0 || sizes[0] > KT_FIELD_MAX_FEATURES || sizes[1] == 0 ||
            sizes[1] > KT_FIELD_MAX_FEATURES || !kt_field_text_ok(scalar(name))) {
            complain(source, line_of(value), "a module is written as name: [in_features, out_features]");
        } else if (kt_entry_module_index(architecture, scalar(name).data) < architecture->module_count) {
            complain(source, line_of(name), "module %s stands twice", scalar(name).data);
        } else if (architecture->module_count == KT_MODEL_MAX_MODULES) {
            complain(source, line_of(value), "more than %d modules", KT_MODEL_MAX_MODULES);
        } else {
            architecture->modules[architecture->module_count++] =
                (struct kt_linear_module){scalar(name).data, (uint32_t)sizes[0], (uint32_t)sizes[1]};
        }
    }
}

static void read_map(struct source *source, yaml_node_t *node, const char *what, const struct kt_field *fields,
                     size_t field_count, void *entry);

static void read_nested(struct source *source, yaml_node_t *node, const struct kt_field *field,
                        struct kt_model_entry *entry)
{
    if (kt_streq(field->key, "architecture")) {
        read_map(source, node, field->key, kt_architecture_fields, KT_ARRAY_LENGTH(kt_architecture_fields),
                 &entry->model.architecture);
    } else if (kt_streq(field->key, "modules")) {
        read_modules(source, node, &entry->model.architecture);
    } else if (kt_streq(field->key, "aliases")) {
        (void)read_names(source, node, field->key, entry->aliases, KT_ENTRY_MAX_ALIASES);
    } else {
        entry->model.default_target_count =
            (uint32_t)read_names(source, node, field->key, entry->model.default_targets, KT_MODEL_MAX_MODULES);
    }
}

static void read_map(struct source *source, yaml_node_t *node, const char *what, const struct kt_field *fields,
                     size_t field_count, void *entry)
{
    uint64_t seen = 0;
    if (!want(source, node, YAML_MAPPING_NODE, what)) {
        return;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = at(source, pair->key);
        yaml_node_t *value = at(source, pair->value);
        size_t i = 0;
        if (!want(source, key, YAML_SCALAR_NODE, "a key")) {
            continue;
        }
        while (i < field_count && !kt_streq(fields[i].key, scalar(key).data)) {
            i++;
        }
        if (i == field_count) {
            complain(source, line_of(key), "%s: unknown key %s", what, scalar(key).data);
            continue;
        }
        if (seen & (UINT64_C(1) << i)) {
            complain(source, line_of(key), "%s: key %s stands twice", what, fields[i].key);
        }
        seen |= UINT64_C(1) << i;
        if (fields[i].kind == KT_FIELD_NESTED) {
            read_nested(source, value, &fields[i], entry);
        } else if (want(source, value, YAML_SCALAR_NODE, fields[i].key)) {
            const char *complaint = kt_field_set(&fields[i], entry, scalar(value));
            if (complaint) {
                complain(source, line_of(value), "%s: %s %s", what, fields[i].key, complaint);
            }
        }
    }
    for (size_t i = 0; i < field_count; i++) {
        if (fields[i].required && !(seen & (UINT64_C(1) << i))) {
            complain(source, line_of(node), "%s: key %s is missing", what, fields[i].key);
        }
    }
}

static void read_models(struct source *source, yaml_node_t *node)
{
    size_t count;
    yaml_node_item_t *list = items(source, node, "models", &count);
    if (count > MAX_MODELS) {
        complain(source, line_of(node), "more than %d models", MAX_MODELS);
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *item = at(source, list[i]);
        tables.model_lines[i] = line_of(item);
        read_map(source, item, "model", kt_model_fields, KT_ARRAY_LENGTH(kt_model_fields), &tables.models[i]);
        const char *complaint = tables.models[i].model.name ? kt_model_entry_finish(&tables.models[i]) : NULL;
        if (complaint) {
            complain(source, tables.model_lines[i], "%s: %s", tables.models[i].model.name, complaint);
        }
    }
    tables.model_count = count;
}

static void read_skus(struct source *source, yaml_node_t *node)
{
    size_t count;
    yaml_node_item_t *list = items(source, node, "skus", &count);
    if (count > MAX_SKUS) {
        complain(source, line_of(node), "more than %d SKUs", MAX_SKUS);
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *item = at(source, list[i]);
        tables.sku_lines[i] = line_of(item);
        read_map(source, item, "SKU", kt_sku_fields, KT_ARRAY_LENGTH(kt_sku_fields), &tables.skus[i]);
        const char *complaint = tables.skus[i].sku.name ? kt_sku_entry_finish(&tables.skus[i]) : NULL;
        if (complaint) {
            complain(source, tables.sku_lines[i], "%s: %s", tables.skus[i].sku.name, complaint);
        }
    }
    tables.sku_count = count;
}

static void read_profiles(struct source *source, yaml_node_t *node)
{
    tables.profile_count = read_names(source, node, "mig_profiles", tables.profiles, MAX_PROFILES);
    for (size_t i = 1; i < tables.profile_count; i++) {
        if (strcmp(tables.profiles[i - 1], tables.profiles[i]) >= 0) {
            complain(source, line_of(node), "mig_profiles: %s is not in its place", tables.profiles[i]);
        }
    }
}

static void read_images(struct source *source, yaml_node_t *node)
{
    size_t count;
    yaml_node_item_t *list = items(source, node, "images", &count);
    if (count > MAX_IMAGES) {
        complain(source, line_of(node), "more than %d images", MAX_IMAGES);
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *item = at(source, list[i]);
        tables.image_lines[i] = line_of(item);
        read_map(source, item, "image", kt_image_fields, KT_ARRAY_LENGTH(kt_image_fields), &tables.images[i]);
    }
    tables.image_count = count;
}

struct section {
    const char *key;
    void (*read)(struct source *source, yaml_node_t *node);
};

/* Loads the only document of the file; NULL after a complaint. */
static yaml_node_t *load(struct source *source)
{
    yaml_parser_t parser;
    yaml_document_t next;
    FILE *file = fopen(source->path, "rb");
    if (!file) {
        complain(source, 0, "%s", strerror(errno));
        return NULL;
    }
    if (yaml_parser_initialize(&parser)) {
        yaml_parser_set_input_file(&parser, file);
        source->loaded = yaml_parser_load(&parser, &source->document);
        if (!source->loaded) {
            complain(source, parser.problem_mark.line + 1, "%s", parser.problem ? parser.problem : "cannot be read");
        } else if (yaml_parser_load(&parser, &next)) {
            if (yaml_document_get_root_node(&next)) {
                complain(source, parser.mark.line + 1, "a second document");
            }
            yaml_document_delete(&next);
        }
        yaml_parser_delete(&parser);
    }
    (void)fclose(file);
    yaml_node_t *root = source->loaded ? yaml_document_get_root_node(&source->document) : NULL;
    if (source->loaded && !root) {
        complain(source, 1, "there is nothing in it");
    }
    return root;
}

static void read_file(struct source *source, const struct section *sections, size_t section_count)
{
    yaml_node_t *root = load(source);
    if (!root || !want(source, root, YAML_MAPPING_NODE, "the file")) {
        return;
    }
    size_t found = 0;
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = at(source, pair->key);
        size_t i = 0;
        while (i < section_count && (key->type != YAML_SCALAR_NODE || !kt_streq(sections[i].key, scalar(key).data))) {
            i++;
        }
        if (i == section_count || (found & ((size_t)1 << i))) {
            complain(source, line_of(key), "unknown section, or one that stands twice");
            continue;
        }
        found |= (size_t)1 << i;
        sections[i].read(source, at(source, pair->value));
    }
    if (found != ((size_t)1 << section_count) - 1) {
        complain(source, 1, "a section is missing");
    }
}

void read_models_file(struct source *source)
{
    static const struct section sections[] = {{"models", read_models}};
    read_file(source, sections, KT_ARRAY_LENGTH(sections));
}

void read_skus_file(struct source *source)
{
    static const struct section sections[] = {{"mig_profiles", read_profiles}, {"skus", read_skus}};
    read_file(source, sections, KT_ARRAY_LENGTH(sections));
}

void read_images_file(struct source *source)
{
    static const struct section sections[] = {{"images", read_images}};
    read_file(source, sections, KT_ARRAY_LENGTH(sections));
}
