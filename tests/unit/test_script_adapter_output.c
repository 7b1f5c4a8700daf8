/* SPDX-License-Identifier: Apache-2.0 */
/* adapter-output.sh with an oras of ours that writes down what it is given, and a process table of ours. */
#include <stdio.h>

#include "base/strbuf.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/script_run.h"

/* Keeps what is pushed; fails as often as the file `failures` has lines. */
#define ORAS                                                                                    \
    "#!/bin/sh\n"                                                                               \
    "echo \"$*\" >>../oras.log\n"                                                               \
    "if [ -s ../failures ]; then\n"                                                             \
    "    words=$(sed -n 1p ../failures)\n"                                                      \
    "    sed -i 1d ../failures\n"                                                               \
    "    echo \"Error$words\" >&2\n"                                                            \
    "    echo 'Please check whether the registry credential is right' >&2\n"                    \
    "    exit 1\n"                                                                              \
    "fi\n"                                                                                      \
    "mkdir -p ../pushed && cp layer.tar.gz config.json annotations.json ../pushed/ || exit 1\n" \
    "echo 'Digest: sha256:0000'\n"

/* In front of the script. Its folder for temporary files lies where the test can look, and `sleep` moves the world on:
 * it runs the script `next`. */
#define WORLD                                                     \
    "mktemp() { mkdir \"$HOME/work\" && echo \"$HOME/work\"; }\n" \
    "sleep() { /bin/sh \"$HOME/next\"; }\n"

static const char *const NAMES[] = {"adapter_config.json", "adapter_model.safetensors"};

static void prepare(struct kt_script_place *place)
{
    kt_script_write(place, "tools/oras", ORAS);
    kt_script_write(place, "results/.keep", "");
    kt_script_write(place, "proc/1/cmdline", "/pause");
}

static void save_adapter(struct kt_script_place *place)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(NAMES); i++)
        kt_script_write(place, kt_arena_printf(&place->arena, "results/%s", NAMES[i]), NAMES[i]);
}

static int push(struct kt_script_place *place, const char *model, const char **ret_output)
{
    struct kt_arena *arena = &place->arena;
    const char *const variables[] = {
        kt_arena_printf(arena, "RESULTS_DIR=%s", kt_script_path(place, "results")),
        kt_arena_printf(arena, "PROC_FOLDER=%s", kt_script_path(place, "proc")),
        kt_arena_printf(arena, "MODEL_NAME=%s", model),
        "OUTPUT_IMAGE=registry.example.com/kaito/out:1",
        "TRAINER_PROCESS=fine_tuning.py",
        "START_POLLS=5",
        "END_POLLS=4",
        NULL,
    };
    const char *script = kt_arena_printf(arena, "%s%s", WORLD, kt_embedded_adapter_output.text);
    return kt_script_run(place, script, variables, ret_output);
}

static void assert_ends_with(struct kt_script_place *place, const char *output, const char *words)
{
    if (!strstr(kt_script_last_line(place, output), words))
        fail_msg("the last line is not about \"%s\": %s", words, output);
}

/* The trainer is there at the first look, saves at the first sleep and is gone at the second. */
static void the_adapter_is_pushed_when_the_trainer_has_ended(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    save_adapter(place);
    kt_script_write(place, "proc/7/cmdline", "python3 /workspace/tfs/fine_tuning.py");
    kt_script_write(
        place, "next",
        "[ ! -e results/fine_tuning_completed.txt ] || rm -r proc/7\ntouch results/fine_tuning_completed.txt\n");
    int code = push(place, "phi-3-mini-128k-instruct", &output);
    if (code != 0)
        fail_msg("%s", output);
    assert_ends_with(place, output, "pushed registry.example.com/kaito/out:1");
    assert_non_null(strstr(output, "sha256:0000"));
    assert_string_equal(kt_script_read(place, "pushed/annotations.json"),
                        "{\"$manifest\":{\"sh.kaito.model.name\":\"phi-3-mini-128k-instruct\"}}");
    assert_string_equal(kt_script_read(place, "oras.log"),
                        "push --disable-path-validation --annotation-file annotations.json --config "
                        "config.json:application/vnd.oci.image.config.v1+json registry.example.com/kaito/out:1 "
                        "layer.tar.gz:application/vnd.oci.image.layer.v1.tar+gzip\n");
    assert_null(kt_script_read(place, "work/layer.tar.gz")); /* nothing is left behind */
}

/* What an inference server gets when it pulls the image: /data with two files, and a config that names the layer. */
static void the_layer_holds_the_adapter_under_data(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    save_adapter(place);
    kt_script_write(place, "results/fine_tuning_completed.txt", "done");
    assert_int_equal(push(place, "phi-4", &output), 0);
    assert_int_equal(
        kt_script_run(place,
                      "cd pushed && gzip -d layer.tar.gz && tar -tf layer.tar | sort && tar -xf layer.tar && "
                      "cat data/adapter_config.json && sha256sum layer.tar >sum && "
                      "grep -q \"\\\"sha256:$(cut -d' ' -f1 sum)\\\"\" config.json",
                      NULL, &output),
        0);
    assert_string_equal(output, "data/\ndata/adapter_config.json\ndata/adapter_model.safetensors\nadapter_config.json");
}

static void a_trainer_that_crashes_ends_it_with_the_cause(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    kt_script_write(place, "proc/7/cmdline", "accelerate launch /workspace/tfs/fine_tuning.py");
    kt_script_write(place, "next", "rm -r proc/7\n");
    assert_int_equal(push(place, "phi-4", &output), 1);
    assert_ends_with(place, output, "the trainer ended without an adapter; see the log and the state of its container");
    assert_null(kt_script_read(place, "oras.log"));
}

static void a_trainer_that_never_starts_is_not_waited_for_for_ever(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    kt_script_write(place, "next", "echo looked >>polls\n");
    assert_int_equal(push(place, "phi-4", &output), 1);
    assert_ends_with(place, output, "the trainer was never seen to run");
    assert_string_equal(kt_script_read(place, "polls"), "looked\nlooked\nlooked\nlooked\n");
}

static void a_trainer_that_hangs_after_saving_is_pushed_all_the_same(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    save_adapter(place);
    kt_script_write(place, "proc/7/cmdline", "python3 fine_tuning.py");
    kt_script_write(place, "results/fine_tuning_completed.txt", "done");
    kt_script_write(place, "next", "");
    assert_int_equal(push(place, "phi-4", &output), 0);
    assert_non_null(strstr(output, "the adapter is saved but the trainer still runs"));
}

static void its_own_command_line_is_not_the_trainer(struct kt_script_place *place)
{
    assert_null(strstr(kt_embedded_adapter_output.text, "fine_tuning.py"));
    (void)place;
}

static void an_adapter_elsewhere_is_told_of(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    kt_script_write(place, "results/fine_tuning_completed.txt", "done");
    kt_script_write(place, "results/adapter_config.json", "{}");
    assert_int_equal(push(place, "phi-4", &output), 1);
    assert_ends_with(place, output, "there is no adapter_model.safetensors in ");
}

#define TENSORS                                                                                                       \
    "{\"__metadata__\":{\"format\":\"pt\"},\"a.lora_A.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[" \
    "0,8]},"                                                                                                          \
    "\"a.lora_B.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]},"                                \
    "\"b.lora_B.weight\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[16,24]}}"

/* An adapter whose two lora_B have these last bytes; cut: as many bytes are missing at the end. */
static void save_tensors(struct kt_script_place *place, char first, char second, size_t cut)
{
    char tensors[24] = "\1\1\1\1\1\1\1\1";
    const unsigned char length[8] = {(unsigned char)strlen(TENSORS), (unsigned char)(strlen(TENSORS) >> 8)};
    save_adapter(place);
    kt_script_write(place, "results/fine_tuning_completed.txt", "done");
    tensors[15] = first;
    tensors[23] = second;
    FILE *file = fopen(kt_script_path(place, "results/adapter_model.safetensors"), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(length, 1, sizeof(length), file), sizeof(length));
    assert_int_equal(fwrite(TENSORS, 1, strlen(TENSORS), file), strlen(TENSORS));
    assert_int_equal(fwrite(tensors, 1, sizeof(tensors) - cut, file), sizeof(tensors) - cut);
    assert_int_equal(fclose(file), 0);
}

/* The trainer ends well when it has learnt nothing, too. */
static void an_adapter_that_has_learnt_nothing_is_not_pushed(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    save_tensors(place, 0, 0, 0);
    assert_int_equal(push(place, "phi-4", &output), 1);
    assert_ends_with(place, output, "the training has changed nothing: every lora_B of the adapter is 0");
    assert_null(kt_script_read(place, "oras.log"));
}

static void an_adapter_that_has_changed_is_pushed(struct kt_script_place *place)
{
    static const struct {
        char first, second;
        size_t cut;
    } cases[] = {{1, 0, 0}, {0, 1, 0}, {'\n', 0, 0}, {0, 0, 4}};
    const char *output;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        prepare(place);
        save_tensors(place, cases[i].first, cases[i].second, cases[i].cut);
        if (push(place, "phi-4", &output) != 0)
            fail_msg("case %zu: %s", i, output);
    }
}

#define BUSY " response from registry: response status code 503: Service Unavailable\n"

static void a_registry_that_is_busy_is_asked_a_few_times(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    save_adapter(place);
    kt_script_write(place, "results/fine_tuning_completed.txt", "done");
    kt_script_write(place, "next", "");
    kt_script_write(place, "failures", BUSY BUSY);
    assert_int_equal(push(place, "phi-4", &output), 0);
    assert_non_null(strstr(output, "try 2 failed: Error response from registry: response status code 503"));
    kt_script_write(place, "failures", BUSY BUSY BUSY BUSY BUSY BUSY BUSY BUSY BUSY BUSY BUSY);
    assert_int_equal(push(place, "phi-4", &output), 1);
    assert_ends_with(place, output,
                     "registry.example.com/kaito/out:1 cannot be pushed, after 10 tries: Error response from registry: "
                     "response status code 503");
}

/* What no other try can help ends it at once. */
static void a_registry_that_refuses_is_asked_once(struct kt_script_place *place)
{
    static const char *const refusals[] = {
        " response from registry: unauthorized: authentication required",
        " response from registry: PATCH https://r.io/v2/: response status code 403: Forbidden",
        " response from registry: denied: requested access to the resource is denied",
        " response from registry: name unknown: repository name not known to registry",
        ": failed to decode config file /root/.docker/config.json: unexpected EOF",
        ": basic credential not found",
        ": Head https://r.io/v2/: tls: failed to verify certificate: x509: certificate signed by unknown authority",
        ": Head https://r.io/v2/: dial tcp: lookup r.io on 10.0.0.10:53: no such host",
    };
    const char *output;
    prepare(place);
    save_adapter(place);
    kt_script_write(place, "results/fine_tuning_completed.txt", "done");
    kt_script_write(place, "next", "");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(refusals); i++) {
        kt_script_write(place, "failures", kt_arena_printf(&place->arena, "%s\n%s\n", refusals[i], refusals[i]));
        assert_int_equal(push(place, "phi-4", &output), 1);
        assert_ends_with(place, output, kt_arena_printf(&place->arena, "out:1 cannot be pushed: Error%s", refusals[i]));
        assert_string_equal(kt_script_read(place, "failures"), kt_arena_printf(&place->arena, "%s\n", refusals[i]));
    }
}

/* --- the check before the training --------------------------------------------------------------------------- */

/* An oras that answers as a registry does: a line of `answers` for each probe, the last one for good; the tag is there
 * when the file `tag` is. */
#define PROBED_ORAS                                                                        \
    "#!/bin/sh\n"                                                                          \
    "echo \"$*\" >>oras.log\n"                                                             \
    "case $1 in manifest) [ -e tag ]; exit ;; esac\n"                                      \
    "[ \"$1 $2 $3 $4 $6\" = 'blob push --size 2 -' ] && [ \"$(cat)\" = '{}' ] || exit 9\n" \
    "sed -n 1p answers >&2\n"                                                              \
    "[ \"$(wc -l <answers)\" -eq 1 ] || sed -i 1d answers\n"                               \
    "exit 1\n"
#define DIGEST_REFUSED "Error response from registry: digest invalid: provided digest did not match uploaded content"

static int check(struct kt_script_place *place, const char *answers, const char **ret_output)
{
    static const char *const variables[] = {"ADAPTER_STEP=check", "OUTPUT_IMAGE=r.io:5000/a/out:1",
                                            "MESSAGE_FILE=message", "CHECK_TRIES=3", NULL};
    const char *script = kt_arena_printf(&place->arena, "%s%s", WORLD, kt_embedded_adapter_output.text);
    kt_script_write(place, "tools/oras", PROBED_ORAS);
    kt_script_write(place, "next", "");
    kt_script_write(place, "oras.log", "");
    kt_script_write(place, "answers", kt_arena_printf(&place->arena, "%s\n", answers));
    return kt_script_run(place, script, variables, ret_output);
}

static void an_upload_that_is_refused_for_its_digest_proves_the_rest(struct kt_script_place *place)
{
    const char *output;
    assert_int_equal(check(place, DIGEST_REFUSED, &output), 0);
    assert_ends_with(place, output, "r.io:5000/a/out:1 can be pushed");
    assert_non_null(strstr(kt_script_read(place, "oras.log"), "blob push --size 2 r.io:5000/a/out@sha256:"));
    assert_null(kt_script_read(place, "message"));
    /* As oras 1.2.2 and 1.3.4 word what registries answer. */
    static const char *const proofs[] = {
        "Error response from registry: PUT \"https://r.io/v2/a/blobs/uploads/1\": response status code 400: Bad "
        "Request",
        "Error response from registry: recognizable error message not found: PUT "
        "\"https://r.io/v2/a/blobs/uploads/1\": "
        "response status code 400: Bad Request",
        "Error response from registry: blob upload invalid: blob upload invalid: map[]",
    };
    for (size_t i = 0; i < KT_ARRAY_LENGTH(proofs); i++)
        assert_int_equal(check(place, proofs[i], &output), 0);
    assert_int_equal(check(place,
                           "Error response from registry: PUT \"https://r.io/v2/a/blobs/uploads/1\": response status "
                           "code 403: Forbidden",
                           &output),
                     1);
}

static void a_tag_that_is_there_is_told_of(struct kt_script_place *place)
{
    const char *output;
    kt_script_write(place, "tag", "");
    assert_int_equal(check(place, DIGEST_REFUSED, &output), 0);
    assert_string_equal(kt_script_read(place, "message"),
                        "r.io:5000/a/out:1 is there already: the push will replace it");
}

static void a_refused_check_ends_before_the_training(struct kt_script_place *place)
{
    static const struct {
        const char *answers, *words;
        size_t tries;
    } cases[] = {
        {"Error response from registry: HEAD \"https://r.io/\": response status code 401: Unauthorized",
         "could not be pushed: Error response from registry: HEAD", 1},
        {"Error: basic credential not found", "could not be pushed: Error: basic", 1},
        {"Error response from registry: response status code 500: Internal Server Error\n" DIGEST_REFUSED,
         "can be pushed", 2},
        {"Error response from registry: PUT \"https://r.io/\": response status code 507: Insufficient Storage",
         "could not be pushed, after 3 tries: Error response from registry: PUT", 3},
        {"Error: Head \"https://r.io/\": dial tcp 10.0.0.1:443: connect: connection refused",
         "could not be pushed, after 3 tries: Error: Head", 3},
        {"", "could not be pushed, after 3 tries: it did not answer in time", 3},
    };
    const char *output;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(cases); i++) {
        int code = check(place, cases[i].answers, &output);
        const char *log = kt_script_read(place, "oras.log");
        size_t tries = 0;
        for (const char *at = log; (at = strstr(at, "blob push")); at++)
            tries++;
        assert_int_equal(code, strstr(cases[i].words, "could not") ? 1 : 0);
        assert_ends_with(place, output, cases[i].words);
        assert_int_equal(tries, cases[i].tries);
    }
}

/* --- a volume of the user's ---------------------------------------------------------------------------------- */

static int on_volume(struct kt_script_place *place, const char *step, const char **ret_output)
{
    struct kt_arena *arena = &place->arena;
    const char *const variables[] = {
        kt_arena_printf(arena, "ADAPTER_STEP=%s", step),
        kt_arena_printf(arena, "RESULTS_DIR=%s", kt_script_path(place, "results")),
        kt_arena_printf(arena, "PROC_FOLDER=%s", kt_script_path(place, "proc")),
        kt_arena_printf(arena, "WATCH_FOLDER=%s", kt_script_path(place, "watch")),
        "TRAINER_PROCESS=fine_tuning.py",
        "START_POLLS=5",
        "QUIET_POLLS=3",
        NULL,
    };
    const char *script = kt_arena_printf(arena, "%s%s", WORLD, kt_embedded_adapter_output.text);
    kt_script_write(place, "watch/.keep", "");
    return kt_script_run(place, script, variables, ret_output);
}

static void a_volume_must_be_written_and_hold_a_new_adapter(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    save_adapter(place);
    kt_script_write(place, "results/fine_tuning_completed.txt", "of an earlier training");
    assert_int_equal(on_volume(place, "check", &output), 0);
    assert_string_equal(kt_script_list(place, "results"),
                        ".keep\nadapter_config.json\nadapter_model.safetensors\nfine_tuning_completed.txt\n");
    kt_script_write(place, "proc/7/cmdline", "python3 fine_tuning.py");
    kt_script_write(place, "next", "rm -r proc/7\n");
    assert_int_equal(on_volume(place, "look", &output), 1);
    assert_ends_with(place, output, "there is no new adapter_model.safetensors");
    kt_script_write(place, "proc/7/cmdline", "python3 fine_tuning.py");
    kt_script_write(place, "next", "rm -r proc/7\necho changed >results/adapter_model.safetensors\n");
    if (on_volume(place, "look", &output) != 0)
        fail_msg("%s", output);
    assert_ends_with(place, output, "the adapter is in ");
}

static void a_volume_without_an_adapter_is_told_of(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    kt_script_write(place, "proc/7/cmdline", "python3 fine_tuning.py");
    kt_script_write(place, "next", "rm -r proc/7\n");
    assert_int_equal(on_volume(place, "look", &output), 1);
    assert_ends_with(place, output, "there is no adapter_config.json in ");
}

/* The kubelet has made the trainer's container, and no process of it is there: it has ended, and quickly. */
static void a_trainer_that_ended_at_once_is_not_waited_for(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    kt_script_write(place, "watch/started/.keep", "");
    kt_script_write(place, "next", "echo looked >>polls\n");
    assert_int_equal(on_volume(place, "look", &output), 1);
    assert_ends_with(place, output, "the trainer has ended, but there is no adapter_config.json");
    assert_string_equal(kt_script_read(place, "polls"), "looked\nlooked\n");
}

static void a_trainer_that_was_quick_has_its_adapter_looked_at(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    save_adapter(place);
    kt_script_write(place, "watch/started/.keep", "");
    kt_script_write(place, "next", "");
    if (on_volume(place, "look", &output) != 0)
        fail_msg("%s", output);
    assert_ends_with(place, output, "the adapter is in ");
}

static void without_its_variables_it_says_which(struct kt_script_place *place)
{
    const char *output;
    const char *const variables[] = {"RESULTS_DIR=results", "OUTPUT_IMAGE=a:1", "TRAINER_PROCESS=x", NULL};
    prepare(place);
    assert_int_equal(kt_script_run(place, kt_embedded_adapter_output.text, variables, &output), 1);
    assert_ends_with(place, output, "MODEL_NAME is empty");
}

KT_SCENARIO(the_adapter_is_pushed_when_the_trainer_has_ended)
KT_SCENARIO(the_layer_holds_the_adapter_under_data)
KT_SCENARIO(a_trainer_that_crashes_ends_it_with_the_cause)
KT_SCENARIO(a_trainer_that_never_starts_is_not_waited_for_for_ever)
KT_SCENARIO(a_trainer_that_hangs_after_saving_is_pushed_all_the_same)
KT_SCENARIO(its_own_command_line_is_not_the_trainer)
KT_SCENARIO(an_adapter_elsewhere_is_told_of)
KT_SCENARIO(an_adapter_that_has_learnt_nothing_is_not_pushed)
KT_SCENARIO(an_adapter_that_has_changed_is_pushed)
KT_SCENARIO(a_registry_that_is_busy_is_asked_a_few_times)
KT_SCENARIO(a_registry_that_refuses_is_asked_once)
KT_SCENARIO(an_upload_that_is_refused_for_its_digest_proves_the_rest)
KT_SCENARIO(a_tag_that_is_there_is_told_of)
KT_SCENARIO(a_refused_check_ends_before_the_training)
KT_SCENARIO(a_volume_must_be_written_and_hold_a_new_adapter)
KT_SCENARIO(a_volume_without_an_adapter_is_told_of)
KT_SCENARIO(a_trainer_that_ended_at_once_is_not_waited_for)
KT_SCENARIO(a_trainer_that_was_quick_has_its_adapter_looked_at)
KT_SCENARIO(without_its_variables_it_says_which)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KT_IN_EVERY_SHELL(the_adapter_is_pushed_when_the_trainer_has_ended),
        KT_IN_EVERY_SHELL(the_layer_holds_the_adapter_under_data),
        KT_IN_EVERY_SHELL(a_trainer_that_crashes_ends_it_with_the_cause),
        KT_IN_EVERY_SHELL(a_trainer_that_never_starts_is_not_waited_for_for_ever),
        KT_IN_EVERY_SHELL(a_trainer_that_hangs_after_saving_is_pushed_all_the_same),
        KT_IN_EVERY_SHELL(its_own_command_line_is_not_the_trainer),
        KT_IN_EVERY_SHELL(an_adapter_elsewhere_is_told_of),
        KT_IN_EVERY_SHELL(an_adapter_that_has_learnt_nothing_is_not_pushed),
        KT_IN_EVERY_SHELL(an_adapter_that_has_changed_is_pushed),
        KT_IN_EVERY_SHELL(a_registry_that_is_busy_is_asked_a_few_times),
        KT_IN_EVERY_SHELL(a_registry_that_refuses_is_asked_once),
        KT_IN_EVERY_SHELL(an_upload_that_is_refused_for_its_digest_proves_the_rest),
        KT_IN_EVERY_SHELL(a_tag_that_is_there_is_told_of),
        KT_IN_EVERY_SHELL(a_refused_check_ends_before_the_training),
        KT_IN_EVERY_SHELL(a_volume_must_be_written_and_hold_a_new_adapter),
        KT_IN_EVERY_SHELL(a_volume_without_an_adapter_is_told_of),
        KT_IN_EVERY_SHELL(a_trainer_that_ended_at_once_is_not_waited_for),
        KT_IN_EVERY_SHELL(a_trainer_that_was_quick_has_its_adapter_looked_at),
        KT_IN_EVERY_SHELL(without_its_variables_it_says_which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
