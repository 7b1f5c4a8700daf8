/* SPDX-License-Identifier: Apache-2.0 */
/* Judging: check kinds, default both objects, walk the rule tables, soften what an update did not cause, sort. */
#include "admission/admission.h"

#include "admission/facts.h"
#include "admission/ratchet.h"
#include "base/limits.h"
#include "workspace/pod_types.h"
#include "workspace/schema.h"

const struct kt_rule_table *const kt_rule_tables[] = {
    &kt_rules_metadata, &kt_rules_resource,         &kt_rules_nodes,  &kt_rules_partition, &kt_rules_inference_memory,
    &kt_rules_memory,   &kt_rules_tuning,           &kt_rules_config, &kt_rules_trainer,   &kt_rules_inference,
    &kt_rules_adapters, &kt_rules_inference_config, &kt_rules_update, &kt_rules_cluster,   NULL,
};

/* --- kinds ---------------------------------------------------------------------------------------------------------
 */

static enum kt_problem problem_of(enum kt_schema_problem_kind kind)
{
    switch (kind) {
    case KT_SCHEMA_REQUIRED:
        return KT_PROBLEM_REQUIRED;
    case KT_SCHEMA_ENUM:
        return KT_PROBLEM_UNSUPPORTED;
    case KT_SCHEMA_UNKNOWN:
        return KT_PROBLEM_FORBIDDEN;
    case KT_SCHEMA_TYPE:
    case KT_SCHEMA_VALUE:
        break;
    }
    return KT_PROBLEM_INVALID;
}

/* The message of a schema problem is whole already, so it is added as a note and its kind set after. */
static void add_problem(struct kt_findings *findings, const char *rule, const struct kt_schema_problem *problem)
{
    struct kt_finding *finding = kt_findings_add(findings, rule, KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, problem->path,
                                                 KT_PROBLEM_NOTE, NULL, "%s", problem->message);
    if (finding) {
        finding->problem = problem_of(problem->kind);
    }
}

/* Upstream decodes an object before it judges it, and refuses values of a wrong kind there: rule DECODE. The CRD's own
 * findings are rule SCHEMA; where it is not asked for, its wrong kinds still are what upstream cannot decode. */
static void check_kinds(struct kt_arena *arena, const struct kt_admission_request *request,
                        const struct kt_schema *schema, const struct kt_defaulting *defaulting,
                        struct kt_findings *findings)
{
    bool is_known = !request->check_schema && defaulting->is_checked; /* the object is then the one as it was given */
    const struct kt_schema_problem *problem =
        is_known ? defaulting->problems : kt_schema_check(arena, schema, request->object);
    for (; problem; problem = problem->next) {
        if (request->check_schema || problem->kind == KT_SCHEMA_TYPE) {
            add_problem(findings, request->check_schema ? "SCHEMA" : "DECODE", problem);
        }
    }
    for (problem = kt_workspace_check_kinds(arena, request->object); problem; problem = problem->next) {
        add_problem(findings, "DECODE", problem);
    }
}

/* --- rules ---------------------------------------------------------------------------------------------------------
 */

static bool in_scope(const struct kt_rule *rule, const struct kt_facts *facts)
{
    switch (rule->scope) {
    case KT_SCOPE_TUNING:
        return facts->now.tuning.node != NULL;
    case KT_SCOPE_INFERENCE:
        return facts->now.inference.node != NULL;
    case KT_SCOPE_ANY:
        break;
    }
    return true;
}

static void run_rules(const struct kt_facts *facts, struct kt_findings *findings)
{
    for (const struct kt_rule_table *const *table = kt_rule_tables; *table; table++) {
        for (size_t i = 0; i < (*table)->count && !findings->truncated && !facts->arena->overworked; i++) {
            const struct kt_rule *rule = &(*table)->rules[i];
            if ((rule->operations & (unsigned)facts->operation) && in_scope(rule, facts)) {
                struct kt_rule_run run = {facts, findings, rule};
                rule->check(&run);
            }
        }
    }
}

/* Is one of the two fields the other or inside of it? "" is the whole object. */
static bool fields_overlap(const char *a, const char *b)
{
    size_t length = KT_MIN(strlen(a), strlen(b));
    char next = strlen(a) > length ? a[length] : b[length];
    return strncmp(a, b, length) == 0 && (length == 0 || next == 0 || next == '.' || next == '[');
}

/* Does the first `known` of the findings say more than this one? A rule that sees a value of the wrong kind takes it
 * for absent, so what it says about that field or around it is not to the point. And where a rule explains what is
 * missing, the schema's bare words can go. */
static bool is_idle(const struct kt_findings *findings, size_t index, size_t known)
{
    const struct kt_finding *finding = &findings->items[index];
    for (size_t i = 0; index >= known && i < known; i++) {
        const struct kt_finding *other = &findings->items[i];
        bool is_wrong_kind = other->problem == KT_PROBLEM_INVALID;
        if (is_wrong_kind ? fields_overlap(other->field, finding->field)
                          : other->problem == KT_PROBLEM_UNSUPPORTED && kt_streq(other->field, finding->field)) {
            return true;
        }
    }
    for (size_t i = known; index < known && i < findings->count; i++) {
        const struct kt_finding *other = &findings->items[i];
        if (finding->problem == KT_PROBLEM_REQUIRED && other->severity == KT_SEVERITY_ERROR &&
            other->origin == finding->origin && kt_streq(other->field, finding->field)) {
            return true;
        }
    }
    return false;
}

static void drop_idle(struct kt_findings *findings, size_t known)
{
    bool idle[KT_LIMIT_FINDINGS + 1] = {false};
    size_t count = KT_MIN(findings->count, KT_ARRAY_LENGTH(idle));
    for (size_t i = 0; known > 0 && i < count; i++) {
        idle[i] = is_idle(findings, i, known);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!idle[i]) {
            findings->items[kept++] = findings->items[i];
        }
    }
    findings->count = kept;
}

/* Does upstream refuse the object as it was written, because it lacks what a default of ours fills in? The CRD of
 * upstream requires labelSelector, its rules the other two. */
static bool upstream_misses_a_default(const struct kt_facts *facts)
{
    const struct kt_workspace *written = facts->written;
    const char *method = written->tuning.method;
    const char *machine = written->resource.instance_type;
    struct kt_workspace before;
    kt_workspace_view(facts->before_written, &before);
    bool is_update = facts->operation == KT_OPERATION_UPDATE;
    bool had_no_method = is_update && !(before.tuning.method && *before.tuning.method);
    bool lacks_method = written->tuning.node && !(method && *method) && !had_no_method;
    bool lacks_machine = !facts->bring_your_own && !(machine && *machine);
    bool lacks_selector = written->resource.node && !written->resource.label_selector;
    return lacks_method || lacks_machine || lacks_selector;
}

/* `own` stands exactly where upstream would pass. It does not pass an object that lacks such a field, whatever else we
 * find wrong with it. */
static void mark_origins(const struct kt_facts *facts, struct kt_findings *findings)
{
    for (size_t i = 0; upstream_misses_a_default(facts) && i < findings->count; i++) {
        if (findings->items[i].severity == KT_SEVERITY_ERROR) {
            findings->items[i].origin = KT_ORIGIN_UPSTREAM;
        }
    }
}

/* Both objects are read as if what is still absent had its default: the mutating webhook may have been down, and it
 * leaves an object alone that is being deleted. */
static void judge_object(struct kt_arena *arena, const struct kt_admission_request *request,
                         const struct kt_defaulting *defaulting, struct kt_findings *findings)
{
    struct kt_workspace written;
    struct kt_facts facts;
    bool is_update = request->operation == KT_OPERATION_UPDATE;
    const cJSON *now = kt_admission_assume_defaults(arena, request, defaulting->mutated);
    const cJSON *before = is_update ? kt_admission_assume_defaults(arena, request, request->old_object) : NULL;
    size_t known = findings->count;
    kt_workspace_view(request->object, &written);
    kt_facts_read(arena, request, &written, now, before, defaulting->facts, &facts);
    run_rules(&facts, findings);
    drop_idle(findings, known);
    if (is_update) {
        kt_ratchet(arena, findings, now, before);
    }
    mark_origins(&facts, findings);
}

static int finish(struct kt_arena *arena, struct kt_findings *findings, struct kt_error *error)
{
    kt_findings_sort(findings);
    return arena->failed ? kt_admission_exhausted(arena, error) : 0;
}

/* Adds to findings; `defaulting` is that of request->object. */
static int validate(struct kt_arena *arena, const struct kt_admission_request *request,
                    const struct kt_defaulting *defaulting, struct kt_findings *findings, struct kt_error *error)
{
    const struct kt_schema *schema = kt_schema_workspace(error);
    if (!schema) {
        return KT_ENOMEM;
    }
    if (!kt_json_is_object(request->object)) {
        kt_findings_add(findings, "DECODE", KT_SEVERITY_ERROR, KT_ORIGIN_UPSTREAM, "", KT_PROBLEM_REQUIRED, NULL,
                        "the request has no Workspace object");
        return finish(arena, findings, error);
    }
    struct kt_admission_request checked = *request;
    if (request->check_schema) {
        checked.object = defaulting->mutated;
    }
    check_kinds(arena, &checked, schema, defaulting, findings);
    judge_object(arena, request, defaulting, findings);
    for (size_t i = 0; i < defaulting->notes.count; i++) {
        const struct kt_finding *note = &defaulting->notes.items[i];
        struct kt_finding *added = kt_findings_add(findings, note->rule, note->severity, note->origin, note->field,
                                                   note->problem, NULL, "%s", note->message);
        if (added) {
            added->relaxed = note->relaxed;
        }
    }
    return finish(arena, findings, error);
}

static bool is_judged(enum kt_operation operation)
{
    return operation == KT_OPERATION_CREATE || operation == KT_OPERATION_UPDATE;
}

int kt_admission_judge(struct kt_arena *arena, const struct kt_admission_request *request,
                       struct kt_defaulting *ret_defaulting, struct kt_findings *ret_findings, struct kt_error *error)
{
    const struct kt_schema *schema = kt_schema_workspace(error);
    if (!schema) {
        return KT_ENOMEM;
    }
    if (request->check_schema && is_judged(request->operation)) {
        kt_schema_drop_nulls(schema, request->object);
        kt_schema_drop_nulls(schema, request->old_object);
        kt_schema_prune(schema, request->object);
        const cJSON *status =
            request->operation == KT_OPERATION_UPDATE ? kt_json_get(request->old_object, "status") : NULL;
        kt_json_remove(request->object, "status");
        if (status && kt_json_is_object(request->object)) {
            kt_json_set(arena, request->object, "status", kt_json_clone(arena, status));
        }
    }
    struct kt_defaulting defaulting;
    struct kt_findings findings;
    kt_findings_init(&findings, arena);
    int code = kt_admission_default(arena, request, &defaulting, error);
    if (code == 0 && is_judged(request->operation)) {
        code = validate(arena, request, &defaulting, &findings, error);
    }
    if (code == 0) {
        *ret_defaulting = defaulting;
        *ret_findings = findings;
    }
    return code;
}

int kt_admission_validate(struct kt_arena *arena, const struct kt_admission_request *request,
                          struct kt_findings *ret_findings, struct kt_error *error)
{
    struct kt_defaulting defaulting;
    struct kt_findings findings;
    kt_findings_init(&findings, arena);
    int code = 0;
    if (is_judged(request->operation)) {
        code = kt_admission_default(arena, request, &defaulting, error);
        code = code < 0 ? code : validate(arena, request, &defaulting, &findings, error);
    }
    if (code == 0) {
        *ret_findings = findings;
    }
    return code;
}
