/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kube-apiserver demands of a webhook's answer, written anew from its rules:
 * pkg/admission/plugin/webhook/request/admissionreview.go (VerifyAdmissionResponse), mutating/dispatcher.go (patches),
 * endpoints/handlers/patch.go (number of operations) and endpoints/filters/warning.go (warnings).
 */
#ifndef KT_TESTS_LIB_APISERVER_CHECKS_H
#define KT_TESTS_LIB_APISERVER_CHECKS_H

#include "text/json.h"

struct kt_apiserver_verdict {
    const char *wrong; /* NULL: the API server takes the answer */
    bool allowed;
    cJSON *response;
    cJSON *patched; /* the object after the patch; the object itself when there is none */
};

struct kt_apiserver_verdict kt_apiserver_check(struct kt_arena *arena, struct kt_str answer, const char *uid,
                                               bool mutating, cJSON *object);

#endif
