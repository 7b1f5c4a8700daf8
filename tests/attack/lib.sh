# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share, on top of the end-to-end tests'. Sourced.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
attack=$root/tests/attack
work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-attack.XXXXXX")
cluster_dir=$work
attackers=()
attack_end() {
    attackers_stop
    webhook_stop
    rm -rf "$work"
}
trap attack_end EXIT

ok() { echo "ok attack: $*"; }
not_ok() { echo "not ok attack: $*"; }
skip() { echo "skip attack: $*"; }
long() { [ -n "${ATTACK_LONG:-}" ]; }

# attackers_start COMMAND...: in the background until attackers_stop; waits until it says that it is at work.
attackers_start() {
    local log=$work/attackers.${#attackers[@]}.log
    "$@" >"$log" 2>&1 &
    attackers+=($!)
    until_true 30 grep -q '^at work' "$log" && return
    cat "$log"
    return 1
}
attackers_stop() {
    local pid
    for pid in "${attackers[@]}"; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    attackers=()
}

rss_kib() { awk '/^VmRSS/ {print $2}' "/proc/${1:-$webhook_pid}/status"; }
peak_kib() { awk '/^VmHWM/ {print $2}' "/proc/${1:-$webhook_pid}/status"; }
peak_reset() { echo 5 >"/proc/$webhook_pid/clear_refs"; }
at_most() { # WHAT VALUE MOST
    [ "$2" -le "$3" ] && return
    echo "$1: $2, the most is $3"
    return 1
}
# The container's limit, which every test here must stay below, in KiB.
container_kib=$(($(sed -nE '/^          limits:/{n;s/^ *memory: ([0-9]+)Mi$/\1/p}' "$root/manifests/base/deployment.yaml") * 1024))
