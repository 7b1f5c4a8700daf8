/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/known_failures.h"

static struct kt_str after(struct kt_str text, size_t used)
{
    return (struct kt_str){text.data + used, text.length - used};
}

/* A program that ends in the middle of a progress bar writes on behind the bar; each line of one process among several
 * begins with "[rank0]: ". */
static struct kt_str without_what_is_before(struct kt_str line)
{
    static const char *const units[] = {"it/s]", "s/it]"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(units); i++) {
        const char *bar = line.length > 0 ? memmem(line.data, line.length, units[i], strlen(units[i])) : NULL;
        if (bar)
            line = after(line, (size_t)(bar - line.data) + strlen(units[i]));
    }
    line = kt_str_trim(line);
    size_t rank = kt_str_starts_with(line, KT_STR("[rank")) ? kt_str_find_char(line, ']') : SIZE_MAX;
    if (rank != SIZE_MAX && rank + 1 < line.length && line.data[rank + 1] == ':')
        line = kt_str_trim(after(line, rank + 2));
    return line;
}

/* The class of an exception may carry its module, and a summary of torch's launcher has a space before its colons.
 * Returns what is behind the colon and the space. */
static struct kt_str split_name(struct kt_str line, struct kt_str *ret_name)
{
    line = without_what_is_before(line);
    *ret_name = (struct kt_str){0};
    size_t at = 0;
    while (at < line.length &&
           (kt_ascii_is_alnum(line.data[at]) || line.data[at] == '_' || line.data[at] == '.' || line.data[at] == '-'))
        at++;
    struct kt_str name = {line.data, at};
    while (at < line.length && line.data[at] == ' ')
        at++;
    if (name.length == 0 || at + 1 >= line.length || line.data[at] != ':' || line.data[at + 1] != ' ')
        return line;
    *ret_name = name;
    return kt_str_trim(after(line, at + 1));
}

static bool is_named(struct kt_str name, const char *wanted)
{
    struct kt_str suffix = kt_str(wanted);
    if (!kt_str_ends_with(name, suffix))
        return false;
    return name.length == suffix.length || name.data[name.length - suffix.length - 1] == '.';
}

/* Each piece between two '*' is looked for behind the one before; no piece is given back, so that a line is read once
 * for a row. */
static bool begins_like(struct kt_str text, const char *words)
{
    bool is_anchored = true;
    for (;;) {
        size_t length = strcspn(words, "*$");
        const char *found = length > 0 && length <= text.length ? memmem(text.data, text.length, words, length) : NULL;
        if (length > 0 && (!found || (is_anchored && found != text.data)))
            return false;
        if (length > 0)
            text = after(text, (size_t)(found - text.data) + length);
        if (words[length] != '*')
            return words[length] == '\0' || text.length == 0;
        is_anchored = false;
        words += length + 1;
    }
}

/* --- rows ---------------------------------------------------------------------------------------------------- */

#define SMALLER                                                                                                      \
    "the GPU's memory is too small: lower per_device_train_batch_size, keep the rows shorter (only some images cut " \
    "them, at max_length), use qlora, or take a larger GPU (`kubectl kaito plan` shows what fits)"
#define TOO_OLD                                                                                  \
    "the trainer's image has no code for this GPU: take one of compute capability 8.0 or above " \
    "(`kubectl kaito plan` shows machines)"
#define NO_GPU "the container sees no GPU: check the driver and the device plugin of its node"
#define CHECK "`kubectl kaito check` finds this before a machine is paid for"
#define ROWS_WANTED                                                                                   \
    "the rows of the data have neither messages nor prompt and completion, and no setting makes the " \
    "trainer read others: bring them into one of these forms"
#define OLD_PARQUET                                                                                      \
    "this Parquet file was written by a newer version of the datasets library than the trainer's image " \
    "reads: give the data as JSON lines"
#define CANNOT_READ                                                                            \
    "there is no such file, it is empty, or not of this type: dataset_path begins below /mnt " \
    "(/data/FILE), and dataset_extension must be what the file holds: json, csv, parquet or arrow"
#define BATCH_ONE                                                                                      \
    "rows of different length cannot be put into one batch here: set per_device_train_batch_size and " \
    "per_device_eval_batch_size to 1, and raise gradient_accumulation_steps instead"
#define NO_BFLOAT16                                                                                     \
    "this GPU has no bfloat16: leave tuning.config out, so that the float16 template of the method is " \
    "used, or take a GPU of compute capability 8.0 or above"
#define NO_LIBRARY                                                                                       \
    "the trainer's image does not have this library and none can be added: choose another value in the " \
    "config map; " CHECK
#define NO_INTERNET                                                                                    \
    "the trainer asked Hugging Face: leave push_to_hub and the names of models, tokenizers and files " \
    "there out of the config; the model is on the node already"
#define NO_ACCESS "the model's weights need an access token: check presetOptions.modelAccessSecret (key HF_TOKEN)"
#define NO_MODULES                                                                                       \
    "LoraConfig.target_modules must be a list of modules of this model (`kubectl kaito models describe " \
    "NAME` shows them); leave it out for those that suit"
#define CHOOSE_QUANTISATION "QuantizationConfig.bnb_4bit_quant_type must be nf4 or fp4, in small letters"
#define NO_HEAD                                                                                    \
    "take lm_head out of LoraConfig.target_modules and modules_to_save, or set loss_type: nll in " \
    "TrainingArguments"
#define NO_WEIGHTS "the model's files are not whole: look at the log of the download of the weights"
#define LARGER_DISK "the node's disk or the volume is full: use a larger one"
#define NODE_MEMORY "most likely the memory of its node, not of the GPU, ran out: take a machine type with more memory"
#define BAD_ARGUMENT "the trainer does not take a key or value of the config map; " CHECK

#define PUSH_SECRET "the registry does not take the credential: correct the Secret tuning.output.imagePushSecret"
#define NO_PUSH_RIGHT \
    "the credential of imagePushSecret may not push there: give it the right, or choose another repository"
#define NO_TLS "the registry does not speak TLS: use one with a certificate"
#define NO_REPOSITORY "the registry has no such repository and makes none by itself: create it, or choose another"
#define SEE_TRAINER "the cause is in the trainer's log (`kubectl kaito logs`) or the state of its container"
#define LEARNS_NOTHING                                                                                           \
    "the rows must be messages (role and content) or prompt and completion, not ShareGPT's from and value, and " \
    "learning_rate, num_train_epochs and lora_alpha above 0"

static const struct kt_known_failure rows[] = {
    /* the GPU */
    {KT_ROLE_TRAINER, NULL, "CUDA out of memory", "CUDAOutOfMemory", SMALLER, false},
    {KT_ROLE_TRAINER, NULL, "CUDA error: out of memory", "CUDAOutOfMemory", SMALLER, false},
    {KT_ROLE_TRAINER, NULL, "CUDA error: CUBLAS_STATUS_ALLOC_FAILED", "CUDAOutOfMemory", SMALLER, false},
    {KT_ROLE_TRAINER, NULL, "CUDA error: no kernel image is available", "GPUUnsupported", TOO_OLD, false},
    /* bitsandbytes' own words, after which it ends the process */
    {KT_ROLE_TRAINER, NULL, "Error no kernel image is available", "GPUUnsupported", TOO_OLD, false},
    {KT_ROLE_TRAINER, NULL, "Error named symbol not found at line", "GPUUnsupported", TOO_OLD, false},
    {KT_ROLE_TRAINER, NULL, "No CUDA GPUs are available", "NoGPU", NO_GPU, false},
    {KT_ROLE_TRAINER, NULL, "Found no NVIDIA driver", "NoGPU", NO_GPU, false},
    {KT_ROLE_TRAINER, NULL, "The NVIDIA driver on your system is too old", "GPUDriverTooOld",
     "the driver of the node is older than the trainer's CUDA needs: use a newer node image or driver", false},
    {KT_ROLE_TRAINER, NULL, "CUDA error: ", "GPUFailed",
     "the GPU or its driver has failed: try again, and if it stays, look at its node (`kubectl describe node`, "
     "nvidia-smi)",
     false},
    /* precision */
    {KT_ROLE_TRAINER, NULL, "Your setup doesn't support bf16/", "BFloat16Unsupported", NO_BFLOAT16, false},
    {KT_ROLE_TRAINER, "ValueError", "Attempting to unscale FP16 gradients", "Float16Unsupported",
     "fp16: true does not go with a float16 adapter: for method lora set fp16 and bf16 to false and optim: adafactor, "
     "use method qlora, or take bfloat16 on a GPU of compute capability 8.0 or above",
     false},
    {KT_ROLE_TRAINER, "NotImplementedError",
     "\"_amp_foreach_non_finite_check_and_unscale_cuda\" not implemented for 'BFloat16'", "Float16Unsupported",
     "fp16: true does not go with a bfloat16 adapter: set TrainingArguments.fp16 to false, or leave tuning.config out, "
     "so that a template is used that suits method and GPU",
     false},
    {KT_ROLE_TRAINER, "ValueError", "At most one of fp16 and bf16 can be True", "InvalidTrainingConfig",
     "keep one of TrainingArguments.fp16 and bf16; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "Invalid torch dtype: ", "InvalidTrainingConfig",
     "ModelConfig.torch_dtype must be bfloat16, float16 or float32; " CHECK, false},
    {KT_ROLE_TRAINER, "AttributeError", "module 'torch' has no attribute '", "InvalidTrainingConfig",
     "QuantizationConfig.bnb_4bit_compute_dtype must be bfloat16, float16 or float32, without \"torch.\"; " CHECK,
     false},
    /* quantisation */
    {KT_ROLE_TRAINER, "AttributeError", "'MatmulLtState' object has no attribute 'memory_efficient_backward'",
     "InvalidTrainingConfig",
     "load_in_8bit does not work in the trainer's image: set load_in_4bit: true instead; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "load_in_4bit and load_in_8bit are both True", "InvalidTrainingConfig",
     "keep QuantizationConfig.load_in_4bit alone; " CHECK, false},
    {KT_ROLE_TRAINER, "NotImplementedError", "4-bit quantization data type", "InvalidTrainingConfig",
     CHOOSE_QUANTISATION, false},
    {KT_ROLE_TRAINER, "RuntimeError", "We encountered some issues during automatic conversion of the weights",
     "InvalidTrainingConfig", CHOOSE_QUANTISATION "; if it is, look at the trainer's log", true},
    /* the config: keys and words */
    {KT_ROLE_TRAINER, "ValueError", "Some specified arguments are not used by the HfArgumentParser: ",
     "UnknownTrainingKey", "take these keys out of the config map, or name them as this trainer does; " CHECK, false},
    {KT_ROLE_TRAINER, "TypeError", "*got an unexpected keyword argument '", "UnknownTrainingKey",
     "the config map has a key that the trainer does not know; " CHECK, false},
    {KT_ROLE_TRAINER, "fine_tuning.py", "error: ambiguous option: ", "UnknownTrainingKey",
     "the trainer has no such key, only longer ones that begin so: write the whole key; " CHECK, false},
    {KT_ROLE_TRAINER, "fine_tuning.py", "error: argument ", "InvalidTrainingConfig",
     "correct this value in the config map; " CHECK, false},
    {KT_ROLE_TRAINER, "fine_tuning.py", "error: ", "InvalidTrainingConfig", "correct the config map; " CHECK, false},
    /* argparse ends so; its own line may be longer than what the kubelet keeps */
    {KT_ROLE_TRAINER, "CalledProcessError", "Command '*fine_tuning.py*' returned non-zero exit status 2.$",
     "InvalidTrainingConfig", BAD_ARGUMENT, true},
    {KT_ROLE_TRAINER, "exitcode", "2 (pid: ", "InvalidTrainingConfig", BAD_ARGUMENT, true},
    {KT_ROLE_TRAINER, "AttributeError", "'NoneType' object has no attribute 'items'$", "InvalidTrainingConfig",
     "most likely a section of training_config is there and empty: take it out or fill it; " CHECK, false},
    {KT_ROLE_TRAINER, "AttributeError", "type object '*' has no attribute 'mask_token'", "InvalidTrainingConfig",
     "the config needs the section DataCollator with mlm: true, as the templates have it; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "The specified `eos_token` ", "InvalidTrainingConfig",
     "leave TrainingArguments.eos_token out, or take a token of this model", false},
    {KT_ROLE_TRAINER, "ValueError", "Passing a custom data collator is not supported", "InvalidTrainingConfig",
     "set TrainingArguments.packing and padding_free to false; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "`loss_type='chunked_nll'` is not supported when ", "InvalidTrainingConfig",
     NO_HEAD, false},
    {KT_ROLE_TRAINER, "AttributeError", "'ModulesToSaveWrapper' object has no attribute ", "InvalidTrainingConfig",
     NO_HEAD, false},
    {KT_ROLE_TRAINER, "RuntimeError", "element 0 of tensors does not require grad", "InvalidTrainingConfig",
     "no trained weight takes part: with gradient_checkpointing: true also set gradient_checkpointing_kwargs: "
     "'{\"use_reentrant\": false}' (a text), and leave LoraConfig.inference_mode out",
     false},
    /* the config: LoRA */
    {KT_ROLE_TRAINER, "ValueError", "Target modules * not found in the base model", "TargetModulesNotFound", NO_MODULES,
     false},
    {KT_ROLE_TRAINER, "ValueError", "Target module ", "TargetModulesNotFound",
     "LoRA works on linear layers only: " NO_MODULES, false},
    {KT_ROLE_TRAINER, "ValueError", "`r` should be a positive integer", "InvalidTrainingConfig",
     "LoraConfig.r must be 1 or more; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "dropout probability has to be between 0 and 1", "InvalidTrainingConfig",
     "LoraConfig.lora_dropout must be 0 or more and below 1; " CHECK, false},
    /* the config: steps, evaluation, saving */
    {KT_ROLE_TRAINER, "ZeroDivisionError", "integer division or modulo by zero", "InvalidTrainingConfig",
     "gradient_accumulation_steps, or another number of steps in TrainingArguments, is 0; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "args.max_steps must be set to a positive value", "NoTrainingSteps",
     "the data has fewer rows than a batch and dataloader_drop_last drops the rest: lower the batch size, or set it to "
     "false",
     false},
    {KT_ROLE_TRAINER, "ValueError", "num_samples should be a positive integer value, but got num_samples=0", "NoData",
     "no row is left to train on: check the data, max_length and DatasetConfig.train_test_split", false},
    {KT_ROLE_TRAINER, "ValueError", "batch_size should be a positive integer value", "InvalidTrainingConfig",
     "the batch sizes in TrainingArguments must be 1 or more; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "Invalid learning rate: ", "InvalidTrainingConfig",
     "TrainingArguments.learning_rate must be above 0; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "warmup_ratio must lie in range", "InvalidTrainingConfig",
     "TrainingArguments.warmup_ratio must be from 0 to 1; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "Seed must be between 0 and ", "InvalidTrainingConfig",
     "TrainingArguments.seed must be from 0 to 4294967295; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "Train/Test split needs to be between 0 and 1", "InvalidTrainingConfig",
     "DatasetConfig.train_test_split must be above 0 and at most 1; " CHECK, false},
    {KT_ROLE_TRAINER, "TypeError", "get_*() missing * required positional argument", "InvalidTrainingConfig",
     "this lr_scheduler_type needs arguments (lr_scheduler_kwargs): take linear, cosine or constant; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "Gradient+optimizer bit data type combination not supported",
     "InvalidTrainingConfig", "this TrainingArguments.optim cannot work in bfloat16: take adamw_torch; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "--load_best_model_at_end requires the save and eval strategy to match",
     "InvalidTrainingConfig",
     "set load_best_model_at_end to false, or give save_strategy and eval_strategy the same word", false},
    {KT_ROLE_TRAINER, "ValueError", "--dataloader_prefetch_factor can only be set when", "InvalidTrainingConfig",
     "leave dataloader_prefetch_factor out, or set dataloader_num_workers to 2 or more", false},
    {KT_ROLE_TRAINER, "ValueError", "`args.metric_for_best_model` must be provided", "InvalidTrainingConfig",
     "set metric_for_best_model: eval_loss, or leave save_strategy: best and load_best_model_at_end out", false},
    {KT_ROLE_TRAINER, "KeyError", "\"The `metric_for_best_model` training argument is set to ", "InvalidTrainingConfig",
     "set metric_for_best_model to one of the metrics that it names: eval_loss", false},
    /* the data */
    {KT_ROLE_TRAINER, "ValueError", "Unable to create tensor, *Perhaps your features (`labels` in this case)",
     "BatchSizeUnsupported", BATCH_ONE, false},
    {KT_ROLE_TRAINER, "ValueError", "Unable to create tensor, *Perhaps your features (`completion_mask` in this case)",
     "BatchSizeUnsupported", BATCH_ONE, false},
    {KT_ROLE_TRAINER, "ValueError", "Unable to create tensor, ", "InvalidTrainingConfig",
     "a column of the data reached the batch as it is: leave remove_unused_columns out, and if it is, set the batch "
     "sizes "
     "to 1",
     false},
    {KT_ROLE_TRAINER, "KeyError", "None$", "DataUnsupported", ROWS_WANTED, false},
    {KT_ROLE_TRAINER, "ValueError", "You need to provide either `dataset_text_field` or `formatting_func` argument",
     "DataUnsupported", ROWS_WANTED, false},
    {KT_ROLE_TRAINER, "TypeError", "must be called with a dataclass type or instance", "DataUnsupported", OLD_PARQUET,
     false},
    {KT_ROLE_TRAINER, NULL, "ERROR * Error loading dataset: must be called with a dataclass", "DataUnsupported",
     OLD_PARQUET, false},
    {KT_ROLE_TRAINER, NULL, "ERROR * Error loading dataset: ", "DataUnreadable", CANNOT_READ, false},
    {KT_ROLE_TRAINER, "ValueError", "Unable to load dataset ", "DataUnreadable", CANNOT_READ, true},
    {KT_ROLE_TRAINER, "ValueError", "Unable to find a valid dataset file", "DataNotFound",
     "the trainer knows a file by a word in its name (json, csv, parquet, arrow): give a URL whose file name has one, "
     "or "
     "set DatasetConfig.dataset_path and dataset_extension both",
     false},
    /* what is not in the image */
    {KT_ROLE_TRAINER, "ImportError", "*pip install ", "LibraryMissing", NO_LIBRARY, false},
    {KT_ROLE_TRAINER, "ModuleNotFoundError", "No module named '", "LibraryMissing", NO_LIBRARY, false},
    {KT_ROLE_TRAINER, "RuntimeError", "*Callback requires * to be installed", "LibraryMissing",
     "set TrainingArguments.report_to: none; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "* is not supported, only azure_ml", "InvalidTrainingConfig",
     "set TrainingArguments.report_to: none; " CHECK, false},
    {KT_ROLE_TRAINER, "ValueError", "Trainer tried to instantiate apex", "LibraryMissing", NO_LIBRARY, false},
    {KT_ROLE_TRAINER, "ValueError", "Please install https:", "LibraryMissing", NO_LIBRARY, false},
    {KT_ROLE_TRAINER, "FileNotFoundError", "[Errno 2] No such file or directory: '", "FileNotFound",
     "a key of the config names a file that is not in the trainer's container (chat_template_path and the like): leave "
     "it out",
     false},
    /* Hugging Face */
    {KT_ROLE_TRAINER, "GatedRepoError", "", "ModelAccessDenied", NO_ACCESS, false},
    {KT_ROLE_TRAINER, "OSError", "You are trying to access a gated repo", "ModelAccessDenied", NO_ACCESS, false},
    {KT_ROLE_TRAINER, NULL, "401 Client Error", "ModelAccessDenied", NO_ACCESS, false},
    {KT_ROLE_TRAINER, "OSError", "We couldn't connect to 'https:", "HuggingFaceUnreachable", NO_INTERNET, false},
    {KT_ROLE_TRAINER, "ConnectError", "[Errno -", "HuggingFaceUnreachable", NO_INTERNET, false},
    {KT_ROLE_TRAINER, "ConnectionError", "(MaxRetryError(*huggingface.co", "HuggingFaceUnreachable", NO_INTERNET,
     false},
    {KT_ROLE_TRAINER, "OSError", "*does not appear to have a file named ", "WeightsNotFound", NO_WEIGHTS, false},
    {KT_ROLE_TRAINER, "OSError", "Error no file named ", "WeightsNotFound", NO_WEIGHTS, false},
    /* the node */
    {KT_ROLE_TRAINER, "OSError", "[Errno 28] No space left on device", "DiskFull", LARGER_DISK, false},
    {KT_ROLE_TRAINER, "SafetensorError", "*No space left on device", "DiskFull", LARGER_DISK, false},
    {KT_ROLE_TRAINER, "CalledProcessError", "Command '*' died with <Signals.SIGKILL: 9>", "TrainerKilled", NODE_MEMORY,
     true},
    {KT_ROLE_TRAINER, "exitcode", "-9 (pid: ", "TrainerKilled", NODE_MEMORY, true},
    /* a registry that an adapter goes to: at the check before the training, and at the push */
    {KT_ROLE_PUSHER, NULL, "*status code 401", NULL, PUSH_SECRET, false},
    {KT_ROLE_PUSHER, NULL, "*credential not found", NULL, PUSH_SECRET, false},
    {KT_ROLE_PUSHER, NULL, "*nauthorized", NULL, PUSH_SECRET, false},
    {KT_ROLE_PUSHER, NULL, "*config file ", NULL, "the Secret imagePushSecret holds no docker config that can be read",
     false},
    {KT_ROLE_PUSHER, NULL, "*status code 403", NULL, NO_PUSH_RIGHT, false},
    {KT_ROLE_PUSHER, NULL, "*denied", NULL, NO_PUSH_RIGHT, false},
    {KT_ROLE_PUSHER, NULL, "*name unknown", NULL, NO_REPOSITORY, false},
    {KT_ROLE_PUSHER, NULL, "*status code 404", NULL, NO_REPOSITORY, false},
    {KT_ROLE_PUSHER, NULL, "*status code 405", NULL, "the registry takes no pushes: it is read-only", false},
    {KT_ROLE_PUSHER, NULL, "*is unsupported", NULL, "the registry takes no pushes: it is read-only", false},
    {KT_ROLE_PUSHER, NULL, "*status code 507", NULL, "the registry is full", false},
    {KT_ROLE_PUSHER, NULL, "*x509:", NULL,
     "the certificate of the registry is signed by nobody that the pusher's image trusts: use a registry with a public "
     "one",
     false},
    {KT_ROLE_PUSHER, NULL, "*HTTP response to HTTPS client", NULL, NO_TLS, false},
    {KT_ROLE_PUSHER, NULL, "*not look like a TLS handshake", NULL, NO_TLS, false},
    {KT_ROLE_PUSHER, NULL, "*no such host", NULL,
     "the name of the registry cannot be resolved in the cluster: correct tuning.output.image", false},
    {KT_ROLE_PUSHER, NULL, "*connection refused", NULL,
     "the registry does not answer at this address: correct tuning.output.image, or the network policy", false},
    /* our own pusher, and what looks at a volume */
    {KT_ROLE_PUSHER, "pusher", "the trainer ended without an adapter", "NoAdapter", SEE_TRAINER, false},
    {KT_ROLE_PUSHER, "pusher", "the trainer was never seen to run", "NoAdapter", SEE_TRAINER, false},
    {KT_ROLE_PUSHER, "pusher", "the trainer has ended, but there is no ", "NoAdapter",
     "nothing was pushed; correct TrainingArguments.output_dir in the config map", false},
    {KT_ROLE_PUSHER, "pusher", "the training has changed nothing", "NothingLearnt",
     "the adapter is not pushed: " LEARNS_NOTHING, false},
    {KT_ROLE_PUSHER, "pusher", "the image cannot be made", "DiskFull", "the node's disk is full: use a larger one",
     false},
    {KT_ROLE_VERIFIER, NULL, "the trainer has ended, but there is no ", "NoAdapter",
     "correct TrainingArguments.output_dir in the config map", false},
    {KT_ROLE_VERIFIER, NULL, "the training has changed nothing", "NothingLearnt", LEARNS_NOTHING, false},
    {KT_ROLE_OUTPUT_CHECK, NULL, "the output volume cannot be written", NULL,
     "give a PersistentVolumeClaim that this pod can write to and that has room", false},
};

/* The check before the training and the push speak to the same registry. */
static bool is_of_role(const struct kt_known_failure *row, enum kt_role role)
{
    return row->role == role || (role == KT_ROLE_OUTPUT_CHECK && row->role == KT_ROLE_PUSHER && !row->name);
}

const struct kt_known_failure *kt_known_failure_of_line(enum kt_role role, struct kt_str line)
{
    struct kt_str name;
    struct kt_str words = split_name(line, &name);
    for (size_t i = 0; words.length > 0 && i < KT_ARRAY_LENGTH(rows); i++) {
        const struct kt_known_failure *row = &rows[i];
        if (is_of_role(row, role) && (!row->name || is_named(name, row->name)) && begins_like(words, row->words))
            return row;
    }
    return NULL;
}

const struct kt_known_failure *kt_known_failure_of_output(struct kt_arena *arena, enum kt_role role, const char *output,
                                                          const char **ret_line)
{
    const struct kt_known_failure *found = NULL;
    struct kt_str found_line = {0};
    struct kt_str rest = kt_cause_tail(output);
    for (struct kt_str line; (line = kt_cause_line_before(&rest)).length > 0;) {
        const struct kt_known_failure *row = kt_known_failure_of_line(role, line);
        if (!row || (found && row->is_outer))
            continue;
        found = row;
        found_line = line;
        if (!row->is_outer)
            break;
    }
    *ret_line = found ? kt_cause_clean_str(arena, found_line, KT_CAUSE_QUOTE_BYTES)
                      : kt_cause_last_words(arena, output, role == KT_ROLE_TRAINER || role == KT_ROLE_WEIGHTS);
    return found;
}
