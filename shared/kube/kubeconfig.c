/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one kubeconfig text. Finding and merging files: kubeconfig_load.c. */
#include "kube/kubeconfig.h"

#include <string.h>

#include "base/limits.h"
#include "kube/kubeconfig_reader.h"
#include "text/yaml.h"

#define CLUSTER_FIELD(key, kind, member)                          \
    {                                                             \
        key, kind, offsetof(struct kt_kubeconfig_cluster, member) \
    }
static const struct kt_reader_field cluster_fields[] = {
    CLUSTER_FIELD("server", KT_READER_TEXT, server),
    CLUSTER_FIELD("tls-server-name", KT_READER_TEXT, tls_server_name),
    CLUSTER_FIELD("certificate-authority", KT_READER_PATH, certificate_authority),
    CLUSTER_FIELD("certificate-authority-data", KT_READER_BYTES, certificate_authority_data),
    CLUSTER_FIELD("proxy-url", KT_READER_TEXT, proxy_url),
    CLUSTER_FIELD("insecure-skip-tls-verify", KT_READER_BOOL, insecure_skip_tls_verify),
    CLUSTER_FIELD("disable-compression", KT_READER_BOOL, disable_compression),
};

#define USER_FIELD(key, kind, member)                          \
    {                                                          \
        key, kind, offsetof(struct kt_kubeconfig_user, member) \
    }
static const struct kt_reader_field user_fields[] = {
    USER_FIELD("client-certificate", KT_READER_PATH, client_certificate),
    USER_FIELD("client-certificate-data", KT_READER_BYTES, client_certificate_data),
    USER_FIELD("client-key", KT_READER_PATH, client_key),
    USER_FIELD("client-key-data", KT_READER_BYTES, client_key_data),
    USER_FIELD("token", KT_READER_TEXT, token),
    USER_FIELD("tokenFile", KT_READER_PATH, token_file),
    USER_FIELD("username", KT_READER_TEXT, username),
    USER_FIELD("password", KT_READER_TEXT, password),
    USER_FIELD("as", KT_READER_TEXT, impersonation.user),
    USER_FIELD("as-uid", KT_READER_TEXT, impersonation.uid),
};

#define CONTEXT_FIELD(key, member)                                          \
    {                                                                       \
        key, KT_READER_TEXT, offsetof(struct kt_kubeconfig_context, member) \
    }
static const struct kt_reader_field context_fields[] = {
    CONTEXT_FIELD("cluster", cluster),
    CONTEXT_FIELD("user", user),
    CONTEXT_FIELD("namespace", namespace_),
};

#define EXEC_FIELD(key, kind, member)                      \
    {                                                      \
        key, kind, offsetof(struct kt_exec_config, member) \
    }
static const struct kt_reader_field exec_fields[] = {
    EXEC_FIELD("apiVersion", KT_READER_TEXT, api_version),
    EXEC_FIELD("command", KT_READER_TEXT, command),
    EXEC_FIELD("installHint", KT_READER_TEXT, install_hint),
    EXEC_FIELD("interactiveMode", KT_READER_TEXT, interactive_mode),
    EXEC_FIELD("provideClusterInfo", KT_READER_BOOL, provide_cluster_info),
};

static void read_exec_variables(struct kt_reader *reader, const struct kt_reader_place *place, const cJSON *list,
                                struct kt_exec_config *exec)
{
    if (!list || kt_json_is_null(list))
        return;
    if (!kt_json_is_array(list)) {
        kt_reader_wrong_kind(reader, place, "env", "a list", list);
        return;
    }
    struct kt_exec_variable *variables = kt_arena_calloc(reader->arena, kt_json_count(list), sizeof(*variables));
    if (!variables) {
        kt_reader_no_memory(reader);
        return;
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *name = kt_json_get(item, "name");
        const cJSON *value = kt_json_get(item, "value");
        if ((name && !kt_json_is_string(name)) || (value && !kt_json_is_string(value)) || !kt_json_is_object(item)) {
            kt_reader_wrong_kind(reader, place, "env", "a list of names and values that are text", item);
            return;
        }
        variables[exec->variable_count++] =
            (struct kt_exec_variable){kt_json_string_or(name, ""), kt_json_string_or(value, "")};
    }
    exec->variables = variables;
}

static const char *const no_texts[] = {NULL};

static void read_exec(struct kt_reader *reader, size_t index, const cJSON *node, struct kt_kubeconfig_user *user)
{
    struct kt_exec_config *exec = kt_arena_alloc(reader->arena, sizeof(*exec));
    if (!exec) {
        kt_reader_no_memory(reader);
        return;
    }
    struct kt_reader_place place = {"users", index, "user.exec"};
    kt_reader_fields(reader, &place, node, exec_fields, KT_ARRAY_LENGTH(exec_fields), exec);
    exec->arguments = kt_reader_texts(reader, &place, kt_json_get(node, "args"), "args");
    if (!exec->arguments)
        exec->arguments = no_texts;
    read_exec_variables(reader, &place, kt_json_get(node, "env"), exec);
    if (strchr(exec->command, '/'))
        exec->command = kt_reader_path(reader, exec->command);
    /* Version 1 demands the mode, the beta defaults it (client-go tools/clientcmd/api/v1/defaults.go). */
    if (*exec->interactive_mode == '\0' && kt_streq(exec->api_version, "client.authentication.k8s.io/v1beta1"))
        exec->interactive_mode = "IfAvailable";
    user->exec = exec;
}

static void read_impersonation_extra(struct kt_reader *reader, const struct kt_reader_place *place, const cJSON *map,
                                     struct kt_impersonation *impersonation)
{
    struct kt_impersonation_extra *extra = kt_arena_calloc(reader->arena, kt_json_count(map), sizeof(*extra));
    if (!extra) {
        kt_reader_no_memory(reader);
        return;
    }
    const cJSON *member;
    cJSON_ArrayForEach(member, map)
    {
        const char *const *values = kt_reader_texts(reader, place, member, "as-user-extra");
        if (values)
            extra[impersonation->extra_count++] = (struct kt_impersonation_extra){member->string, values};
    }
    impersonation->extra = extra;
}

static void read_cluster(struct kt_reader *reader, size_t index, const char *name, const cJSON *node, void *entry)
{
    struct kt_kubeconfig_cluster *cluster = entry;
    struct kt_reader_place place = {"clusters", index, "cluster"};
    cluster->name = name;
    cluster->origin = reader->path;
    kt_reader_fields(reader, &place, node, cluster_fields, KT_ARRAY_LENGTH(cluster_fields), cluster);
    const cJSON *item;
    cJSON_ArrayForEach(item, kt_json_get(node, "extensions"))
    {
        if (kt_streq(kt_json_string_or(kt_json_get(item, "name"), ""), "client.authentication.k8s.io/exec"))
            cluster->exec_config = kt_json_get(item, "extension");
    }
}

static void read_user(struct kt_reader *reader, size_t index, const char *name, const cJSON *node, void *entry)
{
    struct kt_kubeconfig_user *user = entry;
    struct kt_reader_place place = {"users", index, "user"};
    user->name = name;
    user->origin = reader->path;
    kt_reader_fields(reader, &place, node, user_fields, KT_ARRAY_LENGTH(user_fields), user);
    user->impersonation.groups = kt_reader_texts(reader, &place, kt_json_get(node, "as-groups"), "as-groups");
    const cJSON *extra = kt_reader_object(reader, &place, node, "as-user-extra");
    if (extra)
        read_impersonation_extra(reader, &place, extra, &user->impersonation);
    const cJSON *exec = kt_reader_object(reader, &place, node, "exec");
    if (exec)
        read_exec(reader, index, exec, user);
    const cJSON *provider = kt_reader_object(reader, &place, node, "auth-provider");
    user->auth_provider = provider ? kt_json_string_or(kt_json_get(provider, "name"), "without a name") : "";
}

static void read_context(struct kt_reader *reader, size_t index, const char *name, const cJSON *node, void *entry)
{
    struct kt_kubeconfig_context *context = entry;
    struct kt_reader_place place = {"contexts", index, "context"};
    context->name = name;
    context->origin = reader->path;
    kt_reader_fields(reader, &place, node, context_fields, KT_ARRAY_LENGTH(context_fields), context);
}

/* One of the three lists of named things. All entries begin with their name. */
struct list {
    const char *key;
    const char *inner;
    size_t entry_size;
    void (*read)(struct kt_reader *reader, size_t index, const char *name, const cJSON *node, void *entry);
};

static const struct list cluster_list = {"clusters", "cluster", sizeof(struct kt_kubeconfig_cluster), read_cluster};
static const struct list user_list = {"users", "user", sizeof(struct kt_kubeconfig_user), read_user};
static const struct list context_list = {"contexts", "context", sizeof(struct kt_kubeconfig_context), read_context};

_Static_assert(offsetof(struct kt_kubeconfig_cluster, name) == 0 && offsetof(struct kt_kubeconfig_user, name) == 0 &&
                   offsetof(struct kt_kubeconfig_context, name) == 0,
               "entries of a list begin with their name");

static bool name_is_taken(const char *entries, size_t count, size_t entry_size, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *other;
        memcpy(&other, entries + i * entry_size, sizeof(other));
        if (kt_streq(other, name))
            return true;
    }
    return false;
}

static void *read_list(struct kt_reader *reader, const struct list *list, const cJSON *root, size_t *ret_count)
{
    const cJSON *node = kt_json_get(root, list->key);
    *ret_count = 0;
    if (!node || kt_json_is_null(node) || reader->code != 0)
        return NULL;
    if (!kt_json_is_array(node)) {
        kt_reader_fail(reader,
                       kt_error_set(reader->error, KT_EPARSE, "cannot read kubeconfig %s: %s must be a list, not %s",
                                    reader->path, list->key, kt_json_kind(node)));
        return NULL;
    }
    if (kt_json_count(node) > KT_LIMIT_KUBECONFIG_ENTRIES) {
        kt_reader_fail(reader,
                       kt_error_set(reader->error, KT_ELIMIT, "cannot read kubeconfig %s: %s has more than %zu entries",
                                    reader->path, list->key, KT_LIMIT_KUBECONFIG_ENTRIES));
        return NULL;
    }
    char *entries = kt_arena_calloc(reader->arena, kt_json_count(node), list->entry_size);
    if (!entries) {
        kt_reader_no_memory(reader);
        return NULL;
    }
    size_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, node)
    {
        struct kt_reader_place place = {list->key, index, ""};
        const cJSON *name_node = kt_json_get(item, "name");
        if (!kt_json_is_object(item))
            kt_reader_wrong_kind(reader, &place, "", "an object", item);
        else if (name_node && !kt_json_is_string(name_node))
            kt_reader_wrong_kind(reader, &place, "name", "text", name_node);
        const char *name = kt_json_string_or(name_node, "");
        if (name_is_taken(entries, index, list->entry_size, name) && reader->code == 0)
            kt_reader_fail(reader, kt_error_set(reader->error, KT_EPARSE,
                                                "cannot read kubeconfig %s: %s has two entries named \"%s\"",
                                                reader->path, list->key, name));
        list->read(reader, index, name, kt_reader_object(reader, &place, item, list->inner),
                   entries + index * list->entry_size);
        if (reader->code != 0)
            return NULL;
        index++;
    }
    *ret_count = index;
    return entries;
}

static int check_type(struct kt_reader *reader, const cJSON *root)
{
    const char *kind = kt_json_string_or(kt_json_get(root, "kind"), "Config");
    const char *version = kt_json_string_or(kt_json_get(root, "apiVersion"), "v1");
    if (kt_streq(kind, "Config") && kt_streq(version, "v1"))
        return 0;
    return kt_error_set(reader->error, KT_EPARSE,
                        "cannot read kubeconfig %s: it is a %s of %s, not a Config of v1; is this the right file?",
                        reader->path, kind, version);
}

int kt_kubeconfig_parse(struct kt_arena *arena, struct kt_str text, const char *path, struct kt_kubeconfig *ret,
                        struct kt_error *error)
{
    struct kt_kubeconfig config = {.current_context = ""};
    struct kt_yaml_document document = {0};
    if (kt_str_trim(text).length > 0) {
        int code = kt_yaml_parse_one(arena, text, &document, error);
        if (code != 0) {
            kt_error_wrap(error, "cannot read kubeconfig %s", path);
            return code;
        }
    }
    const cJSON *root = document.root;
    if (!root || kt_json_is_null(root)) {
        *ret = config;
        return 0;
    }
    struct kt_reader reader = {arena, path, error, 0};
    if (!kt_json_is_object(root))
        return kt_error_set(error, KT_EPARSE, "cannot read kubeconfig %s: it holds %s where an object is expected",
                            path, kt_json_kind(root));
    int code = check_type(&reader, root);
    if (code != 0)
        return code;
    const cJSON *current = kt_json_get(root, "current-context");
    if (current && !kt_json_is_null(current) && !kt_json_is_string(current))
        return kt_error_set(error, KT_EPARSE,
                            "cannot read kubeconfig %s: current-context must be text, not %s; put it in quotes", path,
                            kt_json_kind(current));
    config.current_context = kt_json_string_or(current, "");
    config.clusters = read_list(&reader, &cluster_list, root, &config.cluster_count);
    config.users = read_list(&reader, &user_list, root, &config.user_count);
    config.contexts = read_list(&reader, &context_list, root, &config.context_count);
    if (reader.code != 0)
        return reader.code;
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "cannot read kubeconfig %s: not enough memory", path);
    *ret = config;
    return 0;
}
