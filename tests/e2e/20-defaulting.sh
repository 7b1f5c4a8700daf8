# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What the mutating webhook fills in, and that it never trips its own immutability.

get_field() { kubectl get workspace "$1" -n "${3:-default}" -o "jsonpath={$2}"; }

expect_field() {
    local got
    got=$(get_field "$1" "$2" "${4:-default}")
    [ "$got" = "$3" ] || { echo "$2 is '$got', wanted '$3'" && return 1; }
}

minimal=$root/examples/fine-tuning/minimal.yaml
minimal_name=$(sed -nE 's/^  name: (.*)/\1/p' "$minimal" | head -n 1)
check "a minimal Workspace is admitted" kubectl apply -f "$minimal"
check "D01: count becomes 1" expect_field "$minimal_name" .resource.count 1
check "D02: an instance type is chosen" expect_field "$minimal_name" .resource.instanceType Standard_NV36ads_A10_v5
check "D03: the selector is apps: <name>" expect_field "$minimal_name" .resource.labelSelector.matchLabels.apps "$minimal_name"
check "D05: the access mode is public" expect_field "$minimal_name" .tuning.preset.accessMode public

reapply_is_unchanged() {
    local output
    output=$(kubectl apply -f "$minimal" 2>&1)
    grep -q unchanged <<<"$output" || { echo "$output" && return 1; }
}
check "applying the same file again changes nothing" reapply_is_unchanged

metadata_update() { kubectl annotate workspace "$minimal_name" team=ml && kubectl annotate workspace "$minimal_name" team-; }
check "a change of metadata is admitted" metadata_update

immutable_is_refused() {
    local output
    output=$(kubectl patch workspace "$minimal_name" --type=merge -p '{"resource":{"instanceType":"Standard_NC24ads_A100_v4"}}' 2>&1) && return 1
    grep -q 'resource.instanceType' <<<"$output" && grep -qi 'immutable' <<<"$output"
}
check "the instance type cannot be changed" immutable_is_refused

table_has_columns() {
    local header
    header=$(kubectl get workspace "$minimal_name" | head -n 1)
    [[ $header =~ NAME\ +INSTANCE\ +RESOURCEREADY\ +INFERENCEREADY\ .*WORKSPACEREADY\ .*AGE ]] || { echo "$header" && return 1; }
}
check "kubectl get workspace has the guide's columns in order" table_has_columns

both_versions() {
    kubectl get --raw "/apis/kaito.sh/v1alpha1/namespaces/default/workspaces/$minimal_name" >/dev/null &&
        kubectl get --raw "/apis/kaito.sh/v1beta1/namespaces/default/workspaces/$minimal_name" >/dev/null
}
check "both API versions are served" both_versions
kubectl delete workspace "$minimal_name" >/dev/null
