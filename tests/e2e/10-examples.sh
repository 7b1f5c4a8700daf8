# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Every example, applied with plain kubectl, meets the fate that examples/expect.tsv states.

# A folder's files use their own namespace, so that no example stands on another's ConfigMap.
apply_example() {
    local path=$1 fate=$2 rules=$3 namespace output status
    namespace=$(tr -c 'a-z0-9\n' - <<<"${path%.yaml}")
    kubectl create namespace "$namespace" >/dev/null || return
    output=$(kubectl apply -n "$namespace" -f "$root/examples/$path" 2>&1)
    status=$?
    printf '%s\n' "$output"
    if [ "$fate" = admitted ]; then
        [ "$status" -eq 0 ]
        return
    fi
    [ "$status" -ne 0 ] && refused_by "$rules" "$output"
}

# Field validation happens in the API server before any webhook, so F rules have its words.
refused_by() {
    local rule
    for rule in ${1//,/ }; do
        case $rule in
        F001) grep -q 'unknown field' <<<"$2" || return ;;
        SCHEMA) grep -q 'Required value\|Invalid value\|Unsupported value' <<<"$2" || return ;;
        *) grep -q "\[$rule\]" <<<"$2" || return ;;
        esac
    done
}

while IFS=$'\t' read -r path fate rules; do
    case $path in '' | '#'*) continue ;; esac
    check "kubectl apply -f examples/$path: $fate $rules" apply_example "$path" "$fate" "$rules"
done <"$root/examples/expect.tsv"

every_example_is_listed() {
    local file missing=0
    while read -r file; do
        grep -q "^${file#"$root"/examples/}$(printf '\t')" "$root/examples/expect.tsv" || { echo "not in expect.tsv: $file" && missing=1; }
    done < <(find "$root/examples" -name '*.yaml')
    return "$missing"
}
check "every example is listed with its fate" every_example_is_listed
