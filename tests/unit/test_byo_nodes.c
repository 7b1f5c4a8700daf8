/* SPDX-License-Identifier: Apache-2.0 */
/* Which nodes a labelSelector picks, and what their labels say about their GPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admission/inference_facts.h"
#include "base/limits.h"
#include "tests/lib/objects.h"

static struct kt_arena arena;

static int set_up(void **state)
{
    (void)state;
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kt_arena_release(&arena);
    return 0;
}

static cJSON *node(const char *name, const char *labels, const char *ready)
{
    return kt_test_json(&arena,
                        kt_arena_printf(&arena,
                                        "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\","
                                        "\"labels\":{%s}},\"status\":{\"conditions\":[{\"type\":\"MemoryPressure\","
                                        "\"status\":\"False\"},{\"type\":\"Ready\",\"status\":\"%s\"}]}}",
                                        name, labels, ready));
}

#define GPUS(product, count, memory)                                               \
    "\"nvidia.com/gpu.product\":\"" product "\",\"nvidia.com/gpu.count\":\"" count \
    "\",\"nvidia.com/gpu.memory\":\"" memory "\""
#define A100 GPUS("NVIDIA-A100-SXM4-80GB", "1", "81920")

static struct kt_own_nodes pick(cJSON *const *nodes, size_t count, const char *match_labels)
{
    cJSON *objects = kt_json_new_array(&arena);
    for (size_t i = 0; i < count; i++) {
        kt_json_append(&arena, objects, nodes[i]);
    }
    static struct kt_cluster_objects storage;
    struct kt_cluster cluster = kt_cluster_from_objects(&arena, objects, &storage);
    struct kt_workspace workspace;
    kt_workspace_view(
        kt_test_json(&arena,
                     kt_arena_printf(&arena, "{\"resource\":{\"labelSelector\":{\"matchLabels\":%s}}}", match_labels)),
        &workspace);
    struct kt_own_nodes result;
    kt_own_nodes_read(&arena, &cluster, &workspace.resource, &result);
    return result;
}

static struct kt_own_nodes pick_one(const char *labels)
{
    cJSON *nodes[] = {node("n1", labels, "True")};
    return pick(nodes, 1, "{}");
}

static void labels_choose_nodes(void **state)
{
    (void)state;
    cJSON *nodes[] = {node("a", "\"apps\":\"mine\",\"tier\":\"x\"," A100, "True"),
                      node("b", "\"apps\":\"mine\"," A100, "False"), node("c", "\"apps\":\"other\"," A100, "True")};
    assert_int_equal(pick(nodes, 3, "{\"apps\":\"mine\"}").count, 2);
    assert_int_equal(pick(nodes, 3, "{\"apps\":\"mine\"}").ready, 1);
    assert_int_equal(pick(nodes, 3, "{\"apps\":\"mine\",\"tier\":\"x\"}").count, 1);
    assert_int_equal(pick(nodes, 3, "{}").count, 3);
    assert_int_equal(pick(nodes, 3, "{\"apps\":\"nobody\"}").state, KT_OWN_NODES_NONE);
    assert_int_equal(pick(nodes, 3, "{\"apps\":\"\"}").state, KT_OWN_NODES_NONE);
    assert_int_equal(pick(NULL, 0, "{}").state, KT_OWN_NODES_NONE);
}

static void reserved_keys_do_not_choose(void **state)
{
    (void)state;
    cJSON *nodes[] = {node("a", "\"apps\":\"mine\"," A100, "True")};
    assert_int_equal(pick(nodes, 1, "{\"apps\":\"mine\",\"kaito.sh/workspace\":\"other\"}").count, 1);
    assert_int_equal(pick(nodes, 1, "{\"apps\":\"mine\",\"kaito.sh/other\":\"other\"}").count, 0);
    assert_true(kt_label_is_reserved("karpenter.kaito.sh/inferenceset-namespace"));
    assert_false(kt_label_is_reserved("kaito.sh"));
    assert_int_equal(kt_match_labels_usable(kt_test_json(&arena, "{\"kaito.sh/ragengine\":\"x\",\"a\":\"b\"}")), 1);
}

static void gpu_facts_come_from_labels(void **state)
{
    (void)state;
    struct kt_own_nodes nodes = pick_one(GPUS("NVIDIA-A10", "2", "23028") ",\"nvidia.com/cuda.compute.major\":\"8\","
                                                                          "\"nvidia.com/cuda.compute.minor\":\"6\"");
    assert_int_equal(nodes.state, KT_OWN_NODES_KNOWN);
    assert_string_equal(nodes.gpu_model, "NVIDIA-A10");
    assert_int_equal(nodes.gpu_count, 2);
    assert_int_equal(nodes.memory_bytes, 2 * 22 * KT_GIB); /* 22.49 GiB rounds to 22 */
    assert_int_equal(nodes.compute_capability, 86);
    assert_int_equal(pick_one(GPUS("x", "1", "15872")).memory_bytes, 16 * KT_GIB); /* 15.5 rounds up */
    assert_int_equal(pick_one(GPUS("x", "0", "81920")).memory_bytes, 0);
    assert_int_equal(pick_one(GPUS("x", "1", "1") ",\"nvidia.com/cuda.compute.major\":\"x\"").compute_capability, 0);
}

static void unreadable_labels_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *labels;
        const char *says;
    } rows[] = {
        {"\"apps\":\"mine\"", "nvidia.com/gpu.product"},
        {"\"nvidia.com/gpu.product\":\"x\",\"nvidia.com/gpu.memory\":\"1\"", "nvidia.com/gpu.count"},
        {"\"nvidia.com/gpu.product\":\"x\",\"nvidia.com/gpu.count\":\"1\"", "nvidia.com/gpu.memory"},
        {GPUS("x", "one", "81920"), "nvidia.com/gpu.count=one"},
        {GPUS("x", "", "81920"), "nvidia.com/gpu.count="},
        {GPUS("x", "1", "80Gi"), "nvidia.com/gpu.memory=80Gi"},
        {GPUS("x", "1", "81920.5"), "nvidia.com/gpu.memory=81920.5"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_own_nodes nodes = pick_one(rows[i].labels);
        assert_int_equal(nodes.state, KT_OWN_NODES_UNREADABLE);
        assert_non_null(strstr(nodes.problem, rows[i].says));
        assert_non_null(strstr(nodes.problem, "n1"));
    }
}

static void different_gpus_are_named(void **state)
{
    (void)state;
    static const char *const OTHERS[] = {GPUS("NVIDIA-A10", "1", "81920"), GPUS("NVIDIA-A100-SXM4-80GB", "2", "81920"),
                                         GPUS("NVIDIA-A100-SXM4-80GB", "1", "40960")};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(OTHERS); i++) {
        cJSON *nodes[] = {node("first", A100, "True"), node("second", OTHERS[i], "True")};
        struct kt_own_nodes picked = pick(nodes, 2, "{}");
        assert_int_equal(picked.state, KT_OWN_NODES_MIXED);
        assert_non_null(strstr(picked.problem, "first"));
        assert_non_null(strstr(picked.problem, "second"));
    }
    cJSON *alike[] = {node("first", A100, "True"), node("second", A100, "True")};
    assert_int_equal(pick(alike, 2, "{}").state, KT_OWN_NODES_KNOWN);
}

static void huge_numbers_do_not_overflow(void **state)
{
    (void)state;
    assert_true(pick_one(GPUS("x", "9223372036854775807", "9223372036854775807")).memory_bytes > 0);
    assert_true(pick_one(GPUS("x", "-9223372036854775808", "9223372036854775807")).memory_bytes < 0);
}

static void nodes_that_cannot_be_read_are_unknown(void **state)
{
    (void)state;
    struct kt_workspace workspace;
    kt_workspace_view(NULL, &workspace);
    struct kt_own_nodes nodes;
    kt_own_nodes_read(&arena, &kt_cluster_unknown, &workspace.resource, &nodes);
    assert_int_equal(nodes.state, KT_OWN_NODES_UNKNOWN);
    struct kt_inference_facts facts;
    kt_inference_facts_read(&arena, &kt_cluster_unknown, &workspace, "default", false, &facts);
    assert_int_equal(facts.nodes.state, KT_OWN_NODES_NOT_ASKED);
    assert_int_equal(facts.config.state, KT_INFERENCE_CONFIG_NONE);
}

static void the_capability_comes_from_the_first_labels_that_say_it(void **state)
{
    (void)state;
#define GFD(major, minor) \
    "\"nvidia.com/gpu.compute.major\":\"" major "\",\"nvidia.com/gpu.compute.minor\":\"" minor "\""
#define CUDA(major, minor) \
    "\"nvidia.com/cuda.compute.major\":\"" major "\",\"nvidia.com/cuda.compute.minor\":\"" minor "\""
#define PRODUCT(name) "\"nvidia.com/gpu.product\":\"" name "\""
    static const struct {
        const char *labels;
        uint32_t value;
        const char *odd_label; /* NULL: none */
    } rows[] = {
        {GFD("8", "0"), 80, NULL},
        {GFD("7", "5") "," CUDA("8", "6") "," PRODUCT("Tesla-V100-PCIE-16GB"), 75, NULL},
        {CUDA("8", "6") "," PRODUCT("Tesla-V100-PCIE-16GB"), 86, NULL},
        {GFD("12", "0"), 120, NULL},
        {PRODUCT("Tesla-V100-PCIE-16GB"), 70, NULL},
        {PRODUCT("Tesla-V100-SXM2-32GB-LS"), 70, NULL},
        {PRODUCT("Tesla-T4"), 75, NULL},
        {PRODUCT("Tesla-T4-SHARED"), 75, NULL},
        {PRODUCT("Tesla-M60"), 52, NULL},
        {PRODUCT("NVIDIA-A10-24Q"), 86, NULL},
        {PRODUCT("NVIDIA-A10G"), 86, NULL},
        {PRODUCT("NVIDIA-A100-SXM4-80GB"), 80, NULL},
        {PRODUCT("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb"), 80, NULL},
        {PRODUCT("nvidia-h100-nvl"), 90, NULL},
        {PRODUCT("NVIDIA-L4"), 89, NULL},
        {PRODUCT("NVIDIA-L40S"), 0, NULL}, /* not in the catalogue, and no L4 */
        {PRODUCT("NVIDIA-RTX-A2000"), 0, NULL},
        {PRODUCT("Radeon-PRO-V520"), 0, NULL},
        {PRODUCT("NVIDIA"), 0, NULL},
        {PRODUCT(""), 0, NULL},
        {PRODUCT("-A10"), 86, NULL},
        {"\"apps\":\"x\"", 0, NULL},
        {GFD("eight", "0"), 0, "nvidia.com/gpu.compute.major"},
        {GFD("eight", "0") "," PRODUCT("Tesla-T4"), 75, "nvidia.com/gpu.compute.major"},
        {GFD("8", "zero") "," CUDA("7", "0"), 70, "nvidia.com/gpu.compute.minor"},
        {GFD("8", ""), 0, "nvidia.com/gpu.compute.minor"},
        {GFD("0", "0"), 0, "nvidia.com/gpu.compute.major"},
        {GFD("-7", "0"), 0, "nvidia.com/gpu.compute.major"},
        {GFD("8.0", "0"), 0, "nvidia.com/gpu.compute.major"},
        {GFD("8", "10"), 0, "nvidia.com/gpu.compute.minor"},
        {GFD("99999999999999999999", "0"), 0, "nvidia.com/gpu.compute.major"},
        {CUDA("100", "0"), 0, "nvidia.com/cuda.compute.major"},
        {"\"nvidia.com/gpu.compute.major\":\"8\"", 0, NULL}, /* half a pair */
        {"\"nvidia.com/gpu.compute.minor\":\"6\"," PRODUCT("NVIDIA-A2"), 86, NULL},
        {"\"nvidia.com/gpu.compute.major\":8,\"nvidia.com/gpu.compute.minor\":0", 0, NULL},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_node_capability got = kt_node_capability_read(node("n", rows[i].labels, "True"));
        if (got.value != rows[i].value || !got.odd_label != !rows[i].odd_label ||
            (got.odd_label && !kt_streq(got.odd_label, rows[i].odd_label)))
            fail_msg("%s: %u, %s", rows[i].labels, got.value, got.odd_label ? got.odd_label : "none odd");
    }
    assert_int_equal(kt_node_capability_read(NULL).value, 0);
    assert_int_equal(kt_node_capability_read(kt_test_json(&arena, "{\"metadata\":{\"labels\":7}}")).value, 0);
}

/* The pod may land on any node: the image must have kernels for all. */
static void of_several_nodes_the_oldest_gpu_counts(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        uint32_t value;
        const char *silent;
    } rows[] = {
        {GFD("8", "0"), GFD("8", "6"), 80, NULL},
        {GFD("8", "6"), GFD("7", "0"), 70, NULL},
        {GFD("7", "0"), GFD("8", "0"), 70, NULL},
        {GFD("8", "0"), "\"apps\":\"x\"", 0, "second"}, /* it may be older */
        {"\"apps\":\"x\"", GFD("7", "5"), 75, "first"}, /* known to be old already */
        {"\"apps\":\"x\"", "\"apps\":\"x\"", 0, "first"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        cJSON *nodes[] = {node("first", rows[i].first, "True"), node("second", rows[i].second, "True")};
        struct kt_own_nodes picked = pick(nodes, 2, "{}");
        assert_int_equal(picked.compute_capability, rows[i].value);
        assert_true(rows[i].silent ? kt_streq(picked.capability.silent_node, rows[i].silent)
                                   : picked.capability.silent_node == NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(labels_choose_nodes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reserved_keys_do_not_choose, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gpu_facts_come_from_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unreadable_labels_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(different_gpus_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(huge_numbers_do_not_overflow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nodes_that_cannot_be_read_are_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_capability_comes_from_the_first_labels_that_say_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_several_nodes_the_oldest_gpu_counts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
