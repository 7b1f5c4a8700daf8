/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

/* --- finding -------------------------------------------------------------------------------------------------------
 */

struct search {
    struct kt_arena *arena;
    struct kt_manifest_list list;
    void (*trouble)(void *context, const char *name, const struct kt_error *error);
    void *context;
    struct kt_error *error;
};

static int out_of_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "not enough memory for the list of files");
}

static int add_file(struct search *search, const char *name, const char *path, bool found)
{
    struct kt_manifest_list *list = &search->list;
    if (list->count == KT_LIMIT_MANIFEST_FILES)
        return kt_error_set(search->error, KT_ELIMIT, "more than %d files at once; check them in several runs",
                            KT_LIMIT_MANIFEST_FILES);
    if (list->count == list->capacity) {
        size_t capacity = KT_MAX(list->capacity * 2, (size_t)16);
        struct kt_manifest_file *items = kt_arena_calloc(search->arena, capacity, sizeof(*items));
        if (!items)
            return out_of_memory(search->error);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = (struct kt_manifest_file){.name = name, .path = path, .found = found};
    return 0;
}

static void tell(struct search *search, const char *name, int number)
{
    struct kt_error error;
    char reason[128];
    enum kt_error_code code = number == ENOENT || number == ENOTDIR ? KT_ENOTFOUND
                              : number == EACCES                    ? KT_EFORBIDDEN
                                                                    : KT_EIO;
    if (number == ENOENT)
        kt_error_set(&error, code, "the path \"%s\" does not exist", name); /* as kubectl says it */
    else
        kt_error_set(&error, code, "cannot read %s: %s", name, strerror_r(number, reason, sizeof(reason)));
    search->trouble(search->context, name, &error);
}

static bool has_manifest_ending(const char *name)
{
    struct kt_str text = kt_str(name);
    return kt_str_ends_with(text, KT_STR(".yaml")) || kt_str_ends_with(text, KT_STR(".yml")) ||
           kt_str_ends_with(text, KT_STR(".json"));
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

/* Sorted names of a folder, without those that begin with a dot. */
static int list_folder(struct search *search, const char *path, struct kt_texts *ret)
{
    KT_CLEANUP(close_folder) DIR *folder = opendir(path);
    if (!folder) {
        tell(search, path, errno);
        return 0;
    }
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        const char *copy = kt_arena_strdup(search->arena, entry->d_name);
        if (!copy || !kt_texts_add(search->arena, ret, copy))
            return out_of_memory(search->error);
        errno = 0;
    }
    if (errno != 0)
        tell(search, path, errno);
    if (ret->count > 1)
        qsort(ret->items, ret->count, sizeof(*ret->items), compare_names);
    return 0;
}

/* Folders that a symbolic link leads to are left alone: they may lead back. */
static int search_folder(struct search *search, const char *path, unsigned depth)
{
    struct kt_texts names = {0};
    int code = list_folder(search, path, &names);
    bool slash = path[0] && path[strlen(path) - 1] == '/';
    for (size_t i = 0; i < names.count && code == 0; i++) {
        const char *inner = kt_arena_printf(search->arena, "%s%s%s", path, slash ? "" : "/", names.items[i]);
        struct stat status;
        if (!inner)
            return out_of_memory(search->error);
        if (lstat(inner, &status) != 0)
            tell(search, inner, errno);
        else if (S_ISDIR(status.st_mode) && depth < KT_MANIFEST_DEEPEST_FOLDER)
            code = search_folder(search, inner, depth + 1);
        else if (!has_manifest_ending(names.items[i]))
            continue;
        else if (S_ISREG(status.st_mode) ||
                 (S_ISLNK(status.st_mode) && stat(inner, &status) == 0 && S_ISREG(status.st_mode)))
            code = add_file(search, inner, inner, true);
    }
    return code;
}

int kt_manifest_find(struct kt_arena *arena, const struct kt_texts *names,
                     void (*trouble)(void *context, const char *name, const struct kt_error *error), void *context,
                     struct kt_manifest_list *ret, struct kt_error *error)
{
    struct search search = {.arena = arena, .trouble = trouble, .context = context, .error = error};
    bool stdin_named = false;
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        struct stat status;
        int code = 0;
        if (kt_streq(name, "-")) {
            if (!stdin_named)
                code = add_file(&search, "standard input", NULL, false);
            stdin_named = true;
        } else if (stat(name, &status) != 0) {
            tell(&search, name, errno);
        } else if (S_ISDIR(status.st_mode)) {
            code = search_folder(&search, name, 0);
        } else {
            code = add_file(&search, name, name, false);
        }
        if (code != 0)
            return code;
    }
    *ret = search.list;
    return 0;
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

static int index_lines(struct kt_arena *arena, struct kt_manifest_file *file, struct kt_error *error)
{
    size_t count = 1;
    for (size_t i = 0; i < file->text.length; i++)
        count += file->text.data[i] == '\n';
    uint32_t *starts = kt_arena_calloc(arena, count, sizeof(*starts));
    if (!starts)
        return kt_error_set(error, KT_ENOMEM, "%s: not enough memory", file->name);
    size_t line = 1;
    for (size_t i = 0; i < file->text.length; i++)
        if (file->text.data[i] == '\n')
            starts[line++] = (uint32_t)(i + 1);
    file->line_starts = starts;
    file->line_count = count;
    return 0;
}

struct kt_str kt_manifest_line(const struct kt_manifest_file *file, uint32_t line)
{
    if (line == 0 || line > file->line_count)
        return (struct kt_str){0};
    size_t start = file->line_starts[line - 1];
    size_t end = line < file->line_count ? file->line_starts[line] - 1 : file->text.length;
    if (end > start && file->text.data[end - 1] == '\r')
        end--;
    return (struct kt_str){file->text.data + start, end - start};
}

int kt_manifest_read(struct kt_arena *arena, const struct kt_files *files, struct kt_manifest_file *file,
                     struct kt_error *error)
{
    if (file->kept)
        return 0;
    struct kt_str text;
    int code = file->path ? files->read(files->context, arena, file->path, KT_LIMIT_MANIFEST_BYTES, &text, error)
                          : kt_files_read_fd(arena, STDIN_FILENO, file->name, KT_LIMIT_MANIFEST_BYTES, &text, error);
    if (code != 0)
        return code;
    struct kt_yaml_documents documents;
    code = kt_yaml_parse(arena, text, &documents, error);
    if (code != 0)
        return kt_error_wrap(error, "%s", file->name);
    file->text = text;
    file->documents = documents;
    return index_lines(arena, file, error);
}

/* --- objects -------------------------------------------------------------------------------------------------------
 */

static struct kt_position position_of(const struct kt_yaml_document *document, const cJSON *node)
{
    struct kt_position position = kt_positions_of_value(document->positions, node);
    return position.line > 0 ? position : document->start;
}

static struct kt_manifest_object object_of(const struct kt_yaml_document *document, size_t number, const cJSON *node,
                                           const char *list_path)
{
    const cJSON *metadata = kt_json_get(node, "metadata");
    const char *name = kt_json_string(kt_json_get(metadata, "name"));
    const char *namespace_ = kt_json_string(kt_json_get(metadata, "namespace"));
    return (struct kt_manifest_object){
        .node = node,
        .document = document,
        .document_number = number,
        .list_path = list_path,
        .api_version = kt_json_string(kt_json_get(node, "apiVersion")),
        .kind = kt_json_string(kt_json_get(node, "kind")),
        .name = name ? name : kt_json_string(kt_json_get(metadata, "generateName")),
        .namespace_ = namespace_ && namespace_[0] ? namespace_ : NULL,
        .position = position_of(document, node),
    };
}

bool kt_manifest_visit(struct kt_arena *arena, const struct kt_yaml_document *document, size_t number,
                       bool (*visit)(void *context, const struct kt_manifest_object *object), void *context)
{
    if (!document->root)
        return true;
    struct kt_manifest_object whole = object_of(document, number, document->root, "");
    const cJSON *items = kt_json_get(document->root, "items");
    bool is_list = whole.kind && kt_str_ends_with(kt_str(whole.kind), KT_STR("List")) && kt_json_is_array(items);
    if (!is_list)
        return visit(context, &whole);
    const cJSON *item;
    size_t index = 0;
    cJSON_ArrayForEach(item, items)
    {
        const char *path = kt_arena_printf(arena, "items[%zu]", index++);
        struct kt_manifest_object object = object_of(document, number, item, path ? path : "items");
        if (!visit(context, &object))
            return false;
    }
    return true;
}
