/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an API server says when it refuses (metav1.Status), and how kubectl words it (kubectl pkg/cmd/util/helpers.go):
 *   Error from server (NotFound): workspaces.kaito.sh "a" not found
 *   The Workspace "a" is invalid: spec.x: Required value        (one cause; several stand below each other)
 */
#ifndef KT_KUBE_STATUS_H
#define KT_KUBE_STATUS_H

#include "base/error.h"
#include "text/json.h"

struct kt_status_cause {
    const char *reason; /* "FieldValueInvalid", ... */
    const char *field;
    const char *message;
};

/* Texts are never NULL; they point into the parsed tree. */
struct kt_status {
    int code;           /* HTTP */
    const char *reason; /* "NotFound", "Invalid", ...; "" when unknown */
    const char *message;
    const char *kind; /* details; a resource name such as "workspaces" for NotFound, a kind for Invalid */
    const char *name;
    const char *group;
    int64_t retry_after_s; /* details.retryAfterSeconds; 0: none */
    const struct kt_status_cause *causes;
    size_t cause_count;
};

/* Reads a Status object; false when node is none. http_code stands in when it has no code. */
bool kt_status_parse(struct kt_arena *arena, const cJSON *node, int http_code, struct kt_status *ret);

/* Makes up the Status for a reply that carried none (an HTML page of a proxy, "404 page not found"), with the reason
 * that belongs to the HTTP code, as client-go does. body is shortened to one line. */
void kt_status_from_http(struct kt_arena *arena, int http_code, struct kt_str body, struct kt_status *ret);

/* The error code of a Status. KT_EREFUSED for 400, 422 and for what an admission webhook denied, KT_EFORBIDDEN for 403
 * by RBAC, ... */
enum kt_error_code kt_status_error_code(const struct kt_status *status);

/* Appends all that kubectl prints for it, without a line feed at the end; several causes are lines "* field: message".
 * Nothing is cut, unlike in struct kt_error. Control characters of the server become spaces, except line feeds. */
void kt_status_describe(struct kt_strbuf *buffer, const struct kt_status *status);

/* Fills *error from a Status and returns its code. */
int kt_status_error(const struct kt_status *status, struct kt_error *error);

/* "" for a message that kubectl prints as it is ("Error from server ...", "The connection to the server ...",
 * "Unable to connect to the server: ...", "The Workspace ..."), otherwise "error: ". */
const char *kt_error_prefix(const struct kt_error *error);

#endif
