/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about models and GPU machine types. The only sources are models.yaml and skus.yaml beside this file; a
 * generator (catalog/generator/, built for the host) turns them into the constant tables behind these functions.
 * "Current" means: in upstream Kaito v0.12.0. "Retired" entries stay so that an old manifest gets a lesson, not a
 * riddle.
 */
#ifndef KT_CATALOG_CATALOG_H
#define KT_CATALOG_CATALOG_H

#include "base/base.h"
#include "base/str.h"

/* One projection matrix of a transformer block. */
struct kt_linear_module {
    const char *name; /* as PEFT's target_modules names it: "qkv_proj" */
    uint32_t in_features;
    uint32_t out_features;
};

#define KT_MODEL_MAX_MODULES 8

/* Numbers that memory sizing needs; all zero when the architecture is not known in full. */
struct kt_architecture {
    uint32_t hidden_size;
    uint32_t layers;
    uint32_t attention_heads;
    uint32_t kv_heads;
    uint32_t head_dim;
    uint32_t intermediate_size;
    uint32_t vocab_size;
    bool tied_embeddings;
    bool gated_mlp; /* gate and up projection (SwiGLU); false: plain two-matrix MLP */
    bool rms_norm;  /* false: LayerNorm */
    uint32_t module_count;
    struct kt_linear_module modules[KT_MODEL_MAX_MODULES];
};

enum kt_model_status {
    KT_MODEL_CURRENT,    /* upstream v0.12.0 accepts it */
    KT_MODEL_DEPRECATED, /* still named upstream but refused there with "deprecated and no longer supported" */
    KT_MODEL_RETIRED,    /* dropped: refused with the nearest current one */
};

struct kt_model {
    const char *name;           /* preset name ("phi-3-mini-128k-instruct") or catalogue id ("Qwen/Qwen3-8B-AWQ") */
    const char *hugging_face;   /* "owner/name" or NULL */
    const char *family;         /* "Phi3" */
    const char *const *aliases; /* NULL-terminated; other accepted spellings, or NULL */
    enum kt_model_status status;
    const char *retired_in;      /* "v0.11.0": first upstream version without it; NULL when current */
    const char *replacement;     /* nearest current preset for a retired one; NULL: none */
    bool built_in;               /* a preset by a short name, not only a catalogue id */
    bool tunable;                /* can be fine-tuned with v0.12.0's images */
    bool was_tunable;            /* can or could be, in this or an older version */
    bool supports_transformers;  /* the transformers runtime can serve it */
    bool needs_access_token;     /* gated on Hugging Face: a secret with HF_TOKEN is needed */
    bool weights_at_run_time;    /* there is no image with weights. (vLLM inference of v0.12.0 downloads every model at
                                  * start-up; the image matters for tuning) */
    const char *image_tag;       /* of <registry>/kaito-<name> when weights come in an image; NULL otherwise */
    const char *weights_text;    /* file size as upstream writes it, "7.12Gi"; NULL when unknown */
    uint64_t weights_bytes;      /* the same in bytes, rounded up; 0 when unknown */
    uint32_t kv_bytes_per_token; /* 0 when unknown */
    uint32_t token_limit;        /* longest context; 0 when unknown */
    bool quantised;              /* weights are not 16-bit */
    struct kt_architecture architecture;
    /* What PEFT would train when the user names no target_modules: names in architecture.modules, or empty. */
    uint32_t default_target_count;
    const char *default_targets[KT_MODEL_MAX_MODULES];
};

extern const struct kt_model kt_models[];
extern const size_t kt_model_count;

/* By name, alias or Hugging Face id, without regard to case. NULL when unknown.
 * A retired or deprecated preset is refused upstream by its short name only: as "owner/name" its repository is served
 * like any other (for inference), so look at kt_model_is_hugging_face_id(name) too before refusing one. */
const struct kt_model *kt_model_find(struct kt_str name);
/* Nearest preset name by edit distance, preferring current ones; NULL when nothing is near. */
const char *kt_model_suggest(struct kt_str name, bool tunable_only);
/* True for the "owner/name" form of a Hugging Face id (both parts non-empty, one slash, allowed characters). */
bool kt_model_is_hugging_face_id(struct kt_str name);
/* True when every size that tuning estimates need is known. */
bool kt_architecture_known(const struct kt_architecture *architecture);

enum kt_cloud { KT_CLOUD_AZURE, KT_CLOUD_AWS, KT_CLOUD_ARC, KT_CLOUD_COUNT };
/* "azure", "aws", "arc". */
const char *kt_cloud_name(enum kt_cloud cloud);
/* Exact lower-case names as upstream's CLOUD_PROVIDER takes them; false otherwise. */
bool kt_cloud_parse(struct kt_str name, enum kt_cloud *ret);

enum kt_gpu_vendor { KT_GPU_NVIDIA, KT_GPU_AMD, KT_GPU_AWS_NEURON, KT_GPU_UNKNOWN };

struct kt_sku {
    const char *name;
    enum kt_cloud cloud;
    bool current;            /* in upstream v0.12.0's table */
    const char *retired_in;  /* first upstream version without it; NULL when current, and when no version accepted it
                              * (upstream only names it in a comment) */
    const char *replacement; /* nearest current SKU for a retired one; NULL: none */
    const char *gpu_model;   /* "NVIDIA V100"; "unknown GPU" */
    enum kt_gpu_vendor vendor;
    uint32_t gpu_count;          /* 0 when unknown; a share of a card counts as 1 with that share of the memory */
    uint64_t memory_bytes;       /* of all GPUs together, nominal; 0 when unknown */
    uint32_t compute_capability; /* 10 * major + minor: 70, 75, 80; 0 when unknown or not CUDA */
    bool nvme_disk;
    uint32_t price_milli_usd_per_hour; /* on demand, Linux; 0 when unknown */
    const char *price_region;          /* NULL when unknown */
};

extern const struct kt_sku kt_skus[];
extern const size_t kt_sku_count;

/* Without regard to case, within one cloud. NULL when unknown. */
const struct kt_sku *kt_sku_find(enum kt_cloud cloud, struct kt_str name);
/* In any cloud (the first in table order). */
const struct kt_sku *kt_sku_find_any(struct kt_str name);
/* Nearest current name of this cloud; NULL when nothing is near. */
const char *kt_sku_suggest(enum kt_cloud cloud, struct kt_str name);
/* memory_bytes / gpu_count. */
uint64_t kt_sku_bytes_per_gpu(const struct kt_sku *sku);

/* Known MIG profiles, "1g.10gb" and so on, over all cards; NULL-terminated and sorted. */
extern const char *const kt_mig_profiles[];
bool kt_mig_profile_known(struct kt_str profile);
/* Memory of a slice in GiB from its name ("3g.40gb" gives 40); 0 when the form is wrong. */
uint32_t kt_mig_profile_gib(struct kt_str profile);

/* The user's own additions (a catalogue file or ConfigMap) are merged in front of these tables: see catalog/extra.h. */

#endif
