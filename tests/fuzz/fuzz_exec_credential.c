/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the answer of an exec credential plugin: a complete credential, or an error that repeats nothing of it.
 */
#include <stdlib.h>

#include "kube/exec_credential.c" /* its inside: no program is run */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct kt_exec_config exec = {.api_version = VERSION_1, .command = "login"};
    static const struct kt_config config = {.user_source = "user \"u\""};
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_exec_credential credential;
    struct kt_error error = {0};
    kt_arena_init(&arena, (size_t)(16 * KT_MIB));
    const struct asking asking = {.arena = &arena, .config = &config, .exec = &exec, .error = &error};
    int code = read_answer(&asking, (struct kt_str){(const char *)data, size}, &credential);
    if (code != 0 && (code != (int)error.code || code != KT_EAUTH || !*error.message))
        abort();
    bool has_key = code == 0 && credential.client_key_pem.length > 0;
    if (code == 0 && ((!*credential.token && !has_key) || has_key != (credential.client_certificate_pem.length > 0)))
        abort();
    return 0;
}
