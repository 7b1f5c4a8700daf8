/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/exit_codes.h"

#include "workload/known_failures.h"
#include "workload/losses.h"

static const struct {
    const char *what;   /* the container's job, for a person */
    const char *reason; /* when nothing better is known */
    const char *advice; /* what to look at */
} roles[KT_ROLE_COUNT] = {
    [KT_ROLE_OTHER] = {"a helper container", "ContainerFailed", "look at its log"},
    [KT_ROLE_OUTPUT_CHECK] = {"the check of the output before the training", "OutputRefused",
                              "correct tuning.output: nothing has been trained yet, and no time on a GPU is lost"},
    [KT_ROLE_WEIGHTS] = {"the download of the model's weights", "WeightsDownloadFailed",
                         "the node must reach the registry of the model's image"},
    [KT_ROLE_DATA] = {"fetching the data", "DataDownloadFailed",
                      "check tuning.input, and that it can be reached from the cluster"},
    [KT_ROLE_DATASET] = {"the look at the data", "DataUnsupported",
                         "`kubectl kaito check --dataset FILE` says what a file holds"},
    [KT_ROLE_TRAINER] = {"the trainer", "TrainerFailed", "look at its log"},
    [KT_ROLE_PUSHER] = {"the push of the adapter", "PushFailed",
                        "check tuning.output.image, and that its imagePushSecret may write there"},
    [KT_ROLE_VERIFIER] = {"the look at the adapter", "NoAdapter",
                          "the cause is in the trainer's log (`kubectl kaito logs`)"},
};

struct meaning {
    int64_t code;
    const char *text;
};

/* Those that mean the same for every program: 126 and 127 a shell's, above 128 a signal's. */
static const struct meaning any_program[] = {
    {126, "its command cannot be run"},
    {127, "its command is not in the image"},
    {132, "an instruction that this processor does not have (SIGILL)"},
    {134, "the program gave itself up (SIGABRT)"},
    {135, "shared memory or a mapped file ran out (SIGBUS)"},
    {137, "it was killed (SIGKILL): its pod was ended, or its node ran out of memory"},
    {139, "the program crashed (SIGSEGV)"},
    {143, "it was told to end (SIGTERM): its pod or its node was being taken away"},
};

/* curl's, from its manual. */
static const struct meaning curl_codes[] = {
    {3, "the URL is not well formed"},
    {6, "the server's name cannot be resolved"},
    {7, "the server does not answer at this address"},
    {18, "the transfer ended too early"},
    {22, "the server answered with an error (HTTP 400 or above)"},
    {23, "the data cannot be written: is the disk full?"},
    {28, "the server did not answer in time"},
    {35, "the TLS handshake failed"},
    {47, "too many redirects"},
    {52, "the server answered nothing"},
    {56, "the connection was cut"},
    {60, "the server's certificate is not trusted"},
    {63, "the file is larger than allowed"},
};

static const char *find_meaning(const struct meaning *rows, size_t count, int64_t code)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].code == code)
            return rows[i].text;
    }
    return NULL;
}

static const char *code_meaning(const struct kt_container *container, int64_t code)
{
    const char *text = NULL;
    if (container->role == KT_ROLE_DATA)
        text = find_meaning(curl_codes, KT_ARRAY_LENGTH(curl_codes), code);
    return text ? text : find_meaning(any_program, KT_ARRAY_LENGTH(any_program), code);
}

/* Losses in a trainer's last lines, for a failure whose words are not known. */
static const char *fault_of_losses(const struct kt_container *container, const char *output)
{
    struct kt_losses losses = {0};
    struct kt_str rest = kt_cause_tail(output), loss;
    while (rest.length > 0) {
        size_t end = KT_MIN(kt_str_find_char(rest, '\n'), rest.length);
        size_t used = KT_MIN(end + 1, rest.length);
        kt_losses_take(&losses, (struct kt_str){rest.data, end}, &loss);
        rest = (struct kt_str){rest.data + used, rest.length - used};
    }
    return container->role == KT_ROLE_TRAINER ? kt_losses_fault(&losses, KT_LEAST_LOSSES) : NULL;
}

static void name_failure(struct kt_arena *arena, const struct kt_container *container, int64_t code, const char *output,
                         struct kt_cause *ret)
{
    const char *said;
    const struct kt_known_failure *known = kt_known_failure_of_output(arena, container->role, output, &said);
    const char *reason = known && known->reason ? known->reason : roles[container->role].reason;
    const char *advice = known ? known->advice : roles[container->role].advice;
    const char *fault = known ? NULL : fault_of_losses(container, output);
    if (!*said) {
        const char *meaning = code_meaning(container, code);
        said = meaning ? meaning : "";
    }
    kt_cause_set(arena, ret, "Pod", container->pod, reason, "%s (container %s) ended with exit code %lld%s%s; %s%s%s",
                 roles[container->role].what, container->name, (long long)code, *said ? ": " : "", said, advice,
                 fault ? "; besides, " : "", fault ? fault : "");
}

bool kt_diagnose_exit(struct kt_arena *arena, const struct kt_container *container, const cJSON *terminated,
                      struct kt_cause *ret)
{
    int64_t code = 0;
    if (!kt_json_is_object(terminated))
        return false;
    const char *reason = kt_json_string_or(kt_json_get(terminated, "reason"), "");
    const char *output = kt_json_string(kt_json_get(terminated, "message"));
    bool has_code = kt_json_int64(kt_json_get(terminated, "exitCode"), &code);
    if (has_code && code == 0)
        return false;
    if (kt_streq(reason, "OOMKilled")) {
        kt_cause_set(arena, ret, "Pod", container->pod, "OOMKilled",
                     "%s (container %s) was killed because the memory of its node, not of the GPU, ran out, or its "
                     "own limit where a LimitRange of the namespace sets one; take a machine type with more memory, or "
                     "raise that limit",
                     roles[container->role].what, container->name);
    } else if (kt_streq(reason, "StartError") || kt_streq(reason, "ContainerCannotRun")) {
        kt_cause_set(arena, ret, "Pod", container->pod, "StartError", "container %s cannot be started: %s",
                     container->name, kt_cause_last_words(arena, output, false));
    } else if (kt_streq(reason, "ContainerStatusUnknown")) {
        kt_cause_set(arena, ret, "Pod", container->pod, "NodeLost",
                     "the node lost container %s of pod %s, most likely because it was restarted or taken away",
                     container->name, kt_metadata_text(container->pod, "name"));
    } else {
        name_failure(arena, container, code, output, ret);
    }
    return true;
}
