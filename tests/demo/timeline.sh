#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# timeline.sh WORKSPACE COMMAND...: runs the command, which makes the Workspace in the namespace default, and prints what
# becomes of it and of all that is made for it: a line a change, with the seconds since the command was done. Exit status: 0
# when it has Succeeded, 1 when it has Failed or the command did, 124 when TIMELINE_SECONDS (120) are up. Uses $KUBECTL.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=$1
shift
scratch=$(mktemp -d)
watches=()
# shellcheck disable=SC2317
clean_up() {
    kill "${watches[@]}" 2>/dev/null
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
mkfifo "$scratch/lines" && exec 3<>"$scratch/lines" || exit 1

# The reader of a watch's events ends with the watch: it alone keeps the pipe, so 3 is closed last, for kubectl.
watch() { # KIND SELECTION...
    "$KUBECTL" get "$@" -w --output-watch-events -o json 2>/dev/null \
        > >(exec jq -rn --unbuffered -f "$here/timeline.jq" >&3 2>/dev/null) 3>&- &
    watches+=($!)
}
watch workspaces.v1beta1.kaito.sh --field-selector "metadata.name=$name"
watch nodeclaims.v1.karpenter.sh -l "kaito.sh/workspace=$name"
watch nodes -l "kaito.sh/workspace=$name"
watch configmaps -l app.kubernetes.io/managed-by=kaito-webhook
watch jobs -l "kaito.sh/workspace=$name"
watch pods -l "kaito.sh/workspace=$name"

"$@" 3>&- || exit 1
started_us=${EPOCHREALTIME/./} deadline=$((SECONDS + ${TIMELINE_SECONDS:-120}))
seconds() {
    local tenths=$(((${EPOCHREALTIME/./} - started_us) / 100000))
    printf '%3d.%d s' $((tenths / 10)) $((tenths % 10))
}

result=124
while [ "$SECONDS" -lt "$deadline" ]; do
    if ! IFS=$'\t' read -rt 1 kind text <&3; then
        [ "$result" = 124 ] || break # it has ended, and nothing more has come
        continue
    fi
    printf '%s  %-9s  %s\n' "$(seconds)" "$kind" "$text"
    case $kind/$text in
    'Workspace/state Succeeded') result=0 ;;
    'Workspace/state Failed') result=1 ;;
    esac
done
exit "$result"
