/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a Workspace that its CRD leaves untyped and that core Kubernetes types describe: metadata (ObjectMeta),
 * inference.template (PodTemplateSpec) and every volumeSource (VolumeSource). Upstream Kaito v0.12.0 decodes an object
 * into Go structs before it judges it, and refuses one in which a value there has the wrong kind, or in which the
 * template or a volume has a field that those types do not have. So do we.
 */
#ifndef KT_WORKSPACE_POD_TYPES_H
#define KT_WORKSPACE_POD_TYPES_H

#include "workspace/schema.h"

/* Problems in document order, at most KT_LIMIT_FINDINGS; NULL: none. Kinds: KT_SCHEMA_TYPE, KT_SCHEMA_VALUE (a quantity
 * or time that cannot be read) and KT_SCHEMA_UNKNOWN (not inside metadata, where the API server drops such fields).
 * null is fine everywhere, names of fields match in any letter case, as Go's decoder has it. */
const struct kt_schema_problem *kt_workspace_check_kinds(struct kt_arena *arena, const cJSON *root);

/* Is this a field of ObjectMeta? */
bool kt_object_meta_field_known(const char *name);
/* Nearest ObjectMeta field to an unknown one, or NULL. */
const char *kt_object_meta_field_suggest(struct kt_arena *arena, const char *name);

#endif
