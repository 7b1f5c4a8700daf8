/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/strbuf.h"
#include "certs/certificate_internal.h"
#include "text/names.h"

#define SERIAL_BYTES 16
#define DAY_MS ((int64_t)24 * 3600 * 1000)
/* A DNS name has at most 253 characters; 64 of them with their prefixes. */
#define NAMES_BYTES ((size_t)(32 * KT_KIB))

static int to_pem(struct kt_arena *arena, BIO *bio, struct kt_str *ret, struct kt_error *error)
{
    char *data;
    long length = BIO_get_mem_data(bio, &data);
    char *copy = length > 0 ? kt_arena_strndup(arena, data, (size_t)length) : NULL;
    if (!copy)
        return kt_error_set(error, KT_ENOMEM, "not enough memory for a certificate");
    *ret = (struct kt_str){copy, (size_t)length};
    return 0;
}

static int write_pair(struct kt_arena *arena, X509 *certificate, EVP_PKEY *key, struct kt_certificate_pair *ret,
                      struct kt_error *error)
{
    KT_CLEANUP(kt_BIO_cleanup) BIO *text = BIO_new(BIO_s_mem());
    KT_CLEANUP(kt_BIO_cleanup) BIO *key_text = BIO_new(BIO_s_secmem());
    if (!text || !key_text || PEM_write_bio_X509(text, certificate) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) != 1)
        return kt_certificate_fail(error, KT_EINTERNAL, "cannot write a certificate");
    struct kt_certificate_pair pair;
    int code = to_pem(arena, text, &pair.certificate_pem, error);
    if (code == 0)
        code = to_pem(arena, key_text, &pair.key_pem, error);
    if (code == 0)
        *ret = pair;
    return code;
}

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] &= 0x7f; /* positive */
    bytes[0] |= 0x40; /* and never shorter */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return good;
}

static bool set_time(ASN1_TIME *time, int64_t ms)
{
    return ASN1_TIME_set(time, (time_t)(ms / 1000)) != NULL;
}

static bool add_name_part(X509_NAME *name, const char *field, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    KT_CLEANUP(kt_X509_EXTENSION_cleanup) X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    return extension && X509_add_ext(certificate, extension, -1) == 1;
}

static int check_days(int64_t days, struct kt_error *error)
{
    if (days < 1 || days > 36500)
        return kt_error_set(error, KT_EINVAL, "a certificate can live from 1 to 36500 days, not %lld", (long long)days);
    return 0;
}

static int check_common_name(const char *name, struct kt_error *error)
{
    if (!*name || strlen(name) > 64)
        return kt_error_set(error, KT_EINVAL, "the common name of a certificate has from 1 to 64 bytes");
    return 0;
}

int kt_certificate_make_ca(struct kt_arena *arena, const char *common_name, int64_t days, int64_t now_ms,
                           struct kt_certificate_pair *ret, struct kt_error *error)
{
    int code = check_days(days, error);
    if (code == 0)
        code = check_common_name(common_name, error);
    if (code != 0)
        return code;
    KT_CLEANUP(kt_EVP_PKEY_cleanup) EVP_PKEY *key = EVP_EC_gen("P-256");
    KT_CLEANUP(kt_X509_cleanup) X509 *certificate = X509_new();
    bool good = key && certificate && X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
                set_time(X509_getm_notBefore(certificate), now_ms - KT_CERTIFICATE_EARLY_S * 1000) &&
                set_time(X509_getm_notAfter(certificate), now_ms + days * DAY_MS) &&
                X509_set_pubkey(certificate, key) == 1 &&
                add_name_part(X509_get_subject_name(certificate), "CN", common_name) &&
                X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
                add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
                X509_sign(certificate, key, EVP_sha256()) > 0;
    if (!good)
        return kt_certificate_fail(error, KT_EINTERNAL, "OpenSSL cannot make a CA");
    return write_pair(arena, certificate, key, ret, error);
}

static int check_dns_name(const char *name, struct kt_error *error)
{
    struct kt_str text = kt_str(name);
    if (kt_str_starts_with(text, KT_STR("*."))) {
        text.data += 2;
        text.length -= 2;
    }
    const char *reason = kt_names_dns1123_subdomain(text);
    return reason ? kt_error_set(error, KT_EINVAL, "\"%.253s\" is no DNS name: %s", name, reason) : 0;
}

static int check_ip_address(const char *address, struct kt_error *error)
{
    struct in6_addr bytes;
    if (inet_pton(AF_INET, address, &bytes) == 1 || inet_pton(AF_INET6, address, &bytes) == 1)
        return 0;
    return kt_error_set(error, KT_EINVAL, "\"%.100s\" is no IPv4 or IPv6 address", address);
}

/* "DNS:a,IP:10.0.0.1", as OpenSSL reads it. The names are checked first, so that none can smuggle in another. */
static int list_names(struct kt_arena *arena, const struct kt_certificate_request *request, const char **ret,
                      const char **ret_first, struct kt_error *error)
{
    struct kt_strbuf text;
    size_t count = 0;
    kt_strbuf_init(&text, arena, NAMES_BYTES);
    *ret_first = "";
    for (const char *const *name = request->dns_names; name && *name; name++, count++) {
        int code = check_dns_name(*name, error);
        if (code != 0)
            return code;
        kt_strbuf_printf(&text, "%sDNS:%s", count > 0 ? "," : "", *name);
        *ret_first = **ret_first ? *ret_first : *name;
    }
    for (const char *const *address = request->ip_addresses; address && *address; address++, count++) {
        int code = check_ip_address(*address, error);
        if (code != 0)
            return code;
        kt_strbuf_printf(&text, "%sIP:%s", count > 0 ? "," : "", *address);
        *ret_first = **ret_first ? *ret_first : *address;
    }
    if (count == 0 && !request->client)
        return kt_error_set(error, KT_EINVAL, "a server's certificate needs at least one DNS name or IP address");
    if (count > KT_CERTIFICATE_NAMES || text.failed)
        return kt_error_set(error, KT_ELIMIT, "a certificate can have at most %d names", KT_CERTIFICATE_NAMES);
    *ret = text.data;
    return 0;
}

/* From and until when, within the CA's own time. */
static bool set_validity(X509 *certificate, const X509 *ca, const struct kt_certificate_request *request,
                         int64_t now_ms)
{
    int64_t from_ms = request->not_before_ms, until_ms = request->not_after_ms;
    if (from_ms == 0)
        from_ms = now_ms - KT_CERTIFICATE_EARLY_S * 1000;
    if (until_ms == 0)
        until_ms = now_ms + request->days * DAY_MS;
    if (!set_time(X509_getm_notBefore(certificate), from_ms) || !set_time(X509_getm_notAfter(certificate), until_ms))
        return false;
    const ASN1_TIME *end = X509_get0_notAfter(ca);
    return ASN1_TIME_compare(X509_get0_notAfter(certificate), end) <= 0 || X509_set1_notAfter(certificate, end) == 1;
}

static bool fill_leaf(X509 *certificate, X509 *ca, const struct kt_certificate_request *request,
                      const char *common_name, const char *names)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(ca)) == 1 &&
           (!request->organization || add_name_part(subject, "O", request->organization)) &&
           add_name_part(subject, "CN", common_name) &&
           add_extension(certificate, ca, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, ca, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, ca, NID_ext_key_usage, request->client ? "clientAuth" : "serverAuth") &&
           add_extension(certificate, ca, NID_subject_key_identifier, "hash") &&
           (!X509_get0_subject_key_id(ca) || add_extension(certificate, ca, NID_authority_key_identifier, "keyid")) &&
           (!*names || add_extension(certificate, ca, NID_subject_alt_name, names));
}

/* The common name is only for people: what clients compare are the alternative names. */
static const char *choose_common_name(const struct kt_certificate_request *request, const char *first)
{
    if (request->common_name)
        return request->common_name;
    return *first && strlen(first) <= 64 ? first : "kaito";
}

int kt_certificate_issue(struct kt_arena *arena, const struct kt_certificate_pair *ca,
                         const struct kt_certificate_request *request, int64_t now_ms, struct kt_certificate_pair *ret,
                         struct kt_error *error)
{
    const char *names = "", *first = "";
    int code = request->not_after_ms != 0 ? 0 : check_days(request->days, error);
    if (code == 0)
        code = list_names(arena, request, &names, &first, error);
    if (code != 0)
        return code;
    const char *common_name = choose_common_name(request, first);
    KT_CLEANUP(kt_X509_cleanup) X509 *ca_certificate = NULL;
    KT_CLEANUP(kt_EVP_PKEY_cleanup) EVP_PKEY *ca_key = NULL;
    code = check_common_name(common_name, error);
    if (code == 0)
        code = kt_certificate_check_key(ca, error);
    if (code == 0)
        code = kt_certificate_read_first(ca->certificate_pem, &ca_certificate, error);
    if (code == 0)
        code = kt_certificate_read_key(ca->key_pem, &ca_key, error);
    if (code != 0)
        return code;
    if (X509_check_ca(ca_certificate) <= 0)
        return kt_error_set(error, KT_EINVAL, "the certificate that shall sign is no certificate authority");
    KT_CLEANUP(kt_EVP_PKEY_cleanup) EVP_PKEY *key = EVP_EC_gen("P-256");
    KT_CLEANUP(kt_X509_cleanup) X509 *certificate = X509_new();
    if (!key || !certificate || X509_set_pubkey(certificate, key) != 1 ||
        !fill_leaf(certificate, ca_certificate, request, common_name, names) ||
        !set_validity(certificate, ca_certificate, request, now_ms) ||
        X509_sign(certificate, ca_key, EVP_sha256()) <= 0)
        return kt_certificate_fail(error, KT_EINTERNAL, "OpenSSL cannot make a certificate");
    return write_pair(arena, certificate, key, ret, error);
}
