/* SPDX-License-Identifier: Apache-2.0 */
/* Where upstream Kaito v0.12.0 breaks, lets harm through or speaks in riddles: ours answers cleanly. */
#include "tests/lib/cmocka_all.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "tests/lib/objects.h"
#include "tests/lib/review_case.h"
#include "text/json_pointer.h"

static const char *const versions[] = {"kaito.sh/v1beta1", "kaito.sh/v1alpha1"};

static int set_up(void **state)
{
    static struct kt_review_case test;
    kt_review_case_init(&test);
    *state = &test;
    return 0;
}

static int tear_down(void **state)
{
    kt_review_case_release(*state);
    return 0;
}

/* --- the table -----------------------------------------------------------------------------------------------------
 */

static const char *const row_keys[] = {"spot",  "base",  "change", "old",    "objects", "templates",
                                       "gates", "field", "says",   "unsaid", "warns",   "filled"};

static void check_keys(const cJSON *row)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, row)
    {
        bool known = false;
        for (size_t i = 0; i < KT_ARRAY_LENGTH(row_keys); i++)
            known = known || kt_streq(member->string, row_keys[i]);
        if (!known)
            fail_msg("a row has the unknown key %s", member->string);
    }
}

static void set_surroundings(struct kt_review_case *test, const cJSON *row)
{
    struct kt_admission_case *admission = &test->admission;
    const cJSON *templates = kt_json_get(row, "templates");
    cJSON *objects = !templates || kt_json_true(templates) ? kt_test_templates(&admission->arena)
                                                           : kt_json_new_array(&admission->arena);
    const cJSON *object;
    cJSON_ArrayForEach(object, kt_json_get(row, "objects"))
        kt_json_append(&admission->arena, objects, kt_json_clone(&admission->arena, object));
    admission->cluster = kt_cluster_from_objects(&admission->arena, objects, &admission->storage);
    kt_settings_init(&admission->settings);
    assert_int_equal(kt_settings_from_json(&admission->settings, kt_json_get(row, "gates"), NULL, NULL), 0);
}

static cJSON *make_object(struct kt_review_case *test, const cJSON *row, const cJSON *patch, const char *version)
{
    bool serves = kt_streq(kt_json_string_or(kt_json_get(row, "base"), "tuning"), "inference");
    cJSON *base = serves ? kt_admission_case_inference(&test->admission) : kt_admission_case_tuning(&test->admission);
    kt_json_set_string(&test->admission.arena, base, "apiVersion", version);
    return kt_test_merge(&test->admission.arena, base, patch);
}

struct complaint {
    char text[1024];
};

static bool complain(struct complaint *complaint, const char *what, const char *about, const char *answer)
{
    snprintf(complaint->text, sizeof(complaint->text), "%s%s: %.700s", what, about, answer);
    return false;
}

static bool holds_all(const char *message, const cJSON *texts)
{
    const cJSON *text;
    cJSON_ArrayForEach(text, texts)
    {
        if (!strstr(message, kt_json_string(text)))
            return false;
    }
    return true;
}

static bool is_told(const struct kt_review_case *test, const char *field, const cJSON *says)
{
    const cJSON *cause;
    cJSON_ArrayForEach(cause, kt_json_path(test->verdict.response, "status", "details", "causes", NULL))
    {
        if (kt_streq(kt_json_string(kt_json_get(cause, "field")), field) &&
            holds_all(kt_json_string(kt_json_get(cause, "message")), says))
            return true;
    }
    return false;
}

static bool judge_validation(struct kt_review_case *test, const cJSON *row, struct complaint *complaint)
{
    const char *field = kt_json_string(kt_json_get(row, "field"));
    const char *answer = test->answer.data;
    if (test->verdict.allowed != !field)
        return complain(complaint, "it is ", test->verdict.allowed ? "admitted" : "refused", answer);
    if (field && !is_told(test, field, kt_json_get(row, "says")))
        return complain(complaint, "no such message at ", field, answer);
    const cJSON *text;
    cJSON_ArrayForEach(text, kt_json_get(row, "warns"))
    {
        if (!kt_review_case_warns(test, kt_json_string(text)))
            return complain(complaint, "no warning ", kt_json_string(text), answer);
    }
    cJSON_ArrayForEach(text, kt_json_get(row, "unsaid"))
    {
        if (strstr(answer, kt_json_string(text)))
            return complain(complaint, "it says ", kt_json_string(text), answer);
    }
    return true;
}

static bool judge_mutation(struct kt_review_case *test, const cJSON *row, cJSON *object, struct complaint *complaint)
{
    const cJSON *pointer;
    cJSON_ArrayForEach(pointer, kt_json_get(row, "filled"))
    {
        struct kt_str path = kt_str(kt_json_string(pointer));
        if (!kt_json_pointer_find(test->verdict.patched, path) || kt_json_pointer_find(object, path)) {
            return complain(complaint, "it is not filled in: ", path.data, test->answer.data);
        }
    }
    return test->verdict.allowed || complain(complaint, "the mutating webhook refuses", "", test->answer.data);
}

static bool run_row(struct kt_review_case *test, const cJSON *row, const char *version, struct complaint *complaint)
{
    const cJSON *old_patch = kt_json_get(row, "old");
    cJSON *object = make_object(test, row, kt_json_get(row, "change"), version);
    cJSON *old = old_patch ? make_object(test, row, old_patch, version) : NULL;
    struct kt_str body = kt_review_case_body(test, object, old, false);
    const char *wrong = kt_review_case_check(test, KT_REVIEW_MUTATE, body, object);
    if (!wrong && !judge_mutation(test, row, object, complaint))
        return false;
    wrong = wrong ? wrong : kt_review_case_check(test, KT_REVIEW_VALIDATE, body, object);
    return wrong ? complain(complaint, wrong, "", test->answer.data) : judge_validation(test, row, complaint);
}

static void every_spot_of_the_table(void **state)
{
    struct kt_review_case *test = *state;
    const cJSON *rows = kt_test_yaml(&test->admission.arena,
                                     kt_test_read_file(&test->admission.arena, "tests/unit/data/weak-spots.yaml"));
    assert_true(kt_json_count(rows) > 60);
    size_t failures = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        check_keys(row);
        set_surroundings(test, row);
        for (size_t i = 0; i < KT_ARRAY_LENGTH(versions); i++) {
            struct complaint complaint;
            if (!run_row(test, row, versions[i], &complaint)) {
                failures++;
                fprintf(stderr, "%s (%s): %s\n", kt_json_string(kt_json_get(row, "spot")), versions[i], complaint.text);
            }
        }
    }
    assert_int_equal(failures, 0);
}

/* Upstream admits a tuning of any current preset; 15 of them have no tuning parameters, and the reconciler panics. */
static void only_tunable_presets_are_tuned(void **state)
{
    struct kt_review_case *test = *state;
    size_t refused = 0, admitted = 0;
    for (size_t i = 0; i < kt_model_count; i++) {
        const struct kt_model *model = &kt_models[i];
        if (model->status != KT_MODEL_CURRENT)
            continue;
        cJSON *object = kt_admission_case_tuning(&test->admission);
        kt_json_set_string(&test->admission.arena, kt_json_path(object, "tuning", "preset", NULL), "name", model->name);
        struct kt_str body = kt_review_case_body(test, object, NULL, false);
        assert_null(kt_review_case_check(test, KT_REVIEW_VALIDATE, body, object));
        bool told = is_told(test, "tuning.preset.name", NULL);
        if (told == model->tunable)
            fail_msg("%s: %s", model->name, test->answer.data);
        *(told ? &refused : &admitted) += 1;
    }
    assert_true(refused >= 15);
    assert_true(admitted > 0);
}

/* --- what a table cannot say ---------------------------------------------------------------------------------------
 */

/* Upstream lists the machine types that it knows in another order each time. */
static void a_refusal_reads_the_same_every_time(void **state)
{
    struct kt_review_case *test = *state;
    cJSON *object = kt_admission_case_changed(&test->admission, kt_admission_case_tuning(&test->admission),
                                              "{\"resource\":{\"instanceType\":\"bogus\",\"count\":3},\"tuning\":{"
                                              "\"preset\":{\"name\":\"phi3\"},\"method\":\"full\"}}");
    struct kt_str body = kt_review_case_body(test, object, NULL, false);
    assert_null(kt_review_case_check(test, KT_REVIEW_VALIDATE, body, object));
    assert_false(test->verdict.allowed);
    const char *first = kt_arena_strdup(&test->admission.arena, test->answer.data);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(kt_review_case_answer(test, KT_REVIEW_VALIDATE, body), 0);
        assert_string_equal(test->answer.data, first);
    }
}

/* Upstream judges every write of a status as if the user had changed the Workspace. */
static void subresources_pass_untouched(void **state)
{
    struct kt_review_case *test = *state;
    static const char *const members[] = {
        "\"kind\":{\"group\":\"kaito.sh\",\"version\":\"v1beta1\",\"kind\":\"Workspace\"},\"resource\":{\"group\":"
        "\"kaito.sh\",\"version\":\"v1beta1\",\"resource\":\"workspaces\"},\"subResource\":\"status\",\"operation\":"
        "\"UPDATE\",\"object\":{\"tuning\":{}},\"oldObject\":{}",
        "\"kind\":{\"group\":\"kaito.sh\",\"version\":\"v1beta1\",\"kind\":\"Workspace\"},\"operation\":\"DELETE\","
        "\"object\":null,\"oldObject\":{\"tuning\":{}}",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(members); i++) {
        struct kt_str body = kt_review_case_envelope(test, members[i]);
        for (int kind = KT_REVIEW_MUTATE; kind <= KT_REVIEW_VALIDATE; kind++) {
            assert_null(kt_review_case_check(test, (enum kt_review_kind)kind, body, NULL));
            assert_true(test->verdict.allowed);
            assert_null(kt_json_get(test->verdict.response, "patch"));
            assert_null(kt_json_get(test->verdict.response, "warnings"));
        }
    }
}

/* The last one of two equal keys wins, as upstream and the API server have it, but here it is said. */
static void the_last_duplicate_wins_and_is_told(void **state)
{
    struct kt_review_case *test = *state;
    struct kt_str body = kt_review_case_body(test, kt_admission_case_tuning(&test->admission), NULL, false);
    const char *method = strstr(body.data, "\"method\":\"qlora\"");
    assert_non_null(method);
    static const char *const twice[] = {"\"method\":\"qlora\",\"method\":\"full\"",
                                        "\"method\":\"full\",\"method\":\"qlora\""};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(twice); i++) {
        const char *text = kt_arena_printf(&test->admission.arena, "%.*s%s%s", (int)(method - body.data), body.data,
                                           twice[i], method + strlen("\"method\":\"qlora\""));
        assert_null(kt_review_case_check(test, KT_REVIEW_VALIDATE, kt_str(text), NULL));
        assert_int_equal(test->verdict.allowed, i == 1);
        assert_true(kt_review_case_warns(test, "duplicate field \"tuning.method\": the last value counts"));
    }
}

/* From here on a call that opens a socket ends the process. */
static bool forbid_sockets(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = KT_ARRAY_LENGTH(program), .filter = program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* For a preset that it does not know upstream asks huggingface.co while the API server waits. */
static void an_uncatalogued_model_is_admitted_without_the_network(void **state)
{
    struct kt_review_case *test = *state;
    cJSON *object = kt_admission_case_changed(&test->admission, kt_admission_case_inference(&test->admission),
                                              "{\"inference\":{\"preset\":{\"name\":\"some-owner/some-model\"}}}");
    struct kt_str body = kt_review_case_body(test, object, NULL, false);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!forbid_sockets())
            _exit(3);
        bool fine = !kt_review_case_check(test, KT_REVIEW_MUTATE, body, object) && test->verdict.allowed &&
                    !kt_review_case_check(test, KT_REVIEW_VALIDATE, body, object) && test->verdict.allowed &&
                    kt_review_case_warns(test, "some-owner/some-model");
        _exit(fine ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFSIGNALED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_spot_of_the_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_tunable_presets_are_tuned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_reads_the_same_every_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(subresources_pass_untouched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_duplicate_wins_and_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_uncatalogued_model_is_admitted_without_the_network, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
