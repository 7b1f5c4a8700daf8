/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config map that the Job will mount: the user's own, or a copy of the method's template from the namespace of this
 * installation. Before any node is asked for: a mistake in it should not cost a GPU machine.
 */
#include "webhook/log.h"
#include "webhook/reconcile/write.h"
#include "workload/names.h"

/* From the store, or, since that keeps only maps with a training config, from the API server. */
static enum kt_step_result find(struct kt_reconcile *look, const char *namespace_, const char *name, const cJSON **ret)
{
    kt_stored_release(look->config_map_reference);
    look->config_map_reference = kt_store_get(look->reconciler->store, KT_KIND_CONFIG_MAP, namespace_, name);
    *ret = kt_stored_object(look->config_map_reference);
    return *ret ? KT_STEP_DONE : kt_read(look, KT_KIND_CONFIG_MAP, namespace_, name, ret);
}

static enum kt_step_result use_own(struct kt_reconcile *look)
{
    enum kt_step_result result = find(look, look->key.namespace_, look->plan.config_map, &look->config_map);
    if (result != KT_STEP_DONE)
        return result;
    if (!look->config_map && kt_observation_job(&look->observation))
        return KT_STEP_DONE; /* its pod has read it */
    if (!look->config_map) {
        kt_reconcile_trouble(
            look, "JobStarted", "ConfigMapMissing",
            kt_arena_printf(look->arena,
                            "tuning.config names ConfigMap %s, which is not in namespace %s: create it, "
                            "with the key %s",
                            look->plan.config_map, look->key.namespace_, KT_TUNING_CONFIG_KEY));
        return KT_STEP_WAIT;
    }
    char *hash = kt_arena_alloc(look->arena, KT_CONFIG_HASH_BYTES);
    if (!hash || kt_config_map_hash(look->arena, look->config_map, hash, &look->error) != 0) {
        kt_error_set(&look->error, KT_ENOMEM, "no memory for the config map's hash");
        return KT_STEP_FAIL;
    }
    look->config_hash = hash;
    return KT_STEP_DONE;
}

static enum kt_step_result copy_template(struct kt_reconcile *look)
{
    const char *release = look->reconciler->settings->release_namespace;
    const cJSON *template_;
    enum kt_step_result result = find(look, release, look->plan.template_name, &template_);
    if (result != KT_STEP_DONE)
        return result;
    if (!template_)
        template_ = kt_tuning_template_at_hand(&look->plan);
    if (!template_) {
        kt_reconcile_trouble(
            look, "JobStarted", "TemplateMissing",
            kt_arena_printf(
                look->arena,
                "ConfigMap %s is not in namespace %s, where this installation keeps its templates: apply "
                "manifests/base/templates.yaml there, start kaito-webhook with --release-namespace, or name "
                "a ConfigMap of your own in tuning.config",
                look->plan.template_name, release));
        return KT_STEP_WAIT;
    }
    cJSON *copy;
    int code = kt_tuning_config_map(look->arena, &look->plan, template_, &copy, &look->error);
    if (code == KT_EINVAL) {
        kt_reconcile_trouble(look, "JobStarted", "TemplateInvalid",
                             kt_arena_printf(look->arena,
                                             "the template %s in namespace %s cannot be used: %s. Apply "
                                             "manifests/base/templates.yaml again",
                                             look->plan.template_name, release, look->error.message));
        return KT_STEP_WAIT;
    }
    return code == 0 ? kt_write_create(look, KT_KIND_CONFIG_MAP, copy, NULL, &look->config_map) : KT_STEP_FAIL;
}

enum kt_step_result kt_step_config_map(struct kt_reconcile *look)
{
    if (!kt_observation_job(&look->observation) && kt_reconcile_is_finished(look))
        return KT_STEP_DONE; /* no Job will be made that could read it */
    if (!look->plan.template_name)
        return use_own(look);
    enum kt_step_result result = find(look, look->key.namespace_, look->plan.config_map, &look->config_map);
    return result == KT_STEP_DONE && !look->config_map ? copy_template(look) : result;
}
