/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "text/sha256.h"
#include "text/yaml.h"
#include "workload/canonical.h"
#include "workload/metadata.h"
#include "workload/names.h"
#include "workload/training_config.h"
#include "workload/tuning.h"

_Static_assert(KT_CONFIG_HASH_BYTES == KT_SHA256_HEX_BYTES, "a config's hash is a SHA-256");

int kt_tuning_config_map(struct kt_arena *arena, const struct kt_tuning_plan *plan, const cJSON *template_, cJSON **ret,
                         struct kt_error *error)
{
    cJSON *training_config = NULL;
    int code = kt_training_config_read(arena, template_, &training_config, error);
    if (code < 0)
        return kt_error_wrap(error, "template in namespace %.63s",
                             kt_json_string_or(kt_json_path(template_, "metadata", "namespace", NULL), ""));
    cJSON *copy =
        kt_workload_object(arena, "v1", "ConfigMap", plan->config_map, kt_workload_namespace(&plan->workspace));
    cJSON *labels = kt_json_ensure_object(arena, kt_json_get(copy, "metadata"), "labels");
    kt_json_set_string(arena, labels, KT_LABEL_MANAGED_BY, KT_MANAGER);
    kt_json_set(arena, copy, "data", kt_json_clone(arena, kt_json_get(template_, "data")));
    if (kt_json_count(kt_json_get(template_, "binaryData")) > 0)
        kt_json_set(arena, copy, "binaryData", kt_json_clone(arena, kt_json_get(template_, "binaryData")));
    if (arena->failed)
        return kt_error_set(error, KT_ENOMEM, "no memory for a config map");
    *ret = copy;
    return 0;
}

int kt_config_map_hash(struct kt_arena *arena, const cJSON *config_map, char ret[KT_CONFIG_HASH_BYTES],
                       struct kt_error *error)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_canonical_write(arena, &text, kt_json_get(config_map, "data"));
    kt_strbuf_putc(&text, '\n');
    kt_canonical_write(arena, &text, kt_json_get(config_map, "binaryData"));
    if (text.failed || arena->failed)
        return kt_error_set(error, KT_ENOMEM, "no memory to hash a config map");
    return kt_sha256_hex(kt_strbuf_view(&text), ret, error);
}
