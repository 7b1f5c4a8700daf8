#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tests of a cluster with nodes: that Karpenter gives a NodeClaim as Kaito writes it a node with GPUs, or says why not, and
# that kwok plays each fate of a pod. Exit codes as selftest.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/cluster/selftest-lib.sh
. "$here/selftest-lib.sh"

c="$work/a cluster with nodes"
readonly c
k() { kubectl_at "$c" "$@"; }

claim() { # NAME TYPE [CLOUD [CLASS]]
  local kind=KaitoNodeClass group=kaito.sh requirement="{key: karpenter.azure.com/sku-name, operator: In, values: [$2]}"
  if [[ ${3:-azure} == aws ]]; then
    kind=EC2NodeClass group=karpenter.k8s.aws
    requirement='{key: karpenter.k8s.aws/instance-gpu-count, operator: Gt, values: ["0"]}'
  fi
  k apply -f - <<EOF
apiVersion: karpenter.sh/v1
kind: NodeClaim
metadata:
  name: $1
  labels: {kaito.sh/workspace: some, kaito.sh/workspacenamespace: default, karpenter.sh/nodepool: kaito, accelerator: nvidia, apps: tuning}
  annotations: {karpenter.sh/do-not-disrupt: "true"}
spec:
  expireAfter: Never
  nodeClassRef: {group: $group, kind: $kind, name: ${4:-default}}
  requirements:
  - {key: karpenter.sh/nodepool, operator: In, values: [kaito]}
  - {key: node.kubernetes.io/instance-type, operator: In, values: [$2]}
  - {key: kubernetes.io/os, operator: In, values: [linux]}
  - $requirement
  resources: {requests: {storage: 120Gi}}
  taints: [{key: sku, value: gpu, effect: NoSchedule}]
EOF
}

job() { # WORKSPACE: with the containers of a tuning that downloads and pushes
  k apply -f - <<EOF
apiVersion: batch/v1
kind: Job
metadata: {name: $1}
spec:
  backoffLimit: 0
  template:
    metadata: {labels: {kaito.sh/workspace: $1}}
    spec:
      restartPolicy: Never
      tolerations: [{key: sku, operator: Exists, effect: NoSchedule}]
      nodeSelector: {apps: tuning}
      initContainers:
      - {name: model-weights-downloader, image: example.com/weights}
      - {name: data-downloader, image: example.com/data}
      containers:
      - {name: $1, image: example.com/trainer, resources: {limits: {nvidia.com/gpu: "1"}}}
      - {name: pusher, image: example.com/pusher}
EOF
}

claim_condition() { k get nodeclaim "$1" -o "jsonpath={.status.conditions[?(@.type==\"$2\")].$3}"; }
claim_is_ready() { [[ $(claim_condition "$1" Ready status) == True ]]; }
node_of() { k get nodeclaim "$1" -o 'jsonpath={.status.nodeName}'; }
node_has_gpus() { # CLAIM COUNT
  local figures
  figures=$(k get node "$(node_of "$1")" -o 'jsonpath={.status.capacity.nvidia\.com/gpu} {.status.allocatable.nvidia\.com/gpu}')
  [[ $figures == "$2 $2" ]] || { echo "capacity and allocatable: $figures" && return 1; }
}
node_is_as_claimed() {
  local node
  node=$(k get node "$(node_of "$1")" -o json)
  jq -e '.metadata.labels.accelerator == "nvidia" and .metadata.labels.apps == "tuning" and any(.spec.taints[]; .key == "sku") and
    any(.status.conditions[]; .type == "Ready" and .status == "True")' <<<"$node" || { echo "$node" && return 1; }
}
has_no_pods() { [[ -z $(k get pods -l "kaito.sh/workspace=$1" -o name) ]]; }
is_gone() { ! k get "$@" >/dev/null 2>&1; }
launch_is_refused() { # CLAIM TEXT
  [[ $(claim_condition "$1" Launched reason) == LaunchFailed && $(claim_condition "$1" Launched message) == *"$2"* ]]
}
event_tells() { # CLAIM REASON
  [[ $(k get events -A --field-selector "involvedObject.name=$1,reason=$2" -o 'jsonpath={.items[*].message}') == *"not found"* ]]
}

# A pod's end in one word: phase, and the state of its init containers, the trainer and the pusher.
end_of() { # WORKSPACE
  k get pods -l "kaito.sh/workspace=$1" -o json | jq -r 'def state: to_entries[0] | .value.reason // .key + ":" + (.value.exitCode // "" | tostring);
    .items[0].status | [.phase, (.initContainerStatuses[-1].state, .containerStatuses[].state | to_entries[0] |
      (.value.reason // .key) + (if .value.exitCode then ":\(.value.exitCode)" else "" end))] | join(" ")'
}
ends_as() { [[ $(end_of "$1") == "$2" ]]; }
fates_are_played() {
  local name expected rc=0
  while read -r name expected; do
    poll_until ends_as "$name" "$expected" || { echo "$name: $(end_of "$name"), expected $expected" && rc=1; }
  done <<'EOF'
plain Succeeded Completed:0 Completed:0 Completed:0
fast Succeeded Completed:0 Completed:0 Completed:0
my-image-pull Pending Completed:0 ImagePullBackOff running
download-fails-1 Failed Error:22 PodInitializing PodInitializing
a-trainer-fails-b Failed Completed:0 Error:1 Error:1
oom Failed Completed:0 OOMKilled:137 Error:1
push-fails Failed Completed:0 Completed:0 Error:1
evicted Failed Completed:0 Error:137 Error:137
never-ends Running Completed:0 running running
slow Running Completed:0 running running
EOF
  return "$rc"
}
job_is() { [[ $(k get job "$1" -o "jsonpath={.status.conditions[?(@.type==\"$2\")].status}") == True ]]; }
logs_say() { [[ $(k logs "job/$1" -c "$2") == *"$3"* ]]; }

# Every address that a daemon of the cluster listens on, as /proc/net has it: the loopback's is 0100007F.
listens_on_loopback_only() {
  local pid inodes elsewhere
  while read -r pid _; do
    inodes=$(find "/proc/$pid/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | tr -dc '0-9\n' | paste -sd'|')
    elsewhere=$(awk -v inodes="^(${inodes:-none})\$" '$4 == "0A" && $10 ~ inodes && $2 !~ /^0100007F:/' /proc/net/tcp /proc/net/tcp6)
    [[ -z $elsewhere ]] || { echo "$elsewhere" && return 1; }
  done < <(cat "$c"/pids/*)
}

examples_have_types() {
  local type rc=0
  while read -r type; do
    jq -e --arg type "$type" 'any(.[]; .name | ascii_downcase == ($type | ascii_downcase))' "$c/instance-types.json" >/dev/null || { echo "$type" && rc=1; }
  done < <(grep -rhoE '^ *instanceType: *"?[A-Za-z0-9_.-]+' "$here/../../examples/fine-tuning" | sed -E 's/.*: *"?//' | sort -u)
  return "$rc"
}

main() {
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  "$here/build.sh" --with-nodes
  check "a cluster with nodes starts" "$here/up.sh" --with-nodes "$c"
  check "it listens on the loopback interface only" listens_on_loopback_only
  check "every type of the examples can be had" examples_have_types

  check "claims on azure and aws" eval 'claim one Standard_NC24ads_A100_v4 && claim four Standard_NC96ads_A100_v4 && claim cloud p4d.24xlarge aws'
  check "an unknown type, a class that is not there" eval 'claim odd Standard_None && claim lost Standard_NC24ads_A100_v4 azure absent'
  check "azure: a ready node" poll_until claim_is_ready one
  check "with what the claim says" node_is_as_claimed one
  check "and a GPU in capacity and allocatable" node_has_gpus one 1
  check "azure: a node with four GPUs" eval 'poll_until claim_is_ready four && node_has_gpus four 4'
  check "aws: a node with eight GPUs" eval 'poll_until claim_is_ready cloud && node_has_gpus cloud 8'
  check "unknown type: Launched says why" poll_until launch_is_refused odd "instance type not found"
  check "a class that is not there: the claim is deleted" poll_until is_gone nodeclaim lost
  check "with an event" poll_until event_tells lost InsufficientCapacityError
  check "another class" k create -f - <<<'{"apiVersion": "kaito.sh/v1alpha1", "kind": "KaitoNodeClass", "metadata": {"name": "unready"}}'
  check "that is not ready" k patch kaitonodeclass unready --type=merge --subresource=status \
    -p '{"status":{"conditions":[{"type":"Ready","status":"False","reason":"Test","message":"no","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}'
  check "a claim of it" claim unready Standard_NC24ads_A100_v4 azure unready
  check "is deleted" poll_until is_gone nodeclaim unready

  local name
  for name in plain fast my-image-pull download-fails-1 a-trainer-fails-b oom push-fails evicted never-ends slow; do
    check "Job $name" job "$name"
  done
  check "each pod comes to its end" fates_are_played
  check "the Job of a good one is complete" poll_until job_is plain Complete
  check "that of a bad one has failed" poll_until job_is oom Failed
  check "logs of the trainer" logs_say plain plain simulated
  check "logs of the pusher" logs_say plain pusher "adapter pushed"
  check "a slow one ends" poll_until ends_as slow "Succeeded Completed:0 Completed:0 Completed:0"
  check "Jobs are deleted with their pods" eval 'k delete job plain never-ends --wait && poll_until has_no_pods never-ends'

  check "karpenter stops and comes back" eval '"$here/daemon.sh" "$c" kill karpenter && "$here/daemon.sh" "$c" start karpenter'
  check "kwok, too" eval '"$here/daemon.sh" "$c" stop kwok && "$here/daemon.sh" "$c" start kwok'
  name=$(node_of four)
  check "a claim is deleted" k delete nodeclaim one four cloud odd --timeout=60s
  check "and its node goes" poll_until is_gone node "$name"
  check "down.sh --keep" "$here/down.sh" --keep "$c"
  check "up.sh knows that it had nodes" "$here/up.sh" "$c"
  check "and kwok serves" test -s "$c/pids/kwok"
  check "down.sh" "$here/down.sh" "$c"
  check "nothing is left running" nothing_runs_in "$work/"
  summary "cluster with nodes"
}

main "$@"
