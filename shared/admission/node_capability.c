/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/node_capability.h"

#include "admission/go_number.h"
#include "admission/settings.h"
#include "catalog/catalog.h"

#define LABEL_PRODUCT "nvidia.com/gpu.product"
#define NVIDIA "NVIDIA "
#define MOST_MAJOR 99
#define MOST_MINOR 9

/* GPU Feature Discovery writes the first; the second is older tools' and stays where nodes keep their labels. */
static const struct {
    const char *major;
    const char *minor;
} PAIRS[] = {
    {"nvidia.com/gpu.compute.major", "nvidia.com/gpu.compute.minor"},
    {"nvidia.com/cuda.compute.major", "nvidia.com/cuda.compute.minor"},
};

static bool read_number(const cJSON *labels, const char *label, int64_t least, int64_t most, int64_t *ret,
                        struct kt_node_capability *note)
{
    const char *text = kt_json_string(kt_json_get(labels, label));
    if (text && kt_go_atoi(kt_str(text), ret) && *ret >= least && *ret <= most)
        return true;
    if (text && !note->odd_label) {
        note->odd_label = label;
        note->odd_value = text;
    }
    return false;
}

/* --- by the card's name ------------------------------------------------------------------------------------------- */

static bool ends_word(char byte)
{
    return byte == '\0' || byte == '-' || byte == '_' || byte == ' ';
}

/* Is `word` a whole word of a product's name? "A10" is one of "NVIDIA-A10-24Q" and none of "NVIDIA-A100-SXM4-80GB". */
static bool has_word(const char *product, const char *word)
{
    size_t length = strlen(word);
    bool is_start = true;
    for (const char *at = product; *at; at++) {
        size_t left = strnlen(at, length + 1);
        if (is_start && left >= length && ends_word(at[length]) &&
            kt_str_equal_nocase((struct kt_str){at, length}, kt_str(word)))
            return true;
        is_start = ends_word(*at);
    }
    return false;
}

/* The machine types of the catalogue name the same cards: "NVIDIA A10". */
static uint32_t of_product(const char *product)
{
    const char *before = "";
    for (size_t i = 0; i < kt_sku_count; i++) {
        const struct kt_sku *sku = &kt_skus[i];
        if (sku->vendor != KT_GPU_NVIDIA || sku->compute_capability == 0 || kt_streq(sku->gpu_model, before))
            continue;
        before = sku->gpu_model; /* neighbours mostly have the same card */
        if (has_word(product, sku->gpu_model + strlen(NVIDIA)))
            return sku->compute_capability;
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------------ */

struct kt_node_capability kt_node_capability_read(const cJSON *node)
{
    const cJSON *labels = kt_json_path(node, "metadata", "labels", NULL);
    const char *product = kt_json_string(kt_json_get(labels, LABEL_PRODUCT));
    struct kt_node_capability ret = {0};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(PAIRS); i++) {
        int64_t major = 0;
        int64_t minor = 0;
        if (!read_number(labels, PAIRS[i].major, 1, MOST_MAJOR, &major, &ret))
            continue;
        if (read_number(labels, PAIRS[i].minor, 0, MOST_MINOR, &minor, &ret)) {
            ret.value = (uint32_t)(10 * major + minor);
            return ret;
        }
        if (!ret.odd_label && !ret.missing_label)
            ret.missing_label = PAIRS[i].minor;
    }
    ret.value = product ? of_product(product) : 0;
    return ret;
}

void kt_nodes_capability_add(struct kt_nodes_capability *all, const cJSON *node)
{
    struct kt_node_capability one = kt_node_capability_read(node);
    const char *name = kt_json_string_or(kt_json_path(node, "metadata", "name", NULL), "");
    if (one.value == 0) {
        if (!all->silent_node) {
            all->silent_node = name;
            all->odd_label = one.odd_label;
            all->odd_value = one.odd_value;
            all->missing_label = one.missing_label;
        }
        return;
    }
    if (all->lowest == 0 || one.value < all->lowest) {
        all->lowest = one.value;
        all->lowest_node = name;
    }
    if (one.value > all->highest) {
        all->highest = one.value;
        all->highest_node = name;
    }
}

uint32_t kt_nodes_capability_value(const struct kt_nodes_capability *all)
{
    return all->silent_node && all->lowest >= KT_BFLOAT16_CAPABILITY ? 0 : all->lowest;
}
