# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Nodes that cannot be had: the Workspace fails after a bounded number of claims, and says why.

watch_workspaces start "$work/claims.watch"
claims_made() { audit_lines "$1" | jq -rs --arg name "$2" 'map(select(.of == $name and .resource == "nodeclaims" and .verb == "create")) | length'; }

unknown_type() { # a type that nobody knows: made while no webhook looks
    local mark
    mark=$(audit_mark)
    kubectl delete validatingwebhookconfiguration --all >/dev/null
    instance_type=Standard_NC99_unknown tuning c-unknown-type | kubectl apply -f - >/dev/null || return
    register_webhooks
    workspace_becomes c-unknown-type Failed 60 || return
    workspace_condition c-unknown-type WorkspaceSucceeded
    workspace_condition c-unknown-type WorkspaceSucceeded | grep -qi 'instance type' || return
    [ "$(claims_made "$mark" c-unknown-type)" = 3 ] || { echo "$(claims_made "$mark" c-unknown-type) claims" && return 1; }
    kubectl get events --field-selector involvedObject.name=c-unknown-type,type=Warning -o 'jsonpath={.items[*].message}' | grep -q . ||
        { echo "no Warning event" && return 1; }
}
check "a machine type that cannot be had ends Failed after at most three claims, with a Warning" unknown_type

tries_again() {
    kubectl annotate workspace c-unknown-type workspace.kaito.io/node-claims- >/dev/null || return
    until_true 20 one_claim c-unknown-type
}
one_claim() { [ "$(kubectl get nodeclaims -l "kaito.sh/workspace=$1" -o name | wc -l)" = 1 ]; }
check "what the message says starts it over" tries_again
kubectl delete workspace c-unknown-type --wait=false >/dev/null

missing_class() {
    kubectl get kaitonodeclass default -o json | jq 'del(.metadata.resourceVersion, .metadata.uid)' >"$work/class.json" || return
    kubectl delete kaitonodeclass default >/dev/null || return
    tuning c-no-class | kubectl apply -f - >/dev/null
    workspace_becomes c-no-class Failed 60 || return
    workspace_condition c-no-class WorkspaceSucceeded | grep -qiE 'class|capacity' || { workspace_condition c-no-class WorkspaceSucceeded && return 1; }
}
check "a missing node class ends Failed, naming it" missing_class
kubectl apply -f "$work/class.json" >/dev/null

lost_before() { # a claim that somebody deletes before its node is ready is followed by another
    local mark
    mark=$(audit_mark)
    tuning c-lost | kubectl apply -f - >/dev/null
    until_true 20 delete_claim c-lost || return
    workspace_becomes c-lost Succeeded 60 || return
    [ "$(claims_made "$mark" c-lost)" = 2 ] || { echo "$(claims_made "$mark" c-lost) claims" && return 1; }
}
delete_claim() {
    local claim
    claim=$(kubectl get nodeclaims -l "kaito.sh/workspace=$1" -o name | head -n 1)
    [ -n "$claim" ] && kubectl delete "$claim" --wait=false
}
check "a claim that is deleted before its node is ready is followed by a second" lost_before

lost_after() { # the machine under a running tuning goes away
    tuning c-never-ends | kubectl apply -f - >/dev/null
    until_true 60 condition_is c-never-ends JobStarted True || return
    delete_claim c-never-ends >/dev/null || return
    workspace_becomes c-never-ends Failed 90 || return
    workspace_condition c-never-ends WorkspaceSucceeded | grep -qiE 'node|claim' || { workspace_condition c-never-ends WorkspaceSucceeded && return 1; }
}
check "a machine that is taken away under a tuning ends Failed, naming it" lost_after

watch_workspaces stop
check "no condition and no state ever went backwards" "$root/tests/e2e/check_watch.sh" --may-go-back c-unknown-type --may-go-back c-never-ends "$work/claims.watch"
kubectl delete workspaces --all --wait=false >/dev/null
