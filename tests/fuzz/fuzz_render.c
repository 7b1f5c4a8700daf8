/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builders of a Workspace's objects. The input is a Workspace, as JSON or YAML; what follows a line "---" is the
 * content of every config map that is looked for. Nobody has judged either. Whatever comes out is a list of objects
 * that can be written, or a message; text of the user's is in no command.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "text/yaml.h"
#include "workload/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
    if (!condition)
        abort();
}

struct surroundings {
    struct kt_arena arena;
    struct kt_str config; /* content of any config map */
};

static enum kt_lookup find(void *context, const char *kind, const char *namespace_, const char *name, const cJSON **ret)
{
    struct surroundings *around = context;
    if (!kt_streq(kind, "ConfigMap") || around->config.length == 0)
        return KT_LOOKUP_ABSENT;
    cJSON *map = kt_json_new_object(&around->arena);
    cJSON *metadata = kt_json_ensure_object(&around->arena, map, "metadata");
    kt_json_set_string(&around->arena, metadata, "namespace", namespace_);
    kt_json_set_string(&around->arena, metadata, "name", name);
    kt_json_set(&around->arena, kt_json_ensure_object(&around->arena, map, "data"), "training_config.yaml",
                kt_json_new_string_n(&around->arena, around->config));
    *ret = map;
    return around->arena.failed ? KT_LOOKUP_UNKNOWN : KT_LOOKUP_FOUND;
}

static enum kt_lookup no_nodes(void *context, const cJSON *const **ret, size_t *ret_count)
{
    (void)context;
    *ret = NULL;
    *ret_count = 0;
    return KT_LOOKUP_FOUND;
}

/* Commands and scripts are the same whatever the user says, but for the number of GPUs and the names of models. */
static void check_commands(const cJSON *containers, const char *hostile)
{
    static const char *const keys[] = {"command", "args"};
    const cJSON *container, *word;
    cJSON_ArrayForEach(container, containers)
    {
        for (size_t i = 0; i < KT_ARRAY_LENGTH(keys); i++) {
            cJSON_ArrayForEach(word, kt_json_get(container, keys[i]))
            {
                demand(!hostile || !strstr(kt_json_string(word), hostile));
            }
        }
    }
}

static void check_objects(struct kt_arena *arena, const cJSON *workspace, const cJSON *objects)
{
    struct kt_strbuf text;
    const cJSON *object;
    const char *url = kt_json_string(kt_json_item(kt_json_path(workspace, "tuning", "input", "urls", NULL), 0));
    demand(kt_json_count(objects) >= 2);
    cJSON_ArrayForEach(object, objects)
    {
        const cJSON *pod = kt_json_path(object, "spec", "template", "spec", NULL);
        demand(kt_json_string(kt_json_path(object, "metadata", "name", NULL)) != NULL);
        check_commands(kt_json_get(pod, "containers"), url && strlen(url) > 100 ? url : NULL);
        check_commands(kt_json_get(pod, "initContainers"), url && strlen(url) > 100 ? url : NULL);
    }
    kt_strbuf_init(&text, arena, (size_t)(64 * KT_MIB));
    kt_json_write(&text, objects, KT_JSON_COMPACT);
    demand(!text.failed);
}

static void check(struct surroundings *around, const cJSON *workspace, const struct kt_settings *settings)
{
    const struct kt_cluster cluster = {find, no_nodes, around};
    struct kt_error error = {0};
    cJSON *objects = NULL;
    int64_t count = 0;
    int code = kt_workload_render(&around->arena, workspace, settings, &cluster, &objects, &count, &error);
    demand(code == 0 || (error.code == code && error.message[0] && code != KT_EINTERNAL));
    if (code == 0)
        check_objects(&around->arena, workspace, objects);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separator[] = "\n---\n";
    static const char *const clouds[] = {"azure", "aws", "arc", ""};
    struct kt_str text = {(const char *)data, size};
    struct surroundings around = {.config = {"", 0}};
    struct kt_yaml_document document = {0};
    struct kt_settings settings;
    const char *place = size > 0 ? memmem(data, size, separator, sizeof(separator) - 1) : NULL;
    if (place) {
        text.length = (size_t)(place - text.data);
        around.config.data = place + sizeof(separator) - 1;
        around.config.length = size - text.length - (sizeof(separator) - 1);
    }
    if (!kt_utf8_valid(around.config))
        return 0; /* no API server has such a config map */
    kt_arena_init(&around.arena, (size_t)(512 * KT_MIB));
    kt_settings_init(&settings);
    kt_settings_set_cloud(&settings, clouds[size % 16 < KT_ARRAY_LENGTH(clouds) ? size % 16 : 0]);
    settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = size % 8 == 7;
    if (kt_yaml_parse_one(&around.arena, text, &document, NULL) == 0 && document.root)
        check(&around, document.root, &settings);
    kt_arena_release(&around.arena);
    return 0;
}
