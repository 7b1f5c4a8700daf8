/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an exec credential plugin has said, for all clients of one kt_config: the plugin runs once, not once a client,
 * because it may ask its user for a password. By the rules of client-go (plugin/pkg/client/auth/exec/exec.go): an
 * answer serves until it expires or a server refuses it with 401, and of many who were refused with the same answer one
 * runs the plugin again. Beyond client-go, an answer that was asked for after a 401 and is refused at once is not asked
 * for a third time. For any number of threads.
 */
#ifndef KT_KUBE_CREDENTIAL_CACHE_H
#define KT_KUBE_CREDENTIAL_CACHE_H

#include "kube/exec_credential.h"

struct kt_credential_cache;

/* NULL without memory. */
struct kt_credential_cache *kt_credential_cache_new(void);
void kt_credential_cache_free(struct kt_credential_cache *cache); /* accepts NULL; no call may be under way */

struct kt_credential_need {
    const struct kt_environment *environment;
    const struct kt_config *config; /* the same in all calls */
    int stop_fd;                    /* readable: KT_EINTERRUPTED; -1: none */
    int64_t deadline_ms;            /* monotonic; KT_ETIMEOUT */
    uint64_t known;                 /* number of the answer that the caller has; 0: none */
    bool is_refused;                /* a server has answered that one with 401 */
};

/* Gives the answer to use, in the arena, and its number, which is never 0. When it is need->known still, *ret is left
 * as it was. Runs the plugin, or waits while another thread runs it and then shares its success or failure; only a
 * caller that may ask at the terminal tries again after one that may not. Errors as kt_exec_credential_get. */
int kt_credential_cache_get(struct kt_credential_cache *cache, struct kt_arena *arena,
                            const struct kt_credential_need *need, struct kt_exec_credential *ret, uint64_t *ret_number,
                            struct kt_error *error) KT_NODISCARD;
/* A server has taken the answer of this number. */
void kt_credential_cache_accept(struct kt_credential_cache *cache, uint64_t number);

#endif
