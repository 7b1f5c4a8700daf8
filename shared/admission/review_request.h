/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an AdmissionRequest; private to shared/admission. */
#ifndef KT_ADMISSION_REVIEW_REQUEST_H
#define KT_ADMISSION_REVIEW_REQUEST_H

#include "admission/admission.h"

struct kt_review_request {
    const char *uid; /* NULL: absent or not a string */
    const char *operation_text;
    enum kt_operation operation; /* 0: unknown */
    /* A Workspace of our group itself, not a subresource of one. True where the request does not say, so that nothing
     * passes unjudged by leaving its kind out. */
    bool is_workspace;
    const char *name;
    const char *namespace_;
    const char *user;
    bool dry_run;
    cJSON *object; /* NULL: absent or null */
    cJSON *old_object;
};

/* request may be of any kind. */
void kt_review_request_read(const cJSON *request, struct kt_review_request *ret);

/* Must this request be looked into at all? Deletions, connections, subresources and other kinds pass untouched. */
bool kt_review_request_is_judged(const struct kt_review_request *request);

/* The string or number that stands under `key` in a JSON text that need not be valid as a whole: at the top (outer
 * NULL) or in the member `outer` of the top. *ret is the token as it is written, quotes included, and can be put into
 * another JSON text as it is. It is looked for in the first KT_LIMIT_REVIEW_TOKEN_BYTES. For answering what cannot be
 * read otherwise. */
bool kt_review_find_token(struct kt_str text, const char *outer, const char *key, struct kt_str *ret);

#endif
