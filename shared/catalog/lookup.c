/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"

#include <string.h>

#include "catalog/fields.h"
#include "catalog/tables.h"
#include "text/edit_distance.h"

/* Order of a text, lowered, against a key that is lower case already. */
static int compare_to_key(struct kt_str text, const char *key)
{
    size_t i = 0;
    for (; i < text.length && key[i] != '\0'; i++) {
        unsigned char ours = (unsigned char)kt_ascii_lower(text.data[i]);
        unsigned char theirs = (unsigned char)key[i];
        if (ours != theirs) {
            return ours < theirs ? -1 : 1;
        }
    }
    return i < text.length ? 1 : key[i] != '\0' ? -1 : 0;
}

/* First key that equals text, or count. */
static size_t find_key(const struct kt_catalog_key *keys, size_t count, struct kt_str text)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_to_key(text, keys[middle].key) > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && compare_to_key(text, keys[low].key) == 0 ? low : count;
}

/* --- models ---------------------------------------------------------------------------------------------------------
 */

const struct kt_model *kt_model_find(struct kt_str name)
{
    size_t found = find_key(kt_model_keys, kt_model_key_count, name);
    return found < kt_model_key_count ? &kt_models[kt_model_keys[found].index] : NULL;
}

static void offer_models(struct kt_nearest *nearest, bool current, bool tunable_only)
{
    for (size_t i = 0; i < kt_model_count; i++) {
        const struct kt_model *model = &kt_models[i];
        if ((model->status == KT_MODEL_CURRENT) != current || (tunable_only && !model->tunable)) {
            continue;
        }
        kt_nearest_offer(nearest, model->name);
        /* Someone who types an owner means a repository. */
        if (model->hugging_face && kt_str_find_char(nearest->wanted, '/') != SIZE_MAX) {
            kt_nearest_offer(nearest, model->hugging_face);
        }
    }
}

#define SQUEEZED_BYTES 96
/* Shorter beginnings fit too many names. */
#define SQUEEZED_LEAST 4

/* Letters and digits alone: "phi4-mini" and "phi-4-mini" are the same to a person. Returns the length. */
static size_t squeeze(struct kt_str text, char *ret)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length && length + 1 < SQUEEZED_BYTES; i++) {
        if (kt_ascii_is_alnum(text.data[i])) {
            ret[length++] = kt_ascii_lower(text.data[i]);
        }
    }
    ret[length] = '\0';
    return length;
}

/* The shortest current name that begins so, written without its dashes and points. */
static const char *suggest_squeezed(struct kt_str name, bool tunable_only)
{
    char wanted[SQUEEZED_BYTES], candidate[SQUEEZED_BYTES];
    const char *best = NULL;
    size_t length = squeeze(name, wanted);
    for (size_t i = 0; length >= SQUEEZED_LEAST && i < kt_model_count; i++) {
        const struct kt_model *model = &kt_models[i];
        squeeze(kt_str(model->name), candidate);
        if (model->status == KT_MODEL_CURRENT && (model->tunable || !tunable_only) &&
            strncmp(candidate, wanted, length) == 0 && (!best || strlen(model->name) < strlen(best))) {
            best = model->name;
        }
    }
    return best;
}

const char *kt_model_suggest(struct kt_str name, bool tunable_only)
{
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, name);
    offer_models(&nearest, true, tunable_only);
    if (!nearest.best) {
        offer_models(&nearest, false, tunable_only);
    }
    return nearest.best ? nearest.best : suggest_squeezed(name, tunable_only);
}

static bool repository_part_ok(struct kt_str part)
{
    for (size_t i = 0; i < part.length; i++) {
        if (!kt_ascii_is_alnum(part.data[i]) && strchr("-_.", part.data[i]) == NULL) {
            return false;
        }
    }
    /* strchr also finds the terminating NUL, so a NUL byte inside a name must be refused here. */
    return part.length > 0 && memchr(part.data, '\0', part.length) == NULL;
}

bool kt_model_is_hugging_face_id(struct kt_str name)
{
    size_t slash = kt_str_find_char(name, '/');
    return slash != SIZE_MAX && repository_part_ok((struct kt_str){name.data, slash}) &&
           repository_part_ok((struct kt_str){name.data + slash + 1, name.length - slash - 1});
}

bool kt_architecture_known(const struct kt_architecture *architecture)
{
    return architecture->hidden_size > 0 && architecture->layers > 0 && architecture->attention_heads > 0 &&
           architecture->kv_heads > 0 && architecture->head_dim > 0 && architecture->intermediate_size > 0 &&
           architecture->vocab_size > 0 && architecture->module_count > 0;
}

/* --- machine types --------------------------------------------------------------------------------------------------
 */

const char *kt_cloud_name(enum kt_cloud cloud)
{
    return (unsigned)cloud < KT_CLOUD_COUNT ? kt_cloud_names[cloud] : "unknown";
}

bool kt_cloud_parse(struct kt_str name, enum kt_cloud *ret)
{
    for (size_t i = 0; i < KT_CLOUD_COUNT; i++) {
        if (kt_str_equal(name, kt_str(kt_cloud_names[i]))) {
            *ret = (enum kt_cloud)i;
            return true;
        }
    }
    return false;
}

const struct kt_sku *kt_sku_find(enum kt_cloud cloud, struct kt_str name)
{
    size_t i = find_key(kt_sku_keys, kt_sku_key_count, name);
    for (; i < kt_sku_key_count && compare_to_key(name, kt_sku_keys[i].key) == 0; i++) {
        if (kt_skus[kt_sku_keys[i].index].cloud == cloud) {
            return &kt_skus[kt_sku_keys[i].index];
        }
    }
    return NULL;
}

const struct kt_sku *kt_sku_find_any(struct kt_str name)
{
    size_t found = find_key(kt_sku_keys, kt_sku_key_count, name);
    return found < kt_sku_key_count ? &kt_skus[kt_sku_keys[found].index] : NULL;
}

const char *kt_sku_suggest(enum kt_cloud cloud, struct kt_str name)
{
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, name);
    for (size_t i = 0; i < kt_sku_count; i++) {
        if (kt_skus[i].cloud == cloud && kt_skus[i].current) {
            kt_nearest_offer(&nearest, kt_skus[i].name);
        }
    }
    return nearest.best;
}

uint64_t kt_sku_bytes_per_gpu(const struct kt_sku *sku)
{
    return sku->gpu_count > 0 ? sku->memory_bytes / sku->gpu_count : 0;
}

/* --- partitions -----------------------------------------------------------------------------------------------------
 */

bool kt_mig_profile_known(struct kt_str profile)
{
    for (size_t i = 0; i < kt_mig_profile_count; i++) {
        if (kt_str_equal(profile, kt_str(kt_mig_profiles[i]))) {
            return true;
        }
    }
    return false;
}

/* Digits at *position; false when there is none or the number is beyond 32 bits. */
static bool read_digits(struct kt_str text, size_t *position, uint32_t *ret)
{
    uint64_t value = 0;
    size_t start = *position;
    for (; *position < text.length && kt_ascii_is_digit(text.data[*position]); ++*position) {
        value = value * 10 + (uint64_t)(text.data[*position] - '0');
        if (value > UINT32_MAX) {
            return false;
        }
    }
    *ret = (uint32_t)value;
    return *position > start;
}

uint32_t kt_mig_profile_gib(struct kt_str profile)
{
    size_t position = 0;
    uint32_t slices;
    uint32_t gib;
    uint32_t fraction;
    if (!read_digits(profile, &position, &slices) || slices == 0 ||
        !kt_str_starts_with((struct kt_str){profile.data + position, profile.length - position}, KT_STR("g."))) {
        return 0;
    }
    position += 2;
    if (!read_digits(profile, &position, &gib)) {
        return 0;
    }
    if (position < profile.length && profile.data[position] == '.') {
        position++;
        if (!read_digits(profile, &position, &fraction)) { /* rounded down, as upstream does */
            return 0;
        }
    }
    return kt_str_equal((struct kt_str){profile.data + position, profile.length - position}, KT_STR("gb")) ? gib : 0;
}
