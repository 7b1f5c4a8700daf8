# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# With the webhook stopped: the validating one fails closed, the mutating one fails open.

kept_port=$webhook_port
webhook_stop

refused_while_down() {
    local output
    output=$(kubectl apply -f "$minimal" 2>&1) && return 1
    grep -q 'failed calling webhook' <<<"$output" || { echo "$output" && return 1; }
}
check "with the webhook stopped a Workspace is refused" refused_while_down

kubectl delete validatingwebhookconfiguration kaito-workspace-validation >/dev/null
undefaulted() {
    kubectl apply -f "$minimal" || return
    expect_field "$minimal_name" .resource.count '' && expect_field "$minimal_name" .resource.instanceType ''
}
check "with only the mutating one registered it passes, undefaulted" undefaulted

webhook_port=$kept_port
if webhook_start; then ok "the webhook comes back on the same port"; else not_ok "the webhook does not come back"; fi
check "and is registered again" register_webhooks
judged_again() { refused_with 'phi-3' kubectl apply -f "$root/examples/refused/preset-typo.yaml"; }
check "and judges again" judged_again
# The undefaulted object can be updated: absent fields are judged as their defaults.
check "an undefaulted object may get an annotation" kubectl annotate workspace "$minimal_name" team=ml
kubectl delete workspace "$minimal_name" >/dev/null
