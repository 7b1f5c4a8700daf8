/* SPDX-License-Identifier: Apache-2.0 */
/* The server's flags and environment: what they set, which of them wins, and what is refused. */
#include "tests/lib/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "webhook/config.h"

static const char *const *variables; /* "NAME", "value", ..., NULL */

static char *fake_getenv(const char *name)
{
    for (size_t i = 0; variables && variables[i]; i += 2)
        if (kt_streq(variables[i], name))
            return (char *)(uintptr_t)variables[i + 1];
    return NULL;
}

static int parse(struct kt_webhook_config *config, const char *const *flags, struct kt_error *error)
{
    char *argv[16] = {(char *)(uintptr_t) "kaito-webhook"};
    int argc = 1;
    for (; flags && *flags; flags++)
        argv[argc++] = (char *)(uintptr_t)*flags;
    return kt_webhook_config_parse(config, argc, argv, fake_getenv, error);
}

static struct kt_webhook_config parsed(const char *const *flags)
{
    struct kt_webhook_config config;
    struct kt_error error;
    if (parse(&config, flags, &error) != 0)
        fail_msg("%s", error.message);
    return config;
}

static int reset(void **state)
{
    (void)state;
    variables = NULL;
    return 0;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void nothing_given_is_what_a_cluster_needs(void **state)
{
    (void)state;
    struct kt_webhook_config config = parsed(NULL);
    struct kt_settings settings;
    assert_int_equal(config.webhook_port, 9443);
    assert_int_equal(config.health_port, 8081);
    assert_int_equal(config.metrics_port, 8080);
    assert_true(config.cluster_view);
    assert_false(config.help);
    assert_int_equal(kt_webhook_config_settings(&config, &settings, NULL), 0);
    assert_int_equal(settings.cloud, KT_CLOUD_AZURE);
    assert_false(kt_settings_bring_your_own(&settings));
}

static void a_flag_wins_over_its_variable(void **state)
{
    (void)state;
    variables = LIST("KAITO_WORKERS", "3", "KAITO_SHUTDOWN_DELAY", "1m30s", "CLOUD_PROVIDER", "aws");
    struct kt_webhook_config config = parsed(LIST("--workers=5", "--webhook-port", "0", "--cluster-view=false"));
    assert_int_equal(config.workers, 5);
    assert_int_equal(config.webhook_port, 0);
    assert_int_equal(config.shutdown_delay_ms, 90000);
    assert_string_equal(config.cloud_provider, "aws");
    assert_false(config.cluster_view);
    assert_true(parsed(LIST("--cluster-view")).cluster_view);
    assert_true(parsed(LIST("--help")).help);
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *flag, *wanted;
    } rows[] = {
        {"--client-names=kube-apiserver", "--client-ca-file"},
        {"--workers=0", "a number from 1 to 64"},
        {"--workers=1e1", "a number from 1 to 64"},
        {"--workers=99999999999999999999", "a number from 1 to 64"},
        {"--connection-limit=", "a number from 8"},
        {"--shutdown-delay=-5s", "a duration such as 5s"},
        {"--resync-period=1ms", "at least 1s"},
        {"--webhok-port=1", "did you mean --webhook-port?"},
        {"-workers=1", "unexpected argument"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_webhook_config config;
        struct kt_error error = {0};
        assert_int_equal(parse(&config, LIST(rows[i].flag), &error), KT_EINVAL);
        if (!strstr(error.message, rows[i].wanted))
            fail_msg("%s: %s", rows[i].flag, error.message);
    }
    variables = LIST("KAITO_WORKERS", "many");
    struct kt_webhook_config config;
    struct kt_error error = {0};
    assert_int_equal(parse(&config, NULL, &error), KT_EINVAL);
    assert_non_null(strstr(error.message, "environment variable for --workers"));
}

static void settings_that_the_rules_cannot_use_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *flag, *wanted;
    } rows[] = {
        {"--cloud-provider=gcp", "azure, aws or arc"},
        {"--feature-gates=vllm=true", "vLLM"},
        {"--feature-gates=vLLM", "--feature-gates"},
        {"--node-provisioner=carpenter", "karpenter"},
        {"--trainer-image=kaito-base:0.5.0", "--trainer-image"},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_webhook_config config = parsed(LIST(rows[i].flag));
        struct kt_settings settings;
        struct kt_error error = {0};
        assert_int_equal(kt_webhook_config_settings(&config, &settings, &error), KT_EINVAL);
        if (!strstr(error.message, rows[i].wanted))
            fail_msg("%s: %s", rows[i].flag, error.message);
    }
}

static void the_trainers_image_may_be_set(void **state)
{
    (void)state;
    struct kt_settings settings;
    struct kt_webhook_config config = parsed(NULL);
    assert_int_equal(kt_webhook_config_settings(&config, &settings, NULL), 0);
    assert_null(settings.trainer_image);
    variables = LIST("KAITO_TRAINER_IMAGE", "0.5.0");
    config = parsed(NULL);
    assert_int_equal(kt_webhook_config_settings(&config, &settings, NULL), 0);
    assert_string_equal(settings.trainer_image, "0.5.0");
    config = parsed(LIST("--trainer-image=0.2.8"));
    assert_int_equal(kt_webhook_config_settings(&config, &settings, NULL), 0);
    assert_string_equal(settings.trainer_image, "0.2.8");
}

/* Upstream: byo sets the gate disableNodeAutoProvisioning, every other provisioner clears it. */
static void the_provisioner_says_whose_the_nodes_are(void **state)
{
    (void)state;
    static const struct {
        const char *provisioner, *gates;
        bool own;
    } rows[] = {
        {"--node-provisioner=byo", "--feature-gates=vLLM=true", true},
        {"--node-provisioner=byo", "--feature-gates=disableNodeAutoProvisioning=false", true},
        {"--node-provisioner=nodeclaim", "--feature-gates=disableNodeAutoProvisioning=true", false},
        {"--node-provisioner=karpenter", "--feature-gates=disableNodeAutoProvisioning=true", false},
        {"--node-provisioner=", "--feature-gates=disableNodeAutoProvisioning=true", true},
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_webhook_config config = parsed(LIST(rows[i].provisioner, rows[i].gates));
        struct kt_settings settings;
        assert_int_equal(kt_webhook_config_settings(&config, &settings, NULL), 0);
        assert_int_equal(kt_settings_bring_your_own(&settings), rows[i].own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_given_is_what_a_cluster_needs, reset),
        cmocka_unit_test_setup(a_flag_wins_over_its_variable, reset),
        cmocka_unit_test_setup(what_is_wrong_is_told, reset),
        cmocka_unit_test_setup(settings_that_the_rules_cannot_use_are_refused, reset),
        cmocka_unit_test_setup(the_provisioner_says_whose_the_nodes_are, reset),
        cmocka_unit_test_setup(the_trainers_image_may_be_set, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
