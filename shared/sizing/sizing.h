/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPU memory: what a tuning or an inference needs on each GPU, what fits, and why. Pure functions of model and
 * hardware.
 *
 * The tuning formula and its constants, with accuracy against 96 published figures, are explained in ARCHITECTURE.md
 * ("Memory sizing") and tested point by point in tests/unit/test_sizing_points.c. The inference estimator follows
 * upstream v0.12.0 (pkg/workspace/estimator/nodesestimator), so that node counts agree.
 */
#ifndef KT_SIZING_SIZING_H
#define KT_SIZING_SIZING_H

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "catalog/catalog.h"
#include "catalog/extra.h"

/* Share of a card's nominal memory that a process can really get: T4 gives 15360 of 16384 MiB, A10 23028 of 24576. */
#define KT_USABLE_SHARE 0.94
/* Above this share of the usable memory an estimate is "tight": the worst published under-estimate is 15%. */
#define KT_TIGHT_SHARE 0.85
/* What is assumed when a tuning config does not say: TRL's default length and the Hugging Face batch size. */
#define KT_DEFAULT_SEQUENCE_LENGTH 1024
#define KT_LIBRARY_DEFAULT_BATCH_SIZE 8
#define KT_TEMPLATE_BATCH_SIZE 1
#define KT_DEFAULT_LORA_RANK 8
/* Tokens whose logits exist at once when the trainer computes the loss in chunks (trl >= 1.0). */
#define KT_CHUNKED_LOSS_TOKENS 512

enum kt_tuning_method { KT_METHOD_LORA, KT_METHOD_QLORA };
/* "lora", "qlora" without regard to case; false for anything else. */
bool kt_tuning_method_parse(struct kt_str text, enum kt_tuning_method *ret);
const char *kt_tuning_method_name(enum kt_tuning_method method);

enum kt_attention { KT_ATTENTION_FLASH, KT_ATTENTION_EAGER };
enum kt_loss { KT_LOSS_FULL, KT_LOSS_CHUNKED };

/* Figures of the formula that depend on the trainer. The defaults are those of the images that run: transformers, peft,
 * bitsandbytes and trl; other values are for other trainers, whose published figures the tests reproduce. */
struct kt_tuning_constants {
    double adapter_bytes;     /* per adapter parameter: fp32 weight 4, gradient 4, Adam state 8 */
    double unquantised_bytes; /* qlora: per parameter of embedding, head and norms, which peft casts to fp32 */
    double stored_bytes;      /* qlora: per hidden value kept at each block's border with gradient checkpointing */
    double scale_bytes;       /* 4 bit: block scales per weight; negative: as double_quantisation says */
    double logit_copies;      /* fp32 copies of [tokens, vocabulary] at the peak */
    double slack_share;       /* of all the rest, for the allocator */
    double context_bytes;     /* CUDA context and library workspaces */
    uint32_t chunk_tokens;    /* of KT_LOSS_CHUNKED */
};
extern const struct kt_tuning_constants kt_tuning_constants_default;

struct kt_tuning_input {
    const struct kt_architecture *architecture; /* known in full, see kt_architecture_known */
    enum kt_tuning_method method;
    uint32_t quantisation_bits; /* 4 or 8 with qlora; ignored with lora */
    bool double_quantisation;
    uint32_t batch_size;      /* per device */
    uint32_t sequence_length; /* tokens */
    uint32_t rank;
    bool gradient_checkpointing;
    enum kt_attention attention;
    enum kt_loss loss;
    bool is_exact;         /* attention and loss are those that run: the image is known. false: see the range */
    bool float32_weights;  /* lora: 4 bytes a weight instead of 2 */
    uint32_t most_batch;   /* largest batch size that the trainer takes; 0: any */
    uint32_t fixed_length; /* the trainer cuts rows at this many tokens, and no key changes it; 0: as asked for */
    /* Parameters outside the adapter that are trained too (modules_to_save): a copy with its gradient and moments. */
    uint64_t copied_parameters;
    uint64_t outside_parameters; /* of the adapter, for modules outside the blocks (lm_head, embed_tokens) */
    /* Bit i set: architecture->modules[i] gets an adapter. 0 is allowed: no adapter at all. */
    uint32_t target_mask;
    const struct kt_tuning_constants *constants; /* NULL: kt_tuning_constants_default */
};

/* Everything per GPU, in bytes.
 *
 * With gradient checkpointing the peak comes while one block is computed anew (border activations + that block) or
 * while the loss is (border activations + logits); activation_bytes is the first, logits_bytes what the second needs
 * beyond it, so it is 0 when the block is larger. Without checkpointing all blocks and the logits exist at once. */
struct kt_tuning_estimate {
    double weights_bytes;
    double adapter_bytes; /* weights, gradients and optimiser state of the adapter and of copied modules */
    double activation_bytes;
    double logits_bytes;
    double overhead_bytes; /* allocator slack of 5% and 0.5 GiB of CUDA context */
    double total_bytes;    /* sum of all above */
    uint64_t adapter_parameters;
};

struct kt_tuning_estimate kt_sizing_tuning(const struct kt_tuning_input *input);

/* With an exact input both ends are its estimate. Otherwise the two ends of what is not known: low = chunked loss and
 * flash attention; high = full logits, and eager attention where compute_capability (10 * major + minor) is below 80;
 * 0, unknown, counts as below. */
struct kt_tuning_range {
    struct kt_tuning_estimate low;
    struct kt_tuning_estimate high;
};
struct kt_tuning_range kt_sizing_tuning_range(const struct kt_tuning_input *input, uint32_t compute_capability);

/* Mask of the modules named; names that the model does not have are counted in *ret_unknown. "all-linear" selects all.
 */
uint32_t kt_sizing_target_mask(const struct kt_architecture *architecture, const char *const *names, size_t count,
                               size_t *ret_unknown);
/* What is trained when the user names nothing. */
uint32_t kt_sizing_default_target_mask(const struct kt_model *model);

enum kt_fit {
    KT_FIT_FITS,  /* high end within 85% of the usable memory (inference: enough nodes make it fit) */
    KT_FIT_TIGHT, /* fits, but the high end is above 85% */
    KT_FIT_NO,    /* the low end exceeds the usable memory */
    KT_FIT_NEVER, /* weights, adapter and context alone exceed it: no batch or length can help */
};
const char *kt_fit_name(enum kt_fit fit); /* "fits", "tight", "no", "no" */

/* Usable bytes of one GPU of this SKU. */
uint64_t kt_sizing_usable_bytes_per_gpu(const struct kt_sku *sku);
/* Data-parallel tuning holds a full copy on each GPU, so one GPU decides. */
enum kt_fit kt_sizing_tuning_fit(const struct kt_tuning_input *input, uint64_t usable_bytes,
                                 uint32_t compute_capability);
/* Largest batch size (0: none) that is not KT_FIT_NO at this sequence length; at most 1024 and input->most_batch. */
uint32_t kt_sizing_largest_batch(const struct kt_tuning_input *input, uint64_t usable_bytes,
                                 uint32_t compute_capability);
/* Largest sequence length at batch size 1, a multiple of 64; 0: none; at most 1 << 20. A fixed length or none where the
 * trainer has one. */
uint32_t kt_sizing_largest_sequence(const struct kt_tuning_input *input, uint64_t usable_bytes,
                                    uint32_t compute_capability);

/* --- inference -----------------------------------------------------------------------------------------------------
 */

struct kt_inference_input {
    uint64_t weights_bytes; /* file size */
    uint32_t kv_bytes_per_token;
    uint32_t context_length;    /* max-model-len of the user's inference config; 0: not given, 2048 is assumed */
    uint32_t gpu_count;         /* of one node */
    uint64_t node_memory_bytes; /* of all GPUs of one node, nominal */
};

struct kt_inference_estimate {
    uint32_t nodes;
    uint32_t gpus;            /* needed over all nodes */
    bool data_parallel;       /* vLLM runs one whole copy on each GPU of the node (files below half of one GPU) */
    uint64_t weights_bytes;   /* per GPU, after loading */
    uint64_t kv_cache_bytes;  /* per GPU for the context length */
    uint64_t overhead_bytes;  /* per GPU */
    uint64_t available_bytes; /* per GPU that vLLM may use (0.84) */
    uint32_t largest_context; /* tokens that fit on `nodes` nodes; 0 unknown */
};

/* KT_EINVAL when one GPU cannot even hold the fixed part (the message says so), or the input is incomplete. A MIG slice
 * is a node with one GPU; a model that needs more than one of it does not fit, because slices cannot be combined. */
int kt_sizing_inference(const struct kt_inference_input *input, struct kt_inference_estimate *ret,
                        struct kt_error *error) KT_NODISCARD;

/* --- choosing a SKU --------------------------------------------------------------------------------------------------
 */

/* What a tuning needs on GPUs from a compute capability on: images, and with them attention and loss, differ by GPU. */
struct kt_tuning_need {
    uint32_t compute_capability;         /* 10 * major + minor; the first row may be 0: unknown ones too */
    const struct kt_tuning_input *input; /* NULL: no image runs on these */
};

/* What to size: exactly one of tuning, by_gpu and inference. */
struct kt_need {
    const struct kt_tuning_input *tuning; /* the same on every GPU */
    const struct kt_tuning_need *by_gpu;  /* growing by compute capability */
    size_t by_gpu_count;
    const struct kt_inference_input *inference; /* gpu_count and node_memory_bytes are taken from each SKU */
    bool refuse_batches;                        /* a tuning whose batch size is above its most_batch fits nowhere */
    const struct kt_catalog *extra;             /* the user's own SKUs, which take the place of like-named ones; NULL */
};

/* What a tuning needs on such a GPU; NULL: no image runs there. */
const struct kt_tuning_input *kt_sizing_need_on(const struct kt_need *need, uint32_t compute_capability);

struct kt_sku_fit {
    const struct kt_sku *sku;
    enum kt_fit fit;
    bool no_image;          /* tuning only: no image has kernels for its GPU; fit is then KT_FIT_NEVER */
    uint32_t nodes;         /* 1 for tuning */
    uint32_t largest_batch; /* tuning only */
    uint64_t usable_bytes_per_gpu;
    struct kt_tuning_range range;           /* tuning only */
    struct kt_inference_estimate inference; /* inference only */
    uint64_t price_milli_usd_per_hour;      /* of all nodes; 0 unknown */
};

/* Judges every CUDA SKU of a cloud whose memory is known; sorted: fits, tight, no; within each by price times nodes
 * (unknown last), then name. Retired ones are included; callers filter. NULL when memory is out. */
struct kt_sku_fit *kt_sizing_rank_skus(struct kt_arena *arena, const struct kt_need *need, enum kt_cloud cloud,
                                       size_t *ret_count);
/* The choice of default D02: cheapest current SKU that fits with room, price known, compute capability 8.0 or more.
 * NULL when there is none. */
const struct kt_sku_fit *kt_sizing_cheapest(const struct kt_sku_fit *fits, size_t count);
/* The cheapest at all that fits (tight allowed) among current ones; NULL when there is none. */
const struct kt_sku_fit *kt_sizing_cheapest_any(const struct kt_sku_fit *fits, size_t count);

#endif
