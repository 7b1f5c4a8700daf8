# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Nodes of the user's own: found by their labels, waited for, and no NodeClaim is made.

own_tuning() { # NAME LABEL
    tuning "$1" | sed -e '/instanceType:/d' -e "s/{app: $1}/{pool: $2}/"
}
own_node() { # POOL [LABELS]: a GPU node that is simply there
    kubectl apply -f - >/dev/null <<YAML
apiVersion: karpenter.sh/v1
kind: NodeClaim
metadata: {name: own-$1, labels: {pool: $1, karpenter.sh/nodepool: kaito, nvidia.com/gpu.product: NVIDIA-A100-80GB-PCIe, nvidia.com/gpu.count: "1", nvidia.com/gpu.memory: "81920"${2:+, $2}}}
spec:
  nodeClassRef: {group: kaito.sh, kind: KaitoNodeClass, name: default}
  requirements:
  - {key: karpenter.sh/nodepool, operator: In, values: [kaito]}
  - {key: node.kubernetes.io/instance-type, operator: In, values: [Standard_NC24ads_A100_v4]}
  - {key: kubernetes.io/os, operator: In, values: [linux]}
  taints: [{key: sku, value: gpu, effect: NoSchedule}]
YAML
}
own_node_is_ready() { kubectl get nodes -l "pool=$1" -o 'jsonpath={.items[0].status.conditions[?(@.type=="Ready")].status}' | grep -q True; }

webhook_stop
own_nodes() {
    own_node mine && until_true 30 own_node_is_ready mine || return
    own_tuning own-first mine | kubectl apply -f - || return
    workspace_becomes own-first Succeeded 60 || return
    [ -z "$(kubectl get nodeclaims -l kaito.sh/workspace=own-first -o name)" ] || return
    [ -z "$(workspace_condition own-first NodeClaimReady)" ] || { echo "it speaks of NodeClaims" && return 1; }
    kubectl get workspace own-first -o 'jsonpath={.status.workerNodes[0]}' | grep -q .
}
webhook_start --reconcile=true --node-provisioner=byo --resync-period=1h >/dev/null 2>&1
check "a tuning runs on a node of the user's own, without a NodeClaim" own_nodes
waits_for_own() {
    own_tuning own-late late | kubectl apply -f - || return
    until_true 20 condition_is own-late NodesReady False || return
    own_node late && workspace_becomes own-late Succeeded 60
}
check "one whose node comes later waits for it, saying so" waits_for_own
trains_with() { # NAME TAG TEMPLATE
    kubectl get job "$1" -o 'jsonpath={.spec.template.spec.containers[0].image}' | grep -q "kaito-base:$2\$" &&
        kubectl get job "$1" -o 'jsonpath={.spec.template.spec.volumes[*].configMap.name}' | grep -qx "$3"
}
check "the image follows from the node's card" trains_with own-first 0.4.2 qlora-params-template
follows_the_labels() {
    own_tuning own-old old | kubectl apply -f - || return
    own_node old 'nvidia.com/gpu.compute.major: "5", nvidia.com/gpu.compute.minor: "2"' && until_true 30 own_node_is_ready old || return
    until_true 30 condition_is own-old JobStarted 'False JobCannotBeMade' || { workspace_condition own-old JobStarted && return 1; }
    kubectl get workspace own-old -o 'jsonpath={.status.conditions[?(@.type=="JobStarted")].message}' | grep -q 'compute capability 5.2' || return
    kubectl label nodes -l pool=old --overwrite nvidia.com/gpu.compute.major=7 nvidia.com/gpu.compute.minor=5 || return
    workspace_becomes own-old Succeeded 60 && trains_with own-old 0.2.8 qlora-params-template-below-8.0
}
check "a node that no image has kernels for gets no Job, and labels that are put right are noticed" follows_the_labels
kubectl delete workspaces --all --wait=true --timeout=30s >/dev/null
check "they are deleted without a NodeClaim to wait for" gone own-first 40
kubectl delete nodeclaims own-mine own-late own-old --wait=false >/dev/null
webhook_stop
webhook_start "${reconcile_flags[@]}" >/dev/null 2>&1
