/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The course of `check`. First all files are looked through for ConfigMaps and the like, which are the cluster of this
 * check; then the Workspaces are judged one by one.
 */
#include <inttypes.h>
#include <string.h>

#include "admission/facts.h"
#include "admission/fields.h"
#include "base/limits.h"
#include "plugin/check.h"
#include "plugin/manifest_cluster.h"
#include "text/json_pointer.h"
#include "workspace/workspace.h"

struct check {
    struct kt_check_run run;
    struct kt_app *app;
    const struct kt_check_setup *setup;
    struct kt_manifest_list files;
    struct kt_manifest_cluster cluster;
    struct kt_cluster view;
    struct kt_arena scratch; /* of one file that is not kept */
    struct kt_arena judging; /* of one Workspace */
    struct kt_check_totals totals;
    struct kt_manifest_file *file; /* being looked at */
    size_t workspaces_of_file;
    size_t skipped; /* objects of other kinds, so far */
    struct kt_error *error;
    int code; /* of a fault that ends the whole check */
};

static void check_release(struct check *check)
{
    kt_arena_release(&check->scratch);
    kt_arena_release(&check->judging);
}

/* --- output --------------------------------------------------------------------------------------------------------
 */

static void write_text(struct check *check, struct kt_strbuf *text)
{
    if (text->failed && check->code == 0)
        check->code = kt_error_set(check->error, KT_ENOMEM, "not enough memory for the output");
    kt_output_send(check->app, kt_strbuf_view(text));
}

static struct kt_strbuf new_text(struct kt_arena *arena)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, arena, KT_OUTPUT_LIMIT_BYTES);
    return text;
}

/* The message of a parse error begins with the place, which stands in front of the sentence anyway. */
static const char *without_place(const char *message, struct kt_position position)
{
    char place[64];
    int length =
        snprintf(place, sizeof(place), "line %" PRIu32 ", column %" PRIu32 ": ", position.line, position.column);
    return strncmp(message, place, (size_t)length) == 0 ? message + length : message;
}

/* One clear sentence on standard error, and the same in the chosen format. */
static void report_unusable(struct check *check, const struct kt_unusable *told)
{
    check->totals.unusable++;
    struct kt_unusable copy = *told;
    const struct kt_unusable *unusable = &copy;
    copy.message = without_place(told->message, told->position);
    struct kt_error error;
    if (unusable->position.line > 0)
        kt_error_set(&error, KT_EINVAL, "%s:%" PRIu32 ":%" PRIu32 ": %s", unusable->name, unusable->position.line,
                     unusable->position.column, unusable->message);
    else
        kt_error_set(&error, KT_EINVAL, "%s", unusable->message);
    fflush(check->app->out);
    kt_app_report(check->app, &error);
    struct kt_strbuf text = new_text(&check->judging);
    check->setup->writer->unusable(&check->run, &text, unusable);
    write_text(check, &text);
    kt_arena_reset(&check->judging);
}

static void file_trouble(void *context, const char *name, const struct kt_error *error)
{
    const struct kt_unusable unusable = {.name = name, .message = error->message};
    report_unusable(context, &unusable);
}

/* --- judging one Workspace -----------------------------------------------------------------------------------------
 */

/* Duplicates of the document that lie in this object, with paths that begin in it. */
static const struct kt_yaml_duplicate *duplicates_of(struct kt_arena *arena, const struct kt_manifest_object *object)
{
    struct kt_yaml_duplicate *first = NULL, **link = &first;
    size_t length = strlen(object->list_path);
    for (const struct kt_yaml_duplicate *at = object->document->duplicates; at; at = at->next) {
        if (length > 0 && (strncmp(at->path, object->list_path, length) != 0 || at->path[length] != '.'))
            continue;
        struct kt_yaml_duplicate *copy = kt_arena_alloc(arena, sizeof(*copy));
        if (!copy)
            break;
        *copy = (struct kt_yaml_duplicate){at->path + length + (length > 0), at->position, NULL};
        *link = copy;
        link = (struct kt_yaml_duplicate **)(uintptr_t)&copy->next;
    }
    return first;
}

static struct kt_position position_of(const struct kt_manifest_object *object, const struct kt_finding *finding,
                                      const struct kt_yaml_duplicate *duplicates)
{
    for (; kt_streq(finding->rule, "F002") && duplicates; duplicates = duplicates->next)
        if (kt_streq(duplicates->path, finding->field))
            return duplicates->position;
    bool exact = false;
    const cJSON *node =
        finding->field[0] ? kt_field_path_find(NULL, (cJSON *)(uintptr_t)object->node, finding->field, &exact) : NULL;
    if (!node)
        return object->position;
    const struct kt_positions *positions = object->document->positions;
    bool is_value = exact && !kt_streq(finding->rule, "F001");
    struct kt_position first = is_value ? kt_positions_of_value(positions, node) : kt_positions_of_key(positions, node);
    struct kt_position second =
        is_value ? kt_positions_of_key(positions, node) : kt_positions_of_value(positions, node);
    return first.line > 0 ? first : second.line > 0 ? second : object->position;
}

static int judge(struct check *check, const struct kt_manifest_object *object,
                 const struct kt_yaml_duplicate *duplicates, struct kt_defaulting *ret_defaulting,
                 struct kt_findings *ret_findings)
{
    struct kt_arena *arena = &check->judging;
    const struct kt_admission_request request = {
        .operation = KT_OPERATION_CREATE,
        .namespace_ = object->namespace_ ? object->namespace_ : check->setup->default_namespace,
        .object = kt_json_clone(arena, object->node),
        .settings = &check->setup->settings,
        .cluster = &check->view,
        .check_schema = true,
    };
    if (!request.object)
        return kt_error_set(check->error, KT_ENOMEM, "not enough memory to judge a Workspace");
    int code = kt_admission_judge(arena, &request, ret_defaulting, ret_findings, check->error);
    const struct kt_schema *schema = code == 0 ? kt_schema_workspace(check->error) : NULL;
    if (!schema)
        return code != 0 ? code : KT_ENOMEM;
    kt_fields_check(ret_findings, schema, object->node, duplicates);
    kt_findings_sort(ret_findings);
    if (arena->overworked)
        return kt_error_set(check->error, KT_ELIMIT, "judging it takes more work than a server does for one request");
    return arena->failed ? kt_error_set(check->error, KT_ENOMEM, "not enough memory to judge a Workspace") : 0;
}

/* The facts by which it was judged, read once more. */
static void tell_of_facts(struct check *check, const struct kt_manifest_object *object,
                          const struct kt_defaulting *defaulting)
{
    struct kt_workspace written;
    struct kt_facts facts;
    const struct kt_admission_request request = {
        .operation = KT_OPERATION_CREATE,
        .namespace_ = object->namespace_ ? object->namespace_ : check->setup->default_namespace,
        .object = defaulting->mutated,
        .settings = &check->setup->settings,
        .cluster = &check->view,
    };
    kt_workspace_view(defaulting->mutated, &written);
    kt_facts_read(&check->judging, &request, &written, defaulting->mutated, NULL, NULL, &facts);
    if (!check->judging.failed)
        check->setup->judged(check->setup->judged_context, &facts);
}

static void check_workspace(struct check *check, const struct kt_manifest_object *object)
{
    struct kt_defaulting defaulting = {0};
    struct kt_findings findings = {0};
    const struct kt_yaml_duplicate *duplicates = duplicates_of(&check->judging, object);
    int code = judge(check, object, duplicates, &defaulting, &findings);
    if (code == KT_ELIMIT) { /* a server would refuse it in these words; the others are still to be checked */
        const struct kt_unusable unusable = {check->file->name, check->file, object->position, check->error->message};
        report_unusable(check, &unusable);
        return;
    }
    check->code = code;
    if (code != 0)
        return;
    struct kt_position *positions = kt_arena_calloc(&check->judging, findings.count + 1, sizeof(*positions));
    for (size_t i = 0; positions && i < findings.count; i++) {
        positions[i] = position_of(object, &findings.items[i], duplicates);
        bool is_error = findings.items[i].severity == KT_SEVERITY_ERROR;
        check->totals.errors += is_error;
        check->totals.warnings += !is_error;
    }
    const struct kt_checked checked = {
        .file = check->file,
        .object = object,
        .findings = &findings,
        .positions = positions,
        .defaulting = &defaulting,
        .allowed = !kt_findings_has_error(&findings),
    };
    if (check->setup->judged)
        tell_of_facts(check, object, &defaulting);
    struct kt_strbuf text = new_text(&check->judging);
    if (positions)
        check->setup->writer->checked(&check->run, &text, &checked);
    check->totals.workspaces++;
    check->workspaces_of_file++;
    write_text(check, &text);
}

/* --- objects -------------------------------------------------------------------------------------------------------
 */

static void say_skipped(struct check *check, const struct kt_manifest_object *object, const char *what)
{
    check->skipped++;
    if (check->app->globals.verbosity.value > 0)
        fprintf(check->app->err, "%s:%" PRIu32 ": skipped: %s\n", check->file->name, object->position.line, what);
}

/* What looks like one of ours but is not, or like nothing at all. Files of a folder may well be something else. */
static void judge_stranger(struct check *check, const struct kt_manifest_object *object)
{
    struct kt_unusable unusable = {check->file->name, check->file, object->position, NULL};
    bool our_group = kt_str_starts_with(kt_str(object->api_version), KT_STR(KT_GROUP "/"));
    bool our_kind = object->kind && kt_streq_nocase(object->kind, "Workspace");
    if (our_kind && our_group)
        unusable.message = "apiVersion and kind of a Workspace are " KT_GROUP "/v1beta1 (or " KT_GROUP
                           "/v1alpha1) and Workspace, in exactly these letters";
    else if (our_kind && !object->api_version)
        unusable.message = "apiVersion is missing; that of a Workspace is " KT_GROUP "/v1beta1";
    else if (!object->kind && our_group)
        unusable.message = "kind is missing; write kind: Workspace";
    else if (!object->kind && !check->file->found)
        unusable.message = kt_json_is_object(object->node)
                               ? "this is no object of Kubernetes: apiVersion and kind are missing"
                               : "this is no object of Kubernetes but a single value or a list";
    if (unusable.message)
        report_unusable(check, &unusable);
    else
        say_skipped(check, object, object->kind ? object->kind : "no object of Kubernetes");
}

static bool is_workspace(const struct kt_manifest_object *object)
{
    return object->kind && kt_streq(object->kind, "Workspace") && object->api_version &&
           (kt_streq(object->api_version, KT_GROUP "/v1beta1") || kt_streq(object->api_version, KT_GROUP "/v1alpha1"));
}

static bool check_object(void *context, const struct kt_manifest_object *object)
{
    struct check *check = context;
    if (is_workspace(object))
        check_workspace(check, object);
    else
        judge_stranger(check, object);
    kt_arena_reset(&check->judging);
    return check->code == 0;
}

static bool collect_object(void *context, const struct kt_manifest_object *object)
{
    struct check *check = context;
    kt_manifest_cluster_add(&check->cluster, object);
    return true;
}

/* --- files ---------------------------------------------------------------------------------------------------------
 */

static void visit_documents(struct check *check, bool (*visit)(void *context, const struct kt_manifest_object *object))
{
    const struct kt_yaml_documents *documents = &check->file->documents;
    struct kt_arena *arena = check->file->kept ? check->app->arena : &check->scratch;
    for (size_t i = 0; i < documents->count && check->code == 0; i++) {
        const struct kt_yaml_document *document = &documents->items[i];
        if (document->error.code == KT_OK)
            kt_manifest_visit(arena, document, i + 1, visit, check);
        else if (visit == check_object) {
            const struct kt_unusable unusable = {check->file->name, check->file,
                                                 document->error_position.line > 0 ? document->error_position
                                                                                   : document->start,
                                                 document->error.message};
            report_unusable(check, &unusable);
        }
    }
}

/* First round: what is beside the Workspaces. Files that cannot be read are told of in the second. */
static void collect_file(struct check *check, struct kt_manifest_file *file)
{
    bool keep = !file->path || check->app->arena->used_bytes < KT_MANIFEST_KEPT_BYTES;
    struct kt_arena *arena = keep ? check->app->arena : &check->scratch;
    struct kt_error error = {0};
    check->file = file;
    if (kt_manifest_read(arena, check->app->environment->files, file, &error) != 0) {
        file->failure = keep ? kt_arena_strdup(check->app->arena, error.message) : NULL;
        return;
    }
    file->kept = keep;
    visit_documents(check, collect_object);
    if (!keep)
        kt_arena_reset(&check->scratch);
}

static void check_file(struct check *check, struct kt_manifest_file *file)
{
    struct kt_error error = {0};
    check->file = file;
    check->workspaces_of_file = 0;
    size_t skipped_before = check->skipped;
    check->totals.files++;
    size_t unusable_before = check->totals.unusable;
    const char *failure = file->failure;
    if (!failure && kt_manifest_read(&check->scratch, check->app->environment->files, file, &error) != 0)
        failure = error.message;
    if (failure) {
        const struct kt_unusable unusable = {.name = file->name, .message = failure};
        report_unusable(check, &unusable);
    } else {
        visit_documents(check, check_object);
    }
    bool silent = check->workspaces_of_file == 0 && check->totals.unusable == unusable_before && check->code == 0;
    if (silent && !file->found && check->skipped == skipped_before) {
        const struct kt_unusable unusable = {
            .name = file->name,
            .message = kt_arena_printf(&check->scratch, "%s is empty: it holds no document", file->name)};
        if (unusable.message)
            report_unusable(check, &unusable);
    }
    if (!file->kept)
        kt_arena_reset(&check->scratch);
}

/* --- the course ----------------------------------------------------------------------------------------------------
 */

static int exit_code_of(const struct check *check)
{
    if (check->totals.unusable > 0)
        return KT_EXIT_UNUSABLE;
    bool warned = check->app->globals.warnings_as_errors && check->totals.warnings > 0;
    return check->totals.errors > 0 || check->run.failures > 0 || warned ? KT_EXIT_ERROR : KT_EXIT_OK;
}

static void report_nothing(struct check *check)
{
    const char *others =
        check->skipped == 0 ? ""
        : check->skipped == 1
            ? "; 1 object of another kind was skipped"
            : kt_arena_printf(&check->scratch, "; %zu objects of other kinds were skipped", check->skipped);
    const struct kt_unusable unusable = {
        .name = check->setup->files->items[0],
        .message = kt_arena_printf(
            &check->scratch, "there is nothing to %s in %s: no Workspace was found%s", check->setup->verb,
            check->setup->files->count == 1 ? check->setup->files->items[0] : "these files", others ? others : "")};
    if (unusable.message)
        report_unusable(check, &unusable);
}

static int run_all(struct check *check, struct kt_error *error)
{
    struct kt_strbuf text = new_text(check->app->arena);
    check->setup->writer->begin(&check->run, &text);
    write_text(check, &text);
    int code = kt_manifest_find(check->app->arena, check->setup->files, file_trouble, check, &check->files, error);
    if (code != 0)
        return code;
    kt_manifest_cluster_init(&check->cluster, check->app->arena, &check->setup->settings,
                             check->setup->default_namespace, check->setup->live);
    check->cluster.complete = check->setup->complete;
    check->view = kt_manifest_cluster_view(&check->cluster);
    check->run.cluster = &check->view;
    for (size_t i = 0; i < check->files.count; i++)
        collect_file(check, &check->files.items[i]);
    for (size_t i = 0; i < check->files.count && check->code == 0; i++)
        check_file(check, &check->files.items[i]);
    if (check->code != 0)
        return check->code;
    if (check->cluster.fault.code != KT_OK) {
        *error = check->cluster.fault;
        return kt_error_wrap(error, "the cluster could not be asked");
    }
    if (check->totals.workspaces == 0 && check->totals.unusable == 0) {
        report_nothing(check);
    }
    text = new_text(check->app->arena);
    check->setup->writer->end(&check->run, &text, &check->totals);
    write_text(check, &text);
    return check->code != 0 ? check->code : exit_code_of(check);
}

int kt_check_run_all(struct kt_app *app, const struct kt_check_setup *setup, struct kt_error *error)
{
    KT_CLEANUP(check_release)
    struct check check = {
        .run = {.app = app,
                .show_defaults = setup->show_defaults,
                .settings = &setup->settings,
                .default_namespace = setup->default_namespace,
                .context = setup->context},
        .app = app,
        .setup = setup,
        .error = error,
    };
    kt_arena_init(&check.scratch, KT_LIMIT_COMMAND_ARENA_BYTES);
    kt_arena_init(&check.judging, KT_LIMIT_COMMAND_ARENA_BYTES);
    kt_arena_limit_work(&check.judging, KT_LIMIT_REVIEW_WORK); /* as a server, which would refuse what takes more */
    return run_all(&check, error);
}
