/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a kubeconfig: never a crash or a leak, and what is accepted is complete and safe to use. */
#include <stdlib.h>

#include "kube/config.h"
#include "kube/server_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Half of all paths hold a certificate and a key, the others do not exist. */
static int read_half(void *context KT_UNUSED, struct kt_arena *arena, const char *path, size_t limit_bytes KT_UNUSED,
                     struct kt_str *ret, struct kt_error *error)
{
    if (strlen(path) % 2 == 0)
        return kt_error_set(error, KT_ENOTFOUND, "cannot read %s: No such file or directory", path);
    *ret = kt_arena_str(arena, KT_STR("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"));
    return arena->failed ? kt_error_set(error, KT_ENOMEM, "not enough memory") : 0;
}

static const char *const variables[] = {"HTTPS_PROXY=http://proxy:1", "HOME=/home/a", NULL};
static const struct kt_files files = {read_half, NULL};
static const struct kt_environment environment = {.variables = variables, .files = &files, .clock = &kt_clock_system};

static void check_config(struct kt_arena *arena, const struct kt_config *config)
{
    struct kt_server_address address;
    bool tls = strncmp(config->server, "https://", 8) == 0;
    if (kt_server_address_parse(arena, config->server, &address, NULL) != 0 && !arena->failed)
        abort();
    if (!tls && (*config->token || *config->password || config->client_key_pem.length > 0 || config->exec))
        abort();
    if (config->insecure_skip_tls_verify && config->ca_pem.length > 0)
        abort();
    if ((config->client_certificate_pem.length > 0) != (config->client_key_pem.length > 0))
        abort();
    if (!*config->namespace_ || !config->source || !config->user_source)
        abort();
}

static void use_context(const struct kt_kubeconfig *kubeconfig, const char *context)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_config_overrides overrides = {.context = context};
    struct kt_config config;
    struct kt_error error = {0};
    kt_arena_init(&arena, (size_t)(8 * KT_MIB));
    int code = kt_config_from_kubeconfig(&arena, &environment, kubeconfig, &overrides, &config, &error);
    if (code == 0)
        check_config(&arena, &config);
    else if (code != (int)error.code || !*error.message)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_kubeconfig kubeconfig;
    struct kt_error error = {0};
    kt_arena_init(&arena, (size_t)(32 * KT_MIB));
    int code = kt_kubeconfig_parse(&arena, (struct kt_str){(const char *)data, size}, "/k/config", &kubeconfig, &error);
    if (code != 0) {
        if (code != (int)error.code || !*error.message)
            abort();
        return 0;
    }
    use_context(&kubeconfig, NULL);
    for (size_t i = 0; i < kubeconfig.context_count && i < 8; i++)
        use_context(&kubeconfig, kubeconfig.contexts[i].name);
    return 0;
}
