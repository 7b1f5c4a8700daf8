# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Clusters that are not as they should be: a condition and an event say what to do, and everything else goes on.

says() { # NAME CONDITION WORDS
    until_true 30 says_now "$@" || { kubectl get workspace "$1" -n "${4:-default}" -o yaml && return 1; }
}
says_now() { workspace_condition "$1" "$2" "${4:-default}" | grep -qiE "$3"; }

foreign_job() {
    kubectl create job t-job --image=registry.example.com/other:1 >/dev/null || return
    tuning t-job | kubectl apply -f - >/dev/null
    says t-job JobStarted 'NameTaken.*does not belong' || return
    [ -z "$(kubectl get job t-job -o 'jsonpath={.metadata.ownerReferences}')" ] || return
    kubectl delete job t-job >/dev/null
    workspace_becomes t-job Succeeded 90 # nothing more is needed than to take the other one away
}
check "a Job of the same name that is somebody else's is left alone, and said" foreign_job

foreign_claim() { # the claim's name is known beforehand: made from the Workspace's uid
    webhook_stop
    tuning t-claim >"$work/t-claim.yaml"
    kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration --all >/dev/null
    kubectl apply -f "$work/t-claim.yaml" >/dev/null || return
    local uid name
    uid=$(kubectl get workspace t-claim -o 'jsonpath={.metadata.uid}')
    name=ws$(printf '%s/1' "$uid" | sha256sum | cut -c1-9)
    kubectl apply -f - >/dev/null <<YAML || return
apiVersion: karpenter.sh/v1
kind: NodeClaim
metadata: {name: $name}
spec:
  nodeClassRef: {group: example.com, kind: Other, name: other}
  requirements: [{key: kubernetes.io/os, operator: In, values: [linux]}]
YAML
    webhook_start "${reconcile_flags[@]}" || return
    register_webhooks
    says t-claim NodeClaimReady 'NameTaken.*does not belong' || return
    kubectl get nodeclaim "$name" -o name
}
if foreign_claim >"$work/foreign-claim.log" 2>&1; then ok "a NodeClaim of the same name that is somebody else's is left alone, and said"; else
    not_ok "a NodeClaim of the same name that is somebody else's is left alone, and said"
    sed 's/^/    /' "$work/foreign-claim.log"
fi
kubectl delete workspace t-claim --wait=false >/dev/null

template_missing() {
    kubectl create namespace fresh >/dev/null
    # The webhook would refuse it: it is away while this one is made.
    kubectl delete validatingwebhookconfiguration --all >/dev/null
    kubectl delete configmap -n "$release_namespace" qlora-params-template >/dev/null
    tuning t-template | kubectl apply -n fresh -f - >/dev/null
    register_webhooks
    says t-template JobStarted 'TemplateMissing.*templates.yaml' fresh || return
    [ -z "$(kubectl get nodeclaims -l kaito.sh/workspace=t-template -o name)" ] || { echo "a node was asked for all the same" && return 1; }
    kubectl apply -f "$root/manifests/base/templates.yaml" >/dev/null
    workspace_becomes t-template Succeeded 90 fresh
}
check "a missing template is said before a node is asked for, and its return is noticed" template_missing
kubectl apply -f "$root/manifests/base/templates.yaml" >/dev/null

hostile_config() { # TEXT
    kubectl create configmap hostile --dry-run=client -o yaml --from-literal=training_config.yaml="$1" | kubectl apply -f - >/dev/null
    kubectl delete workspace t-hostile --ignore-not-found --wait=true >/dev/null 2>&1
    # The webhook would refuse it: it is away while this one is made.
    kubectl delete validatingwebhookconfiguration --all >/dev/null
    tuning_config=hostile tuning t-hostile | kubectl apply -f - >/dev/null
    register_webhooks
    until_true 30 has_reason t-hostile || { kubectl get workspace t-hostile -o yaml && return 1; }
    [ -z "$(kubectl get nodeclaims -l kaito.sh/workspace=t-hostile -o name)" ] || { echo "a node was asked for all the same" && return 1; }
}
has_reason() { condition_is "$1" JobStarted "False JobCannotBeMade"; }
deep=$(printf '[%.0s' $(seq 3000))
for text in '{{{' "$deep" 'training_config: 5' $'training_config: {TrainingArguments: {output_dir: "/etc/$(touch x)"}}' '&a [*a, *a]'; do
    check "a config map with hostile content ($(printf '%.20q' "$text")) is answered by a condition" hostile_config "$text"
done
kubectl delete workspace t-hostile --wait=false >/dev/null 2>&1

namespace_going() {
    kubectl create namespace going >/dev/null
    tuning g-never-ends | kubectl apply -n going -f - >/dev/null
    until_true 60 condition_is g-never-ends JobStarted True going || return
    kubectl delete namespace going --wait=false >/dev/null
    until_true 60 namespace_is_gone going || { kubectl get namespace going -o yaml && kubectl get workspace -n going -o yaml && return 1; }
    [ -z "$(kubectl get nodeclaims -l kaito.sh/workspacenamespace=going -o name)" ]
}
namespace_is_gone() { ! kubectl get namespace "$1" -o name; }
check "a namespace that is deleted takes its Workspaces and their NodeClaims along" namespace_going

odd_status() { # written by somebody else
    tuning o-slow | kubectl apply -f - >/dev/null
    kubectl patch workspace o-slow --subresource=status --type=merge -p '{"status":{"conditions":[{"type":"SomebodyElses","status":"Unknown","reason":"X","message":"kept","lastTransitionTime":"2026-01-01T00:00:00Z"}],"state":"Pending","workerNodes":null}}' >/dev/null || return
    head -c 200000 /dev/zero | tr '\0' x | jq -Rc '{metadata: {annotations: {"example.com/huge": .}}}' >"$work/huge.json"
    kubectl patch workspace o-slow --type=merge --patch-file="$work/huge.json" >/dev/null || return
    workspace_becomes o-slow Succeeded 90 || return
    [ "$(workspace_condition o-slow SomebodyElses)" = "Unknown X kept" ]
}
check "a status with conditions of others and a huge annotation do no harm" odd_status

rights_missing() {
    kubectl get clusterrole kaito-webhook -o json | jq '.rules |= map(if .resources == ["jobs"] then .verbs = ["get", "list", "watch"] else . end)' |
        kubectl apply -f - >/dev/null || return
    tuning t-rights | kubectl apply -f - >/dev/null
    says t-rights JobStarted 'Forbidden.*jobs' || return
    # Everything else is served: another one is judged at once.
    ! kubectl apply -f "$root/examples/refused/cannot-fit.yaml" >/dev/null 2>&1 || return
    kubectl apply -f "$root/manifests/base/rbac.yaml" >/dev/null
    workspace_becomes t-rights Succeeded 120
}
check "a missing right is said with its name, and noticed when it is given" rights_missing

blind() { # no right to list NodeClaims
    kubectl get clusterrole kaito-webhook -o json | jq '.rules |= map(select(.resources != ["nodeclaims"]))' | kubectl apply -f - >/dev/null || return
    webhook_stop
    webhook_start "${reconcile_flags[@]}" || return
    tuning t-blind | kubectl apply -f - >/dev/null
    says t-blind NodeClaimReady 'Forbidden.*list nodeclaims' || return
    kubectl apply -f "$root/manifests/base/rbac.yaml" >/dev/null
    workspace_becomes t-blind Succeeded 120
}
if blind >"$work/blind.log" 2>&1; then ok "a right to list that is missing is said on each Workspace, and noticed when it is given"; else
    not_ok "a right to list that is missing is said on each Workspace, and noticed when it is given"
    sed 's/^/    /' "$work/blind.log"
fi

without_karpenter() {
    kubectl get crd nodeclaims.karpenter.sh -o json | jq 'del(.metadata.resourceVersion, .metadata.uid, .status)' >"$work/nodeclaims.json"
    kubectl delete workspaces -A --all --wait=true --timeout=60s >/dev/null 2>&1
    kubectl delete crd nodeclaims.karpenter.sh --timeout=60s >/dev/null || return
    webhook_stop
    webhook_start "${reconcile_flags[@]}" || return
    tuning t-karpenter | kubectl apply -f - >/dev/null
    says t-karpenter NodeClaimReady 'TypeMissing.*Karpenter' || return
    kubectl apply -f "$work/nodeclaims.json" >/dev/null
    workspace_becomes t-karpenter Succeeded 120
}
if without_karpenter >"$work/without-karpenter.log" 2>&1; then ok "without Karpenter's types a condition says what to install, and its arrival is noticed"; else
    not_ok "without Karpenter's types a condition says what to install, and its arrival is noticed"
    sed 's/^/    /' "$work/without-karpenter.log"
fi
kubectl delete workspaces -A --all --wait=false >/dev/null

inference_is_said() {
    kubectl apply -f - >/dev/null <<'YAML' || return
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: {name: serve, finalizers: [workspace.finalizer.kaito.sh]}
resource: {instanceType: Standard_NC24ads_A100_v4, labelSelector: {matchLabels: {app: serve}}}
inference: {preset: {name: phi-3-mini-128k-instruct}}
YAML
    until_true 20 has_event serve InferenceNotRun || return
    kubectl delete workspace serve --timeout=20s
}
has_event() { kubectl get events --field-selector "involvedObject.name=$1,reason=$2" -o name | grep -q .; }
check "an inference Workspace is said not to be run, and can be deleted" inference_is_said

logs_are_json() {
    local bad
    bad=$(grep -vcE '^\{"ts":"[^"]+","level":"[a-z]+","msg":".*\}$' "$webhook_log")
    [ "$bad" -eq 0 ] || { grep -vE '^\{"ts"' "$webhook_log" | head && return 1; }
}
check "every log line is JSON" logs_are_json
