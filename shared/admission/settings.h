/* SPDX-License-Identifier: Apache-2.0 */
/* How this installation is set up, as far as the rules care. */
#ifndef KT_ADMISSION_SETTINGS_H
#define KT_ADMISSION_SETTINGS_H

#include "base/error.h"
#include "catalog/catalog.h"
#include "catalog/images.h"
#include "text/json.h"

/* Upstream v0.12.0's feature gates, by its names. One row each in settings.c: name and default. */
enum kt_gate {
    KT_GATE_VLLM,                            /* vLLM, default true */
    KT_GATE_DISABLE_NODE_AUTO_PROVISIONING,  /* disableNodeAutoProvisioning: bring-your-own nodes */
    KT_GATE_ENABLE_MIG,                      /* enableMIG */
    KT_GATE_ENABLE_ACCELERATOR,              /* enableAccelerator */
    KT_GATE_ENABLE_INFERENCE_SET,            /* enableInferenceSetController, default true */
    KT_GATE_MODEL_STREAMING,                 /* ModelStreaming */
    KT_GATE_MODEL_MIRROR,                    /* ModelMirror */
    KT_GATE_GATEWAY_API_INFERENCE_EXTENSION, /* gatewayAPIInferenceExtension */
    KT_GATE_ENABLE_MULTI_ROLE_INFERENCE,     /* enableMultiRoleInferenceController */
    KT_GATE_ENABLE_BASE_IMAGE_AUTO_UPGRADE,  /* enableBaseImageAutoUpgrade */
    KT_GATE_COUNT
};

struct kt_settings {
    bool gates[KT_GATE_COUNT];
    const char *cloud_text; /* as configured; may be unknown or "" (upstream then refuses preset workloads) */
    bool cloud_known;
    enum kt_cloud cloud;
    const char *release_namespace;    /* where the tuning templates live; NULL or "": unknown */
    const char *node_provisioner;     /* upstream's names ("azure-gpu-provisioner", "karpenter", "byo") or ours
                                         ("nodeclaim",     "machine", "byo"); NULL: the default */
    const char *allowed_node_classes; /* comma-separated; NULL: none configured */
    const char *preset_registry;      /* "mcr.microsoft.com/aks/kaito" */
    /* The image that a release of upstream's operator trains with; NULL: ours, which choose by the GPU. */
    const struct kt_trainer_image *release_image;
    const char *trainer_image; /* tag of kaito-base that is used on every GPU, whatever the operator; NULL: none */
    bool pod_checks;           /* the pod of a tuning has containers of our own that look before the training and after
                                  it; false: only what upstream's has. Set by --pod-checks and the key podChecks */
};

/* The first compute capability with bfloat16 (Ampere), as 10 * major + minor. */
#define KT_BFLOAT16_CAPABILITY 80u

/* The image that trains on a GPU. */
struct kt_trainer {
    const char *tag;                      /* of kaito-base; never NULL */
    const struct kt_trainer_image *image; /* the row by which a config is judged; never NULL */
    bool runs;                            /* it has kernels for the GPU */
    bool is_known;                        /* the tag has a row; false: it is judged by the newest */
    bool is_chosen;                       /* by our own operator, from the GPU */
};

/* Upstream's defaults: azure, namespace kaito-workspace. */
void kt_settings_init(struct kt_settings *settings);
/* False when the gate is unknown (KT_EINVAL with the known names and a suggestion through error). */
int kt_settings_set_gate(struct kt_settings *settings, struct kt_str name, bool value, struct kt_error *error);
/* "name=true,other=false". */
int kt_settings_parse_gates(struct kt_settings *settings, struct kt_str text, struct kt_error *error) KT_NODISCARD;
void kt_settings_set_cloud(struct kt_settings *settings, const char *name);
/* From the JSON of `review`: {"featureGates": {}, "settings": {"cloudProvider", "releaseNamespace", "nodeProvisioner",
 * "allowedNodeClasses", "presetRegistry", "kaitoVersion", "trainerImage", "podChecks"}}. Unknown gates are errors.
 * Strings are referenced, not copied. */
int kt_settings_from_json(struct kt_settings *settings, const cJSON *feature_gates, const cJSON *values,
                          struct kt_error *error) KT_NODISCARD;
/* As a server does at its start: a provisioner decides the gate disableNodeAutoProvisioning (upstream's main.go sets it
 * for "byo" and clears it for the others). NULL or "": nothing changes. KT_EINVAL with the known names. */
int kt_settings_set_provisioner(struct kt_settings *settings, const char *name, struct kt_error *error) KT_NODISCARD;
/* "ours", or a release of upstream's operator ("v0.12.0"): whose images train. NULL or "": nothing changes. KT_EINVAL
 * with the known ones. */
int kt_settings_set_kaito_version(struct kt_settings *settings, const char *version,
                                  struct kt_error *error) KT_NODISCARD;
/* The tag of kaito-base that trains on every GPU. NULL or "": nothing changes. KT_EINVAL for what is no tag. The text
 * is referenced, not copied. */
int kt_settings_set_trainer_image(struct kt_settings *settings, const char *tag, struct kt_error *error) KT_NODISCARD;
/* compute_capability: 10 * major + minor; 0: unknown, then our operator takes the image with kernels for all GPUs.
 * qlora needs the kernels of bitsandbytes too. */
struct kt_trainer kt_settings_trainer(const struct kt_settings *settings, uint32_t compute_capability, bool qlora);
/* Without a config of the user's own, does a tuning on such a GPU take the float16 form of its method's template (D07)?
 * Only our reconciler does, on GPUs that are known to have no bfloat16, with an image that trains with it. */
bool kt_settings_trains_in_float16(const struct kt_settings *settings, uint32_t compute_capability);
/* Are nodes the user's own? The gate alone decides, as in upstream's rules; see kt_settings_set_provisioner. */
bool kt_settings_bring_your_own(const struct kt_settings *settings);
/* Does upstream's Karpenter provisioner make the nodes? (Then kaito.sh/node-class-name is judged.) */
bool kt_settings_uses_karpenter(const struct kt_settings *settings);

#endif
