/* SPDX-License-Identifier: Apache-2.0 */
#include "text/sha256.h"

#include <openssl/evp.h>

#define DIGEST_BYTES 32

int kt_sha256_hex(struct kt_str text, char ret[KT_SHA256_HEX_BYTES], struct kt_error *error)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_Digest(text.length > 0 ? text.data : "", text.length, digest, &length, EVP_sha256(), NULL) != 1 ||
        length != DIGEST_BYTES)
        return kt_error_set(error, KT_ENOMEM, "no memory for a SHA-256 digest");
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        ret[2 * i] = digits[digest[i] >> 4];
        ret[2 * i + 1] = digits[digest[i] & 15];
    }
    ret[KT_SHA256_HEX_BYTES - 1] = '\0';
    return 0;
}
