# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Two replicas: one reconciles, and the other goes on when it dies.

webhook_stop
webhook_start "${reconcile_flags[@]}" --leader-identity=first >/dev/null 2>&1
second_log=$work/second.log
"$webhook" --bind-address=127.0.0.1 --webhook-port=0 --health-port=0 --metrics-port=0 --shutdown-delay=0s \
    --tls-cert-file="$cluster_dir/webhook-certs/tls.crt" --tls-key-file="$cluster_dir/webhook-certs/tls.key" \
    --kubeconfig="$webhook_kubeconfig_file" --release-namespace="$release_namespace" "${reconcile_flags[@]}" \
    --leader-identity=second >/dev/null 2>"$second_log" &
second_pid=$!

one_leads() {
    until_true 20 grep -q 'another replica reconciles; waiting.*first' "$second_log" || { cat "$second_log" && return 1; }
    tuning two-a | kubectl apply -f - >/dev/null
    workspace_becomes two-a Succeeded 60 || return
    ! grep -q '"msg":"created"' "$second_log" || { echo "both reconcile" && cat "$second_log" && return 1; }
}
check "of two replicas one reconciles" one_leads

takes_over() { # MARK: the Lease runs out after 15 s without its holder
    workspace_becomes two-slow Succeeded 90 || { cat "$second_log" && return 1; }
    made_once two-slow "$1" || { cat "$work/made" && return 1; }
    grep -q 'this replica reconciles' "$second_log"
}
replicas_mark=$(audit_mark)
tuning two-slow | kubectl apply -f - >/dev/null
until_true 60 point_is two-slow 4
webhook_kill
check "when it is killed the other goes on, and nothing is made twice" takes_over "$replicas_mark"
kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration --all >/dev/null # they led to the first
kubectl delete workspaces --all --wait=false >/dev/null
gone two-slow 40 >/dev/null
kill "$second_pid" && wait "$second_pid"
webhook_start "${reconcile_flags[@]}" >/dev/null 2>&1
register_webhooks
