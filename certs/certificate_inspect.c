/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "certs/certificate_internal.h"

/* Certificates of one bundle that are read. */
#define BUNDLE_LIMIT ((size_t)1024)

static const char *name_text(struct kt_arena *arena, const X509_NAME *name)
{
    KT_CLEANUP(kt_BIO_cleanup) BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ & ~ASN1_STRFLGS_ESC_MSB) < 0)
        return "";
    char *data;
    long length = BIO_get_mem_data(bio, &data);
    const char *copy = kt_arena_strndup(arena, data, length > 0 ? (size_t)length : 0);
    return copy ? copy : "";
}

static const char *common_name(struct kt_arena *arena, const X509_NAME *name)
{
    int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (index < 0)
        return "";
    unsigned char *text = NULL;
    int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
    const char *copy = length >= 0 ? kt_arena_strndup(arena, (const char *)text, (size_t)length) : NULL;
    OPENSSL_free(text);
    return copy ? copy : "";
}

static const char *hex(struct kt_arena *arena, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char *text = kt_arena_alloc(arena, 2 * length + 1);
    for (size_t i = 0; text && i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return text ? text : "";
}

static int64_t time_ms(const ASN1_TIME *time)
{
    int days = 0, seconds = 0;
    KT_CLEANUP(kt_ASN1_TIME_cleanup) ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch, time) != 1)
        return 0;
    return ((int64_t)days * 86400 + seconds) * 1000;
}

static const char *address_text(struct kt_arena *arena, const ASN1_OCTET_STRING *bytes)
{
    char text[INET6_ADDRSTRLEN];
    int length = ASN1_STRING_length(bytes);
    int family = length == 4 ? AF_INET : length == 16 ? AF_INET6 : AF_UNSPEC;
    if (family == AF_UNSPEC || !inet_ntop(family, ASN1_STRING_get0_data(bytes), text, sizeof(text)))
        return NULL;
    return kt_arena_strdup(arena, text);
}

static int read_names(struct kt_arena *arena, const X509 *certificate, struct kt_certificate_info *info)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t count = names ? (size_t)sk_GENERAL_NAME_num(names) : 0;
    const char **dns = kt_arena_calloc(arena, count + 1, sizeof(*dns));
    const char **ip = kt_arena_calloc(arena, count + 1, sizeof(*ip));
    size_t dns_count = 0, ip_count = 0;
    for (size_t i = 0; dns && ip && i < count; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, (int)i);
        const char *text = NULL;
        if (name->type == GEN_DNS) {
            text = kt_arena_strndup(arena, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                                    (size_t)ASN1_STRING_length(name->d.dNSName));
            dns[dns_count] = text;
            dns_count += text != NULL;
        } else if (name->type == GEN_IPADD) {
            text = address_text(arena, name->d.iPAddress);
            ip[ip_count] = text;
            ip_count += text != NULL;
        }
    }
    GENERAL_NAMES_free(names);
    info->dns_names = dns;
    info->ip_addresses = ip;
    return dns && ip ? 0 : KT_ENOMEM;
}

static size_t count_certificates(struct kt_str pem)
{
    KT_CLEANUP(kt_BIO_cleanup) BIO *bio = kt_certificate_bio(pem);
    size_t count = 0;
    while (bio && count < BUNDLE_LIMIT) {
        KT_CLEANUP(kt_X509_cleanup) X509 *certificate = kt_certificate_read(bio);
        if (!certificate)
            break;
        count++;
    }
    ERR_clear_error();
    return count;
}

int kt_certificate_inspect(struct kt_arena *arena, struct kt_str certificate_pem, struct kt_certificate_info *ret,
                           struct kt_error *error)
{
    KT_CLEANUP(kt_X509_cleanup) X509 *certificate = NULL;
    int code = kt_certificate_read_first(certificate_pem, &certificate, error);
    if (code != 0)
        return code;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_length = 0;
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    if (X509_digest(certificate, EVP_sha256(), digest, &digest_length) != 1)
        return kt_certificate_fail(error, KT_EINTERNAL, "OpenSSL cannot compute a fingerprint");
    struct kt_certificate_info info = {
        .subject = name_text(arena, X509_get_subject_name(certificate)),
        .issuer = name_text(arena, X509_get_issuer_name(certificate)),
        .common_name = common_name(arena, X509_get_subject_name(certificate)),
        .serial_hex = hex(arena, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)),
        .fingerprint_sha256 = hex(arena, digest, digest_length),
        .not_before_ms = time_ms(X509_get0_notBefore(certificate)),
        .not_after_ms = time_ms(X509_get0_notAfter(certificate)),
        .is_ca = X509_check_ca(certificate) > 0,
        .chain_length = count_certificates(certificate_pem),
    };
    code = read_names(arena, certificate, &info);
    ERR_clear_error();
    if (code != 0 || arena->failed)
        return kt_error_set(error, KT_ENOMEM, "not enough memory to look at a certificate");
    *ret = info;
    return 0;
}

int kt_certificate_check_key(const struct kt_certificate_pair *pair, struct kt_error *error)
{
    KT_CLEANUP(kt_X509_cleanup) X509 *certificate = NULL;
    KT_CLEANUP(kt_EVP_PKEY_cleanup) EVP_PKEY *key = NULL;
    int code = kt_certificate_read_first(pair->certificate_pem, &certificate, error);
    if (code == 0)
        code = kt_certificate_read_key(pair->key_pem, &key, error);
    if (code != 0)
        return code;
    if (X509_check_private_key(certificate, key) == 1)
        return 0;
    ERR_clear_error();
    return kt_error_set(error, KT_EINVAL, "the private key does not belong to the certificate");
}

/* --- verifying ------------------------------------------------------------------------------------------------------
 */

static int fill_store(X509_STORE *store, struct kt_str ca_bundle_pem, struct kt_error *error)
{
    KT_CLEANUP(kt_BIO_cleanup) BIO *bio = kt_certificate_bio(ca_bundle_pem);
    size_t count = 0;
    while (bio && count < BUNDLE_LIMIT) {
        KT_CLEANUP(kt_X509_cleanup) X509 *certificate = kt_certificate_read(bio);
        if (!certificate)
            break;
        if (X509_STORE_add_cert(store, certificate) != 1)
            return kt_certificate_fail(error, KT_ENOMEM, "cannot add a CA");
        count++;
    }
    if (count == 0)
        return kt_certificate_fail(error, KT_EPARSE, "the CA bundle holds no certificate that can be read (PEM)");
    ERR_clear_error();
    return 0;
}

/* The certificates after the first, which lead to the CA. */
static STACK_OF(X509) * read_chain(struct kt_str chain_pem)
{
    KT_CLEANUP(kt_BIO_cleanup) BIO *bio = kt_certificate_bio(chain_pem);
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509_free(bio ? kt_certificate_read(bio) : NULL);
    for (size_t count = 0; bio && chain && count < BUNDLE_LIMIT; count++) {
        X509 *certificate = kt_certificate_read(bio);
        if (!certificate)
            break;
        if (sk_X509_push(chain, certificate) <= 0) {
            X509_free(certificate);
            break;
        }
    }
    ERR_clear_error();
    return chain;
}

static int explain_verdict(int verdict, const X509 *at, const char *host, struct kt_error *error)
{
    char subject[200] = "";
    if (at)
        X509_NAME_oneline(X509_get_subject_name(at), subject, sizeof(subject));
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return kt_error_set(error, KT_ETLS, "the certificate %s has expired", subject);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return kt_error_set(error, KT_ETLS, "the certificate %s is not valid yet", subject);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return kt_error_set(error, KT_ETLS, "the certificate %s is made out to other names than %s", subject, host);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return kt_error_set(error, KT_ETLS, "the certificate %s is signed by an unknown authority", subject);
    default:
        return kt_error_set(error, KT_ETLS, "the certificate %s cannot be trusted: %s", subject,
                            X509_verify_cert_error_string(verdict));
    }
}

static bool set_parameters(X509_STORE_CTX *context, const char *host, int64_t now_ms)
{
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(parameters, (time_t)(now_ms / 1000));
    if (X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER) != 1)
        return false;
    if (!host)
        return true;
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1 ||
           X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1;
}

int kt_certificate_verify(struct kt_str chain_pem, struct kt_str ca_bundle_pem, const char *host, int64_t now_ms,
                          struct kt_error *error)
{
    KT_CLEANUP(kt_X509_cleanup) X509 *leaf = NULL;
    KT_CLEANUP(kt_X509_STORE_cleanup) X509_STORE *store = X509_STORE_new();
    KT_CLEANUP(kt_X509_STORE_CTX_cleanup) X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (!store || !context)
        return kt_error_set(error, KT_ENOMEM, "not enough memory to verify a certificate");
    int code = kt_certificate_read_first(chain_pem, &leaf, error);
    if (code == 0)
        code = fill_store(store, ca_bundle_pem, error);
    if (code != 0)
        return code;
    STACK_OF(X509) *chain = read_chain(chain_pem);
    if (X509_STORE_CTX_init(context, store, leaf, chain) != 1 || !set_parameters(context, host, now_ms))
        code = kt_certificate_fail(error, KT_EINTERNAL, "OpenSSL cannot verify a certificate");
    else if (X509_verify_cert(context) != 1)
        code =
            explain_verdict(X509_STORE_CTX_get_error(context), X509_STORE_CTX_get_current_cert(context), host, error);
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
    return code;
}
