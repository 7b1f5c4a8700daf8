/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tuning templates that this version ships (manifests/base/templates.yaml), parsed once per process. Nearly every
 * tuning uses one of them unchanged, so a review need not parse the same YAML again.
 */
#ifndef KT_ADMISSION_SHIPPED_TEMPLATES_H
#define KT_ADMISSION_SHIPPED_TEMPLATES_H

#include "sizing/sizing.h"
#include "text/json.h"

/* The tree of training_config.yaml when `text` is, byte for byte, that of a shipped template; NULL otherwise, also when
 * memory is out. Read-only, shared by threads, never freed. */
const cJSON *kt_shipped_template_find(const char *text);
/* The same for a tree that says what a shipped one says. The arena counts the comparison. */
const cJSON *kt_shipped_template_like(struct kt_arena *arena, const cJSON *root);
/* The ConfigMap of this name, as it is in the manifest; NULL when none is shipped, also when memory is out. */
const cJSON *kt_shipped_template_object(const char *name);

/* What the template of a method is called: upstream v0.12.0's names, and ours of the float16 forms (D07). A copy in a
 * user's namespace is kept for good, so a form whose training changes needs a new name: *-template-float16 was one, and
 * its lora ended on fp16: true. */
const char *kt_template_name(enum kt_tuning_method method, bool float16);

#endif
