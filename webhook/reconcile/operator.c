/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/operator.h"

#include "base/limits.h"
#include "webhook/log.h"
#include "webhook/reconcile/coexistence.h"

/* Two operators would undo each other's work. */
static int refuse_company(const struct kt_operator_options *options, struct kt_error *error)
{
    const struct kt_client_options client_options = {
        .user_agent = "kaito-webhook", .http1 = true, .stop_fd = options->stop_fd};
    struct kt_client *client = NULL;
    const char *other = NULL;
    const char *skipped = NULL;
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, KT_LIMIT_RECONCILE_ARENA_BYTES);
    int code = kt_client_new(options->kube, options->environment, &client_options, &client, error);
    if (code == 0)
        code = kt_coexistence_check(client, &arena, options->config->release_namespace, &other, &skipped, error);
    kt_client_free(client);
    if (code != 0)
        return kt_error_wrap(error, "looking for another operator of Workspaces");
    if (skipped)
        kt_log(KT_LOG_WARNING, "not everything could be searched for another operator of Workspaces", "reason", skipped,
               NULL);
    if (other && options->config->take_over)
        kt_log(KT_LOG_WARNING, "taking over from another operator of Workspaces", "found", other, NULL);
    else if (other)
        return kt_error_set(error, KT_ECONFLICT,
                            "another operator of Workspaces is in this cluster: %s. Remove it, or serve webhooks only "
                            "(--reconcile=false), or take over when it has been stopped (--take-over)",
                            other);
    return 0;
}

static int start_controller(struct kt_operator *operator_, const struct kt_operator_options *options,
                            struct kt_error *error)
{
    const struct kt_webhook_config *config = options->config;
    const struct kt_controller_options controller = {
        .settings = options->settings,
        .config = options->kube,
        .environment = options->environment,
        .cache = options->cache,
        .workers = config->reconcile_workers,
        .reconcile = {.claim_attempts = config->claim_attempts,
                      .claim_retry_delay_ms = config->claim_retry_delay_ms,
                      .claim_launch_timeout_ms = config->claim_launch_timeout_ms,
                      .deletion_timeout_ms = config->deletion_timeout_ms},
    };
    return kt_controller_start(&controller, &operator_->controller, error);
}

static void on_started(void *context)
{
    kt_log(KT_LOG_INFO, "reconciling", NULL);
    kt_controller_lead(context);
}

/* The webhooks go on, and the watches; the replica waits for the Lease like any other. */
static void on_lost(void *context)
{
    kt_controller_yield(context);
}

static int start_leader(struct kt_operator *operator_, const struct kt_operator_options *options,
                        struct kt_error *error)
{
    const struct kt_leader_callbacks callbacks = {on_started, on_lost, operator_->controller};
    const struct kt_leader_options leader = {
        .config = options->kube,
        .environment = options->environment,
        .namespace_ = options->config->release_namespace,
        .name = "kaito-webhook",
        .identity = options->config->leader_identity,
    };
    if (!options->config->leader_elect) {
        on_started(operator_->controller);
        return 0;
    }
    int code = kt_leader_start(&leader, &callbacks, &operator_->leader, error);
    if (code == 0)
        kt_controller_set_leader(operator_->controller, operator_->leader);
    return code;
}

/* Machines (Karpenter v1alpha5), and the pools of upstream's other provisioner, are not made by this version. */
static int check_provisioner(const struct kt_operator_options *options, struct kt_error *error)
{
    const char *name = options->config->node_provisioner;
    if (!kt_streq(name, "machine") && !kt_settings_uses_karpenter(options->settings))
        return 0;
    return kt_error_set(error, KT_EINVAL,
                        "--node-provisioner=%s: the reconciler makes NodeClaims (nodeclaim) or uses nodes of your own "
                        "(byo); with this one serve webhooks only (--reconcile=false)",
                        name);
}

int kt_operator_start(struct kt_operator *operator_, const struct kt_operator_options *options, struct kt_error *error)
{
    int code = check_provisioner(options, error);
    if (code == 0)
        code = refuse_company(options, error);
    if (code == 0)
        code = start_controller(operator_, options, error);
    return code == 0 ? start_leader(operator_, options, error) : code;
}

void kt_operator_stop(struct kt_operator *operator_)
{
    /* The callbacks need the controller, and the Lease is given back when nobody here reconciles any more. */
    if (operator_->controller)
        kt_controller_end(operator_->controller);
    kt_leader_stop(operator_->leader);
    kt_controller_stop(operator_->controller);
    *operator_ = (struct kt_operator){0};
}
