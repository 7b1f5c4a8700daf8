/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config map that the Job will mount: the user's own, or a copy of the method's template from the namespace of this
 * installation. Before any node is asked for: a mistake in it should not cost a GPU machine.
 */
#include "webhook/cluster/config_content.h"
#include "webhook/log.h"
#include "webhook/reconcile/write.h"
#include "workload/names.h"

/* From the cache, or, since that keeps only maps with a config, and of those no config that is too large, from the API
 * server. */
static enum kt_step_result find(struct kt_reconcile *look, const char *namespace_, const char *name, const cJSON **ret)
{
    kt_stored_release(look->config_map_reference);
    look->config_map_reference = kt_store_get(look->reconciler->store, KT_KIND_CONFIG_MAP, namespace_, name);
    const struct kt_config_content *content = kt_stored_content(look->config_map_reference);
    *ret = content && !content->is_cut ? kt_stored_object(look->config_map_reference) : NULL;
    return *ret ? KT_STEP_DONE : kt_read(look, KT_KIND_CONFIG_MAP, namespace_, name, ret);
}

/* Of all its data: the cache has made it of the whole object. */
static enum kt_step_result hash(struct kt_reconcile *look)
{
    const struct kt_config_content *content = kt_stored_content(look->config_map_reference);
    bool is_cached = content && look->config_map == kt_stored_object(look->config_map_reference);
    char *made = is_cached ? NULL : kt_arena_alloc(look->arena, KT_CONFIG_HASH_BYTES);
    look->config_hash = is_cached ? content->hash : made;
    if (is_cached || (made && kt_config_map_hash(look->arena, look->config_map, made, &look->error) == 0))
        return KT_STEP_DONE;
    kt_error_set(&look->error, KT_ENOMEM, "no memory for the config map's hash");
    return KT_STEP_FAIL;
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
    return hash(look);
}

static enum kt_step_result copy_template(struct kt_reconcile *look)
{
    const char *release = look->reconciler->settings->release_namespace;
    const cJSON *template_;
    /* Whole: the cache keeps no more of it than rules read. */
    enum kt_step_result result = kt_read(look, KT_KIND_CONFIG_MAP, release, look->plan.template_name, &template_);
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
