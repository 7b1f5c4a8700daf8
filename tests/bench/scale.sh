#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# scale.sh [COUNT]...: so many tuning Workspaces at once (100 and 500) on a fresh control plane with simulated nodes and
# pods. Prints for each run the time until all have Succeeded, our process's CPU seconds and largest memory, its writes, and how
# fair the order was. The machine's other parts (API server, Karpenter, kwok, scheduler) share the same cores: their CPU
# is printed beside ours. A run takes some minutes.
set -uo pipefail
# shellcheck source=tests/e2e/lib.sh disable=SC2154
. "$(dirname "$0")/../e2e/lib.sh"
[ $# -gt 0 ] || set -- 100 500

work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-scale.XXXXXX")
clean_up() {
    webhook_stop
    cluster_down
    rm -rf "$work"
}
trap clean_up EXIT

tuning() {
    cat <<YAML
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: {name: $1}
resource: {instanceType: Standard_NC24ads_A100_v4, labelSelector: {matchLabels: {app: $1}}}
tuning:
  preset: {name: phi-3-mini-128k-instruct}
  method: qlora
  input: {urls: ["https://example.com/data/train.parquet"]}
  output: {image: registry.example.com/team/out:1, imagePushSecret: push}
---
YAML
}

# cpu_seconds PID: user and system time so far.
cpu_seconds() { awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) / hz}' "/proc/$1/stat" 2>/dev/null || echo 0; }
peak_mib() { awk '/^VmHWM/ {printf "%.1f", $2 / 1024}' "/proc/$1/status"; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN {printf "%.1f", b - a}'; }
daemon_pid() { cut -d' ' -f1 "$cluster_dir/pids/$1"; }

succeeded() { kubectl get workspaces -o 'jsonpath={range .items[?(@.status.state=="Succeeded")]}{.metadata.name}{"\n"}{end}' | grep -c .; }
# Waiting must not load what is measured: a list of all Workspaces costs the API server more than one of them does. Our own
# log tells when to ask it.
told_succeeded() { grep -c '"msg":"status".*"state":"Succeeded"' "$webhook_log"; }
wait_for_all() { # COUNT SECONDS
    local deadline=$((SECONDS + $2))
    until [ "$(told_succeeded)" -ge "$1" ]; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        read -rt 0.5 <> <(:) || true
    done
    [ "$(succeeded)" -ge "$1" ]
}

run() { # COUNT
    local count=$1 i begun cpu name seconds
    for i in $(seq "$count"); do tuning "fast-$(printf '%04d' "$i")"; done >"$work/workspaces.yaml"
    cpu=$(cpu_seconds "$webhook_pid")
    begun=$(now)
    kubectl create -f "$work/workspaces.yaml" >/dev/null || return
    echo "$count tuning Workspaces, all created after $(since "$begun") s"
    wait_for_all "$count" 1200 || { echo "only $(succeeded) of $count have Succeeded" && return 1; }
    seconds=$(since "$begun")
    echo "  all Succeeded after             $seconds s"
    awk -v a="$cpu" -v b="$(cpu_seconds "$webhook_pid")" -v n="$count" \
        'BEGIN {printf "  our CPU                         %.2f s, %.1f ms a Workspace (webhooks included)\n", b - a, (b - a) * 1000 / n}'
    echo "  our largest memory              $(peak_mib "$webhook_pid") MiB"
    cat "$cluster_dir"/audit*.log >"$work/audit.all" # a long run's log is cut in pieces
    KAITO_CLUSTER_AUDIT_LOG=$work/audit.all audit_lines 0 | jq -rs --argjson n "$count" 'map(select(.resource != "leases")) |
        (map(select(.resource == "workspaces/status")) | length) as $status |
        "  writes a Workspace              \((length * 10 / $n | round) / 10), of them status \(($status * 10 / $n | round) / 10), that change nothing \(map(select(.noop)) | length), refused as conflicts \(map(select(.code == 409)) | length)"'
    http_ok "http://127.0.0.1:$metrics_port/metrics" | awk -v n="$count" '
        /^controller_runtime_reconcile_total/ {looks += $NF} /^controller_runtime_reconcile_time_seconds_sum/ {time = $NF}
        END {printf "  looks a Workspace               %.1f, %.2f ms each with its writes\n", looks / n, time * 1000 / looks}'
    # Fair: who came first is done first. How far, on average, the place of the end is from that of arrival, as a share of
    # all: 0 % is first come, first served; a random order has 33 %.
    kubectl get workspaces -o json | jq -r --argjson n "$count" '
        [.items[] | {arrived: (.metadata.name | capture("(?<i>[0-9]+)$").i | tonumber),
            ended: (.status.conditions[] | select(.type == "WorkspaceSucceeded") | .lastTransitionTime)}] |
        sort_by(.ended, .arrived) | [to_entries[] | (.key + 1 - .value.arrived) | fabs] |
        "  order of the end against arrival  displaced by \(add / $n / $n * 100 | round) %"'
    for name in kube-apiserver etcd kube-controller-manager kube-scheduler karpenter kwok; do
        printf '  CPU of %-24s %s s since its start\n' "$name" "$(cpu_seconds "$(daemon_pid "$name")")"
    done
    begun=$(now)
    kubectl delete workspaces --all --wait=false >/dev/null
    until_true 600 none_left && echo "  all deleted, NodeClaims too, after $(since "$begun") s"
}
none_left() { [ -z "$(kubectl get workspaces,nodeclaims -o name)" ]; }

for count in "$@"; do
    cluster_up --with-nodes "$work/cluster-$count" || exit
    webhook_kubeconfig_file=
    { install_manifests && webhook_kubeconfig && webhook_start --reconcile=true && register_webhooks; } >"$work/set-up.log" 2>&1 ||
        { cat "$work/set-up.log" "$webhook_log" && exit 1; }
    run "$count" || exit
    webhook_stop
    cluster_down
done
