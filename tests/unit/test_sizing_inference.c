/* SPDX-License-Identifier: Apache-2.0 */
/* Node counts for inference agree with upstream's, and what is told beside them is consistent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/limits.h"
#include "sizing/sizing.h"
#include "tests/lib/tsv.h"

enum column { MODEL, CLOUD, SKU, GPUS, NODE_GIB, CONTEXT, NODES, COLUMNS_END };

static struct kt_inference_input input_of(const struct kt_tsv_row *row)
{
    const struct kt_model *model = kt_model_find(kt_str(row->cells[MODEL]));
    assert_non_null(model);
    return (struct kt_inference_input){
        .weights_bytes = model->weights_bytes,
        .kv_bytes_per_token = model->kv_bytes_per_token,
        .context_length = kt_tsv_u32(row, CONTEXT),
        .gpu_count = kt_tsv_u32(row, GPUS),
        .node_memory_bytes = kt_tsv_u32(row, NODE_GIB) * KT_GIB,
    };
}

static void check_consistency(const struct kt_inference_input *input, const struct kt_inference_estimate *estimate)
{
    assert_true(estimate->gpus >= 1 && estimate->gpus <= estimate->nodes * input->gpu_count);
    assert_true(estimate->gpus > (estimate->nodes - 1) * input->gpu_count);
    assert_true(estimate->weights_bytes + estimate->overhead_bytes < estimate->available_bytes);
    if (!estimate->data_parallel) {
        assert_true(estimate->weights_bytes + estimate->overhead_bytes + estimate->kv_cache_bytes <=
                    estimate->available_bytes);
    }

    /* The largest context is the largest: one token more needs another node. */
    struct kt_inference_input at_edge = *input;
    struct kt_inference_estimate other;
    struct kt_error error = {0};
    if (estimate->data_parallel) {
        at_edge.node_memory_bytes /= at_edge.gpu_count;
        at_edge.gpu_count = 1;
    } else {
        assert_true(estimate->largest_context >= (input->context_length ? input->context_length : 2048));
    }
    at_edge.context_length = estimate->largest_context;
    assert_int_equal(kt_sizing_inference(&at_edge, &other, &error), 0);
    assert_true(other.nodes <= estimate->nodes);
    at_edge.context_length++;
    assert_true(kt_sizing_inference(&at_edge, &other, &error) < 0 || other.nodes > estimate->nodes);
}

static void node_counts_are_upstream_s(void **state)
{
    struct kt_arena *arena = *state;
    size_t count;
    size_t wrong = 0;
    const struct kt_tsv_row *rows =
        kt_test_read_tsv(arena, "tests/unit/data/sizing/inference.tsv", COLUMNS_END, &count);
    assert_true(count > 480);
    for (size_t i = 0; i < count; i++) {
        struct kt_inference_input input = input_of(&rows[i]);
        struct kt_inference_estimate estimate;
        struct kt_error error = {0};
        if (!kt_streq(rows[i].cells[CLOUD], "-")) {
            enum kt_cloud cloud;
            assert_true(kt_cloud_parse(kt_str(rows[i].cells[CLOUD]), &cloud));
            const struct kt_sku *sku = kt_sku_find(cloud, kt_str(rows[i].cells[SKU]));
            assert_true(sku && sku->current);
            assert_int_equal(sku->gpu_count, input.gpu_count);
            assert_int_equal(sku->memory_bytes, input.node_memory_bytes);
        }
        assert_int_equal(kt_sizing_inference(&input, &estimate, &error), 0);
        bool agrees =
            kt_streq(rows[i].cells[NODES], "more") ? estimate.nodes > 1 : estimate.nodes == kt_tsv_u32(&rows[i], NODES);
        if (!agrees) {
            print_error("inference.tsv:%zu: %u nodes, not %s\n", rows[i].line, estimate.nodes, rows[i].cells[NODES]);
            wrong++;
        }
        check_consistency(&input, &estimate);
    }
    assert_int_equal(wrong, 0);
}

static void the_parts_of_an_estimate(void **state)
{
    (void)state;
    const struct kt_model *model = kt_model_find(KT_STR("phi-4"));
    struct kt_inference_input input = {.weights_bytes = model->weights_bytes,
                                       .kv_bytes_per_token = model->kv_bytes_per_token,
                                       .context_length = 16384,
                                       .gpu_count = 1,
                                       .node_memory_bytes = 80 * KT_GIB};
    struct kt_inference_estimate estimate;
    assert_int_equal(kt_sizing_inference(&input, &estimate, NULL), 0);
    assert_int_equal(estimate.available_bytes, UINT64_C(72155450572)); /* 84% of 80 GiB */
    assert_int_equal(estimate.weights_bytes / 10000000, 2991);         /* 27.31 GiB of files and 2% */
    assert_int_equal(estimate.kv_cache_bytes, UINT64_C(16384) * 204800);
    assert_int_equal(estimate.overhead_bytes / 10000000, 396); /* 2.3 GiB and 5% of the weights */
    assert_int_equal(estimate.nodes, 1);
    assert_false(estimate.data_parallel);
}

static void a_longer_context_never_needs_fewer_nodes(void **state)
{
    (void)state;
    const struct kt_model *model = kt_model_find(KT_STR("llama-3.3-70b-instruct"));
    struct kt_inference_input input = {.weights_bytes = model->weights_bytes,
                                       .kv_bytes_per_token = model->kv_bytes_per_token,
                                       .gpu_count = 2,
                                       .node_memory_bytes = 160 * KT_GIB};
    uint32_t before = 1;
    for (input.context_length = 1024; input.context_length <= 262144; input.context_length *= 2) {
        struct kt_inference_estimate estimate;
        assert_int_equal(kt_sizing_inference(&input, &estimate, NULL), 0);
        assert_true(estimate.nodes >= before);
        before = estimate.nodes;
    }
    assert_true(before > 2);
}

static void a_small_model_runs_once_on_each_gpu(void **state)
{
    (void)state;
    const struct kt_model *model = kt_model_find(KT_STR("phi-4")); /* 27.3 GiB */
    struct kt_inference_input input = {.weights_bytes = model->weights_bytes,
                                       .kv_bytes_per_token = model->kv_bytes_per_token,
                                       .gpu_count = 4,
                                       .node_memory_bytes = 320 * KT_GIB};
    struct kt_inference_estimate estimate;
    assert_int_equal(kt_sizing_inference(&input, &estimate, NULL), 0);
    assert_true(estimate.data_parallel);
    assert_true(estimate.weights_bytes > model->weights_bytes);
    input.node_memory_bytes = 4 * 48 * KT_GIB; /* more than half of a card: sharded */
    assert_int_equal(kt_sizing_inference(&input, &estimate, NULL), 0);
    assert_false(estimate.data_parallel);
    assert_true(estimate.weights_bytes < model->weights_bytes / 3);
}

static void what_cannot_work_is_an_error_that_says_why(void **state)
{
    (void)state;
    struct kt_inference_input good = {
        .weights_bytes = 8 * KT_GIB, .kv_bytes_per_token = 131072, .gpu_count = 1, .node_memory_bytes = 24 * KT_GIB};
    struct kt_inference_estimate estimate = {.nodes = 77};
    struct kt_error error = {0};

    struct kt_inference_input input = good;
    input.node_memory_bytes = 2 * KT_GIB;
    assert_int_equal(kt_sizing_inference(&input, &estimate, &error), KT_EINVAL);
    assert_non_null(strstr(error.message, "2.3 GiB of overhead"));

    input = good;
    input.context_length = 1u << 24; /* 2 TiB of KV cache */
    assert_int_equal(kt_sizing_inference(&input, &estimate, &error), KT_EINVAL);
    assert_non_null(strstr(error.message, "16777216 tokens"));
    input.context_length = UINT32_MAX;
    input.kv_bytes_per_token = UINT32_MAX;
    assert_int_equal(kt_sizing_inference(&input, &estimate, &error), KT_EINVAL);

    input = good;
    input.weights_bytes = UINT64_MAX;
    assert_int_equal(kt_sizing_inference(&input, &estimate, &error), 0);
    assert_true(estimate.nodes > 1000000000);
    estimate.nodes = 77;

    input = good;
    input.gpu_count = 0;
    assert_int_equal(kt_sizing_inference(&input, &estimate, &error), KT_EINVAL);
    input = good;
    input.node_memory_bytes = 0;
    assert_int_equal(kt_sizing_inference(&input, &estimate, &error), KT_EINVAL);
    input = good;
    input.weights_bytes = 0;
    assert_int_equal(kt_sizing_inference(&input, &estimate, &error), KT_EINVAL);
    assert_int_equal(estimate.nodes, 77); /* written only on success */

    input = good;
    input.kv_bytes_per_token = 0; /* unknown: the cache is left out, and so is the largest context */
    assert_int_equal(kt_sizing_inference(&input, &estimate, &error), 0);
    assert_int_equal(estimate.largest_context, 0);
}

static int setup(void **state)
{
    static struct kt_arena arena;
    kt_arena_init(&arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    *state = &arena;
    return 0;
}

static int teardown(void **state)
{
    kt_arena_release(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(node_counts_are_upstream_s, setup, teardown),
        cmocka_unit_test(the_parts_of_an_estimate),
        cmocka_unit_test(a_longer_context_never_needs_fewer_nodes),
        cmocka_unit_test(a_small_model_runs_once_on_each_gpu),
        cmocka_unit_test(what_cannot_work_is_an_error_that_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
