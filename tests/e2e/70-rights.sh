# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The webhook's rights: what it did in this run, by the audit log, is within what the shipped role grants, and no more is granted
# than reading.

audit_of_webhook() {
    grep '"username":"system:serviceaccount:kaito-workspace:kaito-webhook"' "$KAITO_CLUSTER_AUDIT_LOG"
}

only_reads() {
    local other
    [ "$(audit_of_webhook | grep -c '"resource":"configmaps"')" -gt 0 ] || { echo "the audit log does not show it at all" && return 1; }
    other=$(audit_of_webhook | sed -nE 's/.*"verb":"([a-z]+)".*"resource":"([a-z]+)".*/\1 \2/p' | sort -u |
        grep -vE '^(get|list|watch) (configmaps|nodes)$')
    [ -z "$other" ] || { echo "it also did: $other" && return 1; }
}
check "the webhook reads ConfigMaps and Nodes and does nothing else" only_reads

never_refused() {
    local refused
    refused=$(audit_of_webhook | grep -c '"code":403')
    [ "$refused" -eq 0 ] || { echo "$refused requests were forbidden" && return 1; }
}
check "its role grants what it needs" never_refused

no_secrets() { ! kubectl auth can-i list secrets --as system:serviceaccount:kaito-workspace:kaito-webhook -A >/dev/null 2>&1; }
check "it may not read Secrets" no_secrets

logs_are_json() {
    local bad
    bad=$(grep -vcE '^\{"ts":"[^"]+","level":"[a-z]+","msg":".*\}$' "$webhook_log")
    [ "$bad" -eq 0 ] || { echo "$bad lines are not JSON" && return 1; }
}
check "every log line is JSON" logs_are_json
