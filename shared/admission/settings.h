/* SPDX-License-Identifier: Apache-2.0 */
/* How this installation is set up, as far as the rules care. */
#ifndef KT_ADMISSION_SETTINGS_H
#define KT_ADMISSION_SETTINGS_H

#include "base/error.h"
#include "catalog/catalog.h"
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
};

/* Upstream's defaults: azure, namespace kaito-workspace. */
void kt_settings_init(struct kt_settings *settings);
/* False when the gate is unknown (KT_EINVAL with the known names and a suggestion through error). */
int kt_settings_set_gate(struct kt_settings *settings, struct kt_str name, bool value, struct kt_error *error);
/* "name=true,other=false". */
int kt_settings_parse_gates(struct kt_settings *settings, struct kt_str text, struct kt_error *error) KT_NODISCARD;
void kt_settings_set_cloud(struct kt_settings *settings, const char *name);
/* From the JSON of `review`: {"featureGates": {}, "settings": {"cloudProvider", "releaseNamespace", "nodeProvisioner",
 * "allowedNodeClasses", "presetRegistry"}}. Unknown gates are errors. Strings are referenced, not copied. */
int kt_settings_from_json(struct kt_settings *settings, const cJSON *feature_gates, const cJSON *values,
                          struct kt_error *error) KT_NODISCARD;
/* As a server does at its start: a provisioner decides the gate disableNodeAutoProvisioning (upstream's main.go sets it
 * for "byo" and clears it for the others). NULL or "": nothing changes. KT_EINVAL with the known names. */
int kt_settings_set_provisioner(struct kt_settings *settings, const char *name, struct kt_error *error) KT_NODISCARD;
/* Are nodes the user's own? The gate alone decides, as in upstream's rules; see kt_settings_set_provisioner. */
bool kt_settings_bring_your_own(const struct kt_settings *settings);
/* Does upstream's Karpenter provisioner make the nodes? (Then kaito.sh/node-class-name is judged.) */
bool kt_settings_uses_karpenter(const struct kt_settings *settings);

#endif
