/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "plugin/commands.h"

struct options {
    const char *model;
    const char *dry_run;
    const char *method;
    struct kt_number count;
    struct kt_texts urls;
    struct kt_texts labels;
    enum kt_switch checkpointing;
    bool all;
    bool watch;
    const char *namespace_;
};

static const char *const methods[] = {"qlora", "lora", NULL};

#define AT(member) offsetof(struct options, member)
static const struct kt_flag own_flags[] = {
    {.name = "model", .kind = KT_FLAG_TEXT, .offset = AT(model), .value_name = "NAME", .help = "m"},
    {.name = "preset",
     .kind = KT_FLAG_TEXT,
     .offset = AT(model),
     .value_name = "NAME",
     .help = "",
     .alias_of = "model"},
    {.name = "dry-run",
     .kind = KT_FLAG_TEXT,
     .offset = AT(dry_run),
     .value_name = "WHERE",
     .help = "d",
     .bare = "client"},
    {.name = "method",
     .kind = KT_FLAG_TEXT,
     .offset = AT(method),
     .value_name = "NAME",
     .help = "m",
     .choices = methods},
    {.name = "count",
     .kind = KT_FLAG_NUMBER,
     .offset = AT(count),
     .value_name = "N",
     .help = "c",
     .least = 1,
     .most = 10},
    {.name = "url", .kind = KT_FLAG_TEXTS, .offset = AT(urls), .value_name = "URL", .help = "u"},
    {.name = "label", .kind = KT_FLAG_COMMA_TEXTS, .offset = AT(labels), .value_name = "K=V", .help = "l"},
    {.name = "checkpointing", .kind = KT_FLAG_SWITCH, .offset = AT(checkpointing), .help = "g"},
};
static const struct kt_flag shared_flags[] = {
    {.name = "all-namespaces", .letter = 'A', .kind = KT_FLAG_BOOL, .offset = AT(all), .help = "a"},
    {.name = "watch", .letter = 'w', .kind = KT_FLAG_BOOL, .offset = AT(watch), .help = "w"},
    {.name = "namespace",
     .letter = 'n',
     .kind = KT_FLAG_TEXT,
     .offset = AT(namespace_),
     .value_name = "NAME",
     .help = "n"},
};

static struct kt_arena arena;

static int tear_down(void **state KT_UNUSED)
{
    kt_arena_release(&arena);
    return 0;
}

#define MOST_WORDS 16

/* Words separated by single spaces; "''" stands for an empty word. */
static int parse(const char *line, struct options *options, struct kt_flag_result *result, struct kt_error *error)
{
    static char copy[512];
    static char empty[1];
    char *argv[MOST_WORDS + 1] = {NULL};
    int argc = 0;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *rest = copy, *word; (word = strsep(&rest, " ")) && argc < MOST_WORDS;)
        argv[argc++] = kt_streq(word, "''") ? empty : word;
    kt_arena_release(&arena);
    kt_arena_init(&arena, (size_t)KT_MIB);
    memset(options, 0, sizeof(*options));
    const struct kt_flag_table tables[] = {{own_flags, KT_ARRAY_LENGTH(own_flags), options},
                                           {shared_flags, KT_ARRAY_LENGTH(shared_flags), options}};
    const struct kt_flag_parser parser = {&arena, tables, KT_ARRAY_LENGTH(tables)};
    return kt_flags_parse(&parser, argc, argv, 0, result, error);
}

static struct kt_flag_result accept(const char *line, struct options *options)
{
    struct kt_flag_result result = {0};
    struct kt_error error = {0};
    if (parse(line, options, &result, &error) != 0)
        fail_msg("%s: %s", line, error.message);
    return result;
}

static void refuse(const char *line, const char *message)
{
    struct options options;
    struct kt_flag_result result = {0};
    struct kt_error error = {0};
    int code = parse(line, &options, &result, &error);
    if (code != KT_EINVAL || !kt_streq(error.message, message))
        fail_msg("%s: code %d, \"%s\" instead of \"%s\"", line, code, error.message, message);
}

static void flags_and_arguments_may_be_mixed(void **state KT_UNUSED)
{
    struct options options;
    struct kt_flag_result result = accept("first --model phi second --count=3 third", &options);
    assert_string_equal(options.model, "phi");
    assert_true(options.count.given);
    assert_int_equal(options.count.value, 3);
    assert_int_equal(result.argument_count, 3);
    assert_string_equal(result.arguments[0], "first");
    assert_string_equal(result.arguments[2], "third");
    assert_null(result.arguments[3]);
}

static void two_dashes_end_the_flags(void **state KT_UNUSED)
{
    struct options options;
    struct kt_flag_result result = accept("--watch -- --model -n", &options);
    assert_true(options.watch);
    assert_null(options.model);
    assert_int_equal(result.argument_count, 2);
    assert_string_equal(result.arguments[0], "--model");
    /* A lone dash is an argument: standard input. */
    assert_int_equal(accept("-", &options).argument_count, 1);
}

static void letters_as_kubectl_has_them(void **state KT_UNUSED)
{
    struct options options;
    accept("-n here", &options);
    assert_string_equal(options.namespace_, "here");
    accept("-nhere", &options);
    assert_string_equal(options.namespace_, "here");
    accept("-n=here", &options);
    assert_string_equal(options.namespace_, "here");
    accept("-Awn here", &options);
    assert_true(options.all && options.watch);
    assert_string_equal(options.namespace_, "here");
    accept("-A=false", &options);
    assert_false(options.all);
}

static void switches_take_a_value_only_with_an_equals_sign(void **state KT_UNUSED)
{
    struct options options;
    struct kt_flag_result result = accept("--watch false", &options);
    assert_true(options.watch);
    assert_int_equal(result.argument_count, 1);
    accept("--watch=F", &options);
    assert_false(options.watch);
    accept("", &options);
    assert_int_equal(options.checkpointing, KT_SWITCH_UNSET);
    accept("--checkpointing", &options);
    assert_int_equal(options.checkpointing, KT_SWITCH_ON);
    accept("--checkpointing=false", &options);
    assert_int_equal(options.checkpointing, KT_SWITCH_OFF);
    refuse("--watch=maybe", "invalid argument \"maybe\" for \"-w, --watch\" flag: must be true or false");
}

static void a_bare_flag_has_a_meaning(void **state KT_UNUSED)
{
    struct options options;
    struct kt_flag_result result = accept("--dry-run name", &options);
    assert_string_equal(options.dry_run, "client");
    assert_string_equal(result.arguments[0], "name");
    accept("--dry-run=server", &options);
    assert_string_equal(options.dry_run, "server");
}

static void lists_grow(void **state KT_UNUSED)
{
    struct options options;
    accept("--url a --url b,c --label x=1,y=2 --label=z=3 --url d --url e", &options);
    assert_int_equal(options.urls.count, 4);
    assert_string_equal(options.urls.items[1], "b,c");
    assert_string_equal(options.urls.items[3], "e");
    assert_null(options.urls.items[4]);
    assert_int_equal(options.labels.count, 3);
    assert_string_equal(options.labels.items[0], "x=1");
    assert_string_equal(options.labels.items[2], "z=3");
}

static void the_last_of_several_values_counts(void **state KT_UNUSED)
{
    struct options options;
    accept("--model a --preset b", &options);
    assert_string_equal(options.model, "b");
    accept("--model ''", &options);
    assert_string_equal(options.model, "");
}

static void choices_in_any_case(void **state KT_UNUSED)
{
    struct options options;
    accept("--method QLoRA", &options);
    assert_string_equal(options.method, "qlora");
    refuse("--method qlra",
           "invalid argument \"qlra\" for \"--method\" flag: must be one of qlora, lora; did you mean qlora?");
    refuse("--method banana", "invalid argument \"banana\" for \"--method\" flag: must be one of qlora, lora");
}

static void numbers_have_bounds(void **state KT_UNUSED)
{
    refuse("--count 0", "invalid argument \"0\" for \"--count\" flag: must be a whole number from 1 to 10");
    refuse("--count 11", "invalid argument \"11\" for \"--count\" flag: must be a whole number from 1 to 10");
    refuse("--count -1", "invalid argument \"-1\" for \"--count\" flag: must be a whole number from 1 to 10");
    refuse("--count 1.5", "invalid argument \"1.5\" for \"--count\" flag: must be a whole number from 1 to 10");
    refuse("--count ''", "invalid argument \"\" for \"--count\" flag: must be a whole number from 1 to 10");
    refuse("--count 99999999999999999999999",
           "invalid argument \"99999999999999999999999\" for \"--count\" flag: must be a whole number from 1 to 10");
}

static void what_is_wrong_is_said_in_the_words_of_kubectl(void **state KT_UNUSED)
{
    refuse("--modle x", "unknown flag: --modle (did you mean --model?)");
    refuse("--zzzzzzzz", "unknown flag: --zzzzzzzz");
    refuse("-x", "unknown shorthand flag: 'x' in -x");
    refuse("-Ax", "unknown shorthand flag: 'x' in -Ax");
    refuse("--model", "flag needs an argument: --model NAME");
    refuse("-n", "flag needs an argument: 'n' in -n");
    refuse("---model", "bad flag syntax: ---model");
    refuse("--=x", "bad flag syntax: --=x");
}

/* --- the tables of the program -------------------------------------------------------------------------------------
 */

static void check_table(const struct kt_command *command, const struct kt_flag *flags, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        const struct kt_flag *flag = &flags[i];
        if (flag->offset >= size)
            fail_msg("%s --%s: the value lies outside of its struct", command->name, flag->name);
        if (kt_flag_needs_value(flag) && !flag->value_name)
            fail_msg("%s --%s: takes a value that has no name", command->name, flag->name);
        for (size_t j = 0; j < i; j++)
            if (kt_streq(flags[j].name, flag->name) || (flag->letter && flags[j].letter == flag->letter))
                fail_msg("%s --%s is there twice", command->name, flag->name);
        for (size_t j = 0; flag->alias_of && flag->alias_of[0] && j <= count; j++) {
            if (j == count)
                fail_msg("%s --%s is an alias of nothing", command->name, flag->name);
            if (kt_streq(flags[j].name, flag->alias_of)) {
                assert_int_equal(flags[j].offset, flag->offset);
                break;
            }
        }
    }
}

static void check_commands(const struct kt_command *const *list)
{
    for (; *list; list++) {
        const struct kt_command *command = *list;
        check_table(command, command->flags, command->flag_count, command->options_size);
        assert_non_null(command->run);
        assert_non_null(command->summary);
        assert_non_null(command->usage);
        assert_true(command->least_arguments <= command->most_arguments);
        if (command->subcommands)
            check_commands(command->subcommands);
    }
}

static void every_row_of_every_command_is_sound(void **state KT_UNUSED)
{
    check_commands(kt_commands);
    check_table(kt_commands[0], kt_global_flag_rows, kt_global_flag_count, sizeof(struct kt_global_flags));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_and_arguments_may_be_mixed),
        cmocka_unit_test(two_dashes_end_the_flags),
        cmocka_unit_test(letters_as_kubectl_has_them),
        cmocka_unit_test(switches_take_a_value_only_with_an_equals_sign),
        cmocka_unit_test(a_bare_flag_has_a_meaning),
        cmocka_unit_test(lists_grow),
        cmocka_unit_test(the_last_of_several_values_counts),
        cmocka_unit_test(choices_in_any_case),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(what_is_wrong_is_said_in_the_words_of_kubectl),
        cmocka_unit_test(every_row_of_every_command_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
