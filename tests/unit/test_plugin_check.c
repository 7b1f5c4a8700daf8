/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin on a laptop gives the verdict of the server, byte for byte, on the examples and on objects at random. */
#include "tests/lib/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admission/review.h"
#include "base/limits.h"
#include "plugin/command.h"
#include "tests/lib/objects.h"
#include "tests/lib/workspace_generator.h"
#include "text/yaml.h"
#include "workspace/schema.h"

#define OBJECTS 1000

static struct kt_arena inputs;  /* of the whole test */
static struct kt_arena working; /* of one object */
static char folder[] = "/tmp/kaito-check.XXXXXX";
static char *object_path, *cluster_path;

static void write_file(const char *path, struct kt_str text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.length, file), text.length);
    assert_int_equal(fclose(file), 0);
}

static struct kt_str written(const cJSON *tree, bool yaml)
{
    struct kt_strbuf text;
    kt_strbuf_init(&text, &working, KT_LIMIT_MANIFEST_BYTES);
    if (yaml)
        kt_yaml_write(&text, tree);
    else
        kt_json_write(&text, tree, KT_JSON_PRETTY);
    assert_false(text.failed);
    return kt_strbuf_view(&text);
}

/* The part of text between two markers. */
static struct kt_str between(struct kt_str text, const char *begin, const char *end)
{
    const char *from = text.length ? strstr(text.data, begin) : NULL;
    const char *to = from ? strstr(from + strlen(begin), end) : NULL;
    if (!to)
        fail_msg("no %s...%s in %.2000s", begin, end, text.length ? text.data : "nothing");
    from += strlen(begin);
    return (struct kt_str){from, (size_t)(to - from)};
}

static struct kt_str check_findings(void)
{
    char *output = NULL;
    size_t length = 0;
    static const char *const none[] = {NULL};
    const struct kt_environment environment = {.variables = none, .files = &kt_files_system, .clock = &kt_clock_system};
    struct kt_app app = {.arena = &working, .environment = &environment, .err = stderr};
    app.out = open_memstream(&output, &length);
    assert_non_null(app.out);
    static char program[] = "kubectl-kaito", check[] = "check", f[] = "-f", o[] = "-o", json[] = "json",
                complete[] = "--complete";
    char *argv[] = {program, check, complete, f, object_path, f, cluster_path, o, json, NULL};
    int code = kt_app_run(&app, (int)KT_ARRAY_LENGTH(argv) - 1, argv);
    assert_int_equal(fclose(app.out), 0);
    assert_true(code == KT_EXIT_OK || code == KT_EXIT_ERROR);
    struct kt_str copy = kt_arena_str(&working, (struct kt_str){output, length});
    free(output);
    return between(copy, "\"findings\":", ",\"positions\":");
}

static struct kt_str review_findings(const cJSON *object, const cJSON *cluster)
{
    cJSON *line = kt_json_new_object(&working), *request = kt_json_ensure_object(&working, line, "request");
    kt_json_set_string(&working, line, "id", "x");
    kt_json_set_string(&working, request, "operation", "CREATE");
    kt_json_set_string(&working, request, "namespace", "default");
    kt_json_set(&working, request, "object", kt_json_reference(&working, object));
    kt_json_set(&working, line, "clusterObjects", kt_json_reference(&working, cluster));
    struct kt_strbuf text, answer;
    kt_strbuf_init(&text, &working, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_strbuf_init(&answer, &working, KT_LIMIT_REVIEW_ARENA_BYTES);
    kt_json_write(&text, line, KT_JSON_COMPACT);
    struct kt_review_line_options options = {.schema = true};
    kt_settings_init(&options.settings);
    kt_review_line(&working, kt_strbuf_view(&text), &options, &answer);
    assert_false(answer.failed);
    return between(kt_strbuf_view(&answer), "\"findings\":", ",\"warnings\":");
}

static bool is_workspace(const cJSON *object)
{
    const char *version = kt_json_string_or(kt_json_get(object, "apiVersion"), "");
    return kt_streq(kt_json_string_or(kt_json_get(object, "kind"), ""), "Workspace") &&
           (kt_streq(version, "kaito.sh/v1beta1") || kt_streq(version, "kaito.sh/v1alpha1"));
}

/* Unknown fields are findings of `check` alone: a server never sees them. */
static bool has_unknown_fields(const cJSON *object)
{
    return kt_schema_unknown_fields(&working, kt_schema_workspace(NULL), object) != NULL;
}

static bool compare(const cJSON *object, const cJSON *cluster, bool yaml)
{
    kt_arena_reset(&working);
    if (!is_workspace(object) || has_unknown_fields(object))
        return false;
    write_file(object_path, written(object, yaml));
    struct kt_str here = check_findings(), there = review_findings(object, cluster);
    if (!kt_str_equal(here, there))
        fail_msg("%s\ncheck:  %.*s\nreview: %.*s", kt_test_write_json(&working, object), (int)here.length, here.data,
                 (int)there.length, there.data);
    return true;
}

static void write_cluster(const cJSON *objects)
{
    cJSON *list = kt_json_new_object(&inputs);
    kt_json_set_string(&inputs, list, "apiVersion", "v1");
    kt_json_set_string(&inputs, list, "kind", "List");
    kt_json_set(&inputs, list, "items", kt_json_reference(&inputs, objects));
    kt_arena_reset(&working);
    write_file(cluster_path, written(list, false));
}

static void the_findings_are_those_of_review_for_any_object(void **state KT_UNUSED)
{
    struct kt_workspace_generator generator;
    cJSON *cluster = kt_workspace_generator_cluster(&inputs);
    size_t compared = 0;
    write_cluster(cluster);
    kt_workspace_generator_init(&generator, &inputs, 20261123);
    for (size_t i = 0; i < OBJECTS; i++)
        compared += compare(kt_workspace_generator_make(&generator), cluster, i % 2 == 0);
    assert_true(compared > OBJECTS / 4);
}

static void the_findings_are_those_of_review_for_the_examples(void **state KT_UNUSED)
{
    static const char *const folders[] = {"examples/fine-tuning", "examples/inference", "examples/refused"};
    size_t compared = 0;
    for (size_t f = 0; f < KT_ARRAY_LENGTH(folders); f++) {
        size_t count = 0;
        const char *const *names = kt_test_list_files(&inputs, folders[f], ".yaml", &count);
        for (size_t i = 0; i < count; i++) {
            struct kt_yaml_documents documents;
            struct kt_error error;
            assert_int_equal(kt_yaml_parse(&inputs, kt_test_read_file(&inputs, names[i]), &documents, &error), 0);
            cJSON *cluster = kt_test_templates(&inputs);
            for (size_t d = 0; d < documents.count; d++)
                if (documents.items[d].root && !is_workspace(documents.items[d].root))
                    kt_json_append(&inputs, cluster, documents.items[d].root);
            write_cluster(cluster);
            for (size_t d = 0; d < documents.count; d++)
                compared += documents.items[d].root && compare(documents.items[d].root, cluster, true);
        }
    }
    assert_true(compared > 30);
}

static int set_up(void **state KT_UNUSED)
{
    kt_arena_init(&inputs, (size_t)(256 * KT_MIB));
    kt_arena_init(&working, (size_t)(256 * KT_MIB));
    if (!mkdtemp(folder))
        return -1;
    object_path = kt_arena_printf(&inputs, "%s/object.yaml", folder);
    cluster_path = kt_arena_printf(&inputs, "%s/cluster.json", folder);
    return object_path && cluster_path ? 0 : -1;
}

static int tear_down(void **state KT_UNUSED)
{
    unlink(object_path);
    unlink(cluster_path);
    rmdir(folder);
    kt_arena_release(&inputs);
    kt_arena_release(&working);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_findings_are_those_of_review_for_the_examples),
        cmocka_unit_test(the_findings_are_those_of_review_for_any_object),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
