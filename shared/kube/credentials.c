/* SPDX-License-Identifier: Apache-2.0 */
/* What a client sends to say who it is, and how it stays fresh. */
#include <string.h>

#include "base/limits.h"
#include "kube/client_internal.h"
#include "kube/credential_cache.h"
#include "text/base64.h"

static struct kt_arena *next_arena(struct kt_client *client)
{
    struct kt_arena *arena = &client->credential_arenas[1 - client->credential_index];
    kt_arena_reset(arena);
    return arena;
}

static void take_over(struct kt_client *client, const struct kt_credentials *credentials)
{
    client->credential_index = 1 - client->credential_index;
    client->credentials = *credentials;
}

static int ask_plugin(struct kt_client *client, bool refresh, bool *ret_changed, struct kt_error *error)
{
    struct kt_arena *arena = next_arena(client);
    struct kt_exec_credential credential;
    const struct kt_credential_need need = {
        .environment = client->environment,
        .config = client->config,
        .stop_fd = client->options.stop_fd,
        .deadline_ms = client->deadline_ms,
        .known = client->credentials.number,
        .is_refused = refresh,
    };
    uint64_t number;
    int code = kt_credential_cache_get(client->credential_cache, arena, &need, &credential, &number, error);
    if (code != 0 || number == need.known)
        return code;
    struct kt_credentials fresh = {
        .token = credential.token,
        .certificate_pem = credential.client_certificate_pem,
        .key_pem = credential.client_key_pem,
        .number = number,
        .fetched = true,
    };
    take_over(client, &fresh);
    *ret_changed = true;
    return 0;
}

/* A file that cannot be read now keeps the token that is known: it may be in the middle of a rotation. */
static void read_token_file(struct kt_client *client, bool *ret_changed)
{
    const struct kt_files *files = client->environment->files;
    struct kt_arena *arena = next_arena(client);
    struct kt_credentials fresh = client->credentials;
    struct kt_str text;
    fresh.read_ms = kt_clock_monotonic_ms(client->environment->clock);
    if (files->read(files->context, arena, client->config->token_file, KT_LIMIT_CREDENTIAL_FILE_BYTES, &text, NULL) !=
        0)
        return;
    text = kt_str_trim(text);
    if (text.length == 0)
        return;
    fresh.token = kt_arena_strndup(arena, text.data, text.length);
    if (!fresh.token)
        return;
    *ret_changed = !client->credentials.token || !kt_streq(fresh.token, client->credentials.token);
    fresh.fetched = true;
    take_over(client, &fresh);
}

int kt_credentials_prepare(struct kt_client *client, bool refresh, bool *ret_changed, struct kt_error *error)
{
    const struct kt_config *config = client->config;
    const struct kt_clock *clock = client->environment->clock;
    struct kt_credentials *current = &client->credentials;
    *ret_changed = false;
    if (config->exec)
        return ask_plugin(client, refresh, ret_changed, error);
    if (!current->fetched && !current->token) {
        current->token = config->token;
        current->certificate_pem = config->client_certificate_pem;
        current->key_pem = config->client_key_pem;
    }
    bool due = !current->fetched || kt_clock_monotonic_ms(clock) - current->read_ms >= KT_TOKEN_FILE_PERIOD_MS;
    if (*config->token_file && (due || refresh))
        read_token_file(client, ret_changed);
    return 0;
}

void kt_credentials_accepted(struct kt_client *client)
{
    if (client->credentials.number != 0)
        kt_credential_cache_accept(client->credential_cache, client->credentials.number);
}

int kt_header_add(struct curl_slist **headers, const char *name, const char *value, struct kt_error *error)
{
    for (const char *byte = value; *byte; byte++)
        if (((unsigned char)*byte < 0x20 && *byte != '\t') || *byte == 0x7f)
            return kt_error_set(error, KT_EINVAL,
                                "the value of %s holds a control character, which no header can carry", name);
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf line;
    kt_strbuf_init(&line, NULL, 4 * KT_LIMIT_CREDENTIAL_FILE_BYTES);
    kt_strbuf_puts(&line, name);
    kt_strbuf_puts(&line, *value ? ": " : ";"); /* libcurl's way to say an empty value */
    kt_strbuf_puts(&line, value);
    struct curl_slist *longer = line.failed ? NULL : curl_slist_append(*headers, line.data);
    if (!longer)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for a request header");
    *headers = longer;
    return 0;
}

static int add_secret_header(struct curl_slist **headers, const char *scheme, struct kt_str value,
                             struct kt_error *error)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf text;
    kt_strbuf_init(&text, NULL, 4 * KT_LIMIT_CREDENTIAL_FILE_BYTES);
    kt_strbuf_puts(&text, scheme);
    kt_strbuf_add_str(&text, value);
    if (text.failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for a request header");
    int code = kt_header_add(headers, "Authorization", text.data, error);
    explicit_bzero(text.data, text.length);
    return code;
}

static int add_basic(const struct kt_config *config, struct curl_slist **headers, struct kt_error *error)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf pair;
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf encoded;
    kt_strbuf_init(&pair, NULL, KT_LIMIT_CREDENTIAL_FILE_BYTES);
    kt_strbuf_init(&encoded, NULL, 2 * KT_LIMIT_CREDENTIAL_FILE_BYTES);
    kt_strbuf_printf(&pair, "%s:%s", config->username, config->password);
    kt_base64_encode(&encoded, kt_strbuf_view(&pair));
    if (pair.failed || encoded.failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for a request header");
    return add_secret_header(headers, "Basic ", kt_strbuf_view(&encoded), error);
}

/* Characters of a header name (RFC 9110 token); the rest is percent-encoded, and the percent sign too. */
static bool is_token_byte(char byte)
{
    return kt_ascii_is_alnum(byte) || (byte != '\0' && strchr("!#$&'*+-.^_`|~", byte));
}

static int add_extra(const struct kt_impersonation_extra *extra, struct curl_slist **headers, struct kt_error *error)
{
    KT_CLEANUP(kt_strbuf_release) struct kt_strbuf name;
    kt_strbuf_init(&name, NULL, KT_LIMIT_HTTP_HEADER_BYTES);
    kt_strbuf_puts(&name, "Impersonate-Extra-");
    for (const char *byte = extra->key; *byte; byte++) {
        if (is_token_byte(*byte))
            kt_strbuf_putc(&name, *byte);
        else
            kt_strbuf_printf(&name, "%%%02X", (unsigned)(unsigned char)*byte);
    }
    if (name.failed)
        return kt_error_set(error, KT_ELIMIT, "a key of as-user-extra is longer than %zu bytes",
                            KT_LIMIT_HTTP_HEADER_BYTES);
    for (const char *const *value = extra->values; *value; value++) {
        int code = kt_header_add(headers, name.data, *value, error);
        if (code != 0)
            return code;
    }
    return 0;
}

static int add_impersonation(const struct kt_impersonation *as, struct curl_slist **headers, struct kt_error *error)
{
    int code = *as->user ? kt_header_add(headers, "Impersonate-User", as->user, error) : 0;
    if (code == 0 && *as->uid)
        code = kt_header_add(headers, "Impersonate-Uid", as->uid, error);
    for (const char *const *group = as->groups; code == 0 && group && *group; group++)
        code = kt_header_add(headers, "Impersonate-Group", *group, error);
    for (size_t i = 0; code == 0 && i < as->extra_count; i++)
        code = add_extra(&as->extra[i], headers, error);
    return code;
}

int kt_credentials_add_headers(struct kt_client *client, struct curl_slist **headers, struct kt_error *error)
{
    const struct kt_config *config = client->config;
    int code = 0;
    if (client->credentials.token && *client->credentials.token)
        code = add_secret_header(headers, "Bearer ", kt_str(client->credentials.token), error);
    else if (*config->username || *config->password)
        code = add_basic(config, headers, error);
    return code != 0 ? code : add_impersonation(&config->impersonation, headers, error);
}
