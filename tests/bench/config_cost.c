/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a review costs whose config is a ConfigMap of the cache: the shipped template, upstream's (the same values in
 * another text), and one of the user's own. Each is judged inside measured_review, as in cost.c; a line each: its name
 * and what became of it.
 */
#include <stdio.h>
#include <string.h>

#include "admission/review.h"
#include "base/embedded.h"
#include "base/limits.h"
#include "text/yaml.h"
#include "webhook/cluster/reader.h"

#define REVIEW                                                                                                       \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\",\"operation\":" \
    "\"CREATE\",\"namespace\":\"default\",\"name\":\"w\",\"object\":{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":"  \
    "\"Workspace\",\"metadata\":{\"name\":\"w\",\"namespace\":\"default\"},\"resource\":{\"instanceType\":"          \
    "\"Standard_NC24ads_A100_v4\",\"labelSelector\":{\"matchLabels\":{\"a\":\"b\"}}},\"tuning\":{\"preset\":{"       \
    "\"name\":\"phi-3-mini-128k-instruct\"},\"method\":\"qlora\"%s,\"input\":{\"urls\":["                            \
    "\"https://example.com/a.parquet\"]},\"output\":{\"image\":\"registry.example.com/a:1\",\"imagePushSecret\":"    \
    "\"s\"}}}}}"
#define OWN                                                                                                           \
    "training_config:\n  ModelConfig:\n    torch_dtype: bfloat16\n    local_files_only: true\n    device_map: auto\n" \
    "  QuantizationConfig:\n    load_in_4bit: true\n    bnb_4bit_quant_type: nf4\n    bnb_4bit_compute_dtype: "       \
    "bfloat16\n    bnb_4bit_use_double_quant: true\n  LoraConfig:\n    r: 16\n    lora_alpha: 16\n    lora_dropout: " \
    "0.05\n  TrainingArguments:\n    output_dir: /mnt/results\n    ddp_find_unused_parameters: false\n"               \
    "    save_strategy: \"no\"\n    per_device_train_batch_size: 1\n    learning_rate: 0.0002\n  DataCollator:\n"     \
    "    mlm: true\n  DatasetConfig:\n    shuffle_dataset: true\n    train_test_split: 1\n"

struct bench {
    struct kt_arena arena; /* of the reviews */
    struct kt_arena texts;
    struct kt_strbuf answer;
    struct kt_settings settings;
    struct kt_review_summary summary;
    struct kt_store_slot slot;
};

__attribute__((noinline)) int measured_review(struct bench *bench, struct kt_str body,
                                              const struct kt_cluster *cluster);

int measured_review(struct bench *bench, struct kt_str body, const struct kt_cluster *cluster)
{
    struct kt_error error;
    return kt_review_answer(&bench->arena, KT_REVIEW_VALIDATE, body, &bench->settings, cluster, &bench->answer,
                            &bench->summary, &error);
}

/* The cache with the shipped templates, a remark added to each text or none, and the user's own. */
static bool fill(struct kt_store *store, struct kt_arena *arena, const char *remark)
{
    struct kt_yaml_documents documents;
    struct kt_str manifest = {kt_embedded_templates.text, kt_embedded_templates.length};
    bool good = kt_yaml_parse(arena, manifest, &documents, NULL) == 0;
    for (size_t i = 0; good && i < documents.count; i++) {
        cJSON *data = kt_json_get(documents.items[i].root, "data");
        const char *text = kt_json_string_or(kt_json_get(data, "training_config.yaml"), "");
        kt_json_set_string(arena, data, "training_config.yaml", kt_arena_printf(arena, "%s%s", text, remark));
        good = kt_store_put(store, KT_KIND_CONFIG_MAP, documents.items[i].root, NULL, NULL) == 0;
    }
    cJSON *own = kt_json_new_object(arena);
    cJSON *metadata = kt_json_ensure_object(arena, own, "metadata");
    kt_json_set_string(arena, metadata, "name", "mine");
    kt_json_set_string(arena, metadata, "namespace", "default");
    kt_json_set_string(arena, kt_json_ensure_object(arena, own, "data"), "training_config.yaml", OWN);
    good = good && !arena->failed && kt_store_put(store, KT_KIND_CONFIG_MAP, own, NULL, NULL) == 0;
    kt_store_synced(store, KT_KIND_CONFIG_MAP);
    return good;
}

static int judge(struct bench *bench, struct kt_cache *cache, const char *config, const char *name)
{
    struct kt_cluster_reader reader;
    struct kt_str body = kt_str(kt_arena_printf(&bench->texts, REVIEW, config));
    for (int turn = 0; turn < 2; turn++) { /* the first loads the tables */
        kt_cluster_reader_begin(&reader, cache, &bench->slot, &bench->arena, NULL);
        struct kt_cluster cluster = kt_cluster_reader_cluster(&reader);
        kt_strbuf_clear(&bench->answer);
        if (measured_review(bench, body, &cluster) != 0)
            return 1;
        kt_cluster_reader_end(&reader);
        kt_arena_reset(&bench->arena);
    }
    bool clean = bench->summary.allowed && bench->summary.warnings == 0 && reader.missing_count == 0;
    printf("%s\t%s\n", name, clean ? "allowed" : bench->answer.data);
    return 0;
}

int main(void)
{
    static const struct {
        const char *name, *remark, *config;
    } rows[] = {{"shipped", "", ""}, {"upstream", "# in other words\n", ""}, {"own", "", ",\"config\":\"mine\""}};
    struct bench bench = {.slot = {{0}}};
    int code = 0;
    kt_arena_init(&bench.arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_arena_init(&bench.texts, 4 * KT_MIB);
    kt_strbuf_init(&bench.answer, NULL, KT_LIMIT_ANSWER_BYTES);
    kt_settings_init(&bench.settings);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows) && code == 0; i++) {
        struct kt_cache cache = {.store = NULL};
        code = kt_store_new(&cache.store, NULL);
        if (code != 0)
            break;
        code = fill(cache.store, &bench.texts, rows[i].remark) && kt_store_add_slot(cache.store, &bench.slot) ? 0 : 1;
        code = code == 0 ? judge(&bench, &cache, rows[i].config, rows[i].name) : code;
        kt_store_free(cache.store);
    }
    kt_strbuf_release(&bench.answer);
    kt_arena_release(&bench.texts);
    kt_arena_release(&bench.arena);
    return code;
}
