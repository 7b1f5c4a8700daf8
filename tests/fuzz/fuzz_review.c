/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole reviews through both webhooks. The input is the body of a review, or an object (it is then put into one, as a
 * CREATE and as an UPDATE of itself); what follows a line "---" is the content of every config map that it names. The
 * API server must take each answer, mutating twice is once, the verdict is that of the defaulted object, and no review
 * takes more work than its budget.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "admission/review.h"
#include "base/limits.h"
#include "tests/lib/apiserver_checks.h"

#define UID "705ab4f5-6393-11e8-b7cc-42010a800002"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
    if (!condition)
        abort();
}

struct surroundings {
    struct kt_arena arena;
    struct kt_settings settings;
    struct kt_str config; /* content of any config map */
    struct kt_cluster cluster;
};

static enum kt_lookup find(void *context, const char *kind, const char *namespace_, const char *name, const cJSON **ret)
{
    struct surroundings *around = context;
    if (!kt_streq(kind, "ConfigMap"))
        return KT_LOOKUP_UNKNOWN;
    cJSON *map = kt_json_new_object(&around->arena);
    cJSON *metadata = kt_json_ensure_object(&around->arena, map, "metadata");
    cJSON *content = kt_json_ensure_object(&around->arena, map, "data");
    kt_json_set_string(&around->arena, metadata, "namespace", namespace_);
    kt_json_set_string(&around->arena, metadata, "name", name);
    kt_json_set(&around->arena, content, "training_config.yaml", kt_json_new_string_n(&around->arena, around->config));
    kt_json_set(&around->arena, content, "inference_config.yaml", kt_json_new_string_n(&around->arena, around->config));
    *ret = map;
    return around->arena.failed ? KT_LOOKUP_UNKNOWN : KT_LOOKUP_FOUND;
}

static enum kt_lookup no_nodes(void *context, const cJSON *const **ret, size_t *ret_count)
{
    (void)context;
    *ret = NULL;
    *ret_count = 0;
    return KT_LOOKUP_FOUND;
}

/* One review; *ret_verdict is filled when there is an answer to UID. */
static bool answer(struct surroundings *around, enum kt_review_kind kind, struct kt_str body, const char *uid,
                   cJSON *object, struct kt_apiserver_verdict *ret_verdict)
{
    struct kt_arena work;
    struct kt_strbuf text;
    struct kt_review_summary summary;
    struct kt_error error = {0};
    kt_arena_init(&work, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_strbuf_init(&text, &around->arena, (size_t)(16 * KT_MIB));
    int code = kt_review_answer(&work, kind, body, &around->settings, &around->cluster, &text, &summary, &error);
    /* No more work than a review may take, and what was not judged to its end is not allowed for that. */
    demand(work.work <= KT_LIMIT_REVIEW_WORK);
    demand(code != 0 || !work.overworked || kind == KT_REVIEW_MUTATE || !summary.allowed);
    demand(code == 0 || (error.code == code && error.message[0] && code != KT_EINTERNAL));
    if (code == 0) {
        struct kt_json_parsed parsed;
        demand(kt_json_parse(&around->arena, kt_strbuf_view(&text), KT_JSON_DUPLICATES_REFUSE, &parsed, NULL) == 0);
        const char *said = kt_json_string(kt_json_path(parsed.root, "response", "uid", NULL));
        demand(said && (!uid || kt_streq(said, uid)));
        *ret_verdict =
            kt_apiserver_check(&around->arena, kt_strbuf_view(&text), said, kind == KT_REVIEW_MUTATE, object);
        demand(!ret_verdict->wrong && ret_verdict->allowed == summary.allowed);
    }
    kt_arena_release(&work);
    return code == 0;
}

static struct kt_str envelope(struct surroundings *around, const cJSON *object, const cJSON *old)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &around->arena, (size_t)(16 * KT_MIB));
    kt_strbuf_printf(&text,
                     "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"" UID
                     "\",\"operation\":\"%s\",\"namespace\":\"default\",\"object\":",
                     old ? "UPDATE" : "CREATE");
    kt_json_write(&text, object, KT_JSON_COMPACT);
    if (old) {
        kt_strbuf_puts(&text, ",\"oldObject\":");
        kt_json_write(&text, old, KT_JSON_COMPACT);
    }
    kt_strbuf_puts(&text, "}}");
    return text.failed ? (struct kt_str){0} : kt_strbuf_view(&text);
}

static void check_object(struct surroundings *around, cJSON *object, const cJSON *old)
{
    struct kt_apiserver_verdict mutation, again, verdict, verdict_of_mutated;
    struct kt_str body = envelope(around, object, old);
    if (body.length == 0 || !answer(around, KT_REVIEW_MUTATE, body, UID, object, &mutation))
        return;
    struct kt_str mutated = envelope(around, mutation.patched, old);
    if (mutated.length == 0 || !answer(around, KT_REVIEW_MUTATE, mutated, UID, mutation.patched, &again))
        return;
    demand(!kt_json_get(again.response, "patch"));
    if (answer(around, KT_REVIEW_VALIDATE, body, UID, NULL, &verdict) &&
        answer(around, KT_REVIEW_VALIDATE, mutated, UID, NULL, &verdict_of_mutated))
        demand(verdict.allowed == verdict_of_mutated.allowed);
}

static void check(struct surroundings *around, struct kt_str text)
{
    struct kt_json_parsed parsed;
    struct kt_apiserver_verdict verdict;
    bool is_json = kt_json_parse(&around->arena, text, KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL) == 0;
    cJSON *of_request = is_json ? kt_json_path(parsed.root, "request", "object", NULL) : NULL;
    answer(around, KT_REVIEW_MUTATE, text, NULL, kt_json_clone(&around->arena, of_request), &verdict);
    answer(around, KT_REVIEW_VALIDATE, text, NULL, NULL, &verdict);
    if (!is_json)
        return;
    cJSON *object = of_request ? of_request : parsed.root;
    check_object(around, object, NULL);
    check_object(around, object, kt_json_clone(&around->arena, object));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separator[] = "\n---\n";
    struct kt_str text = {(const char *)data, size};
    struct surroundings around = {.config = {"", 0}};
    const char *place = size > 0 ? memmem(data, size, separator, sizeof(separator) - 1) : NULL;
    if (place) {
        text.length = (size_t)(place - text.data);
        around.config.data = place + sizeof(separator) - 1;
        around.config.length = size - text.length - (sizeof(separator) - 1);
    }
    if (!kt_utf8_valid(around.config))
        return 0; /* no API server has such a config map */
    kt_arena_init(&around.arena, (size_t)(512 * KT_MIB));
    kt_settings_init(&around.settings);
    around.settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = size % 8 == 7;
    around.cluster = (struct kt_cluster){find, no_nodes, &around};
    check(&around, text);
    kt_arena_release(&around.arena);
    return 0;
}
