/* SPDX-License-Identifier: Apache-2.0 */
/* Workspaces and config maps with every value spoilt: judged cleanly, in bounded memory, and never repeated in full. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tests/lib/hostile_case.h"
#include "tests/lib/objects.h"
#include "text/json_pointer.h"

static void lists_and_maps_of_thousands(void **state)
{
    (void)state;
    struct kt_strbuf text;
    kt_strbuf_init(&text, kt_hostile_inputs(), (size_t)(64 * KT_MIB));
    for (size_t i = 0; i < 10000; i++)
        kt_strbuf_printf(&text, "%s\"example.com/key-%zu\":\"\\n%zu\"", i > 0 ? "," : "", i, i);
    kt_hostile_expect_clean(
        "10,000 annotations",
        kt_hostile_tuning_with(
            "\"name\":\"tune\",\"namespace\"",
            kt_str(kt_arena_printf(kt_hostile_inputs(), "\"name\":\"tune\",\"annotations\":{%s},\"namespace\"",
                                   text.data))));
    assert_true(kt_hostile.verdict.allowed);
    kt_strbuf_init(&text, kt_hostile_inputs(), (size_t)(64 * KT_MIB));
    for (size_t i = 0; i < 10000; i++)
        kt_strbuf_printf(&text, "%s\"http://127.0.0.1:%zu/`id`\"", i > 0 ? "," : "", 70000 + i);
    kt_hostile_expect_refusal(
        "10,000 URLs", kt_hostile_tuning_with("\"https://example.com/data.parquet\"", kt_strbuf_view(&text)), 422);
    assert_true(kt_hostile.answer.length < 4 * KT_MIB);
    kt_hostile_expect_refusal("20,000 URLs",
                              kt_hostile_tuning_with("\"https://example.com/data.parquet\"",
                                                     kt_hostile_repeat("\"http://127.0.0.1/\",", 20000)),
                              413);
    kt_strbuf_init(&text, kt_hostile_inputs(), (size_t)(64 * KT_MIB));
    for (size_t i = 0; i < 15000; i++)
        kt_strbuf_printf(&text, "\"unknown-%zu\":{\"a\":[]},", i);
    kt_hostile_expect_clean("15,000 unknown fields",
                            kt_hostile_tuning_with("\"count\":1", kt_str(kt_arena_printf(kt_hostile_inputs(),
                                                                                         "%s\"count\":1", text.data))));
}

static void duplicate_keys_by_the_thousand(void **state)
{
    (void)state;
    struct kt_str many = kt_hostile_repeat("\"method\":\"full\",", 15000);
    kt_hostile_expect_clean(
        "15,000 methods, the last of which is good",
        kt_hostile_tuning_with("\"method\":\"qlora\"",
                               kt_str(kt_arena_printf(kt_hostile_inputs(), "%s\"method\":\"qlora\"", many.data))));
    assert_true(kt_hostile.verdict.allowed);
    assert_true(kt_review_case_warns(&kt_hostile, "duplicate field \"tuning.method\": the last value counts"));
    kt_hostile_expect_refusal(
        "two requests, the last of which is bad",
        kt_hostile_tuning_with("\"method\":\"qlora\"", KT_STR("\"method\":\"qlora\",\"method\":\"full\"")), 422);
}

/* Every field that a Workspace has, so that each can be spoilt. */
static const char *const full_objects[] = {
    "{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"w\",\"generateName\":\"w-\","
    "\"namespace\":\"default\",\"labels\":{\"a\":\"b\"},\"annotations\":{\"kaito.sh/runtime\":\"transformers\"},"
    "\"finalizers\":[\"a/b\"],\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"p\",\"uid\":"
    "\"1\"}]},\"resource\":{\"count\":1,\"instanceType\":\"Standard_NC24ads_A100_v4\",\"labelSelector\":{"
    "\"matchLabels\":{\"a\":\"b\"},\"matchExpressions\":[{\"key\":\"k\",\"operator\":\"In\",\"values\":[\"v\"]}]},"
    "\"preferredNodes\":[\"n\"],\"partition\":{\"mode\":\"mig\",\"profile\":\"1g.10gb\",\"count\":1}},\"inference\":{"
    "\"preset\":{\"name\":\"phi-3-mini-128k-instruct\",\"accessMode\":\"public\",\"presetOptions\":{\"image\":\"i:1\","
    "\"imagePullSecrets\":[\"s\"],\"modelAccessSecret\":\"m\"}},\"config\":\"serving\",\"adapters\":[{\"source\":{"
    "\"name\":\"a\",\"image\":\"registry.example.com/a:1\",\"imagePullSecrets\":[\"s\"]},\"strength\":\"0.5\"},{"
    "\"source\":{\"name\":\"b\",\"volumeSource\":{\"persistentVolumeClaim\":{\"claimName\":\"c\"}}}}]},\"status\":{"
    "\"conditions\":[{\"type\":\"A\",\"status\":\"True\"}]}}",
    "{\"apiVersion\":\"kaito.sh/v1alpha1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"w\"},\"resource\":{"
    "\"instanceType\":\"Standard_NC6s_v3\",\"labelSelector\":{\"matchLabels\":{\"a\":\"b\"}}},\"tuning\":{\"preset\":{"
    "\"name\":\"phi-3-mini-128k-instruct\"},\"method\":\"qlora\",\"config\":\"mine\",\"input\":{\"name\":\"n\","
    "\"urls\":["
    "\"https://example.com/a.parquet\"],\"image\":\"i:1\",\"imagePullSecrets\":[\"s\"],\"volumeSource\":{\"nfs\":{"
    "\"server\":\"s\",\"path\":\"/\"}}},\"output\":{\"image\":\"registry.example.com/o:1\",\"imagePushSecret\":\"p\","
    "\"volumeSource\":{\"hostPath\":{\"path\":\"/\",\"type\":\"Directory\"}}}}}",
    "{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"w\"},\"inference\":{"
    "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\","
    "\"command\":[\"a\"],\"env\":[{\"name\":\"E\",\"value\":\"v\"}],\"resources\":{\"limits\":{\"nvidia.com/gpu\":1}},"
    "\"ports\":[{\"containerPort\":80}],\"livenessProbe\":{\"httpGet\":{\"path\":\"/\",\"port\":80}}}],\"volumes\":[{"
    "\"name\":\"v\",\"emptyDir\":{\"sizeLimit\":\"1Gi\"}}],\"tolerations\":[{\"key\":\"k\"}]}}}}",
};

struct places {
    const char *pointers[512];
    size_t count;
};

static void collect(const cJSON *node, const char *pointer, struct places *places)
{
    size_t index = 0;
    const cJSON *child;
    assert_true(places->count < KT_ARRAY_LENGTH(places->pointers));
    places->pointers[places->count++] = pointer;
    cJSON_ArrayForEach(child, node)
    {
        struct kt_strbuf text;
        kt_strbuf_init(&text, kt_hostile_inputs(), 4096);
        kt_strbuf_puts(&text, pointer);
        if (kt_json_is_array(node)) {
            kt_strbuf_printf(&text, "/%zu", index++);
        } else {
            kt_strbuf_putc(&text, '/');
            for (const char *byte = child->string; *byte; byte++)
                kt_strbuf_puts(&text, *byte == '/' ? "~1" : *byte == '~' ? "~0" : (const char[]){*byte, '\0'});
        }
        assert_false(text.failed);
        collect(child, text.data, places);
    }
}

/* A copy of root in which the value at the pointer is another. */
static cJSON *with_value(const cJSON *root, const char *pointer, const cJSON *value)
{
    if (!*pointer)
        return kt_json_clone(kt_hostile_inputs(), value);
    cJSON *copy = kt_json_clone(kt_hostile_inputs(), root);
    cJSON *node = kt_json_pointer_find(copy, kt_str(pointer));
    const char *slash = strrchr(pointer, '/');
    cJSON *parent = kt_json_pointer_find(copy, (struct kt_str){pointer, (size_t)(slash - pointer)});
    assert_non_null(node);
    if (kt_json_is_array(parent)) {
        size_t index = (size_t)strtoul(slash + 1, NULL, 10);
        kt_json_detach(parent, node);
        assert_true(kt_json_insert(kt_hostile_inputs(), parent, index, kt_json_clone(kt_hostile_inputs(), value)));
    } else {
        kt_json_set(kt_hostile_inputs(), parent, node->string, kt_json_clone(kt_hostile_inputs(), value));
    }
    return copy;
}

/* The object as the new one of a CREATE, the new and the old one of an UPDATE. */
static const char *check_everywhere(cJSON *object, const cJSON *good)
{
    const char *wrong = kt_hostile_check(kt_review_case_body(&kt_hostile, object, NULL, false), object, true);
    wrong = wrong ? wrong : kt_hostile_check(kt_review_case_body(&kt_hostile, object, good, false), object, true);
    cJSON *fine = kt_json_clone(kt_hostile_inputs(), good);
    return wrong ? wrong : kt_hostile_check(kt_review_case_body(&kt_hostile, fine, object, false), fine, true);
}

static void spoil_every_place(const char *const *values, size_t value_count)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(full_objects); i++) {
        const cJSON *pristine = kt_test_json(kt_hostile_inputs(), full_objects[i]);
        struct places places = {.count = 0};
        collect(pristine, "", &places);
        assert_true(places.count > 20);
        size_t checked = 0;
        for (size_t place = 0; place < places.count; place++) {
            for (size_t value = 0; value < value_count; value++) {
                const cJSON *spoilt =
                    with_value(pristine, places.pointers[place], kt_test_json(kt_hostile_inputs(), values[value]));
                const char *wrong = check_everywhere(kt_json_clone(kt_hostile_inputs(), spoilt), pristine);
                if (wrong)
                    fail_msg("%s = %.60s in object %zu: %s", places.pointers[place], values[value], i, wrong);
                checked++;
            }
        }
        assert_int_equal(checked, places.count * value_count);
    }
}

static void null_and_wrong_kinds_everywhere(void **state)
{
    (void)state;
    static const char *const values[] = {
        "null", "0", "-1.5e3", "\"x\"", "\"\"", "true", "[]", "{}", "[null]", "[{}]", "{\"a\":{\"b\":[1]}}"};
    spoil_every_place(values, KT_ARRAY_LENGTH(values));
}

/* One place with a text of 256 KiB in it; false when there is no such place. */
static bool lengthen_place(size_t which, size_t place)
{
    enum { LONG = 256 * 1024 };
    static const char *const pieces[] = {"a", "\\n", "\xf0\x9f\x98\x80", "/a", "%n", "\\u001b[31m"};
    cJSON *pristine = kt_test_json(kt_hostile_inputs(), full_objects[which]);
    struct places places = {.count = 0};
    collect(pristine, "", &places);
    if (place >= places.count)
        return false;
    const char *pointer = places.pointers[place];
    if (!kt_json_is_string(kt_json_pointer_find(pristine, kt_str(pointer))))
        return true;
    const char *piece = pieces[place % KT_ARRAY_LENGTH(pieces)];
    const char *text =
        kt_arena_printf(kt_hostile_inputs(), "\"%s\"", kt_hostile_repeat(piece, LONG / strlen(piece)).data);
    cJSON *object = with_value(pristine, pointer, kt_test_json(kt_hostile_inputs(), text));
    const char *wrong = kt_hostile_check(kt_review_case_body(&kt_hostile, object, NULL, false), object, true);
    wrong = wrong ? wrong : kt_hostile_check(kt_review_case_body(&kt_hostile, object, object, false), object, true);
    if (wrong || kt_hostile.answer.length > 64 * KT_KIB)
        fail_msg("%s: %s", pointer, wrong ? wrong : "the answer repeats the text");
    return true;
}

static void long_texts_everywhere(void **state)
{
    for (size_t which = 0; which < KT_ARRAY_LENGTH(full_objects); which++) {
        for (size_t place = 0; lengthen_place(which, place); place++) {
            /* The bodies are large, so each place begins with empty memory. */
            kt_hostile_tear_down(state);
            kt_hostile_set_up(state);
        }
    }
}

/* --- config maps ---------------------------------------------------------------------------------------------------
 */

static void use_config(const char *key, struct kt_str text)
{
    struct kt_admission_case *admission = &kt_hostile.admission;
    cJSON *objects =
        kt_test_json(kt_hostile_inputs(), "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
                                          "\"mine\",\"namespace\":\"default\"},\"data\":{}}]");
    cJSON *data = kt_json_get(kt_json_item(objects, 0), "data");
    kt_json_set(kt_hostile_inputs(), data, key, kt_json_new_string_n(kt_hostile_inputs(), text));
    admission->cluster = kt_cluster_from_objects(kt_hostile_inputs(), objects, &admission->storage);
}

static struct kt_str alias_bomb(void)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, kt_hostile_inputs(), KT_MIB);
    kt_strbuf_puts(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++)
        kt_strbuf_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1,
                         i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    kt_strbuf_puts(&text, "training_config: *a29\n");
    return kt_strbuf_view(&text);
}

static struct kt_str large_config(const char *piece)
{
    struct kt_str pieces = kt_hostile_repeat(piece, (3u << 20) / strlen(piece));
    return kt_str(kt_arena_printf(kt_hostile_inputs(), "training_config:\n  LoraConfig:\n    r: 8\n%s", pieces.data));
}

static void config_maps_are_hostile_too(void **state)
{
    (void)state;
    const struct {
        const char *name;
        struct kt_str text;
    } rows[] = {
        {"alias bomb", alias_bomb()},
        {"100,000 deep lists", kt_hostile_repeat("[", 100000)},
        {"100,000 deep maps", kt_hostile_repeat("{a: ", 100000)},
        {"deep by indentation", kt_hostile_repeat("- ", 100000)},
        {"100,000 question marks", kt_hostile_repeat("? ", 100000)},
        {"tabs", KT_STR("training_config:\n\tLoraConfig: {}\n")},
        {"binary", KT_STR("\x01\x02\xff\xfe")},
        {"an alias of itself", KT_STR("training_config: &a [*a]\n")},
        {"an unknown alias", KT_STR("training_config: *nobody\n")},
        {"merge keys", KT_STR("training_config: {<<: {<<: {LoraConfig: []}}}\n")},
        {"several documents", KT_STR("training_config: {}\n---\ntraining_config: {}\n")},
        {"1,000,000 anchors", kt_hostile_repeat("&a ", 1000000)},
        {"100,000 directives", kt_hostile_repeat("%YAML 1.1\n", 100000)},
        {"3 MiB of keys", large_config("    key: value\n")},
        {"3 MiB of one text", large_config("aaaaaaaaaaaaaaaa")},
        {"3 MiB of a list", large_config("    - 1\n")},
        {"3 MiB of comments", large_config("# comment\n")},
        {"3 MiB of quotes", kt_hostile_repeat("'", 3u << 20)},
        {"3 MiB of colons", kt_hostile_repeat(":", 3u << 20)},
        {"empty", KT_STR("")},
    };
    static const char *const keys[] = {"training_config.yaml", "inference_config.yaml"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        for (size_t key = 0; key < KT_ARRAY_LENGTH(keys); key++) {
            use_config(keys[key], rows[i].text);
            bool tunes = key == 0;
            cJSON *base = tunes ? kt_admission_case_tuning(&kt_hostile.admission)
                                : kt_admission_case_inference(&kt_hostile.admission);
            cJSON *object = kt_admission_case_changed(&kt_hostile.admission, base,
                                                      tunes ? "{\"tuning\":{\"config\":\"mine\"}}"
                                                            : "{\"inference\":{\"config\":\"mine\"}}");
            const char *wrong = kt_hostile_check(kt_review_case_body(&kt_hostile, object, NULL, false), object, true);
            /* Both an empty map and comments leave an inference config that says nothing, which is fine. */
            if (wrong || (tunes && kt_hostile.verdict.allowed))
                fail_msg("%s in %s: %s", rows[i].name, keys[key], wrong ? wrong : "it is admitted");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_and_maps_of_thousands, kt_hostile_set_up, kt_hostile_tear_down),
        cmocka_unit_test_setup_teardown(duplicate_keys_by_the_thousand, kt_hostile_set_up, kt_hostile_tear_down),
        cmocka_unit_test_setup_teardown(null_and_wrong_kinds_everywhere, kt_hostile_set_up, kt_hostile_tear_down),
        cmocka_unit_test_setup_teardown(long_texts_everywhere, kt_hostile_set_up, kt_hostile_tear_down),
        cmocka_unit_test_setup_teardown(config_maps_are_hostile_too, kt_hostile_set_up, kt_hostile_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
