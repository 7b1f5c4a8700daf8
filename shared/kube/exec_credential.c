/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/exec_credential.h"

#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "kube/process.h"
#include "text/base64.h"
#include "text/time.h"

#define VERSION_1 "client.authentication.k8s.io/v1"
#define VERSION_1_BETA "client.authentication.k8s.io/v1beta1"

/* A request of ours for one credential. */
struct asking {
    struct kt_arena *arena;
    const struct kt_environment *environment;
    const struct kt_config *config;
    const struct kt_exec_config *exec;
    struct kt_error *error;
};

static int no_memory(const struct asking *asking)
{
    return kt_error_set(asking->error, KT_ENOMEM, "not enough memory to run the credential plugin %s",
                        asking->exec->command);
}

/* The hint comes from a file that somebody else may have written: no escape sequences. */
static const char *clean_hint(const struct asking *asking)
{
    if (!*asking->exec->install_hint)
        return "";
    char *hint = kt_arena_printf(asking->arena, ". %s", asking->exec->install_hint);
    for (char *byte = hint; byte && *byte; byte++)
        if (((unsigned char)*byte < 0x20 && *byte != '\n' && *byte != '\t') || *byte == 0x7f)
            *byte = ' ';
    return hint ? hint : "";
}

static int not_installed(const struct asking *asking)
{
    return kt_error_set(asking->error, KT_EAUTH,
                        "the credential plugin %s of %s is not installed: there is no such program%s%s",
                        asking->exec->command, asking->config->user_source,
                        strchr(asking->exec->command, '/') ? "" : " in the folders of PATH", clean_hint(asking));
}

/* Searches PATH as execvp does. *ret NULL: not found. */
static int find_program(const struct asking *asking, const char **ret)
{
    const char *command = asking->exec->command;
    if (strchr(command, '/')) {
        *ret = access(command, F_OK) == 0 ? command : NULL;
        if (*ret && access(command, X_OK) != 0)
            return kt_error_set(asking->error, KT_EAUTH, "the credential plugin %s of %s may not be executed", command,
                                asking->config->user_source);
        return 0;
    }
    const char *path = kt_environment_get(asking->environment, "PATH");
    *ret = NULL;
    while (path && *path) {
        size_t length = strcspn(path, ":");
        if (length > 0) { /* an empty entry would be the working directory: never taken */
            const char *candidate = kt_arena_printf(asking->arena, "%.*s/%s", (int)length, path, command);
            if (!candidate)
                return no_memory(asking);
            if (access(candidate, X_OK) == 0) {
                *ret = candidate;
                return 0;
            }
        }
        path += length + (path[length] == ':');
    }
    return 0;
}

static void set_if_given(struct kt_arena *arena, cJSON *object, const char *key, const char *text)
{
    if (*text)
        kt_json_set_string(arena, object, key, text);
}

static void add_cluster_info(const struct asking *asking, cJSON *spec)
{
    struct kt_arena *arena = asking->arena;
    const struct kt_config *config = asking->config;
    cJSON *cluster = kt_json_ensure_object(arena, spec, "cluster");
    kt_json_set_string(arena, cluster, "server", config->server);
    set_if_given(arena, cluster, "tls-server-name", config->tls_server_name);
    if (config->insecure_skip_tls_verify)
        kt_json_set_bool(arena, cluster, "insecure-skip-tls-verify", true);
    if (config->ca_pem.length > 0) {
        struct kt_strbuf data;
        kt_strbuf_init(&data, arena, 2 * KT_LIMIT_CREDENTIAL_FILE_BYTES);
        kt_base64_encode(&data, config->ca_pem);
        kt_json_set_string(arena, cluster, "certificate-authority-data", data.data);
    }
    set_if_given(arena, cluster, "proxy-url", config->proxy_url);
    if (config->disable_compression)
        kt_json_set_bool(arena, cluster, "disable-compression", true);
    if (config->exec_cluster_config)
        kt_json_set(arena, cluster, "config", kt_json_clone(arena, config->exec_cluster_config));
}

/* KUBERNETES_EXEC_INFO=... */
static const char *exec_info(const struct asking *asking, bool interactive)
{
    struct kt_arena *arena = asking->arena;
    cJSON *info = kt_json_new_object(arena);
    kt_json_set_string(arena, info, "kind", "ExecCredential");
    kt_json_set_string(arena, info, "apiVersion", asking->exec->api_version);
    cJSON *spec = kt_json_ensure_object(arena, info, "spec");
    kt_json_set_bool(arena, spec, "interactive", interactive);
    if (asking->exec->provide_cluster_info)
        add_cluster_info(asking, spec);
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, 4 * KT_LIMIT_CREDENTIAL_FILE_BYTES);
    kt_strbuf_puts(&text, "KUBERNETES_EXEC_INFO=");
    kt_json_write(&text, info, KT_JSON_COMPACT);
    return text.failed ? NULL : text.data;
}

static bool names_variable(const char *entry, const char *name)
{
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool is_overridden(const struct kt_exec_config *exec, const char *entry)
{
    if (names_variable(entry, "KUBERNETES_EXEC_INFO"))
        return true;
    for (size_t i = 0; i < exec->variable_count; i++)
        if (names_variable(entry, exec->variables[i].name))
            return true;
    return false;
}

/* Ours, with the plugin's own on top; of two that a plugin sets the last one counts. */
static const char *const *child_variables(const struct asking *asking, bool interactive)
{
    const struct kt_exec_config *exec = asking->exec;
    size_t inherited = 0, count = 0;
    while (asking->environment->variables && asking->environment->variables[inherited])
        inherited++;
    const char **all = kt_arena_calloc(asking->arena, inherited + exec->variable_count + 2, sizeof(*all));
    if (!all)
        return NULL;
    for (size_t i = 0; i < inherited; i++)
        if (!is_overridden(exec, asking->environment->variables[i]))
            all[count++] = asking->environment->variables[i];
    for (size_t i = 0; i < exec->variable_count; i++) {
        bool again = false;
        for (size_t k = i + 1; k < exec->variable_count && !again; k++)
            again = kt_streq(exec->variables[i].name, exec->variables[k].name);
        if (!again)
            all[count++] = kt_arena_printf(asking->arena, "%s=%s", exec->variables[i].name, exec->variables[i].value);
    }
    all[count++] = exec_info(asking, interactive);
    return asking->arena->failed || !all[count - 1] ? NULL : all;
}

static const char *const *child_arguments(const struct asking *asking)
{
    size_t count = 0;
    while (asking->exec->arguments[count])
        count++;
    const char **all = kt_arena_calloc(asking->arena, count + 2, sizeof(*all));
    if (!all)
        return NULL;
    all[0] = asking->exec->command;
    if (count > 0)
        memcpy(all + 1, asking->exec->arguments, count * sizeof(*all));
    return all;
}

static int bad_answer(const struct asking *asking, const char *what)
{
    return kt_error_set(asking->error, KT_EAUTH, "the credential plugin %s of %s %s", asking->exec->command,
                        asking->config->user_source, what);
}

static int read_status(const struct asking *asking, const cJSON *status, struct kt_exec_credential *ret)
{
    struct kt_exec_credential credential = {
        .token = kt_json_string_or(kt_json_get(status, "token"), ""),
        .client_certificate_pem = kt_str(kt_json_string_or(kt_json_get(status, "clientCertificateData"), "")),
        .client_key_pem = kt_str(kt_json_string_or(kt_json_get(status, "clientKeyData"), "")),
        .expires_ms = INT64_MAX,
    };
    if (!kt_json_is_object(status))
        return bad_answer(asking, "gave an answer without a status");
    bool has_certificate = credential.client_certificate_pem.length > 0;
    bool has_key = credential.client_key_pem.length > 0;
    if (has_certificate != has_key)
        return bad_answer(asking, "gave only one of clientCertificateData and clientKeyData");
    if (!*credential.token && !has_key)
        return bad_answer(asking, "gave neither a token nor a client certificate");
    const cJSON *expiry = kt_json_get(status, "expirationTimestamp");
    if (expiry && !kt_json_is_null(expiry)) {
        const char *text = kt_json_string(expiry);
        if (!text || kt_time_parse_rfc3339(kt_str(text), &credential.expires_ms, NULL) != 0)
            return bad_answer(asking, "gave an expirationTimestamp that is no time");
    }
    *ret = credential;
    return 0;
}

static int read_answer(const struct asking *asking, struct kt_str output, struct kt_exec_credential *ret)
{
    struct kt_json_parsed parsed;
    struct kt_error inner = {0};
    /* Its text may hold secrets: the reason goes into the message, the text does not. */
    if (kt_json_parse(asking->arena, kt_str_trim(output), KT_JSON_DUPLICATES_LAST_WINS, &parsed, &inner) != 0)
        return bad_answer(asking, output.length == 0 ? "printed nothing" : "printed something that is not JSON");
    const char *kind = kt_json_string_or(kt_json_get(parsed.root, "kind"), "");
    const char *version = kt_json_string_or(kt_json_get(parsed.root, "apiVersion"), "");
    if (!kt_streq(kind, "ExecCredential"))
        return bad_answer(asking, "printed something that is no ExecCredential");
    if (!kt_streq(version, asking->exec->api_version))
        return kt_error_set(asking->error, KT_EAUTH,
                            "the credential plugin %s of %s speaks %.100s, but the kubeconfig says apiVersion %s",
                            asking->exec->command, asking->config->user_source, version, asking->exec->api_version);
    return read_status(asking, kt_json_get(parsed.root, "status"), ret);
}

static int decide_interactive(const struct asking *asking, bool *ret)
{
    const char *mode = asking->exec->interactive_mode;
    *ret = asking->environment->stdin_is_terminal && !kt_streq(mode, "Never");
    if (kt_streq(mode, "Always") && !*ret)
        return bad_answer(asking, "must ask on the terminal, but standard input is none");
    return 0;
}

static int run_plugin(const struct asking *asking, const struct kt_process *process, struct kt_str *ret)
{
    struct kt_process_result result;
    struct kt_error inner = {0};
    int code = kt_process_run(asking->arena, asking->environment->clock, process, &result, &inner);
    if (code == KT_ENOTFOUND)
        return not_installed(asking);
    if (code != 0) {
        enum kt_error_code kept =
            code == KT_EINTERRUPTED || code == KT_ETIMEOUT || code == KT_ELIMIT || code == KT_ENOMEM ? inner.code
                                                                                                     : KT_EAUTH;
        return kt_error_set(asking->error, kept, "the credential plugin of %s: %s", asking->config->user_source,
                            inner.message);
    }
    if (result.signal != 0)
        return kt_error_set(asking->error, KT_EAUTH, "the credential plugin %s of %s was ended by signal %d",
                            asking->exec->command, asking->config->user_source, result.signal);
    if (result.exit_status != 0)
        return kt_error_set(asking->error, KT_EAUTH,
                            "the credential plugin %s of %s failed with exit status %d; its own messages stand above, "
                            "perhaps you must log in again",
                            asking->exec->command, asking->config->user_source, result.exit_status);
    *ret = result.output;
    return 0;
}

int kt_exec_credential_get(struct kt_arena *arena, const struct kt_environment *environment,
                           const struct kt_config *config, int64_t timeout_ms, int stop_fd,
                           struct kt_exec_credential *ret, struct kt_error *error)
{
    struct asking asking = {arena, environment, config, config->exec, error};
    if (!kt_streq(config->exec->api_version, VERSION_1) && !kt_streq(config->exec->api_version, VERSION_1_BETA))
        return kt_error_set(error, KT_EAUTH,
                            "the credential plugin of %s has apiVersion \"%.100s\"; " VERSION_1 " and " VERSION_1_BETA
                            " are supported",
                            config->user_source, config->exec->api_version);
    bool interactive = false;
    struct kt_process process = {
        .output_limit_bytes = KT_LIMIT_EXEC_OUTPUT_BYTES, .timeout_ms = timeout_ms, .stop_fd = stop_fd};
    int code = decide_interactive(&asking, &interactive);
    if (code == 0)
        code = find_program(&asking, &process.path);
    if (code != 0)
        return code;
    if (!process.path)
        return not_installed(&asking);
    process.inherit_stdin = interactive;
    process.arguments = child_arguments(&asking);
    process.variables = child_variables(&asking, interactive);
    if (!process.arguments || !process.variables)
        return no_memory(&asking);
    struct kt_str output;
    code = run_plugin(&asking, &process, &output);
    return code != 0 ? code : read_answer(&asking, output, ret);
}
