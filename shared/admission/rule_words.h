/* SPDX-License-Identifier: Apache-2.0 */
/* Small things that the resource and inference rules say or ask in more than one file. */
#ifndef KT_ADMISSION_RULE_WORDS_H
#define KT_ADMISSION_RULE_WORDS_H

#include "admission/rule.h"
#include "admission/tuning_input.h"

#define KT_FIELD_INSTANCE_TYPE "resource.instanceType"
#define KT_FIELD_LABEL_SELECTOR "resource.labelSelector"
#define KT_FIELD_INFERENCE_PRESET "inference.preset.name"

/* For rows that upstream checks on CREATE only: on UPDATE the same finding is our own. */
enum kt_origin kt_rule_origin_on_create(const struct kt_facts *facts);
/* For what upstream judges on CREATE only and what a running workload has read already (the content of a ConfigMap):
 * after CREATE the finding only warns, because it hurts at the next start and not before. finding may be NULL. */
void kt_rule_warn_after_create(const struct kt_rule_run *run, struct kt_finding *finding);

/* True when a preset (not a pod template) is to be served. */
bool kt_rule_serves_preset(const struct kt_facts *facts);
/* The model of inference.preset; NULL: none, or not in the catalogue. */
const struct kt_model *kt_rule_inference_model(const struct kt_facts *facts);

enum kt_preset_standing {
    KT_PRESET_ABSENT,  /* no preset, or one without a name */
    KT_PRESET_UNKNOWN, /* neither a preset nor the form owner/name */
    KT_PRESET_RETIRED, /* a preset's name that upstream v0.12.0 refuses */
    KT_PRESET_CURRENT,
    KT_PRESET_OUTSIDE, /* owner/name that the catalogue does not have as a current model */
};
enum kt_preset_standing kt_rule_preset_standing(const char *name);

/* At most 64 characters of a text from outside, for use inside a message; NULL gives "". */
const char *kt_rule_cut(struct kt_arena *arena, const char *text);
/* "7.12 GiB", in the arena; "" when memory is out. */
const char *kt_rule_bytes(struct kt_arena *arena, uint64_t bytes);
/* matchLabels as kubectl -l takes them: "apps=byo,tier=gpu". */
const char *kt_rule_labels(const struct kt_facts *facts);

/* At most three machine types of this cloud that fit what the Workspace needs, cheapest first, in the form
 * "; these fit, cheapest first: A (...), 2 x B (...)"; where none fits, "; no machine type of azure that is known here
 * fits: ..." with what is needed and the largest batch size that one could take. "" when the need cannot be sized. */
const char *kt_rule_machines_that_fit(const struct kt_facts *facts);
/* What the tuning needs on each kind of GPU; false when it cannot be sized. */
bool kt_rule_tuning_needs(const struct kt_facts *facts, struct kt_tuning_needs *ret);
/* What has to be served, as far as it can be sized; false when it cannot. */
bool kt_rule_inference_need(const struct kt_facts *facts, struct kt_inference_input *ret);

/* More nodes than this for one copy of a model are taken for a mistake: pipeline parallelism over an ordinary network
 * costs more with each node, and every model of the catalogue fits on 7 nodes with two 80 GiB GPUs each. */
#define KT_MOST_INFERENCE_NODES 8

#endif
