# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Each trouble between `tune` and the API server gives one clear error, exit status 1, and nothing half done.

tune_somewhere() { "$plugin" tune trouble --model phi-3-mini-128k-instruct --instance-type Standard_NC24ads_A100_v4 --input-url "$url" "${output_flags[@]}" "$@"; }

fails_with() { # TEXT COMMAND...
    local wanted=$1 text status
    shift
    text=$("$@" 2>&1 >/dev/null)
    status=$?
    [ "$status" -eq 1 ] || { echo "exit status $status: $text" && return 1; }
    [ "$(grep -cE '^(error|Error|The connection|Unable to connect)' <<<"$text")" -eq 1 ] || { echo "not one error: $text" && return 1; }
    grep -qi -- "$wanted" <<<"$text" || { echo "$text" && return 1; }
}

check "no such context: the names there are" fails_with 'no-such-context' tune_somewhere --context no-such-context
check "no such kubeconfig" fails_with '/nonexistent' tune_somewhere --kubeconfig /nonexistent
check "server down" fails_with 'refused' tune_somewhere --server https://127.0.0.1:1
check "a bad token: 401" fails_with Unauthorized tune_somewhere --kubeconfig "$cluster_dir/webhook-kubeconfig" --token not-a-token
check "a bad token without a user: 401" fails_with 'credentials of the flag --token' tune_somewhere --kubeconfig /dev/null \
    --server "$KAITO_CLUSTER_SERVER" --certificate-authority "$KAITO_CLUSTER_CA" --token not-a-token
nobody=$(kubectl create token default --duration=1h)
check "no right: 403" fails_with 'Forbidden' tune_somewhere --kubeconfig "$cluster_dir/webhook-kubeconfig" --token "$nobody"
check "an unknown authority" fails_with 'certificate' tune_somewhere --certificate-authority "$cluster_dir/webhook-certs/ca.crt"
check "no such namespace: 404" fails_with 'not found' tune_somewhere -n no-such-namespace
