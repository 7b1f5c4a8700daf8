/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GPU that a tuning runs on and the image that trains there: rules T012 and T015 to T018. What a config map of the
 * user's own must say for an old GPU is for the rules about config maps.
 */
#include "admission/rule_words.h"
#include "admission/rules_config.h"
#include "admission/rules_tuning.h"
#include "admission/shipped_templates.h"
#include "admission/trainer_words.h"

void kt_tuning_gpu_of(const struct kt_facts *facts, struct kt_tuning_gpu *ret)
{
    const struct kt_own_nodes *nodes = &facts->inference.nodes;
    *ret = (struct kt_tuning_gpu){.field = facts->bring_your_own ? KT_FIELD_LABEL_SELECTOR : KT_FIELD_INSTANCE_TYPE};
    if (facts->bring_your_own) {
        ret->compute_capability = nodes->compute_capability;
        if (nodes->state != KT_OWN_NODES_KNOWN || nodes->gpu_count <= 0 || nodes->memory_bytes <= 0)
            return;
        ret->name = nodes->gpu_model;
        ret->count = (uint32_t)KT_MIN(nodes->gpu_count, (int64_t)UINT32_MAX);
        ret->bytes = (uint64_t)nodes->memory_bytes / (uint64_t)nodes->gpu_count;
    } else if (facts->sku != NULL && facts->sku->vendor == KT_GPU_NVIDIA && facts->sku->gpu_count > 0) {
        ret->name = facts->sku->gpu_model;
        ret->count = facts->sku->gpu_count;
        ret->bytes = kt_sku_bytes_per_gpu(facts->sku);
        ret->compute_capability = facts->sku->compute_capability;
    }
    ret->usable_bytes = (uint64_t)((double)ret->bytes * KT_USABLE_SHARE);
    ret->known = ret->bytes > 0;
}

static bool is_qlora(const struct kt_facts *facts)
{
    return facts->method_known && facts->method == KT_METHOD_QLORA;
}

/* "kaito-base:0.5.0, which ..., " where another than our own choice trains; its bare name otherwise. */
static const char *image_name(const struct kt_facts *facts)
{
    return kt_trainer_name(facts->arena, facts->settings, &facts->trainer);
}

/* --- T012 --------------------------------------------------------------------------------------------------------- */

/* What follows for the tuning from a GPU without bfloat16. */
static const char *what_follows(const struct kt_facts *facts)
{
    struct kt_arena *arena = facts->arena;
    const char *float16 = facts->method_known ? kt_template_name(facts->method, true) : "the method's float16 template";
    const char *sounder = facts->method_known && facts->method == KT_METHOD_LORA
                              ? ". lora in float16 has no loss scaling, so qlora is the sounder choice here"
                              : "";
    if (facts->config.is_template && facts->float16)
        return kt_arena_printf(arena, "it trains in float16, by the template %s, with the image %s%s", float16,
                               image_name(facts), sounder);
    if (facts->config.is_template)
        return kt_arena_printf(arena,
                               "the template %s trains in bfloat16, which the GPU imitates in float32 and far more "
                               "slowly; the image is %s",
                               kt_template_name(facts->method, false), image_name(facts));
    return kt_arena_printf(arena,
                           "the tuning config could not be read and should train in float16, as the template %s does "
                           "(kubectl kaito tune --set starts from it); the image is %s%s",
                           float16, image_name(facts), sounder);
}

void kt_tuning_check_bfloat16(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    struct kt_tuning_gpu gpu;
    kt_tuning_gpu_of(facts, &gpu);
    /* A config map of one's own that was read is judged by what it says: C016. */
    if ((facts->config.sections != NULL && !facts->config.is_template) || !facts->trainer.runs ||
        gpu.compute_capability == 0 || gpu.compute_capability >= KT_BFLOAT16_CAPABILITY)
        return;
    kt_rule_report(run, gpu.field, KT_PROBLEM_NOTE, NULL, "%s (compute capability %s) has no bfloat16: %s",
                   gpu.name != NULL ? gpu.name : "this GPU", kt_capability_text(facts->arena, gpu.compute_capability),
                   what_follows(facts));
}

/* --- T015, T016 --------------------------------------------------------------------------------------------------- */

void kt_tuning_check_kernels(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    struct kt_tuning_gpu gpu;
    kt_tuning_gpu_of(facts, &gpu);
    const char *why = kt_trainer_refusal(facts->arena, facts->settings, &facts->trainer, gpu.name,
                                         gpu.compute_capability, is_qlora(facts));
    if (why == NULL)
        return;
    const char *replacement = !facts->bring_your_own && facts->sku ? facts->sku->replacement : NULL;
    const char *nearest =
        replacement ? kt_arena_printf(facts->arena, "; the nearest current machine type is %s", replacement) : "";
    kt_rule_report(run, gpu.field, KT_PROBLEM_UNSUPPORTED,
                   facts->bring_your_own ? kt_rule_labels(facts) : facts->now.resource.instance_type, "%s%s%s", why,
                   nearest,
                   facts->bring_your_own ? "; choose nodes with a newer GPU" : kt_rule_machines_that_fit(facts));
}

void kt_tuning_check_image_known(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    if (facts->trainer.is_known)
        return;
    kt_rule_report(
        run, "tuning", KT_PROBLEM_NOTE, NULL,
        "the image that trains is set to kaito-base:%.128s, which is not known here: the tuning is judged as "
        "if it were %s, the newest known one. Known are the images from %s on; without a setting the image "
        "follows from the GPU",
        facts->trainer.tag, facts->trainer.image->tag, kt_trainer_images[0].tag);
}

/* --- T017, T018: nodes of one's own ------------------------------------------------------------------------------- */

static const char *why_unknown(const struct kt_facts *facts)
{
    const struct kt_nodes_capability *all = &facts->inference.nodes.capability;
    const char *node = kt_rule_cut(facts->arena, all->silent_node);
    if (all->odd_label)
        return kt_arena_printf(facts->arena, "node %s has %s=%s, which is no such number", node, all->odd_label,
                               kt_rule_cut(facts->arena, all->odd_value));
    if (all->missing_label)
        return kt_arena_printf(facts->arena, "node %s gives half of its compute capability: the label %s is missing",
                               node, all->missing_label);
    return kt_arena_printf(facts->arena, "node %s does not say which GPU it has", node);
}

/* An old GPU decides, whatever the node that does not say has. */
static const char *oldest_of_the_others(const struct kt_facts *facts)
{
    const struct kt_own_nodes *nodes = &facts->inference.nodes;
    if (nodes->compute_capability == 0)
        return "";
    return kt_arena_printf(facts->arena, ", and node %s has compute capability %s",
                           kt_rule_cut(facts->arena, nodes->capability.lowest_node),
                           kt_capability_text(facts->arena, nodes->compute_capability));
}

void kt_tuning_check_capability_known(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_own_nodes *nodes = &facts->inference.nodes;
    if (!facts->bring_your_own || nodes->capability.silent_node == NULL)
        return;
    kt_rule_report(
        run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_NOTE, NULL,
        "%s%s, so the image is %s: it has kernels for compute capability %s and above%s. The labels that say "
        "it: " KT_CAPABILITY_LABELS,
        why_unknown(facts), oldest_of_the_others(facts), image_name(facts),
        kt_capability_text(facts->arena, facts->trainer.image->oldest_gpu),
        facts->float16 && facts->config.is_template ? ", and trains in float16" : "");
}

void kt_tuning_check_nodes_alike(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_nodes_capability *all = &facts->inference.nodes.capability;
    struct kt_arena *arena = facts->arena;
    if (!facts->bring_your_own || all->lowest == 0 || !facts->trainer.runs)
        return;
    struct kt_trainer low = kt_settings_trainer(facts->settings, all->lowest, is_qlora(facts));
    struct kt_trainer high = kt_settings_trainer(facts->settings, all->highest, is_qlora(facts));
    if (low.image == high.image && kt_settings_trains_in_float16(facts->settings, all->lowest) ==
                                       kt_settings_trains_in_float16(facts->settings, all->highest))
        return;
    kt_rule_report(run, KT_FIELD_LABEL_SELECTOR, KT_PROBLEM_NOTE, NULL,
                   "the GPU of node %s has compute capability %s and that of node %s %s, and the pod may land on "
                   "either: all take what the older one needs, %s%s. Choose labels that only one kind of node carries",
                   kt_rule_cut(arena, all->lowest_node), kt_capability_text(arena, all->lowest),
                   kt_rule_cut(arena, all->highest_node), kt_capability_text(arena, all->highest), image_name(facts),
                   facts->float16 && facts->config.is_template ? " and the float16 template" : "");
}
