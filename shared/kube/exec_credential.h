/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exec credential plugins (client.authentication.k8s.io v1 and v1beta1): a program that prints a token or a client
 * certificate. Run with an argument vector, never a shell; its standard error is the user's, its standard output is
 * read up to KT_LIMIT_EXEC_OUTPUT_BYTES.
 */
#ifndef KT_KUBE_EXEC_CREDENTIAL_H
#define KT_KUBE_EXEC_CREDENTIAL_H

#include "kube/config.h"

/* Long, because a plugin may wait for the user's log-in in a browser. */
#define KT_EXEC_CREDENTIAL_TIMEOUT_MS ((int64_t)300000)

struct kt_exec_credential {
    const char *token; /* "": none */
    struct kt_str client_certificate_pem;
    struct kt_str client_key_pem;
    int64_t expires_ms; /* wall clock; INT64_MAX: never */
};

/* Runs config->exec and reads what it says. stop_fd (-1: none) becoming readable ends the child: KT_EINTERRUPTED.
 * KT_EAUTH for everything that is wrong with the plugin (not installed: with its install hint; exit status; answer),
 * KT_ELIMIT, KT_ETIMEOUT, KT_ENOMEM. Blocks; never leaves a child behind. */
int kt_exec_credential_get(struct kt_arena *arena, const struct kt_environment *environment,
                           const struct kt_config *config, int64_t timeout_ms, int stop_fd,
                           struct kt_exec_credential *ret, struct kt_error *error) KT_NODISCARD;

#endif
