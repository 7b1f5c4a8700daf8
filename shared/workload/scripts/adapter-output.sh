#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What becomes of the adapter, in the step that ADAPTER_STEP names:
#   check  (init container output-check): before anything is paid for, can it be pushed as OUTPUT_IMAGE, or written to
#          the volume RESULTS_DIR?
#   push   (container pusher): waits for the trainer's end and pushes the adapter as OUTPUT_IMAGE.
#   look   (container output-verifier): waits for the trainer's end and looks whether the adapter is in RESULTS_DIR.
#
# It shares the pod's process table with the trainer, so it sees when no process with TRAINER_PROCESS in its command line
# is left. (That text must not stand in this script, which is part of its own command line.) WATCH_FOLDER, when it is
# given, is a volume of which the trainer mounts the part `started`: the kubelet makes that folder when it makes the
# trainer's container, so that one which ended before it was seen is told from one whose image is still pulled.
#
# The image is one that inference pulls adapters from: one layer data/ with adapter_config.json and
# adapter_model.safetensors, a config with that layer's digest, and the model's name as an annotation.
set -u
umask 022
tries_most=${PUSH_TRIES:-10}
check_tries_most=${CHECK_TRIES:-7}
pause_seconds=${RETRY_PAUSE_SECONDS:-10}
poll_seconds=${POLL_SECONDS:-2}
# A registry that accepts a connection and then says nothing does not hold a try for longer than this.
check_seconds=${CHECK_SECONDS:-60}
push_seconds=${PUSH_SECONDS:-3600}
# The trainer's image is large and is pulled before this container starts; a registry may make it try again for a while.
start_polls_most=${START_POLLS:-900}
# From the making of the trainer's container to its first process.
quiet_polls_most=${QUIET_POLLS:-10}
# A trainer that has saved all but does not end is not waited for longer than this.
end_polls_most=${END_POLLS:-60}
proc=${PROC_FOLDER:-/proc}
message_file=${MESSAGE_FILE:-/dev/termination-log}
layer_type=application/vnd.oci.image.layer.v1.tar+gzip
config_type=application/vnd.oci.image.config.v1+json
name=${ADAPTER_STEP:-push}
case $name in
check) name=output-check ;;
look) name=output-verifier ;;
push) name=pusher ;;
*) name=adapter-output ;;
esac

say() { printf '%s: %s\n' "$name" "$1"; }
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

# On a volume of the user's the mark may be an earlier training's.
is_completed() { [ -n "${OUTPUT_IMAGE:-}" ] && [ -e "$RESULTS_DIR/fine_tuning_completed.txt" ]; }
is_made() { [ -n "${WATCH_FOLDER:-}" ] && [ -d "$WATCH_FOLDER/started" ]; }

wait_for_start() {
    polls=0
    quiet_polls=0
    until is_completed || trainer_runs; do
        if is_made; then
            quiet_polls=$((quiet_polls + 1))
            [ "$quiet_polls" -lt "$quiet_polls_most" ] || return 0 # it has ended before it was seen
        else
            polls=$((polls + 1))
            [ "$polls" -lt "$start_polls_most" ] ||
                fail 'the trainer was never seen to run: it ended at once or could not start; see the log and the state of its container'
        fi
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
}

# Size, time and inode: what a file of an earlier training keeps, and one that is written does not.
state_of() { stat -c '%s %Y %Z %i' "$1" 2>/dev/null; }

look_for_adapter() {
    for file in adapter_config.json adapter_model.safetensors; do
        [ -s "$RESULTS_DIR/$file" ] || fail "the trainer has ended, but there is no $file in $RESULTS_DIR; is TrainingArguments.output_dir another folder?"
    done
    before=$(cat "${WATCH_FOLDER:-/nonexistent}/before" 2>/dev/null)
    [ -z "$before" ] || [ "$before" != "$(state_of "$RESULTS_DIR/adapter_model.safetensors")" ] ||
        fail "the trainer has ended, but there is no new adapter_model.safetensors in $RESULTS_DIR: the one there is from before"
    has_learnt || fail 'the training has changed nothing: every lora_B of the adapter is 0, as at the start'
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
    printf '%s' "${line:-it did not answer in time}"
}

# Is another try of no use? By oras' words.
is_final() {
    case $1 in
    *'status code 408'* | *'status code 429'* | *'status code 5'* | *[Tt]oo' many requests'* | *toomanyrequests*) return 1 ;;
    *'status code 4'* | *nauthorized* | *'uthentication required'* | *denied* | *orbidden* | *'credential not found'*) return 0 ;;
    *'invalid reference'* | *'name unknown'* | *'name not known'* | *'name invalid'* | *'is unsupported'*) return 0 ;;
    *x509:* | *'HTTP response to HTTPS client'* | *'not look like a TLS handshake'* | *'no such host'* | *'authentication file'* | *'config file'*) return 0 ;;
    esac
    return 1
}

# Tries, what is done, and a command that does it: until it succeeds. Its words are then in $words.
persist() {
    most=$1 what=$2
    try=1
    shift 2
    until "$@"; do
        words=$(telling_line "$words")
        ! is_final "$words" || fail "$what: $words"
        [ "$try" -lt "$most" ] || fail "$what, after $try tries: $words"
        say "try $try failed: $words"
        sleep $((pause_seconds * try))
        try=$((try + 1))
    done
}

push_once() {
    words=$(cd "$work" && timeout "$push_seconds" oras push --disable-path-validation --annotation-file annotations.json \
        --config "config.json:$config_type" "$OUTPUT_IMAGE" "layer.tar.gz:$layer_type" 2>&1)
}

# Two bytes under a digest that is not theirs: the registry lets one in, takes the beginning of an upload and must then
# refuse it, so that nothing comes into being. What is refused after the upload has begun (PUT) is refused for its digest.
probe_once() {
    words=$(printf '{}' | timeout "$check_seconds" oras blob push --size 2 "${OUTPUT_IMAGE%:*}@sha256:$wrong_digest" - 2>&1) &&
        return 0
    case $(telling_line "$words") in
    *'status code 401'* | *'status code 403'* | *'status code 5'*) return 1 ;;
    *[Dd]igest' invalid'* | *DIGEST_INVALID* | *'did not match'*) return 0 ;;
    *'blob upload invalid'* | *BLOB_UPLOAD_INVALID* | *'PUT "'*'status code 4'*) return 0 ;; # quay.io; a body without words
    esac
    return 1
}

check_registry() {
    wrong_digest=$(head -c 16 /dev/urandom | sha256sum)
    wrong_digest=${wrong_digest%% *}
    persist "$check_tries_most" "$OUTPUT_IMAGE could not be pushed" probe_once
    say "$OUTPUT_IMAGE can be pushed"
    if timeout "$check_seconds" oras manifest fetch --descriptor "$OUTPUT_IMAGE" >/dev/null 2>&1; then
        words="$OUTPUT_IMAGE is there already: the push will replace it"
        say "$words"
        printf '%s' "$words" >"$message_file"
    fi
}

check_volume() {
    head -c 1048576 /dev/zero >"$RESULTS_DIR/.output-check"
    status=$?
    rm -f "$RESULTS_DIR/.output-check"
    [ "$status" -eq 0 ] || fail "the output volume cannot be written ($RESULTS_DIR): is it read-only or full?"
    [ -z "${WATCH_FOLDER:-}" ] || state_of "$RESULTS_DIR/adapter_model.safetensors" >"$WATCH_FOLDER/before"
    say 'the output volume can be written'
}

need() {
    for variable in "$@"; do
        eval "[ -n \"\${$variable:-}\" ]" || fail "$variable is empty"
    done
}

case ${ADAPTER_STEP:-push} in
check)
    if [ -n "${OUTPUT_IMAGE:-}" ]; then
        check_registry
    else
        need RESULTS_DIR
        check_volume
    fi
    ;;
look)
    need RESULTS_DIR TRAINER_PROCESS
    say "waiting for the trainer; its adapter stays in $RESULTS_DIR"
    wait_for_start
    wait_for_end
    look_for_adapter
    say "the adapter is in $RESULTS_DIR"
    ;;
push)
    need RESULTS_DIR OUTPUT_IMAGE MODEL_NAME TRAINER_PROCESS
    work=$(mktemp -d) || fail 'no folder for temporary files can be made'
    trap 'rm -rf "$work"' EXIT
    say "waiting for the trainer; its adapter goes to $OUTPUT_IMAGE"
    wait_for_start
    wait_for_end
    is_completed || fail 'the trainer ended without an adapter; see the log and the state of its container'
    look_for_adapter
    make_image || fail 'the image cannot be made; is the disk full?'
    persist "$tries_most" "$OUTPUT_IMAGE cannot be pushed" push_once
    printf '%s\n' "$words"
    say "pushed $OUTPUT_IMAGE"
    ;;
*) fail 'ADAPTER_STEP must be check, push or look' ;;
esac
