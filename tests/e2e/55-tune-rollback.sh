# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# A server that takes the dry run of a Workspace and then refuses the Workspace itself: the ConfigMap that `tune` made for
# it goes again, and one that was there gets its old content back.

kubectl create namespace rollback >/dev/null
refusing_policy() {
    cat <<'POLICY'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: refuse-what-is-no-dry-run
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - apiGroups: [kaito.sh]
      apiVersions: ["*"]
      operations: [CREATE, UPDATE]
      resources: [workspaces]
  validations:
  - expression: "has(request.dryRun) && request.dryRun"
    message: no new Workspaces today
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: refuse-what-is-no-dry-run
spec:
  policyName: refuse-what-is-no-dry-run
  validationActions: [Deny]
  matchResources:
    namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: rollback
POLICY
}

rollback_tune() { kubectl kaito tune "$1" -n rollback "${base_flags[@]}" --input-url "$url" "${output_flags[@]}" "${@:2}"; }
rollback_data() { kubectl get configmap -n rollback "$1" -o 'jsonpath={.data}'; }

check "tune: before the policy" rollback_tune kept --set LoraConfig.r=16
kept_data=$(rollback_data kept-config)
refusing_policy | kubectl apply -f - >/dev/null
# A policy works a moment after it is there.
policy_works() {
    local text
    text=$(rollback_tune probe 2>&1)
    grep -q 'no new Workspaces today' <<<"$text"
}
check "the policy works" until_true 30 policy_works

made_is_removed() {
    local text
    text=$(rollback_tune made --set LoraConfig.r=16 2>&1) && return 1
    grep -q 'no new Workspaces today' <<<"$text" || { echo "$text" && return 1; }
    ! kubectl get configmap -n rollback made-config >/dev/null 2>&1
}
check "tune: a ConfigMap made for a refused Workspace is removed" made_is_removed

changed_is_restored() {
    local text
    # An annotation, so that the Workspace changes too: what stays as it is asks no policy.
    text=$(rollback_tune kept --set LoraConfig.r=32 --annotation team=ml 2>&1) && return 1
    grep -q 'no new Workspaces today' <<<"$text" || { echo "$text" && return 1; }
    [ "$(rollback_data kept-config)" = "$kept_data" ] || { rollback_data kept-config && return 1; }
}
check "tune: a ConfigMap changed for a refused Workspace has its old content" changed_is_restored
refusing_policy | kubectl delete -f - >/dev/null

# The dry run sees the content that a deleted Workspace left behind; what counts is the new one.
policy_is_gone() { rollback_tune gone; }
left_over_is_replaced() {
    local text
    rollback_tune left --method lora --set LoraConfig.r=16 || return
    kubectl delete workspace -n rollback left --wait=false || return
    text=$(rollback_tune left --method qlora --set LoraConfig.r=16 2>&1) || { echo "$text" && return 1; }
    grep -q 'configmap/left-config configured' <<<"$text" || { echo "$text" && return 1; }
    rollback_data left-config | grep -q 'load_in_4bit: true' || { rollback_data left-config && return 1; }
}
check "the policy is gone" until_true 30 policy_is_gone
check "tune: a ConfigMap left behind by a deleted Workspace is used again" left_over_is_replaced

# What is too large with the old content fits with the new one.
left_over_batch() {
    local text
    rollback_tune batch --set TrainingArguments.per_device_train_batch_size=40 || return
    kubectl delete workspace -n rollback batch --wait=false || return
    text=$(rollback_tune batch --set TrainingArguments.per_device_train_batch_size=1 --instance-type Standard_NC6s_v3 2>&1) ||
        { echo "$text" && return 1; }
}
check "tune: nor does the memory that the old content needs count" left_over_batch

no_stale_warnings() {
    local text
    text=$(rollback_tune old-gpu --set LoraConfig.r=16 --instance-type Standard_NC6s_v3 2>&1) || { echo "$text" && return 1; }
    ! grep -i 'fp16' <<<"$text"
}
check "tune: no warning of the ConfigMap that is about to be made" no_stale_warnings
