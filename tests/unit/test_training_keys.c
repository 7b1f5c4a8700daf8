/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admission/training_keys.h"
#include "base/limits.h"
#include "tests/lib/objects.h"

static struct kt_arena arena;

static int setup(void **state)
{
    (void)state;
    kt_arena_init(&arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kt_arena_release(&arena);
    return 0;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void the_six_sections_and_their_keys_are_there(void **state)
{
    static const char *const wanted[] = {"ModelConfig",       "QuantizationConfig", "LoraConfig",
                                         "TrainingArguments", "DataCollator",       "DatasetConfig"};
    const char *const *sections = kt_training_sections(NULL);
    (void)state;
    assert_non_null(sections);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(wanted); i++)
        assert_string_equal(sections[i], wanted[i]);
    assert_null(sections[KT_ARRAY_LENGTH(wanted)]);
}

/* As many as the parser of each image listed when it was asked. */
static void each_image_has_its_own_keys(void **state)
{
    static const struct {
        const char *tag;
        size_t keys;
    } wanted[] = {{"0.2.8", 200}, {"0.4.2", 194}, {"0.5.0", 196}, {"0.1.1", 200}};
    size_t count = 0;
    const struct kt_training_key *keys = kt_training_keys(&count, NULL);
    (void)state;
    assert_non_null(keys);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(wanted); i++) {
        const struct kt_trainer_image *image = kt_trainer_image_find(kt_str(wanted[i].tag));
        size_t found = 0;
        for (size_t j = 0; j < count; j++) {
            bool is_in = kt_training_key_in(&keys[j], image);
            found += is_in;
            if (is_in) /* no two rows of one name for one image */
                assert_ptr_equal(kt_training_key_find(image, keys[j].section, keys[j].name), &keys[j]);
        }
        assert_int_equal(found, wanted[i].keys);
    }
}

static void a_key_of_another_image_is_found_there(void **state)
{
    const struct kt_trainer_image *old = kt_trainer_image_find(KT_STR("0.2.8"));
    const struct kt_trainer_image *middle = kt_trainer_image_find(KT_STR("0.4.2"));
    const struct kt_training_key *key = kt_training_key_elsewhere(old, "TrainingArguments", "max_length");
    (void)state;
    assert_null(kt_training_key_find(old, "TrainingArguments", "max_length"));
    assert_non_null(key);
    assert_string_equal(kt_training_key_newest_image(key), "0.5.0");
    assert_null(kt_training_key_elsewhere(middle, "TrainingArguments", "max_length"));
    assert_null(kt_training_key_elsewhere(old, "TrainingArguments", "no_such_key"));
    assert_string_equal(kt_training_key_find(old, "TrainingArguments", "learning_rate")->default_text, "0.00005");
    assert_string_equal(kt_training_key_find(middle, "TrainingArguments", "learning_rate")->default_text, "0.00002");
}

static void a_key_has_its_type_default_and_bounds(void **state)
{
    const struct kt_training_key *batch =
        kt_training_key_find(NULL, "TrainingArguments", "per_device_train_batch_size");
    const struct kt_training_key *split = kt_training_key_find(NULL, "DatasetConfig", "train_test_split");
    const struct kt_training_key *strategy = kt_training_key_find(NULL, "TrainingArguments", "save_strategy");
    (void)state;
    assert_int_equal(batch->type, KT_TRAINING_INT);
    assert_string_equal(batch->default_text, "8");
    assert_true(batch->low.set && !batch->low.open && batch->low.value == 1);
    assert_true(split->low.set && split->low.open && split->low.value == 0);
    assert_true(split->high.set && !split->high.open && split->high.value == 1);
    assert_string_equal(strategy->choices[0], "no");
    assert_null(kt_training_key_find(NULL, "LoraConfig", "per_device_train_batch_size"));
    assert_null(kt_training_key_find(NULL, "Bogus", "r"));
}

/* --- guesses ------------------------------------------------------------------------------------------------------ */

static void check_guess(const char *section, const char *name, enum kt_training_guess wanted, const char *key_name)
{
    const struct kt_training_key *key = NULL;
    assert_int_equal(kt_training_key_guess(NULL, section, name, &key), wanted);
    if (key_name == NULL)
        return;
    assert_non_null(key);
    assert_string_equal(key->name, key_name);
}

static void an_unknown_key_is_told_for_what_it_is(void **state)
{
    (void)state;
    check_guess("TrainingArguments", "max_seq_length", KT_TRAINING_GUESS_RENAMED, "max_length");
    check_guess("TrainingArguments", "evaluation_strategy", KT_TRAINING_GUESS_RENAMED, "eval_strategy");
    check_guess("LoraConfig", "rank", KT_TRAINING_GUESS_RENAMED, "r"); /* though argparse would read rank_pattern */
    check_guess("LoraConfig", "num_train_epochs", KT_TRAINING_GUESS_MISPLACED, "num_train_epochs");
    check_guess("LoraConfig", "rr", KT_TRAINING_GUESS_MISSPELT, "r");
    check_guess("TrainingArguments", "lerning_rate", KT_TRAINING_GUESS_MISSPELT, "learning_rate");
    check_guess("QuantizationConfig", "load_in_4bits", KT_TRAINING_GUESS_MISSPELT, "load_in_4bit");
    check_guess("TrainingArguments", "mining_depth_of_shaft", KT_TRAINING_GUESS_NONE, NULL);
}

static void a_beginning_of_one_key_alone_is_an_abbreviation(void **state)
{
    (void)state;
    check_guess("TrainingArguments", "num_train_epoch", KT_TRAINING_GUESS_ABBREVIATED, "num_train_epochs");
    check_guess("TrainingArguments", "output-dir", KT_TRAINING_GUESS_ABBREVIATED, "output_dir");
    /* lora_alpha and lora_dropout both begin so: argparse ends on it. */
    assert_int_not_equal(kt_training_key_guess(NULL, "LoraConfig", "lora_", &(const struct kt_training_key *){NULL}),
                         KT_TRAINING_GUESS_ABBREVIATED);
    /* The two spellings are never mixed. */
    assert_int_not_equal(kt_training_key_guess(NULL, "TrainingArguments", "per-device_train_batch_size",
                                               &(const struct kt_training_key *){NULL}),
                         KT_TRAINING_GUESS_ABBREVIATED);
}

static void a_section_in_another_case_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(kt_training_section_suggest("quantizationConfig"), "QuantizationConfig");
    assert_string_equal(kt_training_section_suggest("TrainingArgs"), "TrainingArguments");
    assert_null(kt_training_section_suggest("zzz"));
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static const char *reason_of(const char *section, const char *name, const char *value)
{
    const struct kt_training_key *key = kt_training_key_find(NULL, section, name);
    const char *reason = NULL;
    assert_non_null(key);
    return kt_training_value_check(&arena, key, kt_test_json(&arena, value), &reason) ? reason : NULL;
}

static void fine(const char *section, const char *name, const char *value)
{
    const char *reason = reason_of(section, name, value);
    if (reason != NULL)
        fail_msg("%s.%s: %s was refused: %s", section, name, value, reason);
}

static void refused(const char *section, const char *name, const char *value, const char *says)
{
    const char *reason = reason_of(section, name, value);
    if (reason == NULL || strstr(reason, says) == NULL)
        fail_msg("%s.%s: %s gave \"%s\"", section, name, value, reason != NULL ? reason : "nothing");
}

static void numbers_may_be_text_but_must_be_whole_where_it_counts(void **state)
{
    (void)state;
    fine("LoraConfig", "r", "16");
    fine("LoraConfig", "r", "\"16\"");
    fine("LoraConfig", "r", "[16]");
    refused("LoraConfig", "r", "0", "1 or more");
    refused("LoraConfig", "r", "-3", "1 or more");
    refused("LoraConfig", "r", "8.0", "whole number"); /* int("8.0") fails in Python */
    refused("LoraConfig", "r", "1e3", "whole number");
    refused("LoraConfig", "r", "\"eight\"", "whole number");
    refused("LoraConfig", "r", "true", "whole number");
    refused("LoraConfig", "r", "[8, 16]", "not a list");
}

static void fractions_stay_within_their_bounds(void **state)
{
    (void)state;
    fine("TrainingArguments", "learning_rate", "0.0002");
    fine("TrainingArguments", "learning_rate", "\"2e-4\"");
    refused("TrainingArguments", "learning_rate", "0", "above 0");
    refused("TrainingArguments", "learning_rate", "200", "at most 2");
    refused("TrainingArguments", "learning_rate", "\"0x1p-3\"", "must be a number");
    refused("TrainingArguments", "learning_rate", "\"nan\"", "must be a number");
    refused("DatasetConfig", "train_test_split", "0", "above 0");
    fine("DatasetConfig", "train_test_split", "1");
    refused("LoraConfig", "lora_dropout", "1", "below 1");
    refused("TrainingArguments", "num_train_epochs", "0", "above 0");
}

static void flags_take_the_words_of_the_parser(void **state)
{
    (void)state;
    fine("TrainingArguments", "packing", "true");
    fine("TrainingArguments", "packing", "\"Yes\"");
    fine("TrainingArguments", "packing", "1");
    refused("TrainingArguments", "packing", "2", "true or false");
    refused("TrainingArguments", "packing", "\"maybe\"", "true or false");
}

static void a_bare_no_is_explained(void **state)
{
    (void)state;
    fine("TrainingArguments", "save_strategy", "\"no\"");
    fine("TrainingArguments", "save_strategy", "\"epoch\"");
    refused("TrainingArguments", "save_strategy", "false", "in quotes");
    refused("TrainingArguments", "save_strategy", "\"never\"", "one of");
    refused("ModelConfig", "torch_dtype", "\"auto\"", "one of");
    fine("ModelConfig", "torch_dtype", "\"float16\"");
}

static void what_does_not_survive_the_command_line_is_refused(void **state)
{
    (void)state;
    refused("TrainingArguments", "max_length", "null", "None");
    refused("ModelConfig", "chat_template", "null", "None");
    refused("TrainingArguments", "gradient_checkpointing_kwargs", "{\"use_reentrant\": false}", "map");
    fine("TrainingArguments", "gradient_checkpointing_kwargs", "\"{\\\"use_reentrant\\\": false}\"");
    fine("TrainingArguments", "gradient_checkpointing_kwargs", "{}"); /* flattens to nothing */
    refused("LoraConfig", "rank_pattern", "\"x\"", "cannot be given");
    refused("LoraConfig", "target_modules", "[]", "empty list");
    refused("LoraConfig", "target_modules", "[[\"q\"]]", "plain values");
    refused("TrainingArguments", "hub_model_id", "\"-x\"", "option");
    fine("TrainingArguments", "max_steps", "-1");
    refused("LoraConfig", "layers_to_transform", "[1, \"a\"]", "whole number");
}

static void values_are_read_as_the_trainer_reads_them(void **state)
{
    int64_t number = 0;
    bool flag = false;
    (void)state;
    assert_true(kt_training_value_int(kt_test_json(&arena, "\" 12 \""), &number));
    assert_int_equal(number, 12);
    assert_false(kt_training_value_int(kt_test_json(&arena, "12.5"), &number));
    assert_false(kt_training_value_int(kt_test_json(&arena, "99999999999999999999999999"), &number));
    assert_false(kt_training_value_int(NULL, &number));
    assert_true(kt_training_value_flag(kt_test_json(&arena, "\"F\""), &flag));
    assert_false(flag);
    assert_false(kt_training_value_flag(kt_test_json(&arena, "null"), &flag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_six_sections_and_their_keys_are_there),
        cmocka_unit_test(each_image_has_its_own_keys),
        cmocka_unit_test(a_key_of_another_image_is_found_there),
        cmocka_unit_test(a_key_has_its_type_default_and_bounds),
        cmocka_unit_test(an_unknown_key_is_told_for_what_it_is),
        cmocka_unit_test(a_beginning_of_one_key_alone_is_an_abbreviation),
        cmocka_unit_test(a_section_in_another_case_is_suggested),
        cmocka_unit_test(numbers_may_be_text_but_must_be_whole_where_it_counts),
        cmocka_unit_test(fractions_stay_within_their_bounds),
        cmocka_unit_test(flags_take_the_words_of_the_parser),
        cmocka_unit_test(a_bare_no_is_explained),
        cmocka_unit_test(what_does_not_survive_the_command_line_is_refused),
        cmocka_unit_test(values_are_read_as_the_trainer_reads_them),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
