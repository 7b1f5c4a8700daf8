/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/review_case.h"

#include "base/limits.h"
#include "tests/lib/cmocka_all.h"

void kt_review_case_init(struct kt_review_case *test)
{
    *test = (struct kt_review_case){0};
    kt_admission_case_init(&test->admission);
    kt_arena_init(&test->work, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_strbuf_init(&test->answer, NULL, KT_LIMIT_REVIEW_ARENA_BYTES);
}

void kt_review_case_release(struct kt_review_case *test)
{
    kt_strbuf_release(&test->answer);
    kt_arena_release(&test->work);
    kt_admission_case_release(&test->admission);
}

static struct kt_str whole(struct kt_strbuf *text)
{
    if (text->failed) {
        fail_msg("no memory for the body of a review");
    }
    return kt_strbuf_view(text);
}

static void begin(struct kt_review_case *test, struct kt_strbuf *text)
{
    kt_strbuf_init(text, &test->admission.arena, (size_t)(64 * KT_MIB));
    kt_strbuf_puts(text, "{\"apiVersion\":\"admission.k8s.io/"
                         "v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"" KT_REVIEW_CASE_UID "\",");
}

struct kt_str kt_review_case_envelope(struct kt_review_case *test, const char *members)
{
    struct kt_strbuf text;
    begin(test, &text);
    kt_strbuf_puts(&text, members);
    kt_strbuf_puts(&text, "}}");
    return whole(&text);
}

static const char *version_of(const cJSON *object)
{
    const char *api_version = kt_json_string_or(kt_json_get(object, "apiVersion"), "");
    return strstr(api_version, "v1alpha1") ? "v1alpha1" : "v1beta1";
}

static void add_object(struct kt_strbuf *text, const char *key, const cJSON *object)
{
    kt_strbuf_printf(text, ",\"%s\":", key);
    if (object) {
        kt_json_write(text, object, KT_JSON_COMPACT);
    } else {
        kt_strbuf_puts(text, "null");
    }
}

struct kt_str kt_review_case_body(struct kt_review_case *test, const cJSON *object, const cJSON *old, bool dry_run)
{
    struct kt_strbuf text;
    const char *version = version_of(object);
    begin(test, &text);
    kt_strbuf_printf(&text,
                     "\"kind\":{\"group\":\"kaito.sh\",\"version\":\"%s\",\"kind\":\"Workspace\"},\"resource\":{"
                     "\"group\":\"kaito.sh\",\"version\":\"%s\",\"resource\":\"workspaces\"},\"namespace\":\"default\","
                     "\"operation\":\"%s\",\"userInfo\":{\"username\":\"someone\"},\"dryRun\":%s",
                     version, version, old ? "UPDATE" : "CREATE", dry_run ? "true" : "false");
    const cJSON *name = kt_json_path(object, "metadata", "name", NULL);
    add_object(&text, "name", kt_json_is_string(name) ? name : NULL);
    add_object(&text, "object", object);
    add_object(&text, "oldObject", old);
    kt_strbuf_puts(&text, "}}");
    return whole(&text);
}

int kt_review_case_answer(struct kt_review_case *test, enum kt_review_kind kind, struct kt_str body)
{
    kt_arena_reset(&test->work);
    kt_strbuf_clear(&test->answer);
    test->summary = (struct kt_review_summary){0};
    test->error = (struct kt_error){0};
    return kt_review_answer(&test->work, kind, body, &test->admission.settings, &test->admission.cluster, &test->answer,
                            &test->summary, &test->error);
}

const char *kt_review_case_check(struct kt_review_case *test, enum kt_review_kind kind, struct kt_str body,
                                 cJSON *object)
{
    struct kt_arena *arena = &test->admission.arena;
    if (kt_review_case_answer(test, kind, body) < 0) {
        return kt_arena_printf(arena, "there is no answer: %s", test->error.message);
    }
    struct kt_str answer = kt_strbuf_view(&test->answer);
    test->verdict = kt_apiserver_check(arena, answer, KT_REVIEW_CASE_UID, kind == KT_REVIEW_MUTATE, object);
    if (!test->verdict.wrong && test->verdict.allowed != test->summary.allowed) {
        return "the summary has another verdict than the answer";
    }
    return test->verdict.wrong;
}

bool kt_review_case_warns(const struct kt_review_case *test, const char *text)
{
    const cJSON *warning;
    cJSON_ArrayForEach(warning, kt_json_get(test->verdict.response, "warnings"))
    {
        if (strstr(kt_json_string_or(warning, ""), text)) {
            return true;
        }
    }
    return false;
}
