/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/tuning_input.h"
#include "admission/config_values.h"

#include "admission/shipped_templates.h"
#include "admission/training_keys.h"

/* Beyond these no card of this world could hold the answer; they keep sums of products within a double's range. */
#define MAX_BATCH_SIZE 65536
#define MAX_SEQUENCE_LENGTH (1 << 24)
#define MAX_RANK (1 << 20)

static void add_note(struct kt_tuning_derived *derived, const char *key, const char *text)
{
    if (derived->note_count < KT_TUNING_INPUT_MAX_NOTES)
        derived->notes[derived->note_count++] = (struct kt_tuning_input_note){key, text};
}

/* A whole number from 1 to `most`; false when the key is absent or cannot be used (then with a note). */
static bool read_count(struct kt_tuning_derived *derived, const cJSON *value, uint32_t most, const char *key,
                       const char *note, uint32_t *ret)
{
    int64_t number = 0;
    if (value == NULL)
        return false;
    if (!kt_training_value_int(value, &number) || number < 1 || number > most) {
        add_note(derived, key, note);
        return false;
    }
    *ret = (uint32_t)number;
    return true;
}

static bool read_flag(struct kt_tuning_derived *derived, const cJSON *value, const char *key, const char *note,
                      bool fallback)
{
    bool flag = fallback;
    if (value != NULL && !kt_training_value_flag(value, &flag))
        add_note(derived, key, note);
    return flag;
}

static void read_batch_size(struct kt_tuning_derived *derived, const cJSON *sections)
{
    const cJSON *value = kt_config_value(sections, "TrainingArguments", "per_device_train_batch_size");
    derived->input.batch_size = KT_LIBRARY_DEFAULT_BATCH_SIZE;
    derived->batch_size_assumed = !read_count(
        derived, value, MAX_BATCH_SIZE, "TrainingArguments.per_device_train_batch_size",
        "is not a whole number above 0, so the library's default of 8 is assumed", &derived->input.batch_size);
    derived->batch_size_adapts =
        read_flag(derived, kt_config_value(sections, "TrainingArguments", "auto_find_batch_size"),
                  "TrainingArguments.auto_find_batch_size", "is not true or false, so false is assumed", false);
}

static void read_sequence_length(struct kt_tuning_derived *derived, const cJSON *sections,
                                 const struct kt_trainer_image *image)
{
    if (image != NULL && image->fixed_length > 0) {
        derived->input.sequence_length = image->fixed_length;
        derived->length_is_fixed = true;
        return;
    }
    const cJSON *value = kt_config_value(sections, "TrainingArguments", "max_length");
    if (image != NULL && image->uncut_rows && !kt_config_flag(sections, "TrainingArguments", "packing", false))
        value = NULL;       /* no key cuts rows, so only the data knows */
    else if (value == NULL) /* the name of older trainers: it ends the Job today, but it says what was meant */
        value = kt_config_value(sections, "TrainingArguments", "max_seq_length");
    derived->input.sequence_length = KT_DEFAULT_SEQUENCE_LENGTH;
    derived->sequence_length_assumed = !read_count(
        derived, value, MAX_SEQUENCE_LENGTH, "TrainingArguments.max_length",
        "is not a whole number above 0, so the library's default of 1024 is assumed", &derived->input.sequence_length);
}

/* "self_attn.o_proj" means o_proj. */
static const char *last_component(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

/* Parameters of a module outside the blocks; 0 for one inside, or of no model. Both have the same two sides. */
static uint64_t outside_parameters(const struct kt_architecture *architecture, const char *name, uint64_t *ret_sides)
{
    static const char *const outside[] = {"lm_head", "embed_tokens"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(outside); i++) {
        if (kt_streq(last_component(name), outside[i])) {
            *ret_sides = (uint64_t)architecture->vocab_size + architecture->hidden_size;
            return (uint64_t)architecture->vocab_size * architecture->hidden_size;
        }
    }
    *ret_sides = 0;
    return 0;
}

static uint32_t mask_of(const struct kt_architecture *architecture, const char *name)
{
    const char *last = last_component(name);
    size_t unknown = 0;
    return kt_streq_nocase(last, "all-linear") ? 0 : kt_sizing_target_mask(architecture, &last, 1, &unknown);
}

bool kt_tuning_target_exists(const struct kt_architecture *architecture, const char *name)
{
    uint64_t sides = 0; /* outside the blocks, in every model of the catalogue */
    return outside_parameters(architecture, name, &sides) > 0 || mask_of(architecture, name) != 0;
}

static void add_target(struct kt_tuning_derived *derived, const cJSON *item)
{
    const char *name = kt_json_string(item);
    uint64_t sides = 0;
    if (name != NULL) {
        derived->input.target_mask |= mask_of(derived->input.architecture, name);
        outside_parameters(derived->input.architecture, name, &sides);
        derived->input.outside_parameters += sides * derived->input.rank;
    }
    if (name == NULL || !kt_tuning_target_exists(derived->input.architecture, name))
        derived->unknown_targets++;
}

static void read_targets(struct kt_tuning_derived *derived, const cJSON *sections, const struct kt_model *model)
{
    const cJSON *value = kt_config_value(sections, "LoraConfig", "target_modules");
    const cJSON *item = NULL;
    if (kt_json_is_array(value)) {
        cJSON_ArrayForEach(item, value) add_target(derived, item);
    } else if (kt_json_is_string(value)) {
        add_target(derived, value);
    } else {
        if (value != NULL)
            add_note(derived, "LoraConfig.target_modules",
                     "is not a list of names, so the trainer's own choice is assumed");
        derived->targets_assumed = true;
        derived->input.target_mask = kt_sizing_default_target_mask(model);
    }
}

/* Modules that are trained whole, in a copy. A name may stand twice and counts once. */
static void read_copied_modules(struct kt_tuning_derived *derived, const cJSON *sections)
{
    const cJSON *value = kt_config_value(sections, "LoraConfig", "modules_to_save");
    const struct kt_architecture *architecture = derived->input.architecture;
    const char *seen[2] = {NULL, NULL};
    size_t seen_count = 0;
    const cJSON *item = kt_json_is_array(value) ? value->child : value;
    for (; item != NULL && seen_count < KT_ARRAY_LENGTH(seen); item = kt_json_is_array(value) ? item->next : NULL) {
        const char *name = kt_json_string(item);
        uint64_t sides = 0;
        uint64_t parameters = name != NULL ? outside_parameters(architecture, name, &sides) : 0;
        if (parameters == 0 || (seen_count > 0 && kt_streq(seen[0], last_component(name))))
            continue;
        seen[seen_count++] = last_component(name);
        derived->input.copied_parameters += parameters;
    }
}

/* As the image has it unless the config says otherwise. */
static enum kt_loss read_loss(const cJSON *sections, const struct kt_trainer_image *image)
{
    bool is_chunked = image->chunked_loss && !kt_config_is(sections, "TrainingArguments", "loss_type", "nll") &&
                      !kt_config_is(sections, "TrainingArguments", "loss_type", "dft");
    return is_chunked || kt_config_is(sections, "TrainingArguments", "loss_type", "chunked_nll") ? KT_LOSS_CHUNKED
                                                                                                 : KT_LOSS_FULL;
}

static bool is_float16(const cJSON *sections)
{
    return kt_config_is(sections, "ModelConfig", "torch_dtype", "float16") ||
           kt_config_is(sections, "ModelConfig", "torch_dtype", "half");
}

/* Below compute capability 8.0 the memory-efficient kernel takes float16 alone, and the rest of attention is plain. */
static void read_runner(struct kt_tuning_derived *derived, const cJSON *sections, const struct kt_tuning_runner *runner)
{
    struct kt_tuning_input *input = &derived->input;
    if (runner->image == NULL)
        return;
    bool is_old = runner->compute_capability > 0 && runner->compute_capability < KT_BFLOAT16_CAPABILITY;
    input->is_exact = true;
    input->loss = read_loss(sections, runner->image);
    input->attention = is_old && !is_float16(sections) ? KT_ATTENTION_EAGER : KT_ATTENTION_FLASH;
    input->float32_weights = kt_config_is(sections, "ModelConfig", "torch_dtype", "float32") ||
                             kt_config_is(sections, "ModelConfig", "torch_dtype", "float") ||
                             (sections != NULL && runner->image->float32_weights &&
                              kt_config_value(sections, "ModelConfig", "torch_dtype") == NULL);
    input->fixed_length = runner->image->fixed_length;
    input->most_batch = kt_trainer_image_batches(runner->image, runner->data) ? 0 : 1;
}

static void read_quantisation(struct kt_tuning_derived *derived, const cJSON *sections)
{
    /* Real booleans only: upstream's admission takes nothing else for these two. */
    bool eight = kt_json_true(kt_config_value(sections, "QuantizationConfig", "load_in_8bit"));
    bool four = kt_json_true(kt_config_value(sections, "QuantizationConfig", "load_in_4bit"));
    derived->input.quantisation_bits = eight && !four ? 8 : 4;
    derived->input.double_quantisation =
        read_flag(derived, kt_config_value(sections, "QuantizationConfig", "bnb_4bit_use_double_quant"),
                  "QuantizationConfig.bnb_4bit_use_double_quant", "is not true or false, so false is assumed", false);
}

static void read_sections(struct kt_tuning_derived *derived, const cJSON *sections, const struct kt_model *model,
                          const struct kt_trainer_image *image)
{
    struct kt_tuning_input *input = &derived->input;
    read_batch_size(derived, sections);
    read_sequence_length(derived, sections, image);
    read_quantisation(derived, sections);
    if (!read_count(derived, kt_config_value(sections, "LoraConfig", "r"), MAX_RANK, "LoraConfig.r",
                    "is not a whole number above 0, so the library's default of 8 is assumed", &input->rank))
        input->rank = KT_DEFAULT_LORA_RANK;
    read_targets(derived, sections, model);
    read_copied_modules(derived, sections);
    input->gradient_checkpointing = read_flag(
        derived, kt_config_value(sections, "TrainingArguments", "gradient_checkpointing"),
        "TrainingArguments.gradient_checkpointing",
        "is not true or false, so what the trainer does by itself is assumed", image == NULL || image->checkpointing);
    derived->fp16 = read_flag(derived, kt_config_value(sections, "TrainingArguments", "fp16"), "TrainingArguments.fp16",
                              "is not true or false, so false is assumed", false);
}

/* manifests/base/templates.yaml; tests/unit/test_tuning_input.c holds the two against each other. */
static void take_template(struct kt_tuning_derived *derived, const struct kt_model *model,
                          const struct kt_trainer_image *image)
{
    derived->input.batch_size = KT_TEMPLATE_BATCH_SIZE;
    derived->input.sequence_length = KT_DEFAULT_SEQUENCE_LENGTH;
    derived->sequence_length_assumed = true;
    derived->input.rank = KT_DEFAULT_LORA_RANK;
    derived->input.quantisation_bits = 4;
    derived->input.double_quantisation = derived->input.method == KT_METHOD_QLORA;
    derived->input.gradient_checkpointing = image == NULL || image->checkpointing;
    derived->length_is_fixed = image != NULL && image->fixed_length > 0;
    derived->input.target_mask = kt_sizing_default_target_mask(model);
    derived->targets_assumed = true;
}

bool kt_tuning_input_from_config(const cJSON *sections, enum kt_tuning_method method, const struct kt_model *model,
                                 const struct kt_tuning_runner *runner, struct kt_tuning_derived *ret)
{
    struct kt_tuning_derived derived = {.note_count = 0};
    if (model == NULL || !kt_architecture_known(&model->architecture))
        return false;
    derived.input.architecture = &model->architecture;
    derived.input.method = method;
    derived.input.attention = KT_ATTENTION_FLASH;
    derived.input.loss = KT_LOSS_CHUNKED;
    if (sections == NULL)
        take_template(&derived, model, runner->image);
    else
        read_sections(&derived, sections, model, runner->image);
    read_runner(&derived, sections, runner);
    if (method == KT_METHOD_QLORA) /* preparing a quantised model for training switches it on, whatever is set */
        derived.input.gradient_checkpointing = true;
    *ret = derived;
    return true;
}

static const cJSON *template_sections(enum kt_tuning_method method, bool float16)
{
    const cJSON *object = kt_shipped_template_object(kt_template_name(method, float16));
    const char *text = kt_json_string(kt_json_path(object, "data", "training_config.yaml", NULL));
    return text != NULL ? kt_json_get(kt_shipped_template_find(text), "training_config") : NULL;
}

bool kt_tuning_needs_read(const struct kt_settings *settings, const cJSON *sections, enum kt_tuning_method method,
                          const struct kt_model *model, enum kt_tuning_data data, struct kt_tuning_needs *ret)
{
    /* Where an image, its kernels or a number format begin: unknown, known to be too old, and so on. */
    static const uint32_t begins[KT_TUNING_NEEDS] = {0, 1, 50, 70, 75, KT_BFLOAT16_CAPABILITY};
    ret->count = KT_TUNING_NEEDS;
    for (size_t i = 0; i < KT_TUNING_NEEDS; i++) {
        struct kt_tuning_derived derived;
        struct kt_trainer trainer = kt_settings_trainer(settings, begins[i], method == KT_METHOD_QLORA);
        struct kt_tuning_runner runner = {trainer.image, begins[i], data};
        const cJSON *config =
            sections != NULL ? sections : template_sections(method, kt_settings_trains_in_float16(settings, begins[i]));
        if (!kt_tuning_input_from_config(config, method, model, &runner, &derived))
            return false;
        ret->inputs[i] = derived.input;
        ret->rows[i] = (struct kt_tuning_need){begins[i], trainer.runs ? &ret->inputs[i] : NULL};
    }
    return true;
}

enum kt_tuning_data kt_tuning_data_declared(const cJSON *sections)
{
    if (kt_config_is(sections, "DatasetConfig", "context_column", "prompt") ||
        kt_config_is(sections, "DatasetConfig", "response_column", "completion"))
        return KT_DATA_COMPLETIONS;
    return kt_config_is(sections, "DatasetConfig", "messages_column", "messages") ? KT_DATA_MESSAGES
                                                                                  : KT_DATA_UNDECLARED;
}
