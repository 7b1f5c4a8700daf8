#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Asleep: for 30 s nothing passes between a client and the API server, and then only new connections do; the old ones stay
# dead without a reset. Meanwhile a tuning finishes. Commands that wait go on within 45 s of the loss, and the reconciler
# acts on a new Workspace within 60 s of the network's return. Minutes, so only with ATTACK_LONG=1.
set -uo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/attack/network/network.sh
. "$root/tests/attack/network/network.sh"

ok() { echo "ok attack: $*"; }
not_ok() { echo "not ok attack: $*"; }
skip() { echo "skip attack: $*"; }

SLEEP_S=30 AWAKE_S=45 ACT_S=60

if [ -z "${ATTACK_LONG:-}" ]; then
    skip "the sleep test takes minutes: make attack"
    exit 0
fi
obstacle=$(network_obstacle)
if [ -n "$obstacle" ]; then
    skip "THE SLEEP TEST IS NOT RUN: $obstacle"
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-sleep.XXXXXX")
declare -A pids
clean_up() {
    local pid
    for pid in "${pids[@]}" ${reconciler_pid:-}; do kill "$pid" 2>/dev/null; done
    webhook_stop
    network_down
    cluster_down
    if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap clean_up EXIT

cluster_up --with-nodes "$work/cluster"
case $? in
0) ;;
75)
    skip "THE SLEEP TEST IS NOT RUN: $(tail -n 1 "$work/cluster.log")"
    exit 0
    ;;
*)
    not_ok "the control plane with nodes starts"
    sed 's/^/    /' "$work/cluster.log"
    exit 1
    ;;
esac

# far_kubeconfig FILE NEW: the same cluster and user, over the network that can be cut.
far_kubeconfig() {
    kubectl --kubeconfig "$1" config view --flatten --raw >"$2" &&
        kubectl --kubeconfig "$2" config set-cluster "$(kubectl --kubeconfig "$2" config view --minify -o 'jsonpath={.clusters[0].name}')" \
            --server="https://$network_peer:$network_port" --tls-server-name=localhost >/dev/null
}

set_up() {
    install_manifests && webhook_kubeconfig && webhook_start --reconcile=true && register_webhooks || return
    kubectl create secret generic push --from-literal=.dockerconfigjson='{"auths":{}}' --type=kubernetes.io/dockerconfigjson >/dev/null || return
    network_up "$work" "${KAITO_CLUSTER_SERVER##*:}" || return
    far_kubeconfig "$KUBECONFIG" "$work/user" && far_kubeconfig "$webhook_kubeconfig_file" "$work/reconciler"
}
if ! set_up >"$work/set-up.log" 2>&1; then
    not_ok "set up"
    sed 's/^/    /' "$work/set-up.log" "${webhook_log:-/dev/null}"
    exit 1
fi

tuning_flags=(--model phi-3-mini-128k-instruct --instance-type Standard_NC24ads_A100_v4
    --input-url https://example.com/data/train.parquet --output-image registry.example.com/team/out:1 --output-image-secret push)

# far NAME COMMAND...: a command of the plugin behind the network, in the background.
far() {
    local name=$1
    shift
    "${network_client[@]}" env KUBECONFIG="$work/user" "$plugin" "$@" >"$work/$name.out" 2>"$work/$name.err" &
    pids[$name]=$!
}
# Lets the rest of the sleep pass.
asleep() { until_true $((SLEEP_S - SECONDS + $1)) false; }
has_ended() { ! kill -0 "$1" 2>/dev/null; }
show() { for file in "$work/$1.out" "$work/$1.err"; do tail -n 20 "$file"; done; }

# In this shell, not inside `check`: their ids are needed.
far tune tune s-slow-a "${tuning_flags[@]}" --wait --follow
kubectl kaito tune s-slow-b "${tuning_flags[@]}" >"$work/second.log" 2>&1
far wait wait s-slow-b
far logs logs s-slow-b -f
far status status -w

# Until the trainers run and all four are looking at them.
follow() {
    until_true 90 grep -q '^training' "$work/tune.err" || { show tune && return 1; }
    until_true 30 grep -q '^training' "$work/wait.err" || { show wait && return 1; }
    until_true 30 test -s "$work/logs.out" || { show logs && return 1; }
    until_true 30 grep -q 's-slow-b.*training' "$work/status.out" || { show status && return 1; }
}
check "four commands follow two tunings over a network that can be cut" follow

network_cut
lost=$SECONDS
finish() { workspace_becomes s-slow-a Succeeded $SLEEP_S && workspace_becomes s-slow-b Succeeded $((SLEEP_S - SECONDS + lost)); }
check "both tunings finish while nothing passes" finish
still_waits() { ! has_ended "${pids[tune]}" && ! has_ended "${pids[wait]}" && ! grep -q Succeeded "$work/status.out"; }
check "the commands do not know yet" still_waits
asleep "$lost"
network_return

# awake NAME COMMAND...: by 45 s after the loss.
awake() {
    local name=$1
    shift
    until_true $((AWAKE_S - SECONDS + lost)) "$@" || { show "$name" && return 1; }
}
check "wait goes on" awake wait has_ended "${pids[wait]}"
check "tune --wait --follow goes on" awake tune has_ended "${pids[tune]}"
check "status -w goes on" awake status grep -q 's-slow-b.*Succeeded' "$work/status.out"
check "logs -f goes on" awake logs has_ended "${pids[logs]}"
echo "    $((SECONDS - lost)) s after the loss"
says_success() { grep -q 's-slow-b has succeeded' "$work/wait.err" && grep -q 's-slow-a has succeeded' "$work/tune.err"; }
check "they end with the success that they slept through" says_success

# --- the reconciler, alone behind the network; admission stays where the API server finds it ---

start_reconciler() {
    "${network_client[@]}" "$webhook" --bind-address=127.0.0.1 --webhook-port=0 --health-port=0 --metrics-port=0 \
        --tls-cert-file="$cluster_dir/webhook-certs/tls.crt" --tls-key-file="$cluster_dir/webhook-certs/tls.key" \
        --release-namespace="$release_namespace" --kubeconfig="$work/reconciler" --reconcile=true \
        >/dev/null 2>"$work/reconciler.log" &
    reconciler_pid=$!
    until_true 30 grep -q '"msg":"reconciling"' "$work/reconciler.log" || return
    until_true 30 grep -q '"msg":"serving"' "$work/reconciler.log" || return
    reconciler_health=$(sed -nE 's/.*"msg":"serving".*"healthPort":"([0-9]+)".*/\1/p' "$work/reconciler.log")
}
acts() { # NAME SECONDS
    until_true "$2" sh -c "[ -n \"\$('$KUBECTL' get controllerrevisions -l workspace.kaito.io/name=$1 -o name)\" ]" ||
        { tail -n 30 "$work/reconciler.log" && return 1; }
}
create() { kubectl kaito tune "$1" "${tuning_flags[@]}" >/dev/null; }
stays_ready() { in_client curl -fsS --max-time 5 "http://127.0.0.1:$reconciler_health/readyz"; }

webhook_stop
if ! webhook_start --reconcile=false || ! start_reconciler; then
    not_ok "a reconciler starts behind the network"
    sed 's/^/    /' "$work/reconciler.log"
    exit 1
fi
create r-before
check "a reconciler behind the network acts" acts r-before 30
network_cut
lost=$SECONDS
check "it stays ready while nothing passes" stays_ready
asleep "$lost"
check "it stays ready at the end of the sleep" stays_ready
network_return
back=$SECONDS
create r-after
check "it acts on a new Workspace within $ACT_S s of the network's return" acts r-after "$ACT_S"
echo "    $((SECONDS - back)) s after the return"
