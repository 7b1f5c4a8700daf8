/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/object.h"

static const char *metadata_text(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_path(object, "metadata", key, NULL), "");
}

const char *kt_object_name(const cJSON *object)
{
    return metadata_text(object, "name");
}

const char *kt_object_namespace(const cJSON *object)
{
    return metadata_text(object, "namespace");
}

const char *kt_object_uid(const cJSON *object)
{
    return metadata_text(object, "uid");
}

const char *kt_object_label(const cJSON *object, const char *key)
{
    return kt_json_string_or(kt_json_path(object, "metadata", "labels", key, NULL), "");
}
