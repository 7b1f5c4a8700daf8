# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Beside another operator of Workspaces: refused, unless told to take over, or to serve webhooks only.

upstream_objects() { # upstream's validating webhook, as its chart registers it
    cat <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: validation.workspace.kaito.sh}
webhooks:
- name: validation.workspace.kaito.sh
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  timeoutSeconds: 1
  clientConfig: {url: "https://127.0.0.1:1/validate/workspace.kaito.sh"}
  rules: [{apiGroups: [kaito.sh], apiVersions: [v1beta1], resources: [workspaces], operations: [CREATE, UPDATE]}]
YAML
}

starts_with() { # FLAG...: the status with which it ends within a few seconds, or "serves"
    local certs=$cluster_dir/webhook-certs pid
    "$webhook" --bind-address=127.0.0.1 --webhook-port=0 --health-port=0 --metrics-port=0 --shutdown-delay=0s \
        --tls-cert-file="$certs/tls.crt" --tls-key-file="$certs/tls.key" --kubeconfig="$webhook_kubeconfig_file" \
        --release-namespace="$release_namespace" "$@" >/dev/null 2>"$work/company.log" &
    pid=$!
    until_true 30 ended_or_serves "$pid"
    if kill -0 "$pid" 2>/dev/null; then
        kill "$pid" && wait "$pid"
        echo serves
    else
        wait "$pid"
        echo $?
    fi
}
ended_or_serves() { ! kill -0 "$1" 2>/dev/null || grep -q '"msg":"serving"' "$work/company.log"; }

webhook_stop
upstream_objects | kubectl apply -f - >/dev/null
refused_in_company() {
    [ "$(starts_with --reconcile=true)" = 1 ] || { cat "$work/company.log" && return 1; }
    grep -q 'another operator of Workspaces.*validation.workspace.kaito.sh.*--take-over' "$work/company.log" || { cat "$work/company.log" && return 1; }
}
check "beside upstream's webhook the reconciler does not start, and says why" refused_in_company
takes_over() { [ "$(starts_with --reconcile=true --take-over)" = serves ] && grep -q 'taking over' "$work/company.log"; }
check "--take-over starts all the same, with a warning" takes_over
webhooks_only() { [ "$(starts_with --reconcile=false)" = serves ]; }
check "--reconcile=false serves webhooks beside it" webhooks_only
kubectl delete validatingwebhookconfiguration validation.workspace.kaito.sh >/dev/null
alone_again() { [ "$(starts_with --reconcile=true)" = serves ] || { cat "$work/company.log" && return 1; }; }
check "without it the reconciler starts" alone_again

# A Workspace that upstream carried: its revision has upstream's hash. Taking it over must not run it again.
webhook_start "${reconcile_flags[@]}" >/dev/null
taken_over() {
    tuning o-taken | kubectl apply -f - >/dev/null
    workspace_becomes o-taken Succeeded 60 || return
    local mark uid
    uid=$(kubectl get job o-taken -o 'jsonpath={.metadata.uid}')
    mark=$(audit_mark)
    kubectl annotate --overwrite workspace o-taken workspace.kaito.io/hash=0123456789abcdef workspace.kaito.io/node-claims- >/dev/null
    until_true 20 has_own_hash o-taken || return
    [ "$(kubectl get job o-taken -o 'jsonpath={.metadata.uid}')" = "$uid" ] || return
    [ "$(workspace_state o-taken)" = Succeeded ] || return
    [ -z "$(audit_lines "$mark" | jq -c 'select(.of == "o-taken" and .verb == "create" and .resource != "events")')" ]
}
has_own_hash() { [ "$(kubectl get workspace "$1" -o 'jsonpath={.metadata.annotations.workspace\.kaito\.io/hash}' | wc -c)" = 64 ]; }
check "a Workspace that another operator carried is adopted, and not run again" taken_over
kubectl delete workspaces --all --wait=false >/dev/null
