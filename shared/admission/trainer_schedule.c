/* SPDX-License-Identifier: Apache-2.0 */
/* Family C: settings of the trainer that must go together, and files that a config names. */
#include <math.h>
#include <string.h>

#include "admission/rules_trainer.h"
#include "admission/training_keys.h"

#define ARGUMENTS "TrainingArguments"

static const char *text_or(const struct kt_facts *facts, const char *key, const char *fallback)
{
    const char *text = kt_config_text(facts->config.values, ARGUMENTS, key);
    return text != NULL ? text : fallback;
}

/* --- evaluating, saving, logging, loading ------------------------------------------------------------------------- */

static void check_evaluation(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *values = facts->config.values;
    bool at_start = kt_config_flag(values, ARGUMENTS, "eval_on_start", false);
    double split = 0.8; /* the trainer's default */
    kt_config_number(values, "DatasetConfig", "train_test_split", &split);
    if ((kt_trainer_evaluates(facts) || at_start) && split >= 1)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".%s asks for evaluations, and DatasetConfig.train_test_split 1 leaves no rows for "
                                    "them; set train_test_split to 0.9, for example, or leave evaluations out",
                          kt_trainer_evaluates(facts) ? "eval_strategy" : "eval_on_start");
    double batch = 1;
    if (kt_trainer_evaluates(facts) && kt_config_number(values, ARGUMENTS, "per_device_eval_batch_size", &batch) &&
        batch < 1)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".per_device_eval_batch_size must be 1 or more where eval_strategy asks for "
                                    "evaluations");
    if (kt_config_flag(values, ARGUMENTS, "fp16_full_eval", false) &&
        kt_config_flag(values, ARGUMENTS, "bf16_full_eval", false))
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS " sets both fp16_full_eval and bf16_full_eval to true; keep one");
}

/* Figures that each evaluation has, with or without eval_ before it. */
static bool is_metric(const struct kt_trainer_image *image, const char *metric)
{
    static const char *const always[] = {"loss", "runtime", "samples_per_second", "steps_per_second", "epoch"};
    static const char *const newer[] = {"entropy", "num_tokens", "mean_token_accuracy"}; /* of trl 1 */
    const char *name = strncmp(metric, "eval_", 5) == 0 ? metric + 5 : metric;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(always); i++) {
        if (kt_streq(always[i], name))
            return true;
    }
    for (size_t i = 0; image->bfloat16_adapter && i < KT_ARRAY_LENGTH(newer); i++) {
        if (kt_streq(newer[i], name))
            return true;
    }
    return false;
}

/* --- every so many steps: whole numbers from 1 on, shares of the whole run below -----------------------------------
 */

static double steps_of(const struct kt_facts *facts, const char *key, double fallback)
{
    double steps = fallback;
    return kt_config_number(facts->config.values, ARGUMENTS, key, &steps) ? steps : fallback;
}

static double logging_steps(const struct kt_facts *facts)
{
    return steps_of(facts, "logging_steps", facts->trainer.image->checkpointing ? 10 : 500);
}

/* Where it is not set or 0, it is that of logging. */
static double evaluation_steps(const struct kt_facts *facts)
{
    double steps = steps_of(facts, "eval_steps", 0);
    return steps != 0 ? steps : logging_steps(facts);
}

static void check_steps(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct {
        const char *strategy;
        const char *fallback;
        const char *key;
        double steps;
    } rows[] = {{"logging_strategy", "steps", "logging_steps", logging_steps(facts)},
                {"eval_strategy", "no", "eval_steps", evaluation_steps(facts)},
                {"save_strategy", "steps", "save_steps", steps_of(facts, "save_steps", 500)}};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        if (!kt_streq(text_or(facts, rows[i].strategy, rows[i].fallback), "steps"))
            continue;
        if (rows[i].steps > 1 && rows[i].steps != floor(rows[i].steps))
            kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                              ARGUMENTS ".%s above 1 must be a whole number (below 1 it is a share of all steps)",
                              rows[i].key);
        else if (i < 2 && rows[i].steps == 0)
            kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                              ARGUMENTS ".%s must not be 0 with %s: steps; set 10, for example", rows[i].key,
                              rows[i].strategy);
    }
}

/* --- the best model ------------------------------------------------------------------------------------------------
 */

static void check_best_steps(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    double save = steps_of(facts, "save_steps", 500);
    double eval = evaluation_steps(facts);
    /* Shares of the whole run are compared by millionths, as the trainer does. */
    bool fits = fmod(save, eval) == 0 || (save < 1 && eval < 1 && fmod(save * 1e6, eval * 1e6) == 0);
    if (eval > 0 && !fits)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".load_best_model_at_end needs save_steps (%g) to be a multiple of eval_steps (%g)",
                          save, eval);
}

static void check_best_model(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *save = text_or(facts, "save_strategy", "steps");
    const char *eval = text_or(facts, "eval_strategy", "no");
    const char *scheduler = text_or(facts, "lr_scheduler_type", "linear");
    const char *metric = kt_config_text(facts->config.values, ARGUMENTS, "metric_for_best_model");
    bool load_best = kt_config_flag(facts->config.values, ARGUMENTS, "load_best_model_at_end", false);
    bool saves_best = kt_streq(save, "best");
    /* These two set the metric to loss by themselves. */
    bool has_metric = load_best || kt_streq(scheduler, "reduce_lr_on_plateau") || kt_streq(scheduler, "greedy");
    if (load_best && !saves_best && !kt_streq(save, eval))
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".load_best_model_at_end needs save_strategy (\"%.16s\") and eval_strategy "
                                    "(\"%.16s\") to be the same; set both to steps or epoch, or leave it out",
                          save, eval);
    else if (load_best && kt_streq(save, "steps"))
        check_best_steps(run);
    if (saves_best && metric == NULL && !has_metric)
        kt_trainer_refuse(run, KT_PROBLEM_REQUIRED, NULL,
                          ARGUMENTS
                          ".save_strategy: best needs metric_for_best_model: loss, and evaluations to take it "
                          "from (eval_strategy)");
    if (kt_trainer_evaluates(facts) && metric != NULL && !is_metric(facts->trainer.image, metric))
        kt_trainer_refuse(run, KT_PROBLEM_INVALID, metric,
                          ARGUMENTS
                          ".metric_for_best_model: the trainer's evaluations have no such figure, and it ends "
                          "at the first of them; use loss");
}

static void check_loader(struct kt_rule_run *run)
{
    const cJSON *values = run->facts->config.values;
    double workers = 0;
    kt_config_number(values, ARGUMENTS, "dataloader_num_workers", &workers);
    if (workers > 0)
        return;
    if (kt_config_value(values, ARGUMENTS, "dataloader_prefetch_factor") != NULL)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".dataloader_prefetch_factor needs dataloader_num_workers of 1 or more");
    if (kt_config_flag(values, ARGUMENTS, "dataloader_persistent_workers", false))
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".dataloader_persistent_workers needs dataloader_num_workers of 1 or more");
}

static void check_device_map(struct kt_rule_run *run)
{
    static const char *const words[] = {"auto", "balanced", "balanced_low_0", "sequential"};
    static const char *const devices[] = {"cuda", "cpu", "meta"};
    const char *map = kt_config_text(run->facts->config.values, "ModelConfig", "device_map");
    bool is_known = map == NULL;
    for (size_t i = 0; !is_known && i < KT_ARRAY_LENGTH(words); i++)
        is_known = kt_streq(words[i], map);
    for (size_t i = 0; !is_known && i < KT_ARRAY_LENGTH(devices); i++)
        is_known = strncmp(map, devices[i], strlen(devices[i])) == 0;
    if (!is_known)
        kt_trainer_refuse(run, KT_PROBLEM_UNSUPPORTED, map,
                          "ModelConfig.device_map: supported values: \"auto\", \"balanced\", \"balanced_low_0\", "
                          "\"sequential\", or a device such as \"cuda:0\"");
}

static void check_masking(struct kt_rule_run *run)
{
    const cJSON *values = run->facts->config.values;
    double masked = 0.8; /* the library's */
    double random = 0.1;
    kt_config_number(values, "DataCollator", "mask_replace_prob", &masked);
    kt_config_number(values, "DataCollator", "random_replace_prob", &random);
    if (masked + random > 1)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          "DataCollator.mask_replace_prob (%g) and random_replace_prob (%g) are more than 1 together; "
                          "leave both out",
                          masked, random);
}

static void check_processes(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *fsdp = kt_config_text(facts->config.values, ARGUMENTS, "fsdp");
    struct kt_tuning_gpu gpu;
    kt_tuning_gpu_of(facts, &gpu);
    if (fsdp != NULL && fsdp[0] != '\0' && gpu.count == 1)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, fsdp,
                          ARGUMENTS ".fsdp shares a model over several GPUs, and the machine has one: the trainer ends "
                                    "when it starts; leave it out");
}

void kt_trainer_check_strategies(struct kt_rule_run *run)
{
    if (run->facts->config.values == NULL)
        return;
    check_evaluation(run);
    check_best_model(run);
    check_loader(run);
    check_steps(run);
    check_processes(run);
    check_device_map(run);
    check_masking(run);
}

/* --- scheduler ---------------------------------------------------------------------------------------------------- */

#define MOST_ARGUMENTS 8

/* What each scheduler takes in lr_scheduler_kwargs; of the needed ones, exactly one must be there. */
static const struct scheduler {
    const char *name;
    const char *takes[MOST_ARGUMENTS];
    const char *needs[2];
    const char *example;
    bool takes_any;   /* it looks at none */
    bool any_in_old;  /* the same in the images of trl 0.11 */
    bool evaluations; /* it needs some */
} schedulers[] = {
    {.name = "linear"},
    {.name = "cosine", .takes = {"num_cycles"}},
    {.name = "cosine_with_restarts", .takes = {"num_cycles"}},
    {.name = "polynomial", .takes = {"lr_end", "power"}},
    {.name = "constant", .takes_any = true},
    {.name = "constant_with_warmup", .takes_any = true},
    {.name = "inverse_sqrt", .takes = {"timescale"}, .any_in_old = true},
    {.name = "cosine_with_min_lr",
     .takes = {"num_cycles", "min_lr", "min_lr_rate"},
     .needs = {"min_lr", "min_lr_rate"},
     .example = "{\"min_lr_rate\": 0.1}"},
    {.name = "cosine_warmup_with_min_lr",
     .takes = {"num_cycles", "min_lr", "min_lr_rate", "warmup_lr_rate"},
     .needs = {"min_lr", "min_lr_rate"},
     .example = "{\"min_lr_rate\": 0.1}"},
    {.name = "warmup_stable_decay",
     .takes = {"num_decay_steps", "num_stable_steps", "warmup_type", "decay_type", "min_lr_ratio", "num_cycles"},
     .needs = {"num_decay_steps"},
     .example = "{\"num_decay_steps\": 100}"},
    {.name = "reduce_lr_on_plateau", .takes_any = true, .evaluations = true},
    {.name = "greedy", .takes_any = true, .evaluations = true},
};

static const struct scheduler *find_scheduler(const char *name)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(schedulers); i++) {
        if (kt_streq(schedulers[i].name, name))
            return &schedulers[i];
    }
    return NULL; /* C011 */
}

static bool takes(const struct scheduler *scheduler, const char *argument)
{
    bool found = kt_streq(argument, "last_epoch");
    for (size_t i = 0; !found && i < MOST_ARGUMENTS && scheduler->takes[i] != NULL; i++)
        found = kt_streq(scheduler->takes[i], argument);
    return found;
}

static void check_arguments(struct kt_rule_run *run, const struct scheduler *scheduler, const cJSON *arguments)
{
    const cJSON *argument = NULL;
    cJSON_ArrayForEach(argument, arguments)
    {
        if (takes(scheduler, argument->string))
            continue;
        kt_trainer_refuse(run, KT_PROBLEM_UNSUPPORTED, argument->string,
                          ARGUMENTS
                          ".lr_scheduler_kwargs: the scheduler %s takes no such argument, and the trainer ends "
                          "when it starts",
                          scheduler->name);
        return;
    }
}

static void check_needed(struct kt_rule_run *run, const struct scheduler *scheduler, const cJSON *arguments)
{
    size_t found = 0;
    if (scheduler->needs[0] == NULL)
        return;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(scheduler->needs) && scheduler->needs[i] != NULL; i++)
        found += kt_json_get(arguments, scheduler->needs[i]) != NULL;
    if (found == 0)
        kt_trainer_refuse(run, KT_PROBLEM_REQUIRED, NULL,
                          ARGUMENTS
                          ".lr_scheduler_type: %s needs an argument, for example lr_scheduler_kwargs: '%s' (a "
                          "text, in quotes)",
                          scheduler->name, scheduler->example);
    else if (found > 1)
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".lr_scheduler_kwargs has both %s and %s; keep one", scheduler->needs[0],
                          scheduler->needs[1]);
}

void kt_trainer_check_scheduler(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *text = kt_config_text(facts->config.values, ARGUMENTS, "lr_scheduler_kwargs");
    const struct scheduler *scheduler = find_scheduler(text_or(facts, "lr_scheduler_type", "linear"));
    struct kt_json_parsed parsed = {.root = NULL};
    if (facts->config.values == NULL || scheduler == NULL)
        return;
    if (scheduler->evaluations && !kt_trainer_evaluates(facts))
        kt_trainer_refuse(run, KT_PROBLEM_FORBIDDEN, NULL,
                          ARGUMENTS ".lr_scheduler_type: %s needs evaluations: set eval_strategy, and train_test_split "
                                    "below 1",
                          scheduler->name);
    if (scheduler->takes_any || (scheduler->any_in_old && !facts->trainer.image->bfloat16_adapter))
        return;
    if (text != NULL && (kt_json_parse(facts->arena, kt_str(text), KT_JSON_DUPLICATES_LAST_WINS, &parsed, NULL) < 0 ||
                         !kt_json_is_object(parsed.root))) {
        kt_trainer_refuse(run, KT_PROBLEM_INVALID, text,
                          ARGUMENTS
                          ".lr_scheduler_kwargs must be the text of a JSON map, such as '{\"num_cycles\": 2}'");
        return;
    }
    check_arguments(run, scheduler, parsed.root);
    check_needed(run, scheduler, parsed.root);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void check_model_path(struct kt_rule_run *run)
{
    const char *path = kt_config_text(run->facts->config.values, "ModelConfig", "pretrained_model_name_or_path");
    if (path != NULL && strncmp(path, "/workspace/", 11) != 0 && strncmp(path, "/mnt/", 5) != 0)
        kt_trainer_refuse(
            run, KT_PROBLEM_INVALID, path,
            "ModelConfig.pretrained_model_name_or_path is no folder of the pod, which reaches no hub: the "
            "model is the preset's, so leave it out");
}

/* May this be the path of a file in the pod? What is in /mnt/config is known: the ConfigMap's keys. */
static bool is_in_pod(const struct kt_facts *facts, const char *path)
{
    static const char folder[] = "/mnt/config/";
    if (strncmp(path, folder, strlen(folder)) != 0)
        return path[0] == '/';
    return kt_json_get(kt_json_get(facts->config.config_map, "data"), path + strlen(folder)) != NULL;
}

/* Like the trainer: what has one of these characters is a template, the rest is the name of a file. */
static void check_chat_template(struct kt_rule_run *run)
{
    const char *text = kt_config_text(run->facts->config.values, "ModelConfig", "chat_template");
    const char *path = kt_config_text(run->facts->config.values, ARGUMENTS, "chat_template_path");
    if (path != NULL && path[0] != '/')
        kt_trainer_refuse(run, KT_PROBLEM_INVALID, path,
                          ARGUMENTS ".chat_template_path is not the path of a file in the pod, and the pod reaches no "
                                    "hub; put the template's text into ModelConfig.chat_template");
    if (text != NULL && strpbrk(text, "{}\n") == NULL && !is_in_pod(run->facts, text))
        kt_trainer_refuse(run, KT_PROBLEM_INVALID, text,
                          "ModelConfig.chat_template is neither a template nor the path of a file in the pod; give the "
                          "template's text, or put the file into this ConfigMap and name it /mnt/config/NAME");
}

static void check_dataset_path(struct kt_rule_run *run)
{
    const char *path = kt_config_text(run->facts->config.values, "DatasetConfig", "dataset_path");
    if (path == NULL)
        return;
    if (strncmp(path + strspn(path, "/"), "mnt/", 4) == 0)
        kt_trainer_refuse(run, KT_PROBLEM_INVALID, path,
                          "DatasetConfig.dataset_path is taken below /mnt, so this would be /mnt/mnt/...; write "
                          "/data/FILE");
}

static void check_extension(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const char *extension = kt_config_text(facts->config.values, "DatasetConfig", "dataset_extension");
    const char *path = kt_config_text(facts->config.values, "DatasetConfig", "dataset_path");
    const char *url = kt_json_string(kt_json_item(facts->now.tuning.input.urls, 0));
    const char *name = strrchr(path != NULL ? path : url != NULL ? url : "", '/');
    const char *word = kt_tuning_file_word(kt_str(name));
    const char *meant = kt_tuning_file_word(kt_str(extension));
    if (word != NULL && meant != NULL && kt_streq(meant, extension) && !kt_streq(word, extension))
        kt_trainer_refuse(run, KT_PROBLEM_INVALID, extension,
                          "DatasetConfig.dataset_extension says otherwise than the file's name (\"%.48s\"), and the "
                          "trainer ends on rows that it cannot read so; set %s, or leave it out",
                          name + 1, word);
}

void kt_trainer_check_files(struct kt_rule_run *run)
{
    if (run->facts->config.values == NULL)
        return;
    check_model_path(run);
    check_chat_template(run);
    check_dataset_path(run);
    check_extension(run);
}
