/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/settings.h"

#include <stdio.h>

#include "text/edit_distance.h"
#include "text/image_reference.h"

#define DEFAULT_RELEASE_NAMESPACE "kaito-workspace"
#define DEFAULT_PRESET_REGISTRY "mcr.microsoft.com/aks/kaito"

struct gate_row {
    const char *name;
    bool is_on;
};

/* Names and defaults of upstream v0.12.0 (pkg/featuregates). */
static const struct gate_row GATES[KT_GATE_COUNT] = {
    [KT_GATE_VLLM] = {"vLLM", true},
    [KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = {"disableNodeAutoProvisioning", false},
    [KT_GATE_ENABLE_MIG] = {"enableMIG", false},
    [KT_GATE_ENABLE_ACCELERATOR] = {"enableAccelerator", false},
    [KT_GATE_ENABLE_INFERENCE_SET] = {"enableInferenceSetController", true},
    [KT_GATE_MODEL_STREAMING] = {"ModelStreaming", false},
    [KT_GATE_MODEL_MIRROR] = {"ModelMirror", false},
    [KT_GATE_GATEWAY_API_INFERENCE_EXTENSION] = {"gatewayAPIInferenceExtension", false},
    [KT_GATE_ENABLE_MULTI_ROLE_INFERENCE] = {"enableMultiRoleInferenceController", false},
    [KT_GATE_ENABLE_BASE_IMAGE_AUTO_UPGRADE] = {"enableBaseImageAutoUpgrade", false},
};

struct provisioner_row {
    const char *name;
    bool bring_your_own;
};

/* Upstream's names first, then ours for the reconciler. */
static const struct provisioner_row PROVISIONERS[] = {
    {"azure-gpu-provisioner", false}, {"karpenter", false}, {"byo", true}, {"nodeclaim", false}, {"machine", false},
};

void kt_settings_init(struct kt_settings *settings)
{
    *settings = (struct kt_settings){
        .release_namespace = DEFAULT_RELEASE_NAMESPACE,
        .preset_registry = DEFAULT_PRESET_REGISTRY,
    };
    for (size_t i = 0; i < KT_GATE_COUNT; i++) {
        settings->gates[i] = GATES[i].is_on;
    }
    kt_settings_set_cloud(settings, "azure");
}

static int unknown_gate(struct kt_str name, struct kt_error *error)
{
    struct kt_nearest nearest;
    kt_nearest_init(&nearest, name);
    char names[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < KT_GATE_COUNT; i++) {
        kt_nearest_offer(&nearest, GATES[i].name);
        size_t length = strlen(GATES[i].name);
        if (used + length + 3 < sizeof(names)) {
            memcpy(names + used, i > 0 ? ", " : "", i > 0 ? 2 : 0);
            used += i > 0 ? 2 : 0;
            memcpy(names + used, GATES[i].name, length + 1);
            used += length;
        }
    }
    return kt_error_set(error, KT_EINVAL, "unknown feature gate \"%.*s\"%s%s%s; known gates: %s",
                        (int)KT_MIN(name.length, (size_t)64), name.data, nearest.best ? "; did you mean \"" : "",
                        nearest.best ? nearest.best : "", nearest.best ? "\"?" : "", names);
}

int kt_settings_set_gate(struct kt_settings *settings, struct kt_str name, bool value, struct kt_error *error)
{
    for (size_t i = 0; i < KT_GATE_COUNT; i++) {
        if (kt_str_equal(kt_str(GATES[i].name), name)) {
            settings->gates[i] = value;
            return 0;
        }
    }
    return unknown_gate(name, error);
}

/* The spellings of Go's strconv.ParseBool, which upstream's flag takes. */
static bool parse_bool(struct kt_str text, bool *ret)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(yes); i++) {
        if (kt_str_equal(text, kt_str(yes[i])) || kt_str_equal(text, kt_str(no[i]))) {
            *ret = kt_str_equal(text, kt_str(yes[i]));
            return true;
        }
    }
    return false;
}

static int parse_gate(struct kt_settings *settings, struct kt_str pair, struct kt_error *error)
{
    size_t equals = kt_str_find_char(pair, '=');
    if (equals == SIZE_MAX) {
        return kt_error_set(error, KT_EINVAL, "feature gate \"%.*s\" must be written as name=true or name=false",
                            (int)KT_MIN(pair.length, (size_t)64), pair.data);
    }
    struct kt_str name = kt_str_trim((struct kt_str){pair.data, equals});
    struct kt_str text = kt_str_trim((struct kt_str){pair.data + equals + 1, pair.length - equals - 1});
    bool value = false;
    if (!parse_bool(text, &value)) {
        return kt_error_set(error, KT_EINVAL, "feature gate %.*s: \"%.*s\" is neither true nor false",
                            (int)KT_MIN(name.length, (size_t)64), name.data, (int)KT_MIN(text.length, (size_t)64),
                            text.data);
    }
    return kt_settings_set_gate(settings, name, value, error);
}

int kt_settings_parse_gates(struct kt_settings *settings, struct kt_str text, struct kt_error *error)
{
    struct kt_settings changed = *settings;
    while (text.length > 0) {
        size_t comma = kt_str_find_char(text, ',');
        struct kt_str pair = {text.data, comma == SIZE_MAX ? text.length : comma};
        size_t used = comma == SIZE_MAX ? text.length : comma + 1;
        text = (struct kt_str){text.data + used, text.length - used};
        int code = kt_str_trim(pair).length == 0 ? 0 : parse_gate(&changed, pair, error);
        if (code < 0) {
            return code;
        }
    }
    *settings = changed;
    return 0;
}

void kt_settings_set_cloud(struct kt_settings *settings, const char *name)
{
    settings->cloud_text = name ? name : "";
    settings->cloud_known = kt_cloud_parse(kt_str(settings->cloud_text), &settings->cloud);
}

static int read_gates(struct kt_settings *settings, const cJSON *gates, struct kt_error *error)
{
    if (gates && !kt_json_is_object(gates) && !kt_json_is_null(gates)) {
        return kt_error_set(error, KT_EINVAL, "featureGates must be an object");
    }
    const cJSON *gate;
    cJSON_ArrayForEach(gate, gates)
    {
        if (!kt_json_is_bool(gate)) {
            return kt_error_set(error, KT_EINVAL, "featureGates: %.64s must be true or false", gate->string);
        }
        int code = kt_settings_set_gate(settings, kt_str(gate->string), kt_json_true(gate), error);
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

static int read_text(const cJSON *values, const char *key, const char **ret, struct kt_error *error)
{
    const cJSON *value = kt_json_get(values, key);
    if (!value || kt_json_is_null(value)) {
        return 0;
    }
    if (!kt_json_is_string(value)) {
        return kt_error_set(error, KT_EINVAL, "settings: %s must be a string", key);
    }
    *ret = kt_json_string(value);
    return 0;
}

static int read_bool(const cJSON *values, const char *key, bool *ret, struct kt_error *error)
{
    const cJSON *value = kt_json_get(values, key);
    if (!value || kt_json_is_null(value))
        return 0;
    if (!kt_json_is_bool(value))
        return kt_error_set(error, KT_EINVAL, "settings: %s must be true or false", key);
    *ret = kt_json_true(value);
    return 0;
}

int kt_settings_from_json(struct kt_settings *settings, const cJSON *feature_gates, const cJSON *values,
                          struct kt_error *error)
{
    struct kt_settings changed = *settings;
    const char *cloud = settings->cloud_text;
    const char *kaito_version = NULL;
    const char *trainer_image = NULL;
    int code = read_gates(&changed, feature_gates, error);
    if (code == 0 && values && !kt_json_is_object(values) && !kt_json_is_null(values)) {
        code = kt_error_set(error, KT_EINVAL, "settings must be an object");
    }
    struct {
        const char *key;
        const char **target;
    } texts[] = {{"cloudProvider", &cloud},
                 {"releaseNamespace", &changed.release_namespace},
                 {"nodeProvisioner", &changed.node_provisioner},
                 {"allowedNodeClasses", &changed.allowed_node_classes},
                 {"presetRegistry", &changed.preset_registry},
                 {"kaitoVersion", &kaito_version},
                 {"trainerImage", &trainer_image}};
    for (size_t i = 0; code == 0 && i < KT_ARRAY_LENGTH(texts); i++) {
        code = read_text(values, texts[i].key, texts[i].target, error);
    }
    code = code < 0 ? code : read_bool(values, "podChecks", &changed.pod_checks, error);
    code = code < 0 ? code : kt_settings_set_kaito_version(&changed, kaito_version, error);
    code = code < 0 ? code : kt_settings_set_trainer_image(&changed, trainer_image, error);
    if (code < 0) {
        return code;
    }
    kt_settings_set_cloud(&changed, cloud);
    *settings = changed;
    return 0;
}

int kt_settings_set_provisioner(struct kt_settings *settings, const char *name, struct kt_error *error)
{
    if (!name || !*name) {
        return 0;
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(PROVISIONERS); i++) {
        if (kt_streq(PROVISIONERS[i].name, name)) {
            settings->node_provisioner = PROVISIONERS[i].name;
            settings->gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = PROVISIONERS[i].bring_your_own;
            return 0;
        }
    }
    return kt_error_set(error, KT_EINVAL,
                        "unknown node provisioner \"%.64s\"; known: nodeclaim, machine, byo, and upstream's names "
                        "azure-gpu-provisioner and karpenter",
                        name);
}

int kt_settings_set_kaito_version(struct kt_settings *settings, const char *version, struct kt_error *error)
{
    char known[KT_KIB] = "ours";
    size_t used = strlen(known);
    if (version == NULL || version[0] == '\0')
        return 0;
    if (kt_streq(version, "ours")) {
        settings->release_image = NULL;
        return 0;
    }
    settings->release_image = kt_trainer_image_of_release(kt_str(version));
    if (settings->release_image != NULL)
        return 0;
    for (size_t i = 0; i < kt_trainer_image_count && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, ", %s", kt_trainer_images[i].release);
    return kt_error_set(error, KT_EINVAL, "no release \"%.64s\" of Kaito is known; known: %s", version, known);
}

int kt_settings_set_trainer_image(struct kt_settings *settings, const char *tag, struct kt_error *error)
{
    if (tag == NULL || tag[0] == '\0')
        return 0;
    struct kt_error why;
    if (kt_image_tag_check(kt_str(tag), &why) < 0)
        return kt_error_set(error, KT_EINVAL, "give the tag of kaito-base alone, such as %s: %s",
                            kt_trainer_image_newest()->tag, why.message);
    settings->trainer_image = tag;
    return 0;
}

struct kt_trainer kt_settings_trainer(const struct kt_settings *settings, uint32_t compute_capability, bool qlora)
{
    const struct kt_trainer_image *image = settings->release_image;
    struct kt_trainer ret = {.is_known = true};
    if (settings->trainer_image != NULL) {
        image = kt_trainer_image_find(kt_str(settings->trainer_image));
        ret.is_known = image != NULL;
    } else if (image == NULL) {
        image = kt_trainer_image_for_gpu(compute_capability);
        ret.is_chosen = true;
        if (image == NULL)
            image = kt_trainer_image_for_gpu(0);
    }
    ret.image = image != NULL ? image : kt_trainer_image_newest();
    ret.tag = ret.is_known ? ret.image->tag : settings->trainer_image;
    ret.runs = !ret.is_known || kt_trainer_image_has_kernels(ret.image, compute_capability, qlora);
    return ret;
}

bool kt_settings_trains_in_float16(const struct kt_settings *settings, uint32_t compute_capability)
{
    bool is_old = compute_capability > 0 && compute_capability < KT_BFLOAT16_CAPABILITY;
    return is_old && settings->release_image == NULL &&
           !kt_settings_trainer(settings, compute_capability, true).image->bfloat16_adapter;
}

bool kt_settings_bring_your_own(const struct kt_settings *settings)
{
    return settings->gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING];
}

bool kt_settings_uses_karpenter(const struct kt_settings *settings)
{
    return settings->node_provisioner && kt_streq(settings->node_provisioner, "karpenter");
}
