/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/apiserver_checks.h"

#include "base/limits.h"
#include "text/base64.h"
#include "text/json_patch.h"

static const char *check_review(const cJSON *root, const char *uid, cJSON **ret_response)
{
    if (!kt_streq(kt_json_string_or(kt_json_get(root, "apiVersion"), ""), "admission.k8s.io/v1") ||
        !kt_streq(kt_json_string_or(kt_json_get(root, "kind"), ""), "AdmissionReview")) {
        return "the answer is of another group, version or kind";
    }
    *ret_response = kt_json_get(root, "response");
    if (!kt_json_is_object(*ret_response)) {
        return "the response is absent";
    }
    if (!kt_streq(kt_json_string_or(kt_json_get(*ret_response, "uid"), ""), uid)) {
        return "the response has another uid";
    }
    return kt_json_is_bool(kt_json_get(*ret_response, "allowed")) ? NULL : "allowed is no boolean";
}

static const char *check_patch(struct kt_arena *arena, const cJSON *response, bool mutating, cJSON **object)
{
    const char *patch = kt_json_string(kt_json_get(response, "patch"));
    const cJSON *type = kt_json_get(response, "patchType");
    if (!mutating) {
        return patch || type ? "a validating webhook may not return a patch or its type" : NULL;
    }
    if (!patch != !type) {
        return "patch and patchType come only together";
    }
    if (!patch) {
        return NULL;
    }
    if (!*patch || !kt_streq(kt_json_string_or(type, ""), "JSONPatch")) {
        return "the patch is empty or not of type JSONPatch";
    }
    struct kt_str text;
    struct kt_error error = {0};
    struct kt_json_parsed parsed = {0};
    if (kt_base64_decode(arena, kt_str(patch), &text, &error) < 0 ||
        kt_json_parse(arena, text, KT_JSON_DUPLICATES_REFUSE, &parsed, &error) < 0 || !kt_json_is_array(parsed.root)) {
        return "the patch is no JSON Patch in base64";
    }
    if (kt_json_count(parsed.root) == 0 || kt_json_count(parsed.root) > KT_LIMIT_PATCH_OPERATIONS) {
        return "the patch has no operation or too many";
    }
    return kt_json_patch_apply(arena, object, parsed.root, &error) < 0 ? "the patch does not apply" : NULL;
}

static const char *check_warnings(const cJSON *warnings)
{
    size_t total = 0;
    const cJSON *warning;
    cJSON_ArrayForEach(warning, warnings)
    {
        const char *text = kt_json_string(warning);
        if (!text || !*text) {
            return "a warning is empty or no text";
        }
        for (const char *byte = text; *byte; byte++) {
            if ((unsigned char)*byte < 0x20 || *byte == 0x7F) {
                return "a warning has a control character";
            }
        }
        size_t runes = kt_utf8_count(kt_str(text));
        total += runes;
        if (runes > KT_LIMIT_WARNING_RUNES) {
            return "a warning is longer than 256 characters";
        }
    }
    if (warnings && (kt_json_count(warnings) == 0 || kt_json_count(warnings) > KT_LIMIT_WARNINGS)) {
        return "the warnings are empty or too many";
    }
    return total > 4096 ? "the warnings are longer than 4096 characters together" : NULL;
}

static const char *check_status(const cJSON *response, bool allowed)
{
    const cJSON *status = kt_json_get(response, "status");
    int64_t code = 0;
    if (allowed) {
        return status ? "an admitted object has a status" : NULL;
    }
    if (!kt_json_int64(kt_json_get(status, "code"), &code) || code < 400 || code > 599) {
        return "a refusal has no HTTP status of 400 or more";
    }
    if (!kt_streq(kt_json_string_or(kt_json_get(status, "status"), ""), "Failure")) {
        return "a refusal's status is not Failure";
    }
    if (!*kt_json_string_or(kt_json_get(status, "message"), "") ||
        !*kt_json_string_or(kt_json_get(status, "reason"), "")) {
        return "a refusal has no message or no reason";
    }
    bool is_invalid = kt_streq(kt_json_string(kt_json_get(status, "reason")), "Invalid");
    return is_invalid && kt_json_count(kt_json_path(status, "details", "causes", NULL)) == 0
               ? "an Invalid status has no causes, and kubectl would show nothing"
               : NULL;
}

struct kt_apiserver_verdict kt_apiserver_check(struct kt_arena *arena, struct kt_str answer, const char *uid,
                                               bool mutating, cJSON *object)
{
    struct kt_apiserver_verdict verdict = {.patched = kt_json_clone(arena, object)};
    struct kt_json_parsed parsed = {0};
    struct kt_error error = {0};
    if (kt_json_parse(arena, answer, KT_JSON_DUPLICATES_REFUSE, &parsed, &error) < 0) {
        verdict.wrong = kt_arena_printf(arena, "the answer is no JSON: %s", error.message);
        return verdict;
    }
    verdict.wrong = check_review(parsed.root, uid, &verdict.response);
    if (!verdict.wrong) {
        verdict.allowed = kt_json_true(kt_json_get(verdict.response, "allowed"));
        verdict.wrong = check_patch(arena, verdict.response, mutating, &verdict.patched);
    }
    verdict.wrong = verdict.wrong ? verdict.wrong : check_warnings(kt_json_get(verdict.response, "warnings"));
    verdict.wrong = verdict.wrong ? verdict.wrong : check_status(verdict.response, verdict.allowed);
    return verdict;
}
