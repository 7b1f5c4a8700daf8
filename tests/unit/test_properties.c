/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every Workspace, whatever it says: the examples, and objects that nobody thought of. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tests/lib/objects.h"
#include "tests/lib/review_case.h"
#include "tests/lib/workspace_generator.h"
#include "text/json_pointer.h"
#include "text/yaml.h"

#define OBJECTS 3000

static struct kt_review_case test; /* the inputs' arena is reset for each object */

static const char *told(const char *what, const char *detail)
{
    return kt_arena_printf(&test.admission.arena, "%s%s%s", what, *detail ? ": " : "", detail);
}

/* --- mutation ------------------------------------------------------------------------------------------------------
 */

/* A default may stand in for what counts as absent: nothing, null, and "" where a name or number must be. */
static bool counts_as_absent(const cJSON *value)
{
    const char *text = kt_json_string(value);
    return !value || kt_json_is_null(value) || (text && !*text);
}

/* Is everything that the user wrote still there, as it was? */
static bool is_kept(const cJSON *written, const cJSON *now)
{
    if (counts_as_absent(written))
        return true;
    if (kt_json_is_object(written) && kt_json_is_object(now)) {
        const cJSON *member;
        cJSON_ArrayForEach(member, written)
        {
            const cJSON *other = kt_json_get(now, member->string);
            if (!other || !is_kept(member, other))
                return false;
        }
        return true;
    }
    if (kt_json_is_array(written) && kt_json_is_array(now) && kt_json_count(written) == kt_json_count(now)) {
        for (size_t i = 0; i < kt_json_count(written); i++)
            if (!is_kept(kt_json_item(written, i), kt_json_item(now, i)))
                return false;
        return true;
    }
    return kt_json_equal(written, now);
}

static const char *check_mutation(cJSON *object, cJSON *old, cJSON **ret_mutated)
{
    struct kt_arena *arena = &test.admission.arena;
    const char *wrong =
        kt_review_case_check(&test, KT_REVIEW_MUTATE, kt_review_case_body(&test, object, old, false), object);
    if (wrong)
        return told("answer of the mutating webhook", wrong);
    cJSON *mutated = test.verdict.patched;
    if (!test.verdict.allowed)
        return "the mutating webhook refuses";
    if (!is_kept(object, mutated))
        return told("a value of the user's was changed", kt_test_write_json(arena, mutated));
    wrong = kt_review_case_check(&test, KT_REVIEW_MUTATE, kt_review_case_body(&test, mutated, old, false), mutated);
    if (wrong)
        return told("second answer of the mutating webhook", wrong);
    if (kt_json_get(test.verdict.response, "patch"))
        return told("the second mutation changes something", kt_test_write_json(arena, test.verdict.patched));
    struct kt_admission_request *request = &test.admission.request;
    struct kt_defaulting defaulting;
    struct kt_error error;
    if (kt_admission_default(arena, request, &defaulting, &error) < 0)
        return told("defaulting", error.message);
    if (!kt_json_equal(defaulting.mutated, mutated))
        return told("the patch does not make the mutated object", kt_test_write_json(arena, defaulting.mutated));
    *ret_mutated = mutated;
    return NULL;
}

/* --- findings ------------------------------------------------------------------------------------------------------
 */

/* Written anew from the promise in findings.h: by field, indices as numbers, then rule, then message. */
static int compare_fields(const char *a, const char *b)
{
    while (*a && *b) {
        if (*a == '[' && *b == '[' && kt_ascii_is_digit(a[1]) && kt_ascii_is_digit(b[1])) {
            char *a_end, *b_end;
            long long first = strtoll(a + 1, &a_end, 10), second = strtoll(b + 1, &b_end, 10);
            if (first != second)
                return first < second ? -1 : 1;
            a = a_end;
            b = b_end;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return (*a != '\0') - (*b != '\0');
}

static int compare_findings(const struct kt_finding *a, const struct kt_finding *b)
{
    int order = compare_fields(a->field, b->field);
    order = order != 0 ? order : strcmp(a->rule, b->rule);
    return order != 0 ? order : strcmp(a->message, b->message);
}

static const char *check_order(const struct kt_findings *findings)
{
    for (size_t i = 1; i < findings->count; i++) {
        int order = compare_findings(&findings->items[i - 1], &findings->items[i]);
        if (order >= 0)
            return told(order > 0 ? "findings are out of order" : "a finding stands twice", findings->items[i].message);
    }
    return NULL;
}

static int validate(cJSON *object, cJSON *old, struct kt_findings *ret)
{
    struct kt_admission_request request = test.admission.request;
    request.object = object;
    request.old_object = old;
    return kt_admission_validate(&test.admission.arena, &request, ret, &test.error);
}

static const char *findings_text(const struct kt_findings *findings)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &test.admission.arena, 4 * KT_MIB);
    kt_findings_write_json(&text, findings);
    return text.failed ? "no memory" : text.data;
}

static cJSON *with_version(const cJSON *object, const char *version)
{
    cJSON *copy = kt_json_clone(&test.admission.arena, object);
    if (copy)
        kt_json_set_string(&test.admission.arena, copy, "apiVersion", version);
    return copy;
}

static const char *check_versions(const cJSON *object, const cJSON *old)
{
    static const char *const versions[] = {"kaito.sh/v1alpha1", "kaito.sh/v1beta1"};
    const char *texts[KT_ARRAY_LENGTH(versions)];
    for (size_t i = 0; i < KT_ARRAY_LENGTH(versions); i++) {
        struct kt_findings findings;
        if (validate(with_version(object, versions[i]), with_version(old, versions[i]), &findings) < 0)
            return told("judging", test.error.message);
        texts[i] = findings_text(&findings);
    }
    return kt_streq(texts[0], texts[1]) ? NULL : told("the two API versions are judged differently", texts[1]);
}

/* The verdict of the validating webhook over an object, with all that must agree with it. */
static const char *check_validation(cJSON *object, cJSON *old, bool *ret_allowed)
{
    struct kt_arena *arena = &test.admission.arena;
    struct kt_str body = kt_review_case_body(&test, object, old, false);
    const char *wrong = kt_review_case_check(&test, KT_REVIEW_VALIDATE, body, object);
    if (wrong)
        return told("answer of the validating webhook", wrong);
    *ret_allowed = test.verdict.allowed;
    const char *answer = kt_arena_strdup(arena, test.answer.data);
    if (kt_review_case_answer(&test, KT_REVIEW_VALIDATE, kt_review_case_body(&test, object, old, true)) < 0 ||
        !answer || !kt_streq(answer, test.answer.data))
        return told("a dry run is answered differently", test.answer.data);
    struct kt_findings findings;
    if (validate(object, old, &findings) < 0)
        return told("judging", test.error.message);
    if (*ret_allowed == kt_findings_has_error(&findings))
        return told("the verdict is not that of the findings", findings_text(&findings));
    return check_order(&findings);
}

/* --- all of them ---------------------------------------------------------------------------------------------------
 */

static const char *check_object(cJSON *object, cJSON *old)
{
    bool allowed = false, mutated_allowed = false;
    cJSON *mutated = NULL;
    test.admission.request.object = object;
    test.admission.request.old_object = old;
    test.admission.request.operation = old ? KT_OPERATION_UPDATE : KT_OPERATION_CREATE;
    const char *wrong = check_mutation(object, old, &mutated);
    wrong = wrong ? wrong : check_validation(object, old, &allowed);
    wrong = wrong ? wrong : check_validation(mutated, old, &mutated_allowed);
    if (!wrong && allowed != mutated_allowed)
        wrong = allowed ? "refused only once it is defaulted" : "admitted only once it is defaulted";
    return wrong ? wrong : check_versions(object, old);
}

static void prepare(const cJSON *objects)
{
    struct kt_admission_case *admission = &test.admission;
    admission->cluster = kt_cluster_from_objects(&admission->arena, objects, &admission->storage);
    admission->request = (struct kt_admission_request){
        .namespace_ = "default", .settings = &admission->settings, .cluster = &admission->cluster};
}

static void report(const char *source, const cJSON *object, const cJSON *old, const char *wrong)
{
    struct kt_arena *arena = &test.admission.arena;
    fprintf(stderr, "%s: %s\n  object: %s\n", source, wrong, kt_test_write_json(arena, object));
    if (old)
        fprintf(stderr, "  old: %s\n", kt_test_write_json(arena, old));
}

static void generated_objects(void **state)
{
    (void)state;
    size_t failures = 0, allowed = 0, updates = 0;
    for (uint64_t seed = 0; seed < OBJECTS && failures < 20; seed++) {
        struct kt_workspace_generator generator;
        struct kt_arena *arena = &test.admission.arena;
        kt_arena_reset(arena);
        kt_workspace_generator_init(&generator, arena, seed);
        kt_workspace_generator_settings(&generator, &test.admission.settings);
        prepare(kt_workspace_generator_cluster(arena));
        cJSON *object = kt_workspace_generator_make(&generator);
        bool is_update = kt_workspace_generator_below(&generator, 100) < 45;
        cJSON *old = is_update ? kt_workspace_generator_old(&generator, object) : NULL;
        const char *wrong = check_object(object, old);
        if (wrong) {
            char source[32];
            snprintf(source, sizeof(source), "seed %llu", (unsigned long long)seed);
            report(source, object, old, wrong);
            failures++;
        }
        allowed += test.verdict.allowed;
        updates += is_update;
    }
    assert_int_equal(failures, 0);
    /* The generator makes what it should: both verdicts and both operations, often. */
    assert_in_range(allowed, OBJECTS / 20, OBJECTS - OBJECTS / 20);
    assert_in_range(updates, OBJECTS / 4, OBJECTS * 3 / 4);
}

static size_t check_example(const char *path)
{
    struct kt_arena *arena = &test.admission.arena;
    struct kt_yaml_documents documents = {0};
    struct kt_error error = {0};
    if (kt_yaml_parse(arena, kt_test_read_file(arena, path), &documents, &error) < 0)
        fail_msg("%s: %s", path, error.message);
    cJSON *objects = kt_test_templates(arena);
    for (size_t i = 0; i < documents.count; i++) {
        kt_json_append(arena, objects, kt_json_clone(arena, documents.items[i].root));
        kt_json_set_string(arena, kt_json_get(kt_json_item(objects, kt_json_count(objects) - 1), "metadata"),
                           "namespace", "default");
    }
    kt_settings_init(&test.admission.settings);
    prepare(objects);
    size_t checked = 0;
    for (size_t i = 0; i < documents.count; i++) {
        cJSON *object = documents.items[i].root;
        if (!kt_streq(kt_json_string_or(kt_json_get(object, "kind"), ""), "Workspace"))
            continue;
        cJSON *old = kt_json_clone(arena, object);
        const char *wrong = check_object(object, NULL);
        wrong = wrong ? wrong : check_object(object, old);
        if (wrong) {
            report(path, object, NULL, wrong);
            fail();
        }
        checked++;
    }
    return checked;
}

static void examples(void **state)
{
    (void)state;
    static const char *const folders[] = {"examples/fine-tuning", "examples/inference", "examples/refused"};
    struct kt_arena names_arena;
    kt_arena_init(&names_arena, KT_MIB);
    size_t checked = 0;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(folders); i++) {
        size_t count = 0;
        const char *const *names = kt_test_list_files(&names_arena, folders[i], ".yaml", &count);
        for (size_t j = 0; j < count; j++) {
            kt_arena_reset(&test.admission.arena);
            size_t found = check_example(names[j]);
            if (found == 0)
                fail_msg("%s holds no Workspace", names[j]);
            checked += found;
        }
    }
    kt_arena_release(&names_arena);
    assert_true(checked > 30);
}

static int set_up(void **state)
{
    (void)state;
    kt_review_case_init(&test);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kt_review_case_release(&test);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(examples, set_up, tear_down),
        cmocka_unit_test_setup_teardown(generated_objects, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
