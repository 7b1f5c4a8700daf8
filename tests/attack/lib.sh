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

# api_start MODE: a hostile API server (api_server.py) and a kubeconfig for it.
api_start() {
    local certs=$work/api-certs
    [ -d "$certs" ] || "$build/bin/make-certs" --dir "$certs" --dns localhost --ip 127.0.0.1 >/dev/null || return
    api_log=$work/api.log
    : >"$api_log"
    python3 "$attack/api_server.py" "$1" "$certs/tls.crt" "$certs/tls.key" >"$api_log" 2>&1 &
    api_pid=$!
    attackers+=("$api_pid")
    until_true 10 grep -q '^port' "$api_log" || return
    webhook_kubeconfig_file=$work/kubeconfig
    cat >"$webhook_kubeconfig_file" <<YAML
apiVersion: v1
kind: Config
current-context: hostile
contexts: [{name: hostile, context: {cluster: hostile, user: nobody}}]
users: [{name: nobody, user: {token: none}}]
clusters: [{name: hostile, cluster: {server: "https://127.0.0.1:$(sed -n 's/^port //p' "$api_log")", certificate-authority: $certs/ca.crt}}]
YAML
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
