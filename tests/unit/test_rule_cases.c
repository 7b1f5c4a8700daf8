/* SPDX-License-Identifier: Apache-2.0 */
/* Runs every case of tests/rules (see README.md there), and refuses a rule that has no accepting or no reporting one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "admission/admission.h"
#include "admission/shipped_templates.h"
#include "base/limits.h"
#include "tests/lib/objects.h"

enum { MOST_RULES = 400 };

struct coverage {
    const struct kt_rule *rule;
    size_t accepts;
    size_t reports;
};

struct suite {
    struct kt_arena arena; /* bases and case files */
    const cJSON *bases;
    const cJSON *groups;
    struct coverage rules[MOST_RULES];
    size_t rule_count;
    size_t cases;
    size_t failures;
};

static struct coverage *find_rule(struct suite *suite, const char *id)
{
    for (size_t i = 0; id && i < suite->rule_count; i++) {
        if (kt_streq(suite->rules[i].rule->id, id)) {
            return &suite->rules[i];
        }
    }
    return NULL;
}

static void fail_case(struct suite *suite, const char *file, size_t number, const cJSON *item, const char *format, ...)
    KT_PRINTF(5, 6);
static void fail_case(struct suite *suite, const char *file, size_t number, const cJSON *item, const char *format, ...)
{
    suite->failures++;
    fprintf(stderr, "%s, case %zu (%s%s%s): ", file, number, kt_json_string_or(kt_json_get(item, "rule"), "no rule"),
            kt_json_get(item, "name") ? ", " : "", kt_json_string_or(kt_json_get(item, "name"), ""));
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static const char *const CASE_KEYS[] = {"rule", "accept",  "refuse",    "warn",      "base",     "field",   "origin",
                                        "says", "silent",  "old",       "gates",     "settings", "cluster", "objects",
                                        "name", "relaxed", "operation", "templates", "config"};

static bool known_key(const char *key)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(CASE_KEYS); i++) {
        if (kt_streq(CASE_KEYS[i], key)) {
            return true;
        }
    }
    return false;
}

/* Everything that one case hands to kt_admission_validate. */
struct setting {
    struct kt_settings settings;
    struct kt_cluster cluster;
    struct kt_cluster_objects storage;
    struct kt_admission_request request;
};

static const cJSON *own_or_base(const cJSON *item, const cJSON *base, const char *key)
{
    const cJSON *own = kt_json_get(item, key);
    return own ? own : kt_json_get(base, key);
}

static void append_all(struct kt_arena *arena, cJSON *array, const cJSON *more)
{
    const cJSON *object;
    cJSON_ArrayForEach(object, more)
    {
        kt_json_append(arena, array, kt_json_clone(arena, object));
    }
}

/* The ConfigMap "mine" with the template of the object's method, changed by `config`; the object then names it. */
static cJSON *make_config(struct suite *suite, struct kt_arena *arena, const cJSON *change, cJSON *object)
{
    cJSON *tuning = kt_json_get(object, "tuning");
    const char *method = kt_json_string_or(kt_json_get(tuning, "method"), "qlora");
    const cJSON *template_ = kt_shipped_template_object(
        kt_template_name(kt_streq(method, "lora") ? KT_METHOD_LORA : KT_METHOD_QLORA, false));
    const char *text = kt_json_string(kt_json_path(template_, "data", "training_config.yaml", NULL));
    const cJSON *sections = kt_json_get(kt_test_yaml(&suite->arena, kt_str(text)), "training_config");
    cJSON *root = kt_json_new_object(arena);
    struct kt_strbuf written;
    kt_json_set(arena, root, "training_config", kt_test_merge(arena, sections, change));
    kt_strbuf_init(&written, arena, (size_t)KT_MIB);
    kt_json_write(&written, root, KT_JSON_COMPACT);
    kt_json_set_string(arena, tuning, "config", "mine");
    cJSON *map = kt_json_new_object(arena);
    kt_json_set_string(arena, map, "apiVersion", "v1");
    kt_json_set_string(arena, map, "kind", "ConfigMap");
    cJSON *metadata = kt_json_ensure_object(arena, map, "metadata");
    kt_json_set_string(arena, metadata, "name", "mine");
    kt_json_set_string(arena, metadata, "namespace", "default");
    kt_json_set_string(arena, kt_json_ensure_object(arena, map, "data"), "training_config.yaml", written.data);
    return map;
}

static const char *make_cluster(struct suite *suite, struct kt_arena *arena, const cJSON *item, const cJSON *base,
                                cJSON *config_map, struct setting *ret)
{
    const cJSON *cluster = own_or_base(item, base, "cluster");
    if (kt_json_is_string(cluster)) {
        ret->cluster = kt_cluster_unknown;
        return kt_streq(kt_json_string(cluster), "unknown") ? NULL : "cluster is a list or the word unknown";
    }
    const cJSON *templates = kt_json_get(item, "templates");
    cJSON *objects = !templates || kt_json_true(templates) ? kt_test_templates(arena) : kt_json_new_array(arena);
    const cJSON *name;
    cJSON_ArrayForEach(name, cluster)
    {
        const cJSON *group = kt_json_get(suite->groups, kt_json_string_or(name, ""));
        if (!group) {
            return "cluster names a group that bases.yaml does not have";
        }
        append_all(arena, objects, group);
    }
    append_all(arena, objects, kt_json_get(item, "objects"));
    if (config_map) {
        kt_json_append(arena, objects, config_map);
    }
    ret->cluster = kt_cluster_from_objects(arena, objects, &ret->storage);
    return NULL;
}

/* NULL, or what is wrong with the case. */
static const char *make_setting(struct suite *suite, struct kt_arena *arena, const cJSON *item, const cJSON *change,
                                struct setting *ret)
{
    const cJSON *base = kt_json_get(suite->bases, kt_json_string_or(kt_json_get(item, "base"), "tuning"));
    if (!base) {
        return "no such base";
    }
    static struct kt_error error;
    kt_settings_init(&ret->settings);
    if (kt_settings_from_json(&ret->settings, own_or_base(item, base, "gates"), own_or_base(item, base, "settings"),
                              &error) < 0) {
        return error.message;
    }
    cJSON *object = kt_test_merge(arena, kt_json_get(base, "object"), change);
    const cJSON *config = kt_json_get(item, "config");
    cJSON *config_map = config ? make_config(suite, arena, config, object) : NULL;
    const char *wrong = make_cluster(suite, arena, item, base, config_map, ret);
    if (wrong) {
        return wrong;
    }
    const cJSON *old = kt_json_get(item, "old");
    const char *operation = kt_json_string_or(kt_json_get(item, "operation"), old ? "UPDATE" : "CREATE");
    ret->request = (struct kt_admission_request){
        .operation = kt_streq(operation, "UPDATE") ? KT_OPERATION_UPDATE : KT_OPERATION_CREATE,
        .namespace_ = kt_json_string_or(kt_json_path(object, "metadata", "namespace", NULL), "default"),
        .name = kt_json_string(kt_json_path(object, "metadata", "name", NULL)),
        .object = object,
        .old_object = old ? kt_test_merge(arena, kt_json_get(base, "object"), old) : NULL,
        .settings = &ret->settings,
        .cluster = &ret->cluster,
    };
    return NULL;
}

static bool says_all(const struct kt_finding *finding, const cJSON *says)
{
    if (!kt_json_is_array(says)) {
        return !says || strstr(finding->message, kt_json_string_or(says, "?"));
    }
    const cJSON *text;
    cJSON_ArrayForEach(text, says)
    {
        if (!strstr(finding->message, kt_json_string_or(text, "?"))) {
            return false;
        }
    }
    return true;
}

static bool listed(const cJSON *list, const char *text)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        if (kt_streq(kt_json_string_or(entry, ""), text)) {
            return true;
        }
    }
    return false;
}

static bool as_wanted(const struct kt_finding *finding, const struct kt_rule *rule, const cJSON *item,
                      enum kt_severity severity)
{
    const char *origin = kt_json_string(kt_json_get(item, "origin"));
    enum kt_origin wanted_origin = !origin                        ? rule->origin
                                   : kt_streq(origin, "upstream") ? KT_ORIGIN_UPSTREAM
                                                                  : KT_ORIGIN_OWN;
    const cJSON *relaxed = kt_json_get(item, "relaxed");
    return kt_streq(finding->rule, rule->id) && finding->severity == severity && finding->origin == wanted_origin &&
           finding->relaxed == (relaxed ? kt_json_true(relaxed) : rule->relaxed) &&
           kt_streq(finding->field, kt_json_string_or(kt_json_get(item, "field"), "?")) &&
           says_all(finding, kt_json_get(item, "says"));
}

static const char *list_findings(struct kt_arena *arena, const struct kt_findings *findings)
{
    struct kt_strbuf buffer;
    kt_strbuf_init(&buffer, arena, (size_t)KT_MIB);
    kt_findings_write_json(&buffer, findings);
    return buffer.data;
}

static void judge_case(struct suite *suite, const char *file, size_t number, const cJSON *item,
                       struct coverage *coverage, struct kt_arena *arena)
{
    const cJSON *accept = kt_json_get(item, "accept");
    const cJSON *refuse = kt_json_get(item, "refuse");
    const cJSON *warn = kt_json_get(item, "warn");
    if ((accept != NULL) + (refuse != NULL) + (warn != NULL) != 1) {
        fail_case(suite, file, number, item, "needs exactly one of accept, refuse and warn");
        return;
    }
    if (!accept && !kt_json_get(item, "field")) {
        fail_case(suite, file, number, item, "needs the field of the finding");
        return;
    }
    struct setting setting = {0};
    const char *wrong = make_setting(suite, arena, item, accept ? accept : refuse ? refuse : warn, &setting);
    if (wrong) {
        fail_case(suite, file, number, item, "%s", wrong);
        return;
    }
    struct kt_findings findings;
    struct kt_error error = {0};
    if (kt_admission_validate(arena, &setting.request, &findings, &error) < 0) {
        fail_case(suite, file, number, item, "could not be judged: %s", error.message);
        return;
    }
    bool found = false;
    for (size_t i = 0; i < findings.count; i++) {
        const struct kt_finding *finding = &findings.items[i];
        if (accept ? kt_streq(finding->rule, coverage->rule->id)
                   : as_wanted(finding, coverage->rule, item, refuse ? KT_SEVERITY_ERROR : KT_SEVERITY_WARNING)) {
            found = true;
        }
        if (listed(kt_json_get(item, "silent"), finding->rule)) {
            fail_case(suite, file, number, item, "%s must be silent here, but: %s", finding->rule, finding->message);
        }
    }
    if (accept ? found : !found) {
        fail_case(suite, file, number, item, "%s; all findings: %s",
                  accept ? "the rule must be silent" : "no finding as described", list_findings(arena, &findings));
    }
    *(accept ? &coverage->accepts : &coverage->reports) += 1;
}

static void run_file(struct suite *suite, const char *file)
{
    const cJSON *list = kt_test_yaml(&suite->arena, kt_test_read_file(&suite->arena, file));
    struct kt_arena arena KT_CLEANUP(kt_arena_release);
    kt_arena_init(&arena, KT_LIMIT_REVIEW_ARENA_BYTES);
    size_t number = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        number++;
        suite->cases++;
        const cJSON *member;
        cJSON_ArrayForEach(member, item)
        {
            if (!known_key(member->string)) {
                fail_case(suite, file, number, item, "unknown key %s", member->string);
            }
        }
        struct coverage *coverage = find_rule(suite, kt_json_string(kt_json_get(item, "rule")));
        if (!coverage) {
            fail_case(suite, file, number, item, "no rule of this id is in the tables");
            continue;
        }
        judge_case(suite, file, number, item, coverage, &arena);
        kt_arena_reset(&arena);
    }
}

static void collect_rules(struct suite *suite)
{
    for (const struct kt_rule_table *const *table = kt_rule_tables; *table; table++) {
        for (size_t i = 0; i < (*table)->count; i++) {
            const struct kt_rule *rule = &(*table)->rules[i];
            assert_true(suite->rule_count < MOST_RULES);
            if (find_rule(suite, rule->id)) {
                fprintf(stderr, "rule %s is in the tables twice\n", rule->id);
                suite->failures++;
            }
            suite->rules[suite->rule_count++].rule = rule;
        }
    }
}

static void check_rows(struct suite *suite)
{
    for (size_t i = 0; i < suite->rule_count; i++) {
        const struct kt_rule *rule = suite->rules[i].rule;
        if (!suite->rules[i].accepts || !suite->rules[i].reports) {
            fprintf(stderr, "rule %s (%s) has %zu accepting and %zu reporting cases\n", rule->id, rule->title,
                    suite->rules[i].accepts, suite->rules[i].reports);
            suite->failures++;
        }
        if ((rule->origin == KT_ORIGIN_OWN || rule->relaxed) && !rule->reason) {
            fprintf(stderr, "rule %s is our own or relaxed and does not say why\n", rule->id);
            suite->failures++;
        }
    }
}

static void test_all_rule_cases(void **state)
{
    (void)state;
    static struct suite suite;
    kt_arena_init(&suite.arena, (size_t)(256 * KT_MIB));
    const cJSON *bases = kt_test_yaml(&suite.arena, kt_test_read_file(&suite.arena, "tests/rules/bases.yaml"));
    suite.bases = kt_json_get(bases, "bases");
    suite.groups = kt_json_get(bases, "groups");
    collect_rules(&suite);
    size_t count = 0;
    const char *const *files = kt_test_list_files(&suite.arena, "tests/rules", ".yaml", &count);
    for (size_t i = 0; i < count; i++) {
        if (!kt_str_ends_with(kt_str(files[i]), KT_STR("/bases.yaml"))) {
            run_file(&suite, files[i]);
        }
    }
    check_rows(&suite);
    print_message("%zu cases for %zu rules\n", suite.cases, suite.rule_count);
    assert_true(suite.cases > 0);
    assert_int_equal(suite.failures, 0);
    kt_arena_release(&suite.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_rule_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
