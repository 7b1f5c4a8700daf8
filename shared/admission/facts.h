/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering what rules and defaults look at; private to shared/admission. */
#ifndef KT_ADMISSION_FACTS_H
#define KT_ADMISSION_FACTS_H

#include "admission/admission.h"

/* Reads the facts of one object: `now` is it, `before` the old one or NULL, both defaulted; `written` is the object as
 * the user wrote it and must live as long as the facts. Looks up config maps and nodes. What the arena could not hold
 * is told by arena->failed. `known`: facts of the same object that were read before, whose config maps and nodes are
 * taken as they are, because reading them is the dearest part of a review; NULL: none. */
void kt_facts_read(struct kt_arena *arena, const struct kt_admission_request *request,
                   const struct kt_workspace *written, const cJSON *now, const cJSON *before,
                   const struct kt_facts *known, struct kt_facts *ret);

/* KT_ELIMIT, with a sentence that says what of this request is too large for an arena that has failed. */
int kt_admission_exhausted(const struct kt_arena *arena, struct kt_error *error);
/* KT_ELIMIT: a config whose text is beyond KT_LIMIT_CONFIG_TEXT_BYTES, and is not read. */
int kt_config_too_large(size_t bytes, struct kt_error *error);

/* The namespace that an object is in: its own, else the request's, else "default". */
const char *kt_facts_namespace(const struct kt_admission_request *request, const struct kt_workspace *workspace);

/* Is a member absent? null counts as absent, as in the API server. */
static inline bool kt_facts_absent(const cJSON *object, const char *key)
{
    const cJSON *member = kt_json_get(object, key);
    return !member || kt_json_is_null(member);
}

/* Fills the defaults of `object` as if it had just been created, but never chooses a machine type: what an object that
 * passed while the mutating webhook was down is taken to say. Returns the object itself when nothing was absent. */
cJSON *kt_admission_assume_defaults(struct kt_arena *arena, const struct kt_admission_request *request, cJSON *object);

#endif
