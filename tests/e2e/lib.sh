# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2317,SC2119,SC2120
#
# What the end-to-end tests and the demo share: a control plane, our webhook on it, and small checks. Sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in /*) build=$BUILD ;; *) build=$root/$BUILD ;; esac
plugin=$build/bin/kubectl-kaito
webhook=$build/bin/kaito-webhook
release_namespace=kaito-workspace

layer=e2e
ok() { echo "ok $layer: $*"; }
not_ok() { echo "not ok $layer: $*"; }
skip() { echo "skip $layer: $*"; }

# check NAME COMMAND...: one test. Its output is shown when it fails.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then ok "$name"; else
        not_ok "$name"
        printf '%s\n' "$output" | sed 's/^/    /'
    fi
}

# until_true SECONDS COMMAND...: polls; fails when the time is over.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        read -rt 0.1 <> <(:) || true
    done
}

# cluster_up [--with-nodes|--with-pods] DIR: starts a control plane there and reads its settings; --with-nodes: with Karpenter
# and kwok, where the word in a Workspace's name decides what becomes of its pod (tests/cluster/nodes/*.yaml); --with-pods:
# with a real node. Returns 75 when it cannot be had here.
cluster_up() {
    local with=()
    case $1 in
    --with-*)
        with=("$1")
        shift
        ;;
    esac
    cluster_dir=$1
    "$root/tests/cluster/up.sh" "${with[@]}" "$cluster_dir" >"$cluster_dir.log" 2>&1 || return
    # shellcheck disable=SC1091
    . "$cluster_dir/env"
    kubectl() { "$KUBECTL" "$@"; }
    # kubectl finds the plugin by its name.
    PATH=$build/bin:$PATH
}

cluster_down() {
    [ -n "${cluster_dir:-}" ] && "$root/tests/cluster/down.sh" "$cluster_dir" >/dev/null 2>&1
}

# webhook_start [FLAG...] (not inside `check`, which runs in a subshell): the server on free ports, with certificates of its own and the rights of its service account.
webhook_start() {
    local certs=$cluster_dir/webhook-certs
    webhook_log=$cluster_dir/webhook.log
    [ -d "$certs" ] || "$build/bin/make-certs" --dir "$certs" --dns localhost --ip 127.0.0.1 >/dev/null || return
    : >"$webhook_log"
    "$webhook" --bind-address=127.0.0.1 --webhook-port="${webhook_port:-0}" --health-port=0 --metrics-port=0 \
        --tls-cert-file="$certs/tls.crt" --tls-key-file="$certs/tls.key" --release-namespace="$release_namespace" \
        ${webhook_kubeconfig_file:+--kubeconfig="$webhook_kubeconfig_file"} --shutdown-delay=0s --reconcile=false "$@" >/dev/null 2>"$webhook_log" &
    webhook_pid=$!
    until_true 20 grep -q '"msg":"serving"' "$webhook_log" || return
    webhook_port=$(log_value webhookPort) health_port=$(log_value healthPort) metrics_port=$(log_value metricsPort)
    until_true 20 http_ok "http://127.0.0.1:$health_port/readyz"
}

log_value() { sed -nE "s/.*\"msg\":\"serving\".*\"$1\":\"([0-9]+)\".*/\\1/p" "$webhook_log" | tail -n 1; }

http_ok() { curl -fsS --max-time 5 "$1"; }

webhook_stop() {
    [ -n "${webhook_pid:-}" ] || return 0
    kill "$webhook_pid" 2>/dev/null
    wait "$webhook_pid" 2>/dev/null
    webhook_pid=
}

# A kubeconfig with a token of the service account that the manifests make: the webhook has exactly their rights.
webhook_kubeconfig() {
    webhook_kubeconfig_file=$cluster_dir/webhook-kubeconfig
    local token
    token=$(kubectl -n "$release_namespace" create token kaito-webhook --duration=2h) || return
    kubectl config view --minify --flatten --raw -o json >"$cluster_dir/admin.json" || return
    kubectl --kubeconfig "$cluster_dir/webhook-kubeconfig" config set-cluster local --server="$KAITO_CLUSTER_SERVER" \
        --certificate-authority="$KAITO_CLUSTER_CA" --embed-certs >/dev/null
    kubectl --kubeconfig "$cluster_dir/webhook-kubeconfig" config set-credentials webhook --token="$token" >/dev/null
    kubectl --kubeconfig "$cluster_dir/webhook-kubeconfig" config set-context local --cluster=local --user=webhook >/dev/null
    kubectl --kubeconfig "$cluster_dir/webhook-kubeconfig" config use-context local >/dev/null
}

# The shipped manifests: the CRD, and what the webhook needs in the cluster when its process runs on the host.
install_manifests() {
    kubectl apply -k "$root/manifests/crd" >/dev/null || return
    # `wait` gives up at once on a CRD so new that it has no conditions.
    until_true 30 kubectl wait --for=condition=Established crd/workspaces.kaito.sh --timeout=30s || return
    local file
    for file in namespace serviceaccount rbac service templates; do
        kubectl apply -f "$root/manifests/base/$file.yaml" ${1:+"$@"} >/dev/null || return
    done
}

# The shipped webhook configurations with `service:` turned into the URL of the process on this host.
webhook_configurations() {
    local bundle
    bundle=$(base64 -w0 "$cluster_dir/webhook-certs/ca.crt")
    sed -E "s|clientConfig: .* path: ([^,]+),.*|clientConfig: {url: \"https://127.0.0.1:$webhook_port\\1\", caBundle: $bundle}|" \
        "$root/manifests/base/webhooks.yaml"
}

register_webhooks() { webhook_configurations | kubectl apply -f - >/dev/null; }

# workspace_state NAME [NAMESPACE]; workspace_condition NAME TYPE [NAMESPACE]: "STATUS REASON MESSAGE", empty when it is not there.
workspace_state() { kubectl get workspace "$1" -n "${2:-default}" -o 'jsonpath={.status.state}'; }
workspace_condition() {
    kubectl get workspace "$1" -n "${3:-default}" \
        -o "jsonpath={range .status.conditions[?(@.type==\"$2\")]}{.status} {.reason} {.message}{end}"
}
condition_is() { [[ $(workspace_condition "$1" "$2" "${4:-default}") == $3* ]]; } # NAME TYPE "True", "False Reason"

# workspace_becomes NAME STATE SECONDS [NAMESPACE]: waits; says how far it came when it does not, and does not wait on for a
# state that cannot come any more.
workspace_becomes() {
    local deadline=$((SECONDS + $3)) state
    while state=$(workspace_state "$1" "${4:-default}" 2>/dev/null) && [ "$state" != "$2" ] || [ -z "${state:-}" ]; do
        case $state in Succeeded | Failed) break ;; esac
        [ "$SECONDS" -lt "$deadline" ] || break
        read -rt 0.1 <> <(:) || true
    done
    [ "$state" = "$2" ] && return
    echo "workspace ${4:-default}/$1 is ${state:-without a state}, not $2, after $((SECONDS - deadline + $3)) s:"
    kubectl get workspace "$1" -n "${4:-default}" \
        -o 'jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\n"}{end}'
    kubectl get nodeclaims,nodes -o wide
    kubectl get jobs,pods -n "${4:-default}" -o wide
    return 1
}

# watch_workspaces start FILE (not inside `check`) records every event of every Workspace until `watch_workspaces stop`.
# Judged by check_watch.sh.
watch_workspaces() {
    case $1 in
    start)
        "$root/tests/e2e/watch.sh" "$2" &
        watch_pid=$!
        until_true 20 test -e "$2.ready"
        ;;
    stop)
        [ -n "${watch_pid:-}" ] || return 0
        kill "$watch_pid" 2>/dev/null
        wait "$watch_pid" 2>/dev/null
        watch_pid=
        ;;
    esac
}

# audit_mark: where the audit log is now. audit_lines MARK [USER]: the writes of our service account since then, one JSON object
# a line (audit_writes.jq).
audit_mark() { wc -l <"$KAITO_CLUSTER_AUDIT_LOG"; }
audit_lines() {
    jq -nc --argjson since "${1:-0}" --arg user "${2:-system:serviceaccount:$release_namespace:kaito-webhook}" \
        -f "$root/tests/e2e/audit_writes.jq" "$KAITO_CLUSTER_AUDIT_LOG"
}

# audit_writes NAME [MARK]: what was written for one Workspace: "COUNT NOOPS CODE VERB RESOURCE NAME" a line, most first.
audit_writes() {
    audit_lines "${2:-0}" | jq -rs --arg name "$1" 'map(select(.of == $name)) | group_by([.code, .verb, .resource, .name]) |
        sort_by(-length)[] | "\(length) \(map(select(.noop)) | length) \(.[0].code) \(.[0].verb) \(.[0].resource) \(.[0].name)"'
}
