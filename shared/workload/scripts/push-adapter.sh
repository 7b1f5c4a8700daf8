#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Container pusher: waits for the trainer's end and pushes the adapter as the image OUTPUT_IMAGE. It shares the pod's
# process table with the trainer, so it sees when no process with TRAINER_PROCESS in its command line is left. (That
# text must not stand in this script, which is part of its own command line.)
#
# The image is one that inference pulls adapters from: one layer data/ with adapter_config.json and
# adapter_model.safetensors, a config with that layer's digest, and the model's name as an annotation.
set -u
umask 022
tries_most=${PUSH_TRIES:-10}
pause_seconds=${RETRY_PAUSE_SECONDS:-10}
poll_seconds=${POLL_SECONDS:-2}
# The trainer's image is large and is pulled before this container starts; a registry may make it try again for a while.
start_polls_most=${START_POLLS:-900}
# A trainer that has saved all but does not end is not waited for longer than this.
end_polls_most=${END_POLLS:-60}
proc=${PROC_FOLDER:-/proc}
layer_type=application/vnd.oci.image.layer.v1.tar+gzip
config_type=application/vnd.oci.image.config.v1+json

say() { printf 'pusher: %s\n' "$1"; }
fail() {
    say "$1" >&2
    exit 1
}

trainer_runs() {
    for line in "$proc"/[0-9]*/cmdline; do
        case $(tr '\0' ' ' 2>/dev/null <"$line") in
        *"$TRAINER_PROCESS"*) return 0 ;;
        esac
    done
    return 1
}

is_completed() { [ -e "$RESULTS_DIR/fine_tuning_completed.txt" ]; }

wait_for_start() {
    polls=0
    until is_completed || trainer_runs; do
        polls=$((polls + 1))
        [ "$polls" -lt "$start_polls_most" ] ||
            fail 'the trainer was never seen to run: it ended at once or could not start; see the log and the state of its container'
        sleep "$poll_seconds"
    done
}

# All processes of the trainer write the adapter, so it is whole when the last has ended.
wait_for_end() {
    polls=0
    while trainer_runs; do
        if is_completed; then
            polls=$((polls + 1))
            [ "$polls" -lt "$end_polls_most" ] || {
                say 'the adapter is saved but the trainer still runs; pushing all the same'
                return 0
            }
        fi
        sleep "$poll_seconds"
    done
    is_completed || fail 'the trainer ended without an adapter; see the log of its container'
}

# A LoRA begins with every lora_B at 0; when all still are, no step has changed anything. The file is a length of 8
# bytes, JSON of that length with where each tensor lies behind it, and the tensors. What cannot be read so is pushed.
has_learnt() {
    file=$RESULTS_DIR/adapter_model.safetensors
    # shellcheck disable=SC2046 # one word a byte
    set -- $(od -An -v -tu1 -N8 "$file")
    [ "$#" -eq 8 ] && [ "$(($4 + $5 + $6 + $7 + $8))" -eq 0 ] || return 0
    start=$((8 + $1 + 256 * $2 + 65536 * $3))
    places=$(head -c "$start" "$file" | tail -c +9 | tr '}' '\n' |
        sed -n 's/.*lora_B.*"data_offsets":\[\([0-9]\{1,15\}\),\([0-9]\{1,15\}\)\].*/\1 \2/p')
    [ -n "$places" ] || return 0
    printf '%s\n' "$places" | while read -r from to; do
        is_there=$(tail -c "+$((start + to))" "$file" | head -c 1 | wc -c)
        bytes=$(tail -c "+$((start + from + 1))" "$file" | head -c "$((to - from))" | tr -d '\000' | head -c 1 | wc -c)
        [ "$is_there" -eq 1 ] && [ "$bytes" -eq 0 ] || exit 1
    done || return 0
    return 1
}

make_image() {
    mkdir -p "$work/data" || return 1
    cp "$RESULTS_DIR/adapter_config.json" "$RESULTS_DIR/adapter_model.safetensors" "$work/data/" || return 1
    tar -cf "$work/layer.tar" -C "$work" data || return 1
    digest=$(sha256sum "$work/layer.tar") || return 1
    gzip -9 "$work/layer.tar" || return 1
    printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "${digest%% *}" >"$work/config.json" || return 1
    # shellcheck disable=SC2016 # $manifest is oras' own word
    printf '{"$manifest":{"sh.kaito.model.name":"%s"}}' "$MODEL_NAME" >"$work/annotations.json"
}

# What oras says, with what to do about it in a line behind: the last line that names an error.
telling_line() {
    line=$(printf '%s\n' "$1" | grep '^Error' | tail -n 1)
    [ -n "$line" ] || line=$(printf '%s\n' "$1" | tail -n 1)
    printf '%s' "$line"
}

push() {
    try=1
    until words=$(cd "$work" && oras push --disable-path-validation --annotation-file annotations.json \
        --config "config.json:$config_type" "$OUTPUT_IMAGE" "layer.tar.gz:$layer_type" 2>&1); do
        words=$(telling_line "$words")
        [ "$try" -lt "$tries_most" ] || fail "$OUTPUT_IMAGE cannot be pushed, after $try tries: $words"
        say "try $try failed: $words"
        sleep $((pause_seconds * try))
        try=$((try + 1))
    done
    printf '%s\n' "$words"
}

for name in RESULTS_DIR OUTPUT_IMAGE MODEL_NAME TRAINER_PROCESS; do
    eval "[ -n \"\${$name:-}\" ]" || fail "$name is empty"
done
work=$(mktemp -d) || fail 'no folder for temporary files can be made'
trap 'rm -rf "$work"' EXIT
say "waiting for the trainer; its adapter goes to $OUTPUT_IMAGE"
wait_for_start
wait_for_end
for file in adapter_config.json adapter_model.safetensors; do
    [ -s "$RESULTS_DIR/$file" ] || fail "the trainer ended well, but there is no $file in $RESULTS_DIR; is TrainingArguments.output_dir another folder?"
done
has_learnt || fail 'the training has changed nothing: every lora_B of the adapter is 0, as at the start'
make_image || fail 'the image cannot be made; is the disk full?'
push
say "pushed $OUTPUT_IMAGE"
