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

/* --- float16 in place of bfloat16 --------------------------------------------------------------------------------- */

static const char *without_torch(const char *text)
{
    return strncmp(text, "torch.", 6) == 0 ? text + 6 : text;
}

/* "bfloat16" as the value of any key of a section: torch_dtype, bnb_4bit_compute_dtype and what may come. */
static void replace_in_section(struct kt_arena *arena, cJSON *section)
{
    cJSON *value;
    if (!kt_json_is_object(section))
        return;
    for (value = section->child; value;) {
        cJSON *next = value->next;
        const char *text = kt_json_string(value);
        if (text && (kt_streq(without_torch(text), "bfloat16") || kt_streq(text, "bf16")))
            kt_json_set_string(arena, section, value->string, "float16");
        value = next;
    }
}

/* Without fp16 the trainer's libraries turn bf16 on; with both they refuse to start. */
static void set_precision(struct kt_arena *arena, cJSON *sections)
{
    cJSON *arguments = kt_json_ensure_object(arena, sections, "TrainingArguments");
    kt_json_remove(arguments, "bf16");
    kt_json_remove(arguments, "bf16_full_eval");
    kt_json_set_bool(arena, arguments, "fp16", true);
}

static const char *write_float16(struct kt_arena *arena, cJSON *training_config)
{
    struct kt_strbuf text;
    cJSON *sections = kt_json_get(training_config, "training_config");
    cJSON *section;
    cJSON_ArrayForEach(section, sections)
    {
        replace_in_section(arena, section);
    }
    set_precision(arena, sections);
    kt_strbuf_init(&text, arena, KT_LIMIT_MANIFEST_BYTES);
    kt_yaml_write(&text, training_config);
    return text.failed ? NULL : text.data;
}

/* --- the copy ----------------------------------------------------------------------------------------------------- */

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
    if (plan->float16) {
        const char *text = write_float16(arena, training_config);
        if (!text)
            return kt_error_set(error, KT_ENOMEM, "no memory for the float16 form of a tuning template");
        kt_json_set_string(arena, kt_json_get(copy, "data"), KT_TUNING_CONFIG_KEY, text);
    }
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
