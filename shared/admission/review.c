/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AdmissionReview codec. What the API server demands of an answer is in its
 * pkg/admission/plugin/webhook/request/admissionreview.go; tests/lib/apiserver_checks.c has the same checks for the
 * tests.
 */
#include "admission/review.h"

#include "admission/facts.h"
#include "admission/review_request.h"
#include "admission/warnings.h"
#include "text/base64.h"
#include "workspace/schema.h"

#define REVIEW_API_VERSION "admission.k8s.io/v1"
#define REVIEW_KIND "AdmissionReview"
/* Longer than any name in Kubernetes; what is longer is cut where it is only shown. */
#define LONGEST_NAME 253
/* The message repeats the causes for clients that do not read them; beyond this it only counts them. */
#define STATUS_MESSAGE_BYTES ((size_t)(32 * KT_KIB))

/* What will be answered. Filled in full before the first byte is written. */
struct answer {
    const char *uid;
    struct kt_str raw_uid; /* quoted, instead of uid, when the body could not be parsed */
    bool allowed;
    const cJSON *patch; /* NULL or empty: none */
    struct kt_warnings warnings;
    /* Of a refusal: findings, or a message and a code. */
    const struct kt_findings *findings;
    const char *name; /* of the object */
    const char *message;
    const char *reason;
    unsigned code;
    struct kt_error fault; /* what message points into */
};

/* --- writing -------------------------------------------------------------------------------------------------------
 */

static void write_member(struct kt_strbuf *buffer, const char *key, const char *value)
{
    kt_strbuf_printf(buffer, "\"%s\":", key);
    kt_json_write_string(buffer, kt_str(value));
}

static void write_patch(struct kt_strbuf *buffer, struct kt_arena *arena, const cJSON *patch)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_json_write(&text, patch, KT_JSON_COMPACT);
    buffer->failed = buffer->failed || text.failed;
    kt_strbuf_puts(buffer, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
    kt_base64_encode(buffer, kt_strbuf_view(&text));
    kt_strbuf_putc(buffer, '"');
}

/* kubectl prints "field: message" of each cause; a cause without a field would begin with a bare colon. */
static const char *shown_field(const struct kt_finding *finding)
{
    return *finding->field ? finding->field : "Workspace";
}

/* The rule's id ends the message: it can be looked up in the list of rules. */
static const char *message_with_rule(struct kt_arena *arena, const struct kt_finding *finding)
{
    const char *message = kt_arena_printf(arena, "%s [%s]", finding->message, finding->rule);
    return message ? message : finding->message;
}

static void write_causes(struct kt_strbuf *buffer, struct kt_arena *arena, const struct kt_findings *findings)
{
    bool is_first = true;
    kt_strbuf_puts(buffer, "\"causes\":[");
    for (size_t i = 0; i < findings->count; i++) {
        const struct kt_finding *finding = &findings->items[i];
        if (finding->severity == KT_SEVERITY_ERROR) {
            kt_strbuf_puts(buffer, is_first ? "{" : ",{");
            write_member(buffer, "reason", kt_problem_cause_type(finding->problem));
            kt_strbuf_putc(buffer, ',');
            write_member(buffer, "message", message_with_rule(arena, finding));
            kt_strbuf_putc(buffer, ',');
            write_member(buffer, "field", shown_field(finding));
            kt_strbuf_putc(buffer, '}');
            is_first = false;
        }
    }
    kt_strbuf_putc(buffer, ']');
}

/* In the words of apimachinery's NewInvalid: one cause bare, several in brackets. */
static const char *invalid_message(struct kt_arena *arena, const struct kt_findings *findings, const char *name)
{
    struct kt_strbuf list;
    kt_strbuf_init(&list, arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    size_t written = 0;
    size_t left_out = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct kt_finding *finding = &findings->items[i];
        if (finding->severity != KT_SEVERITY_ERROR) {
            continue;
        }
        if (list.length > STATUS_MESSAGE_BYTES) {
            left_out++;
            continue;
        }
        kt_strbuf_puts(&list, written++ > 0 ? ", " : "");
        kt_strbuf_printf(&list, "%s: %s", shown_field(finding), message_with_rule(arena, finding));
    }
    if (left_out > 0) {
        kt_strbuf_printf(&list, ", and %zu more", left_out);
    }
    bool several = written + left_out > 1;
    return kt_arena_printf(arena, "Workspace.kaito.sh \"%s\" is invalid: %s%s%s", name, several ? "[" : "", list.data,
                           several ? "]" : "");
}

static void write_status(struct kt_strbuf *buffer, struct kt_arena *arena, const struct answer *answer)
{
    bool is_invalid = answer->findings != NULL;
    const char *message = is_invalid ? invalid_message(arena, answer->findings, answer->name) : answer->message;
    kt_strbuf_puts(buffer, ",\"status\":{\"metadata\":{},\"status\":\"Failure\",");
    write_member(buffer, "message", message ? message : "the object is refused");
    kt_strbuf_putc(buffer, ',');
    write_member(buffer, "reason", is_invalid ? "Invalid" : answer->reason);
    if (is_invalid) {
        kt_strbuf_puts(buffer, ",\"details\":{");
        write_member(buffer, "name", answer->name);
        kt_strbuf_puts(buffer, ",\"group\":\"" KT_GROUP "\",\"kind\":\"Workspace\",");
        write_causes(buffer, arena, answer->findings);
        kt_strbuf_putc(buffer, '}');
    }
    kt_strbuf_printf(buffer, ",\"code\":%u}", is_invalid ? 422 : answer->code);
}

static void write_answer(struct kt_strbuf *buffer, struct kt_arena *arena, const struct answer *answer)
{
    kt_strbuf_puts(buffer,
                   "{\"apiVersion\":\"" REVIEW_API_VERSION "\",\"kind\":\"" REVIEW_KIND "\",\"response\":{\"uid\":");
    if (answer->uid) {
        kt_json_write_string(buffer, kt_str(answer->uid));
    } else {
        kt_strbuf_add_str(buffer, answer->raw_uid);
    }
    kt_strbuf_printf(buffer, ",\"allowed\":%s", answer->allowed ? "true" : "false");
    if (kt_json_count(answer->patch) > 0) {
        write_patch(buffer, arena, answer->patch);
    }
    if (answer->warnings.count > 0) {
        kt_strbuf_puts(buffer, ",\"warnings\":");
        kt_warnings_write_json(buffer, &answer->warnings);
    }
    if (!answer->allowed) {
        write_status(buffer, arena, answer);
    }
    kt_strbuf_puts(buffer, "}}");
}

/* --- judging -------------------------------------------------------------------------------------------------------
 */

static void refuse(struct answer *answer, unsigned code, const char *reason, const char *message)
{
    answer->allowed = false;
    answer->code = code;
    answer->reason = reason;
    answer->message = message;
}

/* A fault of ours, or a request beyond our limits. A mutating webhook leaves the object alone: the validating one,
 * which fails closed, will say what is wrong. */
static void answer_fault(struct answer *answer, enum kt_review_kind kind, const struct kt_error *error)
{
    const char *message = error->message;
    if (kind == KT_REVIEW_MUTATE) {
        kt_warnings_add(&answer->warnings, kt_str(message));
        return;
    }
    if (error->code == KT_ELIMIT) {
        refuse(answer, 413, "RequestEntityTooLarge", message);
    } else if (error->code == KT_EPARSE || error->code == KT_EINVAL) {
        refuse(answer, 400, "BadRequest", message);
    } else { /* no memory, or a promise of our own broken */
        refuse(answer, 500, "InternalError", message);
    }
}

static int answer_mutation(struct kt_arena *arena, const struct kt_admission_request *request, struct answer *answer,
                           struct kt_error *error)
{
    struct kt_defaulting defaulting;
    int code = kt_admission_default(arena, request, &defaulting, error);
    if (code == 0) {
        answer->patch = defaulting.patch;
        kt_warnings_add_findings(&answer->warnings, &defaulting.notes);
    }
    return code;
}

static int answer_validation(struct kt_arena *arena, const struct kt_admission_request *request, struct answer *answer,
                             struct kt_error *error)
{
    const struct kt_schema *schema = kt_schema_workspace(error);
    struct kt_findings *findings = kt_arena_alloc(arena, sizeof(*findings));
    if (!schema || !findings) {
        return kt_error_set(error, KT_ENOMEM, "no memory to judge the request");
    }
    int code = kt_admission_validate(arena, request, findings, error);
    if (code == 0) {
        answer->allowed = !kt_findings_has_error(findings);
        answer->findings = answer->allowed ? NULL : findings;
        kt_warnings_add_unknown(&answer->warnings, kt_schema_unknown_fields(arena, schema, request->object));
        kt_warnings_add_findings(&answer->warnings, findings);
    }
    return code;
}

static const char *object_name(struct kt_arena *arena, const struct kt_review_request *request)
{
    const cJSON *metadata = kt_json_get(request->object, "metadata");
    const char *generated = kt_json_string_or(kt_json_get(metadata, "generateName"), "");
    const char *own = kt_json_string_or(kt_json_get(metadata, "name"), generated);
    const char *name = request->name && *request->name ? request->name : own;
    const char *cut = kt_arena_strndup(arena, name, kt_utf8_prefix(kt_str(name), LONGEST_NAME));
    return cut ? cut : "";
}

static bool is_being_deleted(const cJSON *object)
{
    return kt_json_is_string(kt_json_path(object, "metadata", "deletionTimestamp", NULL));
}

static void judge(struct kt_arena *arena, enum kt_review_kind kind, const struct kt_review_request *request,
                  const struct kt_settings *settings, const struct kt_cluster *cluster, struct answer *answer)
{
    struct kt_admission_request admission = {
        .operation = request->operation,
        .namespace_ = request->namespace_,
        .name = request->name,
        .object = request->object,
        .old_object = request->old_object,
        .settings = settings,
        .cluster = cluster,
    };
    answer->name = object_name(arena, request);
    int code = !request->operation ? kt_error_set(&answer->fault, KT_EINVAL, "no such operation as the request's")
               : kind == KT_REVIEW_MUTATE ? answer_mutation(arena, &admission, answer, &answer->fault)
                                          : answer_validation(arena, &admission, answer, &answer->fault);
    if (code == 0 && arena->failed) { /* a warning was lost, or part of one */
        code = kt_admission_exhausted(arena, &answer->fault);
    }
    if (code < 0) {
        answer->patch = NULL;
        answer->findings = NULL;
        answer->allowed = true;
        /* Whoever lets an object go must not be held up by what it costs to judge. */
        bool lets_go = arena->overworked && request->operation == KT_OPERATION_UPDATE &&
                       is_being_deleted(request->object) && is_being_deleted(request->old_object);
        answer_fault(answer, lets_go ? KT_REVIEW_MUTATE : kind, &answer->fault);
    }
}

/* --- the envelope --------------------------------------------------------------------------------------------------
 */

static int check_envelope(const cJSON *root, struct kt_error *error)
{
    const char *api_version = kt_json_string(kt_json_get(root, "apiVersion"));
    const char *kind = kt_json_string(kt_json_get(root, "kind"));
    if (!api_version || !kind || !kt_streq(kind, REVIEW_KIND)) {
        return kt_error_set(error, KT_EINVAL, "the body is no " REVIEW_KIND);
    }
    if (!kt_streq(api_version, REVIEW_API_VERSION)) {
        return kt_error_set(error, KT_EINVAL,
                            "the review is of version \"%.64s\"; this webhook answers " REVIEW_API_VERSION,
                            api_version);
    }
    return 0;
}

static void summarise(const struct kt_review_request *request, const struct answer *answer,
                      struct kt_review_summary *ret)
{
    *ret = (struct kt_review_summary){
        .uid = request->uid,
        .namespace_ = request->namespace_,
        .name = answer->name ? answer->name : request->name,
        .operation = request->operation_text,
        .user = request->user,
        .allowed = answer->allowed,
        .dry_run = request->dry_run,
        .warnings = answer->warnings.count,
        .patch_operations = kt_json_count(answer->patch),
    };
    for (size_t i = 0; answer->findings && i < answer->findings->count; i++) {
        ret->errors += answer->findings->items[i].severity == KT_SEVERITY_ERROR;
    }
    ret->errors += !answer->allowed && !answer->findings;
}

static int finish(struct kt_strbuf *buffer, struct kt_arena *arena, const struct answer *answer, struct kt_error *error)
{
    size_t start = buffer->length;
    write_answer(buffer, arena, answer);
    if (buffer->failed) {
        return kt_error_set(error, KT_ELIMIT, "the answer would be larger than %zu bytes", buffer->limit_bytes);
    }
    return buffer->length > start ? 0 : kt_error_set(error, KT_EINTERNAL, "the answer is empty");
}

/* The body is no JSON that we take, but the uid may be readable: then the refusal is a review, and its text reaches the
 * user. */
static int answer_unreadable(struct kt_arena *arena, enum kt_review_kind kind, struct kt_str body,
                             const struct kt_error *fault, struct kt_strbuf *buffer, struct kt_review_summary *ret,
                             struct kt_error *error)
{
    struct answer answer = {.allowed = true};
    kt_warnings_init(&answer.warnings, arena);
    struct kt_str version;
    bool is_v1 = kt_review_find_token(body, NULL, "apiVersion", &version) &&
                 kt_str_equal(version, KT_STR("\"" REVIEW_API_VERSION "\""));
    if (!is_v1 || !kt_review_find_token(body, "request", "uid", &answer.raw_uid) || answer.raw_uid.data[0] != '"' ||
        answer.raw_uid.length <= 2) {
        return kt_error_set(error, fault->code, "%s", fault->message);
    }
    answer_fault(&answer, kind, fault);
    *ret = (struct kt_review_summary){
        .uid = kt_arena_strndup(arena, answer.raw_uid.data + 1, answer.raw_uid.length - 2),
        .allowed = answer.allowed,
        .errors = !answer.allowed,
        .warnings = answer.warnings.count,
    };
    return finish(buffer, arena, &answer, error);
}

int kt_review_answer(struct kt_arena *arena, enum kt_review_kind kind, struct kt_str body,
                     const struct kt_settings *settings, const struct kt_cluster *cluster, struct kt_strbuf *answer,
                     struct kt_review_summary *ret, struct kt_error *error)
{
    struct kt_json_parsed parsed = {0};
    struct kt_error fault = {0};
    struct kt_review_request request;
    struct answer result = {.allowed = true};
    kt_arena_limit_work(arena, KT_LIMIT_REVIEW_WORK);
    if (kt_json_parse_nodes(arena, body, KT_JSON_DUPLICATES_LAST_WINS, KT_LIMIT_REVIEW_NODES, &parsed, &fault) < 0) {
        return answer_unreadable(arena, kind, body, &fault, answer, ret, error);
    }
    int code = check_envelope(parsed.root, error);
    if (code < 0) {
        return code;
    }
    kt_review_request_read(kt_json_get(parsed.root, "request"), &request);
    if (!request.uid || !*request.uid) {
        return kt_error_set(error, KT_EINVAL, "the review has no request.uid");
    }
    result.uid = request.uid;
    kt_warnings_init(&result.warnings, arena);
    if (kt_review_request_is_judged(&request)) {
        if (kind == KT_REVIEW_VALIDATE) {
            kt_warnings_add_duplicates(&result.warnings, parsed.duplicates, "request.object");
        }
        judge(arena, kind, &request, settings, cluster, &result);
    }
    summarise(&request, &result, ret);
    return finish(answer, arena, &result, error);
}
