#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tuning Workspaces carried to their end: a real control plane whose nodes are made by Karpenter and whose pods are played
# by kwok, the shipped manifests, and our process with the rights of its service account. Prints one line a test.
# KEEP=1 leaves the folder with all logs; PARTS="10 30" runs only parts whose names begin so.
set -uo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-tuning.XXXXXX")
clean_up() {
    watch_workspaces stop
    webhook_stop
    cluster_down
    if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap clean_up EXIT

cluster_up --with-nodes "$work/cluster"
case $? in
0) ;;
75)
    skip "the cluster binaries cannot be had here: $(tail -n 1 "$work/cluster.log")"
    exit 0
    ;;
*)
    not_ok "the control plane with nodes starts"
    sed 's/^/    /' "$work/cluster.log"
    exit 1
    ;;
esac
ok "the control plane with nodes starts"

# Short waits, so that what takes minutes in life takes seconds here.
reconcile_flags=(--reconcile=true --leader-elect --node-claim-retry-delay=500ms --node-claim-launch-timeout=2s)
set_up() { install_manifests && webhook_kubeconfig && webhook_start "${reconcile_flags[@]}" && register_webhooks; }
if ! set_up >"$work/set-up.log" 2>&1; then
    not_ok "set up"
    sed 's/^/    /' "$work/set-up.log" "${webhook_log:-/dev/null}"
    exit 1
fi
kubectl create secret generic push --from-literal=.dockerconfigjson='{"auths":{}}' --type=kubernetes.io/dockerconfigjson >/dev/null

data_url=https://example.com/data/train.parquet

# tuning NAME [METHOD [INPUT [OUTPUT]]]: a Workspace as YAML; input url, image or volume, output image or volume. $instance_type
# and $tuning_config change the machine and name a config map.
tuning() {
    local input output
    case ${3:-url} in
    url) input="urls: [\"$data_url\"]" ;;
    image) input='image: registry.example.com/team/data:1' ;;
    volume) input='volumeSource: {persistentVolumeClaim: {claimName: data}}' ;;
    esac
    case ${4:-image} in
    image) output='image: registry.example.com/team/out:1, imagePushSecret: push' ;;
    volume) output='volumeSource: {persistentVolumeClaim: {claimName: results}}' ;;
    esac
    cat <<YAML
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: {name: $1}
resource:
  instanceType: ${instance_type:-Standard_NC24ads_A100_v4}
  labelSelector: {matchLabels: {app: $1}}
tuning:
  preset: {name: phi-3-mini-128k-instruct}
  method: ${2:-qlora}
  ${tuning_config:+config: $tuning_config}
  input: {$input}
  output: {$output}
---
YAML
}

# gone NAME: nothing with the Workspace's label, of any kind that we or others make for it, is left.
leftovers() {
    kubectl get workspace "$1" --ignore-not-found -o name
    kubectl get jobs,pods,configmaps,secrets,services,events.v1 -l "kaito.sh/workspace=$1" -o name 2>/dev/null
    kubectl get nodeclaims,nodes -l "kaito.sh/workspace=$1" -o name
    kubectl get controllerrevisions -l "workspace.kaito.io/name=$1" -o name
}
is_gone() { [ -z "$(leftovers "$1")" ]; }
gone() {
    until_true "${2:-40}" is_gone "$1" || { echo "left of $1:" && leftovers "$1" && return 1; }
}

webhook_kill() {
    kill -KILL "$webhook_pid" 2>/dev/null
    wait "$webhook_pid" 2>/dev/null
    webhook_pid=
}

# What must hold of the Workspace when the process is killed.
point_is() { # NAME POINT
    case $2 in
    1) kubectl get workspace "$1" -o name ;;
    2) [ -n "$(kubectl get controllerrevisions -l "workspace.kaito.io/name=$1" -o name)" ] ;;
    3) kubectl get workspace "$1" -o 'jsonpath={.metadata.finalizers}' | grep -q kaito ;;
    4) [ -n "$(kubectl get nodeclaims -l "kaito.sh/workspace=$1" -o name)" ] ;;
    5) [ -n "$(workspace_state "$1")" ] ;;
    6) [ -n "$(kubectl get nodes -l "kaito.sh/workspace=$1" -o name)" ] ;;
    7) condition_is "$1" ResourceReady True ;;
    8) [ -n "$(kubectl get jobs -l "kaito.sh/workspace=$1" -o name)" ] ;;
    9) condition_is "$1" JobStarted True ;;
    10) kubectl get job "$1" -o 'jsonpath={.status.succeeded}' | grep -q 1 ;;
    esac
}

# What was cut off (5xx in the audit log) may have been done all the same: then it counts, unless it came again by that name.
made_once() { # NAME MARK
    local claims
    claims=$(kubectl get nodeclaims -l "kaito.sh/workspace=$1" -o 'jsonpath={.items[*].metadata.name}')
    audit_lines "$2" | jq -rs --arg name "$1" --arg claims "$claims" '
        def is_cut_off: .code >= 500 and (.name | . == $name or startswith($name + "-") or IN($claims | splits(" ")));
        map(select(.verb == "create" and .resource != "events" and ((.of == $name and .code == 201) or is_cut_off)))
        | group_by(.resource)[] | "\(.[0].resource) \([(map(select(.code == 201)) | length), (map(.name) | unique | length)] | max)"' >"$work/made"
    grep -vE ' 1$' "$work/made" && return 1
    [ "$(wc -l <"$work/made")" -ge 3 ]
}

for part in "$root"/tests/e2e/tuning/[0-9]*.sh; do
    if [ -n "${PARTS:-}" ]; then
        wanted=
        for prefix in $PARTS; do case $(basename "$part") in "$prefix"*) wanted=1 ;; esac done
        [ -n "$wanted" ] || continue
    fi
    # shellcheck source=/dev/null
    . "$part"
done
