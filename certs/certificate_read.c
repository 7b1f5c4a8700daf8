/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "certs/certificate_internal.h"

int kt_certificate_fail(struct kt_error *error, enum kt_error_code code, const char *what)
{
    unsigned long number = ERR_peek_error();
    const char *reason = number != 0 ? ERR_reason_error_string(number) : NULL;
    ERR_clear_error();
    return kt_error_set(error, code, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
}

BIO *kt_certificate_bio(struct kt_str text)
{
    return text.length <= INT_MAX ? BIO_new_mem_buf(text.data ? text.data : "", (int)text.length) : NULL;
}

/* An encrypted key must not make us ask on the terminal. */
static int no_passphrase(char *buffer KT_UNUSED, int size KT_UNUSED, int writing KT_UNUSED, void *context KT_UNUSED)
{
    return -1;
}

X509 *kt_certificate_read(BIO *bio)
{
    return PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
}

int kt_certificate_read_key(struct kt_str key_pem, EVP_PKEY **ret, struct kt_error *error)
{
    KT_CLEANUP(kt_BIO_cleanup) BIO *bio = kt_certificate_bio(key_pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    if (!key)
        return kt_certificate_fail(error, KT_EPARSE,
                                   "the text holds no private key that can be read (PEM, not encrypted)");
    *ret = key;
    return 0;
}

int kt_certificate_read_first(struct kt_str pem, X509 **ret, struct kt_error *error)
{
    KT_CLEANUP(kt_BIO_cleanup) BIO *bio = kt_certificate_bio(pem);
    X509 *certificate = bio ? kt_certificate_read(bio) : NULL;
    if (!certificate)
        return kt_certificate_fail(error, KT_EPARSE, "the text holds no certificate that can be read (PEM)");
    *ret = certificate;
    return 0;
}
