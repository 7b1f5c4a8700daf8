/* SPDX-License-Identifier: Apache-2.0 */
/* The flags that say how the server is set up, shared by the commands that judge. */
#include "plugin/command.h"

const char *const kt_cloud_choices[] = {"azure", "aws", "arc", NULL};

int kt_judge_trainer(const struct kt_judge_flags *flags, struct kt_settings *settings, struct kt_error *error)
{
    if (kt_settings_set_kaito_version(settings, flags->kaito_version, error) != 0)
        return kt_error_wrap(error, "--kaito-version");
    if (kt_settings_set_trainer_image(settings, flags->trainer_image, error) != 0)
        return kt_error_wrap(error, "--trainer-image");
    return 0;
}

int kt_judge_settings(const struct kt_judge_flags *flags, struct kt_settings *ret, struct kt_error *error)
{
    struct kt_settings settings;
    kt_settings_init(&settings);
    if (flags->cloud_provider)
        kt_settings_set_cloud(&settings, flags->cloud_provider);
    if (flags->release_namespace)
        settings.release_namespace = flags->release_namespace;
    if (flags->allowed_node_classes && flags->allowed_node_classes[0])
        settings.allowed_node_classes = flags->allowed_node_classes;
    /* In the order of a server's start: a provisioner decides a gate. */
    int code = kt_settings_set_provisioner(&settings, flags->node_provisioner, error);
    if (code != 0)
        return kt_error_wrap(error, "--node-provisioner");
    for (size_t i = 0; i < flags->feature_gates.count; i++) {
        code = kt_settings_parse_gates(&settings, kt_str(flags->feature_gates.items[i]), error);
        if (code != 0)
            return kt_error_wrap(error, "--feature-gates");
    }
    code = kt_judge_trainer(flags, &settings, error);
    if (code != 0)
        return code;
    *ret = settings;
    return 0;
}
