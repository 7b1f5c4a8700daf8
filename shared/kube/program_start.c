/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/program_start.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <unistd.h>

/* The other way round on purpose: reading standard input, or writing to the others, fails as it did. */
static const int modes[] = {[STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_RDONLY};

static bool descriptors_are_open(void)
{
    for (int fd = 0; fd < (int)KT_ARRAY_LENGTH(modes); fd++)
        /* The lowest free number is taken, which is this one: those below are open by now. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
            return false;
    return true;
}

/* Its providers, its random numbers and the hash of names: each made at first use, and not looked at by OpenSSL's own
 * callers when that fails. */
static bool openssl_is_ready(void)
{
    /* Fetching from a library context that could not be made is what crashes. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_LOAD_CONFIG, NULL) != 1 ||
        !OSSL_LIB_CTX_get0_global_default() || OSSL_PROVIDER_available(NULL, "default") != 1)
        return false;
    EVP_MD *hash = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_free(hash);
    ERR_clear_error();
    return hash && RAND_status() == 1;
}

int kt_program_start(struct kt_error *error)
{
    if (!descriptors_are_open())
        return kt_error_set(error, KT_EIO, "cannot open /dev/null in place of a standard descriptor that is closed");
    if (!openssl_is_ready())
        return kt_error_set(error, KT_ENOMEM, "OpenSSL does not start: there is not enough memory");
    return 0;
}
