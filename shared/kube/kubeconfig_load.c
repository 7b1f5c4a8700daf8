/* SPDX-License-Identifier: Apache-2.0 */
/* Finding kubeconfig files and merging them. */
#include "kube/kubeconfig.h"

#include <string.h>

#include "base/limits.h"

struct path_list {
    const char **paths;
    size_t count;
};

static int no_memory(struct kt_error *error)
{
    return kt_error_set(error, KT_ENOMEM, "cannot read the kubeconfig: not enough memory");
}

static bool is_listed(const struct path_list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++)
        if (kt_streq(list->paths[i], path))
            return true;
    return false;
}

/* Splits at colons; empty entries and repetitions count for nothing. */
static int split_paths(struct kt_arena *arena, const char *text, struct path_list *list, struct kt_error *error)
{
    while (*text) {
        size_t length = strcspn(text, ":");
        const char *path = kt_arena_strndup(arena, text, length);
        if (!path)
            return no_memory(error);
        if (length > 0 && !is_listed(list, path)) {
            if (list->count == KT_LIMIT_KUBECONFIG_FILES)
                return kt_error_set(error, KT_ELIMIT, "the variable KUBECONFIG lists more than %zu files",
                                    KT_LIMIT_KUBECONFIG_FILES);
            list->paths[list->count++] = path;
        }
        text += length + (text[length] == ':');
    }
    return 0;
}

static int list_paths(struct kt_arena *arena, const struct kt_environment *environment, const char *explicit_path,
                      struct path_list *list, struct kt_error *error)
{
    list->paths = kt_arena_calloc(arena, KT_LIMIT_KUBECONFIG_FILES + 1, sizeof(*list->paths));
    if (!list->paths)
        return no_memory(error);
    if (explicit_path && *explicit_path) {
        list->paths[list->count++] = explicit_path;
        return 0;
    }
    const char *variable = kt_environment_get(environment, "KUBECONFIG");
    if (variable && *variable)
        return split_paths(arena, variable, list, error);
    const char *home = kt_environment_get(environment, "HOME");
    if (!home || !*home)
        return 0;
    const char *path = kt_arena_printf(arena, "%s/.kube/config", home);
    if (!path)
        return no_memory(error);
    list->paths[list->count++] = path;
    return 0;
}

/* Appends the entries of `from` whose names are not there yet. All entries begin with their name. */
static void *merge_entries(struct kt_arena *arena, char *into, size_t *count, const char *from, size_t from_count,
                           size_t entry_size)
{
    char *all = kt_arena_calloc(arena, *count + from_count, entry_size);
    if (!all)
        return NULL;
    if (*count > 0)
        memcpy(all, into, *count * entry_size);
    size_t total = *count;
    for (size_t i = 0; i < from_count; i++) {
        const char *name, *other;
        bool known = false;
        memcpy(&name, from + i * entry_size, sizeof(name));
        for (size_t k = 0; k < *count && !known; k++) {
            memcpy(&other, all + k * entry_size, sizeof(other));
            known = kt_streq(name, other);
        }
        if (!known)
            memcpy(all + total++ * entry_size, from + i * entry_size, entry_size);
    }
    *count = total;
    return all;
}

static void merge(struct kt_arena *arena, struct kt_kubeconfig *into, const struct kt_kubeconfig *from)
{
    into->clusters = merge_entries(arena, (char *)into->clusters, &into->cluster_count, (const char *)from->clusters,
                                   from->cluster_count, sizeof(*into->clusters));
    into->users = merge_entries(arena, (char *)into->users, &into->user_count, (const char *)from->users,
                                from->user_count, sizeof(*into->users));
    into->contexts = merge_entries(arena, (char *)into->contexts, &into->context_count, (const char *)from->contexts,
                                   from->context_count, sizeof(*into->contexts));
    if (*into->current_context == '\0')
        into->current_context = from->current_context;
}

int kt_kubeconfig_load(struct kt_arena *arena, const struct kt_environment *environment, const char *explicit_path,
                       struct kt_kubeconfig *ret, struct kt_error *error)
{
    bool must_exist = explicit_path && *explicit_path;
    struct path_list list = {0};
    int code = list_paths(arena, environment, explicit_path, &list, error);
    if (code != 0)
        return code;
    struct kt_kubeconfig merged = {.current_context = "", .paths = list.paths};
    for (size_t i = 0; i < list.count; i++) {
        struct kt_str text;
        struct kt_error read_error = {0};
        code = environment->files->read(environment->files->context, arena, list.paths[i], KT_LIMIT_KUBECONFIG_BYTES,
                                        &text, &read_error);
        if (code == KT_ENOTFOUND && !must_exist)
            continue;
        if (code != 0)
            return kt_error_set(error, read_error.code, "%s%s", read_error.message,
                                must_exist ? "; check the flag --kubeconfig" : "; check the kubeconfig");
        struct kt_kubeconfig one;
        code = kt_kubeconfig_parse(arena, text, list.paths[i], &one, error);
        if (code != 0)
            return code;
        merge(arena, &merged, &one);
        if (arena->failed)
            return no_memory(error);
        merged.read_count++;
    }
    *ret = merged;
    return 0;
}

const struct kt_kubeconfig_cluster *kt_kubeconfig_cluster(const struct kt_kubeconfig *config, const char *name)
{
    for (size_t i = 0; i < config->cluster_count; i++)
        if (kt_streq(config->clusters[i].name, name))
            return &config->clusters[i];
    return NULL;
}

const struct kt_kubeconfig_user *kt_kubeconfig_user(const struct kt_kubeconfig *config, const char *name)
{
    for (size_t i = 0; i < config->user_count; i++)
        if (kt_streq(config->users[i].name, name))
            return &config->users[i];
    return NULL;
}

const struct kt_kubeconfig_context *kt_kubeconfig_context(const struct kt_kubeconfig *config, const char *name)
{
    for (size_t i = 0; i < config->context_count; i++)
        if (kt_streq(config->contexts[i].name, name))
            return &config->contexts[i];
    return NULL;
}
