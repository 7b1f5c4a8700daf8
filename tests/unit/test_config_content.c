/* SPDX-License-Identifier: Apache-2.0 */
/* A review that finds its config read already says what it says when it reads the text itself, and works less. */
#include "tests/lib/cmocka_all.h"

#include <stdlib.h>

#include "admission/review.h"
#include "base/limits.h"
#include "webhook/cluster/config_content.h"
#include "webhook/cluster/reader.h"

struct fixture {
    struct kt_arena arena;
    struct kt_cache cache;
    struct kt_store_slot slot;
    struct kt_settings settings;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    kt_arena_init(&fixture.arena, 256 * KT_MIB);
    kt_settings_init(&fixture.settings);
    *state = &fixture;
    return kt_store_new(&fixture.cache.store, NULL) == 0 && kt_store_add_slot(fixture.cache.store, &fixture.slot) ? 0
                                                                                                                  : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kt_heap_fail_from(0);
    kt_store_free(fixture->cache.store);
    kt_arena_release(&fixture->arena);
    return 0;
}

static cJSON *config_map(struct fixture *fixture, const char *key, const char *text)
{
    cJSON *map = kt_json_new_object(&fixture->arena);
    cJSON *metadata = kt_json_ensure_object(&fixture->arena, map, "metadata");
    kt_json_set_string(&fixture->arena, metadata, "name", "mine");
    kt_json_set_string(&fixture->arena, metadata, "namespace", "default");
    kt_json_set_string(&fixture->arena, kt_json_ensure_object(&fixture->arena, map, "data"), key, text);
    return map;
}

#define HEAD                                                                                                         \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\",\"operation\":" \
    "\"CREATE\",\"namespace\":\"default\",\"name\":\"w\",\"object\":{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":"  \
    "\"Workspace\",\"metadata\":{\"name\":\"w\",\"namespace\":\"default\"},\"resource\":{\"instanceType\":"          \
    "\"Standard_NC24ads_A100_v4\",\"labelSelector\":{\"matchLabels\":{\"a\":\"b\"}}},"
static const char *const bodies[KT_CONFIG_KEYS] = {
    HEAD "\"tuning\":{\"preset\":{\"name\":\"phi-3-mini-128k-instruct\"},\"method\":\"qlora\",\"config\":\"mine\","
         "\"input\":{\"urls\":[\"https://example.com/a.parquet\"]},\"output\":{\"image\":\"registry.example.com/a:1\","
         "\"imagePushSecret\":\"s\"}}}}}",
    HEAD "\"inference\":{\"preset\":{\"name\":\"phi-3-mini-128k-instruct\"},\"config\":\"mine\"}}}}",
};

/* The answer, in the fixture's arena; *ret_work: steps that it took. */
static const char *review(struct fixture *fixture, enum kt_config_key key, bool knows, uint64_t *ret_work)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf answer;
    struct kt_review_summary summary = {0};
    struct kt_cluster_reader reader;
    struct kt_error error;
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_strbuf_init(&answer, NULL, KT_LIMIT_ANSWER_BYTES);
    kt_cluster_reader_begin(&reader, &fixture->cache, &fixture->slot, &arena, NULL);
    struct kt_cluster cluster = kt_cluster_reader_cluster(&reader);
    if (!knows)
        cluster.config = NULL;
    assert_int_equal(kt_review_answer(&arena, KT_REVIEW_VALIDATE, kt_str(bodies[key]), &fixture->settings, &cluster,
                                      &answer, &summary, &error),
                     0);
    kt_cluster_reader_end(&reader);
    assert_int_equal(reader.missing_count, 0);
    *ret_work = arena.work;
    return kt_arena_strdup(&fixture->arena, answer.data);
}

static const char *const keys[KT_CONFIG_KEYS] = {"training_config.yaml", "inference_config.yaml"};

#define TRAINING "training_config:\n  LoraConfig: {r: 16, lora_alpha: 16}\n  TrainingArguments:\n    output_dir: "
#define ROW(text)                 \
    {KT_CONFIG_TRAINING, text},   \
    {                             \
        KT_CONFIG_INFERENCE, text \
    }

static void the_answer_is_the_same(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        enum kt_config_key key;
        const char *text;
    } rows[] = {
        ROW(""),
        ROW("# nothing\n"),
        ROW("[1, 2]"),
        ROW("a: ["),
        ROW("training_config: 7"),
        ROW("a: &a [*a]"),
        {KT_CONFIG_TRAINING, TRAINING "/mnt/results\n"},
        {KT_CONFIG_TRAINING, TRAINING "/elsewhere\n"},
        {KT_CONFIG_TRAINING, TRAINING "/mnt/results\n    learning_rat: 1e-4\n    num_train_epoch: 9007199254740993\n"},
        {KT_CONFIG_TRAINING, TRAINING "/mnt/results\n---\nb: 1\n"},
        {KT_CONFIG_TRAINING, "training_config: {Odd: {}, LoraConfig: null, TrainingArguments: [1]}"},
        {KT_CONFIG_INFERENCE, "vllm: {max-model-len: 0x800}"},
        {KT_CONFIG_INFERENCE, "vllm:\n  max-model-len: 2_048 # tokens\n"},
        {KT_CONFIG_INFERENCE, "vllm: {max-model-len: 99999999999999999999, a: {b: c}}"},
        {KT_CONFIG_INFERENCE, "vllm: {max-model-len: \"4096\", max_model_len: 1}"},
        {KT_CONFIG_INFERENCE, "vllm: {max-model-len: }"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        uint64_t known_work, read_work;
        const cJSON *map = config_map(fixture, keys[rows[i].key], rows[i].text);
        kt_store_restart(fixture->cache.store, KT_KIND_CONFIG_MAP);
        assert_int_equal(kt_store_put(fixture->cache.store, KT_KIND_CONFIG_MAP, map, NULL, NULL), 0);
        kt_store_synced(fixture->cache.store, KT_KIND_CONFIG_MAP);
        const char *known = review(fixture, rows[i].key, true, &known_work);
        assert_string_equal(known, review(fixture, rows[i].key, false, &read_work));
        if (*rows[i].text && known_work >= read_work)
            fail_msg("row %zu takes %llu steps, and %llu when it reads", i, (unsigned long long)known_work,
                     (unsigned long long)read_work);
    }
}

static struct kt_config_content *content_of(struct fixture *fixture, const char *text)
{
    struct kt_config_content *content = kt_config_content_new(config_map(fixture, keys[KT_CONFIG_TRAINING], text));
    assert_non_null(content);
    return content;
}

/* What is dear to read or to keep is left to the review that needs it, which has a budget of its own. */
static void what_is_dear_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct kt_strbuf text;
    kt_strbuf_init(&text, &fixture->arena, KT_MIB);
    for (size_t i = 0; i < 2000; i++)
        kt_strbuf_printf(&text, "k%zu: 1\n", i);
    struct kt_config_content *content = content_of(fixture, text.data);
    assert_true(!content->is_known[KT_CONFIG_TRAINING] && !content->is_cut);
    assert_in_range(content->bytes, 1, KT_KIB);
    kt_heap_free(content);
    char *long_text = kt_arena_alloc(&fixture->arena, KT_LIMIT_CONFIG_TEXT_BYTES + 2);
    memset(long_text, '#', KT_LIMIT_CONFIG_TEXT_BYTES);
    content = content_of(fixture, long_text);
    assert_true(!content->is_known[KT_CONFIG_TRAINING] && !content->is_cut);
    kt_heap_free(content);
    long_text[KT_LIMIT_CONFIG_TEXT_BYTES] = '#';
    content = content_of(fixture, long_text);
    assert_true(content->is_known[KT_CONFIG_TRAINING] && content->is_cut);
    assert_int_equal(content->documents[KT_CONFIG_TRAINING].code, KT_ELIMIT);
    kt_heap_free(content);
}

static void without_memory_it_is_read_later(void **state)
{
    struct fixture *fixture = *state;
    const cJSON *map = config_map(fixture, keys[KT_CONFIG_TRAINING], TRAINING "/mnt/results\n");
    size_t nth = 1;
    for (bool done = false; !done; nth++) {
        kt_heap_fail_from(nth);
        size_t before = kt_heap_allocation_count();
        struct kt_config_content *content = kt_config_content_new(map);
        done = kt_heap_allocation_count() - before < nth;
        kt_heap_fail_from(0);
        if (content && content->is_known[KT_CONFIG_TRAINING])
            assert_int_equal(content->documents[KT_CONFIG_TRAINING].code, 0);
        if (content && !*content->hash)
            assert_true(content->is_cut);
        assert_true(!done || (content && content->is_known[KT_CONFIG_TRAINING] && *content->hash));
        kt_heap_free(content);
    }
    assert_in_range(nth, 4, 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_answer_is_the_same),
        TEST(what_is_dear_is_not_kept),
        TEST(without_memory_it_is_read_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
