/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/pod.h"

#include "base/limits.h"

static cJSON *ensure_array(struct kt_arena *arena, cJSON *object, const char *key)
{
    if (!kt_json_is_array(kt_json_get(object, key)))
        kt_json_set(arena, object, key, kt_json_new_array(arena));
    return kt_json_get(object, key);
}

static void restrict_rights(struct kt_arena *arena, cJSON *container, enum kt_pod_rights rights)
{
    cJSON *context = kt_json_ensure_object(arena, container, "securityContext");
    kt_json_set_bool(arena, context, "allowPrivilegeEscalation", false);
    if (rights >= KT_POD_NO_CAPABILITIES)
        kt_json_append(arena, ensure_array(arena, kt_json_ensure_object(arena, context, "capabilities"), "drop"),
                       kt_json_new_string(arena, "ALL"));
    if (rights >= KT_POD_READ_ONLY)
        kt_json_set_bool(arena, context, "readOnlyRootFilesystem", true);
}

cJSON *kt_pod_container(struct kt_arena *arena, const char *name, const char *image, enum kt_pod_rights rights)
{
    cJSON *container = kt_json_new_object(arena);
    kt_json_set_string(arena, container, "name", name);
    kt_json_set_string(arena, container, "image", image);
    kt_json_set_string(arena, container, "terminationMessagePolicy", "FallbackToLogsOnError");
    restrict_rights(arena, container, rights);
    return container;
}

void kt_pod_env(struct kt_arena *arena, cJSON *container, const char *name, const char *value)
{
    struct kt_strbuf text;
    cJSON *variable = kt_json_new_object(arena);
    kt_strbuf_init(&text, arena, KT_LIMIT_JSON_STRING_BYTES);
    for (const char *at = value; *at; at++) {
        if (*at == '$')
            kt_strbuf_putc(&text, '$');
        kt_strbuf_putc(&text, *at);
    }
    if (text.failed)
        arena->failed = true;
    kt_json_set_string(arena, variable, "name", name);
    kt_json_set_string(arena, variable, "value", text.data);
    kt_json_append(arena, ensure_array(arena, container, "env"), variable);
}

static cJSON *add_mount(struct kt_arena *arena, cJSON *container, const char *volume, const char *path)
{
    cJSON *mount = kt_json_new_object(arena);
    kt_json_set_string(arena, mount, "name", volume);
    kt_json_set_string(arena, mount, "mountPath", path);
    kt_json_append(arena, ensure_array(arena, container, "volumeMounts"), mount);
    return mount;
}

void kt_pod_mount(struct kt_arena *arena, cJSON *container, const char *volume, const char *path)
{
    add_mount(arena, container, volume, path);
}

void kt_pod_mount_part(struct kt_arena *arena, cJSON *container, const char *volume, const char *part, const char *path)
{
    cJSON *mount = add_mount(arena, container, volume, path);
    kt_json_set_string(arena, mount, "subPath", part);
    kt_json_set_bool(arena, mount, "readOnly", true);
}

void kt_pod_script(struct kt_arena *arena, cJSON *container, const struct kt_embedded *script)
{
    cJSON *command = ensure_array(arena, container, "command");
    kt_json_append(arena, command, kt_json_new_string(arena, "/bin/sh"));
    kt_json_append(arena, command, kt_json_new_string(arena, "-c"));
    kt_json_append(arena, ensure_array(arena, container, "args"), kt_json_new_string(arena, script->text));
}

void kt_pod_volume(struct kt_arena *arena, cJSON *volumes, const char *name, const char *kind, cJSON *source)
{
    cJSON *volume = kt_json_new_object(arena);
    kt_json_set_string(arena, volume, "name", name);
    kt_json_set(arena, volume, kind, source);
    kt_json_append(arena, volumes, volume);
}

void kt_pod_user_volume(struct kt_arena *arena, cJSON *volumes, const char *name, const cJSON *source)
{
    const cJSON *member;
    if (!source) {
        kt_pod_volume(arena, volumes, name, "emptyDir", kt_json_new_object(arena));
        return;
    }
    cJSON *volume = kt_json_new_object(arena);
    kt_json_set_string(arena, volume, "name", name);
    cJSON_ArrayForEach(member, source)
    {
        if (!kt_json_is_null(member) && !kt_streq(member->string, "name"))
            kt_json_set(arena, volume, member->string, kt_json_clone(arena, member));
    }
    kt_json_append(arena, volumes, volume);
}

cJSON *kt_pod_docker_config(struct kt_arena *arena, const char *secret, const char *path)
{
    cJSON *source = kt_json_new_object(arena);
    cJSON *projection = kt_json_ensure_object(arena, source, "secret");
    cJSON *item = kt_json_new_object(arena);
    kt_json_set_string(arena, projection, "name", secret);
    kt_json_set_string(arena, item, "key", ".dockerconfigjson");
    kt_json_set_string(arena, item, "path", path);
    kt_json_append(arena, ensure_array(arena, projection, "items"), item);
    return source;
}

void kt_pod_tolerate(struct kt_arena *arena, cJSON *tolerations, const char *key, const char *operator_,
                     const char *value)
{
    cJSON *toleration = kt_json_new_object(arena);
    kt_json_set_string(arena, toleration, "key", key);
    if (operator_)
        kt_json_set_string(arena, toleration, "operator", operator_);
    if (value)
        kt_json_set_string(arena, toleration, "value", value);
    kt_json_set_string(arena, toleration, "effect", "NoSchedule");
    kt_json_append(arena, tolerations, toleration);
}
