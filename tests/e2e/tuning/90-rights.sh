# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Least privilege: what the role grants to write is what this run has written, and nothing more.

# "VERB RESOURCE" of each write the role grants, and of each that the audit log has with success.
granted_writes() {
    kubectl get clusterrole kaito-webhook -o json |
        jq -r '.rules[] | .resources[] as $r | .verbs[] | select(IN("create", "update", "patch", "delete")) | "\(.) \($r)"' | sort -u
}
used_writes() {
    jq -r --arg user "system:serviceaccount:$release_namespace:kaito-webhook" \
        'select(.user.username == $user and .responseStatus.code < 400 and (.verb | IN("create", "update", "patch", "delete")))
        | .verb + " " + .objectRef.resource + (if .objectRef.subresource then "/" + .objectRef.subresource else "" end)' \
        "$KAITO_CLUSTER_AUDIT_LOG" | sort -u
}
nothing_too_many() {
    # No API call shows that right: the API server asks for it when an owner reference blocks the owner's deletion. Leases are
    # of the release namespace's own role.
    diff <(granted_writes | grep -vx 'update workspaces/finalizers') <(used_writes | grep -v ' leases$')
}
if [ -z "${PARTS:-}" ]; then
    check "each write that the role grants was needed, and no other was made" nothing_too_many
fi
no_secret_was_read() {
    ! jq -e --arg user "system:serviceaccount:$release_namespace:kaito-webhook" 'select(.user.username == $user and .objectRef.resource == "secrets")' \
        "$KAITO_CLUSTER_AUDIT_LOG" >/dev/null
}
check "no Secret was touched" no_secret_was_read
