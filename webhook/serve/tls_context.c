/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/limits.h"
#include "base/str.h"

#define PEM_LIMIT_BYTES ((size_t)(256 * KT_KIB))

static int tls_error(struct kt_error *error, const char *what, const char *file)
{
    char reason[256] = "unknown reason";
    unsigned long number = ERR_get_error();
    if (number != 0)
        ERR_error_string_n(number, reason, sizeof(reason));
    ERR_clear_error();
    return kt_error_set(error, KT_ETLS, "%s %s: %s", what, file, reason);
}

/* HTTP/1.1 is all that kube-apiserver speaks to webhooks; a client that insists on something else is turned away. */
static int select_protocol(SSL *ssl KT_UNUSED, const unsigned char **out, unsigned char *out_length,
                           const unsigned char *offered, unsigned int offered_length, void *context KT_UNUSED)
{
    static const unsigned char wanted[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_length, wanted, sizeof(wanted) - 1, offered, offered_length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int set_policy(SSL_CTX *context, const struct kt_tls_settings *settings, struct kt_error *error)
{
    char groups[] = "X25519:P-256"; /* not const: OpenSSL's macro casts the qualifier away */
    SSL_CTX_set_min_proto_version(context, settings->tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_set1_groups_list(context, groups) != 1)
        return tls_error(error, "cannot set the TLS policy", "");
    if (!settings->client_ca_file)
        return 0;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(settings->client_ca_file);
    if (!names || SSL_CTX_load_verify_locations(context, settings->client_ca_file, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return tls_error(error, "cannot load the client CA", settings->client_ca_file);
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return 0;
}

static int64_t asn1_time_ms(const ASN1_TIME *time)
{
    struct tm parts;
    if (!time || ASN1_TIME_to_tm(time, &parts) != 1)
        return 0;
    return (int64_t)timegm(&parts) * 1000;
}

static int load_pair(SSL_CTX *context, const struct kt_tls_settings *settings, struct kt_error *error)
{
    if (SSL_CTX_use_certificate_chain_file(context, settings->certificate_file) != 1)
        return tls_error(error, "cannot load the certificate", settings->certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, settings->key_file, SSL_FILETYPE_PEM) != 1)
        return tls_error(error, "cannot load the private key", settings->key_file);
    if (SSL_CTX_check_private_key(context) != 1)
        return tls_error(error, "the private key does not belong to the certificate", settings->certificate_file);
    if (asn1_time_ms(X509_get0_notAfter(SSL_CTX_get0_certificate(context))) <= kt_clock_wall_ms(&kt_clock_system))
        return kt_error_set(error, KT_ETLS, "the certificate %s has expired", settings->certificate_file);
    return 0;
}

static int build_context(const struct kt_tls_settings *settings, SSL_CTX **ret, struct kt_error *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return tls_error(error, "cannot make a TLS context for", settings->certificate_file);
    int code = set_policy(context, settings, error);
    if (code == 0)
        code = load_pair(context, settings, error);
    if (code != 0) {
        SSL_CTX_free(context);
        return code;
    }
    *ret = context;
    return 0;
}

/* FNV-1a over the content of both files: a change in place, a rename and the kubelet's link swap all show. */
static int digest_files(const struct kt_tls_settings *settings, uint64_t *ret, struct kt_error *error)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, 4 * PEM_LIMIT_BYTES);
    const char *const paths[] = {settings->certificate_file, settings->key_file, settings->client_ca_file};
    uint64_t digest = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(paths); i++) {
        if (!paths[i])
            continue;
        struct kt_str text;
        int code = kt_files_system.read(kt_files_system.context, &arena, paths[i], PEM_LIMIT_BYTES, &text, error);
        if (code != 0)
            return code;
        for (size_t j = 0; j < text.length; j++)
            digest = (digest ^ (unsigned char)text.data[j]) * UINT64_C(1099511628211);
    }
    *ret = digest;
    return 0;
}

int kt_tls_store_reload(struct kt_tls_store *store, bool *ret_changed, struct kt_error *error)
{
    uint64_t digest;
    SSL_CTX *fresh = NULL;
    int code = digest_files(&store->settings, &digest, error);
    if (code == 0 && store->context && digest == store->file_digest) {
        *ret_changed = false;
        return 0;
    }
    atomic_fetch_add(&store->reads, 1);
    if (code == 0)
        code = build_context(&store->settings, &fresh, error);
    if (code != 0) {
        atomic_fetch_add(&store->read_errors, 1);
        return code;
    }
    atomic_store(&store->expires_at_ms, asn1_time_ms(X509_get0_notAfter(SSL_CTX_get0_certificate(fresh))));
    pthread_mutex_lock(&store->lock);
    SSL_CTX *old = store->context;
    store->context = fresh;
    pthread_mutex_unlock(&store->lock);
    SSL_CTX_free(old);
    store->file_digest = digest;
    *ret_changed = true;
    return 0;
}

int kt_tls_store_init(struct kt_tls_store *store, const struct kt_tls_settings *settings, struct kt_error *error)
{
    *store = (struct kt_tls_store){.settings = *settings};
    pthread_mutex_init(&store->lock, NULL);
    bool changed;
    return kt_tls_store_reload(store, &changed, error);
}

void kt_tls_store_release(struct kt_tls_store *store)
{
    SSL_CTX_free(store->context);
    store->context = NULL;
    pthread_mutex_destroy(&store->lock);
}

SSL_CTX *kt_tls_store_take(struct kt_tls_store *store)
{
    pthread_mutex_lock(&store->lock);
    SSL_CTX *context = store->context;
    SSL_CTX_up_ref(context);
    pthread_mutex_unlock(&store->lock);
    return context;
}

static bool certificate_has_name(X509 *certificate, struct kt_str name)
{
    char common_name[256];
    int length =
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common_name, sizeof(common_name));
    if (length > 0 && kt_str_equal((struct kt_str){common_name, (size_t)length}, name))
        return true;
    /* A certificate for *.example.org is not one for a name that was listed to be let in. */
    unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;
    return X509_check_host(certificate, name.data, name.length, flags, NULL) == 1;
}

bool kt_tls_client_allowed(const struct kt_tls_settings *settings, const SSL *ssl)
{
    if (!settings->client_ca_file || !settings->client_names)
        return true;
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    struct kt_str rest = kt_str(settings->client_names);
    while (certificate && rest.length > 0) {
        size_t comma = kt_str_find_char(rest, ',');
        size_t length = KT_MIN(comma, rest.length);
        struct kt_str name = kt_str_trim((struct kt_str){rest.data, length});
        if (name.length > 0 && certificate_has_name(certificate, name))
            return true;
        rest = length < rest.length ? (struct kt_str){rest.data + length + 1, rest.length - length - 1}
                                    : (struct kt_str){0};
    }
    return false;
}
