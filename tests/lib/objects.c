/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/objects.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/embedded.h"
#include "base/files.h"
#include "text/yaml.h"

static void give_up(const char *what, const char *why) __attribute__((noreturn));
static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "test set-up: %s: %s\n", what, why);
    abort();
}

static const char *source_path(struct kt_arena *arena, const char *path)
{
    const char *root = getenv("KT_SOURCE_DIR");
    return root ? kt_arena_printf(arena, "%s/%s", root, path) : path;
}

struct kt_str kt_test_read_file(struct kt_arena *arena, const char *path)
{
    struct kt_error error = {0};
    struct kt_str text = {0};
    if (kt_files_system.read(kt_files_system.context, arena, source_path(arena, path), (size_t)(64 * KT_MIB), &text,
                             &error) < 0) {
        give_up(path, error.message);
    }
    return text;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *kt_test_list_files(struct kt_arena *arena, const char *folder, const char *suffix, size_t *ret_count)
{
    enum { MOST = 1000 };
    const char **names = kt_arena_calloc(arena, MOST + 1, sizeof(*names));
    DIR *directory = opendir(source_path(arena, folder));
    if (!names || !directory) {
        give_up(folder, "cannot be listed");
    }
    size_t count = 0;
    for (struct dirent *entry; count < MOST && (entry = readdir(directory));) {
        if (kt_str_ends_with(kt_str(entry->d_name), kt_str(suffix))) {
            names[count++] = kt_arena_printf(arena, "%s/%s", folder, entry->d_name);
        }
    }
    closedir(directory);
    qsort(names, count, sizeof(*names), compare_names);
    *ret_count = count;
    return names;
}

cJSON *kt_test_yaml(struct kt_arena *arena, struct kt_str text)
{
    struct kt_yaml_document document = {0};
    struct kt_error error = {0};
    if (kt_yaml_parse_one(arena, text, &document, &error) < 0) {
        give_up("YAML", error.message);
    }
    if (document.duplicates) {
        give_up("YAML: key given twice", document.duplicates->path);
    }
    return document.root;
}

const char *kt_test_write_json(struct kt_arena *arena, const cJSON *node)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)(64 * KT_MIB));
    kt_json_write(&buffer, node, KT_JSON_COMPACT);
    if (buffer.failed) {
        give_up("writing JSON", "no memory");
    }
    return buffer.data;
}

static void merge_into(struct kt_arena *arena, cJSON *target, const cJSON *patch)
{
    const cJSON *change;
    cJSON_ArrayForEach(change, patch)
    {
        cJSON *old = kt_json_get(target, change->string);
        if (kt_json_is_null(change)) {
            kt_json_remove(target, change->string);
        } else if (!kt_json_is_object(change)) {
            kt_json_set(arena, target, change->string, kt_json_clone(arena, change));
        } else {
            if (!kt_json_is_object(old)) {
                kt_json_set(arena, target, change->string, kt_json_new_object(arena));
            }
            merge_into(arena, kt_json_get(target, change->string), change);
        }
    }
}

cJSON *kt_test_merge(struct kt_arena *arena, const cJSON *target, const cJSON *patch)
{
    if (patch && !kt_json_is_object(patch)) {
        return kt_json_clone(arena, patch);
    }
    cJSON *copy = kt_json_is_object(target) ? kt_json_clone(arena, target) : kt_json_new_object(arena);
    merge_into(arena, copy, patch);
    if (arena->failed) {
        give_up("merging", "no memory");
    }
    return copy;
}

cJSON *kt_test_templates(struct kt_arena *arena)
{
    struct kt_yaml_documents documents = {0};
    struct kt_error error = {0};
    struct kt_str text = {kt_embedded_templates.text, kt_embedded_templates.length};
    if (kt_yaml_parse(arena, text, &documents, &error) < 0) {
        give_up("templates", error.message);
    }
    cJSON *array = kt_json_new_array(arena);
    for (size_t i = 0; i < documents.count; i++) {
        if (documents.items[i].root) {
            kt_json_append(arena, array, documents.items[i].root);
        }
    }
    return array;
}
