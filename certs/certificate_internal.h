/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's objects with cleanup, shared by the files of this folder; nobody else includes this. */
#ifndef KT_CERTS_CERTIFICATE_INTERNAL_H
#define KT_CERTS_CERTIFICATE_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certs/certificate.h"

#define KT_CERTIFICATE_CLEANUP(type, release)             \
    static inline void kt_##type##_cleanup(type **object) \
    {                                                     \
        release(*object);                                 \
        *object = NULL;                                   \
    }

KT_CERTIFICATE_CLEANUP(BIO, BIO_vfree)
KT_CERTIFICATE_CLEANUP(X509, X509_free)
KT_CERTIFICATE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
KT_CERTIFICATE_CLEANUP(X509_STORE, X509_STORE_free)
KT_CERTIFICATE_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free)
KT_CERTIFICATE_CLEANUP(X509_EXTENSION, X509_EXTENSION_free)
KT_CERTIFICATE_CLEANUP(ASN1_TIME, ASN1_TIME_free)

/* Fails with OpenSSL's own reason at the end, and empties its queue of errors. */
int kt_certificate_fail(struct kt_error *error, enum kt_error_code code, const char *what);

/* The next certificate of a PEM text that a memory BIO reads; NULL at the end or when it cannot be read. */
X509 *kt_certificate_read(BIO *bio);
/* A read-only BIO over the text; NULL out of memory. */
BIO *kt_certificate_bio(struct kt_str text);
/* The first private key of the text, never asking for a passphrase. KT_EPARSE. */
int kt_certificate_read_key(struct kt_str key_pem, EVP_PKEY **ret, struct kt_error *error) KT_NODISCARD;
/* The first certificate. KT_EPARSE. */
int kt_certificate_read_first(struct kt_str pem, X509 **ret, struct kt_error *error) KT_NODISCARD;

#endif
