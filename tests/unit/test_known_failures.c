/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"
#include "tests/lib/objects.h"
#include "tests/lib/tuning_world.h"
#include "workload/known_failures.h"

static struct kt_test_world world;

static int set_up(void **state)
{
    (void)state;
    kt_test_world_init(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kt_test_world_release(&world);
    return 0;
}

static struct kt_cause cause_in(const char *list, const char *container, const char *output)
{
    struct kt_cause cause = {0};
    cJSON *statuses = kt_test_json(&world.arena, "[{\"state\":{\"terminated\":{\"exitCode\":1}}}]");
    kt_json_set_string(&world.arena, statuses->child, "name", container);
    kt_json_set_string(&world.arena, kt_json_path(statuses->child, "state", "terminated", NULL), "message", output);
    kt_test_world_pod_with(&world, "Failed", NULL, NULL);
    /* The statuses have the names. */
    kt_json_remove(kt_json_get(world.pod, "spec"), "containers");
    kt_json_remove(kt_json_get(world.pod, "spec"), "initContainers");
    kt_json_set(&world.arena, kt_json_get(world.pod, "status"), list, statuses);
    assert_true(kt_diagnose_pod(&world.arena, world.pod, "tune", (struct kt_objects){0}, &cause));
    return cause;
}

/* What a container that ended with status 1 and this output is said to have failed of. */
static struct kt_cause cause_of(const char *container, const char *output)
{
    return cause_in("containerStatuses", container, output);
}

static struct kt_cause cause_of_init(const char *container, const char *output)
{
    return cause_in("initContainerStatuses", container, output);
}

static void expect(const char *container, const char *output, const char *reason, const char *words)
{
    struct kt_cause cause = cause_of(container, output);
    if (!kt_streq(cause.reason, reason) || !strstr(cause.message, words))
        fail_msg("%s\n  is %s: %s", output, cause.reason, cause.message);
}

/* Last lines of the trainer as it printed them, one a kind, and a piece of the advice. */
static void the_trainers_last_lines_have_reason_and_advice(void **state)
{
    static const struct {
        const char *line, *reason, *words;
    } cases[] = {
        {"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", "CUDAOutOfMemory", "qlora"},
        {"torch.AcceleratorError: CUDA error: out of memory", "CUDAOutOfMemory", "qlora"},
        {"RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", "CUDAOutOfMemory",
         "qlora"},
        {"torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device\n"
         "CUDA kernel errors might be asynchronously reported at some other API call.\n"
         "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.",
         "GPUUnsupported", "compute capability"},
        {"Error no kernel image is available for execution on the device at line 90 in file /src/csrc/ops.cu",
         "GPUUnsupported", "compute capability"},
        {"torch.AcceleratorError: CUDA error: an illegal memory access was encountered", "GPUFailed", "its node"},
        {"RuntimeError: No CUDA GPUs are available", "NoGPU", "device plugin"},
        {"ValueError: Your setup doesn't support bf16/gpu. You need Ampere+ GPU with cuda>=11.0", "BFloat16Unsupported",
         "leave tuning.config out"},
        {"ValueError: Attempting to unscale FP16 gradients.", "Float16Unsupported", "optim: adafactor"},
        {"NotImplementedError: \"_amp_foreach_non_finite_check_and_unscale_cuda\" not implemented for 'BFloat16'",
         "Float16Unsupported", "fp16 to false"},
        {"ValueError: At most one of fp16 and bf16 can be True, but not both", "InvalidTrainingConfig", "keep one"},
        {"AttributeError: 'MatmulLtState' object has no attribute 'memory_efficient_backward'", "InvalidTrainingConfig",
         "load_in_4bit: true"},
        {"ValueError: Unable to create tensor, you should probably activate truncation and/or padding with "
         "'padding=True' 'truncation=True' to have batched tensors with the same length. Perhaps your features "
         "(`labels` in this case) have excessive nesting (inputs type `list` where type `int` is expected).",
         "BatchSizeUnsupported", "gradient_accumulation_steps"},
        {"ValueError: Unable to create tensor, you should probably activate truncation and/or padding with "
         "'padding=True' 'truncation=True' to have batched tensors with the same length. Perhaps your features "
         "(`messages` in this case) have excessive nesting (inputs type `list` where type `int` is expected).",
         "InvalidTrainingConfig", "remove_unused_columns"},
        {"KeyError: None", "DataUnsupported", "messages"},
        {"ValueError: You need to provide either `dataset_text_field` or `formatting_func` argument. Alternatively, "
         "you can skip the dataset preparation",
         "DataUnsupported", "prompt and completion"},
        {"ValueError: Unable to find a valid dataset file.", "DataNotFound", "dataset_extension both"},
        {"ValueError: Unable to load dataset /mnt/data/none.jsonl with file type 'json'", "DataUnreadable",
         "below /mnt"},
        {"ERROR 11-30 18:00:00 dataset.py:63] Error loading dataset: must be called with a dataclass type or instance\n"
         "ValueError: Unable to load dataset /mnt/data/a.parquet with file type 'parquet'",
         "DataUnsupported", "JSON lines"},
        {"fine_tuning.py: error: argument --optim: invalid choice: 'adamw' (choose from 'adamw_torch', 'sgd')",
         "InvalidTrainingConfig", "kubectl kaito check"},
        {"fine_tuning.py: error: argument --seed: invalid int value: 'forty'", "InvalidTrainingConfig", "'forty'"},
        {"fine_tuning.py: error: ambiguous option: --lr could match --lr_scheduler_type, --lr_scheduler_kwargs",
         "UnknownTrainingKey", "the whole key"},
        {"ValueError: Some specified arguments are not used by the HfArgumentParser: ['--batch_size', '1']",
         "UnknownTrainingKey", "['--batch_size', '1']"},
        {"AttributeError: type object 'PythonBackend' has no attribute 'mask_token'", "InvalidTrainingConfig",
         "mlm: true"},
        {"ValueError: Passing a custom data collator is not supported when using padding-free.",
         "InvalidTrainingConfig", "packing"},
        {"ValueError: `loss_type='chunked_nll'` is not supported when `lm_head` is wrapped by a PEFT adapter",
         "InvalidTrainingConfig", "loss_type: nll"},
        {"RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn",
         "InvalidTrainingConfig", "use_reentrant"},
        {"ValueError: Target modules {'q_proj', 'v_proj'} not found in the base model. Please check the target "
         "modules and try again.",
         "TargetModulesNotFound", "target_modules"},
        {"ValueError: Target module Phi3MLP(\n  (down_proj): Linear(in_features=8192)\n) is not supported.",
         "TargetModulesNotFound", "linear layers"},
        {"ZeroDivisionError: integer division or modulo by zero", "InvalidTrainingConfig",
         "gradient_accumulation_steps"},
        {"ImportError: You need to install `galore_torch` in order to use GaLore optimizers. Install it with `pip "
         "install git+https://example.com/x`",
         "LibraryMissing", "another value"},
        {"RuntimeError: WandbCallback requires wandb to be installed. Run `pip install wandb`.", "LibraryMissing",
         "report_to: none"},
        {"ConnectError: [Errno -2] Name or service not known", "HuggingFaceUnreachable", "push_to_hub"},
        {"huggingface_hub.errors.GatedRepoError: 401 Client Error. (Request ID: x)", "ModelAccessDenied", "HF_TOKEN"},
        {"OSError: [Errno 28] No space left on device", "DiskFull", "larger"},
        {"[rank0]: ValueError: Attempting to unscale FP16 gradients.", "Float16Unsupported", "optim: adafactor"},
        {"  0%|          | 0/2 [00:00<?, ?it/s]Error no kernel image is available for execution on the device at line "
         "9",
         "GPUUnsupported", "compute capability"},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++)
        expect("tune", cases[i].line, cases[i].reason, cases[i].words);
}

#define LAUNCHER                                                                                      \
    "Traceback (most recent call last):\n  File \"/usr/local/bin/accelerate\", line 8, in <module>\n" \
    "subprocess.CalledProcessError: Command '['python3', '/workspace/tfs/fine_tuning.py']' "

/* The launcher speaks last and knows least; it counts when nobody else says more. */
static void the_telling_line_is_not_always_the_last(void **state)
{
    (void)state;
    expect("tune", "KeyError: None\n" LAUNCHER "returned non-zero exit status 1.\n", "DataUnsupported",
           "KeyError: None; ");
    /* The kubelet keeps the end of a long line, without what it begins with. */
    expect("tune", "'sgd', 'adagrad', 'galore_adamw')\n" LAUNCHER "returned non-zero exit status 2.\n",
           "InvalidTrainingConfig", "kubectl kaito check");
    expect("tune", "loading\n" LAUNCHER "died with <Signals.SIGKILL: 9>.\n", "TrainerKilled", "more memory");
    expect("tune", "Root Cause (first observed failure):\n  exitcode  : -9 (pid: 77)\n  error_file: <N/A>\n=====\n",
           "TrainerKilled", "exitcode : -9");
    expect("tune", "  traceback : To enable traceback see: https://pytorch.org\n==========\n", "TrainerFailed",
           "traceback : To enable");
}

/* The losses before a failure that is not known are part of what went wrong. */
static void losses_in_the_last_lines_are_named(void **state)
{
    (void)state;
    expect("tune", "{'loss': 0.0}\n{'loss': 0.0}\n{'loss': 0.0}\nSomethingError: x\n", "TrainerFailed",
           "SomethingError: x; look at its log; besides, every loss is 0");
    expect("tune", "{'loss': 1.0}\n{'loss': nan}\n{'loss': nan}\n{'loss': nan}", "TrainerFailed",
           "besides, the loss is not a number");
    assert_null(strstr(cause_of("tune", "{'loss': 0.0}\n{'loss': 0.1}\nSomethingError: x").message, "besides"));
    assert_null(strstr(cause_of("pusher", "{'loss': nan}\n{'loss': nan}\n{'loss': nan}").message, "besides"));
}

/* Words of known failures that are part of what somebody else says, or in a text of the user's, name nothing. */
static void what_is_not_known_is_shown_as_it_is(void **state)
{
    static const char *const lines[] = {
        "KeyError: 'text'",
        "KeyError: None of these",
        "ValueError: the row says \"CUDA out of memory\"",
        "INFO answer: KeyError: None",
        "RuntimeError: Unable to find a valid dataset file.",
        "MyValueError: Attempting to unscale FP16 gradients.",
        "ValueError: no bf16 here, bf16/gpu neither",
        "other.py: error: argument --x: invalid choice: 'y'",
        "{\"text\": \"No CUDA GPUs are available\"}",
        "SomethingError: new in the next release",
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(lines); i++)
        expect("tune", lines[i], "TrainerFailed", kt_arena_printf(&world.arena, "%s; look at its log", lines[i]));
}

static void the_pushers_own_words_are_known(void **state)
{
    (void)state;
    expect("pusher", "pusher: the trainer ended without an adapter; see the log of its container", "NoAdapter",
           "trainer's log");
    expect("pusher",
           "pusher: the trainer has ended, but there is no adapter_config.json in /mnt/results; is "
           "TrainingArguments.output_dir another folder?",
           "NoAdapter", "nothing was pushed");
    expect("pusher", "pusher: the training has changed nothing: every lora_B of the adapter is 0, as at the start",
           "NothingLearnt", "ShareGPT");
    expect("pusher", "pusher: r.io/x:1 cannot be pushed, after 10 tries: unauthorized", "PushFailed",
           "imagePushSecret");
    expect("output-verifier", "output-verifier: the trainer has ended, but there is no adapter_config.json in /mnt",
           "NoAdapter", "output_dir");
    expect("output-verifier", "output-verifier: the training has changed nothing: every lora_B", "NothingLearnt",
           "ShareGPT");
    expect("tune", "pusher: the trainer ended without an adapter", "TrainerFailed", "pusher:");
}

/* oras' own words, as a registry with passwords and a few broken ones made it say them. */
static void a_registry_is_named_for_what_it_refuses(void **state)
{
    static const struct {
        const char *words, *advice;
    } cases[] = {
        {"Error response from registry: HEAD \"https://r.io/v2/a/blobs/sha256:00\": response status code 401: "
         "Unauthorized",
         "correct the Secret"},
        {"Error: basic credential not found", "correct the Secret"},
        {"Error: failed to decode config file /root/.docker/config.json: invalid config format: unexpected EOF",
         "no docker config"},
        {"Error response from registry: denied: requested access to the resource is denied", "may not push there"},
        {"Error response from registry: name unknown: The repository with name 'a' does not exist", "create it"},
        {"Error: Head \"https://r.io/v2/\": tls: failed to verify certificate: x509: certificate signed by unknown "
         "authority",
         "certificate"},
        {"Error: Head \"https://r.io/v2/\": dial tcp: lookup r.io on 10.0.0.10:53: no such host", "cannot be resolved"},
        {"Error: Head \"https://r.io/v2/\": dial tcp 10.0.0.1:443: connect: connection refused", "does not answer"},
        {"Error: Head \"https://r.io/v2/\": http: server gave HTTP response to HTTPS client", "TLS"},
        {"Error response from registry: operation unsupported: The operation is unsupported.", "read-only"},
        {"Error response from registry: PUT \"https://r.io/v2/\": response status code 507: Insufficient Storage",
         "full"},
        {"it did not answer in time", "tuning.output"},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        const char *check =
            kt_arena_printf(&world.arena, "output-check: r.io/a:1 could not be pushed: %s", cases[i].words);
        const char *push = kt_arena_printf(&world.arena, "pusher: r.io/a:1 cannot be pushed: %s", cases[i].words);
        expect("pusher", push, "PushFailed", cases[i].advice);
        struct kt_cause cause = cause_of_init("output-check", check);
        if (!kt_streq(cause.reason, "OutputRefused") || !strstr(cause.message, cases[i].advice))
            fail_msg("%s\n  is %s: %s", check, cause.reason, cause.message);
    }
}

/* oras says what to do in a second line, after the one that says what is wrong. */
static void a_download_of_weights_is_quoted_by_its_error(void **state)
{
    struct kt_cause cause;
    (void)state;
    kt_test_world_pod_with(&world, "Failed",
                           "[{\"name\":\"model-weights-downloader\",\"state\":{\"terminated\":{\"exitCode\":1,"
                           "\"message\":\"Error response from registry: unauthorized: authentication required\\n"
                           "Please check whether the registry credential is correct\\n\"}}}]",
                           NULL);
    assert_true(kt_diagnose_pod(&world.arena, world.pod, "tune", (struct kt_objects){0}, &cause));
    assert_non_null(strstr(cause.message, "unauthorized: authentication required"));
}

static void patterns_are_anchored_at_the_start(void **state)
{
    static const struct {
        const char *line;
        bool is_known;
    } cases[] = {
        {"", false},
        {":", false},
        {": KeyError", false},
        {"KeyError:", false},
        {"KeyError: None", true},
        {"a.b.KeyError: None", true},
        {"[rank3]: KeyError: None", true},
        {"[rank", false},
        {"[rank0]", false},
        {"[rank0]:", false},
        {"it/s]", false},
        {"TypeError: get_wsd_schedule() missing 1 required positional argument: 'num_decay_steps'", true},
        {"TypeError: get_wsd_schedule() missing", false},
    };
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++)
        if ((kt_known_failure_of_line(KT_ROLE_TRAINER, kt_str(cases[i].line)) != NULL) != cases[i].is_known)
            fail_msg("%s", cases[i].line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_trainers_last_lines_have_reason_and_advice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_telling_line_is_not_always_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(losses_in_the_last_lines_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_known_is_shown_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_pushers_own_words_are_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_registry_is_named_for_what_it_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_download_of_weights_is_quoted_by_its_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(patterns_are_anchored_at_the_start, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
